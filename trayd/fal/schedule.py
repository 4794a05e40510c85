"""When each account is polled: on its own, so that one that fails or is slow delays no other."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from trayd.fal.outcome import PollOutcome
from trayd.fal.poller import Poller

_log = logging.getLogger(__name__)

# After failures the pause doubles up to this, or stays at the interval where that is longer.
_LONGEST_PAUSE_S = 300.0

# States that fal answers well in, and that asking less often would not mend.
_LASTING = frozenset({"needs_admin", "locked"})

# Accounts and machines that start together do not keep asking together.
_SPREAD = 0.1

#: How often the clocks are compared, and by how much they part when the machine has slept.
LOOK_S = 15.0
_SLEPT_S = 20.0

#: The network takes a moment to come back after a sleep.
AFTER_SLEEP_S = 3.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _Account:
    """One account's polls: one at a time, in order."""

    def __init__(self, poller: Poller) -> None:
        self.poller = poller
        self.early = asyncio.Event()
        self.failures = 0
        self.asked: asyncio.Task[PollOutcome] | None = None
        self._turn = asyncio.Lock()

    async def poll(self, now: Callable[[], datetime], *, thorough: bool) -> PollOutcome:
        """Waits for its turn and polls."""
        async with self._turn:
            if thorough:
                # From here on a new wish is one for a newer poll than this.
                self.asked = None
            outcome = await self.poller.poll(now(), thorough=thorough)
        self.failures = self.failures + 1 if outcome.problem and outcome.state not in _LASTING else 0
        return outcome


class Schedule:
    """Polls accounts for as long as the daemon runs.

    Timers are monotonic, so that setting the clock neither skips nor doubles a poll; after a sleep of the machine
    every account is polled soon.

    Args:
        pollers: one for each account.
        interval_s: seconds between the end of a poll and the next.
        tell: is told every outcome.
        now: the time (UTC).
    """

    def __init__(
        self,
        pollers: Sequence[Poller],
        interval_s: float,
        tell: Callable[[PollOutcome], Awaitable[None]],
        *,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._accounts = [_Account(poller) for poller in pollers]
        self._interval_s = interval_s
        self._tell = tell
        self._now = now
        self._wishes: set[asyncio.Task[PollOutcome]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Polls every account now and from then on, until ``stop`` is set; then closes the pollers."""
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._keep_polling(account)) for account in self._accounts
        ]
        tasks.append(asyncio.create_task(self._watch_for_sleep()))
        try:
            await stop.wait()
        finally:
            tasks += self._wishes
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.aclose()

    async def aclose(self) -> None:
        """Closes the pollers' connections; :meth:`run` does it at its end."""
        for account in self._accounts:
            await account.poller.aclose()

    async def refresh(self) -> tuple[PollOutcome, ...]:
        """Polls every account now and gives what came of it; a poll under way is let to its end first.

        Wishes that come while one waits share its poll. Where the schedule ends meanwhile, the accounts that were not
        polled any more are left out.
        """
        wishes = [self._wished(account) for account in self._accounts]
        if wishes:
            # Unlike gather, this neither hands on a cancellation to the polls, which others may share, nor takes one.
            await asyncio.wait(wishes)
        return tuple(wish.result() for wish in wishes if not wish.cancelled())

    def _wished(self, account: _Account) -> asyncio.Task[PollOutcome]:
        if account.asked is None or account.asked.done():
            account.asked = asyncio.create_task(self._poll_and_tell(account, thorough=True))
            self._wishes.add(account.asked)
            account.asked.add_done_callback(self._wishes.discard)
        return account.asked

    async def _poll_and_tell(self, account: _Account, *, thorough: bool) -> PollOutcome:
        outcome = await account.poll(self._now, thorough=thorough)
        await self._tell(outcome)
        return outcome

    async def _keep_polling(self, account: _Account) -> None:
        while True:
            retry_after = None
            try:
                retry_after = (await self._poll_and_tell(account, thorough=False)).retry_after
            except Exception:  # noqa: BLE001 (whatever it is, it is logged whole)
                # A mistake of ours in one poll must not end all later ones.
                account.failures += 1
                _log.exception("the poll of account %r failed in a way that trayd does not know", account.poller.name)
            pause = pause_s(self._interval_s, account.failures, retry_after, random.random())  # noqa: S311 (no secret)
            account.early.clear()
            try:
                async with asyncio.timeout(pause):
                    await account.early.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(AFTER_SLEEP_S)

    async def _watch_for_sleep(self) -> None:
        """A sleep stops the timers on some systems; the wall clock goes on."""
        while True:
            wall, timer = self._now(), time.monotonic()
            await asyncio.sleep(LOOK_S)
            if (self._now() - wall).total_seconds() - (time.monotonic() - timer) > _SLEPT_S:
                _log.info("the machine has slept or its clock was set: polling soon")
                for account in self._accounts:
                    account.early.set()


def pause_s(interval_s: float, failures: int, retry_after: float | None, chance: float) -> float:
    """How many seconds to wait for the next poll.

    Args:
        interval_s: between polls when all is well.
        failures: how many polls in a row have failed.
        retry_after: how long fal wants to be left alone.
        chance: from 0 to 1; spreads the pause by a tenth to either side.
    """
    pause = min(interval_s * (1 << min(failures, 16)), max(interval_s, _LONGEST_PAUSE_S))
    return max(pause * (1 - _SPREAD + 2 * _SPREAD * chance), retry_after or 0.0)
