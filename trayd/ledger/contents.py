"""What the two files of a pair hold, read one by one and as far as they can be read.

A pair is opened by :mod:`trayd.ledger.opening`, which wants at least one of its files whole. This reads what is left
when neither is, or what one of them alone says, and tells what it could not read. What it gives are the payloads, as
the mirror has them, in the form of this version whatever version wrote them.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from pathlib import Path

import msgspec

from trayd.errors import LedgerError
from trayd.ledger import journal
from trayd.ledger.disk import Disk, refusals
from trayd.ledger.documents import agrees, only_table, payload_of, places, whole_lines
from trayd.ledger.formats import brought_up, format_of
from trayd.ledger.journal import FORMAT, Reading
from trayd.ledger.merge import RecordFacts, join
from trayd.ledger.month import RECORDS
from trayd.ledger.pair import LedgerPaths
from trayd.ledger.storage import FileState, Found, SealedStorage

_STATE_HELD = "what it knew (links, how far billing has been read, alerts, files taken in, taggings)"

#: The payloads of a pair: by table, then by key.
Payloads = dict[str, dict[str, bytes]]


class Source(StrEnum):
    """A file of a pair that it can be read from alone."""

    MIRROR = "mirror"
    FILE = "file"


class Contents(msgspec.Struct, kw_only=True):
    """What was read.

    Attributes:
        payloads: the documents.
        read: what they come from: ``memory``, ``mirror``, ``file`` or ``both``; ``neither`` where both are gone.
        dropped: what the mirror says is gone, as (table, key).
        edited: the records' documents as they stand in a TinyDB file that was edited by hand.
        before: the records' payloads that such a file was written from, as far as that can be told.
        doubtful: records whose documents in such a file do not fit together, which a person or damage can have done.
        missing: what could not be read, in words that name the file and the place.
        seq: no line of the mirror, and no file, has a greater number than this.
    """

    payloads: Payloads
    read: str
    dropped: set[tuple[str, str]] = set()
    edited: list[bytes] = []
    before: dict[str, bytes] = {}
    doubtful: set[str] = set()
    missing: list[str] = []
    seq: int = 0


def of_pair(name: str, folders: LedgerPaths, disk: Disk, source: Source | None, known: int | None = None) -> Contents:
    """What the files of a pair hold. A file that bears another pair's name is left out of it.

    Args:
        name: of the pair.
        folders: of the ledger.
        disk: the file calls.
        source: the file to read alone; None takes the one that is whole, or else what both still have.
        known: the number that is known to have been in one of the files; None where none is known of.

    Raises:
        LedgerError: the source is not there, or another pair's, or a newer trayd wrote it.
        LedgerFullError: a file cannot be read.
    """
    file, mirror = folders.ledger / f"{name}.json", folders.backup / f"{name}.jsonl"
    reading, found, strange = _own(name, file, mirror, disk)
    for wanted, path, gone in (
        (Source.MIRROR, mirror, reading.missing),
        (Source.FILE, file, found.state is FileState.MISSING),
    ):
        if source is wanted and gone:
            why = f"{path} is {strange[path]}" if path in strange else f"there is no {path}"
            raise LedgerError(why, "read the other file of the pair, or restore a backup")
    written = format_of(mirror), format_of(file)
    of_mirror = partial(_of_mirror, reading, mirror, disk, written[0] or written[1] or FORMAT)
    of_file = partial(_of_file, found, file, written[1] or written[0] or FORMAT)
    if source is Source.MIRROR or (source is None and _is_whole(reading, found)):
        contents = of_mirror()
        if source is None and found.state is FileState.EDITED:
            contents.edited = _documents(found)
            covers = found.seal.seq if found.seal and found.seal.seq >= reading.first else reading.last
            contents.before = _before(reading, covers, written[0] or FORMAT)
        cut = found.seal is None or found.seal.seq > reading.last
        if source is None and cut and _has_more(other := of_file(), contents):
            # A mirror that was cut at the end of a line looks whole.
            contents = _of_both(contents, other)
            contents.missing.insert(0, f"{mirror}: its end is not there, for {file} has more")
    elif source is Source.FILE or (source is None and found.state is FileState.SOUND):
        contents = of_file()
        if source is None and reading.lines:
            _go_on(contents, reading, found, mirror, disk)
    else:
        contents = _of_both(of_mirror(), of_file())
    if source is None:
        contents.missing[:0] = [f"{path}: it is {what}, and was left out" for path, what in strange.items()]
    _tell_of_both(contents, name, (file, mirror), reading, found, known)
    # What is written anew counts as newer than all that was known.
    contents.seq = max(reading.last, found.seal.seq if found.seal else 0, known or 0)
    return contents


def _tell_of_both(
    contents: Contents, name: str, paths: tuple[Path, Path], reading: Reading, found: Found, known: int | None
) -> None:
    """Says what the files do not tell of themselves: that both are gone, or that what was read is older than it was."""
    file, mirror = paths
    if not reading.lines and found.state is FileState.MISSING and not (reading.broken or reading.suspect):
        contents.read = "neither"
        if known is not None or reading.missing:
            lost = _STATE_HELD if name == "state" else "all of it"
            contents.missing.append(f"{file}, {mirror}: neither holds anything of {name} any more; {lost} is lost")
        return
    of_mirror = contents.read == Source.MIRROR
    last = reading.last if of_mirror else max(reading.last, found.seal.seq if found.seal else known or 0)
    if known is not None and last < known:
        contents.missing.append(
            f"{mirror if of_mirror else file}: it is older than what trayd has read before; what came since is missing"
        )


def _own(name: str, file: Path, mirror: Path, disk: Disk) -> tuple[Reading, Found, dict[Path, str]]:
    """A pair's two files; one that says it is another pair's counts as not there, and is named."""
    reading, found = journal.read(disk, mirror), SealedStorage(file, disk=disk).examine()
    strange: dict[Path, str] = {}
    whose = next((entry.pair for entry in reading.entries(up_to=reading.first)), None)
    if whose not in {None, name}:
        strange[mirror] = f"the mirror of {whose}"
        reading = Reading(missing=True)
    if found.seal is not None and found.seal.pair not in {"", name}:
        strange[file] = f"the file of {found.seal.pair}"
        found = Found(state=FileState.MISSING)
    return reading, found, strange


def _has_more(one: Contents, other: Contents) -> bool:
    """Whether one has a document that the other never had."""
    return any(
        key not in other.payloads.get(table, {}) and (table, key) not in other.dropped
        for table, rows in one.payloads.items()
        for key in rows
    )


def _is_whole(reading: Reading, found: Found) -> bool:
    """Whether the mirror can stand for the pair: it is intact, and no older than a file that is."""
    if reading.broken or reading.incomplete or reading.suspect or not reading.lines:
        return False
    newer = found.state is FileState.SOUND and found.seal is not None and found.seal.seq > reading.last
    return not newer


def _of_mirror(reading: Reading, path: Path, disk: Disk, written: int) -> Contents:
    contents = Contents(payloads={}, read=Source.MIRROR)
    _replay(contents, reading, 0, written)
    contents.missing.extend(_unreadable_lines(reading, path, disk))
    return contents


def _replay(contents: Contents, reading: Reading, after: int, written: int, up_to: int | None = None) -> None:
    for entry in reading.entries(after, up_to):
        if entry.put is not None:
            try:
                payload = brought_up(entry.put, bytes(entry.doc), written)
            except msgspec.MsgspecError as error:
                contents.missing.append(f"change {entry.seq} of {entry.key!r} makes no sense ({error})")
                continue
            if payload is None:
                continue
            contents.payloads.setdefault(entry.put, {})[entry.key] = payload
            contents.dropped.discard((entry.put, entry.key))
        elif entry.drop is not None:
            contents.payloads.get(entry.drop, {}).pop(entry.key, None)
            contents.dropped.add((entry.drop, entry.key))


def _go_on(contents: Contents, reading: Reading, found: Found, path: Path, disk: Disk) -> None:
    """Adds what a damaged mirror says beyond the last line that the file holds."""
    seal = found.seal
    assert seal is not None  # noqa: S101 - a sound file has one
    after = max((file.covers for file in reading.announced() if file.sha256 == seal.sha256), default=seal.seq)
    if reading.last > after:
        contents.read = "both"
        _replay(contents, reading, after, format_of(path) or FORMAT)
    known = set(reading.seqs)
    gaps = [seq for seq in range(after + 1, reading.last) if seq not in known]
    if gaps:
        contents.missing.append(f'{path}: {places("change", gaps)} (numbers in "seq") cannot be read')
    bad, last = _bad_lines(reading, path, disk)
    tail = [number for number in bad if number > last]
    if tail and reading.last + len(tail) > after:
        contents.missing.append(f"{path}: {places('line', tail)} cannot be read")


def _unreadable_lines(reading: Reading, path: Path, disk: Disk) -> Iterator[str]:
    """The whole lines that are not intact, by their places in the file, and how many more there were."""
    bad, _ = _bad_lines(reading, path, disk)
    if bad:
        yield f"{path}: {places('line', bad)} cannot be read"
    known = set(reading.seqs)
    gaps = [seq for seq in range(reading.first, reading.last) if seq not in known]
    if len(gaps) > len(bad):
        yield f'{path}: {places("change", gaps)} (numbers in "seq") are not there'
    if reading.lines and reading.first > 1 and not _begins(reading):
        yield f'{path}: what was before change {reading.first} (numbers in "seq") is not there'
    if reading.incomplete:
        yield f"{path}: its end is not there"


def _begins(reading: Reading) -> bool:
    """Whether the first intact line is a mirror's first one."""
    return any(entry.trayd is not None for entry in reading.entries(up_to=reading.first))


def _bad_lines(reading: Reading, path: Path, disk: Disk) -> tuple[list[int], int]:
    """The whole lines that are not intact, counted from 1, and the last one that is."""
    if not (reading.broken or reading.incomplete or reading.suspect):
        return [], 0
    intact = set(reading.lines)
    with refusals(path):
        content = disk.read(path) or b""
    bad, last = [], 0
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        if line in intact:
            last = number
        else:
            bad.append(number)
    return bad, last


def _of_file(found: Found, path: Path, written: int) -> Contents:
    contents = Contents(payloads={}, read=Source.FILE)
    if found.state is FileState.DAMAGED:
        documents = whole_lines(found.content, path, contents.missing)
    else:
        documents = {}
        for name, kept in found.tables.items():
            documents.setdefault(only_table(path) or name, []).extend(map(bytes, kept.values()))
    if found.state is FileState.EDITED:
        contents.edited = _documents(found)
    for table, rows in documents.items():
        for number, document in enumerate(rows, start=1):
            try:
                key, payload = payload_of(table, document)
                brought = brought_up(table, payload, written)
                if brought is None:
                    continue
                payload = brought
                if table == RECORDS and found.state is not FileState.SOUND and not agrees(document, key, payload):
                    if found.state is FileState.DAMAGED:
                        raise msgspec.ValidationError("it is not what its facts make")
                    contents.doubtful.add(key)
                contents.payloads.setdefault(table, {})[key] = payload
            except msgspec.MsgspecError:
                contents.missing.append(f"{path}: document {number} of the table {table} is not as trayd wrote it")
    contents.before = dict(contents.payloads.get(RECORDS, {}))
    return contents


def _documents(found: Found) -> list[bytes]:
    return [bytes(raw) for rows in found.tables.values() for raw in rows.values()]


def _before(reading: Reading, covers: int, written: int) -> dict[str, bytes]:
    then = Contents(payloads={}, read=Source.MIRROR)
    _replay(then, reading, 0, written, covers)
    return then.payloads.get(RECORDS, {})


def _of_both(mirror: Contents, file: Contents) -> Contents:
    """All that one of them has: of a record what both know, of anything else what the mirror says last."""
    payloads: Payloads = {table: dict(rows) for table, rows in file.payloads.items()}
    for table, key in mirror.dropped:
        payloads.get(table, {}).pop(key, None)
    for table, rows in mirror.payloads.items():
        kept = payloads.setdefault(table, {})
        for key, payload in rows.items():
            known = kept.get(key) if table == RECORDS and key not in file.doubtful else None
            kept[key] = _joined(known, payload)
    missing = [*mirror.missing, *file.missing]
    read = "both" if mirror.payloads and file.payloads else Source.MIRROR if mirror.payloads else Source.FILE
    return Contents(payloads=payloads, read=read, missing=missing, edited=file.edited, before=file.before)


def _joined(old: bytes | None, new: bytes) -> bytes:
    if old is None or old == new:
        return new
    try:
        known = [msgspec.json.decode(payload, type=RecordFacts) for payload in (old, new)]
    except msgspec.MsgspecError:
        return new
    return msgspec.json.encode(join(*known), order="deterministic")
