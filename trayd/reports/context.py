"""What a report says, as plain data: a pure function of the records, apart from how it is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, tzinfo

import msgspec

from trayd.insight.breakdown import Breakdown
from trayd.insight.conversion import days_told
from trayd.insight.tally import Tally
from trayd.insight.windows import civil_day
from trayd.money import Money
from trayd.rates import Converter
from trayd.records import Counting, ExternalCost, Filters, Kind, Record
from trayd.reports.charts import EXTERNAL_KINDS, BarChart, Ranked, TimeChart, bar_chart, time_chart
from trayd.reports.names import civil_period, is_month
from trayd.reports.words import Words, listed

_KINDS = {Kind.INTERNAL: "fal.ai only", Kind.EXTERNAL: "other tools only", Kind.POOL: "shared costs only"}


class Fact(msgspec.Struct, frozen=True):
    """A line of the title block, or a figure of the compliance line."""

    label: str
    value: str


class Kpi(msgspec.Struct, frozen=True):
    """A headline figure, with what it is made of."""

    label: str
    value: str
    detail: str


class ReportContext(msgspec.Struct, frozen=True, kw_only=True):
    """What the template is given, beside the log.

    Attributes:
        title: the client, where one was asked for; ``subtitle`` project and deliverable.
        facts: the title block.
        over_time: None where there is nothing to draw.
        entries: how many records there are, in words; ``origin`` says how many of them come from where.
        verdict: the compliance badge's text; ``all_confirmed`` whether nothing in the totals is an estimate.
        notes: what a reader has to know to read the figures right, one sentence or two each.
        zone: the name of the time zone that times are in.
    """

    title: str
    subtitle: str
    period: str
    facts: tuple[Fact, ...]
    kpis: tuple[Kpi, ...]
    charts: tuple[BarChart, ...]
    over_time: TimeChart | None
    entries: str
    verdict: str
    all_confirmed: bool
    origin: tuple[Fact, ...]
    notes: tuple[str, ...]
    zone: str
    created: str


def report_context(
    records: Sequence[Record], *, filters: Filters, converter: Converter, words: Words, zone: tzinfo, now: datetime
) -> ReportContext:
    """What the report says of these records, which are those that the filters admit."""
    total = Tally(converter)
    by_model, by_deliverable, by_tool = (Breakdown(converter) for _ in range(3))
    days: dict[date, Tally] = {}
    names: dict[str, str] = {}
    for record in records:
        day = civil_day(record, zone)
        total.add(record, day)
        by_deliverable.of(record.deliverable).add(record, day)
        of_day = days.get(day)
        if of_day is None:
            of_day = days[day] = Tally(converter)
        of_day.add(record, day)
        if isinstance(record, ExternalCost):
            by_tool.of(record.source).add(record, day)
        else:
            by_model.of(record.endpoint_id).add(record, day)
            names[record.endpoint_id] = record.display_name or ""
    first, last = civil_period(filters, zone, now)
    if days:
        first, last = first or min(days), max(min(last, now.astimezone(zone).date()), *days)
    return ReportContext(
        title=filters.client or filters.project or filters.deliverable or "AI costs",
        subtitle=_subtitle(filters),
        period=_period(first, last, words),
        facts=_facts(filters, converter.currency),
        kpis=_kpis(total, words),
        charts=_charts(by_model, by_deliverable, by_tool, names, converter.currency, words),
        over_time=time_chart(days, first, last, converter, words) if days and first else None,
        entries=words.count(len(records), "entry", "entries"),
        verdict=_verdict(total),
        all_confirmed=_settled(total),
        origin=_origin(total, words),
        notes=tuple(_notes(total, words)),
        zone=_zone_name(zone, now),
        created=f"{words.day(now.astimezone(zone).date())}, {now.astimezone(zone):%H:%M}",
    )


def _subtitle(filters: Filters) -> str:
    return " · ".join(tag for tag in (filters.project, filters.deliverable) if tag) if filters.client else ""


def _period(first: date | None, last: date, words: Words) -> str:
    if first is None:
        return f"To {words.day(last)}"
    if is_month(first, last):
        return words.month(first)
    return words.day(first) if first == last else f"{words.day(first)} to {words.day(last)}"


def _facts(filters: Filters, currency: str) -> tuple[Fact, ...]:
    facts = (
        Fact("Client", filters.client or ""),
        Fact("Project", filters.project or ""),
        Fact("Deliverable", filters.deliverable or ""),
        Fact("Model", filters.model or ""),
        Fact("Account", filters.account or ""),
        Fact("Key", filters.key or ""),
        Fact("Costs", _KINDS[filters.kind] if filters.kind else ""),
        Fact("Currency", currency),
    )
    return tuple(fact for fact in facts if fact.value)


def _kpis(total: Tally, words: Words) -> tuple[Kpi, ...]:
    generations = total.generations
    nanos = total.nanos
    internal = Money(nanos[Kind.INTERNAL], total.currency)
    external = Money(sum(nanos[kind] for kind in EXTERNAL_KINDS), total.currency)
    beside = [
        words.count(number, what, what)
        for number, what in (
            (total.unpriced, "without a price yet"),
            (total.failed, "failed, not billed so far"),
            (total.countings[Counting.PENDING], "still running"),
            (total.unmatched, "unmatched"),
        )
        if number
    ]
    confirmed = total.countings[Counting.ACTUAL] + total.countings[Counting.FREE]
    return (
        Kpi(
            "Total AI cost",
            words.known(internal, lacking=total.lacks(Kind.INTERNAL)),
            "Internal: generations on fal.ai",
        ),
        Kpi(
            "External AI costs",
            words.known(external, lacking=total.lacks(*EXTERNAL_KINDS)),
            words.count(total.imported, "imported entry", "imported entries"),
        ),
        Kpi("Combined total", words.known(total.cost, lacking=total.lacks(*Kind)), "Internal and external together"),
        Kpi("Generations", words.number(generations), listed(beside) or f"{words.number(confirmed)} confirmed by fal"),
    )


def _charts(
    by_model: Breakdown,
    by_deliverable: Breakdown,
    by_tool: Breakdown,
    names: dict[str, str],
    currency: str,
    words: Words,
) -> tuple[BarChart, ...]:
    models = [
        Ranked(names[endpoint] or endpoint, endpoint if names[endpoint] else "", portion)
        for portion in by_model.ranked()
        if (endpoint := portion.key) is not None
    ]
    deliverables = [Ranked(portion.key or "No deliverable", "", portion) for portion in by_deliverable.ranked()]
    if all(portion.key is None for _, _, portion in deliverables):
        deliverables = []
    charts = [
        bar_chart(
            models,
            words,
            chart_id="models",
            title="Cost by model",
            of="Model",
            missing="There are no generations in this report.",
            currency=currency,
        ),
        bar_chart(
            deliverables,
            words,
            chart_id="deliverables",
            title="Cost by deliverable",
            of="Deliverable",
            missing="No entry of this report is tagged with a deliverable.",
            currency=currency,
        ),
    ]
    if tools := [Ranked(portion.key or "", "", portion) for portion in by_tool.ranked()]:
        charts.append(
            bar_chart(
                tools,
                words,
                chart_id="tools",
                title="External costs by source",
                of="Source",
                missing="",
                currency=currency,
            )
        )
    return tuple(charts)


def _settled(total: Tally) -> bool:
    open_ends = (Counting.ESTIMATE, Counting.PENDING, Counting.UNKNOWN, Counting.FAILED, Counting.UNMATCHED)
    return not any(total.countings[counting] for counting in open_ends)


def _verdict(total: Tally) -> str:
    return "every cost is billed" if _settled(total) else "part of it is not billed yet"


def _origin(total: Tally, words: Words) -> tuple[Fact, ...]:
    # A request that fal had the time to bill and did not is fal's word as well.
    confirmed = total.countings[Counting.ACTUAL] + total.countings[Counting.FREE]
    always = (
        ("confirmed by fal", confirmed),
        ("estimated", total.countings[Counting.ESTIMATE]),
        ("imported", total.imported),
        ("without a price", total.unpriced),
    )
    seldom = (
        ("failed, not billed so far", total.failed),
        ("still running", total.countings[Counting.PENDING]),
        ("unmatched", total.unmatched),
    )
    figures = [*always, *(figure for figure in seldom if figure[1])]
    return tuple(Fact(label, words.number(number)) for label, number in figures)


def _notes(total: Tally, words: Words) -> Iterator[str]:
    if number := total.countings[Counting.ESTIMATE]:
        amount = words.money(Money(total.estimated, total.currency))
        who = words.count(number, "generation counts by its estimate", "generations count by their estimates")
        yield f"{who}, {amount} in all, until fal bills {'it' if number == 1 else 'them'}."
    if number := total.unpriced:
        who = words.count(number, "generation has no price yet: it is", "generations have no price yet: they are")
        yield f"{who} counted, and no total holds {'its' if number == 1 else 'their'} cost."
    if number := total.countings[Counting.PENDING]:
        running = total.running().estimated
        expected = f", expected to cost {words.money(running)}" if running else ""
        yield f"{words.count(number, 'generation is', 'generations are')} still running{expected}: not in the totals."
    if number := total.unmatched:
        who = words.count(number, "event", "events")
        yield (
            f"{who} could not be matched to fal's billing, which may hold the same cost already: "
            f"left out of the totals, shown in the log."
        )
    if number := total.failed:
        ended = words.count(number, "failed or cancelled request is", "failed or cancelled requests are")
        yield f"{ended} not billed so far, and free unless fal bills {'it' if number == 1 else 'them'} within 48 hours."
    if number := total.countings[Counting.FREE]:
        ended = words.count(number, "failed or cancelled request was", "failed or cancelled requests were")
        yield f"{ended} not billed."
    for use in total.rates():
        yield f"{use.told(words.money, words.day)}."
    if left_out := total.amounts_left_out():
        amounts = listed([words.money(money) for money in left_out])
        days = total.days_left_out()
        codes = listed([f"{money.currency} {days_told(days[money.currency], words.day)}" for money in left_out])
        is_left = "is" if len(left_out) == 1 else "are"
        yield (
            f"{amounts} {is_left} left out of all totals: no exchange rate to {total.currency} is known for {codes}. "
            f"The log shows each entry."
        )
    if total.nanos[Kind.POOL]:
        shared = words.money(total.of_kind(Kind.POOL))
        yield f"External AI costs hold {shared} of shared costs; the log says how each was divided among projects."
    yield "Sums are made from exact amounts and rounded once, when shown; the log shows every digit of what was billed."


def _zone_name(zone: tzinfo, now: datetime) -> str:
    return getattr(zone, "key", None) or now.astimezone(zone).tzname() or "local time"
