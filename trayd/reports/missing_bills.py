"""Of which part of a period fal's bills are not known: what it billed there is in no figure, and is not nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

#: fal is asked every few minutes: of a period that goes on its bills are known up to now where they are no older.
_JUST_NOW = timedelta(hours=1)


class KnownBills(NamedTuple):
    """The stretch of time of which fal's bills were read, of all accounts that are meant.

    Attributes:
        since: its first instant (UTC), and ``until`` the first one after it. It can be empty.
    """

    since: datetime
    until: datetime


class MissingBills(NamedTuple):
    """What is not known of a period.

    Attributes:
        since: bills before this are not known; None where they are.
        until: bills from this on are not known; None where they are.
        every: whether none of the period are known.
    """

    since: datetime | None
    until: datetime | None
    every: bool

    def concerns(self, since: datetime, until: datetime) -> bool:
        """Whether bills of some of that time are not known."""
        before = self.since is not None and since < self.since
        return self.every or before or (self.until is not None and until > self.until)

    def told(self, moment: Callable[[datetime], str]) -> str:
        """In a sentence, without its point; ``moment`` writes a time."""
        if self.every:
            return "fal's bills of this time are not known: what it billed is not in here"
        if self.since and self.until:
            known, lacking = f"from {moment(self.since)} to {moment(self.until)}", "before and after"
        elif self.since:
            known, lacking = f"from {moment(self.since)} on", "before"
        else:
            known, lacking = f"up to {moment(self.until)}" if self.until else "", "after"
        return f"fal's bills are known {known}: what it billed {lacking} is not in here"


def missing_bills(
    known: KnownBills | None, since: datetime | None, until: datetime | None, now: datetime
) -> MissingBills | None:
    """What is missing of a period.

    Args:
        known: the bills that are known; None where no account of fal's is meant of which any are.
        since: the period's first instant; None: it begins with what there is.
        until: the first one after it; None: it goes on.
        now: the time (UTC).
    """
    if known is None:
        return None
    end = now - _JUST_NOW if until is None or until > now else until
    before = known.since if since is not None and since < known.since else None
    after = known.until if known.until < end else None
    if before is None and after is None:
        return None
    every = known.until <= known.since or known.since >= end or (since is not None and known.until <= since)
    return MissingBills(before, after, every)
