"""``trayd usage``: every window, broken down every way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count, islice
from operator import itemgetter
from pathlib import Path

import msgspec

from tests.benchmarks import data, work
from tests.benchmarks.harness import Row, Samples, Workshop, at_most, figure, timed
from trayd.budget_settings import Budget
from trayd.facts import Batch
from trayd.insight.breakdown import Dimension
from trayd.operations.operations import Operations
from trayd.operations.records import UsageQuery

_DIMENSIONS = (*Dimension, None)
#: Beside those that have a name: two months back, and all that there is.
_DAYS_BACK = (60, 729)
_EVER = "2024-01-01..2026-12-31"

#: Of each breakdown so many samples are taken, or as many as fit into the time, but one at least.
_SAMPLES = 20
_SECONDS_EACH = 1.0

#: After so many polls each breakdown is asked for once.
_POLLS = 3

_FORECASTS = 20

_BUDGETS = tuple(
    Budget(name=str(number), amount=Decimal(500), **said)
    for number, said in enumerate(
        (
            {"client": "Northwind", "project": "Relaunch"},
            {},
            {"period": "week"},
            {"period": "day"},
            {"period": "total"},
            {"client": "Contoso"},
            {"client": "Contoso", "period": "total"},
            {"model": "fal-ai/kling-video"},
            {"key": "comfy"},
            {"account": "default"},
            {"project": "Explainer", "period": "week"},
        )
    )
)


def usage(workshop: Workshop) -> Iterator[Row]:
    """One large month, and two years."""
    for name, months, each in (("100k records in one month", 1, 100_000), ("24 months of 30k records", 24, 30_000)):
        yield from _rows(workshop.ledger("usage", months=months, each=each), name)


def _rows(home: Path, name: str) -> Iterator[Row]:
    operations = work.operations_on(home)
    today = datetime.now(UTC).date()
    windows = ["24h", "7d", "30d", "month", *(f"{today - timedelta(days=days)}..{today}" for days in _DAYS_BACK), _EVER]
    together: dict[str, float] = {}
    slowest, first, polled = ("", 0.0), ("", 0.0), ("", 0.0)
    polls = _polls(operations)
    for window in windows:
        firsts = {by: timed(partial(operations.usage, UsageQuery(window=window, by=by))) for by in _DIMENSIONS}
        medians = {by: _median(partial(operations.usage, UsageQuery(window=window, by=by))) for by in _DIMENSIONS}
        together[window] = sum(medians.values())
        by = max(medians, key=lambda each: medians[each])
        slowest = max(slowest, (_asked(window, by), medians[by]), key=itemgetter(1))
        by = max(firsts, key=lambda each: firsts[each])
        first = max(first, (_asked(window, by), firsts[by]), key=itemgetter(1))
        for by in _DIMENSIONS:
            ask = partial(operations.usage, UsageQuery(window=window, by=by))
            after = Samples(tuple(timed(ask) for _ in islice(polls, _POLLS))).median
            polled = max(polled, (_asked(window, by), after), key=itemgetter(1))
    yield at_most(
        f"usage, the slowest breakdown of a window, {name}",
        slowest[1],
        0.002,
        f"{figure(slowest[1] * 1000)} ms ({slowest[0]}); the first time {figure(first[1] * 1000)} ms ({first[0]})",
        "≤ 2 ms",
    )
    yield at_most(
        f"usage right after a poll that brought a bill, the slowest breakdown of a window, {name}",
        polled[1],
        0.002,
        f"{figure(polled[1] * 1000)} ms ({polled[0]})",
        "≤ 2 ms",
    )
    longest = max(together, key=lambda window: together[window])
    told = ", ".join(f"{window} {figure(seconds * 1000)}" for window, seconds in together.items())
    yield at_most(
        f"usage, all {len(_DIMENSIONS)} breakdowns of a window together, {name}",
        together[longest],
        0.002,
        f"{figure(together[longest] * 1000)} ms for {longest}; all: {told}",
        "≤ 2 ms",
    )
    yield from _foreseen(operations, name)
    yield from _converted(operations, windows[-2], name)
    operations.ledger.close()


def _polls(operations: Operations) -> Iterator[None]:
    """Polls one after the other, each with one more bill."""
    ledger = operations.ledger
    known = ledger.coverage(data.ACCOUNT)
    assert known is not None
    for number in count(10**9):
        now = datetime.now(UTC)
        coverage = msgspec.structs.replace(known, until=now, fetched_at=now)
        ledger.add(Batch(billing=(data.billed(number, now - timedelta(seconds=5)),), coverage=(coverage,)))
        yield


def _asked(window: str, by: str | None) -> str:
    return f"{window} by {by}" if by else window


def _foreseen(operations: Operations, name: str) -> Iterator[Row]:
    """What is foreseen, and how budgets stand, as a look at the alerts asks for it after each poll."""
    foreseen, plain = operations.forecasting, operations.settings
    for what, ask, budgets in (
        ("forecast", foreseen.forecast, ()),
        ("a budget of one client's project", foreseen.budgets, _BUDGETS[:1]),
        (f"{len(_BUDGETS)} budgets of all kinds", foreseen.budgets, _BUDGETS),
    ):
        operations.settings = msgspec.structs.replace(plain, budget=budgets)
        ask()
        asked = Samples(tuple(timed(ask) for _ in islice(_polls(operations), _FORECASTS)))
        yield Row(
            f"{what} right after a poll that brought a bill, {name}", "", f"{figure(asked.median * 1000)} ms", None
        )
    operations.settings = plain


def _converted(operations: Operations, window: str, name: str) -> Iterator[Row]:
    """The same where none of it is in the home currency: each day is converted at its own rate."""
    status = _median(operations.status)
    dollars, operations.settings = (
        operations.settings,
        msgspec.structs.replace(operations.settings, home_currency="SEK"),
    )
    by_model = _median(partial(operations.usage, UsageQuery(window=window, by="model")))
    yield at_most(
        f"usage of two years by model, in kronor, {name}",
        by_model,
        0.050,
        f"{figure(by_model * 1000)} ms",
        "≤ 50 ms",
    )
    by_hour = _median(partial(operations.usage, UsageQuery(window=window, by="hour")))
    yield at_most(
        f"usage of two years by hour, in kronor, {name}",
        by_hour,
        0.050,
        f"{figure(by_hour * 1000)} ms",
        "≤ 50 ms",
    )
    more = _median(operations.status) - status
    yield at_most(
        f"status in kronor, more than in dollars, {name}", more, 0.010, f"{figure(more * 1000)} ms", "≤ 10 ms"
    )
    operations.settings = dollars


def _median(ask: Callable[[], object]) -> float:
    ask()
    taken: list[float] = []
    end = time.monotonic() + _SECONDS_EACH
    while not taken or (len(taken) < _SAMPLES and time.monotonic() < end):
        taken.append(timed(ask))
    return Samples(tuple(taken)).median
