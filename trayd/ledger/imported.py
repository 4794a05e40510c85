"""The amounts of imported costs, one by one, out of the rollups: seldom a record is read for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import msgspec

from trayd.ledger.interval import Interval, civil, day_of
from trayd.ledger.months import Months
from trayd.ledger.rollup_files import Stamp
from trayd.ledger.rollups import Line
from trayd.records import Counting, ExternalCost, Heading, Kind

_ALL_TIME = Interval(None, None, None, None)
_NO_TIME = timedelta()


class Dated(NamedTuple):
    """The costs of one date and one heading: the amount of each, in nanos of the heading's currency."""

    day: date
    heading: Heading
    amounts: tuple[int, ...]


class _Month(msgspec.Struct, frozen=True):
    """The costs of a month at one state of its files."""

    stamp: Stamp
    dated: tuple[Dated, ...]


class ImportedCosts:
    """The imported costs of all months."""

    def __init__(self, months: Months) -> None:
        self._months = months
        self._known: dict[tuple[str, Kind], _Month] = {}

    def of(self, kind: Kind, window: Interval) -> Iterator[Dated]:
        """Those of a kind whose date lies in the window; months without any are not looked into."""
        since, until = window.civil_since, window.civil_until
        for name in self._months.names():
            if self._months.touches(name, window) and self._has(name, kind):
                for dated in self._of_month(name, kind):
                    at = civil(dated.day)
                    if (since is None or since <= at) and (until is None or at < until):
                        yield dated

    def _has(self, name: str, kind: Kind) -> bool:
        return any(line.kind is kind for line in self._months.known_lines(name))

    def _of_month(self, name: str, kind: Kind) -> tuple[Dated, ...]:
        whole = self._months.whole(name, _ALL_TIME)
        known = self._known.get((name, kind))
        if whole is not None and known is not None and known.stamp == whole.stamp:
            return known.dated
        dated = tuple(self._read(name, kind))
        if whole is not None:
            self._known[name, kind] = _Month(whole.stamp, dated)
        return dated

    def _read(self, name: str, kind: Kind) -> Iterator[Dated]:
        several: dict[tuple[Heading, int], list[int]] | None = None
        for line, series in self._months.rollup(name).lines.items():
            if line.kind is not kind:
                continue
            heading = _heading(line.currency, line)
            for at, count, nanos in series.cells():
                amounts = [nanos]
                if count > 1:
                    # The sum of several costs does not tell them apart.
                    several = self._amounts(name, kind) if several is None else several
                    amounts = several[heading, at]
                yield Dated(day_of(at), heading, tuple(amounts))

    def _amounts(self, name: str, kind: Kind) -> dict[tuple[Heading, int], list[int]]:
        amounts: defaultdict[tuple[Heading, int], list[int]] = defaultdict(list)
        for row in self._months.open(name, _NO_TIME).rows.values():
            view = row.view
            if isinstance(view, ExternalCost) and view.kind is kind:
                amounts[_heading(view.amount.currency, view), civil(view.date)].append(view.amount.nanos)
        return amounts


def _heading(currency: str, of: Line | ExternalCost) -> Heading:
    return Heading(of.kind, Counting.ACTUAL, currency, client=of.client, project=of.project, deliverable=of.deliverable)
