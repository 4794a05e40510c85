"""Opens a ledger after a kill and compares it with what was acknowledged."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path
from random import Random

import tinydb

from tests.ledger.making import DAY, HOUR, NOON, opened
from tests.soak.model import Model, Seen, brief, instant
from tests.soak.operations import ACCOUNT, IN_PARTS, BackedUp, Edited, Operation, Reset, Restored, backup
from trayd.ledger.store import Ledger
from trayd.records import Generation

#: Files that were taken long ago are no longer known by their content.
_FILES_KNOWN = 50 * DAY

_FINISHED = re.compile("was being .*, which is finished now")


class SoakError(AssertionError):
    """The ledger is not as it must be."""


def check(home: Path, before: Model, pending: Operation, chance: Random) -> bool:
    """Looks at everything after a kill.

    Args:
        home: the folder of ledger and backups.
        before: all that was acknowledged.
        pending: what was under way when the process died; it may have happened, or not.
        chance: whether the ledger is closed as it should be afterwards.

    Returns:
        Whether the pending operation is in force: it had happened, or was completed here.

    Raises:
        SoakError: something acknowledged is lost, something stands there twice, or a file is not sound.
    """
    open_with_tinydb(home)
    ledger = opened(home)
    happened = _compare(ledger, home, before, pending)
    # That a restoring or a clearing was cut short and is finished now is worth telling; nothing else is.
    finished = isinstance(pending, (Restored, Reset))
    notices = [notice for notice in ledger.notices if not (finished and _FINISHED.search(notice))]
    if problems := [str(problem) for problem in (*ledger.verify(), *notices)]:
        raise SoakError("\n".join(problems))
    if chance.random() < 0.3:
        ledger.close()  # else the next one finds it as a kill leaves it
    return happened


def open_with_tinydb(home: Path) -> None:
    """Opens every TinyDB file the way anyone would, and reads all of it."""
    for path in (home / "ledger").glob("*.json"):
        with tinydb.TinyDB(path) as database:
            for table in database.tables():
                database.table(table).all()


def _compare(ledger: Ledger, home: Path, before: Model, pending: Operation) -> bool:
    after = before.copy()
    pending.apply(after)
    wrong = differences(ledger, before)
    if isinstance(pending, BackedUp):
        _demand(wrong)
        backup(ledger, home)
        return True
    # A part of it may be there and not show: what is cleared can have been empty before.
    may_be_hidden = isinstance(pending, Edited) and pending.value is None
    if not wrong and not may_be_hidden:
        return False
    if isinstance(pending, IN_PARTS) and (may_be_hidden or differences(ledger, after)):
        _in_parts(ledger, before, after)
        ledger.add(pending.batch())
    _demand(differences(ledger, after))
    if isinstance(pending, Reset):
        _demand(_archived(home, before))
    return True


def _demand(wrong: list[str]) -> None:
    if wrong:
        raise SoakError("\n".join(wrong[:20]))


def differences(ledger: Ledger, model: Model) -> list[str]:
    """Where the ledger does not hold what it must; none when it does."""
    seen, wrong = _seen(ledger)
    expected = model.seen()
    wrong += [
        f"{record_id}: {seen.get(record_id)} instead of {expected.get(record_id)}"
        for record_id in expected.keys() | seen.keys()
        if seen.get(record_id) != expected.get(record_id)
    ]
    covered = _covered_hours(ledger)
    if covered != model.covered:
        wrong.append(f"billing is covered for {covered} hours instead of {model.covered}")
    for lost, request_id in model.links.items():
        found = ledger.get(lost)
        if found is None or found.id != request_id:
            wrong.append(f"{lost} leads to {found and found.id} instead of {request_id}")
    for digest in model.files:
        if NOON - instant(int(digest.removeprefix("file"))) < _FILES_KNOWN and ledger.file_taken(digest) is None:
            wrong.append(f"the file {digest} is not known")
    balances = [(reading.at, reading.amount.nanos) for reading in ledger.balances(ACCOUNT)]
    if balances != model.balances:
        wrong.append(f"balances {balances} instead of {model.balances}")
    return wrong


def _seen(ledger: Ledger) -> tuple[dict[str, Seen], list[str]]:
    seen: dict[str, Seen] = {}
    twice = []
    for record in ledger.records():
        if record.id in seen:
            twice.append(f"{record.id} stands there twice")
        actual = record.actual if isinstance(record, Generation) else record.amount
        nanos = None if actual is None else actual.nanos
        seen[record.id] = (nanos, record.client, record.project, brief(record.note))
    return seen, twice


def _covered_hours(ledger: Ledger) -> int:
    coverage = ledger.coverage(ACCOUNT)
    return 0 if coverage is None else round((coverage.until - coverage.since) / HOUR)


def _in_parts(ledger: Ledger, before: Model, after: Model) -> None:
    """Each record is old or new; and where the state claims the new ones, all are there."""
    seen, wrong = _seen(ledger)
    old, new = before.seen(), after.seen()
    wrong += [
        f"{record_id}: {seen.get(record_id)} is neither {old.get(record_id)} nor {new.get(record_id)}"
        for record_id in old.keys() | new.keys() | seen.keys()
        if seen.get(record_id) not in (old.get(record_id), new.get(record_id))
    ]
    if seen != new and after.covered != before.covered and _covered_hours(ledger) == after.covered:
        wrong += ["the watermark claims records that are not there:", *differences(ledger, after)]
    if seen != new and after.files != before.files and ledger.file_taken(after.files[-1]) is not None:
        wrong += ["the file is marked as taken and its records are not there:", *differences(ledger, after)]
    _demand(wrong)


def _archived(home: Path, before: Model) -> list[str]:
    """What the newest archive lacks."""
    archives = sorted(home.glob("ledger-*.zip"), key=lambda path: path.stat().st_mtime_ns)
    if not archives:
        return ["the ledger was cleared, and there is no archive"]
    looked_at = home / "looked-at"
    with zipfile.ZipFile(archives[-1]) as packed:
        packed.extractall(looked_at)
    ledger = opened(looked_at)
    try:
        return [f"in the archive: {wrong}" for wrong in differences(ledger, before)]
    finally:
        ledger.close()
        shutil.rmtree(looked_at)
