"""Reports of records that a test hands in, made as :func:`trayd.operations.exporting.built_report` has them made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo

from trayd.rates import Converter
from trayd.records import Record
from trayd.reports.charges import Charges
from trayd.reports.figures import Figures, figures_in_steps
from trayd.reports.html import gathered, report_page
from trayd.reports.request import ReportRequest
from trayd.steps import finish


def report_html(records: Iterable[Record], request: ReportRequest) -> Iterator[str]:
    """The page in pieces; the records may come in any order."""
    yield from report_page((yield from gathered(records, request)), request)


def figures(records: Sequence[Record], converter: Converter, zone: tzinfo, charges: Charges | None) -> Figures:
    """What the records add up to."""
    return finish(figures_in_steps(records, converter, zone, charges))
