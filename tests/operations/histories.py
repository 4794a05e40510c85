"""Ledgers, their JSON exports, and what two ledgers have in common."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.ledger.faults import QuickDisk
from tests.ledger.making import NOON, folders
from trayd.ledger.store import Ledger
from trayd.operations.exporting import ExportQuery
from trayd.operations.importing import Imported, ImportQuery
from trayd.operations.operations import Operations
from trayd.settings import Account, Paths, Settings
from trayd.steps import finish

API = "https://api.fal.ai/v1"

#: Later than anything that a test records.
NOW = NOON + timedelta(days=70)

SETTINGS = Settings(locale="en_US", time_zone="UTC", account=(Account(name="studio"),))

BREAKDOWN = ("client", "project", "deliverable", "endpoint_id", "account", "key", "operation")


class Home:
    """A ledger with its settings, and who asks it."""

    def __init__(self, path: Path, ledger: Ledger, settings: Settings, now: datetime) -> None:
        self.ledger = ledger
        self.now = now
        self.operations = Operations(ledger, settings, Paths.under(path), lambda: self.now)

    def exported(self, **query: Any) -> bytes:
        return "".join(self.operations.export(ExportQuery(format="json", **query))).encode()

    def document(self, **query: Any) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.exported(**query))
        return document

    def imports(self, data: bytes, name: str = "history.json", **query: Any) -> Imported:
        asked = ImportQuery(name=name, **query)
        return finish(self.operations.import_data(asked, data))

    @property
    def known(self) -> tuple[object, ...]:
        """The records as they are presented, and what they come to by everything that they can be told apart by."""
        ledger = self.ledger
        return list(ledger.records()), sorted(map(repr, ledger.sums(by=BREAKDOWN)))


@contextmanager
def home(path: Path, settings: Settings = SETTINGS, *, api: str | None = API, now: datetime = NOW) -> Iterator[Home]:
    ledger = Ledger.open(folders(path), base_url=api, holder="a test", disk=QuickDisk(), clock=lambda: now)
    try:
        yield Home(path, ledger, settings, now)
    finally:
        ledger.close()
