"""Writing both files of a pair anew, from whatever can still be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from trayd.errors import LedgerError
from trayd.facts import Coverage
from trayd.ledger.archive import in_order, names_in
from trayd.ledger.contents import Contents, Payloads, Source, of_pair
from trayd.ledger.disk import Disk, refusals, set_aside
from trayd.ledger.formats import format_of
from trayd.ledger.hand_edits import with_hand_edits
from trayd.ledger.journal import FORMAT
from trayd.ledger.jumps import DERIVED
from trayd.ledger.merge import RecordFacts, fold
from trayd.ledger.mirror import Journal
from trayd.ledger.month import RECORDS, bounds
from trayd.ledger.pair import Change, LedgerPaths, Pair
from trayd.ledger.rollup_files import RollupFiles
from trayd.ledger.state import refuse_lost
from trayd.ledger.tables import STATE_TABLES, MonthDB, StateDB


class Rebuilt(msgspec.Struct, frozen=True):
    """A pair that was written anew.

    Attributes:
        name: of the pair: ``2026-11``, ``state``.
        documents: how many it holds.
        read: what it was read from: ``memory``, ``mirror``, ``file``, ``both`` where neither was whole, or ``neither``
            where both were gone.
        kept: the files that it replaced, under the names that they are kept by.
        missing: what could not be read, and so is not in it.
        lacks_since: from when on something may be lacking, and files can be taken in again (UTC); None where nothing
            is.
        again_since: from when on fal is asked again for what was billed (UTC); None where it is not: nothing is
            lacking, or what is was never read from fal.
    """

    name: str
    documents: int
    read: str
    kept: tuple[Path, ...]
    missing: tuple[str, ...]
    lacks_since: datetime | None = None
    again_since: datetime | None = None


def open_pair(name: str, folders: LedgerPaths, disk: Disk, known: int | None = None) -> Pair:
    """A pair by its name alone.

    Args:
        name: of the pair.
        folders: of the ledger.
        disk: the file calls.
        known: the number that is known to have been in one of its files; None where none is known of.

    Raises:
        LedgerDamagedError: neither file can stand for the other, both are older than what is known, or gone.
        LedgerNewerError: a newer trayd wrote them.
        LedgerFullError: the disk refuses.
    """
    if name.startswith("state"):
        return Pair(name, folders, disk, StateDB, tuple(STATE_TABLES), known)
    return Pair(name, folders, disk, MonthDB, (RECORDS,), known)


def rebuild(
    folders: LedgerPaths,
    disk: Disk,
    names: Sequence[str],
    source: Source | None,
    memory: Mapping[str, Payloads],
) -> tuple[Rebuilt, ...]:
    """Writes both files of pairs anew, one pair after the other; each is whole at every moment, or as it was.

    Args:
        folders: of the ledger.
        disk: the file calls.
        names: of the pairs; none means all, with those of which no file is left.
        source: the file to read alone; None takes what is in memory, else the one that is whole, else both.
        memory: the pairs that are in memory.

    Raises:
        LedgerError: there is no such pair, or no such file; no pair was touched.
        LedgerDamagedError: the state has to be rebuilt first, or as well.
        LedgerFullError: the disk refused; the pairs before this one are done.
    """
    witness = RollupFiles(folders, disk).witness()
    known = names_in(folders)
    if known or witness:
        known = in_order({"state", *known, *witness})
    for name in names:
        if name not in known:
            raise LedgerError(
                f"there are no files of {name!r}", f"name one of {', '.join(known)}" if known else "nothing is there"
            )
    if names and "state" not in names:  # where a month lacks something, that is noted there
        if _is_older("state", folders):
            names = ("state", *names)
        else:
            state = open_pair("state", folders, disk)
            state.close()
            refuse_lost(state, folders)
    rebuilt = [_rebuilt(name, folders, disk, source, memory.get(name), witness.get(name)) for name in names or known]
    lacking = [one.name for one in rebuilt if one.lacks_since is not None]
    again = _ask_again(folders, disk, lacking) if lacking else {}
    return tuple(msgspec.structs.replace(one, again_since=again.get(one.name)) for one in rebuilt)


def _is_older(name: str, folders: LedgerPaths) -> bool:
    """Whether a file of the pair is of an older version of trayd."""
    paths = (folders.ledger / f"{name}.json", folders.backup / f"{name}.jsonl")
    return any((format_of(path) or FORMAT) < FORMAT for path in paths)


def _ask_again(folders: LedgerPaths, disk: Disk, lacking: Sequence[str]) -> dict[str, datetime]:
    """Takes the claims back that all is there: the next poll fetches it, and files can be dropped again.

    Returns:
        For each of the lacking months that fal is asked about again, from when on.
    """
    again: dict[str, datetime] = {}
    state = open_pair("state", folders, disk)
    try:
        changes = []
        for key, coverage in state.table("coverage").rows.items():
            asked = dict(_asked_of(coverage, lacking))
            again |= {month: min(when, again.get(month, when)) for month, when in asked.items()}
            if asked and min(asked.values()) < coverage.until:
                changes.append(Change("coverage", key, _rolled_back(coverage, min(asked.values()))))
        since = bounds(min(lacking))[0]
        files = state.table("files").rows
        changes += [Change("files", key, None) for key, row in files.items() if row.at >= since]
        if changes:
            state.write(changes)
            state.apply(changes)
            state.checkpoint()
    finally:
        state.close()
    return again


def _asked_of(coverage: Coverage, months: Sequence[str]) -> Iterator[tuple[str, datetime]]:
    """The months that an account's billing was read of, and from when on it is to be read again."""
    for month in months:
        first, end = bounds(month)
        if end > coverage.since:
            yield month, min(max(first, coverage.since), coverage.until)


def _rolled_back(coverage: Coverage, until: datetime) -> Coverage:
    """The coverage up to then, told apart from the one before, which a poll may be going on from just now."""
    return msgspec.structs.replace(coverage, until=until, fetched_at=coverage.fetched_at + timedelta(milliseconds=1))


def _rebuilt(
    name: str, folders: LedgerPaths, disk: Disk, source: Source | None, memory: Payloads | None, known: int | None
) -> Rebuilt:
    contents = of_pair(name, folders, disk, source, known)
    if memory is not None and source is None:
        contents = Contents(payloads=memory, read="memory", seq=contents.seq)
    file, mirror = folders.ledger / f"{name}.json", folders.backup / f"{name}.jsonl"
    take_edits(contents, file, disk)
    _leave_out_what_is_none(name, contents)
    if contents.missing:
        for table in DERIVED:  # made anew from the readings, of which more may be left
            contents.payloads.pop(table, None)
    kept = []
    for path in (file, mirror):
        with refusals(path):
            content = disk.read(path)
            if content is not None:
                kept.append(set_aside(disk, path, content, "replaced"))
    write_anew(name, folders, disk, contents)
    lacks = contents.missing or source is Source.FILE
    return Rebuilt(
        name=name,
        documents=sum(map(len, contents.payloads.values())),
        read=contents.read,
        kept=tuple(kept),
        missing=tuple(contents.missing),
        lacks_since=bounds(name)[0] if lacks and not name.startswith("state") else None,
    )


def write_anew(name: str, folders: LedgerPaths, disk: Disk, contents: Contents) -> None:
    """Replaces the mirror, then the TinyDB file. After a crash in between the mirror stands for both.

    Raises:
        LedgerFullError: the disk refused; the mirror is the old one or the new one.
    """
    mirror, file = folders.backup / f"{name}.jsonl", folders.ledger / f"{name}.json"
    rows = [(table, key, payload) for table, kept in contents.payloads.items() for key, payload in kept.items()]
    Journal(disk, mirror, name, seq=contents.seq).rewrite(rows, len(rows))
    with refusals(file):
        # It would be looked at for edits that were made by hand, or called damaged; all of it has been read.
        disk.remove(file)
    pair = open_pair(name, folders, disk)
    try:
        pair.checkpoint()
    finally:
        pair.close()


def _leave_out_what_is_none(name: str, contents: Contents) -> None:
    """A document that is intact and makes no sense (another program wrote it) must not keep the rest from opening."""
    for table, rows in list(contents.payloads.items()):
        for key, payload in list(rows.items()):
            try:
                _check(name, table, key, payload)
            except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
                del rows[key]
                contents.missing.append(f"{name}: the document {key!r} of the table {table} makes no sense ({error})")
        if not rows:
            del contents.payloads[table]


def _check(name: str, table: str, key: str, payload: bytes) -> None:
    if not name.startswith("state"):
        if table != RECORDS:
            raise KeyError(table)
        facts = msgspec.json.decode(payload, type=RecordFacts)
        fold(key, facts)
        if key not in _ids(facts):
            raise ValueError("its facts are of another record")
    else:
        msgspec.json.decode(payload, type=STATE_TABLES[table])


def _ids(facts: RecordFacts) -> set[str | None]:
    """The ids that a record with these facts can have."""
    ids = {fact.request_id for fact in (facts.billing, facts.run) if fact is not None}
    ids |= {link.request_id for link in facts.links}
    if facts.cost is not None:
        ids.add(facts.cost.id)
    return {*ids, *(one for event in facts.events for one in (event.request_id, event.digest))}


def take_edits(contents: Contents, file: Path, disk: Disk) -> None:
    """Takes in what a person has changed in a TinyDB file."""
    rows = contents.payloads.get(RECORDS, {})
    if not contents.edited:
        return
    with refusals(file):
        at = disk.changed_at(file)
    for raw in contents.edited:
        try:
            document = msgspec.json.decode(raw, type=dict[str, Any])
            record_id = document["id"]
            before = fold(record_id, msgspec.json.decode(contents.before[record_id], type=RecordFacts))
            known = msgspec.json.decode(rows[record_id], type=RecordFacts)
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
            continue  # named where it is left out
        facts = with_hand_edits(known, document, before, at)
        if facts is not known:
            rows[record_id] = msgspec.json.encode(facts, order="deterministic")
