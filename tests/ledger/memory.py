"""A disk in memory, faithful in what calls mean: so that a file can be damaged at every byte in moments."""

import errno
import io
import os
from datetime import UTC, datetime

from trayd.ledger.disk import Disk


class _File:
    """An inode: open handles keep it after its name is gone."""

    def __init__(self, number, data=b""):
        self.number = number
        self.data = bytearray(data)
        self.changes = 0


class MemoryDisk(Disk):
    """Files by their paths, as bytes."""

    def __init__(self, files=()):
        self._names = {}
        self._handles = {}
        self._made = 0
        for path, data in dict(files).items():
            self[path] = data

    # What a test looks at, and breaks.

    def __getitem__(self, path):
        return bytes(self._names[path].data)

    def __setitem__(self, path, data):
        self._names[path] = self._new(data)

    def __delitem__(self, path):
        del self._names[path]

    def __contains__(self, path):
        return path in self._names

    def files(self):
        return {path: bytes(file.data) for path, file in self._names.items()}

    # What the ledger calls.

    def make_folder(self, path):
        pass

    def read(self, path):
        file = self._names.get(path)
        return None if file is None else bytes(file.data)

    def read_part(self, path, start, size):
        return self[path][start : start + size] if path in self else b""

    def lines(self, path):
        return iter(io.BytesIO(self[path])) if path in self else iter(())

    def open_new(self, path):
        file = self._names.setdefault(path, None) or self._new()
        self._names[path] = file
        file.data.clear()
        return self._handle(file)

    def open_append(self, path):
        if path not in self._names:
            self._names[path] = self._new()
        return self._handle(self._names[path])

    def write(self, handle, data):
        file = self._handles[handle]
        file.data += data
        file.changes += 1
        return len(data)

    def sync(self, handle):
        assert handle in self._handles

    def truncate(self, handle, size):
        file = self._handles[handle]
        file.changes += 1
        if size <= len(file.data):
            del file.data[size:]
        else:
            file.data += bytes(size - len(file.data))

    def close(self, handle):
        del self._handles[handle]

    def replace(self, source, target):
        if source not in self._names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(source))
        self._names[target] = self._names.pop(source)

    def remove(self, path):
        self._names.pop(path, None)

    def sync_folder(self, path):
        pass

    def changed_at(self, path):
        return datetime.fromtimestamp(self._names[path].changes, UTC)

    def stamp(self, path):
        file = self._names.get(path)
        return None if file is None else (file.number, len(file.data), file.changes)

    def identity(self, handle):
        return 0, self._handles[handle].number

    def stands(self, path, size, identity):
        file = self._names.get(path)
        if file is None:
            return not size and identity is None
        return len(file.data) == size and identity in {None, (0, file.number)}

    @property
    def open_handles(self):
        return len(self._handles)

    def _new(self, data=b""):
        self._made += 1
        return _File(self._made, data)

    def _handle(self, file):
        self._made += 1
        self._handles[self._made] = file
        return self._made
