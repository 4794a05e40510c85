"""Files that a person takes in by hand: what they say is recorded, or shown; nothing is moved.

A large file is read apart from the ledger and recorded in parts, so that whoever shares the ledger waits for a part of
it and never for the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from trayd.alerts.imports import quietly
from trayd.errors import UsageError
from trayd.facts import Added, Batch
from trayd.intake.take import (
    EVENT_OBJECT,
    ImportResult,
    Understood,
    batches,
    reading,
    result,
    results,
    suffix_of,
    unknown_files,
)
from trayd.intake.understanding import Answers, Understanding
from trayd.ledger.merge import RecordFacts, fold
from trayd.ledger.store import Ledger
from trayd.money import is_currency
from trayd.rates import Converter
from trayd.reports.shape import HistoryItem, history_item
from trayd.settings import Settings
from trayd.steps import Step, Steps

_SAMPLE = 5

# Reading is so many parts of the whole, and recording one.
_READING = 2

# So many ids are looked up in the ledger in one step.
_LOOKED_UP = 2_000


class ImportQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file, and what a person has said of it.

    Attributes:
        name: its name, without folders.
        path: as the person named it, for commands in messages.
        dry_run: only tells what would be recorded, and how the file was understood.
        columns: the column that is meant, by field, as a JSON object: ``{"amount": "Net"}``.
        source, date_order, decimal, currency, spending, sheet: see :class:`~trayd.intake.understanding.Answers`.
    """

    name: str
    path: str = ""
    dry_run: bool = False
    source: str | None = None
    columns: str = "{}"
    date_order: Literal["dmy", "mdy", "ymd"] | None = None
    decimal: Literal["point", "comma"] | None = None
    currency: str | None = None
    spending: Literal["positive", "negative"] | None = None
    sheet: str | None = None

    def answers(self) -> Answers:
        """What the person has said.

        Raises:
            UsageError: the currency is none, or the columns are no such object.
        """
        if self.currency is not None and not is_currency(self.currency):
            raise UsageError(f"{self.currency!r} is no currency", "write its ISO 4217 code, such as USD or EUR")
        try:
            columns = msgspec.json.decode(self.columns, type=dict[str, str])
        except msgspec.DecodeError as error:
            raise UsageError(f"columns: {error}", 'write an object such as {"amount": "Net"}') from None
        return Answers(
            source=self.source,
            columns=columns,
            date_order=self.date_order,
            decimal=self.decimal,
            currency=self.currency,
            spending=self.spending,
            sheet=self.sheet,
        )


class Imported(ImportResult, frozen=True, kw_only=True):
    """What became of a file, or would.

    Attributes:
        understood: how a table was read; None for events and for what could not be read. Only with a dry run.
        sample: the first records as they would be, likewise.
        notes: what a person has to know of an export that was taken in, in sentences.
    """

    understood: Understanding | UnsetType | None = UNSET
    sample: tuple[HistoryItem, ...] | UnsetType = UNSET
    notes: tuple[str, ...] | UnsetType = UNSET


def import_data(
    ledger: Ledger,
    query: ImportQuery,
    data: bytes,
    *,
    settings: Settings,
    now: datetime,
    converter: Callable[[str], Converter] | None = None,
) -> Steps[Imported]:
    """Takes a file's content in, or tells what would be recorded. A file that was taken in before changes nothing.

    Args:
        ledger: where to.
        query: the file, and what a person has said of it.
        data: its content.
        settings: the person's.
        now: the time (UTC).
        converter: the rates that are known, into a currency, to compare an export's total with.

    Raises:
        UsageError: what was said of it makes no sense.
        LedgerError: the ledger cannot write; what was written before is whole, and the file can be taken in again.
    """
    answers, models = query.answers(), ledger.models()
    if suffix_of(query.name) in EVENT_OBJECT and _is_export(data):
        return (yield from _import_history(ledger, query, data, settings=settings, now=now, converter=converter))
    yield Step(0, 0, apart=True)
    steps = reading(query.name, data, settings=settings, models=models, now=now, answers=answers, path=query.path)
    rows = 0
    while True:
        try:
            read = next(steps)
        except StopIteration as end:
            file: Understood = end.value
            break
        rows = read.of
        yield Step(read.done * _READING // (_READING + 1), rows, apart=True)
    rows = max(rows, file.facts)
    yield Step(rows * _READING // (_READING + 1), rows)
    known = {file.digest} if ledger.file_taken(file.digest) else set[str]()
    fresh = unknown_files([file], known)
    if query.dry_run:
        new = (yield from _unknown(ledger, file, rows)) if fresh else 0
        yield Step(rows, rows, apart=True)
        told = msgspec.structs.asdict(result(file, new))
        return Imported(**told, understood=file.understanding, sample=_sample(file))
    answer = yield from _record(ledger, file, fresh, settings=settings, now=now, rows=rows)
    return Imported(**msgspec.structs.asdict(answer))


def _is_export(data: bytes) -> bool:
    from trayd.operations.history_file import is_export

    return is_export(data)


def _import_history(
    ledger: Ledger,
    query: ImportQuery,
    data: bytes,
    *,
    settings: Settings,
    now: datetime,
    converter: Callable[[str], Converter] | None,
) -> Steps[Imported]:
    from trayd.operations.history_import import import_history

    taken = yield from import_history(
        ledger,
        query.name,
        data,
        settings=settings,
        now=now,
        dry_run=query.dry_run,
        sample=_SAMPLE,
        converter=converter,
    )
    told = msgspec.structs.asdict(taken.result) | {"notes": taken.notes}
    if query.dry_run:
        told |= {"understood": None, "sample": tuple(map(history_item, taken.sample))}
    return Imported(**told)


def _record(
    ledger: Ledger, file: Understood, fresh: Sequence[Understood], *, settings: Settings, now: datetime, rows: int
) -> Steps[ImportResult]:
    added: list[Added] = []
    written = 0
    for batch in batches(fresh, now):
        added.append(_add(ledger, batch, settings, now))
        written += len(batch.events) + len(batch.costs)
        yield Step((rows * _READING + written) // (_READING + 1), rows)
    yield Step(rows, rows, apart=True)
    return results([file], added)[0]


def _add(ledger: Ledger, batch: Batch, settings: Settings, now: datetime) -> Added:
    if not batch.events:
        return ledger.add(batch)
    with quietly(ledger, settings.alerts, now):
        return ledger.add(batch)


def _unknown(ledger: Ledger, file: Understood, rows: int) -> Steps[int]:
    """How many of the facts the ledger does not know by their ids; each event can tell something new."""
    new = len(file.events)
    for start in range(0, len(file.costs), _LOOKED_UP):
        new += sum(ledger.get(cost.id) is None for cost in file.costs[start : start + _LOOKED_UP])
        yield Step((rows * _READING + start) // (_READING + 1), rows)
    return new


def _sample(file: Understood) -> tuple[HistoryItem, ...]:
    generations = (fold(event.record_id, RecordFacts(events=(event,))) for event in file.events)
    return tuple(map(history_item, islice(chain(generations, file.costs), _SAMPLE)))
