"""The form that asks for a report: its fields as a browser sends them, and what they mean.

It says the same as the command line's filters in words that a person chooses from. What it means goes on as the API's
own query, so that a report has one address, whoever asked for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple
from urllib.parse import quote, unquote

import msgspec

from trayd.errors import UsageError
from trayd.insight.windows import parse_moment
from trayd.money import is_currency
from trayd.operations.exporting import ReportQuery
from trayd.operations.known_names import KnownNames
from trayd.operations.operations import Operations
from trayd.records import Kind
from trayd.reports.due import period_with

#: The values of choices beside a name: whatever it is, and that there is none.
ANY, WITHOUT = "", "-"

#: Before a name that is chosen, so that no name is taken for something else.
_NAMED = "="

_NOT_SENT = re.compile("[%\x00-\x1f\x7f-\x9f]")

#: The periods that are none of the months.
ALL_TIME, DAYS = "all", "days"

#: The longest name that is said again where nothing has it.
_LONGEST = 200

#: Of what trayd takes for dates.
_FIRST_MONTH = date(1970, 1, 1)


class Wrong(NamedTuple):
    """What is wrong with a field, and the cure."""

    message: str
    cure: str = ""


class ReportForm(msgspec.Struct, frozen=True, kw_only=True):
    """The fields as they are filled in.

    Attributes:
        client: a choice, as are ``project``, ``account`` and ``key``; see :func:`named`.
        deliverable: a name; nothing: any.
        model: an endpoint id, or the start of one up to a slash; nothing: any.
        kind: of costs; nothing: any.
        period: a month (``2026-11``), or one of those above; nothing: the month that runs.
        since: with ``until``, the first and the last day where the period is days of one's own.
        currency: an ISO 4217 code; nothing: the home currency.
        save: whatever stands here, the report is saved and not shown.
    """

    client: str = ANY
    project: str = ANY
    deliverable: str = ""
    model: str = ""
    account: str = ANY
    key: str = ANY
    kind: str = ""
    period: str = ""
    since: str = ""
    until: str = ""
    currency: str = ""
    save: str = ""


def named(name: str | None) -> str:
    """The value of the choice of that name; empty: of none; None: of any."""
    if name is None:
        return ANY
    # Forms send every line end as CR LF, and HTML has no place for other controls.
    return f"{_NAMED}{_NOT_SENT.sub(lambda found: quote(found[0]), name)}" if name else WITHOUT


def name_in(value: str) -> str:
    """The name that the value of a choice means, or what stands in its place."""
    return unquote(value.removeprefix(_NAMED)) if value.startswith(_NAMED) else value


def filled_in(given: Mapping[str, str]) -> ReportForm:
    """The fields that a browser has sent.

    Raises:
        UsageError: there is no such field.
    """
    unknown = sorted(given.keys() - set(ReportForm.__struct_fields__))
    if unknown:
        raise UsageError(f"the form has no field {unknown[0]!r}", "fill in the form below")
    return ReportForm(**{name: value.strip() if name in _WRITTEN else value for name, value in given.items()})


def form_of(query: ReportQuery) -> ReportForm:
    """The form that asks for that report."""
    return ReportForm(
        client=named(query.client),
        project=named(query.project),
        deliverable=query.deliverable or "",
        model=query.model or "",
        account=named(query.account),
        key=named(query.key),
        kind=query.kind.value if query.kind else "",
        period=DAYS if query.since or query.until else ALL_TIME,
        since=query.since or "",
        until=query.until or "",
        currency=query.currency or "",
    )


def meant(form: ReportForm, operations: Operations) -> ReportQuery | dict[str, Wrong]:
    """The report that the form asks for, or by field what is wrong.

    Names that nothing recorded has are wrong here: a slip of the pen makes a report of nothing.
    """
    reading = _Reading(form, operations)
    query = ReportQuery(
        client=reading.choice("client"),
        project=reading.choice("project"),
        deliverable=reading.written("deliverable"),
        model=reading.written("model"),
        account=reading.choice("account"),
        key=reading.choice("key"),
        kind=reading.kind(),
        currency=reading.currency(),
        **reading.period(),
    )
    return {field: reading.wrong[field] for field in ReportForm.__struct_fields__ if field in reading.wrong} or query


class _Reading:
    """Reads the fields one by one, and remembers what is wrong with them."""

    def __init__(self, form: ReportForm, operations: Operations) -> None:
        self._form = form
        self._zone = operations.settings.zone()
        self._today = operations.now.astimezone(self._zone).date()
        self._known = KnownNames(operations)
        self.wrong: dict[str, Wrong] = {}

    def choice(self, field: str) -> str | None:
        value: str = getattr(self._form, field)
        if value in {ANY, WITHOUT}:
            return None if value == ANY else ""
        if not value.startswith(_NAMED):
            self.wrong[field] = Wrong(f"this is no {field} to choose", "choose one of the list")
            return None
        return self._name(field, name_in(value))

    def written(self, field: str) -> str | None:
        value: str = getattr(self._form, field)
        return self._name(field, value) if value else None

    def _name(self, field: str, name: str) -> str | None:
        if trouble := self._known.trouble(field, name):
            message, _, cure = trouble.partition("; ")
            if len(name) > _LONGEST:
                message, cure = f"nothing recorded has a {field} of {len(name):,} characters", "choose one of the list"
            self.wrong[field] = Wrong(message, cure)
        return name

    def kind(self) -> Kind | None:
        try:
            return Kind(self._form.kind) if self._form.kind else None
        except ValueError:
            self.wrong["kind"] = Wrong("there is no such kind of cost", "choose one of the list")
            return None

    def currency(self) -> str | None:
        code = self._form.currency.upper()
        if code and not is_currency(code):
            self.wrong["currency"] = Wrong(f"“{code[:20]}” is no ISO 4217 code", "write one such as EUR")
        return code or None

    def period(self) -> dict[str, str | None]:
        asked = self._form.period
        if asked == ALL_TIME:
            return {}
        if asked == DAYS:
            return self._days()
        first = self._today.replace(day=1)
        if asked:
            try:
                first = date.fromisoformat(f"{asked}-01")
            except ValueError:
                first = date.max
        if not _FIRST_MONTH <= first <= self._today:
            self.wrong["period"] = Wrong("there is no such period", "choose one of the list")
            return {}
        month = period_with("month", first)
        # Of the month that runs, it is up to today.
        return {"since": str(month.first), "until": str(min(month.last, self._today))}

    def _days(self) -> dict[str, str | None]:
        since, until = self._day("since"), self._day("until")
        if since and until and since > until:
            self.wrong["until"] = Wrong(f"{until} is before {since}", "swap the two")
        if not self._form.since and not self._form.until:
            self.wrong["since"] = Wrong("no day is given", "give the first day, the last one, or both")
        return {"since": str(since) if since else None, "until": str(until) if until else None}

    def _day(self, field: str) -> date | None:
        text: str = getattr(self._form, field)
        if not text:
            return None
        try:
            day = date.fromisoformat(text)
            parse_moment(str(day), self._zone, end=field == "until")
        except (ValueError, UsageError):
            self.wrong[field] = Wrong(f"“{text[:20]}” is no date", "write one such as 2026-11-30, from 1970 on")
            return None
        return day


_WRITTEN = frozenset({"deliverable", "model", "since", "until", "currency"})
