"""The figures of a report, exact: the totals, and every breakdown, whose parts add up to its total to the nano."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import date, tzinfo
from decimal import Decimal
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

from trayd.insight.accuracy import AccuracyBy, Compared, Comparing
from trayd.insight.conversion import EXACT_SUMS, rounded_together
from trayd.insight.tally import BESIDE, PRICED, Tally
from trayd.insight.windows import civil_day
from trayd.money import Money
from trayd.rates import Converter, Rate
from trayd.records import Counting, ExternalCost, Heading, Kind, Record, Sum
from trayd.reports.charges import Charges
from trayd.steps import Step, Steps

K = TypeVar("K", bound=Hashable)
L = TypeVar("L", bound=Hashable)

#: What the report calls external.
EXTERNAL_KINDS = (Kind.EXTERNAL, Kind.POOL)

_NOTHING, _ONE = Decimal(0), Decimal(1)

_ENTRIES_A_STEP = 1000
_SUMS_A_STEP = 2000

#: What counts: a generation of these was made, and is charged for as soon as it is known at what.
_MADE = frozenset({Counting.ACTUAL, Counting.ESTIMATE, Counting.UNKNOWN})


class Charged(NamedTuple):
    """What some entries are charged at.

    Attributes:
        nanos: of the report's currency; entries are rounded one by one, so that they add up.
        unknown: how many have no charge yet that anybody knows.
    """

    nanos: int = 0
    unknown: int = 0


_NO_CHARGE = Charged()


class Part(NamedTuple):
    """A part of the totals.

    Attributes:
        key: what it is of; None for what has no such mark.
        internal: its cost from fal in nanos, and ``external`` that from elsewhere: rounded together with those of the
            other parts, so that they add up to the totals.
        charged: what it is charged at; nothing where nobody is charged.
        entries: how many records are in it, and ``generations`` how many of fal's that count.
        lacking: the kinds of which some cost is in no sum: it has no price yet, or no rate.
    """

    key: str | None
    internal: int = 0
    external: int = 0
    charged: Charged = Charged()
    entries: int = 0
    generations: int = 0
    lacking: frozenset[Kind] = frozenset()

    @property
    def nanos(self) -> int:
        """All of it."""
        return self.internal + self.external

    def lacks(self, *kinds: Kind) -> bool:
        """Whether some cost of these kinds is in no sum; of any kind where none is named."""
        return any(kind in self.lacking for kind in kinds or Kind)


def together(parts: Iterable[Part]) -> Part:
    """Several parts as one, of which nothing says what it is of."""
    internal = external = charged = unknown = entries = generations = 0
    lacking: frozenset[Kind] = frozenset()
    for part in parts:
        internal += part.internal
        external += part.external
        charged += part.charged.nanos
        unknown += part.charged.unknown
        entries += part.entries
        generations += part.generations
        lacking |= part.lacking
    return Part(None, internal, external, Charged(charged, unknown), entries, generations, lacking)


class DayRate(NamedTuple):
    """The rate that amounts in a currency were converted at which count on that day; None where none is known."""

    currency: str
    day: date
    rate: Rate | None


class Figures(NamedTuple):
    """What records add up to.

    Attributes:
        total: all of them, in the report's currency; ``charged`` is what they are charged at.
        internal: the cost from fal in nanos, and ``external`` that from elsewhere; together they are the total.
        models: by endpoint id, ``operations`` by the models' categories, ``keys`` by API key or member: of what is from
            fal; from the highest.
        tools: by the source of what is not from fal, ``deliverables`` of both.
        days: by ISO date, and ``months`` by ``2026-11``, in their order.
        compared: estimates against what fal billed, by model.
        rates: what was converted, in the order of currencies and days.
        names: of the models, by endpoint id: the last one that a record has.
        client_work: by endpoint id, how many generations were made for a client.
    """

    total: Tally
    charged: Charged
    internal: int
    external: int
    models: tuple[Part, ...]
    operations: tuple[Part, ...]
    keys: tuple[Part, ...]
    tools: tuple[Part, ...]
    deliverables: tuple[Part, ...]
    days: tuple[Part, ...]
    months: tuple[Part, ...]
    compared: Compared
    rates: tuple[DayRate, ...]
    names: Mapping[str, str]
    client_work: Mapping[str, int]


class _Lot(NamedTuple):
    """What records have in common whose amounts are counted and converted alike.

    Attributes:
        currency: empty where no amount is known.
        day: that the amounts are converted of; None of those that need no rate.
    """

    kind: Kind
    counting: Counting
    currency: str
    day: date | None


class _Worth(NamedTuple):
    """How a lot enters its part.

    Attributes:
        internal: which side it is of, and ``counts`` whether its records are generations that count.
        priced: whether there is an amount.
        factor: into the currency of the totals; None for what is in no sum, and ``lacks`` is its kind if it should be.
    """

    internal: bool
    counts: bool
    priced: bool
    factor: Decimal | None
    lacks: Kind | None


def _worth(lot: _Lot, converter: Converter) -> _Worth:
    internal = lot.kind is Kind.INTERNAL
    counts = internal and lot.counting not in BESIDE
    if internal and lot.counting not in PRICED:
        return _Worth(internal, counts, False, None, Kind.INTERNAL if lot.counting is Counting.UNKNOWN else None)
    if lot.day is None:
        return _Worth(internal, counts, True, _ONE, None)
    rate = converter.rate(lot.currency, lot.day)
    return _Worth(internal, counts, True, rate.factor if rate else None, None if rate else lot.kind)


class _Sums:
    """What records of one lot add up to that are of one part; nanos are of the lot's currency."""

    __slots__ = ("charge", "count", "nanos", "uncharged")

    def __init__(self) -> None:
        self.count = self.nanos = self.charge = self.uncharged = 0

    def add(self, count: int, nanos: int, charge: int, uncharged: int) -> None:
        self.count += count
        self.nanos += nanos
        self.charge += charge
        self.uncharged += uncharged


class _Making:
    """A part while it is added up, exactly: its two sides by themselves, for each is rounded to its own total."""

    __slots__ = ("charge", "entries", "external", "generations", "internal", "lacking", "uncharged")

    def __init__(self) -> None:
        self.internal = self.external = _NOTHING
        self.charge = self.uncharged = self.entries = self.generations = 0
        self.lacking: frozenset[Kind] = frozenset()

    def add(self, sums: _Sums, worth: _Worth) -> None:
        self.entries += sums.count
        self.charge += sums.charge
        self.uncharged += sums.uncharged
        if worth.counts:
            self.generations += sums.count
        # What nets to nothing in one currency on one day is nothing in every currency.
        if worth.lacks is not None and (sums.nanos or not worth.priced):
            self.lacking |= {worth.lacks}
        if worth.factor is None:
            return
        amount = EXACT_SUMS.multiply(Decimal(sums.nanos), worth.factor)
        if worth.internal:
            self.internal = EXACT_SUMS.add(self.internal, amount)
        else:
            self.external = EXACT_SUMS.add(self.external, amount)

    def part(self, key: str | None, internal: int, external: int) -> Part:
        charged = Charged(self.charge, self.uncharged) if self.charge or self.uncharged else _NO_CHARGE
        return Part(key, internal, external, charged, self.entries, self.generations, self.lacking)


class _Breakdown(Generic[K]):
    """Sums by key and lot, lots by their numbers.

    There can be as many keys as records, so a breakdown is summed up by itself: sums by all that breakdowns go by
    would be as many as there are records in a report of a usual year.
    """

    __slots__ = ("sums",)

    def __init__(self) -> None:
        self.sums: dict[tuple[K, int], _Sums] = {}

    def add(self, key: K, lot: int, nanos: int, charge: int, uncharged: int, count: int = 1) -> None:
        sums = self.sums.get((key, lot))
        if sums is None:
            sums = self.sums[key, lot] = _Sums()
        sums.add(count, nanos, charge, uncharged)

    def by(self, wider: Callable[[K], L]) -> _Breakdown[L]:
        """The same by a key that several of these have."""
        found: _Breakdown[L] = _Breakdown()
        for (key, lot), each in self.sums.items():
            found.add(wider(key), lot, each.nanos, each.charge, each.uncharged, each.count)
        return found


def _parts(
    breakdown: _Breakdown[str | None] | _Breakdown[str],
    worths: Sequence[_Worth],
    internal: int,
    external: int,
    *,
    in_order: bool = False,
) -> Steps[tuple[Part, ...]]:
    """The parts, by cost from the highest or in the order of their keys; each side adds up to what is told.

    The breakdown is used up: there can be many parts.
    """
    sums = breakdown.sums
    whole = len(sums)
    making: dict[str | None, _Making] = {}
    while sums:
        if len(sums) % _SUMS_A_STEP == 0:
            yield Step(whole - len(sums), whole)
        (key, lot), each = sums.popitem()
        part = making.get(key)
        if part is None:
            part = making[key] = _Making()
        part.add(each, worths[lot])

    def place(one: tuple[str | None, _Making]) -> tuple[Decimal, bool, str]:
        key, sides = one
        rank = _NOTHING if in_order else -EXACT_SUMS.add(sides.internal, sides.external)
        return rank, key is None, key or ""

    ordered = sorted(making.items(), key=place)
    yield Step(whole, whole)
    internals = rounded_together([part.internal for _, part in ordered], internal)
    yield Step(whole, whole)
    externals = rounded_together([part.external for _, part in ordered], external)
    yield Step(whole, whole)
    return tuple(
        part.part(key, one, other) for (key, part), one, other in zip(ordered, internals, externals, strict=True)
    )


def figures_in_steps(
    records: Sequence[Record], converter: Converter, zone: tzinfo, charges: Charges | None
) -> Steps[Figures]:
    """What the records add up to, in steps of some milliseconds.

    Args:
        records: each with the cost that it shows.
        converter: the rates into the currency of the totals.
        zone: the user's, in which civil days begin.
        charges: what a client is charged for them; None where nobody is.
    """
    work: _Breakdown[tuple[str, str | None]] = _Breakdown()
    keys: _Breakdown[str | None] = _Breakdown()
    tools: _Breakdown[str] = _Breakdown()
    deliverables: _Breakdown[str | None] = _Breakdown()
    by_day: _Breakdown[date] = _Breakdown()
    lots: dict[_Lot, int] = {}
    names: dict[str, str] = {}
    client_work: Counter[str] = Counter()
    compared = Comparing(AccuracyBy.MODEL, zone, converter)
    at_home = {"", converter.currency}
    for done, record in enumerate(records):
        if done % _ENTRIES_A_STEP == 0:
            yield Step(done, len(records))
        day, counting, amount = civil_day(record, zone), record.counting, _amount(record)
        nanos = amount.nanos if amount else 0
        # Nothing is nothing in every currency, and needs no rate.
        currency = "" if amount is None else amount.currency if nanos else converter.currency
        lot = lots.setdefault(_Lot(record.kind, counting, currency, None if currency in at_home else day), len(lots))
        charge = uncharged = 0
        if charges is not None:
            charged = charges.charge(record)
            if charged is not None:
                charge = charged.nanos
            elif counting in _MADE:
                uncharged = 1
        by_day.add(day, lot, nanos, charge, uncharged)
        deliverables.add(record.deliverable, lot, nanos, charge, uncharged)
        if isinstance(record, ExternalCost):
            tools.add(record.source, lot, nanos, charge, uncharged)
            continue
        endpoint = record.endpoint_id
        work.add((endpoint, record.operation), lot, nanos, charge, uncharged)
        keys.add(record.key, lot, nanos, charge, uncharged)
        if record.display_name or endpoint not in names:
            names[endpoint] = record.display_name or ""
        compared.add(record)
        if record.client and counting in _MADE:
            client_work[endpoint] += 1
    worths = [_worth(lot, converter) for lot in lots]
    numbered = list(lots)
    total, whole = Tally(converter), _Making()
    for (_, number), each in by_day.by(lambda _: None).sums.items():
        lot_of = numbered[number]
        total.add_sum(Sum(Heading(lot_of.kind, lot_of.counting, lot_of.currency), each.count, each.nanos), lot_of.day)
        whole.add(each, worths[number])
    by_kind = total.nanos
    internal, external = by_kind[Kind.INTERNAL], sum(by_kind[kind] for kind in EXTERNAL_KINDS)
    return Figures(
        total=total,
        charged=Charged(whole.charge, whole.uncharged),
        internal=internal,
        external=external,
        models=(yield from _parts(work.by(itemgetter(0)), worths, internal, 0)),
        operations=(yield from _parts(work.by(itemgetter(1)), worths, internal, 0)),
        keys=(yield from _parts(keys, worths, internal, 0)),
        tools=(yield from _parts(tools, worths, 0, external)),
        deliverables=(yield from _parts(deliverables, worths, internal, external)),
        days=(yield from _parts(by_day.by(date.isoformat), worths, internal, external, in_order=True)),
        months=(yield from _parts(by_day.by(_month), worths, internal, external, in_order=True)),
        compared=compared.compared(),
        rates=day_rates(_converted(lots) | (charges.used if charges else set()), converter),
        names=names,
        client_work=client_work,
    )


def _converted(lots: Iterable[_Lot]) -> set[tuple[str, date]]:
    return {(lot.currency, lot.day) for lot in lots if lot.day and lot.counting is not Counting.PENDING}


def day_rates(used: Iterable[tuple[str, date]], converter: Converter) -> tuple[DayRate, ...]:
    """The rates of those currencies and days, in their order."""
    return tuple(DayRate(currency, day, converter.rate(currency, day)) for currency, day in sorted(used))


def _amount(record: Record) -> Money | None:
    """The amount that it is summed up by; of one that runs, what it is expected to cost."""
    if record.counting is Counting.FREE:
        return None
    if not isinstance(record, ExternalCost) and record.counting is Counting.PENDING and record.estimate:
        return record.estimate.amount
    return record.cost


def _month(day: date) -> str:
    return f"{day:%Y-%m}"
