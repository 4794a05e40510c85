"""The JSON export: one object, written a record a line, that other programs read and ``trayd import`` takes back.

Each record stands in it twice: as the log shows it, under the keys of ``trayd history --json``, and as the facts that
it was merged from, which are what an import reads. What stands before the records says what these mean; behind them
stand the rates that amounts were converted at, and the totals, so that a file that was cut off is seen to be.

Documented in ``docs/exports.md``; the JSON Schema in ``assets/export.schema.json`` is made from the types below.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, tzinfo
from itertools import islice
from typing import Any

import msgspec

from trayd.facts import AccountFact, Coverage, FileTaken, Link, ModelFact
from trayd.insight.conversion import converted, rounded
from trayd.insight.pools import whole_id
from trayd.insight.tally import Tally
from trayd.insight.windows import civil_day
from trayd.money import NANOS_PER_UNIT, Money
from trayd.pool_settings import Pool
from trayd.rate_settings import FixedRate
from trayd.rates import Converter, Rate, RateSource
from trayd.records import Counting, Filters, Generation, Kind, Record, Recorded, Status
from trayd.reports.kept import kept
from trayd.reports.open_shares import OpenShares
from trayd.reports.shape import outward_fields
from trayd.reports.without_rate import WithoutRate

#: The version of the format.
VERSION = 1

#: What ``type`` says, where event files say ``generation``.
TYPE = "export"

_LINES_PER_PIECE = 200

#: The keys of a record's amounts.
_AMOUNTS = ("estimated_cost", "actual_cost", "cost")

_AMOUNT = re.compile(r"(-?)([0-9]{1,30})\.([0-9]{2,9})")


class Amount(msgspec.Struct, frozen=True, gc=False):
    """An amount of money: ``{"amount": "1.12", "currency": "USD"}``.

    Attributes:
        amount: decimal digits with a point, exact; a text, so that no reader makes a float of it.
        currency: an ISO 4217 code.
    """

    amount: str
    currency: str


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record, as the log shows it, and what it was merged from.

    Attributes:
        id: the request id, or a hash; ``share_of`` is the id of the shared cost that this is one project's part of.
        timestamp: RFC 3339 in UTC; of an external cost the start of its date.
        model: fal's endpoint id; null for what does not come from fal.
        key: the API key or the person.
        estimated_cost: null where there was no estimate, ``actual_cost`` where nothing is confirmed, ``cost`` where it
            does not count: pending, unmatched or without a price. Null is never zero.
        counting: how it enters the totals, and so why a cost is null.
        open_until: of a share of a cost whose period goes on, its last day: what is done until then changes the share;
            null where the period is over and not all of it is billed, absent where the share is final.
        converted_cost: the cost in the currency that was asked for, rounded to the nano, and the rate and its date;
            absent where none was asked for, null where no rate is known.
        facts: what it was merged from, as the ledger keeps it; absent where that holds nothing of it by itself: the
            settings tell of the cost, or another share of the same cost has the facts of all.
    """

    id: str
    timestamp: datetime
    model: str | None = None
    operation: str | None = None
    kind: Kind = Kind.INTERNAL
    source: str = ""
    estimated_cost: Amount | None = None
    actual_cost: Amount | None = None
    cost: Amount | None = None
    currency: str | None = None
    client: str | None = None
    project: str | None = None
    deliverable: str | None = None
    duration_s: float | None = None
    units: str | None = None
    unit: str | None = None
    request_id: str | None = None
    account: str | None = None
    key: str | None = None
    description: str | None = None
    category: str | None = None
    note: str | None = None
    status: Status | None = None
    display_name: str | None = None
    parameters: dict[str, Any] = {}
    counting: Counting = Counting.UNKNOWN
    confirmed: bool = False
    share_of: str | msgspec.UnsetType = msgspec.UNSET
    open_until: date | msgspec.UnsetType | None = msgspec.UNSET
    converted_cost: Amount | msgspec.UnsetType | None = msgspec.UNSET
    exchange_rate: str | msgspec.UnsetType | None = msgspec.UNSET
    rate_date: date | msgspec.UnsetType | None = msgspec.UNSET
    facts: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class FixedRates(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that decide about converted amounts, beside the home currency and the time zone."""

    fixed: tuple[FixedRate, ...] = ()


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What stands before the records.

    Attributes:
        trayd: the version of the format.
        type: ``export``.
        made_at: when it was made (UTC), and ``made_by`` the program.
        base_url: the API whose history it is.
        home_currency: of the settings then, as ``time_zone``, ``rates`` and ``pools`` are.
        filters: what was left out; empty where the export is of everything.
        accounts: the accounts of fal, with the names that the user gave them.
        coverage: how far fal's billing had been read: whether a failed request was free, and whether an event without
            a request id counts.
        links: of events to requests, that were taken back; those that hold are among the facts of their records.
        models: what was read of the models over time, oldest first; ``records`` are called as they were called then.
        statements: the files of costs that were taken in, known by their content; none where something is left out.
    """

    trayd: int
    type: str
    made_at: datetime
    made_by: str
    base_url: str | None
    home_currency: str
    time_zone: str
    currency: str
    filters: Filters
    accounts: tuple[AccountFact, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    links: tuple[Link, ...] = ()
    models: tuple[ModelFact, ...] = ()
    statements: tuple[FileTaken, ...] = ()
    pools: tuple[Pool, ...] = ()
    rates: FixedRates = FixedRates()


class UsedRate(msgspec.Struct, frozen=True, kw_only=True):
    """A rate that amounts of a day were converted at.

    Attributes:
        from_: the currency of the amounts, of which one unit is ``rate`` units of ``to``.
        day: the civil day that the amounts count on.
        published: the day that the rate was published for.
    """

    from_: str = msgspec.field(name="from")
    to: str
    day: date
    rate: str
    published: date
    source: RateSource


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What the records add up to.

    Attributes:
        records: how many there are.
        cost: the sums of ``cost`` as they were billed, one for each currency.
        total: the same in the currency of the head, each converted at the rate of its day and rounded once.
        unconverted: what of ``cost`` has no rate and is not in ``total``.
        by_kind: ``total``, told apart: the parts add up to it.
        counting: how many records enter the totals which way.
    """

    records: int
    cost: tuple[Amount, ...]
    total: Amount
    unconverted: tuple[Amount, ...]
    by_kind: dict[Kind, Amount]
    counting: dict[Counting, int]


class History(msgspec.Struct, frozen=True, kw_only=True):
    """All that the export is made of.

    Attributes:
        head: what stands before the records.
        recorded: the records, oldest first; to be gone through once.
        converter: the rates into the currency of the head.
        converts: whether that currency was asked for.
        shares: tells which shares of shared costs are not final.
        zone: the user's, for civil days.
    """

    head: Head
    recorded: Iterable[Recorded]
    converter: Converter
    converts: bool
    shares: OpenShares
    zone: tzinfo


def json_lines(history: History, *, remark: Callable[[str], None]) -> Iterator[str]:
    """The export as text, in pieces.

    Args:
        history: what it is made of.
        remark: is told at the end which amounts are in no total, for no rate is known.
    """
    yield _encode(history.head)[:-1].decode() + ',"records":['
    sums = _Sums(history)
    lines = map(sums.line, history.recorded)
    before = "\n"
    while some := list(islice(lines, _LINES_PER_PIECE)):
        yield before + b",\n".join(map(_encode, some)).decode()
        before = ",\n"
    end = {"rates_used": sums.rates_used(), "totals": sums.totals()}
    yield "\n]," + _encode(end)[1:].decode() + "\n"
    for sentence in sums.remarks():
        remark(sentence)


def line_of(record: Record) -> Line:
    """The record as the log shows it."""
    said = outward_fields(record)
    for name in _AMOUNTS:
        money: Money | None = said[name]
        if money is not None:
            said[name] = _amount(money)
    if said["units"] is not None:
        said["units"] = f"{said['units']:f}"
    return Line(key=record.key if isinstance(record, Generation) else None, **said)


class _Sums:
    """Makes lines of records, and adds them up on the way."""

    def __init__(self, history: History) -> None:
        self._zone = history.zone
        self._converter = history.converter
        self._converts = history.converts
        self._shares = history.shares
        self._tally = Tally(history.converter)
        self._records = 0
        self._nanos: Counter[str] = Counter()
        self._counting: Counter[Counting] = Counter()
        self._used: dict[tuple[str, date], Rate] = {}
        self._without_rate = WithoutRate(history.converter.currency)

    def line(self, recorded: Recorded) -> Line:
        record, facts = recorded
        line = line_of(record)
        day = civil_day(record, self._zone)
        self._records += 1
        self._counting[record.counting] += 1
        self._tally.add(record, day)
        cost = record.cost
        rate = self._converter.rate(cost.currency, day) if cost else None
        if cost is not None and cost.nanos:
            self._nanos[cost.currency] += cost.nanos
            if rate is None:
                self._without_rate.add(cost, day)
            elif cost.currency != self._converter.currency:
                self._used[cost.currency, day] = rate
        more: dict[str, Any] = {"facts": msgspec.Raw(facts)} if facts else {}
        if record.kind is Kind.POOL and whole_id(record.id) != record.id:
            more["share_of"] = whole_id(record.id)
        if unsettled := self._shares.unsettled(record):
            more["open_until"] = unsettled.until
        if self._converts:
            more |= self._converted(cost, rate)
        return msgspec.structs.replace(line, **more) if more else line

    def _converted(self, cost: Money | None, rate: Rate | None) -> dict[str, Any]:
        if cost is None or (rate is None and cost.nanos):
            return dict.fromkeys(("converted_cost", "exchange_rate", "rate_date"))
        nanos = rounded(converted(cost.nanos, rate)) if rate else 0  # nothing is nothing in every currency
        needed = rate is not None and rate.source is not RateSource.HOME
        return {
            "converted_cost": _amount(Money(nanos, self._converter.currency)),
            "exchange_rate": f"{rate.factor:f}" if rate else None,
            "rate_date": rate.published if rate and needed else None,
        }

    def rates_used(self) -> list[UsedRate]:
        return [
            UsedRate(
                from_=currency,
                to=self._converter.currency,
                day=day,
                rate=f"{rate.factor:f}",
                published=rate.published,
                source=rate.source,
            )
            for (currency, day), rate in sorted(self._used.items())
        ]

    def remarks(self) -> Iterator[str]:
        into = self._converter.currency
        return self._without_rate.told(lambda _currency: f"is in no total in {into}")

    def totals(self) -> Totals:
        tally = self._tally
        return Totals(
            records=self._records,
            cost=tuple(_amount(Money(nanos, currency)) for currency, nanos in sorted(self._nanos.items())),
            total=_amount(tally.cost),
            unconverted=tuple(map(_amount, tally.amounts_left_out())),
            by_kind={kind: _amount(tally.of_kind(kind)) for kind in Kind},
            counting=dict(sorted(self._counting.items())),
        )


_encode = msgspec.json.Encoder().encode


@kept(8192)
def _amount(money: Money) -> Amount:
    return Amount(money.text(), money.currency)


def nanos_in(amount: Amount) -> int:
    """The amount in nanos.

    Raises:
        ValueError: it is not written as amounts are here.
    """
    found = _AMOUNT.fullmatch(amount.amount)
    if found is None:
        raise ValueError(f"{amount.amount[:40]!r} is no amount such as 1.12")
    sign, whole, decimals = found.groups()
    nanos = int(whole) * NANOS_PER_UNIT + int(decimals.ljust(9, "0"))
    return -nanos if sign else nanos
