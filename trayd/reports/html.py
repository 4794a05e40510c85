"""The HTML report: one file that needs nothing else, for a client or an accountant.

It runs no script and asks for nothing over a network; its own content policy forbids both, whatever a record says.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from trayd import __version__
from trayd.rates import Converter
from trayd.records import Filters, Record
from trayd.reports.context import report_context
from trayd.reports.log import log_pages
from trayd.reports.words import Words

if TYPE_CHECKING:
    from jinja2 import Environment

# Jinja hands out each expression by itself; so many of them make a piece worth writing.
_PARTS_PER_PIECE = 2000


def report_html(
    records: Iterable[Record],
    *,
    filters: Filters,
    converter: Converter,
    locale: str,
    zone: tzinfo,
    now: datetime,
) -> Iterator[str]:
    """The report, in pieces; its log is in the order of time.

    Args:
        records: those that the filters admit, in any order.
        filters: what was asked for; the title block says so.
        converter: the rates into the home currency, which totals are in.
        locale: how amounts and numbers are written.
        zone: the user's, for days and times.
        now: when the report is made.
    """
    ordered = sorted(records, key=lambda record: record.instant(zone))
    words = Words(locale)
    context = report_context(ordered, filters=filters, converter=converter, words=words, zone=zone, now=now)
    template = _environment().get_template("report.html.j2")
    stream = template.stream(
        report=context,
        log=log_pages(ordered, filters=filters, converter=converter, words=words, zone=zone),
        version=__version__,
        **_style(),
    )
    stream.enable_buffering(_PARTS_PER_PIECE)
    return stream


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("trayd.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> dict[str, str]:
    """The style sheet, and the hash by which the content policy knows it."""
    css = (resources.files("trayd.reports") / "templates" / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return {"css": css, "css_hash": f"sha256-{digest}"}
