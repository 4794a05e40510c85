"""The daemon of the replay: a process of its own with the real parts, whose time is told to it.

``python -m tests.alerts.replay.host HOME URL`` reads orders from its standard input, one JSON object a line, and
answers each with what is different in the ledger's alerts and with what a desktop would have shown.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
from datetime import datetime
from pathlib import Path

import msgspec

from trayd import daemon
from trayd.alerts.delivery import Deliverer, Outcome
from trayd.alerts.notice import Notice
from trayd.episodes import Episode
from trayd.fal.transport import RetryPolicy
from trayd.intake import ready
from trayd.service import polling
from trayd.settings import Paths, load

# What passes by itself is waited for in real time, which the scenario has none of.
_QUICK = RetryPolicy(attempts=2, total_s=60.0, connect_s=20.0, read_s=20.0, first_wait_s=0.001, longest_wait_s=0.002)
_QUIET_S = 0.01


class Order(msgspec.Struct, frozen=True):
    """What to do, and the time it is.

    Attributes:
        do: look, perform, or dying (be killed by the next notification).
        action: of perform, as buttons and menu entries say it.
    """

    now: datetime
    do: str = "look"
    action: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What is different after an order.

    Attributes:
        episodes: those that are new or have changed.
        shown: the notices of the desktop.
    """

    episodes: tuple[Episode, ...] = ()
    shown: tuple[Notice, ...] = ()


class Screen(Deliverer):
    """A desktop that takes everything.

    Attributes:
        shown: what it was handed since it was last looked at.
        deadly: the next notice is the end of this process.
    """

    shown: tuple[Notice, ...] = ()
    deadly = False

    async def show(self, notice: Notice) -> Outcome:
        if self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        self.shown += (notice,)
        return Outcome.DESKTOP


class Host:
    """One run of the daemon.

    Args:
        known: the episodes as they were when an earlier run last told of them, by instance.
    """

    def __init__(self, home: Path, url: str, known: dict[str, Episode], now: datetime) -> None:
        paths = Paths.under(home)
        self._now = now
        self._known = known
        self.daemon = daemon.Daemon(paths, load(paths.settings), url=url, clock=lambda: self._now)
        assert isinstance(self.daemon._deliverer, Screen)
        self._screen = self.daemon._deliverer

    async def begin(self) -> Answer:
        """What the daemon does at its start, before it has asked fal."""
        await self.daemon._watch.once()
        return await self._answer()

    async def carry_out(self, order: Order) -> Answer:
        """Does as ordered."""
        self._now = order.now
        match order.do:
            case "perform":
                await self.daemon.perform(order.action)
            case "dying":
                self._screen.deadly = True
            case _:
                await self.daemon.refresh()
        await self.daemon._watch.once()
        return await self._answer()

    async def _answer(self) -> Answer:
        episodes = await self.daemon.read(lambda ledger: {each.instance: each for each in ledger.episodes().values()})
        changed = tuple(each for name, each in episodes.items() if self._known.get(name) != each)
        self._known = episodes
        shown, self._screen.shown = self._screen.shown, ()
        return Answer(changed, shown)


async def serve(home: Path, url: str) -> None:
    """Until its standard input ends."""
    daemon.Deliverer = Screen  # type: ignore[misc]
    polling.Poller = functools.partial(polling.Poller, retry_policy=_QUICK)  # type: ignore[assignment,misc]
    ready.QUIET_S = _QUIET_S
    # httpcore looks for it at every lock that it makes: on the whole path each time, where it is not installed.
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]  # None stands for what is not there
    known, now = msgspec.json.decode(sys.stdin.readline(), type=tuple[dict[str, Episode], datetime])
    host = Host(home, url, known, now)
    async with host.daemon._open(None):
        answer = await host.begin()
        while True:
            sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
            sys.stdout.flush()
            line = await asyncio.to_thread(sys.stdin.readline)
            if not line:
                break
            answer = await host.carry_out(msgspec.json.decode(line, type=Order))
        await host.daemon._polling.aclose()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
