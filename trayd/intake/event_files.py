"""Files with events: one JSON object or a list of them (``.json``), or one object a line (``.jsonl``)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from trayd.facts import EventFact, ModelFact
from trayd.intake.events import not_json, read_event
from trayd.intake.rejection import RefusedError, Rejection
from trayd.intake.text import utf8

_OBJECTS = msgspec.json.Decoder(list[msgspec.Raw])


class RejectedEvent(msgspec.Struct, frozen=True):
    """An event that was not recorded: its JSON as it came, and why."""

    text: str
    rejection: Rejection


class Events(msgspec.Struct, frozen=True):
    """What a file of events says."""

    events: tuple[EventFact, ...]
    rejected: tuple[RejectedEvent, ...]


def read_events(
    data: bytes, *, lines: bool, store_prompts: bool, models: Mapping[str, ModelFact], now: datetime
) -> Events:
    """The events in a file.

    Args:
        data: the file.
        lines: whether each line is an event; else the file is one object or one list.
        store_prompts: whether prompts and free text are kept.
        models: known prices, for events that tell units but no estimate.
        now: the time of estimates that are made here.

    Raises:
        RefusedError: the file is not text, or, where lines do not stand for themselves, not JSON.
    """
    text = utf8(data)
    events: list[EventFact] = []
    rejected: list[RejectedEvent] = []
    for first_line, event in _by_line(text) if lines else _in_document(text):
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


def _by_line(text: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(io.BytesIO(text), 1):
        if event := line.strip():
            yield number, event


def _in_document(text: bytes) -> Iterator[tuple[int, bytes]]:
    body = text.strip()
    if not body:
        raise RefusedError(Rejection(problem="the file is empty", cure="write one JSON object with the event"))
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
