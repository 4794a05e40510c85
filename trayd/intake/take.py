"""A file as facts: what of it can be recorded, what is rejected and why, for the drop folder and for a command alike.

Reading (:func:`reading`, or :func:`read_file` in one go) knows no ledger; :func:`batches` and :func:`results` are the
way there and back, so that whoever owns the ledger's thread does the writing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Container, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from trayd.facts import Added, Batch, EventFact, FileTaken, ModelFact
from trayd.intake.event_files import REJECTED_HEADER, FileForm, is_rejected_lines, read_events
from trayd.intake.kinds import LARGEST_FILE
from trayd.intake.rejection import RefusedError, Rejection, printable, shown
from trayd.intake.understanding import NO_ANSWERS, Answers, NamedRow, RowKind, Understanding
from trayd.records import ExternalCost
from trayd.settings import Settings
from trayd.steps import Step, Steps, finish

# What tables are read with is imported with the first one: a daemon that sees none does without.
if TYPE_CHECKING:
    from trayd.intake.costs import Costs, Progress
    from trayd.intake.rejected_rows import ReadAs

EVENT_OBJECT = frozenset({".json"})
EVENT_LINES = frozenset({".jsonl", ".ndjson"})
_PACKED = ".gz"
_TEXTS = frozenset({".csv", ".tsv", ".tab", ".txt"})
_PACKED_TEXTS = frozenset(f"{end}{_PACKED}" for end in _TEXTS)
# Banks call web pages and tables in plain text .xls as well: what such a file is, its content tells.
TABLE = _TEXTS | _PACKED_TEXTS | {".xlsx", ".xlsm", ".xls", ".ods", ".zip", _PACKED}

#: The ends of names that are read.
SUFFIXES = EVENT_OBJECT | EVENT_LINES | TABLE

# Reading a table goes over its rows so many times.
_WALKS = 2

# Rows that stand among the costs and are none.
_NO_COST = frozenset({RowKind.LEFT_OUT, RowKind.TOTAL})
_MOST_REASONS = 5

# So many facts become durable together; a large file is several writes, and none of them holds others up for long.
_BATCH_FACTS = 2_500


class RejectedRow(msgspec.Struct, frozen=True):
    """One row that was not recorded, as ``trayd import --json`` tells it."""

    line: int | None
    column: str | None
    value: str | None
    reason: str


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file.

    Attributes:
        recorded: how many rows or events told something new; with a dry run, how many can be recorded.
        duplicates: how many were known already.
        left_out: the rows of a table that are no cost, and what they are instead.
        assumed_currency: the home currency, where what is new was taken in it because nothing tells another; else None.
    """

    file: str
    recorded: int = 0
    duplicates: int = 0
    rejected: tuple[RejectedRow, ...] = ()
    left_out: tuple[NamedRow, ...] = ()
    assumed_currency: str | None = None


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says.

    Attributes:
        digest: SHA-256 of its content, in hex; of content and name where one sheet of several was meant.
        rejected: what of it cannot be recorded.
        refused: why nothing of it is; None where something is.
        rows: the rejected rows as they came, under ``header``, for whoever corrects them.
        read_as: what has to stand beside each of them for it to be read like its file.
        named: the rows of a table that are no cost, and what they are instead.
        understanding: how a table was read; None where there is none.
    """

    name: str
    digest: str
    events: tuple[EventFact, ...] = ()
    costs: tuple[ExternalCost, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    named: tuple[NamedRow, ...] = ()
    understanding: Understanding | None = None
    refused: Rejection | None = None
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    read_as: tuple[ReadAs, ...] = ()

    @property
    def facts(self) -> int:
        """How many rows or events can be recorded."""
        return len(self.events) + len(self.costs)

    @property
    def remembered(self) -> bool:
        """Whether the ledger knows it by its content once it was taken in.

        Events are known each by itself, and come one to a file; where all of them were recorded, the file adds nothing.
        """
        return self.refused is None and bool(self.costs or self.rejected)


def read_file(
    name: str,
    data: bytes,
    *,
    settings: Settings,
    models: Mapping[str, ModelFact],
    now: datetime,
    answers: Answers = NO_ANSWERS,
    path: str = "",
) -> Understood:
    """What a file says, in one go; see :func:`reading`."""
    return finish(reading(name, data, settings=settings, models=models, now=now, answers=answers, path=path))


def reading(
    name: str,
    data: bytes,
    *,
    settings: Settings,
    models: Mapping[str, ModelFact],
    now: datetime,
    answers: Answers = NO_ANSWERS,
    path: str = "",
) -> Steps[Understood]:
    """What a file says, in steps that count its rows; its kind goes by the end of its name.

    Args:
        name: the file's name, without folders.
        data: its content.
        settings: for the home currency, the sources that the user has named, and whether prompts are kept.
        models: known prices, for events that tell units but no estimate.
        now: the time of estimates that are made here.
        answers: what a person has said of a table; it wins over what the table shows.
        path: the file as a person would name it in a command; without it by its name alone.
    """
    told, digest = printable(name), _digest(data, answers.sheet)
    suffix = suffix_of(name)
    if len(data) > LARGEST_FILE:
        return Understood(name=told, digest=digest, refused=too_large(len(data)))
    try:
        if suffix in EVENT_OBJECT or suffix in EVENT_LINES or (suffix in TABLE and is_rejected_lines(data)):
            form = FileForm.ROWS if suffix in TABLE else FileForm.LINES if suffix in EVENT_LINES else FileForm.DOCUMENT
            events = read_events(data, form, store_prompts=settings.store_prompts, models=models, now=now)
            understood = Understood(
                name=told,
                digest=digest,
                events=events.events,
                rejected=tuple(row.rejection for row in events.rejected),
                header=REJECTED_HEADER,
                rows=tuple((row.text,) for row in events.rejected),
            )
        elif suffix in TABLE:
            from trayd.intake.costs import costs_in_steps
            from trayd.intake.own_sources import presets

            costs = costs_in_steps(
                told,
                data,
                home_currency=settings.home_currency,
                answers=answers,
                sources=presets(settings.source),
                path=path,
            )
            understood = _of_table(told, digest, (yield from _counted(costs)))
        else:
            return Understood(name=told, digest=digest, refused=unknown_kind(suffix))
    except RefusedError as error:
        return Understood(name=told, digest=digest, refused=error.rejection)
    if understood.facts == 0:
        return msgspec.structs.replace(understood, refused=_nothing(understood))
    return understood


def _digest(data: bytes, sheet: str | None) -> str:
    content = hashlib.sha256(data)
    if sheet is not None:
        # Its other sheets are taken in by themselves, and none of them makes the others known.
        content.update(f"\0{sheet}".encode())
    return content.hexdigest()


def _counted(costs: Generator[Progress, None, Costs]) -> Steps[Costs]:
    while True:
        try:
            done, of = next(costs)
        except StopIteration as end:
            table: Costs = end.value
            return table
        yield Step(done // _WALKS, of // _WALKS, apart=True)


def _of_table(name: str, digest: str, table: Costs) -> Understood:
    return Understood(
        name=name,
        digest=digest,
        costs=table.costs,
        rejected=tuple(row.rejection for row in table.rejected),
        header=table.header,
        rows=tuple(row.cells for row in table.rejected),
        read_as=tuple(msgspec.structs.replace(table.read_as, beside=row.twins) for row in table.rejected),
        named=table.named,
        understanding=table.understanding,
    )


def suffix_of(name: str) -> str:
    """The end of a name in lower case, which tells the kind of file: ``.csv``; of a packed one both: ``.csv.gz``."""
    stem, _, end = name.rpartition(".")
    if not stem or not end:
        return ""
    suffix = f".{end.lower()}"
    return suffix_of(stem) + suffix if suffix == _PACKED else suffix


def unknown_kind(suffix: str) -> Rejection:
    """Why a file of that kind is not read."""
    cure = "drop .json or .jsonl files with events, or a table of costs: .csv, .txt, .xlsx, also in a .zip"
    if suffix in {".numbers", ".pdf"}:
        cure = "save or export it as CSV or .xlsx and drop that"
    told = (
        f'files that end in "{shown(suffix)}" are not read'
        if suffix
        else "files without an end such as .csv are not read"
    )
    return Rejection(problem=told, cure=cure)


def too_large(size: int) -> Rejection:
    """Why a file of so many bytes is not read."""
    found, most = (number // (1024 * 1024) for number in (size, LARGEST_FILE))
    return Rejection(problem=f"the file has {found} MiB, more than the {most} that are read", cure="split it")


def _nothing(understood: Understood) -> Rejection:
    if len(understood.rejected) == 1:
        return understood.rejected[0]
    if understood.rejected:
        first = understood.rejected[0]
        problem = f"none of its {len(understood.rejected)} rows can be recorded; the first, {_on_line(first)}"
        return Rejection(line=None, column=first.column, value=first.value, problem=problem, cure=first.cure)
    reasons = Counter(row.reason or row.what for row in understood.named if row.what in _NO_COST)
    if reasons:
        told = ", ".join(f"{number} {reason}" for reason, number in reasons.most_common(_MOST_REASONS))
        return Rejection(
            problem=f"none of its rows is a cost: {told}", cure="look at how it is read with `trayd import --dry-run`"
        )
    return Rejection(problem="there is nothing in it to record", cure="drop a file with at least one row")


def _on_line(rejection: Rejection) -> str:
    return rejection.problem if rejection.line is None else f"on line {rejection.line}: {rejection.problem}"


def rejected_rows_csv(understood: Understood) -> str:
    """The rejected rows as a table with the reasons beside them; corrected, it can be dropped again as it is."""
    from trayd.intake.rejected_rows import rejected_table

    rows = zip(understood.rows, understood.rejected, strict=True)
    return rejected_table(understood.header, rows, understood.read_as)


def batches(files: Iterable[Understood], now: datetime) -> Iterator[Batch]:
    """The facts of the files in writes of a bearable size.

    That a file was taken is written with the last of its facts, so that a file of which only a part became durable
    is read again.
    """
    events: list[EventFact] = []
    costs: list[ExternalCost] = []
    taken: list[FileTaken] = []

    def flush() -> Batch:
        batch = Batch(events=tuple(events), costs=tuple(costs), files=tuple(taken))
        for part in (events, costs, taken):
            part.clear()
        return batch

    for file in files:
        for event in file.events:
            events.append(event)
            if len(events) + len(costs) >= _BATCH_FACTS:
                yield flush()
        for cost in file.costs:
            costs.append(cost)
            if len(events) + len(costs) >= _BATCH_FACTS:
                yield flush()
        if file.remembered:
            taken.append(
                FileTaken(digest=file.digest, name=file.name, at=now, recorded=file.facts, rejected=len(file.rejected))
            )
    if events or costs or taken:
        yield flush()


def results(files: Sequence[Understood], added: Iterable[Added]) -> list[ImportResult]:
    """What became of each file, in their order.

    Args:
        files: all of them, those that were not written because they are known or refused included.
        added: what the ledger said to each write.
    """
    new = {record for answer in added for record in (*answer.created, *answer.changed)}
    told: set[str] = set()
    done = []
    for file in files:
        recorded = 0
        for fact, record in (
            *((event.digest, event.record_id) for event in file.events),
            *((cost.id, cost.id) for cost in file.costs),
        ):
            recorded += record in new and fact not in told
            told.add(fact)
        done.append(result(file, recorded))
    return done


def result(file: Understood, recorded: int) -> ImportResult:
    """What became of a file of which so many facts told something new."""
    rejected = file.rejected or ((file.refused,) if file.refused else ())
    return ImportResult(
        file=file.name,
        recorded=recorded,
        duplicates=file.facts - recorded,
        rejected=tuple(RejectedRow(row.line, row.column, row.value, row.reason) for row in rejected),
        left_out=tuple(row for row in file.named if row.what is not RowKind.HEADER),
        assumed_currency=file.understanding.assumed if file.understanding and recorded else None,
    )


def unknown_files(files: Iterable[Understood], known: Container[str]) -> list[Understood]:
    """Those of the files that there is something to write of: not refused, not known by content, each content once."""
    fresh = {file.digest: file for file in files if file.refused is None and file.digest not in known}
    return list(fresh.values())
