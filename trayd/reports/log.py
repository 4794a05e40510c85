"""The log of a report: every record as a line of text, made while it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from itertools import groupby, islice
from typing import NamedTuple

import msgspec

from trayd.insight.conversion import converted
from trayd.insight.windows import civil_day
from trayd.rates import Converter
from trayd.records import Counting, ExternalCost, Filters, Generation, Kind, Record, Status
from trayd.reports.words import Words

_PAGE = 2000
_MOST_PARAMETERS = 5
_LONGEST_VALUE = 40

#: What the log says of a cost that fal has not confirmed; the template marks these apart from confirmed ones.
_STATES = {
    Counting.ESTIMATE: "Estimated",
    Counting.PENDING: "Pending",
    Counting.UNKNOWN: "No price yet",
    Counting.FAILED: "Not billed so far",
    Counting.UNMATCHED: "Unmatched",
}


class LogRow(NamedTuple):
    """A line of the log, as text.

    Attributes:
        confirmed: whether ``actual`` is what someone was billed by fal.
        cost: in the currency that it was billed in, with every digit.
        converted: the same in the home currency, where that is another one.
    """

    when: str
    name: str
    detail: str
    parameters: str
    tags: str
    estimate: str
    confirmed: bool
    actual: str
    cost: str
    converted: str


class LogPage(msgspec.Struct, frozen=True):
    """A part of the log that is one table. Plain data: it reaches a template of one's own as JSON.

    Attributes:
        title: its month.
        rows: in the order of time.
    """

    title: str
    rows: tuple[LogRow, ...]


def log_pages(
    records: Sequence[Record], *, filters: Filters, converter: Converter, words: Words, zone: tzinfo
) -> Iterator[LogPage]:
    """The log by calendar month, in the order of the records, made as it is read.

    A busy month comes in several pages, each with its title: browsers slow down on tables of many thousand lines.
    """
    for month, members in groupby(records, lambda record: civil_day(record, zone).replace(day=1)):
        title = words.month(month)
        while page := list(islice(members, _PAGE)):
            yield LogPage(title, tuple(_log_row(record, filters, converter, words, zone) for record in page))
            title = f"{words.month(month)}, continued"


def _log_row(record: Record, filters: Filters, converter: Converter, words: Words, zone: tzinfo) -> LogRow:
    tags = (
        (record.client, filters.client),
        (record.project, filters.project),
        (record.deliverable, filters.deliverable),
    )
    # What the title says of the whole report is not said again in every line.
    shown_tags = " · ".join(tag for tag, asked in tags if tag and not asked)
    in_home = _converted(record, converter, words, zone)
    if isinstance(record, ExternalCost):
        shared = record.kind is Kind.POOL
        return LogRow(
            when=record.date.isoformat(),
            name=record.description,
            detail=" · ".join(part for part in (record.source, record.category) if part),
            # How a shared cost was divided is what its note tells.
            parameters=" · ".join(filter(None, ("shared cost", record.note))) if shared else "external cost",
            tags=shown_tags,
            estimate="",
            confirmed=False,
            actual="Imported",
            cost=words.exact(record.amount),
            converted=in_home,
        )
    cost = words.exact(record.cost) if record.cost else ""
    actual = f"Actual {cost}" if record.counting is Counting.ACTUAL else _STATES.get(record.counting, "Not billed")
    return LogRow(
        when=record.timestamp.astimezone(zone).replace(tzinfo=None).isoformat(" ", "seconds"),
        name=record.display_name or record.endpoint_id,
        detail=record.endpoint_id if record.display_name else "",
        parameters=_parameters(record),
        tags=shown_tags,
        estimate=words.exact(record.estimate.amount) if record.estimate else "",
        confirmed=record.confirmed,
        actual=actual,
        cost=cost,
        converted=in_home,
    )


def _converted(record: Record, converter: Converter, words: Words, zone: tzinfo) -> str:
    cost = record.cost
    if cost is None or cost.currency == converter.currency or not cost.nanos:
        return ""
    rate = converter.rate(cost.currency, civil_day(record, zone))
    return "no exchange rate" if rate is None else words.converted(converted(cost.nanos, rate), converter.currency)


def _parameters(record: Generation) -> str:
    """The few that tell one job from another: how it ended, how much was billed, the plain values of its input."""
    parts = []
    if record.status in {Status.FAILED, Status.CANCELLED}:
        parts.append(str(record.status))
    if record.units is not None:
        quantity = f"{record.units:f}"
        unit = (record.unit or "").strip()
        parts.append(f"{quantity} × {unit}" if unit[:1].isdigit() else f"{quantity} {unit}".strip())
    for name, value in record.parameters.items():
        if isinstance(value, str | int | float) and str(value):
            text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
            parts.append(f"{name.replace('_', ' ')} {_shortened(text)}")
        if len(parts) > _MOST_PARAMETERS:
            break
    return " · ".join(parts)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
