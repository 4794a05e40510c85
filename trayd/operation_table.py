"""The table of operations: what a person can ask, by name. The HTTP API serves it, the command line asks by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from trayd.alert_listing import AlertsQuery, ListedAlert, ListedAlerts, Paused, PauseQuery, SnoozeQuery
from trayd.alerts.trial import ListedHook
from trayd.credit_listing import ListedCredits
from trayd.errors import UsageError
from trayd.filters import FilterQuery
from trayd.importing import Imported, ImportQuery
from trayd.insight.budgets import BudgetStatus
from trayd.insight.forecast import Forecast
from trayd.insight.status import Status
from trayd.insight.usage import Usage
from trayd.keeping import (
    BackupDone,
    BackupQuery,
    RebuildDone,
    RebuildQuery,
    ResetDone,
    ResetQuery,
    RestoreDone,
    RestoreQuery,
    Verified,
)
from trayd.linking import Candidate, EventQuery, Linked, LinkQuery
from trayd.operations import NoQuery, Operations
from trayd.pool_listing import ListedPool, PoolsQuery
from trayd.rate_listing import ListedRates, RatesQuery
from trayd.reconciling import ReconcileQuery, Reconciliation
from trayd.record_listing import ExportQuery, HistoryQuery, UsageQuery
from trayd.reports.shape import HistoryItem
from trayd.tagging import Tagged, TaggingItem, TagQuery, Untagged, UntagQuery
from trayd.tip_finding import FoundTips, TipsQuery
from trayd.unusual_listing import AnomaliesQuery, ListedDays


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the table: an operation by its name, and how the HTTP API carries it.

    Attributes:
        query: the struct of its arguments; over HTTP, the query parameters.
        answer: the type it answers with, or the media type of the text that it answers with.
        stepped: whether it is done in steps, and ``run`` gives these; over HTTP, how far it is can be told.
        takes_body: whether it takes bytes as a second argument.
        writes: whether the ledger may be different after it; over HTTP, POST instead of GET.
        replaces: whether what was in the ledger may be gone after it, so that nobody may rely on what he remembers.
        slow: whether it can take minutes on a large ledger.
    """

    name: str
    summary: str
    run: Callable[..., Any]
    query: type[msgspec.Struct] = NoQuery
    answer: Any = None
    stepped: bool = False
    takes_body: bool = False
    writes: bool = False
    replaces: bool = False
    slow: bool = False


OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation(name="status", summary="Balance, totals, alerts", run=Operations.status, answer=Status),
        Operation(
            name="usage",
            summary="Totals of a window and their breakdown",
            run=Operations.usage,
            query=UsageQuery,
            answer=Usage,
        ),
        Operation(
            name="history",
            summary="The log, newest first",
            run=Operations.history,
            query=HistoryQuery,
            answer=list[HistoryItem],
        ),
        Operation(
            name="export",
            summary="The history as a file",
            run=Operations.export,
            query=ExportQuery,
            answer="text/csv",
        ),
        Operation(
            name="report", summary="The HTML report", run=Operations.report, query=FilterQuery, answer="text/html"
        ),
        Operation(
            name="reconcile",
            summary="The ledger against fal's totals, estimates against bills, and what is not billed yet",
            run=Operations.reconcile,
            query=ReconcileQuery,
            answer=Reconciliation,
            stepped=True,
        ),
        Operation(
            name="rates",
            summary="The exchange rates into the home currency",
            run=Operations.list_rates,
            query=RatesQuery,
            answer=ListedRates,
        ),
        Operation(
            name="pools",
            summary="The costs that projects share, newest first",
            run=Operations.list_pools,
            query=PoolsQuery,
            answer=list[ListedPool],
        ),
        Operation(
            name="alerts",
            summary="The alerts: open ones, then those that are over, the latest first",
            run=Operations.alerts,
            query=AlertsQuery,
            answer=ListedAlerts,
        ),
        Operation(
            name="hooks",
            summary="Where warnings go beside the desktop, and what is wrong there",
            run=Operations.hooks,
            answer=list[ListedHook],
        ),
        Operation(
            name="snooze",
            summary="Have an alert told again later",
            run=Operations.snooze,
            query=SnoozeQuery,
            answer=ListedAlert,
            writes=True,
        ),
        Operation(
            name="pause",
            summary="Keep alerts from the desktop for some time",
            run=Operations.pause,
            query=PauseQuery,
            answer=Paused,
            writes=True,
        ),
        Operation(
            name="resume",
            summary="End the pause of alerts",
            run=Operations.resume,
            answer=Paused,
            writes=True,
        ),
        Operation(
            name="credits",
            summary="What is left of purchased credits, and when that expires",
            run=Operations.list_credits,
            answer=list[ListedCredits],
        ),
        Operation(
            name="tips",
            summary="Where the same work may have cost less",
            run=Operations.find_tips,
            query=TipsQuery,
            answer=FoundTips,
            stepped=True,
        ),
        Operation(
            name="forecast",
            summary="How long balances last, and what the month comes to",
            run=Operations.forecast,
            answer=Forecast,
        ),
        Operation(name="budgets", summary="How the budgets stand", run=Operations.budgets, answer=list[BudgetStatus]),
        Operation(
            name="anomalies",
            summary="Days on which far more was spent than usual",
            run=Operations.anomalies,
            query=AnomaliesQuery,
            answer=ListedDays,
        ),
        Operation(
            name="import",
            summary="Take in the file that is the body",
            run=Operations.import_data,
            query=ImportQuery,
            answer=Imported,
            stepped=True,
            takes_body=True,
            writes=True,
        ),
        Operation(
            name="tag",
            summary="Set client, project, deliverable or note by filter, or of the ids in the body, a JSON list",
            run=Operations.tag,
            query=TagQuery,
            answer=Tagged,
            takes_body=True,
            writes=True,
        ),
        Operation(
            name="untag",
            summary="Take a tagging back",
            run=Operations.untag,
            query=UntagQuery,
            answer=Untagged,
            writes=True,
        ),
        Operation(
            name="taggings", summary="The taggings, newest first", run=Operations.taggings, answer=list[TaggingItem]
        ),
        Operation(
            name="link",
            summary="Settle an unmatched event",
            run=Operations.link,
            query=LinkQuery,
            answer=Linked,
            writes=True,
        ),
        Operation(
            name="unlink",
            summary="Make a linked event a record of its own again",
            run=Operations.unlink,
            query=EventQuery,
            answer=Linked,
            writes=True,
        ),
        Operation(
            name="likely",
            summary="The requests that an unmatched event may belong to",
            run=Operations.likely,
            query=EventQuery,
            answer=list[Candidate],
        ),
        Operation(
            name="verify",
            summary="What is not sound in the ledger",
            run=Operations.verify,
            answer=Verified,
            stepped=True,
            slow=True,
        ),
        Operation(
            name="rebuild",
            summary="Write files of the ledger anew from what can be read",
            run=Operations.rebuild,
            query=RebuildQuery,
            answer=list[RebuildDone],
            writes=True,
            replaces=True,
            slow=True,
        ),
        Operation(
            name="backup",
            summary="Copy the whole ledger into one file",
            run=Operations.backup,
            query=BackupQuery,
            answer=BackupDone,
            writes=True,
            slow=True,
        ),
        Operation(
            name="restore",
            summary="Archive the history and put a copy in its place",
            run=Operations.restore,
            query=RestoreQuery,
            answer=RestoreDone,
            writes=True,
            replaces=True,
            slow=True,
        ),
        Operation(
            name="reset",
            summary="Archive the history and start an empty one",
            run=Operations.reset,
            query=ResetQuery,
            answer=ResetDone,
            writes=True,
            replaces=True,
            slow=True,
        ),
    )
}


def parse_query(operation: Operation, given: dict[str, Any]) -> msgspec.Struct:
    """The operation's arguments from names and texts.

    Raises:
        UsageError: there is no such argument, or a value for it is not valid.
    """
    unknown = sorted(set(given) - set(operation.query.__struct_fields__))
    if unknown:
        raise UsageError(f"{operation.name}: there is no argument {unknown[0]!r}", "leave it out")
    try:
        return msgspec.convert(given, operation.query, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"{operation.name}: {error}", f"see `trayd {operation.name} --help`") from error
