"""The ledger: facts in, durable before they are acknowledged; merged records out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Self

import msgspec

from trayd.errors import LedgerError, LedgerFullError, TraydError
from trayd.facts import AccountFact, Added, Batch, Coverage, Difference, EventFact, FileTaken, Link, ModelFact, Tagging
from trayd.ledger import upkeep
from trayd.ledger.changes import MARGIN, Seen, Work, joined
from trayd.ledger.contents import Source
from trayd.ledger.counting import Standing, counting
from trayd.ledger.disk import Disk, refusals
from trayd.ledger.journal import Mark
from trayd.ledger.lock import Lock
from trayd.ledger.months import Month, Months
from trayd.ledger.pair import Change, LedgerPaths, Pair
from trayd.ledger.rebuild import Rebuilt, rebuild
from trayd.ledger.rollups import Stretch, moment
from trayd.ledger.soundness import check
from trayd.ledger.state import State, refuse_other_api
from trayd.ledger.sums import Sums
from trayd.ledger.tables import Identity, Row, facts_of
from trayd.ledger.tagged import EditFound, edits_at
from trayd.ledger.upkeep import BackedUp, Problem, Restored
from trayd.records import BalanceReading, Episode, ExternalCost, Filters, Generation, Record, Sum

__all__ = ["Ledger", "LedgerPaths"]

_ALL = Filters()

#: What fal tells again at each poll is remembered for this long after it did so last.
_REMEMBERED = timedelta(days=1)


def _now() -> datetime:
    return datetime.now(UTC)


class _Latest(msgspec.Struct, frozen=True):
    """The rows of the newest generations at a version of the records, and what was asked for."""

    version: int
    since: datetime
    at_least: int
    rows: list[Row]


class Ledger:
    """The store of all records, for one thread at a time; use :meth:`open`.

    Attributes:
        version: counts up with every change that a reader can see, and ``records_version`` with every change of a
            record's own facts.
    """

    def __init__(self, paths: LedgerPaths, disk: Disk, lock: Lock, clock: Callable[[], datetime]) -> None:
        self._paths = paths
        self._disk = disk
        self._clock = clock
        self._lock = lock
        self._open = True
        self._recently: dict[tuple[str, str], Seen] = {}
        self._prepared: tuple[str, ...] = ()
        self._stale: tuple[str | None] | None = None
        self._latest: _Latest | None = None
        self.version = 0
        self.records_version = 0
        self._read()

    def _read(self) -> None:
        self._prepared += upkeep.prepare(self._paths, self._disk, self._clock())
        self._state = State(self._paths, self._disk, self._clock)
        self._months = Months(self._paths, self._disk, self._clock)
        self._sums = Sums(self._state, self._months)

    @classmethod
    def open(
        cls,
        paths: LedgerPaths,
        *,
        base_url: str | None,
        holder: str,
        disk: Disk | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> Self:
        """Opens a ledger, makes it where there is none, and mends what a crash left.

        What an older trayd wrote is brought into the form of this one, after a copy was made.

        Args:
            paths: its two folders.
            base_url: the API whose history it holds; None neither asks nor sets it.
            holder: the program, as another process that wants the ledger is told.
            disk: the file calls, for tests.
            clock: the time (with a zone), for tests.

        Raises:
            LedgerLockedError: another process holds it.
            LedgerDamagedError: both files of a pair are damaged.
            LedgerError: it holds another API's history, or a newer trayd wrote it.
            LedgerFullError: the disk refuses.
        """
        disk = disk or Disk()
        for folder in (paths.ledger, paths.backup):
            with refusals(folder):
                disk.make_folder(folder)
        lock = Lock(paths.ledger, holder, disk)
        try:
            ledger = cls(paths, disk, lock, clock)
            ledger._begin(base_url)
        except BaseException:
            lock.release()
            raise
        return ledger

    def _begin(self, base_url: str | None) -> None:
        try:
            if base_url is not None:
                self._belong_to(base_url)
            links = tuple(self._state.unfinished_links())
            if links:
                self.add(Batch(links=links))
        except BaseException:
            self._let_go()
            raise

    def _belong_to(self, base_url: str) -> None:
        refuse_other_api(self._state, base_url, self._paths.ledger)
        if self._state.base_url() is None:
            changes = [Change("identity", "base_url", Identity(base_url))]
            self._state.pair.write(changes)
            self._state.apply(changes, [])

    def close(self) -> None:
        """Checkpoints and lets the next process in; a ledger that is closed stays closed.

        Raises:
            LedgerFullError: the checkpoint failed; the lock is released all the same, and nothing is lost.
        """
        if not self._open:
            return
        self._open = False
        try:
            if self._stale is None:
                self._checkpoint()
        finally:
            self._let_go()
            self._lock.release()

    def _let_go(self) -> None:
        self._months.close()
        self._state.pair.close()

    @property
    def dirty(self) -> bool:
        """Whether :meth:`checkpoint` has something to do."""
        return self._state.dirty or self._months.dirty

    @property
    def notices(self) -> tuple[str, ...]:
        """What was found damaged, missing or edited since the start, and mended."""
        return (*self._prepared, *self._state.notices, *self._months.notices)

    def checkpoint(self) -> None:
        """Brings the TinyDB files up to date, without a pause; see :meth:`checkpoint_steps`.

        Raises:
            LedgerFullError: the disk refused; what was durable is, and the next checkpoint tries again.
        """
        for _ in self.checkpoint_steps():
            pass

    def checkpoint_steps(self) -> Iterator[None]:
        """Brings the TinyDB files up to date in steps of a few milliseconds, between which anything can be done.

        Raises:
            LedgerFullError: the disk refused; what was durable is, and the next checkpoint tries again.
        """
        self._usable()
        return self._checkpoint_steps()

    def _checkpoint_steps(self) -> Iterator[None]:
        yield from self._months.checkpoint_steps()
        yield from self._state.checkpoint_steps()
        self.release()

    def _checkpoint(self) -> None:
        for _ in self._checkpoint_steps():
            pass

    def release(self) -> bool:
        """Lets go of the months that are not in use; whether there was any. Asking for them brings them back."""
        self._recently = {key: seen for key, seen in self._recently.items() if seen.at >= self._clock() - _REMEMBERED}
        return self._months.release()

    def _usable(self) -> None:
        if not self._open:
            raise LedgerError("the ledger is closed", "open it again")
        if self._stale is not None:
            self._read_anew(*self._stale)

    def add(self, batch: Batch) -> Added:
        """Takes facts in; when it returns they survive a crash and a power cut.

        Records become durable before the coverage that claims them. On error nothing of the batch is visible.

        Raises:
            RecordError: a fact breaks a rule of its type.
            LedgerFullError: the disk refused.
            LedgerError: an edit or a link is about a record that there is not.
        """
        self._usable()
        (added,) = self._add((batch,))
        return added

    def add_together(self, batches: Sequence[Batch]) -> list[Added | TraydError]:
        """Takes several batches in with one write for all: what became of each, or what was wrong with it.

        A batch that is refused takes no other one with it.
        """
        self._usable()
        results: list[Added | TraydError]
        try:
            results = [*self._add(batches)]
        except TraydError as error:
            if len(batches) == 1 or isinstance(error, LedgerFullError):
                results = [error] * len(batches)
            else:
                results = [result for batch in batches for result in self.add_together((batch,))]
        return results

    def _add(self, batches: Sequence[Batch]) -> list[Added]:
        work = Work(self._months, self._state, self._recently)
        for batch in batches:
            check(batch)
            work.take(batch)
        months = work.by_month()
        now, later = self._state.changes(joined(batches))
        last = [*work.last, *now]
        if last or work.first:
            last = self._state.with_waiting(last)
        self._write(work.first, months, last)
        for month, changes in months:
            month.apply(changes)
        self._recently |= work.seen
        if last or later or work.first:
            self._state.apply([*work.first, *last], later)
            self._sums.forget()
        if months:
            self.records_version += 1
        if months or last or later or work.first:
            self.version += 1
        return work.added()

    def _write(self, first: list[Change], months: list[tuple[Month, list[Change]]], last: list[Change]) -> None:
        written: list[tuple[Pair, Mark]] = []
        state = self._state.pair
        steps = [(state, first), *((month.pair, changes) for month, changes in months), (state, last)]
        try:
            for pair, changes in steps:
                if changes:
                    written.append((pair, pair.write(changes)))
        except BaseException:
            for pair, mark in reversed(written):
                pair.take_back(mark)
            raise

    def records(self, filters: Filters = _ALL, *, zone: tzinfo = UTC, newest_first: bool = True) -> Iterator[Record]:
        """The records that are meant, merged, in the order of their instants.

        Args:
            filters: which; ``account`` takes any name of an account.
            zone: the user's, in which civil dates begin.
            newest_first: the order.
        """
        self._usable()
        if filters.account is not None:
            filters = msgspec.structs.replace(filters, account=self._state.canonical(filters.account))
        spans = sorted(self._spans(filters), key=itemgetter(1), reverse=True)
        if not newest_first:
            spans.sort(key=itemgetter(0))
        waiting: list[tuple[datetime, str, Record]] = []
        for number, (_, _, name) in enumerate(spans, start=1):
            month = self._months.open(name)
            for record_id, row in month.rows.items():
                record = self._present(row)
                if filters.admits(record, zone):
                    waiting.append((record.instant(zone), record_id, record))
            waiting.sort(key=itemgetter(0, 1), reverse=newest_first)
            ready = len(waiting)
            if number < len(spans):
                # What a month still to come can hold an earlier (or later) one of has to wait for it.
                edge = spans[number][1] if newest_first else spans[number][0]
                ready = sum(1 for when, _, _ in waiting if (when >= edge if newest_first else when < edge))
            yield from (record for _, _, record in waiting[:ready])
            del waiting[:ready]
            self._months.release()

    def latest(self, since: datetime, at_least: int = 0) -> list[Generation]:
        """The newest generations, newest first. They stay at hand: asking again and again keeps no month in memory.

        Args:
            since: all from this time on (UTC).
            at_least: so many in any case, as far as there are.
        """
        self._usable()
        known = self._latest
        if known is None or known.version != self.records_version or since < known.since or at_least > known.at_least:
            most = max(at_least, known.at_least if known else 0)
            known = self._latest = _Latest(self.records_version, since, most, self._newest(since, most))
        shown = [self._present(row) for row in known.rows]
        newest = [record for record in shown if isinstance(record, Generation)]
        return [record for place, record in enumerate(newest) if place < at_least or record.timestamp >= since]

    def _newest(self, since: datetime, at_least: int) -> list[Row]:
        spans = sorted(self._spans(_ALL), key=itemgetter(1), reverse=True)
        rows: list[Row] = []
        for _, end, name in spans:
            if len(rows) >= at_least and end < min([since, *(row.view.timestamp for row in rows)]):
                break
            rows += (row for row in self._months.open(name).rows.values() if isinstance(row.view, Generation))
            rows.sort(key=lambda row: (row.view.timestamp, row.view.id), reverse=True)
            rows = [row for place, row in enumerate(rows) if place < at_least or row.view.timestamp >= since]
        return rows

    def sums(self, filters: Filters = _ALL, *, zone: tzinfo = UTC) -> tuple[Sum, ...]:
        """What the records that are meant add up to, by every dimension; no record is read for it.

        Args:
            filters: which; ``account`` takes any name of an account.
            zone: the user's, in which civil dates begin.
        """
        self._usable()
        return self._sums.by_dimensions(filters, zone)

    def totals(self, filters: Filters = _ALL, *, zone: tzinfo = UTC) -> tuple[Sum, ...]:
        """The same over all dimensions but the kind, the currency, the account and how they count."""
        self._usable()
        return self._sums.totals(filters, zone)

    def totals_over_time(
        self, cuts: Sequence[datetime], labels: Sequence[str], filters: Filters = _ALL, *, zone: tzinfo = UTC
    ) -> dict[str, tuple[Sum, ...]]:
        """The totals of the stretches from one cut to just before the next one.

        Args:
            cuts: in order.
            labels: of the stretches, one fewer; those of one label are added up.
            filters: which records; its two ends are not looked at.
            zone: the user's, in which civil dates begin.
        """
        self._usable()
        return self._sums.over_time(cuts, labels, filters, zone)

    def unpriced_events(self, endpoint_ids: Collection[str], since: datetime) -> tuple[EventFact, ...]:
        """The events that tell a quantity of those endpoints, where nothing tells a price.

        Taken in again with an estimate, each takes the place of itself.

        Args:
            endpoint_ids: of the models whose price has become known.
            since: months that end before it are left alone (UTC).
        """
        self._usable()
        found: list[EventFact] = []
        for _, _, name in list(self._spans(Filters(since=since))):
            for row in self._months.open(name).rows.values():
                view = row.view
                if (
                    isinstance(view, Generation)
                    and view.endpoint_id in endpoint_ids
                    and view.units is not None
                    and view.estimate is None
                    and view.actual is None
                ):
                    found += [event for event in facts_of(row).events if event.units is not None and not event.estimate]
            self._months.release()
        return tuple(found)

    def _spans(self, filters: Filters) -> Iterator[tuple[datetime, datetime, str]]:
        """The months that can hold what is meant: the first instant, the one after the last, the name."""
        window = Stretch.of(filters.since, filters.until, UTC)
        for name in self._months.names():
            span = self._months.span(name)
            if span is not None and window.meets(*span):
                first, last = span
                yield moment(first) - MARGIN, moment(last) + MARGIN, name

    def _present(self, row: Row) -> Record:
        """The record with what other things tell of it: the account's username, the model's name, how it counts."""
        view = row.view
        if isinstance(view, ExternalCost):
            return view
        account = self._state.account_of(row.account)
        naming = self._state.naming(view.endpoint_id, view.timestamp)
        name, operation, unit = (naming.display_name, naming.operation, naming.unit) if naming else (None, None, None)
        unit = row.unit if row.unit is not None else unit
        loose = view.request_id is None
        counts = counting(
            Standing.of(view, billed=row.billed),
            when=view.timestamp,
            loose=loose,
            coverage=self._state.coverage(account),
            others=self._state.other_bills(account) if loose else (),
        )
        if (account, name, operation, unit, counts) != (
            view.account,
            view.display_name,
            view.operation,
            view.unit,
            view.counting,
        ):
            row.view = view = msgspec.structs.replace(
                view, account=account, display_name=name, operation=operation, unit=unit, counting=counts
            )
        return view

    def get(self, record_id: str) -> Record | None:
        """A record by its id, or by the id it had before it was linked to its request."""
        self._usable()
        record_id = self._state.resolve(record_id)
        month = self._months.find(record_id)
        return self._present(month.rows[record_id]) if month else None

    def has_event(self, record_id: str) -> bool:
        """Whether an event told of this record, by itself or by a link."""
        self._usable()
        record_id = self._state.resolve(record_id)
        month = self._months.find(record_id)
        return month is not None and bool(facts_of(month.rows[record_id]).events)

    def link_of(self, record_id: str) -> Link | None:
        """The newest link that a person made of an event without a request id, also one that is taken back."""
        kept = self._state.link(record_id)
        return kept.link if kept else None

    def taggings(self) -> tuple[Tagging, ...]:
        """What a person did to many records at once, the oldest first, as far back as it is kept."""
        return tuple(sorted(self._state.rows("taggings").values(), key=attrgetter("number")))

    def edits_of(self, tagging: Tagging) -> Iterator[EditFound]:
        """The edits that were made by a tagging and are not taken back."""
        self._usable()
        return edits_at(self._months, tagging.months, tagging.at)

    def latest_balances(self) -> dict[str, BalanceReading]:
        """The newest balance that fal told of each account."""
        return self._state.latest_balances()

    def balances(self, account: str | None = None, since: datetime | None = None) -> Iterator[BalanceReading]:
        """The balances that fal told, oldest first, of one account or all.

        Those of the last week are in memory; older ones are read from their files, a month at a time.

        Args:
            account: any name of an account.
            since: the first instant taken in (with a zone); None goes back to the beginning.

        Raises:
            LedgerDamagedError: both files of a month that is asked for are damaged.
        """
        self._usable()
        return self._state.balances(account, since)

    def coverage(self, account: str) -> Coverage | None:
        """How far an account's billing has been read."""
        return self._state.coverage(account)

    def accounts(self) -> dict[str, AccountFact]:
        """The accounts, by the names that the user gave them."""
        return dict(self._state.rows("accounts"))

    def models(self) -> dict[str, ModelFact]:
        """The models as they were seen last, by endpoint id."""
        return {endpoint_id: known.latest for endpoint_id, known in self._state.rows("models").items()}

    def episodes(self) -> dict[str, Episode]:
        """The alerts' episodes that last, or ended in the last months, by id."""
        return self._state.episodes()

    def past_episodes(self, since: datetime | None = None) -> Iterator[Episode]:
        """All episodes that ended at a time or after it, in the order of their ends; None goes back to the first."""
        self._usable()
        return self._state.past_episodes(since)

    def differences(self) -> tuple[Difference, ...]:
        """Where fal's own totals and the ledger's are not the same."""
        return self._state.differences()

    def file_taken(self, digest: str) -> FileTaken | None:
        """The file of this content, if it was taken in before.

        Files with events are known by their content for some months; after that their events are, each by its id.
        """
        file: FileTaken | None = self._state.rows("files").get(digest)
        return file

    def archive_and_clear(self, now: datetime) -> Path:
        """Puts everything into one zip file beside the ledger's folder, then starts empty.

        Raises:
            LedgerFullError: the disk refused; unless the archive is complete nothing was cleared.
        """
        with self._away():
            return upkeep.archive_and_clear(self._paths, self._disk, now)

    def verify(self, progress: Callable[[int, int], None] = lambda _done, _all: None) -> list[Problem]:
        """Reads all files again and compares; the problems found, none when all is sound.

        Args:
            progress: is told how many months of how many are done.
        """
        self._usable()
        return upkeep.verify(self._state, self._months, self._present, progress)

    def backup(self, now: datetime, target: Path | None = None) -> BackedUp:
        """Puts a consistent copy of everything into one zip file, and looks whether it is whole.

        Args:
            now: the time (with a zone), for the name.
            target: the file; None makes one beside the ledger's folder.

        Raises:
            LedgerError: the target is there already.
            LedgerFullError: the disk refused; no half a copy stays.
        """
        self._usable()
        self._checkpoint()
        return upkeep.backup(self._paths, self._disk, now, target)

    def restore(self, source: Path, now: datetime) -> Restored:
        """Archives what the ledger holds, then puts a backup's content in its place.

        Raises:
            LedgerError: the file is no whole backup of this API's history; nothing was changed.
            LedgerFullError: the disk refused; the ledger is as it was.
        """
        base_url = self._state.base_url()
        with self._away():
            return upkeep.restore(self._paths, self._disk, source, now, base_url=base_url)

    def rebuild(self, names: Sequence[str] = (), source: Source | None = None) -> tuple[Rebuilt, ...]:
        """Writes both files of pairs anew; the files that they replace are kept aside.

        Args:
            names: of the pairs (``2026-11``, ``state``); none means all.
            source: the file to read alone; None takes what is in memory, or whatever is sound.

        Raises:
            LedgerError: there is no such pair.
            LedgerFullError: the disk refused; a pair is as it was, or was rebuilt.
        """
        self._usable()
        memory = {} if source else upkeep.in_memory(self._state, self._months)
        with self._away():
            return rebuild(self._paths, self._disk, names, source, memory)

    @contextmanager
    def _away(self) -> Iterator[None]:
        """Lets go of all files while something else is done to them, then reads them anew."""
        self._usable()
        self._checkpoint()
        base_url = self._state.base_url()
        self._let_go()
        try:
            yield
        finally:
            # Until it has been read anew nothing can be asked of it: what is in memory is not what is in the files.
            self._stale = (base_url,)
            self._recently.clear()
            self.version += 1
            self.records_version += 1
            self._read_anew(base_url)

    def _read_anew(self, base_url: str | None) -> None:
        self._read()
        self._stale = None
        try:
            self._begin(base_url)
        except BaseException:
            self._stale = (base_url,)
            raise
