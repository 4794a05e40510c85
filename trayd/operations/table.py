"""The table of operations: what a person can ask, by name. The HTTP API serves it, the command line asks by it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from trayd.errors import UsageError
from trayd.operations.operations import Operations
from trayd.reports.formats import MEDIA_TYPES


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the table: an operation by its name, and how the HTTP API carries it.

    Attributes:
        query: the struct of its arguments; over HTTP, the query parameters.
        answer: the type it answers with.
        media_types: of the text that it answers with, all that there are; none where it answers with data.
        stepped: whether it is done in steps, and ``run`` gives these; over HTTP, how far it is can be told.
        takes_body: whether it takes bytes as a second argument.
        writes: whether the ledger may be different after it; over HTTP, POST instead of GET.
        replaces: whether what was in the ledger may be gone after it, so that nobody may rely on what he remembers.
        slow: whether it can take minutes on a large ledger.
    """

    name: str
    summary: str
    run: Callable[..., Any]
    query: type[msgspec.Struct]
    answer: Any
    media_types: tuple[str, ...]
    stepped: bool
    takes_body: bool
    writes: bool
    replaces: bool
    slow: bool

    @classmethod
    def of(
        cls,
        name: str,
        summary: str,
        run: Callable[..., Any],
        *,
        media_types: tuple[str, ...] = (),
        writes: bool = False,
        replaces: bool = False,
        slow: bool = False,
    ) -> Operation:
        """The entry of a method, whose own signature says what it takes and answers with.

        Args:
            name: what it is asked by.
            summary: what it does, in a line.
            run: the method; its first argument is the query, a second one the body.
            media_types: see above.
            writes: see above, as with the others.
            replaces: see above.
            slow: see above.
        """
        hints = get_type_hints(run)
        answer = hints.pop("return")
        query, *body = hints.values()
        stepped = get_origin(answer) is Generator
        return cls(
            name=name,
            summary=summary,
            run=run,
            query=next(iter(get_args(query)), query),  # that may be left out, or not
            answer=get_args(answer)[-1] if stepped else answer,
            media_types=media_types,
            stepped=stepped,
            takes_body=bool(body),
            writes=writes,
            replaces=replaces,
            slow=slow,
        )


OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation.of("status", "Balance, totals, alerts", Operations.status),
        Operation.of("usage", "Totals of a window and their breakdown", Operations.usage),
        Operation.of("history", "The log, newest first", Operations.history),
        Operation.of("unknown-names", "Names in filters that nothing recorded has", Operations.unknown_names),
        Operation.of("export", "The history as a file", Operations.export, media_types=MEDIA_TYPES),
        Operation.of("report", "The HTML report", Operations.report, media_types=("text/html",)),
        Operation.of(
            "reconcile",
            "The ledger against fal's totals, estimates against bills, and what is not billed yet",
            Operations.reconcile,
        ),
        Operation.of("rates", "The exchange rates into the home currency", Operations.list_rates),
        Operation.of("pools", "The costs that projects share, newest first", Operations.list_pools),
        Operation.of("alerts", "The alerts: open ones, then those that are over, the latest first", Operations.alerts),
        Operation.of("hooks", "Where warnings go beside the desktop, and what is wrong there", Operations.hooks),
        Operation.of("snooze", "Have an alert told again later", Operations.snooze, writes=True),
        Operation.of("pause", "Keep alerts from the desktop for some time", Operations.pause, writes=True),
        Operation.of("resume", "End the pause of alerts", Operations.resume, writes=True),
        Operation.of("credits", "What is left of purchased credits, and when that expires", Operations.list_credits),
        Operation.of("tips", "Where the same work may have cost less", Operations.find_tips),
        Operation.of("forecast", "How long balances last, and what the month comes to", Operations.forecast),
        Operation.of("budgets", "How the budgets stand", Operations.budgets),
        Operation.of("anomalies", "Days on which far more was spent than usual", Operations.anomalies),
        Operation.of("import", "Take in the file that is the body", Operations.import_data, writes=True),
        Operation.of(
            "tag",
            "Set client, project, deliverable or note by filter, or of the ids in the body, a JSON list",
            Operations.tag,
            writes=True,
        ),
        Operation.of("untag", "Take a tagging back", Operations.untag, writes=True),
        Operation.of("taggings", "The taggings, newest first", Operations.taggings),
        Operation.of("link", "Settle an unmatched event", Operations.link, writes=True),
        Operation.of("unlink", "Make a linked event a record of its own again", Operations.unlink, writes=True),
        Operation.of("likely", "The requests that an unmatched event may belong to", Operations.likely),
        Operation.of("verify", "What is not sound in the ledger", Operations.verify, slow=True),
        Operation.of(
            "rebuild",
            "Write files of the ledger anew from what can be read",
            Operations.rebuild,
            writes=True,
            replaces=True,
            slow=True,
        ),
        Operation.of("backup", "Copy the whole ledger into one file", Operations.backup, writes=True, slow=True),
        Operation.of(
            "restore",
            "Archive the history and put a copy in its place",
            Operations.restore,
            writes=True,
            replaces=True,
            slow=True,
        ),
        Operation.of(
            "reset",
            "Archive the history and start an empty one",
            Operations.reset,
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
