"""The HTML report: one file that needs nothing else, for a client or an accountant.

It runs no script and asks for nothing over a network; its own content policy forbids both, whatever a record says.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator

from trayd.records import Record
from trayd.reports.context import Contents, contents_in_steps, report_context
from trayd.reports.log import log_pages
from trayd.reports.rendering import shipped_page
from trayd.reports.request import ReportRequest
from trayd.reports.words import Words


def gathered(records: Iterable[Record], request: ReportRequest) -> Generator[str, None, Contents]:
    """All that the report says, worked out in steps, each of which is an empty piece.

    Args:
        records: those that the request's filters admit, in any order; the log is in that of time.
        request: what it is about, and how it is written.
    """
    ordered = sorted(records, key=lambda record: record.instant(request.zone))
    steps = contents_in_steps(ordered, request)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            made_of: Contents = end.value
            return made_of
        yield ""


def report_page(made_of: Contents, request: ReportRequest) -> Iterator[str]:
    """The page that says it, in pieces; nothing is asked for that is not gathered.

    Raises:
        TraydError: a template of the user's own is wrong; see :func:`own_page`.
    """
    words = Words(request.locale)
    context, log = report_context(made_of, request, words), log_pages(made_of, request, words)
    if request.templates is not None:
        from trayd.reports.own_templates import Job, own_page

        yield from own_page(context, log, Job(str(request.templates)))
        return
    yield from shipped_page({"report": context, "log": log})
