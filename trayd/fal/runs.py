"""Lists how requests ran: when they were sent, how long they took, how they ended.

fal lists requests by endpoint and a hundred a page, so a long past is read in instalments: each poll takes up a few
dozen pages of it, beside all that is new. What was listed is remembered in memory only; a restart asks once more for
what the ledger still lacks.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import msgspec

from trayd.errors import FalRequestError
from trayd.facts import RunFact
from trayd.fal.client import MOST_IDS, FalClient
from trayd.fal.door import Activity
from trayd.fal.wire import RequestItem, utc
from trayd.records import Status

#: Pages of the past that one poll takes up, at most.
PAGES_A_POLL = 50

# A request can be listed a while after it was sent.
_LATE = timedelta(hours=1)

# A request that has not ended after this long is not waited for.
_LONGEST_RUN = timedelta(hours=72)

_LARGEST_PARAMETER = 4096
_FIRST_FAILURE = 400


class _TimeSlice(msgspec.Struct, frozen=True):
    """A piece of the past that is to be listed: at most 50 endpoints, over one time."""

    endpoint_ids: tuple[str, ...]
    start: datetime
    end: datetime


class RunListing:
    """What has been listed of one account, and what is still to be."""

    def __init__(self, account: str, *, payloads: bool) -> None:
        self.account = account
        self._payloads = payloads
        # Until when each endpoint's requests have been listed; an endpoint of the backlog is not in it yet.
        self._listed: dict[str, datetime] = {}
        self._backlog: list[_TimeSlice] = []
        # Endpoints that fal does not have: someone's own, or a typing error in an event.
        self._unknown: set[str] = set()
        self._reading: AsyncGenerator[tuple[RequestItem, ...], None] | None = None

    async def forget_reading(self) -> None:
        """Lets go of the page that was read last: the client it came through is about to close."""
        if self._reading is not None:
            await self._reading.aclose()
            self._reading = None

    async def list_runs(
        self, client: FalClient, in_use: Mapping[str, Activity], now: datetime, begins: datetime | None = None
    ) -> AsyncIterator[tuple[RunFact, ...]]:
        """Everything new, and the next instalment of the past, page by page.

        Args:
            client: the account's.
            in_use: the endpoints that were used lately.
            now: the moment up to which is listed, by fal's clock.
            begins: of a first poll, where the history begins: before an endpoint's first bill there can be requests
                that cost nothing. Else a new endpoint is listed from the oldest request that is known.

        Raises:
            FalError: a page could not be read; what came before it is good, the rest is asked for again.
        """
        in_use = {name: use for name, use in in_use.items() if name not in self._unknown}
        waiting = {name for time_slice in self._backlog for name in time_slice.endpoint_ids}
        known = {name: self._from(name, in_use[name], now) for name in in_use if name in self._listed}
        fresh = {
            name: min((use.lacking or now) - _LATE, begins or now)
            for name, use in in_use.items()
            if name not in self._listed and name not in waiting
        }
        for time_slice in _time_slices(known, now):
            async for page in self._pages(client, time_slice):
                yield self._facts(page, now)
            self._done(time_slice)
        self._backlog += _time_slices(fresh, now)
        async for page in self._instalment(client):
            yield self._facts(page, now)

    def _from(self, endpoint_id: str, use: Activity, now: datetime) -> datetime:
        since = self._listed[endpoint_id] - _LATE
        if use.running is None:
            return since
        return min(since, max(use.running - timedelta(seconds=1), now - _LONGEST_RUN))

    async def _instalment(self, client: FalClient) -> AsyncIterator[tuple[RequestItem, ...]]:
        left = PAGES_A_POLL
        while self._backlog and left:
            if self._reading is None:
                self._reading = self._pages(client, self._backlog[0])
            try:
                page = await anext(self._reading)
            except StopAsyncIteration:
                self._reading = None
                self._done(self._backlog.pop(0))
            except BaseException:
                # A generator that has raised is at its end; the time slice is read again from its start.
                self._reading = None
                raise
            else:
                left -= 1
                yield page

    async def _pages(self, client: FalClient, time_slice: _TimeSlice) -> AsyncGenerator[tuple[RequestItem, ...], None]:
        """The pages of those endpoints that fal knows: it refuses a whole question for one that it does not."""
        names = time_slice.endpoint_ids
        try:
            async for page in client.requests(names, time_slice.start, time_slice.end, payloads=self._payloads):
                yield page
        except FalRequestError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            if len(names) == 1:
                self._unknown.update(names)
                return
            for half in (names[: len(names) // 2], names[len(names) // 2 :]):
                async for page in self._pages(client, msgspec.structs.replace(time_slice, endpoint_ids=half)):
                    yield page

    def _done(self, time_slice: _TimeSlice) -> None:
        self._listed |= dict.fromkeys(time_slice.endpoint_ids, time_slice.end)

    def _facts(self, page: Sequence[RequestItem], now: datetime) -> tuple[RunFact, ...]:
        return tuple(run_of(item, self.account, now) for item in page)


def _time_slices(starts: Mapping[str, datetime], end: datetime) -> list[_TimeSlice]:
    """The endpoints, fifty at a time; those that begin alike together."""
    names = sorted(starts, key=lambda name: (starts[name], name))
    pieces = [tuple(names[at : at + MOST_IDS]) for at in range(0, len(names), MOST_IDS)]
    return [_TimeSlice(piece, starts[piece[0]], end) for piece in pieces]


def run_of(item: RequestItem, account: str, fetched_at: datetime) -> RunFact:
    """A row of fal's list as a fact."""
    return RunFact(
        request_id=item.request_id,
        account=account,
        endpoint_id=item.endpoint_id,
        fetched_at=fetched_at,
        sent_at=utc(item.sent_at),
        ended_at=utc(item.ended_at) if item.ended_at else None,
        status=_status(item),
        duration_s=item.duration if item.duration is not None and item.duration >= 0 else None,
        parameters=_parameters(item.json_input),
    )


def _status(item: RequestItem) -> Status:
    if item.ended_at is None and item.status_code is None:
        return Status.SUBMITTED
    return Status.FAILED if (item.status_code or 0) >= _FIRST_FAILURE else Status.COMPLETED


def _parameters(json_input: msgspec.Raw) -> dict[str, Any]:
    """The model's input, less what is too large to be a setting (images come inside the request, too)."""
    try:
        members = msgspec.json.decode(json_input, type=dict[str, msgspec.Raw] | None) or {}
    except msgspec.ValidationError:
        return {}
    return {
        name: msgspec.json.decode(value) for name, value in members.items() if len(bytes(value)) <= _LARGEST_PARAMETER
    }
