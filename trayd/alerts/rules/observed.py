"""What the rules look at: everything that is known at one moment, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo

import msgspec

from trayd.episodes import Episode
from trayd.facts import AccountFact, Coverage, Difference
from trayd.insight.anomalies import Anomaly
from trayd.insight.budgets import BudgetStatus
from trayd.insight.credits import Expiring
from trayd.insight.forecast import AccountForecast
from trayd.records import BalanceReading, Generation


class Outage(msgspec.Struct, frozen=True):
    """An outage: fal could not be asked for an account, try after try.

    Attributes:
        since: the first of the tries that failed (UTC).
        tried: the last one; between two of them the computer was awake.
    """

    since: datetime
    tried: datetime


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at one moment. What is not known is absent or None: then nothing is told, and nothing recovers.

    Attributes:
        at: that moment (UTC).
        zone: the user's, in which days begin.
        balances: the newest reading of each account that has one.
        accounts: how each account that is set up stands after the latest try to reach it.
        removed: the accounts that were taken out of the settings, as they stood last.
        coverage: by account, for those whose first poll is complete.
        starting: a poll is under way that brings what is of days ago, the first one of an account or the first one
            after the computer was off, so that totals still grow with what is no news.
        unanswered: accounts, as records name them, that fal has not answered for lately, or whose bills have not been
            read since it does again: what is known of them may be of days ago.
        generations: at least all of the last 24 hours; None where they cannot be read.
        budgets: how each stands in the period that runs, and in the one before where that ended in the last 24 hours.
        unusual: those of today and yesterday that are, worth a warning or not.
        forecasts: of the accounts that are set up.
        expiring: the credits of all accounts that will expire within the longest time that is warned of.
        outages: by the account's name in the settings, for those that fal does not answer for.
        writing: why the ledger could not be written the last time; empty where it could.
        mended: what was found damaged when the ledger was opened, and mended.
        damaged: what the last look through all of the ledger's files found.
        reports: by schedule, why its reports could not be made the last time; empty where they could, or none is due.
        differences: where fal's own totals and the ledger's differ.
        differing_since: by account, since when they have been seen to (UTC).
        episodes: by id.
        paused_until: the end of the last pause that a person asked for (UTC).
    """

    at: datetime
    zone: tzinfo = UTC
    balances: Mapping[str, BalanceReading] = {}
    accounts: tuple[AccountFact, ...] = ()
    removed: tuple[AccountFact, ...] = ()
    coverage: Mapping[str, Coverage] = {}
    starting: bool = False
    unanswered: frozenset[str] = frozenset()
    generations: tuple[Generation, ...] | None = ()
    budgets: tuple[BudgetStatus, ...] | None = None
    unusual: tuple[Anomaly, ...] | None = None
    forecasts: tuple[AccountForecast, ...] = ()
    expiring: tuple[Expiring, ...] | None = None
    outages: Mapping[str, Outage] = {}
    writing: str | None = None
    reports: Mapping[str, str] | None = None
    mended: tuple[str, ...] = ()
    damaged: tuple[str, ...] | None = None
    differences: tuple[Difference, ...] | None = None
    differing_since: Mapping[str, datetime] = {}
    episodes: Mapping[str, Episode] = {}
    paused_until: datetime | None = None

    @property
    def today(self) -> date:
        """The civil day that it is."""
        return self.at.astimezone(self.zone).date()

    @property
    def watched_since(self) -> datetime | None:
        """When the first poll of the last account was complete (UTC): what was spent before is no news."""
        return max((covered.first_completed_at for covered in self.coverage.values()), default=None)


def account_of(fact: AccountFact) -> str:
    """The account's name in records and readings: fal's username once it is known."""
    return fact.username or fact.name
