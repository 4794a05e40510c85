"""The figures of a report, exact: the totals, and every breakdown, whose parts add up to its total to the nano."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, tzinfo
from decimal import Decimal
from typing import NamedTuple

from trayd.insight.accuracy import AccuracyBy, Compared, Comparing
from trayd.insight.conversion import rounded_together
from trayd.insight.tally import Tally
from trayd.insight.windows import civil_day
from trayd.money import Money
from trayd.rates import Converter, Rate
from trayd.records import Counting, ExternalCost, Heading, Kind, Record, Sum
from trayd.reports.charges import Charges
from trayd.steps import Step, Steps, finish

#: What the report calls external.
EXTERNAL_KINDS = (Kind.EXTERNAL, Kind.POOL)

_NOTHING = Decimal(0)

_ENTRIES_A_STEP = 1000

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

    def __add__(self, other: object) -> Charged:
        """Both together."""
        if not isinstance(other, Charged):
            return NotImplemented
        return Charged(self.nanos + other.nanos, self.unknown + other.unknown)


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
    whole = Part(None)
    for part in parts:
        whole = Part(
            None,
            whole.internal + part.internal,
            whole.external + part.external,
            whole.charged + part.charged,
            whole.entries + part.entries,
            whole.generations + part.generations,
            whole.lacking | part.lacking,
        )
    return whole


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


class _Alike(NamedTuple):
    """What records have in common that are the same in every breakdown.

    Attributes:
        origin: the endpoint id of what is from fal, else the source.
    """

    day: date
    kind: Kind
    counting: Counting
    currency: str
    origin: str
    operation: str | None
    key: str | None
    deliverable: str | None
    for_client: bool


class _Sums:
    """What they add up to."""

    __slots__ = ("charge", "count", "nanos", "uncharged")

    def __init__(self) -> None:
        self.count = self.nanos = self.charge = self.uncharged = 0


def figures(records: Sequence[Record], converter: Converter, zone: tzinfo, charges: Charges | None) -> Figures:
    """What the records add up to; see :func:`figures_in_steps`."""
    return finish(figures_in_steps(records, converter, zone, charges))


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
    sums: dict[_Alike, _Sums] = {}
    names: dict[str, str] = {}
    compared = Comparing(AccuracyBy.MODEL, zone, converter)
    for done, record in enumerate(records):
        if done % _ENTRIES_A_STEP == 0:
            yield Step(done, len(records))
        if isinstance(record, ExternalCost):
            amount: Money | None = record.amount
            origin, operation, key, for_client = record.source, None, None, False
        else:
            running = record.counting is Counting.PENDING and record.estimate is not None
            amount = record.estimate.amount if running and record.estimate else record.cost
            origin, operation, key = record.endpoint_id, record.operation, record.key
            for_client = bool(record.client)
            names[origin] = record.display_name or ""
            compared.add(record)
        counting = record.counting
        if counting is Counting.FREE:
            amount = None
        alike = _Alike(
            civil_day(record, zone),
            record.kind,
            counting,
            amount.currency if amount else "",
            origin,
            operation,
            key,
            record.deliverable,
            for_client,
        )
        entry = sums.get(alike)
        if entry is None:
            entry = sums[alike] = _Sums()
        entry.count += 1
        entry.nanos += amount.nanos if amount else 0
        if charges is not None:
            charge = charges.charge(record)
            if charge is not None:
                entry.charge += charge.nanos
            elif counting in _MADE:
                entry.uncharged += 1
    return _cut(sums, converter, compared.compared(), names)


class _Making:
    """A part while it is added up: its two sides by themselves, for each is rounded to its own total."""

    __slots__ = ("charged", "entries", "external", "internal")

    def __init__(self, converter: Converter) -> None:
        self.internal, self.external = Tally(converter), Tally(converter)
        self.charged = Charged()
        self.entries = 0

    def add(self, each: Sum, day: date, charged: Charged) -> None:
        side = self.internal if each.heading.kind is Kind.INTERNAL else self.external
        side.add_sum(each, day)
        self.charged += charged
        self.entries += each.records

    @property
    def lacking(self) -> frozenset[Kind]:
        return frozenset(kind for kind in Kind if self.internal.lacks(kind) or self.external.lacks(kind))


class _Breakdown:
    """The parts of a breakdown while they are added up."""

    __slots__ = ("_converter", "parts")

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self.parts: dict[str | None, _Making] = {}

    def of(self, key: str | None) -> _Making:
        part = self.parts.get(key)
        if part is None:
            part = self.parts[key] = _Making(self._converter)
        return part

    def made(self, internal: int, external: int, *, in_order: bool = False) -> tuple[Part, ...]:
        """The parts, by cost from the highest or in the order of their keys; each side adds up to what is told."""

        def place(part: tuple[str | None, _Making]) -> tuple[Decimal, bool, str]:
            key, sides = part
            rank = _NOTHING if in_order else -(sides.internal.exact + sides.external.exact)
            return rank, key is None, key or ""

        parts = sorted(self.parts.items(), key=place)
        sides = (
            rounded_together([part.internal.exact for _, part in parts], internal),
            rounded_together([part.external.exact for _, part in parts], external),
        )
        return tuple(
            Part(key, one, other, part.charged, part.entries, part.internal.generations, part.lacking)
            for (key, part), one, other in zip(parts, *sides, strict=True)
        )


def _cut(sums: Mapping[_Alike, _Sums], converter: Converter, compared: Compared, names: dict[str, str]) -> Figures:
    """The breakdowns of what is summed up by all that they go by."""
    total = Tally(converter)
    charged = Charged()
    models, operations, keys, tools, deliverables, days, months = (_Breakdown(converter) for _ in range(7))
    client_work: dict[str, int] = {}
    converted: set[tuple[str, date]] = set()
    for one, of_it in sums.items():
        each = Sum(Heading(one.kind, one.counting, one.currency), of_it.count, of_it.nanos)
        of_charge = Charged(of_it.charge, of_it.uncharged)
        total.add_sum(each, one.day)
        charged += of_charge
        breakdowns = [
            (deliverables, one.deliverable),
            (days, one.day.isoformat()),
            (months, f"{one.day:%Y-%m}"),
        ]
        if one.kind is Kind.INTERNAL:
            breakdowns += [(models, one.origin), (operations, one.operation), (keys, one.key)]
            if one.for_client and one.counting in _MADE:
                client_work[one.origin] = client_work.get(one.origin, 0) + of_it.count
        else:
            breakdowns.append((tools, one.origin))
        for breakdown, key in breakdowns:
            breakdown.of(key).add(each, one.day, of_charge)
        if one.currency not in {"", converter.currency} and one.counting is not Counting.PENDING:
            converted.add((one.currency, one.day))
    by_kind = total.nanos
    internal, external = by_kind[Kind.INTERNAL], sum(by_kind[kind] for kind in EXTERNAL_KINDS)
    return Figures(
        total=total,
        charged=charged,
        internal=internal,
        external=external,
        models=models.made(internal, 0),
        operations=operations.made(internal, 0),
        keys=keys.made(internal, 0),
        tools=tools.made(0, external),
        deliverables=deliverables.made(internal, external),
        days=days.made(internal, external, in_order=True),
        months=months.made(internal, external, in_order=True),
        compared=compared,
        rates=tuple(DayRate(currency, day, converter.rate(currency, day)) for currency, day in sorted(converted)),
        names=names,
        client_work=client_work,
    )
