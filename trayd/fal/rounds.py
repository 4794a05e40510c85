"""One round of polling: what its steps share, what went wrong in it, and how the account stands when it is over."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from trayd.errors import FalError, FalThrottledError, FalUnreachableError
from trayd.facts import AccountFact, Added, Batch, Coverage
from trayd.fal.client import FalClient
from trayd.fal.door import LedgerDoor, LedgerView

T = TypeVar("T")

_log = logging.getLogger(__name__)

# fal's clock is told to the second and arrives late by the length of a call; below this the clocks agree.
_SAME_CLOCK = timedelta(seconds=60)

# The worst first: it decides what the account's state is.
_STATES = ("bad_key", "no_key", "needs_admin", "locked", "offline")

BALANCE = "the balance"
BILLED = "what was billed"

# Without these the account is not in order; the others only leave something to be told later.
_GRAVE = (BALANCE, BILLED)


class CountingDoor:
    """A door that counts what goes through it, and what went wrong on the way.

    Args:
        door: the way to the ledger.
        troubles: by step, what was wrong when it was last taken, which the log has; kept from poll to poll.
    """

    def __init__(self, door: LedgerDoor, troubles: dict[str, str]) -> None:
        self.troubles = troubles
        self._door = door
        self.created: dict[str, None] = {}
        self.changed: dict[str, None] = {}
        self.failed: dict[str, FalError] = {}

    async def submit(self, batch: Batch) -> Added:
        """See LedgerDoor."""
        added = await self._door.submit(batch)
        self.created |= dict.fromkeys(added.created)
        self.changed |= dict.fromkeys(added.changed)
        return added

    async def read(self, look: Callable[[LedgerView], T]) -> T:
        """See LedgerDoor."""
        return await self._door.read(look)


class Round:
    """What the steps of one poll share.

    Attributes:
        now: by fal's clock.
        endpoints: the endpoints of what was billed.
        coverage: what the poll has read completely; None while it has not.
        begins: where the history begins, in the first poll of an account; None in later ones.
    """

    def __init__(self, client: FalClient, account: str, now: datetime, door: LedgerDoor) -> None:
        self.client = client
        self.account = account
        self.now = now
        self.door = door
        self.endpoints: set[str] = set()
        self.coverage: Coverage | None = None
        self.begins: datetime | None = None


def fal_time(server_time: datetime | None, now: datetime) -> datetime:
    """Now by fal's clock; by this machine's where fal does not tell or the two agree."""
    if server_time is None or abs(server_time - now) <= _SAME_CLOCK:
        return now
    return server_time


async def step(tally: CountingDoor, name: str, asking: Awaitable[T]) -> T | None:
    """One step of a poll; when fal fails it, the next one is taken all the same, and the log says so once."""
    try:
        answer = await asking
    except FalError as error:
        tally.failed[name] = error
        if tally.troubles.get(name) != str(error):
            tally.troubles[name] = str(error)
            _log.info("%s could not be read: %s", name, error)
        return None
    tally.troubles.pop(name, None)
    return answer


def account_after(known: AccountFact, now: datetime, tally: CountingDoor) -> AccountFact:
    """How the account stands when the poll is over."""
    grave = {name: error for name, error in tally.failed.items() if name in _GRAVE}
    if not tally.failed:
        return msgspec.structs.replace(known, state="ok", problem="", tried_at=now)
    name, error = min((grave or tally.failed).items(), key=lambda item: _STATES.index(item[1].state))
    # What is wrong with the key, the account or the connection is wrong with all steps alike.
    alike = error.state != "offline" or cut_off(error) or all(each in tally.failed for each in _GRAVE)
    problem = str(error) if alike else f"{name} could not be read: {error}"
    return msgspec.structs.replace(known, state=error.state if grave else "ok", problem=problem, tried_at=now)


def cut_off(error: FalError | None) -> bool:
    """Whether there is no connection at all, so that asking on would only take time."""
    return isinstance(error, FalUnreachableError) and not error.connected


def waits_told(tally: CountingDoor) -> Iterator[float]:
    """For how many seconds fal wants to be left alone, as often as it said so."""
    for error in tally.failed.values():
        if isinstance(error, FalThrottledError) and error.retry_after is not None:
            yield error.retry_after
