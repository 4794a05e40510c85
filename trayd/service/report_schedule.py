"""Reports that make themselves: each once, when its week or month is over and fal has had time to bill.

What was made is known from the alerts that tell of it. Reports are made on the ledger's thread in turns; their folder,
which may be on a disk that is slow or gone, is touched on another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from trayd.alerts.rules import ReportMade, reports_made
from trayd.errors import TraydError
from trayd.insight.usage import Part, Total
from trayd.money import Money
from trayd.operations.documents import Document
from trayd.operations.exporting import ExportQuery, ReportQuery
from trayd.operations.operations import Operations
from trayd.operations.records import UsageQuery
from trayd.operations.turns import Making
from trayd.report_settings import Schedule
from trayd.reports.due import ReportPeriod, bills_wanted_until, periods_due
from trayd.reports.formats import FORMATS
from trayd.service.report_folders import ReportFolders, put_away
from trayd.settings import Paths, Settings

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: At its start trayd first takes in what came while it did not run.
START_S = 15.0
#: How often the calendar is looked at. Timers stop while the machine sleeps; the wall clock does not.
LOOK_S = 60.0
#: What could not be made is tried again after this long, and it is looked whether another client has entries by now.
AGAIN_S = 600.0
#: Bills that are missing are waited for so long, while trayd runs: at its start it has not asked fal yet.
BILLS_S = 3600.0

#: The format that is no export.
_PAGE = "html"


class Host(Protocol):
    """What the schedules need of the daemon."""

    paths: Paths
    settings: Settings

    def now(self) -> datetime:
        """The time (UTC)."""

    async def on_ledger(self, work: Callable[[Operations], T]) -> T:
        """Runs the work on the thread that owns the ledger."""

    async def report_made(self, made: ReportMade) -> None:
        """Remembers that a report was made: when the call returns, also over a kill."""

    async def reports_made(self, made: Sequence[ReportMade]) -> None:
        """Tells of reports that were made together."""

    async def reports_looked_at(self, troubles: Mapping[str, str]) -> None:
        """Takes note, by schedule, of why reports could not be made; empty where nothing was in the way."""


class _UnmadeError(TraydError):
    """A report of one client cannot be made; those of others can."""


class _Wanted(NamedTuple):
    """A report to be made: for whom (None: of everything), and what the work of its time cost as far as is known."""

    client: str | None
    cost: Money | None


class ReportSchedules:
    """Makes what is due by the schedules of the settings."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._wake = asyncio.Event()
        # On the loop's clock: until when a schedule rests, and since when the bills of a period have been waited for.
        self._rests: dict[str, float] = {}
        self._waits: dict[tuple[str, str], float] = {}
        # The ledger may not have been able to keep it.
        self._made: set[tuple[str, str, str | None]] = set()
        self._folders = ReportFolders()
        self._troubles: dict[str, str] = {}
        self._told: dict[str, str] | None = None

    async def run(self) -> None:
        """Makes what is due, until cancelled."""
        wait = START_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            self._wake.clear()
            await self._look(patient=True)
            wait = LOOK_S

    async def once(self) -> None:
        """Makes what is due now, with the bills that are there."""
        await self._look(patient=False)

    def look_soon(self) -> None:
        """The settings have changed: other schedules, or another folder."""
        self._rests.clear()
        self._wake.set()

    async def _look(self, *, patient: bool) -> None:
        troubles, tried = {}, True
        for schedule in self._host.settings.report.schedule:
            name = schedule.called
            before, trouble = self._troubles.get(name), None
            if asyncio.get_running_loop().time() >= self._rests.get(name, 0.0):
                trouble = await self._follow(schedule, patient=patient)
                if trouble and trouble != before:
                    logger.warning("reports of the schedule %r: %s", name, trouble)
            if trouble is not None or before is not None:
                troubles[name] = trouble if trouble is not None else str(before)
            else:
                tried = False
        self._troubles = troubles
        # Of what was not tried since the start, an earlier run can have said what is in the way; that still holds.
        if tried and troubles != self._told:
            self._told = troubles
            await self._host.reports_looked_at(troubles)

    async def _follow(self, schedule: Schedule, *, patient: bool) -> str | None:
        """Makes what is due by a schedule; what is in the way, with the cure. None: it waits for bills."""
        trouble, asked = "", self._host.settings.report
        try:
            for period in await self._host.on_ledger(partial(self._due, schedule)):
                if patient and not await self._has_its_bills(schedule, period):
                    if not trouble:
                        return None
                    break
                try:
                    await self._make(schedule, period)
                except _UnmadeError as error:
                    # All others have theirs, and go on without this client.
                    trouble = trouble or str(error)
        except TraydError as error:
            trouble = str(error)
        except Exception as error:
            # A bug in one schedule keeps no other one back, and is not met with again every few seconds.
            logger.exception("reports of the schedule %r cannot be made", schedule.called)
            trouble = f"{type(error).__name__} while one was made; the log in {self._host.paths.log} tells more"
        if self._host.settings.report != asked:
            return None  # what was in the way may be in no setting any more: there is another look at once
        self._rests[schedule.called] = asyncio.get_running_loop().time() + AGAIN_S
        return trouble

    def _due(self, schedule: Schedule, operations: Operations) -> list[ReportPeriod]:
        made = self._made_by(schedule, operations)
        return periods_due(schedule, made.keys(), self._host.now(), operations.settings.zone())

    def _made_by(self, schedule: Schedule, operations: Operations) -> dict[str, set[str | None]]:
        made = reports_made(operations.ledger.episodes().values(), schedule.called)
        for name, period, client in self._made:
            if name == schedule.called:
                made.setdefault(period, set()).add(client)
        return made

    async def _has_its_bills(self, schedule: Schedule, period: ReportPeriod) -> bool:
        """Whether fal's bills are there, or have been waited for long enough."""
        now = asyncio.get_running_loop().time()
        since = self._waits.setdefault((schedule.called, period.name), now)
        return now - since >= BILLS_S or await self._host.on_ledger(partial(_is_billed, schedule, period))

    def _wanted(self, schedule: Schedule, period: ReportPeriod, operations: Operations) -> list[_Wanted]:
        """Whom reports of that period are still to be made for."""
        made = self._made_by(schedule, operations).get(period.name, set())
        found = operations.usage(UsageQuery(window=f"{period.first}..{period.last}", by="client"))
        # Of a part of the period fal's bills may never have been read.
        cost = _known if found.known_from is None else lambda _part: None
        named = [_Wanted(part.key, cost(part)) for part in found.by if part.key is not None]
        if schedule.clients:
            named = [wanted for wanted in named if wanted.client in schedule.clients]
        elif found.by and not named:
            # Who works for no client has the work itself.
            named = [_Wanted(None, cost(found.total))]
        return [wanted for wanted in named if wanted.client not in made]

    async def _make(self, schedule: Schedule, period: ReportPeriod) -> None:
        """Makes the reports of a period that are still to be made.

        Raises:
            _UnmadeError: some client's cannot be made; those of all others are.
            TraydError: the folder takes none.
        """
        billed = await self._host.on_ledger(partial(_is_billed, schedule, period))
        made: list[ReportMade] = []
        unmade: list[_UnmadeError] = []
        try:
            for wanted in await self._host.on_ledger(partial(self._wanted, schedule, period)):
                try:
                    one = await self._made_for(wanted, schedule, period, billed=billed)
                except _UnmadeError as error:
                    unmade.append(error)
                    continue
                made.append(one)
                logger.info("made by the schedule %r, in %s: %s", schedule.called, one.folder, ", ".join(one.files))
        finally:
            # Together, so that they are one notification; also those that were made before something went wrong.
            if made:
                await self._host.reports_made(made)
        if unmade:
            first, others = unmade[0], len(unmade) - 1
            raise _UnmadeError(f"{first.message}{f' (and for {others} more)' if others else ''}", first.cure)

    async def _made_for(self, wanted: _Wanted, schedule: Schedule, period: ReportPeriod, *, billed: bool) -> ReportMade:
        folder = schedule.own_folder or self._host.paths.reports
        self._folders.check(folder)
        makings = [Making(partial(_document, schedule, period, wanted.client, form)) for form in schedule.formats]
        try:
            for making in makings:
                await self._finish(making, wanted.client)
        except BaseException:
            _close(makings)
            raise
        placing = self._place(makings, folder, wanted, schedule, period, billed=billed)
        return await self._folders.follow(folder, placing, self._tell_late)

    async def _tell_late(self, made: ReportMade) -> None:
        await self._host.reports_made([made])

    async def _finish(self, making: Making, client: str | None) -> None:
        whose = f"for {client}: " if client else ""
        try:
            await making.finish(self._host)
        except TraydError as error:
            raise _UnmadeError(f"{whose}{error.message}", error.cure) from error
        except Exception as error:
            # A bug in one report keeps no other one back, and is not met with again every few seconds.
            logger.exception("a scheduled report cannot be made")
            log = f"the log in {self._host.paths.log} tells more"
            raise _UnmadeError(f"{whose}{type(error).__name__} while it was made", log) from error

    async def _place(
        self,
        makings: Sequence[Making],
        folder: Path,
        wanted: _Wanted,
        schedule: Schedule,
        period: ReportPeriod,
        *,
        billed: bool,
    ) -> ReportMade:
        """Puts what was made into its folder, and remembers it."""
        texts = [(making.document.name, making.text) for making in makings]
        drop = None if schedule.own_folder is None else self._host.paths.drop
        try:
            files = await put_away(folder, texts, drop)
        finally:
            _close(makings)
        made = ReportMade(
            schedule=schedule.called,
            client=wanted.client,
            period=period.name,
            first=period.first,
            last=period.last,
            files=tuple(file.name for file in files),
            folder=str(folder),
            cost=None if self._is_hidden(wanted) else wanted.cost,
            is_hidden=self._is_hidden(wanted),
            billed=billed,
            remarks=(
                *self._warnings(wanted, schedule),
                *(remark for making in makings for remark in making.document.remarks),
            ),
        )
        self._made.add((schedule.called, period.name, wanted.client))
        # At once: whoever kills trayd before the others are made would get this one a second time.
        await self._host.report_made(made)
        return made

    def _is_hidden(self, wanted: _Wanted) -> bool:
        """Whether its client is not to see what things cost: a message may be sent on with the report."""
        terms = self._host.settings.report.terms(wanted.client)
        return terms is not None and terms.hide_costs

    def _warnings(self, wanted: _Wanted, schedule: Schedule) -> Iterator[str]:
        if self._is_hidden(wanted) and set(schedule.formats) - {_PAGE}:
            yield "The export says what the work cost: it is not for the client."


def _close(makings: Iterable[Making]) -> None:
    for making in makings:
        making.text.close()


def _known(part: Part | Total) -> Money | None:
    """What it cost, where all of that is known."""
    return None if part.unpriced or part.left_out else part.cost


def _document(
    schedule: Schedule, period: ReportPeriod, client: str | None, form: str, operations: Operations
) -> Document:
    since, until = str(period.first), str(period.last)
    currency = schedule.currency or None
    if form == _PAGE:
        return operations.report(ReportQuery(client=client, since=since, until=until, currency=currency))
    if form in FORMATS and FORMATS[form].instead_of_currency:
        currency = None
    return operations.export(ExportQuery(format=form, client=client, since=since, until=until, currency=currency))


def _is_billed(schedule: Schedule, period: ReportPeriod, operations: Operations) -> bool:
    """Whether the bills of that period are there, of all accounts that have any."""
    until = bills_wanted_until(period, schedule, operations.settings.zone())
    accounts = operations.ledger.accounts()
    for name in operations.names:
        fact = accounts.get(name)
        if fact is None:
            return False
        coverage = operations.ledger.coverage(fact.username or name)
        if coverage is None and fact.state == "no_key":
            continue
        if coverage is None or coverage.until < until:
            return False
    return True
