"""Imports: what a person takes in by hand is not news to that person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from trayd.alert_settings import Alerts
from trayd.alerts.engine import hushed
from trayd.alerts.rules import EXPENSIVE_WITHIN
from trayd.alerts.watch import Readable
from trayd.facts import Batch


class Writable(Readable, Protocol):
    """The part of the ledger that an import needs."""

    def add(self, batch: Batch) -> object:
        """Makes the batch durable."""


@contextmanager
def quietly(ledger: Writable, limits: Alerts, now: datetime) -> Iterator[None]:
    """Records that come in within this block are never told as expensive.

    To be entered and left on the ledger's thread, in one go, so that no look at the ledger falls in between.

    Raises:
        LedgerError: the ledger cannot be written.
    """
    since = now - EXPENSIVE_WITHIN
    before = {generation.id for generation in ledger.latest(since)}
    yield
    new = [generation for generation in ledger.latest(since) if generation.id not in before]
    episodes = hushed(new, limits, ledger.episodes(), now)
    if episodes:
        ledger.add(Batch(episodes=episodes))
