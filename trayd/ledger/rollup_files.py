"""Rollups on disk: derived from the months' files, so they have no mirror; where in doubt they are counted again.

``rollups/2026-11.json`` has the sums of one month and the index of its records, ``rollups/months.json`` the sums of
each month as a whole, which is all that most questions about old months need. Both are TinyDB files like the others.
Each says which state of the month's own pair it was counted from; a pair that looks different by now is recounted.
"""

from __future__ import annotations

from array import array
from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from hashlib import blake2b
from sys import intern

import msgspec

from trayd.errors import LedgerError
from trayd.ledger.disk import Disk, refusals
from trayd.ledger.pair import LedgerPaths
from trayd.ledger.rollups import DIMENSIONS, NONE, Amount, Cells, Line, Rollup, Series, cells_of, of_all_time, span_of
from trayd.ledger.storage import FileState, Found, SealedStorage

#: The folder of these files, in the ledger's.
FOLDER = "rollups"

_MONTHS = "months"
_HASH_BYTES = 8

_TEXTS = ("currency", "account", *DIMENSIONS)


class Stamp(msgspec.Struct, frozen=True, array_like=True):
    """What tells one state of a month's pair from another: sizes and times of its two files; zeros where missing."""

    file_size: int
    file_changed: int
    mirror_size: int
    mirror_changed: int


class Index:
    """Which records a month holds: eight bytes each, so that a month need not be read to be ruled out."""

    __slots__ = ("_hashes", "_new")

    def __init__(self, hashes: array[int]) -> None:
        self._hashes = hashes
        self._new: set[int] = set()

    @classmethod
    def of(cls, record_ids: Iterable[str]) -> Index:
        """The index of these ids."""
        return cls(array("Q", sorted(map(hashed, record_ids))))

    @classmethod
    def decoded(cls, text: str) -> Index:
        """The index that :meth:`encoded` gave."""
        hashes = array("Q")
        hashes.frombytes(b64decode(text))
        return cls(hashes)

    def encoded(self) -> str:
        """As text."""
        if self._new:
            self._hashes = array("Q", sorted({*self._hashes, *self._new}))
            self._new.clear()
        return b64encode(self._hashes.tobytes()).decode()

    def add(self, record_id: str) -> None:
        """Takes one more in."""
        self._new.add(hashed(record_id))

    def may_hold(self, wanted: int) -> bool:
        """Whether it has this hash of an id: false is certain; true is as good as certain."""
        at = bisect_left(self._hashes, wanted)
        return wanted in self._new or (at < len(self._hashes) and self._hashes[at] == wanted)


def hashed(record_id: str) -> int:
    """What an index keeps of an id."""
    return int.from_bytes(blake2b(record_id.encode(), digest_size=_HASH_BYTES).digest(), "little")


class Derived:
    """What is derived from a month's records.

    Attributes:
        totals: the sums over all dimensions.
        rollup: the sums by every dimension; None while nobody has needed them.
        stamp: the state of the pair that it was counted from; None while the pair has changed since.
    """

    __slots__ = ("_changes", "index", "rollup", "stamp", "totals")

    def __init__(
        self, rollup: Rollup | None, index: Index, stamp: Stamp | None, totals: dict[Line, Series] | None = None
    ) -> None:
        self.rollup = rollup
        self.totals = rollup.totals if rollup is not None else totals or {}
        self.index = index
        self.stamp = stamp
        self._changes = 0

    def is_of(self, recount: Rollup) -> bool:
        """Whether all sums here are those of that recount."""
        same_totals = dict(cells_of(self.totals)) == dict(cells_of(recount.totals))
        return same_totals and (self.rollup is None or self.rollup == recount)

    def touch(self) -> None:
        """Says that it is about to change, and with it the month."""
        self.stamp = None
        self._changes += 1

    def unchanged(self) -> Callable[[], bool]:
        """Whether it is still as it is now, whenever that is asked."""
        before = self._changes
        return lambda: self._changes == before


class _ChangedMeanwhile(Exception):  # noqa: N818 - no error: it ends a writing that would be of no use
    """What is being kept is no longer what there is."""


class MonthSums(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole month adds up to.

    Attributes:
        first: the first instant in it, as rollups count them, and ``last`` the last one.
        totals: the sums over all dimensions but how they count.
    """

    month: str
    stamp: Stamp
    first: int
    last: int
    totals: tuple[tuple[Line, Amount], ...]


class Whole(MonthSums, frozen=True, kw_only=True):
    """The same, and the sums by each dimension alone.

    Attributes:
        seq: the number of the month's TinyDB file that was in place; see :meth:`RollupFiles.witness`.
    """

    seq: int
    by: dict[str, tuple[tuple[Line, Amount], ...]]


class _Parts(msgspec.Struct, frozen=True):
    month: str
    stamp: Stamp
    by: dict[str, msgspec.Raw]


class _Cells(msgspec.Struct, frozen=True):
    line: Line
    times: list[int]
    counts: list[int]
    nanos: list[int]

    @classmethod
    def of(cls, line: Line, cells: Cells) -> _Cells:
        return cls(line, *(list(column) for column in zip(*cells, strict=True)))

    def series(self) -> Series:
        return Series.of(self.times, self.counts, self.nanos)


_decode_cells = msgspec.json.Decoder(_Cells).decode


class _Head(msgspec.Struct, frozen=True):
    stamp: Stamp
    index: str


class RollupFiles:
    """The files of the rollups folder."""

    def __init__(self, folders: LedgerPaths, disk: Disk) -> None:
        self._folders = folders
        self._disk = disk
        self.folder = folders.ledger / FOLDER
        with refusals(self.folder):
            disk.make_folder(self.folder)

    def stamp(self, month: str) -> Stamp:
        """The state that the month's pair is in now."""
        stamps = [
            self._disk.stamp(folder / f"{month}{end}")
            for folder, end in ((self._folders.ledger, ".json"), (self._folders.backup, ".jsonl"))
        ]
        file, mirror = ((0, 0) if found is None else found[1:] for found in stamps)
        return Stamp(*file, *mirror)

    def load(self, month: str, *, whole: bool) -> Derived | None:
        """What was kept of a month; None where there is nothing, or it is not of the pair as it is now.

        Args:
            month: its name.
            whole: with the sums by every dimension, else the totals alone.
        """
        stamp = self.stamp(month)
        try:
            found = self._examine(month)
            if found is None:
                return None
            (head,) = (msgspec.json.decode(raw, type=_Head) for raw in found.tables["month"].values())
            if head.stamp != stamp:
                return None
            totals = _table(found.tables["totals"])
            rollup = Rollup(_table(found.tables["lines"]), totals) if whole else None
            return Derived(rollup, Index.decoded(head.index), stamp, totals)
        except (msgspec.MsgspecError, KeyError, ValueError):
            return None

    def save_steps(self, month: str, derived: Derived, seq: int) -> Generator[None, None, Whole | None]:
        """Keeps what is derived of a month that has just been checkpointed, in short steps.

        Args:
            month: its name.
            derived: what to keep.
            seq: the number of the month's TinyDB file in place.

        Returns:
            What the month adds up to; None where it changed between two steps, and nothing was kept.

        Raises:
            LedgerFullError: the disk refused; it will be counted again.
        """
        unchanged = derived.unchanged()
        stamp = self.stamp(month)
        rollup = derived.rollup
        assert rollup is not None  # noqa: S101 - a month in memory has all of it

        def encoded(table: Mapping[Line, Series]) -> Iterator[bytes]:
            for line, cells in cells_of(table):
                if not unchanged():
                    raise _ChangedMeanwhile
                yield msgspec.json.encode(_Cells.of(line, cells))

        def placed(_: object) -> None:
            if not unchanged():
                raise _ChangedMeanwhile

        head = msgspec.json.encode(_Head(stamp, derived.index.encoded()))
        tables = {"month": [head], "totals": encoded(rollup.totals), "lines": encoded(rollup.lines)}
        try:
            yield from self._storage(month).checkpoint_steps(tables, seq=0, announce=placed)
        except _ChangedMeanwhile:
            return None
        first, last = span_of(rollup.totals) or (0, 0)
        totals, lines = of_all_time(rollup.totals), of_all_time(rollup.lines)
        derived.stamp = stamp
        by: dict[str, tuple[tuple[Line, Amount], ...]] = {}
        for dimension in DIMENSIONS:
            yield
            by[dimension] = _added_up((line.only(dimension), amount) for line, amount in lines)
        return Whole(month=month, stamp=stamp, first=first, last=last, totals=totals, seq=seq, by=by)

    def months(self) -> dict[str, MonthSums]:
        """The sums of each month whose pair is still as it was when they were counted."""
        kept = (msgspec.json.decode(raw, type=MonthSums) for raw in self._kept_months().values())
        return {sums.month: sums for sums in kept if sums.stamp == self.stamp(sums.month)}

    def by(self, dimension: str) -> dict[tuple[str, Stamp], tuple[tuple[Line, Amount], ...]]:
        """What each month as a whole adds up to by one dimension, and the state of its pair that this is of."""
        parts = (msgspec.json.decode(raw, type=_Parts) for raw in self._kept_months().values())
        return {
            (of_month.month, of_month.stamp): msgspec.json.decode(
                of_month.by[dimension], type=tuple[tuple[Line, Amount], ...]
            )
            for of_month in parts
        }

    def witness(self) -> dict[str, int]:
        """The months that there were when these files were written, and the number of each one's TinyDB file.

        It is what is left to tell of a month whose two files are gone, or older than they were. The months come to
        stand here after their own files are durable, so what it tells was there.
        """
        try:
            found = self._examine(_MONTHS)
            if found is None:
                return {}
            told = (msgspec.json.decode(raw, type=_Witnessed) for raw in found.tables["months"].values())
            return {one.month: one.seq for one in told if one.seq}
        except (msgspec.MsgspecError, KeyError):
            return {}

    def save_months(self, changed: Mapping[str, Whole], names: Iterable[str]) -> dict[str, MonthSums]:
        """Keeps the sums of months that have just been saved beside those of the others.

        Args:
            changed: what they add up to.
            names: all months that there are.

        Raises:
            LedgerFullError: the disk refused; they will be counted again.
        """
        kept = self._kept_months()
        documents = {name: msgspec.json.encode(whole) for name, whole in changed.items()}
        every = [documents.get(name) or kept.get(name) for name in sorted(names)]
        content = [document for document in every if document is not None]
        self._storage(_MONTHS).checkpoint({"months": content}, seq=0, announce=lambda _: None)
        return {name: msgspec.convert(whole, MonthSums, from_attributes=True) for name, whole in changed.items()}

    def _kept_months(self) -> dict[str, bytes]:
        try:
            found = self._examine(_MONTHS)
            if found is None:
                return {}
            return {msgspec.json.decode(raw, type=_Named).month: bytes(raw) for raw in found.tables["months"].values()}
        except (msgspec.MsgspecError, KeyError):
            return {}

    def _examine(self, name: str) -> Found | None:
        try:
            found = self._storage(name).examine()
        except LedgerError:  # a newer trayd's, or unreadable: as good as none
            return None
        return found if found.state is FileState.SOUND else None

    def _storage(self, name: str) -> SealedStorage:
        return SealedStorage(self.folder / f"{name}.json", disk=self._disk)


class _Named(msgspec.Struct):
    month: str


class _Witnessed(_Named):
    seq: int = 0  # files of trayd 0.1 do not say it


def _table(documents: Mapping[str, msgspec.Raw]) -> dict[Line, Series]:
    kept = map(_decode_cells, documents.values())
    return {_shared(cells.line): cells.series() for cells in kept}


def _shared(line: Line) -> Line:
    """The line, with its texts in common with all others that have them: most of what it takes."""
    for name in _TEXTS:
        text = getattr(line, name)
        if text:
            msgspec.structs.force_setattr(line, name, intern(text))
    return line


def _added_up(sums: Iterable[tuple[Line, Amount]]) -> tuple[tuple[Line, Amount], ...]:
    added: dict[Line, Amount] = {}
    for line, amount in sums:
        known = added.get(line, NONE)
        added[line] = Amount(known.count + amount.count, known.nanos + amount.nanos)
    return tuple(added.items())
