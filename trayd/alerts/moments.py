"""When to evaluate the rules again though nothing has changed in the ledger: time alone can change a result. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from trayd.alert_settings import Alerts
from trayd.alerts.rules import Observed
from trayd.episodes import Episode
from trayd.insight.windows import day_start

_DAY = timedelta(days=1)


def next_moment(observed: Observed, episodes: Iterable[Episode], limits: Alerts) -> datetime:
    """The next such moment after that of the look (UTC): a day begins, a snooze is over, an account is silent too long.

    Days begin in the user's zone; weeks and months begin with one of them.
    """
    tomorrow = day_start(observed.today + _DAY, observed.zone)
    moments = [tomorrow, observed.at + _DAY]
    moments += [episode.snoozed_until for episode in episodes if episode.snoozed_until is not None]
    if limits.stale_after_minutes:
        patience = timedelta(minutes=limits.stale_after_minutes)
        moments += [fact.as_of + patience for fact in observed.accounts if fact.as_of is not None]
        moments += [outage.since + patience for outage in observed.outages.values()]
    return min(moment for moment in moments if moment > observed.at)
