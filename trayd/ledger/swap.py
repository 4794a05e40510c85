"""Changing the whole content of a ledger in a way that a crash cannot leave half done.

What is to come is written beside the files that there are, as ``NAME.restoring``, and synced. Then one small file, the
plan, appears by rename: from that moment on the new content is the ledger's. Every start that finds a plan carries it
out, from wherever it was cut short: it renames what still waits, removes what the plan does not name, and the plan at
last. A start that finds files waiting and no plan removes them: the old content is the ledger's.
"""

from __future__ import annotations

import msgspec

from trayd.errors import LedgerDamagedError, LedgerNewerError
from trayd.ledger.archive import STAGED, files_of
from trayd.ledger.disk import TEMPORARY, Disk, refusals, write_whole
from trayd.ledger.pair import LedgerPaths

_PLAN = "ledger.plan"
_PLAN_FORMAT = 1

#: The folder in the ledger's of what is counted from the records; see :mod:`trayd.ledger.rollup_files`.
_DERIVED = "rollups"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the folders hold when it is carried out, and nothing else of the ledger's.

    Attributes:
        trayd: the version of the plan's own form.
        told: what is said of it to a person when a later start had to finish it.
        ledger: the names of the files in the ledger's folder, and ``backup`` in the mirrors'.
    """

    trayd: int = _PLAN_FORMAT
    told: str
    ledger: tuple[str, ...] = ()
    backup: tuple[str, ...] = ()


def swap(folders: LedgerPaths, disk: Disk, plan: Plan) -> None:
    """Puts the files that wait into their places, and removes all others of the ledger's.

    Raises:
        LedgerFullError: the disk refused; either nothing has changed, or the next start goes on with it.
    """
    for folder in (folders.ledger, folders.backup):
        with refusals(folder):
            disk.sync_folder(folder)
    path = folders.ledger / _PLAN
    with refusals(path):
        write_whole(disk, path, msgspec.json.encode(plan))
    _carry_out(folders, disk, plan)


def finish(folders: LedgerPaths, disk: Disk) -> str | None:
    """Carries out a plan that was cut short, or clears away what never became one.

    Returns:
        What was finished, for people; None where there was nothing.

    Raises:
        LedgerDamagedError: a file that the plan names is nowhere, or the plan cannot be read.
        LedgerNewerError: a newer trayd made the plan.
        LedgerFullError: the disk refused; the next start tries again.
    """
    path = folders.ledger / _PLAN
    with refusals(path):
        content = disk.read(path)
    if content is None:
        with refusals(folders.ledger):
            disk.remove(path.with_name(_PLAN + TEMPORARY))
            for waiting, _ in files_of(folders, kept_aside=True):
                if waiting.name.endswith(STAGED):
                    disk.remove(waiting)
        return None
    try:
        plan = msgspec.json.decode(content, type=Plan)
    except msgspec.MsgspecError as error:
        raise LedgerDamagedError(f"{path} is damaged ({error})", "restore a backup: `trayd ledger restore`") from error
    if plan.trayd > _PLAN_FORMAT:
        raise LedgerNewerError(f"{path} was written by a newer trayd", "update trayd")
    _carry_out(folders, disk, plan)
    return plan.told


def _carry_out(folders: LedgerPaths, disk: Disk, plan: Plan) -> None:
    parts = ((folders.ledger, plan.ledger), (folders.backup, plan.backup))
    for folder, names in parts:
        for name in names:
            if not any((folder / there).exists() for there in (name, name + STAGED)):
                raise LedgerDamagedError(
                    f"{plan.told}, and now {folder / name} is not there",
                    "connect the disk of that folder and start again, or restore a backup once more",
                )
    for folder, names in parts:
        with refusals(folder):
            for name in names:
                waiting = folder / (name + STAGED)
                if waiting.exists():
                    disk.replace(waiting, folder / name)
    stays = {folder / name for folder, names in parts for name in names}
    for path, _ in files_of(folders, kept_aside=True):
        if path not in stays:
            with refusals(path):
                disk.remove(path)
    remove_derived(folders, disk)
    path = folders.ledger / _PLAN
    with refusals(path):
        disk.sync_folder(folders.ledger)
        disk.sync_folder(folders.backup)
        disk.remove(path)
        disk.sync_folder(folders.ledger)


def remove_derived(folders: LedgerPaths, disk: Disk) -> None:
    """Removes what was counted from the records: it names clients too, and is counted anew."""
    folder = folders.ledger / _DERIVED
    with refusals(folder):
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.name.endswith((".json", ".json" + TEMPORARY)):
                    disk.remove(path)
            # One that came back after a power cut would tell of months that are gone for good.
            disk.sync_folder(folder)
