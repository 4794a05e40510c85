"""What a report says, as plain data: a pure function of the records, apart from how it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from typing import NamedTuple

import msgspec

from trayd.insight.windows import day_start
from trayd.records import Filters, Kind, Record
from trayd.reports import tables
from trayd.reports.charges import Charges
from trayd.reports.charts import Amounts, BarChart, Heads, Ranked, TimeChart, bar_chart, time_chart
from trayd.reports.compliance import Tracked, verdict
from trayd.reports.figures import Figures, Part, day_rates, figures_in_steps
from trayd.reports.kpis import Kpi, charge_kpi, cost_kpis
from trayd.reports.licences import licence_warnings, licences_table
from trayd.reports.missing_bills import missing_bills
from trayd.reports.notes import charge_notes, missing_note, notes
from trayd.reports.periods import civil_period, civil_times, is_month
from trayd.reports.request import Agency, ReportRequest
from trayd.reports.tables import Table
from trayd.reports.words import Words
from trayd.steps import Step, Steps, finish

_ENTRIES_A_STEP = 1000

_KINDS = {Kind.INTERNAL: "fal.ai only", Kind.EXTERNAL: "other tools only", Kind.POOL: "shared costs only"}


class Fact(msgspec.Struct, frozen=True):
    """A line of the title block, or a figure of the compliance line."""

    label: str
    value: str


class ReportContext(msgspec.Struct, frozen=True, kw_only=True):
    """What the template is given as ``report``, beside the ``log`` (:class:`~trayd.reports.log.LogPage`).

    All of it is text as it is shown, in the notation of the reader; nothing in it is markup.

    Attributes:
        kind: what it is: an AI cost report; an AI usage statement where costs are hidden.
        agency: who it is from.
        title: the client, where one was asked for; ``subtitle`` project and deliverable.
        period: the days that it is about, in words.
        facts: the title block.
        shows_costs: false where the client sees only what is charged, in the place of costs; then nothing in the
            report tells a cost, an estimate, a rate or what was divided by what.
        shows_charges: whether what is charged stands beside the costs.
        cost_word: what amounts are called: cost, or charge.
        kpis: the headline figures.
        rates: the exchange rates used, None where nothing was converted; ``rate_days`` each of them where those are
            ranges, else None.
        over_time: None where there is nothing to draw.
        charts: by model, deliverable, operation, key or member, source; those with nothing to tell are left out, the
            first two never.
        accuracy: estimates against actuals, ``pools`` the shared costs; None where there are none, or costs are hidden.
        entries: how many records there are, in words; ``origin`` says how many of them come from where.
        verdict: the compliance badge's text; ``all_confirmed`` whether there is something, and nothing that is shown
            can change by what is still to come.
        warnings: what has to be settled before the work is used; each a sentence or two.
        licences: every model with its licence; None where there is no generation.
        notes: what a reader has to know to read the figures right, one sentence or two each.
        zone: the name of the time zone that times are in.
        created: when the report was made.
    """

    kind: str
    agency: Agency
    title: str
    subtitle: str
    period: str
    facts: tuple[Fact, ...]
    shows_costs: bool
    shows_charges: bool
    cost_word: str
    kpis: tuple[Kpi, ...]
    rates: Table | None
    rate_days: Table | None
    over_time: TimeChart | None
    charts: tuple[BarChart, ...]
    accuracy: Table | None
    pools: Table | None
    entries: str
    verdict: str
    all_confirmed: bool
    origin: tuple[Fact, ...]
    warnings: tuple[str, ...]
    licences: Table | None
    notes: tuple[str, ...]
    zone: str
    created: str


class Contents(NamedTuple):
    """What a report is made of.

    Attributes:
        records: as the report shows them, in the order of time: where costs are hidden, as they are charged.
        figures: what they add up to.
        charges: what they are charged at, where that stands beside their costs.
        hidden: whether costs are hidden.
        tracked: where the records come from, as they are shown.
    """

    records: Sequence[Record]
    figures: Figures
    charges: Charges | None
    hidden: bool
    tracked: Tracked

    def since(self, zone: tzinfo) -> datetime | None:
        """When the first of the records was; None without any."""
        return self.records[0].instant(zone) if self.records else None


def contents(records: Sequence[Record], request: ReportRequest) -> Contents:
    """What a report of these records is made of; see :func:`contents_in_steps`."""
    return finish(contents_in_steps(records, request))


def contents_in_steps(records: Sequence[Record], request: ReportRequest) -> Steps[Contents]:
    """What a report of these records is made of, in steps of some milliseconds.

    Args:
        records: those that the request's filters admit, in the order of time.
        request: what is asked for. Terms count where the report is for their client.
    """
    terms = request.charged_terms
    charges = Charges(terms, request.converter, request.home, request.zone) if terms else None
    open_shares = request.open_shares
    if terms and charges and terms.hide_costs:
        shown: list[Record] = []
        for done in range(0, len(records), _ENTRIES_A_STEP):
            shown += map(charges.as_charged, records[done : done + _ENTRIES_A_STEP])
            yield Step(done, len(records))
        sums = yield from figures_in_steps(shown, request.converter, request.zone, None)
        sums = sums._replace(rates=day_rates(charges.used, request.converter))
        return Contents(shown, sums, None, True, Tracked.of(shown, open_shares))
    sums = yield from figures_in_steps(records, request.converter, request.zone, charges)
    return Contents(records, sums, charges, False, Tracked.of(records, open_shares))


def report_context(made_of: Contents, request: ReportRequest, words: Words) -> ReportContext:
    """What the report says of its contents."""
    filters, zone, now = request.filters, request.zone, request.now
    sums, hidden = made_of.figures, made_of.hidden
    cost_word = "Charge" if hidden else "Cost"
    amounts = Amounts(words, sums.total.currency, cost_word, made_of.charges is not None)
    first, last = civil_period(filters, zone, now)
    if sums.days:
        days = [date.fromisoformat(part.key or "") for part in sums.days]
        first, last = first or days[0], max(min(last, now.astimezone(zone).date()), days[0], days[-1])
    shown_terms = request.charged_terms if made_of.charges else None
    told = (
        charge_notes(sums, made_of.tracked, request.shared, words)
        if hidden
        else notes(sums, made_of.tracked, shown_terms, request, words)
    )
    missing = missing_bills(request.bills, filters.since or made_of.since(zone), filters.until, now)

    def is_unread(start: date, end: date) -> bool:
        return missing is not None and missing.concerns(day_start(start, zone), day_start(end, zone))

    said, settled = verdict(made_of.tracked, sums, missing)
    kpis = list(cost_kpis(sums, made_of.tracked, words, missing, hidden=hidden))
    if shown_terms is not None:
        kpis.append(charge_kpi(sums, shown_terms, request.home, words, missing))
    return ReportContext(
        kind="AI usage statement" if hidden else "AI cost report",
        agency=request.agency,
        title=_titles(filters)[0],
        subtitle=" · ".join(_titles(filters)[1:]),
        period=_period(first, last, civil_times(filters, zone), words),
        facts=_facts(filters, sums.total.currency),
        shows_costs=not hidden,
        shows_charges=made_of.charges is not None,
        cost_word=cost_word,
        kpis=tuple(kpis),
        rates=None if hidden else tables.rates_table(sums, words),
        rate_days=None if hidden else tables.rate_days(sums, words),
        over_time=time_chart(sums.days, first, last, amounts, is_unread) if sums.days and first else None,
        charts=_charts(sums, amounts),
        accuracy=None if hidden else tables.accuracy_table(sums.compared, sums, words),
        pools=None if hidden else tables.pools_table(request.shared, words),
        entries=words.count(len(made_of.records), "entry", "entries"),
        verdict=said,
        all_confirmed=settled,
        origin=tuple(Fact(label, words.number(number)) for label, number in made_of.tracked.told()),
        warnings=tuple(licence_warnings(sums, request.models, words)),
        licences=licences_table(sums, request.models, amounts, zone),
        notes=(*((missing_note(missing, zone, words),) if missing else ()), *told),
        zone=_zone_name(zone, now),
        created=f"{words.day(now.astimezone(zone).date())}, {now.astimezone(zone):%H:%M}",
    )


def _titles(filters: Filters) -> list[str]:
    """Whose work the report is of, the widest first."""
    asked = (("client", filters.client), ("project", filters.project), ("deliverable", filters.deliverable))
    return [tag or f"No {name}" for name, tag in asked if tag is not None] or ["AI costs"]


def _period(first: date | None, last: date, times: tuple[str, str], words: Words) -> str:
    begins, ends = (time and f", {time}" for time in times)
    if begins or ends:
        until = ends.removeprefix(", ") if ends and first == last else f"{words.day(last)}{ends}"
        return f"{words.day(first)}{begins} to {until}" if first else f"To {until}"
    if first is None:
        return f"To {words.day(last)}"
    if is_month(first, last):
        return words.month(first)
    return words.day(first) if first == last else f"{words.day(first)} to {words.day(last)}"


def _facts(filters: Filters, currency: str) -> tuple[Fact, ...]:
    facts = (
        ("Client", filters.client),
        ("Project", filters.project),
        ("Deliverable", filters.deliverable),
        ("Model", filters.model),
        ("Account", filters.account),
        ("Key", filters.key),
        ("Only", _KINDS[filters.kind] if filters.kind else None),
        ("Currency", currency),
    )
    return tuple(Fact(label, value or "none") for label, value in facts if value is not None)


def _charts(sums: Figures, amounts: Amounts) -> tuple[BarChart, ...]:
    models = [
        Ranked(sums.names[part.key] or part.key, part.key if sums.names[part.key] else "", part)
        for part in sums.models
        if part.key is not None
    ]
    by = f"{amounts.of} by"
    deliverables = _named(sums.deliverables, "No deliverable") if _are_told(sums.deliverables) else []
    charts = [
        (models, Heads("models", f"{by} model", "Model", "There are no generations in this report.")),
        (
            deliverables,
            Heads(
                "deliverables",
                f"{by} deliverable",
                "Deliverable",
                "No entry of this report is tagged with a deliverable.",
            ),
        ),
    ]
    for parts, missing, heads in (
        (sums.operations, "Unknown operation", Heads("operations", f"{by} operation", "Operation")),
        (sums.keys, "Not named", Heads("people", f"{by} person or key", "Person or key")),
        (sums.tools, "", Heads("tools", f"External {amounts.of.lower()}s by source", "Source", generations=False)),
    ):
        if _are_told(parts):
            charts.append((_named(parts, missing), heads))
    return tuple(bar_chart(ranked, heads, amounts) for ranked, heads in charts)


def _are_told(parts: Sequence[Part]) -> bool:
    return any(part.key is not None for part in parts)


def _named(parts: Sequence[Part], missing: str) -> list[Ranked]:
    return [Ranked(part.key or missing, "", part) for part in parts]


def _zone_name(zone: tzinfo, now: datetime) -> str:
    return getattr(zone, "key", None) or now.astimezone(zone).tzname() or "local time"
