"""Events and tables that the tests write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from trayd.intake.costs import NO_ANSWERS, Costs, costs_in_steps
from trayd.intake.sources import SourcePreset
from trayd.intake.take import Understood, read_file
from trayd.intake.understanding import Answers
from trayd.settings import Settings

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

SAMPLE = {
    "trayd": 1,
    "type": "generation",
    "request_id": "764cabcf-b745-4b3e-ae38-1200304cf45b",
    "endpoint_id": "fal-ai/kling-video/v3/pro/text-to-video",
    "time": "2026-11-20T14:03:11Z",
    "status": "completed",
    "duration_s": 41.7,
    "units": 8,
    "unit": "second",
    "estimate": {"amount": "1.12", "currency": "USD"},
    "client": "Northwind",
    "project": "Spring Campaign",
    "deliverable": "Hero Film",
    "parameters": {"resolution": "1080p", "duration": "8"},
    "source": "premiere",
    "account": "default",
}


def event(**changes: Any) -> str:
    """An event as JSON on one line; a field that is ... is left out."""
    return json.dumps({name: value for name, value in (SAMPLE | changes).items() if value is not ...})


def numbered(number: int) -> str:
    return event(request_id=f"request-{number}")


def read(name: str, content: str | bytes, models: dict[str, Any] | None = None, **settings: Any) -> Understood:
    data = content if isinstance(content, bytes) else content.encode()
    return read_file(name, data, settings=Settings(**settings), models=models or {}, now=NOW)


def read_costs(
    name: str, data: bytes, *, home_currency: str, answers: Answers = NO_ANSWERS, sources: Sequence[SourcePreset] = ()
) -> Costs:
    """The costs in a file; raises RefusedError."""
    steps = costs_in_steps(name, data, home_currency=home_currency, answers=answers, sources=sources)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            costs: Costs = end.value
            return costs


def messages(file: Understood) -> list[str]:
    """What a person would be told of the file."""
    if file.refused and not file.rejected:
        return [file.refused.text(file.name)]
    return [rejection.text(file.name) for rejection in file.rejected]
