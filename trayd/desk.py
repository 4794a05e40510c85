"""The desk: where the command line asks. With a daemon running, over its HTTP API; without one, on the ledger itself.

Which of the two is decided by the ledger's lock alone: whoever can take it needs no daemon, and whoever cannot asks the
process that holds it. A left-over ``run/trayd.json`` proves nothing.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from trayd.errors import (
    DaemonError,
    DeclinedError,
    LedgerDamagedError,
    LedgerError,
    LedgerLockedError,
    LedgerNewerError,
    SettingsError,
    TraydError,
    UsageError,
)
from trayd.http_client import httpx
from trayd.ledger.lock import is_held
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.operations.documents import Document
from trayd.operations.keeping import RebuildQuery, RestoreQuery, put_back_closed, write_anew_closed
from trayd.operations.operations import Operations, utc_now
from trayd.operations.table import OPERATIONS, Operation, parse_query
from trayd.panel.address import API_ROOT, STEPS_MEDIA_TYPE, Address, read_address
from trayd.settings import Paths, Settings, fal_url, load
from trayd.shapes import plain
from trayd.steps import Progress, finish, untold

#: A command that holds the ledger for a moment is waited for this long before it counts as a daemon.
PATIENCE_S = 5.0
_REQUEST_TIMEOUT_S = 120.0
_SLOW_REQUEST_TIMEOUT_S = 3600.0
_HOLDER = "a trayd command"

logger = logging.getLogger(__name__)


class Desk(Protocol):
    """Where the command line asks; every answer has its outward shape.

    Raises:
        TraydError: the operation's own errors, the same from either desk.
    """

    def ask(self, operation: str, data: bytes | None = None, /, **query: Any) -> Any:
        """Runs an operation of the table by its name; ``data`` is its body."""

    def text(self, operation: str, /, **query: Any) -> Document:
        """Runs an operation that answers in text; it is made while it is gone through."""

    def refresh(self) -> list[dict[str, Any]]:
        """Polls now; how each account stands after it."""

    def try_alerts(self, hook: str | None) -> list[dict[str, Any]]:
        """Sends a test to the desktop and the hooks, or to one hook; what became of each."""


class LocalDesk:
    """Answers from the ledger that this process has opened."""

    def __init__(self, operations: Operations, progress: Progress) -> None:
        self._operations = operations
        self._progress = progress

    def ask(self, operation: str, data: bytes | None = None, /, **query: Any) -> Any:
        """See Desk."""
        entry = OPERATIONS[operation]
        arguments = () if data is None else (data,)
        answer = entry.run(self._operations, parse_query(entry, _given(query)), *arguments)
        return plain(finish(answer, self._progress) if entry.stepped else answer)

    def text(self, operation: str, /, **query: Any) -> Document:
        """See Desk."""
        entry = OPERATIONS[operation]
        document: Document = entry.run(self._operations, parse_query(entry, _given(query)))
        document.progress = self._progress
        return document

    def refresh(self) -> list[dict[str, Any]]:
        """See Desk."""
        from trayd.daemon import Daemon
        from trayd.process import log_to

        # The answer says all of it to the person; the log keeps it as it does from a daemon.
        log_to(self._operations.paths, terminal=False)
        once = Daemon(self._operations.paths, self._operations.settings, url=fal_url())
        shape: list[dict[str, Any]] = plain(asyncio.run(once.run_once(self._operations)))
        return shape

    def try_alerts(self, hook: str | None) -> list[dict[str, Any]]:
        """See Desk."""
        from trayd.alerts.delivery import Deliverer
        from trayd.alerts.hooks import Hooks
        from trayd.alerts.trial import Tried, try_alerts
        from trayd.process import log_to

        log_to(self._operations.paths, terminal=False)
        settings = self._operations.settings

        async def work() -> list[Tried]:
            # Nobody is left to do what a button asks for once this command has ended.
            deliverer = Deliverer(lambda _action: None, desktop=settings.alerts.desktop)
            try:
                return await try_alerts(deliverer, Hooks(), settings.hook, hook, buttons=False)
            finally:
                deliverer.close()

        shape: list[dict[str, Any]] = plain(asyncio.run(work()))
        return shape


class ClosedDesk:
    """Where the ledger cannot be opened: it can be written anew or restored, and everything else says why not.

    Args:
        folders: of the ledger.
        refused: why it cannot be opened.
    """

    def __init__(self, folders: LedgerPaths, refused: LedgerError) -> None:
        self._folders = folders
        self._refused = refused

    def ask(self, operation: str, _data: bytes | None = None, /, **query: Any) -> Any:
        """See Desk."""
        asked = parse_query(OPERATIONS[operation], _given(query))
        if isinstance(asked, RebuildQuery) and isinstance(self._refused, LedgerDamagedError):
            return plain(write_anew_closed(self._folders, asked, holder=_HOLDER))
        if isinstance(asked, RestoreQuery):
            return plain(put_back_closed(self._folders, asked, utc_now(), base_url=fal_url(), holder=_HOLDER))
        raise self._refused

    def text(self, _operation: str, /, **_query: Any) -> Document:
        """See Desk."""
        raise self._refused

    def refresh(self) -> list[dict[str, Any]]:
        """See Desk."""
        raise self._refused

    def try_alerts(self, _hook: str | None) -> list[dict[str, Any]]:
        """See Desk."""
        raise self._refused


class RemoteDesk:
    """Asks the running daemon."""

    def __init__(self, daemon: Address, progress: Progress = untold) -> None:
        self._progress = progress
        # Loopback is never reached through a proxy that the environment names.
        self._http = httpx.Client(
            base_url=f"{daemon.url}{API_ROOT}",
            headers={"Authorization": f"Bearer {daemon.token}"},
            trust_env=False,
        )

    def close(self) -> None:
        """Lets the connection go."""
        self._http.close()

    def ask(self, operation: str, data: bytes | None = None, /, **query: Any) -> Any:
        """See Desk."""
        with self._answer(operation, query, data) as answer:
            if answer.headers["content-type"] == STEPS_MEDIA_TYPE:
                return self._last(_lines_of(answer))
            try:
                return msgspec.json.decode(answer.read())
            except msgspec.DecodeError:
                raise _of_another_version() from None

    def _last(self, lines: Iterator[bytes]) -> Any:
        """The answer at the end of the lines; how far it is, which the others tell, is passed on."""
        for line in lines:
            told = msgspec.json.decode(line)
            if "answer" in told:
                return told["answer"]
            if "error" in told:
                raise _told(line)
            self._progress(told["done"], told["of"])
        raise _broken_off()

    def text(self, operation: str, /, **query: Any) -> Document:
        """See Desk."""
        lines = self._told_lines(operation, query)
        head = next(lines)
        document = Document(head["name"], head["media_type"])
        document.consist_of(self._pieces(lines, document))
        return document

    def _told_lines(self, operation: str, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What the daemon tells of a text, line by line, to its end."""
        with self._answer(operation, query) as answer:
            if answer.headers["content-type"] != STEPS_MEDIA_TYPE:
                raise _of_another_version()
            for line in _lines_of(answer):
                told: dict[str, Any] = msgspec.json.decode(line)
                if "answer" in told:
                    return
                if "error" in told:
                    raise _told(line)
                yield told
            raise _broken_off()

    def _pieces(self, lines: Iterator[dict[str, Any]], document: Document) -> Iterator[str]:
        for told in lines:
            if "text" in told:
                yield told["text"]
            elif "remark" in told:
                document.remarks.append(told["remark"])
            else:
                self._progress(told["done"], told["of"])

    def refresh(self) -> list[dict[str, Any]]:
        """See Desk."""
        shape: list[dict[str, Any]] = self.ask("refresh")
        return shape

    def try_alerts(self, hook: str | None) -> list[dict[str, Any]]:
        """See Desk."""
        shape: list[dict[str, Any]] = self.ask("alerts-test", hook=hook)
        return shape

    @contextmanager
    def _answer(self, name: str, query: dict[str, Any], data: bytes | None = None) -> Iterator[httpx.Response]:
        operation = OPERATIONS.get(name)
        method = "GET" if operation and not operation.writes else "POST"
        try:
            slow = operation is not None and operation.slow
            timeout = httpx.Timeout(_REQUEST_TIMEOUT_S, read=_SLOW_REQUEST_TIMEOUT_S if slow else _REQUEST_TIMEOUT_S)
            in_lines = operation is not None and (operation.stepped or bool(operation.media_types))
            headers = {"Accept": f"{STEPS_MEDIA_TYPE}, application/json"} if in_lines else None
            params = _said(operation, _given(query))
            with self._http.stream(
                method, f"/{name}", params=params, content=data, headers=headers, timeout=timeout
            ) as answer:
                if not answer.is_success:
                    raise _told(answer.read())
                yield answer
        except httpx.HTTPError as error:
            raise DaemonError(f"the running daemon does not answer ({error})", "see its log, or restart it") from error


def open_desk(paths: Paths | None = None, progress: Progress = untold) -> AbstractContextManager[Desk]:
    """The desk for one command.

    Args:
        paths: where everything is; None means the usual places.
        progress: is told how far a long work is, in this process or in the daemon.

    Raises:
        SettingsError: the settings file is not valid, and no daemon runs that has read it before.
        LedgerError: the ledger cannot be opened.
        DaemonError: another process holds the ledger and does not answer.
    """
    paths = paths or Paths.usual()
    try:
        settings = load(paths.settings)
    except SettingsError as error:
        daemon = _running(paths)
        if daemon is None:
            raise
        # It goes on by the settings that it read last.
        sys.stderr.write(f"the settings stay as they were: {error}\n")
        return closing(RemoteDesk(daemon, progress))
    return _opened(paths, settings, progress)


def running_daemon(paths: Paths | None = None) -> AbstractContextManager[RemoteDesk]:
    """The desk of the daemon, for what it alone can do; one that is about to start is waited for.

    Raises:
        DaemonError: none runs.
    """
    paths = paths or Paths.usual()
    deadline = time.monotonic() + PATIENCE_S
    while (daemon := _running(paths)) is None:
        if not is_held(paths.ledger):
            raise DaemonError("trayd does not run", "start it with `trayd run`")
        if time.monotonic() > deadline:
            raise DaemonError("a trayd command has the ledger, and no trayd runs", "start it when that has ended")
        time.sleep(0.1)
    return closing(RemoteDesk(daemon))


@contextmanager
def _opened(paths: Paths, settings: Settings, progress: Progress) -> Iterator[Desk]:
    paths = paths.with_folders(settings.folders)
    deadline = time.monotonic() + PATIENCE_S
    folders = LedgerPaths(ledger=paths.ledger, backup=paths.backup)
    while True:
        try:
            ledger = Ledger.open(folders, base_url=fal_url(), holder=_HOLDER)
        except (LedgerDamagedError, LedgerNewerError) as error:
            yield ClosedDesk(folders, error)
            return
        except LedgerLockedError:
            daemon = read_address(paths.run)
            if daemon is not None and _listens(daemon):
                with closing(RemoteDesk(daemon, progress)) as remote:
                    yield remote
                return
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            with closing(ledger):
                operations = Operations(ledger, settings, paths)
                try:
                    yield LocalDesk(operations, progress)
                finally:
                    _log_mended(ledger, paths)
            return


def _log_mended(ledger: Ledger, paths: Paths) -> None:
    """What was mended is mended once: it has to be found again later, by whoever asks what became of a file."""
    if ledger.notices:
        from trayd.process import log_to

        with suppress(TraydError):  # a log that cannot be written is no reason for a command to fail
            log_to(paths, terminal=False)
            for notice in ledger.notices:
                logger.warning("%s", notice)


def _running(paths: Paths) -> Address | None:
    """Where a daemon answers that holds the ledger now; settings do not say where that is."""
    daemon = read_address(paths.run) if is_held(paths.ledger) else None
    return daemon if daemon is not None and _listens(daemon) else None


def _listens(daemon: Address) -> bool:
    """Whether something is at that address; a file that a killed daemon left names one where nothing is."""
    parts = urlsplit(daemon.url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=2):
            return True
    except OSError:
        return False


def _given(query: dict[str, Any]) -> dict[str, Any]:
    """The arguments that were given.

    Raises:
        UsageError: one is no text: what a terminal hands over need not be.
    """
    given = {name: value for name, value in query.items() if value is not None}
    for name, value in given.items():
        try:
            msgspec.json.encode(value, enc_hook=str)
        except UnicodeEncodeError:
            raise UsageError(f"{name}: this is no text in UTF-8: {value!r}", "write it in UTF-8") from None
    return given


def _said(operation: Operation | None, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments without those that say no more than their default: a daemon of before an update knows no others."""
    if operation is None:
        return given
    defaults = {field.name: field.default for field in msgspec.structs.fields(operation.query)}
    return {name: value for name, value in given.items() if value != defaults.get(name, msgspec.NODEFAULT)}


def _lines_of(answer: httpx.Response) -> Iterator[bytes]:
    """Its lines of JSON. They end in line feeds alone: httpx would cut names as well that have U+2028 or U+0085 in."""
    rest = b""
    for piece in answer.iter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    if rest:
        yield rest


def _broken_off() -> DaemonError:
    return DaemonError("the running daemon broke off its answer", "see its log, and try again")


def _of_another_version() -> DaemonError:
    return DaemonError(
        "the running trayd is of another version than this command, and answers in another way",
        "end it in its menu, or with Ctrl-C, and start it again",
    )


def _told(content: bytes) -> TraydError:
    try:
        error = msgspec.json.decode(content)["error"]
        message, cure, code = str(error["message"]), str(error["cure"]), int(error["exit_code"])
    except (ValueError, KeyError, TypeError):
        return DaemonError("the running daemon gave an answer that is not its own", "restart it")
    kinds: dict[int, type[TraydError]] = {2: UsageError, 10: DeclinedError}
    return kinds.get(code, DaemonError)(message, cure)
