"""Tables of a report as plain data: which rates were used, how shared costs were divided, how good estimates were."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import reduce
from itertools import chain, groupby

import msgspec

from trayd.insight.accuracy import Accuracy, Compared, NotCompared
from trayd.money import Money
from trayd.rates import RateSource
from trayd.reports.figures import DayRate, Figures
from trayd.reports.request import SharedCost
from trayd.reports.words import Words, listed

_DAY = timedelta(days=1)
_MOST_MODELS = 12

# Of more rates the title block tells the ranges: on paper the figures are to be on the first page.
_MOST_RATES = 6

_SOURCES = {
    RateSource.ECB: "European Central Bank",
    RateSource.SETTINGS: "Fixed rate",
    RateSource.BUNDLED: "European Central Bank, as came with trayd",
    RateSource.HOME: "",
}


class Column(msgspec.Struct, frozen=True):
    """The head of a column; ``figures`` stand at its right edge."""

    label: str
    figures: bool = False


class Cell(msgspec.Struct, frozen=True):
    """What a cell says, and a line below it."""

    text: str
    detail: str = ""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table with what it says in words.

    Attributes:
        id: names the section within the page.
        lead: a sentence below the title; can be empty.
        rows: as many cells each as there are columns; the first is the row's head.
        total: a last row that says the sum; empty where there is none.
        dense: there can be very many rows.
    """

    id: str
    title: str
    lead: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] = ()
    dense: bool = False


def rates_table(figures: Figures, words: Words) -> Table | None:
    """The rates used: each where there are few, else a row for each currency and source.

    None where nothing was converted.
    """
    runs = _runs(figures)
    if not runs:
        return None
    currency = figures.total.currency
    rows = [[run] for run in runs] if len(runs) <= _MOST_RATES else _of_one_source(runs)
    return Table(
        id="rates",
        title="Exchange rates",
        lead=f"What one unit of each currency is in {currency}, on the day of each entry.",
        columns=(Column("Currency"), Column(f"In {currency}", figures=True), Column("Published for"), Column("Source")),
        rows=tuple(_rates_row(list(chain.from_iterable(row)), words) for row in rows),
    )


def _runs(figures: Figures) -> list[list[DayRate]]:
    """The rates used, by currency and in the order of days; days that follow each other with one rate are together."""
    found = [each for each in figures.rates if each.rate is not None]
    return [list(run) for _, run in groupby(found, lambda each: (*_whence(each), each.rate and each.rate.factor))]


def _whence(each: DayRate) -> tuple[str, bool, str]:
    return (each.currency, each.rate.last_known, each.rate.source) if each.rate else (each.currency, False, "")


def _of_one_source(runs: list[list[DayRate]]) -> list[list[list[DayRate]]]:
    """The runs by currency and source."""
    ordered = sorted(runs, key=lambda run: _whence(run[0]))
    return [list(alike) for _, alike in groupby(ordered, lambda run: _whence(run[0]))]


def _rates_row(used: list[DayRate], words: Words) -> tuple[Cell, ...]:
    rates = [each.rate for each in used if each.rate]
    published = _published(used)
    days = "any day"
    if published:
        first, last = words.day(published[0]), words.day(published[-1])
        days = first if first == last else f"{first} to {last}"
    return (
        Cell(used[0].currency),
        _factors(used, words),
        Cell(days, "last known rate" if rates[0].last_known else ""),
        Cell(_SOURCES[rates[0].source]),
    )


def _factors(used: list[DayRate], words: Words) -> Cell:
    factors = sorted({each.rate.factor for each in used if each.rate})
    first, last = words.rate(factors[0]), words.rate(factors[-1])
    return Cell(first if len(factors) == 1 else f"{first} to {last}")


def _published(used: list[DayRate]) -> list[date]:
    """The days that rates were published for, or fixed from on; one that is the same on every day has none."""
    return sorted(each.rate.published for each in used if each.rate and not each.rate.any_day)


def rate_days(figures: Figures, words: Words) -> Table | None:
    """The rate of each day, of currencies and sources that have several; None where :func:`rates_table` tells all."""
    runs = _runs(figures)
    if len(runs) <= _MOST_RATES:
        return None
    told = [run for alike in _of_one_source(runs) if len(alike) > 1 for run in alike]
    if not told:
        return None
    return Table(
        id="rate-days",
        title="Rates of each day",
        lead="",
        columns=(
            Column("Entries of"),
            Column("Currency"),
            Column(f"In {figures.total.currency}", figures=True),
            Column("Published for"),
        ),
        rows=tuple(_run_row(run, words) for run in told),
    )


def _run_row(run: list[DayRate], words: Words) -> tuple[Cell, ...]:
    entries = [each.day for each in run]
    return (_days(entries, words), Cell(run[0].currency), _factors(run, words), _days(_published(run), words))


def _days(days: list[date], words: Words) -> Cell:
    """From the first to the last, on two lines: the table stands in two columns on paper."""
    if not days:
        return Cell("any day")
    return Cell(words.day(days[0]), "" if days[0] == days[-1] else f"to {words.day(days[-1])}")


def pools_table(shared: Sequence[SharedCost], words: Words) -> Table | None:
    """The shared costs of which the report has a share, with what they were divided by; None where there are none."""
    if not shared:
        return None
    return Table(
        id="pools",
        title="Shared costs",
        lead="What several projects share, and the part of it that this report bears.",
        columns=(
            Column("Shared cost"),
            Column("Period"),
            Column("Whole", figures=True),
            Column("Divided"),
            Column("In this report", figures=True),
        ),
        rows=tuple(_pool_row(each, words) for each in shared),
    )


def _pool_row(cost: SharedCost, words: Words) -> tuple[Cell, ...]:
    nanos = sum(share.amount.nanos for share in cost.shares)
    projects = [
        f"{' / '.join(filter(None, (share.client, share.project)))} {words.exact(share.amount)}"
        for share in sorted(cost.shares, key=lambda share: (-share.amount.nanos, share.id))
        if len(cost.shares) > 1 and share.project
    ]
    whole = words.exact(cost.whole)
    last = cost.until - _DAY
    period = words.month(cost.since) if cost.is_month else f"{words.day(cost.since)} to {words.day(last)}"
    return (
        Cell(cost.name, " · ".join(projects)),
        Cell(period),
        Cell(whole),
        Cell(cost.basis, "; ".join(filter(None, (_not_final(cost, words), cost.remark)))),
        Cell(words.exact(Money(nanos, cost.whole.currency)), words.share(nanos, cost.whole.nanos)),
    )


def _not_final(cost: SharedCost, words: Words) -> str:
    if cost.unsettled is None:
        return ""
    until = cost.unsettled.until
    return f"so far: not final until {f'{words.day(until)} is over' if until else 'all of that is billed'}"


def accuracy_table(compared: Compared, figures: Figures, words: Words) -> Table | None:
    """Estimates against what fal billed, by model; None where no generation has both."""
    if not compared.total.records:
        return None
    one, many = "one generation has", f"{words.number(compared.total.records)} generations have"
    told = one if compared.total.records == 1 else many
    # Those with the largest gaps come first; a last row for a single model would say less than the model itself.
    shown = compared.by if len(compared.by) == _MOST_MODELS + 1 else compared.by[:_MOST_MODELS]
    rest = compared.by[len(shown) :]
    others = [_accuracy_row(_summed(rest), words.count(len(rest), "other"), words)] if rest else []
    left = listed(list(_left(compared.not_compared, words)))
    return Table(
        id="accuracy",
        title="Estimate against actual",
        lead=f"{told[0].upper()}{told[1:]} both an estimate and a bill." + (f" Not compared: {left}." if left else ""),
        columns=(
            Column("Model"),
            Column("Compared", figures=True),
            Column("Estimated", figures=True),
            Column("Billed", figures=True),
            Column("Difference", figures=True),
        ),
        rows=(*(_accuracy_row(each, figures.names.get(each.key, ""), words) for each in shown), *others),
        total=_accuracy_row(compared.total, "All models", words),
    )


def _summed(parts: Sequence[Accuracy]) -> Accuracy:
    """What several models come to; how far off they were on average is not told."""
    return msgspec.structs.replace(
        parts[0],
        key="",
        records=sum(part.records for part in parts),
        estimated=reduce(operator.add, (part.estimated for part in parts)),
        actual=reduce(operator.add, (part.actual for part in parts)),
    )


def _left(left: NotCompared, words: Words) -> Iterator[str]:
    for number, what in (
        (left.no_estimate, "without an estimate"),
        (left.unconfirmed, "not billed yet"),
        (left.failed + left.free, "failed or cancelled"),
        (left.unmatched, "unmatched"),
        (left.no_rate, "without an exchange rate"),
    ):
        if number:
            yield f"{words.number(number)} {what}"


def _accuracy_row(accuracy: Accuracy, name: str, words: Words) -> tuple[Cell, ...]:
    estimated, actual = accuracy.estimated, accuracy.actual
    gap = actual - estimated
    difference = f"{'+' if gap.nanos > 0 else ''}{words.money(gap)}"
    return (
        Cell(name or accuracy.key, accuracy.key if name else ""),
        Cell(words.number(accuracy.records)),
        Cell(words.money(estimated)),
        Cell(words.money(actual)),
        Cell(difference, words.change(actual.nanos, estimated.nanos)),
    )
