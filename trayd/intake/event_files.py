"""Files with events: one JSON object or a list of them (``.json``), or one object a line (``.jsonl``).

Lines that cannot be recorded are put aside as a table, with the reasons in columns beside them. Corrected in any
program that opens tables, it is a file with events as well.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum

import msgspec

from trayd.facts import EventFact, ModelFact
from trayd.intake.events import NOT_AN_EVENT, begins_as_export, not_json, read_event
from trayd.intake.rejection import RefusedError, Rejection
from trayd.intake.text import read_text, utf8

#: The column of a table of rejected lines that holds them.
REJECTED_HEADER = ("event",)

# How such a table begins, whatever divides its columns by now.
_REJECTED_LINES = re.compile(rb'[^a-z]{0,4}event"?[,;\t]"?rejected line')

_OBJECTS = msgspec.json.Decoder(list[msgspec.Raw])


class RejectedEvent(msgspec.Struct, frozen=True):
    """An event that was not recorded: its JSON as it came, and why."""

    text: str
    rejection: Rejection


class Events(msgspec.Struct, frozen=True):
    """What a file of events says."""

    events: tuple[EventFact, ...]
    rejected: tuple[RejectedEvent, ...]


class FileForm(Enum):
    """How events stand in a file."""

    DOCUMENT = "one object, or one list of them"
    LINES = "one object a line"
    ROWS = "a table of rejected lines"


def read_events(
    data: bytes, form: FileForm, *, store_prompts: bool, models: Mapping[str, ModelFact], now: datetime
) -> Events:
    """The events in a file.

    Args:
        data: the file.
        form: how they stand in it.
        store_prompts: whether prompts and free text are kept.
        models: known prices, for events that tell units but no estimate.
        now: the time of estimates that are made here.

    Raises:
        RefusedError: the file is not text, or, where lines do not stand for themselves, not JSON.
    """
    events: list[EventFact] = []
    rejected: list[RejectedEvent] = []
    for first_line, event in _FORMS[form](data):
        try:
            fact = read_event(event, store_prompts=store_prompts, models=models, now=now)
        except RefusedError as error:
            line = first_line + (error.rejection.line or 1) - 1
            rejection = msgspec.structs.replace(error.rejection, line=line)
            rejected.append(RejectedEvent(event.decode("utf-8", "replace"), rejection))
        else:
            events.append(fact)
    return Events(tuple(events), tuple(rejected))


def is_whole(data: bytes) -> bool:
    """Whether a ``.json`` file has arrived completely: a part of an object or a list never parses."""
    try:
        msgspec.json.decode(utf8(data), type=msgspec.Raw)
    except (RefusedError, msgspec.DecodeError, RecursionError):
        return False
    return True


def is_rejected_lines(data: bytes) -> bool:
    """Whether a table is one of lines that were rejected."""
    # Whatever it is encoded in by now.
    return _REJECTED_LINES.match(data[:100].replace(b"\0", b"")) is not None


def _by_line(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(io.BytesIO(utf8(data)), 1):
        if event := line.strip():
            yield number, event


def _in_document(data: bytes) -> Iterator[tuple[int, bytes]]:
    text = utf8(data)
    body = text.strip()
    if not body:
        raise RefusedError(Rejection(problem="the file is empty", cure="write one JSON object with the event"))
    if begins_as_export(body):
        raise RefusedError(NOT_AN_EVENT)
    if not body.startswith(b"["):
        yield text.count(b"\n", 0, text.index(body)) + 1, body
        return
    try:
        objects = [bytes(event) for event in _OBJECTS.decode(text)]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise RefusedError(not_json(text)) from None
    position = 0
    line = 1
    for event in objects:
        start = text.index(event, position)
        line += text.count(b"\n", position, start)
        yield line, event
        position = start


def _by_row(data: bytes) -> Iterator[tuple[int, bytes]]:
    text = read_text(data)
    header = next(text.lines())
    # Programs that open tables save them with what divides columns in their country.
    rows = csv.reader(text.lines(), delimiter=max(",;\t", key=header.count))
    try:
        next(rows)
        line = rows.line_num + 1
        for row in rows:
            if row and (event := row[0].strip()):
                yield line, event.encode()
            line = rows.line_num + 1
    except csv.Error as error:
        problem = f"this is no table from here on ({error})"
        raise RefusedError(Rejection(line=rows.line_num, problem=problem)) from None


_FORMS = {FileForm.DOCUMENT: _in_document, FileForm.LINES: _by_line, FileForm.ROWS: _by_row}
