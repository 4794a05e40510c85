"""Watching a folder: says that something happened, never what. Looking is the scanner's work.

The kernel's queue overflows in a burst and a watch dies with its folder, so nothing relies on an event that comes; an
event only makes the next look come sooner.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

logger = logging.getLogger(__name__)


class FolderWatch:
    """Calls back, on a thread of its own, when files come into a folder or change in it."""

    def __init__(self, folder: Path, on_change: Callable[[], None]) -> None:
        self._folder = folder
        self._on_change = on_change
        self._observer: BaseObserver | None = None
        self._watched: tuple[int, int] | None = None
        self._refused = False

    def ensure(self) -> None:
        """Watches the folder that has the name now; one that was deleted and made again needs a new watch."""
        try:
            status = self._folder.stat()
        except OSError:
            self.close()
            return
        identity = (status.st_dev, status.st_ino)
        # A folder made again may get the same inode number; its watch has died all the same.
        alive = self._observer is not None and all(emitter.is_alive() for emitter in self._observer.emitters)
        if identity != self._watched or not alive:
            self.close()
            self._start()
            self._watched = identity

    def close(self) -> None:
        """Ends the watch."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
        self._observer = None
        self._watched = None

    def _start(self) -> None:
        from watchdog.events import (
            DirCreatedEvent,
            DirMovedEvent,
            FileClosedEvent,
            FileCreatedEvent,
            FileModifiedEvent,
            FileMovedEvent,
            FileSystemEvent,
            FileSystemEventHandler,
        )
        from watchdog.observers import Observer

        on_change = self._on_change

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:  # noqa: ARG002 - that it came is all it says
                on_change()

        # It calls it an error to be closed while an event is on its way, as in every burst.
        logging.getLogger("watchdog.observers.inotify").setLevel(logging.CRITICAL)
        observer = Observer()
        observer.start()
        try:
            # What trayd's own reading and moving causes is left out, or it would wake itself.
            observer.schedule(
                Handler(),
                str(self._folder),
                event_filter=[
                    FileCreatedEvent,
                    FileModifiedEvent,
                    FileMovedEvent,
                    FileClosedEvent,
                    DirCreatedEvent,
                    DirMovedEvent,
                ],
            )
        except OSError as error:
            observer.stop()
            observer.join()
            if not self._refused:
                logger.warning("the drop folder is looked at every few seconds only: %s", error)
            self._refused = True
            return
        self._observer = observer
        self._refused = False
