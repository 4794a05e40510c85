"""What the ledger is measured against: the least that durability costs, stock TinyDB, and SQLite at its safest."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tinydb

from tests.benchmarks.harness import timed


class Bare:
    """An append of the bytes and an fdatasync, and nothing else."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def __enter__(self) -> Self:
        return self

    def append(self, content: bytes) -> float:
        """Seconds until it is durable."""

        def work() -> None:
            os.write(self._handle, content)
            os.fdatasync(self._handle)

        return timed(work)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        os.close(self._handle)


class Sqlite:
    """A table of documents by id, in WAL mode with synchronous=FULL; a transaction is durable when it returns."""

    def __init__(self, path: Path, documents: Iterable[tuple[str, str]]) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute("CREATE TABLE records (id TEXT PRIMARY KEY, document TEXT NOT NULL)")
        self._put(documents)

    def __enter__(self) -> Self:
        return self

    def _put(self, documents: Iterable[tuple[str, str]]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO records VALUES (?, ?)", documents)
        self._database.execute("COMMIT")

    def insert(self, documents: Sequence[tuple[str, str]]) -> float:
        """Seconds until the documents are durable, all in one transaction."""
        return timed(lambda: self._put(documents))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._database.close()


class StockTinyDB:
    """TinyDB as it comes, with its JSONStorage: durable only when the system chooses to write."""

    def __init__(self, path: Path, documents: Iterable[dict[str, Any]]) -> None:
        self._database = tinydb.TinyDB(path)
        self._database.insert_multiple(documents)

    def __enter__(self) -> Self:
        return self

    def insert(self, document: dict[str, Any]) -> float:
        """Seconds until it is written."""
        return timed(lambda: self._database.insert(document))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._database.close()
