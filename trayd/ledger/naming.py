"""What a model was called over time: each reading of the catalogue applies from its own time on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec

from trayd.facts import ModelFact
from trayd.ledger.tables import ModelKnown, Naming

_NO_TIME = datetime.min.replace(tzinfo=UTC)


def naming(known: ModelKnown, when: datetime) -> Naming:
    """What a model was called at a time: the last name seen before it, else the first one ever seen."""
    if len(known.names) == 1:
        return known.names[0]

    def told(field: str) -> Any:
        values = [(name.seen_at, value) for name in known.names if (value := getattr(name, field)) is not None]
        before = [value for seen_at, value in values if seen_at <= when]
        return before[-1] if before else values[0][1] if values else None

    return Naming(when, told("display_name"), told("operation"), told("unit"))


def operation_changes(known: ModelKnown) -> set[datetime]:
    """The times from which on a model was of another operation, as far as :func:`naming` tells."""
    told = [name for name in known.names if name.operation is not None]
    return {name.seen_at for before, name in pairwise(told) if name.operation != before.operation}


def with_model(known: ModelKnown | None, fact: ModelFact) -> ModelKnown:
    """The model with one more reading; of readings that say the same one after the other the first stays."""
    told = Naming(fact.seen_at, fact.display_name, fact.operation, fact.unit)
    if known is None:
        return ModelKnown(fact, (told,))
    latest = max(known.latest, fact, key=lambda one: (one.seen_at, msgspec.json.encode(one)))
    newest = known.latest
    readings = {*known.names, told, Naming(newest.seen_at, newest.display_name, newest.operation, newest.unit)}
    names: list[Naming] = []
    for reading in sorted(readings, key=lambda one: (one.seen_at, msgspec.json.encode(one))):
        if not names or msgspec.structs.replace(reading, seen_at=names[-1].seen_at) != names[-1]:
            names.append(reading)
    return ModelKnown(latest, tuple(names))


def readings_of(known: ModelKnown) -> Iterator[ModelFact]:
    """Readings that :func:`with_model` makes the same of again: what was said at each time, and the newest one."""
    latest = known.latest
    for name in known.names:
        # Of one time the greatest is the latest: what else was read then must not win for the lack of a price.
        rest = latest if name.seen_at == latest.seen_at else ModelFact(endpoint_id=latest.endpoint_id, seen_at=_NO_TIME)
        reading = msgspec.structs.replace(
            rest, seen_at=name.seen_at, display_name=name.display_name, operation=name.operation, unit=name.unit
        )
        if reading != latest:
            yield reading
    yield latest


def says_the_same(known: ModelKnown, new: ModelKnown) -> bool:
    """Whether the two differ in nothing but when the model was seen last."""
    return known.names == new.names and _unseen(known.latest) == _unseen(new.latest)


def _unseen(fact: ModelFact) -> ModelFact:
    return msgspec.structs.replace(fact, seen_at=_NO_TIME)
