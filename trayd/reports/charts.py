"""Charts as plain data: what the template needs to draw bars and a line, and to say the same in a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import msgspec

from trayd.money import NANOS_PER_UNIT, Money, shown_amount
from trayd.records import Kind
from trayd.reports.figures import EXTERNAL_KINDS, Charged, Part, together
from trayd.reports.words import Words

_MOST_BARS = 12

# Up to a quarter is drawn by day, up to two years by week, more by month: a point keeps some room.
_MOST_DAYS = 93
_MOST_WEEKS_IN_DAYS = 731

_MOST_DOTS = 46
_MOST_LABELS = 4
_TICKS = 4
_STEPS = (1, 2, 5, 10)

# The part of the drawing's height that the line has, in per cent from the top; below it is the axis.
_TOP, _BOTTOM = 8.0, 84.0

# The same of its width: the dots at the ends are whole.
_LEFT, _RIGHT = 0.7, 99.3


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a bar chart.

    Attributes:
        detail: what tells it from others of the same label: the endpoint id.
        charge: what of it is charged; empty where that is not shown.
        width: the bar's length in per cent of the longest; empty for a row that sums up what had no room.
    """

    label: str
    detail: str
    amount: str
    charge: str
    share: str
    generations: str
    width: str


class BarChart(msgspec.Struct, frozen=True, kw_only=True):
    """A ranked breakdown: a table in which every row draws its bar.

    Attributes:
        id: names the section within the page.
        of: what the rows are, as the head of their column; ``amount`` heads that of the amounts.
        missing: what to say where there are no rows.
        generations: whether they are counted.
        charges: whether a column says what is charged.
    """

    id: str
    title: str
    of: str
    amount: str
    missing: str
    generations: bool
    charges: bool
    bars: tuple[Bar, ...]


class Tick(msgspec.Struct, frozen=True):
    """A label on an axis, with its place in per cent and how its text is anchored there."""

    label: str
    at: str
    anchor: str = "start"


class TimePoint(msgspec.Struct, frozen=True, kw_only=True):
    """One day, week or month of a chart over time; positions and width in per cent of the drawing."""

    label: str
    internal: str
    external: str
    total: str
    charge: str
    generations: str
    x: str
    y: str
    left: str
    width: str


class TimeChart(msgspec.Struct, frozen=True, kw_only=True):
    """Cost over time: a line over an area, and the same as a table.

    Attributes:
        unit: day, week or month.
        summary: what the line shows, in words.
        line: the path of the line, in a drawing of 100 by 100; ``area`` that of what is under it.
        base: where zero is, in per cent from the top.
        dots: whether each point is marked.
        charges: whether the points say what is charged.
    """

    unit: str
    summary: str
    line: str
    area: str
    base: str
    dots: bool
    charges: bool
    ticks: tuple[Tick, ...]
    labels: tuple[Tick, ...]
    points: tuple[TimePoint, ...]


class Ranked(NamedTuple):
    """What a bar shows: a part of a total by its name, and what tells it from others of that name."""

    label: str
    detail: str
    part: Part


class Heads(NamedTuple):
    """What a chart of bars says around them; see :class:`BarChart`."""

    id: str
    title: str
    of: str
    missing: str = ""
    generations: bool = True


class Amounts(NamedTuple):
    """How the amounts of all charts of a report are written.

    Attributes:
        currency: theirs.
        of: what they are, as the head of a column: cost, or charge where that is all that is shown.
        charges: whether charges stand beside them.
    """

    words: Words
    currency: str
    of: str
    charges: bool

    def known(self, nanos: int, *, lacking: bool) -> str:
        """An amount; unknown where it is nothing because it is ``lacking``."""
        return self.words.known(Money(nanos, self.currency), lacking=lacking)

    def charge(self, charged: Charged) -> str:
        """What is charged; empty where that is not shown."""
        return self.known(charged.nanos, lacking=charged.unknown > 0) if self.charges else ""


def bar_chart(ranked: Sequence[Ranked], heads: Heads, amounts: Amounts) -> BarChart:
    """The chart of these parts, highest first; what does not fit is one last row, so that sums hold."""
    # A last row for a single part would say less than the part itself.
    shown = ranked if len(ranked) == _MOST_BARS + 1 else ranked[:_MOST_BARS]
    rest = [part for _, _, part in ranked[len(shown) :]]
    whole = sum(part.nanos for _, _, part in ranked)
    longest = max((part.nanos for _, _, part in shown), default=0)
    bars = []
    for label, detail, part in shown:
        width = min(part.nanos / longest, 1) if longest > 0 and part.nanos > 0 else 0
        bars.append(_bar(Ranked(label, detail, part), f"{100 * width:.2f}", whole, amounts))
    if rest:
        others = Ranked(amounts.words.count(len(rest), "other"), "", together(rest))
        bars.append(_bar(others, "", whole, amounts))
    return BarChart(**heads._asdict(), amount=amounts.of, charges=amounts.charges, bars=tuple(bars))


def _bar(ranked: Ranked, width: str, whole: int, amounts: Amounts) -> Bar:
    """A bar of that width; ``whole`` are the nanos of all bars."""
    label, detail, part = ranked
    return Bar(
        label=label,
        detail=detail,
        amount=amounts.known(part.nanos, lacking=part.lacks()),
        charge=amounts.charge(part.charged),
        share="" if part.lacks() and not part.nanos else amounts.words.share(part.nanos, whole),
        generations=amounts.words.number(part.generations),
        width=width,
    )


def time_chart(
    days: Sequence[Part],
    first: date,
    last: date,
    amounts: Amounts,
    is_unread: Callable[[date, date], bool] = lambda _first, _next: False,
) -> TimeChart:
    """Cost over time from the first day to the last; days without a record are drawn as nothing spent.

    Args:
        days: those with a record, by ISO date and in order.
        first: the first day of the report.
        last: the last one.
        amounts: how they are written.
        is_unread: whether fal's bills are not known of some of the time from one day up to another one.
    """
    words = amounts.words
    unit, starts = _steps(first, last)
    ends = [*starts[1:], last + timedelta(days=1)]
    unread = [is_unread(start, end) for start, end in zip(starts, ends, strict=True)]
    steps = [
        _lacking_bills(part) if lacks else part
        for part, lacks in zip(map(together, _gathered(days, starts)), unread, strict=True)
    ]
    totals = [step.nanos for step in steps]
    low, high, marks = _scale(min(0, *totals), max(0, *totals))
    count = len(starts) - 1
    xs = [_LEFT + (_RIGHT - _LEFT) * index / count for index in range(len(starts))] if count else [50.0]
    ys = [100 * (high - nanos) / (high - low) for nanos in totals]
    base = 100 * high / (high - low)
    path = "L".join(f"{x:.2f} {y:.2f}" for x, y in zip(xs, ys, strict=True))
    edges = [0.0, *((a + b) / 2 for a, b in pairwise(xs)), 100.0]
    return TimeChart(
        unit=unit,
        summary=_summary(unit, starts, totals, None if any(unread) else _length(unit, starts, first, last), amounts),
        line=f"M{path}",
        area=f"M{xs[0]:.2f} {base:.2f}L{path}L{xs[-1]:.2f} {base:.2f}Z",
        base=_place(base),
        dots=len(starts) <= _MOST_DOTS,
        charges=amounts.charges,
        ticks=tuple(
            Tick(label, _place(100 * (high - mark) / (high - low)))
            for mark, label in zip(marks, _marks_told(marks, amounts), strict=True)
        ),
        labels=_labels(unit, starts, xs, words),
        points=tuple(
            TimePoint(
                label=_name(unit, start, words),
                internal=amounts.known(step.internal, lacking=step.lacks(Kind.INTERNAL)),
                external=amounts.known(step.external, lacking=step.lacks(*EXTERNAL_KINDS)),
                total=amounts.known(step.nanos, lacking=step.lacks()),
                charge=amounts.charge(step.charged),
                generations=words.number(step.generations),
                x=f"{x:.2f}",
                y=_place(y),
                left=f"{left:.2f}",
                width=f"{right - left:.2f}",
            )
            for start, step, x, y, (left, right) in zip(starts, steps, xs, ys, pairwise(edges), strict=True)
        ),
    )


def _lacking_bills(part: Part) -> Part:
    charged = part.charged._replace(unknown=part.charged.unknown + 1)
    return part._replace(lacking=part.lacking | {Kind.INTERNAL}, charged=charged)


def _steps(first: date, last: date) -> tuple[str, list[date]]:
    length = (last - first).days + 1
    if length <= _MOST_DAYS:
        return "day", [first + timedelta(days=n) for n in range(length)]
    if length <= _MOST_WEEKS_IN_DAYS:
        monday = first - timedelta(days=first.weekday())
        return "week", [monday + timedelta(weeks=n) for n in range((last - monday).days // 7 + 1)]
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return "month", [date(month // 12, month % 12 + 1, 1) for month in months]


def _length(unit: str, starts: list[date], first: date, last: date) -> Fraction:
    """How many days, weeks or months there are from the first day to the last: those at the edges may be parts."""
    ends = [_after(unit, start) for start in (starts[0], starts[-1])]
    before = Fraction((first - starts[0]).days, (ends[0] - starts[0]).days)
    behind = Fraction((ends[1] - last).days - 1, (ends[1] - starts[-1]).days)
    return len(starts) - before - behind


def _after(unit: str, start: date) -> date:
    """The first day after that day, week or month."""
    if unit == "month":
        return (start + timedelta(days=31)).replace(day=1)
    return start + timedelta(days=7 if unit == "week" else 1)


def _gathered(days: Sequence[Part], starts: list[date]) -> list[list[Part]]:
    """The days of each step."""
    steps: list[list[Part]] = [[] for _ in starts]
    position = 0
    for part in days:
        while position + 1 < len(starts) and starts[position + 1] <= date.fromisoformat(part.key or ""):
            position += 1
        steps[position].append(part)
    return steps


def _scale(lowest: int, highest: int) -> tuple[int, int, list[int]]:
    """The ends of the axis and its marks: round amounts, zero among them."""
    span = highest - lowest or NANOS_PER_UNIT
    power = 10 ** (len(str(-(-span // _TICKS))) - 1)
    step = next(power * factor for factor in _STEPS if power * factor * _TICKS >= span)
    low, high = lowest // step * step, -(-highest // step) * step
    high = max(high, low + step)
    return low, high, list(range(low, high + 1, step))


def _marks_told(marks: list[int], amounts: Amounts) -> list[str]:
    """The labels of the marks; with every digit where rounded ones would not be where they say."""
    money = [Money(mark, amounts.currency) for mark in marks]
    write = amounts.words.money if all(shown_amount(each) == each.amount for each in money) else amounts.words.exact
    return [write(each) for each in money]


def _place(per_cent: float) -> str:
    return f"{_TOP + (_BOTTOM - _TOP) * per_cent / 100:.2f}"


def _labels(unit: str, starts: list[date], xs: list[float], words: Words) -> tuple[Tick, ...]:
    number = min(_MOST_LABELS, len(starts))
    chosen = [round(n * (len(starts) - 1) / (number - 1)) for n in range(number)] if number > 1 else [0]
    anchors = {0: "start", len(starts) - 1: "end"} if number > 1 else {}
    return tuple(
        Tick(
            words.short_month(starts[n]) if unit == "month" else words.short_day(starts[n]),
            f"{xs[n]:.2f}",
            anchors.get(n, "middle"),
        )
        for n in chosen
    )


def _name(unit: str, start: date, words: Words) -> str:
    if unit == "month":
        return words.month(start)
    return f"Week of {words.day(start)}" if unit == "week" else words.day(start)


def _summary(unit: str, starts: list[date], totals: list[int], length: Fraction | None, amounts: Amounts) -> str:
    """What the line shows, in words; ``length`` is how many days, weeks or months there are, None: not all is known."""
    words, currency = amounts.words, amounts.currency
    top = max(range(len(totals)), key=totals.__getitem__)
    if totals[top] <= 0:
        return f"There is nothing above zero on any {unit}."
    highest = words.money(Money(totals[top], currency))
    average = ""
    if length is not None:
        each = words.money(Money(sum(totals) * length.denominator // length.numerator, currency))
        average = f" Average per {unit}: {each}."
    when = {"day": "on", "week": "in the", "month": "in"}[unit]
    name = _name(unit, starts[top], words).replace("Week", "week", 1)
    return f"Highest {when} {name}: {highest}.{average}"
