"""What differs between systems and file systems, where the ledger asks for a content or a name to be durable."""

import errno
import os
import sys
from pathlib import Path

import pytest

from trayd.ledger.disk import Disk, write_whole

fcntl = pytest.importorskip("fcntl")


@pytest.fixture
def on_a_mac(monkeypatch):
    """Asks as on macOS; what the system answers is told by the test."""
    asked = []

    def ask(answer):
        def full_sync(handle, call):
            asked.append((str(Path(f"/proc/self/fd/{handle}").readlink()), call))
            if answer is not None:
                raise OSError(answer, os.strerror(answer))

        monkeypatch.setattr(sys, "platform", "darwin")
        monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
        monkeypatch.setattr(fcntl, "fcntl", full_sync)
        return asked

    return ask


@pytest.mark.parametrize("answer", [None, errno.ENOTSUP, errno.EINVAL])
def test_a_mac_is_asked_to_empty_the_drives_cache_and_a_volume_that_cannot_syncs_as_it_can(answer, on_a_mac, tmp_path):
    asked = on_a_mac(answer)
    write_whole(Disk(), tmp_path / "file", b"content")
    assert asked == [(str(tmp_path / "file.tmp"), 51), (str(tmp_path), 51)]
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_mac_whose_drive_refuses_is_no_success(on_a_mac, tmp_path):
    on_a_mac(errno.EIO)
    with pytest.raises(OSError, match="Input/output error"):
        write_whole(Disk(), tmp_path / "file", b"content")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("answer", "fails"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_file_system_that_knows_no_sync_of_folders_is_no_failure(answer, fails, monkeypatch, tmp_path):
    def refuse(_):
        raise OSError(answer, os.strerror(answer))

    monkeypatch.setattr(os, "fsync", refuse)
    if fails:
        with pytest.raises(OSError, match="Input/output error"):
            Disk().sync_folder(tmp_path)
    else:
        Disk().sync_folder(tmp_path)


def test_writes_that_come_up_short_go_on_where_they_stopped(tmp_path):
    class Short(Disk):
        def write(self, handle, data):
            return super().write(handle, data[:3])

    write_whole(Short(), tmp_path / "file", b"more than three")
    assert (tmp_path / "file").read_bytes() == b"more than three"
