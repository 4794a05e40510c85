"""Files that are written whole, in the place of another one or beside it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trayd.errors import TraydError
from trayd.files import write_atomically, write_new


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_new_file_gets_the_next_free_name(tmp_path: Path) -> None:
    path = tmp_path / "to" / "report.html"

    assert [write_new(path, [text, "\n"]) for text in ("one", "two", "three")] == [
        (path, True),
        (path.with_name("report-2.html"), True),
        (path.with_name("report-3.html"), True),
    ]
    assert [path.with_name(name).read_text() for name in names(path.parent)] == ["two\n", "three\n", "one\n"]


def test_the_very_same_text_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "costs.csv"
    write_new(path, ["a\r\n"])
    write_new(path, ["b\r\n"])
    seen = path.with_name("costs-2.csv").stat()

    assert write_new(path, ["b", "\r\n"]) == (path.with_name("costs-2.csv"), False)
    assert path.with_name("costs-2.csv").stat().st_ino == seen.st_ino
    assert names(tmp_path) == ["costs-2.csv", "costs.csv"]
    assert path.read_bytes() == b"a\r\n"


def test_a_folder_or_a_broken_link_of_that_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "r.html").mkdir()
    (tmp_path / "r-2.html").symlink_to(tmp_path / "nowhere")

    assert write_new(tmp_path / "r.html", ["text"]) == (tmp_path / "r-3.html", True)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP])
def test_it_is_the_same_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refused(*_names: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refused)
    path = tmp_path / "report.html"

    assert [write_new(path, [text])[0].name for text in ("one", "two", "two")] == [
        "report.html",
        "report-2.html",
        "report-2.html",
    ]
    assert names(tmp_path) == ["report-2.html", "report.html"]


def test_many_at_once_get_a_file_each(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        written = list(threads.map(lambda number: write_new(tmp_path / "r.html", [f"{number}"] * 2000), range(24)))

    assert len({place for place, _ in written}) == 24
    assert {place.read_text()[:3] for place, _ in written} == {(f"{number}" * 3)[:3] for number in range(24)}
    assert len(names(tmp_path)) == 24


@pytest.mark.parametrize("write", [write_new, write_atomically])
@pytest.mark.parametrize(
    ("number", "cure"), [(errno.ENOSPC, "make room on its disk"), (errno.EACCES, "give yourself the right to write")]
)
def test_where_the_disk_refuses_nothing_is_left_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: object, number: int, cure: str
) -> None:
    path = tmp_path / "report.html"
    path.write_text("before")

    def refused(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refused)
    with pytest.raises(TraydError) as error:
        write(path, ["after"])  # type: ignore[operator]
    assert str(path) in error.value.message
    assert error.value.cure.startswith(cure)
    assert names(tmp_path) == ["report.html"]
    assert path.read_text() == "before"


@pytest.mark.parametrize("write", [write_new, write_atomically])
def test_who_breaks_off_leaves_no_half_file(tmp_path: Path, write: object) -> None:
    def pieces() -> object:
        yield "half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "report.html", pieces())  # type: ignore[operator]
    assert names(tmp_path) == []


WRITING = """
import sys, time
from pathlib import Path
from trayd.files import write_atomically

def pieces():
    yield "half of it"
    print(flush=True)
    time.sleep(60)

write_atomically(Path(sys.argv[1]), pieces())
"""


def test_what_a_killed_process_left_is_taken_away_once_it_is_a_day_old(tmp_path: Path) -> None:
    path = tmp_path / "costs.csv"
    with subprocess.Popen([sys.executable, "-c", WRITING, str(path)], stdout=subprocess.PIPE) as writing:
        assert writing.stdout is not None
        writing.stdout.readline()
        writing.kill()
    (left,) = names(tmp_path)
    assert left.startswith(".costs.csv.")
    theirs = [".costs.csv.original", ".costs.csv.trayd-part", f"{left}.bak", left[1:], ".notes"]
    for name in theirs:
        (tmp_path / name).write_text("somebody's")
    (tmp_path / left.replace("costs", "folder")).mkdir()
    (tmp_path / left.replace("costs", "link")).symlink_to(tmp_path / ".notes")
    others = sorted(set(names(tmp_path)) - {left})

    write_new(tmp_path / "other.csv", ["text"])
    assert left in names(tmp_path), "another process may still write it"
    for name in names(tmp_path):
        os.utime(tmp_path / name, (1, time.time() - 25 * 3600), follow_symlinks=False)
    write_new(tmp_path / "other.csv", ["text"])
    assert names(tmp_path) == sorted([*others, "other.csv"])
