"""Keeps the exchange rates up to date while trayd runs.

Nothing is fetched while nothing is in a foreign currency: the bank need not hear of who has no use for its rates. From
then on the newest rates are fetched once they are out, and the whole history once, when an amount is older than the
rates that are known.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar

import msgspec

from trayd.errors import TraydError
from trayd.exchange_rates.store import Fetched, RateStore
from trayd.ledger.store import Ledger
from trayd.operations.rates import foreign_currencies
from trayd.service.ecb import RECENT_DAYS, USUAL, Document, RetryPolicy, Validators, fetch
from trayd.settings import Settings
from trayd.target_days import newest_due, target_day_after

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: How often it is looked whether something is missing. Timers stop while the machine sleeps; the wall clock does not.
LOOK_S = 300.0
#: Changes within this time are looked at together.
GATHER_S = 2.0

#: The pause after a failure, and after the rates were not out yet; it doubles up to the longest.
_AFTER_FAILURE_S = 60.0
_NOT_OUT_S = 600.0
_LONGEST_PAUSE_S = 3600.0

#: The rates are asked for this long after the usual hour, each trayd at a moment of its own.
_LATE_S = (120.0, 1200.0)

#: When a person waits for it.
_IMPATIENT = RetryPolicy(attempts=2, total_s=15.0, read_s=10.0, first_wait_s=0.3, longest_wait_s=1.0)

_LONGEST_REFRESH_S = 20.0

_MOST_TOLD = 5


class RateHost(Protocol):
    """What keeping the rates needs of whoever runs it."""

    @property
    def settings(self) -> Settings:
        """The settings as they are now."""

    def now(self) -> datetime:
        """The time (UTC)."""

    async def read(self, look: Callable[[Ledger], T]) -> T:
        """What a function sees of the ledger; it runs on the ledger's thread."""

    async def rates_fetched(self, trouble: str) -> None:
        """Other rates may be known now. ``trouble``: why they could not be fetched, empty where they could."""


class _Missing(msgspec.Struct, frozen=True):
    """A file to fetch, and the version of it that need not be sent."""

    document: Document
    known: Validators


class RateKeeping:
    """Fetches what is missing, and asks again later where that fails.

    Args:
        store: where the rates are kept.
        url: where they are fetched; None: nowhere.
    """

    def __init__(self, host: RateHost, store: RateStore, url: str | None) -> None:
        self._host = host
        self._store = store
        self._url = url
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._late = timedelta(seconds=random.uniform(*_LATE_S))  # noqa: S311 - no secret
        self._failures = 0
        self._too_early = 0
        self._trouble = ""
        self._not_before = 0.0
        self._complete: object = None

    async def run(self) -> None:
        """Keeps the rates up to date until cancelled."""
        while True:
            await asyncio.sleep(GATHER_S)
            self._wake.clear()
            await self._look()
            pause = min(max(self._not_before - time.monotonic(), 0.0) or LOOK_S, LOOK_S)
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def look_soon(self) -> None:
        """The ledger or the settings have changed: there may be an amount in another currency now."""
        self._wake.set()

    async def refresh(self) -> None:
        """Fetches what is missing now; what goes wrong is told as it is while running."""
        self._not_before = 0.0
        with contextlib.suppress(TimeoutError):  # one that is under way is not waited for
            async with asyncio.timeout(_LONGEST_REFRESH_S):
                await self._look(_IMPATIENT)

    async def _look(self, retry_policy: RetryPolicy = USUAL) -> None:
        async with self._turn:
            if self._url is None or time.monotonic() < self._not_before:
                return
            missing = await self._missing()
            if missing is None:
                self._failures = self._too_early = 0
                await self._tell("")
            else:
                await self._fetch(self._url, missing, retry_policy)

    async def _fetch(self, url: str, missing: _Missing, retry_policy: RetryPolicy) -> None:
        try:
            told = await fetch(url, missing.document, missing.known, self._host.now().date(), retry_policy)
            if told is not None:
                version = told.version
                merged = await asyncio.to_thread(
                    self._store.take, told.sheet, missing.document, etag=version.etag, modified=version.modified
                )
                logger.info("exchange rates of %s to %s fetched", merged.first, merged.last)
                _log_doubts(merged.doubts)
        except TraydError as error:
            self._failures += 1
            self._not_before = _later(_AFTER_FAILURE_S, self._failures)
            await self._tell(str(error))
            return
        self._failures = 0
        await self._tell("", fetched=told is not None)
        if await self._missing() is None:
            self._too_early = 0
        else:
            self._too_early += 1
            self._not_before = _later(_NOT_OUT_S, self._too_early)

    async def _tell(self, trouble: str, *, fetched: bool = False) -> None:
        if trouble and trouble != self._trouble:
            logger.warning("no exchange rates: %s", trouble)
        if fetched or trouble != self._trouble:
            self._trouble = trouble
            await self._host.rates_fetched(trouble)

    async def _missing(self) -> _Missing | None:
        settings = self._host.settings
        if not settings.rates.fetch:
            return None
        expected = newest_due(self._host.now(), self._late)
        seen = await asyncio.to_thread(self._store.stamp)
        version = await self._host.read(lambda ledger: ledger.records_version)
        state = settings, expected, seen, version
        if state == self._complete:
            return None
        missing = await self._missing_of(settings, expected)
        self._complete = state if missing is None else None
        return missing

    async def _missing_of(self, settings: Settings, expected: date) -> _Missing | None:
        foreign = await self._host.read(lambda ledger: foreign_currencies(ledger, settings))
        home = settings.home_currency
        if not foreign - {fixed.other(home) for fixed in settings.rates.fixed if fixed.since is fixed.until is None}:
            # Nothing is in one, or all that is is fixed to the home currency for ever.
            return None
        kept = await asyncio.to_thread(_Kept.of, self._store)
        start = kept.span[0] if kept.span else expected - timedelta(days=RECENT_DAYS)
        # The ledger knows the sums of whole months by heart.
        month = (start.replace(day=1) + timedelta(days=31)).replace(day=1)
        older = await self._host.read(lambda ledger: bool(foreign_currencies(ledger, settings, before=month)))
        document = _document(kept, expected, older=older)
        return None if document is None else _Missing(document, kept.version(document))


class _Kept(msgspec.Struct, frozen=True):
    """What is kept of the rates.

    Attributes:
        span: the first and the last day; None where there is none.
        torn: a year in between was lost.
        notes: of the files that were fetched.
    """

    span: tuple[date, date] | None
    torn: bool
    notes: dict[str, Fetched]

    @classmethod
    def of(cls, store: RateStore) -> _Kept:
        span, years = store.table().span(), store.years()
        return cls(span, bool(years) and len(years) <= years[-1] - years[0], store.notes())

    @property
    def whole(self) -> bool:
        """There are rates as far back as there ever were."""
        fetched = self.notes.get(Document.WHOLE)
        return fetched is not None and self.span is not None and self.span[0] <= fetched.first

    def version(self, document: Document) -> Validators:
        """Which version of a file is known, if all that it told still is."""
        fetched = self.notes.get(document)
        if fetched is None or self.torn or self.span is None:
            return Validators()
        kept = self.span[0] <= fetched.first and fetched.last <= self.span[1]
        return Validators(fetched.etag, fetched.modified) if kept else Validators()


def _document(kept: _Kept, expected: date, *, older: bool) -> Document | None:
    """The smallest file that tells what is missing.

    Args:
        kept: what there is.
        expected: the newest day whose rates are out.
        older: there are amounts from about when the kept rates begin, or, without any, the recent ones, or before.
    """
    if kept.span is None:
        return Document.WHOLE if older else Document.RECENT
    last = kept.span[1]
    if kept.torn or (older and not kept.whole) or expected - last > timedelta(days=RECENT_DAYS):
        return Document.WHOLE
    if last >= expected:
        return None
    return Document.NEWEST if target_day_after(last) == expected else Document.RECENT


def _later(first_s: float, times: int) -> float:
    pause = min(first_s * (1 << min(times - 1, 16)), _LONGEST_PAUSE_S)
    return time.monotonic() + pause * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def _log_doubts(doubts: Iterable[str]) -> None:
    told = list(doubts)
    for doubt in told[:_MOST_TOLD]:
        logger.warning("exchange rates: %s", doubt)
    if len(told) > _MOST_TOLD:
        logger.warning("exchange rates: %d more like these", len(told) - _MOST_TOLD)
