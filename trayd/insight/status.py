"""The status: what the tray, ``trayd status`` and the panel show first, as one immutable value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import msgspec

from trayd.episodes import Urgency
from trayd.facts import Difference
from trayd.insight.conversion import Days, RateUse
from trayd.insight.forecast import MonthEnd
from trayd.insight.tally import Pending
from trayd.money import Money
from trayd.records import DropStatus


class AccountStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one account stands.

    Attributes:
        balance: None where it is not known or the account has none (invoiced); never zero for unknown.
        as_of: when the balance was read, or when fal last answered well (UTC).
        state: ok, stale, no_key, bad_key, needs_admin, locked or offline.
        run_out: the day the balance is expected to last until, None without a forecast.
        run_out_range: four times out of five it is from the first of these to the second; None in the second place:
            maybe not within a year.
        problem: what is wrong and the cure; empty when all is well.
    """

    name: str
    username: str | None
    balance: Money | None
    as_of: datetime | None
    state: str
    run_out: date | None = None
    run_out_range: tuple[date, date | None] | None = None
    problem: str = ""


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What was spent in a window.

    Attributes:
        cost: in the home currency; what is unknown or has no rate is not in it. None where nothing can be known:
            no billing was ever read, and no record has a price.
        generations: fal requests that count or would count, pending and unmatched ones left out.
        unpriced: how many of them have no price yet.
        left_out: amounts in currencies without a rate, by currency.
        days_left_out: by currency, the first and the last day of those amounts.
        rates: those that amounts in other currencies were converted at.
    """

    cost: Money | None
    generations: int = 0
    unpriced: int = 0
    left_out: tuple[Money, ...] = ()
    days_left_out: Mapping[str, Days] = {}
    rates: tuple[RateUse, ...] = ()


class AlertStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One open or recent episode.

    Attributes:
        state: open or resolved.
        title: the headline over the text; empty for episodes of former times.
        level: how far it has come, in the rule's own terms: ``5.00``, ``locked``.
        snoozed_until: the person wants to be told again then (UTC).
    """

    id: str
    rule: str
    state: str
    since: datetime
    text: str
    title: str = ""
    level: str = ""
    urgency: Urgency = Urgency.NORMAL
    snoozed_until: datetime | None = None


class DaemonStatus(msgspec.Struct, frozen=True):
    """Whether a daemon runs, where its HTTP API is, and the folder of the mirrors that it writes."""

    running: bool = False
    url: str | None = None
    backup: str | None = None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is shown first.

    Attributes:
        spent: by window: ``24h``, ``7d``, ``30d`` and ``total``.
        month: what this month comes to; None without a forecast.
        unmatched: events without a request id where billing covers their time; their cost is left out.
        differences: where fal's own totals and the ledger's differ.
        paused_until: alerts are held back until then; None when they are not.
    """

    accounts: tuple[AccountStatus, ...]
    spent: dict[str, Spent]
    alerts: tuple[AlertStatus, ...] = ()
    drop: DropStatus = DropStatus()
    daemon: DaemonStatus = DaemonStatus()
    pending: Pending = Pending()
    month: MonthEnd | None = None
    unmatched: int = 0
    differences: tuple[Difference, ...] = ()
    paused_until: datetime | None = None
