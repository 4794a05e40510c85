"""The foot of each printed page: who the report is from, and what it is about, beside the page's number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trayd.reports.context import ReportContext

# Two lines of the narrowest paper.
_LONGEST = 150

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ]")


def page_foot(report: ReportContext) -> str:
    """The rule of a style sheet that says it: pages have margins for it, which no element of a document is in.

    Names in it are of other programs' files. Each letter that could mean something to CSS or HTML is written by its
    number, and the space that ends it (https://www.w3.org/TR/css-syntax-3/#consume-escaped-code-point).
    """
    parts = (report.agency.name, report.title, report.subtitle, report.period)
    told = " · ".join(part for part in parts if part)
    if len(told) > _LONGEST:
        told = f"{told[: _LONGEST - 1]}…"
    return f'@page {{ @bottom-left {{ content: "{_NOT_PLAIN.sub(_numbered, told)}"; }} }}\n'


def _numbered(letter: re.Match[str]) -> str:
    return f"\\{ord(letter[0]):x} "
