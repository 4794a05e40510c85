"""Sums with a cache of closed months: what is before this month is kept as long as no month in it changes.

Rollups remember what whole months come to by one dimension. A budget for one client's project, or of all of the history
in another currency, asks for more than that after each poll, of months that have been over for long.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple, TypeVar

import msgspec

from trayd.insight.windows import day_start
from trayd.ledger.store import Ledger
from trayd.records import BucketSums, Filters, Heading, Sum, TimePart

_Found = TypeVar("_Found")

_EVER = datetime(1970, 1, 1, tzinfo=UTC)

#: Costs have dates and no instants: by those of this month, the ledger calls no time up to a day before it closed.
_MARGIN = timedelta(days=2)
_DAY = timedelta(days=1)


class _Kept(NamedTuple):
    """An answer, and what it was made from."""

    basis: Hashable
    found: tuple[object, ...]


class CachedSums:
    """A source of sums that caches those of closed months.

    Args:
        ledger: what is asked; tells whether months have changed.
        today: gives the civil day that it is.
    """

    def __init__(self, ledger: Ledger, today: Callable[[], date]) -> None:
        self._ledger = ledger
        self._today = today
        self._day: date | None = None
        self._kept: dict[Hashable, _Kept] = {}

    def sums(self, filters: Filters, *, zone: tzinfo, by: Collection[str] = ()) -> tuple[Sum, ...]:
        """What the records that are meant add up to; what is of one heading can come in several."""
        ledger = self._ledger
        return self._joined(
            ("sums", tuple(by)), filters, zone, lambda within: tuple(ledger.sums(within, zone=zone, by=by))
        )

    def sums_by_day(
        self, filters: Filters, *, zone: tzinfo, other_than: str, by: Collection[str] = ()
    ) -> Iterator[tuple[date, Sum]]:
        """The same by the civil day, of amounts in other currencies than this one."""
        ledger = self._ledger

        def ask(within: Filters) -> tuple[tuple[date, Sum], ...]:
            return tuple(ledger.sums_by_day(within, zone=zone, other_than=other_than, by=by))

        return iter(self._joined(("by day", other_than, tuple(by)), filters, zone, ask))

    def by_days(
        self, question: Hashable, first: date, last: date, zone: tzinfo, find: Callable[[date, date], _Found]
    ) -> tuple[_Found, ...]:
        """What is found of some days, in parts: those of closed months are cached.

        Args:
            question: what is asked, beside the days and the zone.
            first: the first day.
            last: the last one.
            zone: the user's, in which days begin.
            find: finds the part between two days, both of them in it, in the ledger alone.
        """
        cut = self._cut
        if not first < cut <= last:
            return (find(first, last),)
        within = Filters(since=day_start(first, zone), until=day_start(cut, zone))
        early = self._remembered(question, within, zone, lambda _within: (find(first, cut - _DAY),))
        return (*early, find(cut, last))

    def sums_over_time(
        self, filters: Filters, part: TimePart, *, zone: tzinfo
    ) -> tuple[tuple[Heading, BucketSums], ...]:
        """The same told apart by parts of civil time."""
        ledger = self._ledger
        return self._joined(
            ("over time", part), filters, zone, lambda within: tuple(ledger.sums_over_time(within, part, zone=zone))
        )

    @property
    def _cut(self) -> date:
        """The first day that is not cached."""
        return self._today().replace(day=1) - _MARGIN

    def _joined(
        self,
        question: Hashable,
        filters: Filters,
        zone: tzinfo,
        ask: Callable[[Filters], tuple[_Found, ...]],
    ) -> tuple[_Found, ...]:
        """What is found up to about the start of this month, cached, and from there on."""
        cut = day_start(self._cut, zone)
        since, until = filters.since or _EVER, filters.until
        if since >= cut or (until is not None and until <= cut):
            return ask(filters)
        return (
            *self._remembered(question, msgspec.structs.replace(filters, until=cut), zone, ask),
            *ask(msgspec.structs.replace(filters, since=cut)),
        )

    def _remembered(
        self,
        question: Hashable,
        filters: Filters,
        zone: tzinfo,
        ask: Callable[[Filters], tuple[_Found, ...]],
    ) -> tuple[_Found, ...]:
        # Histories are asked for from so many days ago on: questions of another day do not come again.
        if self._day != self._today():
            self._day = self._today()
            self._kept.clear()
        basis = self._ledger.basis(filters.since or _EVER, filters.until or _EVER)
        if basis is None:
            return ask(filters)
        key = question, filters, zone
        known = self._kept.get(key)
        if known is None or known.basis != basis:
            known = self._kept[key] = _Kept(basis, ask(filters))
        return known.found  # type: ignore[return-value]  # the same question has answers of the same type
