"""How the command line shows that a long work goes on: a bar on a terminal, on stderr."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress


class Bar:
    """A bar that is told how far a work is. Where stderr is no terminal, there is none.

    Args:
        doing: what is being done.
        least: a work that is less than this gets no bar; 0 shows it from the beginning.
    """

    def __init__(self, doing: str, *, least: int = 0) -> None:
        self._doing = doing
        self._least = least
        self._live: Progress | None = None

    def __enter__(self) -> Self:
        if not self._least:
            self._show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def __call__(self, done: int, of: int) -> None:
        """Takes note that so much of so much is done."""
        if self._live is None and of >= max(1, self._least):
            self._show()
        if self._live is not None and of:
            (task,) = self._live.task_ids
            self._live.update(task, completed=done, total=of)

    def clear(self, doing: str | None = None) -> None:
        """Takes the bar away; the next work may bring it back, under another name."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        self._doing = doing or self._doing

    def _show(self) -> None:
        if not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
        )
        self._live = Progress(*columns, console=Console(stderr=True), transient=True)
        self._live.add_task(self._doing, total=None)
        self._live.start()
