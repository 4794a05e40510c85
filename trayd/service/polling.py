"""Polls all accounts that are set up, and starts anew when the settings say something else."""

from __future__ import annotations

import asyncio
import functools
from datetime import datetime
from typing import Protocol

import msgspec

from trayd.fal.door import LedgerDoor
from trayd.fal.keys import find_key
from trayd.fal.outcome import PollOutcome
from trayd.fal.poller import Poller
from trayd.fal.schedule import Schedule
from trayd.settings import Settings


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """How an account stands after a poll that was asked for.

    Attributes:
        created: how many records are new; ``changed`` how many are different now.
    """

    name: str
    state: str
    problem: str
    created: int
    changed: int


class PollingHost(LedgerDoor, Protocol):
    """What polling needs of whoever runs it."""

    @property
    def settings(self) -> Settings:
        """The settings as they are now."""

    def now(self) -> datetime:
        """The time (UTC)."""

    async def polled(self, outcome: PollOutcome) -> None:
        """Takes note of a poll."""


class Polling:
    """One schedule at a time, for the accounts that the settings name.

    Args:
        url: fal's base URL.
    """

    def __init__(self, host: PollingHost, url: str) -> None:
        self._host = host
        self._url = url
        self._anew = asyncio.Event()
        self._schedule = self._scheduled()

    async def run(self) -> None:
        """Polls until cancelled."""
        while True:
            self._anew.clear()
            await self._schedule.run(self._anew)
            self._schedule = self._scheduled()

    def start_anew(self) -> None:
        """Has the schedule made anew, from the settings as they are now and with nothing remembered."""
        self._anew.set()

    async def refresh(self) -> list[Refreshed]:
        """Polls every account now."""
        return [
            Refreshed(
                name=outcome.name,
                state=outcome.state,
                problem=outcome.problem,
                created=len(outcome.created),
                changed=len(outcome.changed),
            )
            for outcome in await self._schedule.refresh()
        ]

    async def aclose(self) -> None:
        """Closes the connections to fal."""
        await self._schedule.aclose()

    def _scheduled(self) -> Schedule:
        settings = self._host.settings
        pollers = [
            Poller(
                name,
                self._host,
                functools.partial(find_key, name),
                base_url=self._url,
                poll=settings.poll,
                payloads=settings.store_prompts,
            )
            for name in settings.account_names()
        ]
        return Schedule(pollers, settings.poll.interval_s, self._host.polled, now=self._host.now)
