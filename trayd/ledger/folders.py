"""What the two folders of a ledger know of each other, so that neither is ever taken for another one's.

In the ledger's folder ``ledger.mark`` says whose it is, where its mirrors are, and which pairs may have changes there
that their TinyDB files do not hold. In the mirrors' folder ``mirrors.mark`` says whose they are. Both say the same
*bond*, which is made anew whenever the ledger takes another folder: one that it has left can be told from the one that
it uses. Both are written when they change: at the first change to a pair after all was even, at the end, and when a
folder moves. A ledger that has none of them is of an older trayd; its first change makes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar
from uuid import uuid4

import msgspec

from trayd.errors import LedgerDamagedError, LedgerError, LedgerFullError, LedgerNewerError
from trayd.ledger.archive import STAGED, files_of, names_in
from trayd.ledger.disk import Disk, refusals, set_aside, write_whole
from trayd.ledger.pair import LedgerPaths
from trayd.ledger.rebuild import open_pair

_OF_LEDGER = "ledger.mark"
_OF_MIRRORS = "mirrors.mark"
_FORMAT = 1

#: So many names of pairs are told before "and N more".
_TOLD = 3


class _Home(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger's folder says.

    Attributes:
        id: of the ledger, for ever.
        bond: of it and the mirrors' folder that it uses.
        backup: that folder.
        ahead: the pairs that may have changes there alone.
    """

    trayd: int = _FORMAT
    id: str
    bond: str
    backup: str
    ahead: tuple[str, ...] = ()


class _Away(msgspec.Struct, frozen=True, kw_only=True):
    """What the mirrors' folder says: the ledger's id, the bond, and where the ledger is."""

    trayd: int = _FORMAT
    id: str
    bond: str
    ledger: str


_Mark = TypeVar("_Mark", _Home, _Away)


class Folders:
    """The two folders of a ledger that is being opened, or is open; use :meth:`meet`."""

    def __init__(self, paths: LedgerPaths, disk: Disk) -> None:
        self._paths = paths
        self._disk = disk
        self._home = _read(disk, paths.ledger / _OF_LEDGER, _Home)
        self._away = _read(disk, paths.backup / _OF_MIRRORS, _Away)
        self._empty = False
        self._new_bond = False
        self._told: list[str] = []
        self._changed: set[str] = set()

    @classmethod
    def meet(cls, paths: LedgerPaths, disk: Disk) -> Self:
        """Looks whether the mirrors' folder is the ledger's, and brings the mirrors along where it is a new one.

        Nothing is made or changed in a folder that is refused.

        Raises:
            LedgerError: it holds the mirrors of another ledger.
            LedgerDamagedError: it is not the folder in which the newest changes are.
            LedgerNewerError: a newer trayd wrote a mark.
            LedgerFullError: the disk refuses.
        """
        found = cls(paths, disk)
        found._refuse_other()
        home, away = found._home, found._away
        if home is not None and (away is None or away.bond != home.bond):
            found._take_over(home)
        with refusals(paths.backup):
            disk.make_folder(paths.backup)
        return found

    def _refuse_other(self) -> None:
        away = self._away
        if away is None:
            return
        told = Path(away.ledger)
        theirs = _glance(self._disk, told / _OF_LEDGER, _Home)
        other = away.id != self._home.id if self._home is not None else not _same(told, self._paths.ledger)
        if not other and theirs is not None and not _same(told, self._paths.ledger):
            # A copy of a ledger has its id; only one of the two can have the folder.
            other = theirs.id == away.id and _same(Path(theirs.backup), self._paths.backup)
        if other:
            raise LedgerError(
                f"{self._paths.backup} holds the mirrors of the ledger in {told}, not of the one in "
                f"{self._paths.ledger}; nothing was changed",
                "choose another folder with `trayd config set folders.backup FOLDER`; if that ledger is no more, and "
                f"this one is to take its place, remove {self._paths.backup / _OF_MIRRORS} first",
            )

    def _take_over(self, home: _Home) -> None:
        """The folder is not known to have the newest mirrors: they come from the one before, or cannot be missed."""
        last, here = Path(home.backup), self._paths.backup
        moved = not _same(last, here)
        if moved and self._is_ours(last, home):
            self._copy(last)
            self._write(home, uuid4().hex)
            self._told.append(
                f"the backup folder is {here} now: the mirrors were copied there from {last}, where they are not "
                "needed any more"
            )
            return
        there = set() if self._away is not None else {path.stem for path in self._mirrors(here)}
        lost = [name for name in home.ahead if name not in there]
        if lost:
            where = str(last) if moved else "the folder that was there before"
            raise LedgerDamagedError(
                f"{here} does not have the mirrors of the ledger in {self._paths.ledger}, and the newest changes of "
                f"{_listed(lost)} may stand only in {where}; nothing was changed",
                "connect the disk with that folder and start again; `trayd ledger rebuild --from file` goes on without "
                "what only they have",
            )
        self._empty = not self._mirrors(here)
        self._new_bond = moved or self._empty or self._away is not None

    def _is_ours(self, backup: Path, home: _Home) -> bool:
        away = _glance(self._disk, backup / _OF_MIRRORS, _Away)
        if away is None or (away.id, away.bond) != (home.id, home.bond):
            return False
        ledger = Path(away.ledger)
        theirs = None if _same(ledger, self._paths.ledger) else _glance(self._disk, ledger / _OF_LEDGER, _Home)
        return theirs is None or theirs.id != home.id or not _same(Path(theirs.backup), backup)

    def _mirrors(self, backup: Path) -> list[Path]:
        """The mirrors in a folder, and those that wait to take their places."""
        if not backup.is_dir():
            return []
        found = files_of(LedgerPaths(self._paths.ledger, backup), kept_aside=True)
        return [path for path, name in found if name.startswith("backup/") and path.name.endswith((".jsonl", STAGED))]

    def _copy(self, last: Path) -> None:
        here = self._paths.backup
        with refusals(here):
            self._disk.make_folder(here)
        for path in self._mirrors(last):
            target = here / path.name
            with refusals(path):
                content = self._disk.read(path) or b""
            with refusals(target):
                there = self._disk.read(target)
                if there == content:
                    continue
                if there is not None:
                    set_aside(self._disk, target, there, "replaced")
                write_whole(self._disk, target, content)

    def settle(self) -> tuple[str, ...]:
        """Writes the mirrors anew where the folder has none; to be called when no other form is left to be brought up.

        Returns:
            What was mended, for people.

        Raises:
            LedgerFullError: the disk refuses; the next time goes on with it.
        """
        if self._empty and self._home is not None:
            names = names_in(self._paths)
            for name in names:
                with suppress(LedgerDamagedError):  # it is refused by name where it is asked for
                    open_pair(name, self._paths, self._disk).close()
            if names:
                self._told.append(
                    f"{self._paths.backup} had no mirrors: they were all written anew from {self._paths.ledger}, which "
                    "had everything"
                )
                self._write(self._home, uuid4().hex)
            self._empty = False
        return tuple(self._told)

    @property
    def left(self) -> list[str]:
        """The pairs that are behind their mirrors since a crash, and were not changed since."""
        return [] if self._home is None else sorted(set(self._home.ahead) - self._changed)

    def begin(self, names: Iterable[str]) -> None:
        """Says durably that these pairs are about to be changed; at once where that is said already.

        Raises:
            LedgerFullError: the disk refuses; they must not be changed then.
        """
        self._changed.update(names)
        home, away = self._home, self._away
        if home is None:
            identity, bond = (away.id, away.bond) if away is not None else (uuid4().hex, uuid4().hex)
            home = _Home(id=identity, bond=bond, backup="")
        elif self._changed.issubset(home.ahead):
            return
        ahead = tuple(sorted(self._changed.union(home.ahead)))
        self._write(msgspec.structs.replace(home, ahead=ahead), uuid4().hex if self._new_bond else home.bond)

    def even(self, left: Iterable[str] = ()) -> None:
        """Says that every TinyDB file has what its mirror has, as far as the disk takes it.

        Args:
            left: the names of pairs of which that is not so.
        """
        self._changed.clear()
        if self._home is not None and self._home.ahead != (ahead := tuple(left)):
            with suppress(LedgerFullError):  # it says less good of them than is so
                self._write(msgspec.structs.replace(self._home, ahead=ahead), self._home.bond)

    def rebuilt(self, names: Iterable[str]) -> None:
        """Takes the folder as it is, now that these pairs have been written anew, unless others are still missing.

        Raises:
            LedgerFullError: the disk refuses.
        """
        if self._home is not None:
            self._take(self._home, set(self._home.ahead).difference(names))

    def taken(self) -> None:
        """Takes the folder as it is: all that is in it has been put there just now.

        Raises:
            LedgerFullError: the disk refuses.
        """
        if self._home is not None:
            self._take(self._home, set())

    def _take(self, home: _Home, ahead: set[str]) -> None:
        bound = self._away is not None and self._away.bond == home.bond
        home = msgspec.structs.replace(home, ahead=tuple(sorted(ahead)))
        if bound or not ahead:
            self._write(home, home.bond if bound else uuid4().hex)
        else:
            self._write_home(home)

    def _write(self, home: _Home, bond: str) -> None:
        paths = self._paths
        backup, ledger = str(paths.backup.absolute()), str(paths.ledger.absolute())
        away = _Away(id=home.id, bond=bond, ledger=ledger)
        path = paths.backup / _OF_MIRRORS
        if self._home is None:
            # So that a folder which says whose it is never stands beside a ledger that does not know who it is.
            self._write_home(msgspec.structs.replace(home, bond=bond, backup=backup, ahead=()))
        if self._away != away or not path.exists():
            with refusals(path):
                write_whole(self._disk, path, msgspec.json.encode(away))
            self._away = away
        self._write_home(msgspec.structs.replace(home, bond=bond, backup=backup))
        self._new_bond = False

    def _write_home(self, home: _Home) -> None:
        path = self._paths.ledger / _OF_LEDGER
        with refusals(path):
            write_whole(self._disk, path, msgspec.json.encode(home))
        self._home = home


def of_closed(paths: LedgerPaths, disk: Disk) -> Folders:
    """The folders of a ledger that could not be opened, so that something can be done to its files.

    Raises:
        LedgerError: the mirrors' folder is another ledger's.
        LedgerFullError: the disk refuses.
    """
    found = Folders(paths, disk)
    found._refuse_other()  # noqa: SLF001 - this is the other way to open
    with refusals(paths.backup):
        disk.make_folder(paths.backup)
    return found


def _read(disk: Disk, path: Path, kind: type[_Mark]) -> _Mark | None:
    """A mark; None where there is none, or none that can be made out.

    Raises:
        LedgerNewerError: a newer trayd wrote it.
        LedgerFullError: the disk refuses.
    """
    with refusals(path):
        content = disk.read(path)
    try:
        mark = None if content is None else msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError:
        return None
    if mark is not None and mark.trayd > _FORMAT:
        raise LedgerNewerError(f"{path} was written by a newer trayd", "update trayd")
    return mark


def _glance(disk: Disk, path: Path, kind: type[_Mark]) -> _Mark | None:
    """The same where it need not be within reach."""
    try:
        return _read(disk, path, kind)
    except LedgerError:
        return None


def _same(one: Path, other: Path) -> bool:
    """Whether both are one folder, under whatever names."""
    if one.absolute() == other.absolute():
        return True
    try:
        return one.samefile(other)
    except OSError:
        return False


def _listed(names: list[str]) -> str:
    more = len(names) - _TOLD
    return ", ".join(names[:_TOLD]) + (f" and {more} more" if more > 0 else "")
