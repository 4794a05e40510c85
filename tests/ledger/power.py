"""A disk that knows what a power cut would leave of it.

What was written and not synced may be there, or not, or in part: any of its blocks, in any order. A file's new size
may be there without its content, which then reads as zeros. A new name, a rename or a removal whose folder was not
synced may have happened, or not. What a failed sync was to store stays in doubt, whatever is synced later.
"""

import errno
import os
from dataclasses import dataclass, field, replace
from itertools import pairwise

from tests.ledger.faults import QuickDisk

BLOCK = 512

#: How much of what is in doubt survives.
NOTHING, EVERYTHING, THE_FIRST, ANY = "nothing", "everything", "the first", "any"

FOLDER = "a folder"


@dataclass(frozen=True)
class Operation:
    """Bytes at the end of a file, or a new size; ``stored`` once it surely is on the medium."""

    data: bytes = b""
    size: int | None = None
    stored: bool = False


@dataclass(eq=False)
class Content:
    """A file as it is on the medium, and the operations since, each of which is in doubt until a sync."""

    stored: bytes = b""
    since: list[Operation] = field(default_factory=list)
    lost: int = 0

    def sync(self):
        if self.lost:
            self.since[self.lost :] = [replace(operation, stored=True) for operation in self.since[self.lost :]]
            return
        data = bytearray(self.stored)
        for operation in self.since:
            data = data + operation.data if operation.size is None else data[: operation.size]
        self.stored = bytes(data)
        self.since = []

    def failed_sync(self):
        """The system may have dropped what it could not write, and calls it written from then on."""
        self.lost = len(self.since)

    def survives(self, dice, how):
        data = bytearray(self.stored)
        size = len(data)
        kept = _kept(dice, how, len(self.since))
        for number, operation in enumerate(self.since):
            survived = operation.stored or (dice.random() < 0.5 if kept is None else number < kept)
            if operation.size is not None:
                size = operation.size
                if survived:
                    del data[size:]
                continue
            start, size = size, size + len(operation.data)
            torn = how == THE_FIRST and number == kept
            whole = survived and (operation.stored or kept is not None)
            _write(data, start, operation.data, dice, share=1 if whole else 0.5 if kept is None else 0, torn=torn)
            if how == ANY and dice.random() < 0.5:
                data.extend(bytes(max(0, size - len(data))))  # the size was stored, the content was not
        return bytes(data)


def _kept(dice, how, count):
    return {NOTHING: 0, EVERYTHING: count, THE_FIRST: dice.randint(0, count), ANY: None}[how]


def _write(data, start, written, dice, *, share, torn):
    """Writes this share of the blocks; of a torn write the first ones."""
    end = start + len(written)
    edges = [start, *range(start - start % BLOCK + BLOCK, end, BLOCK), end]
    last = dice.randrange(len(edges)) if torn else 0
    for number, (at, stop) in enumerate(pairwise(edges)):
        if number < last or dice.random() < share:
            data.extend(bytes(max(0, at - len(data))))
            data[at:stop] = written[at - start : stop - start]


class Medium:
    """What is stored below a folder, and what is in doubt."""

    def __init__(self, root):
        self._root = root
        self._stored = {}
        self._now = {}
        self._since = []
        for path in sorted(root.rglob("*")):
            self._stored[path] = FOLDER if path.is_dir() else Content(path.read_bytes())
        self._now.update(self._stored)

    def __getitem__(self, path):
        return self._now.get(path)

    def names(self, changes):
        """Names that change together: each means this content now, or nothing."""
        _name(self._now, changes)
        self._since.append(changes)

    def sync_names(self, folder):
        for changes in self._since:
            if any(path.parent == folder for path in changes):
                _name(self._stored, changes)
        self._since = [changes for changes in self._since if all(path.parent != folder for path in changes)]

    def after_power_cut(self, dice, how, target):
        """Puts what survives into another folder."""
        names = dict(self._stored)
        kept = _kept(dice, how, len(self._since))
        for number, changes in enumerate(self._since):
            if dice.random() < 0.5 if kept is None else number < kept:
                _name(names, changes)
        target.mkdir()
        for path in sorted(names):
            place = target / path.relative_to(self._root)
            if not place.parent.exists():
                continue  # its folder has no name
            if names[path] is FOLDER:
                place.mkdir()
            else:
                place.write_bytes(names[path].survives(dice, how))


def _name(names, changes):
    for path, content in changes.items():
        if content is None:
            names.pop(path, None)
        else:
            names[path] = content


class PowerDisk(QuickDisk):
    """Does what it is asked to, and keeps account of what a power cut would leave.

    ``on_call`` is told of each call when it was made. The call with the number ``fails_at`` fails, a
    write in the middle; and all after it where the disk ``stays_ill``.
    """

    def __init__(self, root):
        root.mkdir(exist_ok=True)
        self.medium = Medium(root)
        self.made = 0
        self.on_call = lambda _call: None
        self._root = root
        self.fails_at = None
        self.stays_ill = False
        self._contents = {}

    def _told(self, call):
        self.made += 1
        self.on_call(call)

    def _fails(self):
        if self.fails_at is None or self.made + 1 < self.fails_at:
            return
        if self.stays_ill or self.made + 1 == self.fails_at:
            self.made += 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def make_folder(self, path):
        new = [folder for folder in (path, *path.parents) if self._root in folder.parents and not folder.exists()]
        self._fails()
        for folder in reversed(new):
            self.medium.names({folder: FOLDER})
        super().make_folder(path)
        self._told("make_folder")

    def _opened(self, handle, path):
        if self.medium[path] is None:
            self.medium.names({path: Content()})
        self._contents[handle] = self.medium[path]
        return handle

    def open_new(self, path):
        self._fails()
        handle = self._opened(super().open_new(path), path)
        self._contents[handle].since.append(Operation(size=0))
        self._told("open_new")
        return handle

    def open_append(self, path):
        self._fails()
        handle = self._opened(super().open_append(path), path)
        self._told("open_append")
        return handle

    def write(self, handle, data):
        try:
            self._fails()
        except OSError:
            short = bytes(data[: len(data) // 2])
            super().write(handle, short)
            self._contents[handle].since.append(Operation(short))
            raise
        taken = super().write(handle, data)
        self._contents[handle].since.append(Operation(bytes(data[:taken])))
        self._told("write")
        return taken

    def sync(self, handle):
        try:
            self._fails()
        except OSError:
            self._contents[handle].failed_sync()
            raise
        self._contents[handle].sync()
        self._told("sync")

    def truncate(self, handle, size):
        self._fails()
        super().truncate(handle, size)
        self._contents[handle].since.append(Operation(size=size))
        self._told("truncate")

    def close(self, handle):
        del self._contents[handle]
        super().close(handle)

    def replace(self, source, target):
        self._fails()
        super().replace(source, target)
        self.medium.names({target: self.medium[source], source: None})
        self._told("replace")

    def remove(self, path):
        self._fails()
        there = path.exists()
        super().remove(path)
        if there:
            self.medium.names({path: None})
            self._told("remove")

    def sync_folder(self, path):
        self._fails()
        self.medium.sync_names(path)
        self._told("sync_folder")
