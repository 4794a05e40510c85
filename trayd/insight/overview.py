"""Puts the status together from what the ledger holds: a few sums, no clock of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, tzinfo

import msgspec

from trayd.episodes import Episode
from trayd.facts import AccountFact, Difference
from trayd.insight.forecast import Forecast
from trayd.insight.status import AccountStatus, AlertStatus, Spent, Status
from trayd.insight.tally import Sums, Tally
from trayd.insight.usage import spending, spent
from trayd.rates import Converter
from trayd.records import BalanceReading

#: Resolved episodes are shown for this long.
SHOWN_AFTER_END = timedelta(hours=24)

#: fal's answer is called stale after this many missed polls, and not before ten minutes.
_MISSED_POLLS = 3
_STALE_AT_LEAST = timedelta(minutes=10)


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """What the status is made from, beside the records.

    Attributes:
        names: the accounts that are set up, in the user's order.
        balances: the newest of each account.
        poll_interval: how often fal is asked.
        billed: whether the billing of any account was ever read.
        converter: the rates into the home currency.
        forecast: how long balances last, and what the month comes to.
    """

    names: tuple[str, ...]
    accounts: Mapping[str, AccountFact]
    balances: Mapping[str, BalanceReading]
    episodes: tuple[Episode, ...]
    differences: tuple[Difference, ...]
    poll_interval: timedelta
    billed: bool
    converter: Converter
    zone: tzinfo
    forecast: Forecast = Forecast()


def build_status(source: Sums, known: Overview, now: datetime) -> Status:
    """The status at ``now``; the parts that only a running daemon knows are left at their defaults."""
    windows = spending(source, now, known.zone, known.converter)
    everything = windows["total"]
    return Status(
        accounts=_accounts(known, now),
        spent=_spent(windows, everything, known),
        alerts=_alerts(known.episodes, now),
        pending=everything.running(),
        month=known.forecast.month_end,
        unmatched=everything.unmatched,
        differences=known.differences,
    )


def _spent(windows: Mapping[str, Tally], everything: Tally, known: Overview) -> dict[str, Spent]:
    told = {name: spent(tally) for name, tally in windows.items()}
    if known.billed or everything.imported or everything.priced or everything.left_out:
        return told
    return {name: msgspec.structs.replace(window, cost=None) for name, window in told.items()}


def _accounts(known: Overview, now: datetime) -> tuple[AccountStatus, ...]:
    stale_after = max(known.poll_interval * _MISSED_POLLS, _STALE_AT_LEAST)
    today = now.astimezone(known.zone).date()
    # Of a balance that was read so long ago that it may be used up by now, no day is told.
    run_outs = {
        each.account: each.run_out
        for each in known.forecast.accounts
        if each.run_out is not None and each.run_out.day >= today
    }
    statuses = []
    for name in known.names:
        fact = known.accounts.get(
            name,
            AccountFact(
                name=name, state="offline", problem="fal has not been asked yet; run `trayd run` or `trayd refresh`"
            ),
        )
        reading = known.balances.get(fact.username or name)
        run_out = run_outs.get(name)
        state = fact.state
        if state == "ok" and (fact.as_of is None or now - fact.as_of > stale_after):
            state = "stale"
        statuses.append(
            AccountStatus(
                name=name,
                username=fact.username,
                balance=reading.amount if reading and fact.has_credits else None,
                as_of=fact.as_of,
                state=state,
                run_out=run_out.day if run_out else None,
                run_out_range=(run_out.earliest, run_out.latest) if run_out else None,
                problem=fact.problem,
            )
        )
    return tuple(statuses)


def _alerts(episodes: Iterable[Episode], now: datetime) -> tuple[AlertStatus, ...]:
    # An episode without words is one that nobody was to be told of.
    shown = [
        episode
        for episode in episodes
        if episode.text and (episode.resolved is None or now - episode.resolved <= SHOWN_AFTER_END)
    ]
    shown.sort(key=lambda episode: (episode.resolved is not None, -episode.since.timestamp()))
    return tuple(
        AlertStatus(
            id=episode.id,
            rule=episode.rule,
            state="open" if episode.resolved is None else "resolved",
            since=episode.since,
            text=episode.text,
            title=episode.title,
            level=episode.level,
            urgency=episode.urgency,
            snoozed_until=episode.snoozed_until
            if episode.snoozed_until is not None and episode.snoozed_until > now
            else None,
        )
        for episode in shown
    )
