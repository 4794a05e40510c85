"""The books: the ledger as people see it, with the costs of pools divided over the projects that share them.

A pool cost is one record of the ledger (an imported row), or none at all (the settings say what is charged and when).
Where nothing asks for a client or a project it counts as a whole; where something does, and in every log, its shares
stand for it, which add up to it exactly.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from copy import copy
from datetime import date, datetime, tzinfo
from heapq import merge
from typing import NamedTuple

import msgspec

from trayd.errors import LedgerError
from trayd.insight.pool_sums import PoolPart, PoolParts, part_number
from trayd.insight.pools import PoolCost, Project, Share, Unsettled, charged, divided, remark, shares, trouble, whole_id
from trayd.insight.tally import Sums, Tally, dated_sums
from trayd.insight.windows import day_start
from trayd.ledger.store import Ledger
from trayd.money import Money
from trayd.pool_settings import Pool
from trayd.rates import Converter
from trayd.records import BucketSums, ExternalCost, Filters, Heading, Kind, Record, Recorded, Sum, TimePart

_ALL = Filters()

#: What a pool cost is asked for by when it has to be divided.
_SHARED_BY = frozenset({"client", "project"})

#: No more shares of a period are kept than these: they take some 200 bytes each.
_MOST_KEPT = 1000


class Division(NamedTuple):
    """A pool cost, and how it is divided.

    Attributes:
        pieces: its shares; the cost itself where it is not divided.
        set_up: the settings tell of it, not the ledger.
        trouble: what a person has to know of it, in words; empty where all is clear.
        remark: what the notes of its shares say beside how it is divided; of one that is not divided its own note.
        unsettled: what can still change the shares; None where they are final.
    """

    pool: PoolCost
    pieces: tuple[ExternalCost, ...]
    set_up: bool
    trouble: str
    remark: str
    unsettled: Unsettled | None

    @property
    def is_divided(self) -> bool:
        """Whether several projects share it, or one that it does not name itself."""
        return self.pieces != (self.pool.cost,)


class _Spent(NamedTuple):
    """What projects spent in a period, at a version of the ledger, and what of the ledger that was made from.

    Attributes:
        among: how costs were divided by that: by client, split and amount.
    """

    version: int
    basis: Hashable | None
    spending: dict[Project, Tally]
    among: dict[tuple[str | None, str, int], list[Share]]


class Books:
    """Answers as the ledger does, with the pools in.

    Args:
        ledger: what is recorded.
        pools: of the settings.
        converter: into the home currency, for what projects spent.
        zone: the user's, in which periods begin.
        today: the civil day that it is: periods that begin later are not charged yet.
    """

    def __init__(
        self, ledger: Ledger, *, pools: Iterable[Pool], converter: Converter, zone: tzinfo, today: date
    ) -> None:
        self._ledger = ledger
        self._sums: Sums = ledger
        self._converter = converter
        self._zone = zone
        self._today = today
        self._charged = tuple(cost for pool in pools for cost in pool_costs(pool, converter.currency, today))
        self._set_up = {pool.cost.id: pool for pool in self._charged}
        self._spent: dict[tuple[date, date], _Spent] = {}
        self._known: tuple[int, frozenset[Project]] = -1, frozenset()

    def over(self, sums: Sums) -> Books:
        """The same books, in which the ledger's part of sums comes from there; how pools are divided is told once.

        Args:
            sums: of the same ledger.
        """
        books: Books = copy(self)
        books._sums = sums
        return books

    def sums(self, filters: Filters = _ALL, *, zone: tzinfo, by: Collection[str] = ()) -> tuple[Sum, ...]:
        """What the records that are meant add up to; see :meth:`Ledger.sums`."""
        found = tuple(self._sums.sums(filters, zone=zone, by=by))
        pools = self._parts(filters, zone, by)
        if pools is None:
            return found
        return (*pools.without(found), *pools.sums())

    def sums_by_day(
        self, filters: Filters = _ALL, *, zone: tzinfo, other_than: str, by: Collection[str] = ()
    ) -> Iterator[tuple[date, Sum]]:
        """What those records add up to on each day that are in another currency; see :meth:`Ledger.sums_by_day`."""
        found = self._sums.sums_by_day(filters, zone=zone, other_than=other_than, by=by)
        pools = self._parts(filters, zone, by)
        if pools is None:
            yield from found
            return
        for day, each in found:
            yield from ((day, kept) for kept in pools.without((each,)))
        for part in pools.parts:
            if part.heading.currency != other_than:
                yield part.cost.date, Sum(part.heading, 1, part.nanos)

    def sums_over_time(
        self, filters: Filters = _ALL, part: TimePart = TimePart.DAY, *, zone: tzinfo
    ) -> Iterator[tuple[Heading, BucketSums]]:
        """The sums by parts of civil time; see :meth:`Ledger.sums_over_time`."""
        found = self._sums.sums_over_time(filters, part, zone=zone)
        pools = self._parts(filters, zone, ())
        if pools is None:
            yield from found
            return
        yield from ((heading, buckets) for heading, buckets in found if not pools.replace(heading))
        for each in pools.parts:
            if part is not TimePart.DAY_AND_HOUR:
                yield each.heading, BucketSums((part_number(each.cost.date, part),), (1,), (each.nanos,))

    def records(self, filters: Filters = _ALL, *, zone: tzinfo, newest_first: bool = True) -> Iterator[Record]:
        """The records that are meant, pool costs as their shares; see :meth:`Ledger.records`."""
        if self._divides(filters, zone):
            return (each.record for each in self._with_shares(filters, zone, newest_first=newest_first))
        return self._ledger.records(filters, zone=zone, newest_first=newest_first)

    def recorded(self, filters: Filters = _ALL, *, zone: tzinfo) -> Iterator[Recorded]:
        """The same records, oldest first, with their facts; the first share of a cost that is meant as a whole has its.

        Where a filter admits some shares of a cost and not others, none of them has facts.
        """
        if self._divides(filters, zone):
            return self._with_shares(filters, zone, newest_first=False)
        return self._ledger.recorded(filters, zone=zone, newest_first=False)

    def _divides(self, filters: Filters, zone: tzinfo) -> bool:
        """Whether a pool cost may be meant."""
        return _concerns(filters) and next(self._pools(filters, zone), None) is not None

    def _with_shares(self, filters: Filters, zone: tzinfo, *, newest_first: bool) -> Iterator[Recorded]:
        wide = _wide(filters)
        narrowed = wide != filters
        charged = (pool for pool in self._charged if wide.admits(pool.cost, zone))
        waiting = sorted(charged, key=lambda pool: _place(pool.cost, zone), reverse=not newest_first)
        for record, facts in self._ledger.recorded(wide, zone=zone, newest_first=newest_first):
            while waiting and (_place(waiting[-1].cost, zone) < _place(record, zone)) is not newest_first:
                yield from self._shown(waiting.pop(), filters, zone, newest_first=newest_first)
            if isinstance(record, ExternalCost) and record.kind is Kind.POOL:
                yield from self._shown(PoolCost.of_month(record), filters, zone, facts, newest_first=newest_first)
            elif not narrowed or filters.admits(record, zone):
                yield Recorded(record, facts)
        while waiting:
            yield from self._shown(waiting.pop(), filters, zone, newest_first=newest_first)

    def _shown(
        self, pool: PoolCost, filters: Filters, zone: tzinfo, facts: bytes = b"", *, newest_first: bool
    ) -> Iterator[Recorded]:
        pieces = self._divided(pool)
        shown = [piece for piece in (reversed(pieces) if newest_first else pieces) if filters.admits(piece, zone)]
        of_all = facts if len(shown) == len(pieces) else b""
        return (Recorded(piece, b"" if number else of_all) for number, piece in enumerate(shown))

    def divisions(self, filters: Filters = _ALL, *, zone: tzinfo) -> Iterator[Division]:
        """The pool costs of which a share is meant, each with its shares, newest first."""
        if not _concerns(filters):
            return
        wide = msgspec.structs.replace(_wide(filters), kind=Kind.POOL)
        records = self._ledger.records(wide, zone=zone)
        recorded = ((PoolCost.of_month(record), False) for record in records if isinstance(record, ExternalCost))
        told = ((pool, True) for pool in self._charged if wide.admits(pool.cost, zone))

        def place(one: tuple[PoolCost, bool]) -> tuple[datetime, str]:
            return _place(one[0].cost, zone)

        for pool, set_up in merge(recorded, sorted(told, key=place, reverse=True), key=place, reverse=True):
            spending = self._spending(pool)
            among = self._shares(pool)
            pieces = divided(pool, spending, among)
            if any(filters.admits(piece, zone) for piece in pieces):
                yield Division(
                    pool,
                    pieces,
                    set_up,
                    trouble=trouble(pool, spending, self._projects, among),
                    remark=remark(pool, spending) if among else pool.cost.note or "",
                    unsettled=pool.unsettled(self._today, spending),
                )

    def unsettled(self, share: ExternalCost) -> Unsettled | None:
        """What can still change a pool cost's shares, or this one of them; None: it is final."""
        pool = self.pool_of(share)
        return pool.unsettled(self._today, self._spending(pool))

    def pool_of(self, share: ExternalCost) -> PoolCost:
        """The period of a pool cost, or of a share of one, and how that is divided; the cost in it may be the share."""
        whole = whole_id(share.id)
        pool = self._set_up.get(whole)
        if pool is None:
            return PoolCost.of_month(share if whole == share.id else msgspec.structs.replace(share, project=None))
        return pool

    def tagged_by(self, filters: Filters, *, zone: tzinfo) -> Iterator[Record]:
        """The records of the ledger that a person means by these filters: what is shared only where all of it is meant.

        A cost without a project that is shared by several is not what ``--where-project ""`` shows, and so it is not
        tagged by that; by its own client, or by its time, it is found as a whole.
        """
        for record in self._ledger.records(filters, zone=zone):
            if isinstance(record, ExternalCost) and record.kind is Kind.POOL:
                pieces = self._divided(PoolCost.of_month(record))
                if not all(filters.admits(piece, zone) for piece in pieces):
                    continue
            yield record

    def check_taggable(self, ids: Iterable[str]) -> None:
        """Looks whether these ids are of records that can be tagged.

        Raises:
            LedgerError: one is of a share, which follows its whole, or of a cost that only the settings tell of.
        """
        for record_id in ids:
            whole = whole_id(record_id)
            if whole in self._set_up:
                raise LedgerError(
                    f"{record_id} is of the pool {self._set_up[whole].cost.description!r}, which the settings divide; "
                    "nothing was changed",
                    "say with its `split` who shares it: `trayd config edit`",
                )
            if whole != record_id and self._ledger.get(record_id) is None and self._ledger.get(whole) is not None:
                raise LedgerError(
                    f"{record_id} is one project's share of the cost {whole}, which is tagged as a whole; "
                    "nothing was changed",
                    f"`trayd tag {whole} --project NAME` gives all of it to one project",
                )

    def _divided(self, pool: PoolCost) -> tuple[ExternalCost, ...]:
        return divided(pool, self._spending(pool), self._shares(pool))

    def _pools(self, filters: Filters, zone: tzinfo) -> Iterator[PoolCost]:
        """The pool costs of the filters' time, as wholes; those of the ledger tell no id and no description."""
        for day, heading, amounts in self._ledger.imported_costs(Kind.POOL, filters, zone=zone):
            for nanos in amounts:
                cost = ExternalCost(
                    id="",
                    date=day,
                    description="",
                    amount=Money(nanos, heading.currency),
                    client=heading.client,
                    project=heading.project,
                    deliverable=heading.deliverable,
                    kind=Kind.POOL,
                )
                yield PoolCost.of_month(cost)
        times = Filters(since=filters.since, until=filters.until)
        yield from (pool for pool in self._charged if times.admits(pool.cost, zone))

    def _parts(self, filters: Filters, zone: tzinfo, by: Collection[str]) -> PoolParts | None:
        """What pools have to do with an answer; None where that is nothing."""
        if not _concerns(filters):
            return None
        if filters.client is None and filters.project is None and not _SHARED_BY.intersection(by):
            whole = [PoolPart.whole(pool.cost) for pool in self._charged if filters.admits(pool.cost, zone)]
            return PoolParts(False, whole) if whole else None
        pools = list(self._pools(filters, zone))
        wide = _wide(filters)
        parts = (part for pool in pools if wide.admits(pool.cost, zone) for part in self._parts_of(pool))
        return PoolParts(True, [part for part in parts if filters.admits_sum(part.heading)]) if pools else None

    def _parts_of(self, pool: PoolCost) -> Iterator[PoolPart]:
        cost = pool.cost
        whole = PoolPart.whole(cost)
        if cost.project:
            yield whole
            return
        among = self._shares(pool)
        for project, nanos, _ in among:
            yield PoolPart(cost, whole.heading._replace(client=project.client, project=project.name), nanos)
        if not among:
            yield whole

    def _shares(self, pool: PoolCost) -> list[Share]:
        """What each project bears of a cost; dividing takes long where weights are converted amounts of many digits."""
        spending, split = self._spending(pool), pool.split
        if pool.cost.project or not isinstance(split, str):  # by fixed weights, projects of all times may share it
            return shares(pool, spending, self._projects)
        kept = self._spent[pool.since, pool.until].among
        how = pool.cost.client, split, pool.cost.amount.nanos
        known = kept.get(how)
        if known is None:
            known = shares(pool, spending, self._projects)
            if (len(kept) + 1) * len(spending) <= _MOST_KEPT:
                kept[how] = known
        return known

    def _spending(self, pool: PoolCost) -> Mapping[Project, Tally]:
        """What each project that has a record in the period spent in it, pools aside."""
        period, version = (pool.since, pool.until), self._ledger.version
        known = self._spent.get(period)
        if known is None or known.version != version:
            since, until = (day_start(day, self._zone) for day in period)
            basis = self._ledger.basis(since, until)
            if known is not None and basis is not None and known.basis == basis:
                known = known._replace(version=version)
            else:
                known = _Spent(version, basis, self._added_up(since, until), {})
            self._spent[period] = known
        return known.spending

    def _added_up(self, since: datetime, until: datetime) -> dict[Project, Tally]:
        spending: dict[Project, Tally] = {}
        within, home = Filters(since=since, until=until), self._converter.currency
        for day, each in dated_sums(self._ledger, within, zone=self._zone, home=home, by=_SHARED_BY):
            project = _project(each.heading)
            if project is not None:
                spending.setdefault(project, Tally(self._converter)).add_sum(each, day)
        return spending

    def _projects(self) -> frozenset[Project]:
        """All projects of all times."""
        version, known = self._known
        if version != self._ledger.version:
            headings = (each.heading for each in self._ledger.sums(zone=self._zone, by=_SHARED_BY))
            known = frozenset(project for heading in headings if (project := _project(heading)))
            self._known = self._ledger.version, known
        return known


def _project(heading: Heading) -> Project | None:
    """The project of a sum; none of what has none, and of pool costs, which follow the others."""
    if heading.kind is Kind.POOL or not heading.project:
        return None
    return Project(heading.client, heading.project)


def pool_costs(pool: Pool, home: str, today: date) -> Iterator[PoolCost]:
    """The costs of a pool up to a day, one for each period that has begun by then.

    Args:
        pool: as the settings say it.
        home: the home currency, for one that says none.
        today: the day.
    """
    return charged(
        pool.name,
        Money.of(pool.amount, pool.currency or home),
        period=pool.period,
        since=pool.since,
        to=pool.to,
        split=pool.split,
        today=today,
    )


def _concerns(filters: Filters) -> bool:
    """Whether a pool cost can be meant: it is of no model, no account and no key."""
    source = (filters.model, filters.account, filters.key)
    return filters.kind in {None, Kind.POOL} and source == (None, None, None)


def _wide(filters: Filters) -> Filters:
    """The same for costs as wholes, whose shares can have a client and a project that the whole has not."""
    return msgspec.structs.replace(filters, client=None, project=None)


def _place(record: Record, zone: tzinfo) -> tuple[datetime, str]:
    """By which the ledger orders records."""
    return record.instant(zone), record.id
