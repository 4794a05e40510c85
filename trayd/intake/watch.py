"""Watching a folder: says that something happened, never what. Looking is the scanner's work.

The kernel's queue overflows in a burst and a watch dies with its folder, so nothing relies on an event that comes; an
event only makes the next look come sooner. That needs few of them. Each costs about as much as taking a file in, so
that a burst would be listened to instead of taken in: after a number of events the watch ends, and the next look
begins it anew.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from trayd.intake.places import CLAIMED_END

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

#: So many at once, files or events, are a burst.
BURST = 100

logger = logging.getLogger(__name__)


class FolderWatch:
    """Calls back, on a thread of its own, when files come into a folder or change in it."""

    def __init__(self, folder: Path, on_change: Callable[[], None]) -> None:
        self._folder = folder
        self._on_change = on_change
        self._observer: BaseObserver | None = None
        self._watched: tuple[int, int] | None = None
        self._heard = 0
        self._refused = False

    def ensure(self) -> None:
        """Watches the folder that has the name now; one that was deleted and made again needs a new watch."""
        try:
            status = self._folder.stat()
        except OSError:
            self.rest()
            return
        identity = (status.st_dev, status.st_ino)
        self._heard = 0
        if identity != self._watched or not self.listening:
            self.rest()
            self._watched = identity if self._start() else None

    @property
    def listening(self) -> bool:
        """Whether events come. A folder made again may get the same inode number; its watch has died all the same."""
        emitters = self._observer.emitters if self._observer else ()
        return bool(emitters) and all(emitter.is_alive() for emitter in emitters)

    def rest(self) -> None:
        """Ends the watch until the folder is to be watched again."""
        if self._observer is not None:
            self._observer.unschedule_all()

    def close(self) -> None:
        """Ends the watch."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
        self._observer = None

    def _hear(self, event: FileSystemEvent) -> None:
        # What trayd moves has another name for a moment.
        if os.fsdecode(event.dest_path or event.src_path).endswith(CLAIMED_END):
            return
        self._heard += 1
        if self._heard == BURST:
            self.rest()
        self._on_change()

    def _start(self) -> bool:
        from watchdog.events import (
            DirCreatedEvent,
            DirMovedEvent,
            FileClosedEvent,
            FileCreatedEvent,
            FileModifiedEvent,
            FileMovedEvent,
            FileSystemEventHandler,
        )
        from watchdog.observers import Observer

        hear = self._hear

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                hear(event)

        if self._observer is None:
            # It calls it an error to be closed while an event is on its way, as in every burst.
            logging.getLogger("watchdog.observers.inotify").setLevel(logging.CRITICAL)
            self._observer = Observer()
            self._observer.start()
        try:
            # What trayd's own reading and moving causes is left out, or it would wake itself.
            self._observer.schedule(
                Handler(),
                # A link's own events are not those of the folder that it leads to.
                os.path.realpath(self._folder),
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
            if not self._refused:
                logger.warning("the drop folder is looked at every few seconds only: %s", error)
            self._refused = True
            return False
        self._refused = False
        return True
