"""What a person asks of the ledger's own upkeep: is it sound, write it anew, copy it, put a copy back, clear it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from trayd.errors import DeclinedError, UsageError
from trayd.ledger.contents import Source
from trayd.ledger.folders import of_closed
from trayd.ledger.rebuild import Rebuilt, rebuild
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.ledger.upkeep import BackedUp, Restored, damaged_in, held, restore
from trayd.ledger.verifying import Problem
from trayd.steps import Steps

#: The words that a person has to type.
RESET_WORD = "DELETE"
RESTORE_WORD = "RESTORE"


class ResetQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The word that a person has to type."""

    confirm: str = ""


class BackupQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The zip file to write, as an absolute path; without it one beside the ledger's folder."""

    out: str | None = None


class RestoreQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The zip file, as an absolute path, and the word that a person has to type."""

    file: str
    confirm: str = ""


class RebuildQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The names of pairs with commas in between, none for all; and the one file of each to read."""

    pairs: str = ""
    source: Source | None = None

    @property
    def names(self) -> list[str]:
        """The names of the pairs."""
        return [name for name in self.pairs.split(",") if name]


class Verified(msgspec.Struct, frozen=True):
    """How the ledger is: what is not sound, and what was found damaged or edited at its opening and mended."""

    problems: tuple[Problem, ...]
    mended: tuple[str, ...]


class ResetDone(msgspec.Struct, frozen=True):
    """Where the cleared history was archived.

    Attributes:
        archive: the zip file.
        damaged: the pairs in it that are damaged, as they were; it cannot be restored as it is then.
    """

    archive: str
    damaged: tuple[str, ...] = ()


class BackupDone(msgspec.Struct, frozen=True):
    """The copy: its file, the records and months in it, and its size in bytes."""

    file: str
    records: int
    months: int
    size: int


class RestoreDone(msgspec.Struct, frozen=True):
    """What there is now, and where what was there before is.

    Attributes:
        records: how many records there are now.
        months: in how many months.
        archive: the zip file with what was there before; None where nothing was.
        damaged: the pairs in it that are damaged, as they were; it cannot be restored as it is then.
    """

    records: int
    months: int
    archive: str | None
    damaged: tuple[str, ...] = ()


class RebuildDone(msgspec.Struct, frozen=True):
    """A pair that was written anew.

    Attributes:
        pair: its name.
        documents: how many it holds.
        read: what it was read from: memory, mirror, file or both; neither where both files were gone.
        kept: the files that it replaced.
        missing: what could not be read, and so is not in it.
        lacks_since: from when on something may be lacking, and files can be taken in again; None where nothing is.
        again_since: from when on fal is asked again for what was billed; None where it is not.
    """

    pair: str
    documents: int
    read: str
    kept: tuple[str, ...]
    missing: tuple[str, ...]
    lacks_since: datetime | None
    again_since: datetime | None


def verified(ledger: Ledger) -> Steps[Verified]:
    """What is not sound in the ledger, and what was mended when it was opened.

    Raises:
        LedgerError: the history was replaced in between.
    """
    problems = yield from ledger.verify_steps()
    return Verified(problems=tuple(problems), mended=ledger.notices)


def reset(ledger: Ledger, query: ResetQuery, now: datetime) -> ResetDone:
    """Archives the whole history and starts an empty one.

    Raises:
        DeclinedError: the word is not DELETE; nothing was touched.
    """
    if query.confirm != RESET_WORD:
        raise DeclinedError(
            "the history was not cleared: that takes the word DELETE", f"say `trayd reset --confirm {RESET_WORD}`"
        )
    archive = ledger.archive_and_clear(now)
    return ResetDone(str(archive), tuple(damaged_in(archive)))


def backup(ledger: Ledger, query: BackupQuery, now: datetime) -> BackupDone:
    """Copies the whole ledger into one file, and tries whether it can be read again.

    Raises:
        UsageError: the path is not absolute.
        LedgerError: there is such a file already, or the copy is not whole.
    """
    done: BackedUp = ledger.backup(now, _absolute(query.out) if query.out else None)
    return BackupDone(file=str(done.path), records=done.records, months=done.months, size=done.size)


def put_back(ledger: Ledger, query: RestoreQuery, now: datetime) -> RestoreDone:
    """Archives what the ledger holds and puts a copy in its place.

    Raises:
        DeclinedError: the word is not RESTORE; nothing was touched.
        UsageError: the path is not absolute.
        LedgerError: the file is no whole copy of such a ledger; nothing was changed.
    """
    _confirmed(query)
    return _restored(ledger.restore(_absolute(query.file), now))


def put_back_closed(
    paths: LedgerPaths, query: RestoreQuery, now: datetime, *, base_url: str, holder: str
) -> RestoreDone:
    """The same for a ledger that cannot be opened.

    Raises:
        DeclinedError: the word is not RESTORE; nothing was touched.
        LedgerError: the file is no whole copy of such a ledger; nothing was changed.
    """
    _confirmed(query)
    with held(paths, holder) as disk:
        done = restore(paths, disk, _absolute(query.file), now, base_url=base_url)
        of_closed(paths, disk).taken()
        return _restored(done)


def write_anew(ledger: Ledger, query: RebuildQuery) -> list[RebuildDone]:
    """Writes both files of pairs anew; what they replace is kept.

    Raises:
        LedgerError: there is no such pair, or no such file.
    """
    return [_rebuilt(one) for one in ledger.rebuild(query.names, query.source)]


def write_anew_closed(paths: LedgerPaths, query: RebuildQuery, *, holder: str) -> list[RebuildDone]:
    """The same for a ledger that cannot be opened.

    Raises:
        LedgerError: there is no such pair, or no such file.
    """
    with held(paths, holder) as disk:
        done = rebuild(paths, disk, query.names, query.source, {})
        of_closed(paths, disk).rebuilt(one.name for one in done)
        return [_rebuilt(one) for one in done]


def _confirmed(query: RestoreQuery) -> None:
    if query.confirm != RESTORE_WORD:
        raise DeclinedError(
            f"nothing was restored: that takes the word {RESTORE_WORD}",
            f"say `trayd ledger restore FILE --confirm {RESTORE_WORD}`; what the ledger holds now is archived first",
        )


def _absolute(path: str) -> Path:
    found = Path(path)
    if not found.is_absolute():
        raise UsageError(f"{path!r} is no absolute path", "say where it is, from the root on")
    return found


def _restored(done: Restored) -> RestoreDone:
    archive, damaged = (str(done.archive), tuple(damaged_in(done.archive))) if done.archive else (None, ())
    return RestoreDone(records=done.records, months=done.months, archive=archive, damaged=damaged)


def _rebuilt(done: Rebuilt) -> RebuildDone:
    return RebuildDone(
        pair=done.name,
        documents=done.documents,
        read=done.read,
        kept=tuple(map(str, done.kept)),
        missing=done.missing,
        lacks_since=done.lacks_since,
        again_since=done.again_since,
    )
