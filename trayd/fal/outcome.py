"""What came of a poll, for whoever asked for it and for the notification that ends the first backfill."""

from __future__ import annotations

from datetime import datetime, tzinfo

import msgspec

from trayd.facts import Difference
from trayd.money import Money, format_money


class BackfillSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What the first poll of an account found.

    Attributes:
        generations: how many requests were billed.
        cost: what they cost together; ``unpriced`` of them have no price yet and are not in it.
        since: the first instant that was looked at (UTC).
        at: when it was complete (UTC).
    """

    generations: int
    cost: Money
    since: datetime
    at: datetime
    unpriced: int = 0

    def text(self, zone: tzinfo, locale: str = "en_US") -> str:
        """For people: ``612 billed generations, $48.20, since 22 Oct``; those that cost nothing are not in it."""
        from babel.dates import format_date
        from babel.numbers import format_decimal

        since, at = self.since.astimezone(zone).date(), self.at.astimezone(zone).date()
        day = format_date(since, "d MMM" if since.year == at.year else "d MMM y", locale="en")
        if not self.generations:
            return f"no billed generations since {day}"
        noun = "billed generation" if self.generations == 1 else "billed generations"
        unpriced = f" ({self.unpriced} without a price yet)" if self.unpriced else ""
        count = format_decimal(self.generations, locale=locale)
        return f"{count} {noun}, {format_money(self.cost, locale)}{unpriced}, since {day}"


class PollOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one poll of one account.

    Attributes:
        name: what the user calls the account; ``account`` is fal's username once that is known.
        at: when the poll began (UTC).
        state: how the account stands now, in the words of ``trayd status --json``.
        problem: what went wrong and the cure; empty when all went well.
        created: ids of the records that are new; ``changed`` of those that are different now.
        backfill: what the first poll of the account found, once.
        differences: where fal's own totals and the ledger's differ, as known now.
        retry_after: for how many seconds fal wants to be left alone; None where it did not say.
    """

    name: str
    account: str
    at: datetime
    state: str
    problem: str = ""
    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    backfill: BackfillSummary | None = None
    differences: tuple[Difference, ...] = ()
    retry_after: float | None = None
