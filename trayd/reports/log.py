"""The log of a report: every record as a line of text, made while it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import escape
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from trayd.insight.conversion import converted
from trayd.insight.windows import civil_day
from trayd.money import Money
from trayd.prompts import without_prompts
from trayd.records import Counting, ExternalCost, Generation, Kind, Record, Status
from trayd.reports.context import Contents
from trayd.reports.figures import Part
from trayd.reports.request import ReportRequest
from trayd.reports.words import Words

if TYPE_CHECKING:
    from markupsafe import Markup

_PAGE = 2000

#: A log of no more entries than this is open at once; a longer one opens its months one by one.
_MOST_OPEN = 500

_MOST_PARAMETERS = 5
_LONGEST_VALUE = 40

# Of a time in ISO 8601, to the second.
_WITHOUT_OFFSET = len("2026-11-20 14:00:00")

#: What the log says of a cost that fal has not confirmed; the template marks these apart from confirmed ones.
_STATES = {
    Counting.ESTIMATE: "Estimated",
    Counting.PENDING: "Pending",
    Counting.UNKNOWN: "No price yet",
    Counting.FAILED: "Not billed so far",
    Counting.UNMATCHED: "Unmatched",
}


class LogRow(NamedTuple):
    """A line of the log, as text; what does not apply is empty.

    Attributes:
        when: the time in the report's zone, or the date of what has no time.
        duration: how long the generation ran.
        name: the model's name or what was bought; ``detail`` is the endpoint id, or source and category.
        parameters: the few that tell one job from another; ``note`` is what a person has noted, and of a share of a
            shared cost how it was divided.
        tags: client, project and deliverable, less what the title says; ``who`` is the API key or the person.
        request_id: fal's.
        estimate: what it was expected to cost. Empty where costs are hidden.
        confirmed: whether ``actual`` is what someone was billed by fal.
        actual: what was billed, or why nothing is. Where costs are hidden, whether it is billed.
        cost: in the currency that it was billed in, with every digit. Where costs are hidden, what is charged.
        converted: the same in the report's currency, where that is another one.
        charge: what is charged, where that stands beside the cost.
    """

    when: str
    duration: str
    name: str
    detail: str
    parameters: str
    note: str
    tags: str
    who: str
    request_id: str
    estimate: str
    confirmed: bool
    actual: str
    cost: str
    converted: str
    charge: str


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the log that is one table, of one month. Plain data: it reaches a template of one's own as JSON.

    A busy month comes in several pages: browsers slow down on tables of many thousand lines.

    Attributes:
        title: its month, from the second page on with a number.
        summary: what the whole month comes to, in words.
        first: whether it is the first page of its month, and ``last`` whether it is the last.
        open: whether the month is to be open at once.
        shows_costs: whether there are estimates and actuals, and ``shows_charges`` whether charges stand beside costs.
        rows: in the order of time.
    """

    title: str
    summary: str
    first: bool
    last: bool
    open: bool
    shows_costs: bool
    shows_charges: bool
    rows: tuple[LogRow, ...]

    @property
    def html(self) -> Markup:
        """The rows as rows of a table, escaped; what is not shown has no cell.

        The cells are: time, model, parameters, tags; then estimate, actual and cost, or state and charge where costs
        are hidden; then charge where it stands beside the cost. End tags that HTML lets one leave out are left out: a
        long log is sent by e-mail.
        """
        from markupsafe import Markup

        write = _with_costs if self.shows_costs else _as_charged
        rows = [write(row) for row in self.rows]
        if self.shows_charges:
            rows = [f"{html}{_charge(row)}" for html, row in zip(rows, self.rows, strict=True)]
        # Every text in them is escaped, or is made of digits and words of trayd's own.
        return Markup("\n".join(rows))  # noqa: S704


def _below(text: str) -> str:
    """A line below another one in a cell."""
    return f"<p>{escape(text)}" if text else ""


def _head(row: LogRow) -> str:
    return (
        f"<tr><td>{row.when}{_below(row.duration)}"
        f"<td>{escape(row.name)}{_below(row.detail)}{_below(row.request_id)}"
        f"<td>{escape(row.parameters)}{_below(row.note)}"
        f"<td>{escape(row.tags)}{_below(row.who)}"
    )


def _state(row: LogRow) -> str:
    return f"<b>{escape(row.actual)}</b>" if row.confirmed else f"<i>{escape(row.actual)}</i>"


def _with_costs(row: LogRow) -> str:
    cost = f"{escape(row.cost)}{_below(row.converted)}"
    return f"{_head(row)}<td>{escape(row.estimate)}<td>{_state(row)}<td>{cost}"


def _as_charged(row: LogRow) -> str:
    return f"{_head(row)}<td>{_state(row)}<td>{escape(row.cost)}{_below(row.converted)}"


def _charge(row: LogRow) -> str:
    # Ended, it holds nothing: a narrow window, where cells stand below each other with a word each, leaves it out.
    return f"<td>{escape(row.charge)}" if row.charge else "<td></td>"


def log_pages(made_of: Contents, request: ReportRequest, words: Words) -> Iterator[LogPage]:
    """The log by calendar month, in the order of the records, made as it is read."""
    rows = _Rows(made_of, request, words)
    summaries = {part.key: _summary(part, made_of, words) for part in made_of.figures.months}
    opened = len(made_of.records) <= _MOST_OPEN
    for month, members in groupby(made_of.records, lambda record: civil_day(record, request.zone).replace(day=1)):
        title = words.month(month)
        of_month = list(members)
        for start in range(0, len(of_month), _PAGE):
            yield LogPage(
                title=f"{title}, part {start // _PAGE + 1}" if start else title,
                summary=summaries[f"{month:%Y-%m}"],
                first=start == 0,
                last=start + _PAGE >= len(of_month),
                open=opened,
                shows_costs=not made_of.hidden,
                shows_charges=made_of.charges is not None,
                rows=tuple(map(rows.row, of_month[start : start + _PAGE])),
            )


def _summary(month: Part, made_of: Contents, words: Words) -> str:
    """What a month comes to: ``612 entries · $48.20``."""
    currency = made_of.figures.total.currency
    told = [
        words.count(month.entries, "entry", "entries"),
        words.known(Money(month.nanos, currency), lacking=month.lacks()),
    ]
    if made_of.charges is not None:
        charged = words.known(Money(month.charged.nanos, currency), lacking=month.charged.unknown > 0)
        told.append(f"{charged} to charge")
    return " · ".join(told)


class _Rows:
    """Makes the lines of a log; what many records have in common is made once."""

    def __init__(self, made_of: Contents, request: ReportRequest, words: Words) -> None:
        self._charges = made_of.charges
        self._hidden = made_of.hidden
        self._converter = request.converter
        self._zone = request.zone
        self._open_shares = request.open_shares
        self._words = words
        filters = request.filters

        # What the title says of the whole report is not said again in every line.
        @lru_cache(maxsize=1024)
        def tags(client: str | None, project: str | None, deliverable: str | None) -> str:
            told = ((client, filters.client), (project, filters.project), (deliverable, filters.deliverable))
            return " · ".join(tag for tag, asked in told if tag and not asked)

        @lru_cache(maxsize=65536)
        def exact(nanos: int, currency: str) -> str:
            return words.exact(Money(nanos, currency))

        self._tags = tags
        self._exact = exact

    def row(self, record: Record) -> LogRow:
        """The line of a record."""
        charge = ""
        if self._charges is not None:
            charged = self._charges.charge(record)
            charge = "" if charged is None else self._exact(charged.nanos, charged.currency)
        if isinstance(record, ExternalCost):
            return self._external(record, charge)
        amount = record.cost
        cost = self._exact(amount.nanos, amount.currency) if amount else ""
        estimate = record.estimate.amount if record.estimate and not self._hidden else None
        return LogRow(
            when=record.timestamp.astimezone(self._zone).isoformat(" ", "seconds")[:_WITHOUT_OFFSET],
            duration="" if record.duration_s is None else self._words.duration(record.duration_s),
            name=record.display_name or record.endpoint_id,
            detail=record.endpoint_id if record.display_name else "",
            parameters=parameters_told(record),
            note=record.note or "",
            tags=self._tags(record.client, record.project, record.deliverable),
            who=record.key or "",
            request_id=record.request_id or "",
            estimate=self._exact(estimate.nanos, estimate.currency) if estimate else "",
            confirmed=record.confirmed,
            actual=self._actual(record, cost),
            cost=cost,
            converted=self._converted(record, amount),
            charge=charge,
        )

    def _actual(self, record: Generation, cost: str) -> str:
        if record.counting is Counting.ACTUAL:
            return "Billed" if self._hidden else f"Actual {cost}"
        return _STATES.get(record.counting, "Not billed")

    def _external(self, record: ExternalCost, charge: str) -> LogRow:
        shared = record.kind is Kind.POOL
        return LogRow(
            when=record.date.isoformat(),
            duration="",
            name=record.description,
            detail=" · ".join(part for part in (record.source, record.category) if part),
            # Where costs are hidden it is called so.
            parameters="" if self._hidden else "shared cost" if shared else "external cost",
            note=record.note or "",
            tags=self._tags(record.client, record.project, record.deliverable),
            who="",
            request_id="",
            estimate="",
            confirmed=False,
            actual=("Shared, not final" if record.id in self._open_shares else "Shared") if shared else "Imported",
            cost=self._exact(record.amount.nanos, record.amount.currency),
            converted=self._converted(record, record.amount),
            charge=charge,
        )

    def _converted(self, record: Record, cost: Money | None) -> str:
        converter = self._converter
        if cost is None or cost.currency == converter.currency or not cost.nanos:
            return ""
        rate = converter.rate(cost.currency, civil_day(record, self._zone))
        if rate is None:
            return "no exchange rate"
        return self._words.converted(converted(cost.nanos, rate), converter.currency)


def parameters_told(record: Generation) -> str:
    """The few that tell one job from another: how it ended, how much was billed, the plain values of its input."""
    parts = []
    if record.status in {Status.FAILED, Status.CANCELLED}:
        parts.append(str(record.status))
    if record.units is not None:
        quantity = f"{record.units:f}"
        unit = (record.unit or "").strip()
        parts.append(f"{quantity} × {unit}" if unit[:1].isdigit() else f"{quantity} {unit}".strip())
    if record.parameters:
        parts.extend(islice(_told(record.parameters), _MOST_PARAMETERS + 1 - len(parts)))
    return " · ".join(parts)


def _told(parameters: Mapping[str, Any]) -> Iterator[str]:
    # A client is no reader of prompts, also where they are kept.
    for name, value in without_prompts(parameters).items():
        if isinstance(value, str | int | float) and str(value):
            text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
            yield f"{name.replace('_', ' ')} {_shortened(text)}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
