"""The words about scheduled reports: those that were made, and those that cannot be."""

from __future__ import annotations

from datetime import date

from trayd.alerts.rules import ReportMade
from trayd.alerts.rules.reports import ReportsRefused
from trayd.alerts.words.writing import (
    TEXT,
    TITLE,
    MessageContext,
    Words,
    name,
    sentences,
    with_cure,
    written_day,
    written_month,
)
from trayd.episodes import Urgency
from trayd.texts import tidy, units_of

#: UTF-16 units of a file's name, and of its folder where there is little room.
_FILE, _FOLDER = 60, 100

_LATE_BILLS = "fal's bills of that time were not all in, so some amounts can be estimates."
_AGAIN = "trayd tries again every few minutes."


def made(report: ReportMade, context: MessageContext) -> Words:
    """A report was made."""
    write = context.write
    first, *others = report.files
    files = name(first, _FILE) + (f" and {write.count(len(others), 'more file')}" if others else "")
    cost = "" if report.is_hidden else "Not all of what the work cost is known."
    if report.cost is not None:
        cost = f"The work cost {write.money(report.cost)}."
    place = f"{files} {'are' if others else 'is'} in "
    folder = name(report.folder, max(TEXT - units_of(f"{cost} {place}."), _FOLDER))
    whose = name(report.client, TITLE - units_of(f"Report for , {_when(report)}")) if report.client else ""
    return Words(
        f"Report for {whose}, {_when(report)}" if whose else f"Report of {_when(report)}",
        sentences(
            cost,
            "" if report.billed else _LATE_BILLS,
            *(f"{_sentence(remark)}." for remark in dict.fromkeys(report.remarks)),
            last=f"{place}{folder}.",
        ),
        Urgency.LOW,
    )


def refused(found: ReportsRefused, _context: MessageContext) -> Words:
    """Reports cannot be made."""
    beginning = "Reports cannot be made"
    problem = with_cure(tidy(found.problem).rstrip("."), TEXT - units_of(f". {_AGAIN}"))
    # A path, or the name of a setting, is written as it is.
    told = problem[:1].upper() + problem[1:] if problem.partition(" ")[0].isalpha() else problem
    return Words(
        f"{beginning} ({name(found.schedule, TITLE - units_of(f'{beginning} ()'))})",
        sentences(f"{told}.", last=_AGAIN),
    )


def _sentence(remark: str) -> str:
    told = name(remark, TEXT).rstrip(".")
    return told[:1].upper() + told[1:]


def _when(report: ReportMade) -> str:
    """``October 2026``; ``9 to 15 Nov 2026`` of a week."""
    with_its_year = date.min
    if "W" not in report.period:
        return written_month(report.first, with_its_year)
    first, last = report.first, report.last
    begins = f"{first.day}" if first.month == last.month else written_day(first, last)
    return f"{begins} to {written_day(last, with_its_year)}"
