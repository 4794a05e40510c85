from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from trayd.intake import places
from trayd.intake.places import CLAIMED_END, move, place, unclaim
from trayd.intake.unchanged import ChangedError, Signature, read_unchanged


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    (tmp_path / "done").mkdir()
    return tmp_path


def looked_at(path: Path) -> Signature:
    return Signature.of(path.lstat())


def tree(drop: Path) -> dict[str, str]:
    return {str(path.relative_to(drop)): path.read_text() for path in sorted(drop.rglob("*")) if path.is_file()}


def replace(path: Path, content: str) -> None:
    """As programs do that write a whole file again under the same name."""
    new = path.with_name("being-written.tmp")
    new.write_text(content)
    new.replace(path)


def just_before(monkeypatch: pytest.MonkeyPatch, name: str, happens: Callable[[], None]) -> None:
    """Has something happen right before the next system call of that name."""
    call = getattr(os, name)

    def with_happening(*arguments: Any, **more: Any) -> Any:
        monkeypatch.setattr(os, name, call)
        happens()
        return call(*arguments, **more)

    monkeypatch.setattr(os, name, with_happening)


ways = pytest.mark.parametrize("watched", [True, False])


@ways
def test_a_file_is_moved_and_none_is_overwritten(drop, watched):
    for content in ("one", "two", "three"):
        (drop / "job.json").write_text(content)
        move(drop / "job.json", drop / "done", "job.json", looked_at(drop / "job.json"), watched=watched)
    assert tree(drop) == {"done/job.json": "one", "done/job (2).json": "two", "done/job (3).json": "three"}


@ways
def test_names_of_the_greatest_length_meet_without_a_loss(drop, watched):
    name = "ä" * 125 + ".json"
    for content in ("one", "two"):
        (drop / name).write_text(content)
        move(drop / name, drop / "done", name, looked_at(drop / name), watched=watched)
    assert sorted(tree(drop).values()) == ["one", "two"]
    assert all(moved.startswith("done/ä") and moved.endswith(".json") for moved in tree(drop))


@pytest.mark.parametrize(("watched", "call"), [(True, "link"), (True, "rename"), (False, "rename")])
def test_a_file_that_came_into_its_place_meanwhile_stays(drop, monkeypatch, watched, call):
    job = drop / "job.json"
    job.write_text("read and recorded")
    expected = looked_at(job)
    just_before(monkeypatch, call, lambda: replace(job, "the next one"))
    with pytest.raises(ChangedError):
        move(job, drop / "done", "job.json", expected, watched=watched)
    kept = {"done/job.json": "read and recorded"} if watched and call == "rename" else {}
    assert tree(drop) == {"job.json": "the next one", **kept}
    move(job, drop / "done", "job.json", looked_at(job), watched=watched)
    assert "the next one" in tree(drop / "done").values()


def test_two_files_that_come_one_after_the_other_while_it_is_moved_both_stay(drop, monkeypatch):
    job = drop / "job.json"
    job.write_text("read and recorded")
    expected = looked_at(job)

    def another_at_once() -> None:
        replace(job, "second")
        just_before(monkeypatch, "link", lambda: job.write_text("third"))

    just_before(monkeypatch, "rename", another_at_once)
    with pytest.raises(ChangedError):
        move(job, drop / "done", "job.json", expected)
    assert sorted(tree(drop).values()) == ["read and recorded", "second", "third"]


@ways
def test_a_file_that_was_written_on_is_not_moved(drop, watched):
    job = drop / "job.json"
    job.write_text("a part")
    expected = looked_at(job)
    with job.open("a") as file:
        file.write(" and the rest")
    with pytest.raises(ChangedError):
        move(job, drop / "done", "job.json", expected, watched=watched)
    assert tree(drop) == {"job.json": "a part and the rest"}


@ways
def test_a_file_that_is_gone_is_a_change(drop, watched):
    job = drop / "job.json"
    job.write_text("x")
    expected = looked_at(job)
    job.unlink()
    with pytest.raises(ChangedError):
        move(job, drop / "done", "job.json", expected, watched=watched)


@pytest.mark.parametrize("refusal", [OSError(errno.EPERM, ""), OSError(errno.ENOTSUP, ""), NotImplementedError()])
def test_where_there_are_no_hard_links_it_is_renamed(drop, monkeypatch, refusal):
    def refuse(*_arguments: Any, **_more: Any) -> None:
        raise refusal

    monkeypatch.setattr(os, "link", refuse)
    (drop / "done" / "job.json").write_text("there before")
    (drop / "job.json").write_text("new")
    move(drop / "job.json", drop / "done", "job.json", looked_at(drop / "job.json"))
    place(drop / "done", "costs.csv.reason.txt", b"why")
    assert tree(drop) == {
        "done/job.json": "there before",
        "done/job (2).json": "new",
        "done/costs.csv.reason.txt": "why",
    }


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    memory = Path("/dev/shm")  # noqa: S108 - a file system of its own
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system")
    folder = Path(tempfile.mkdtemp(dir=memory))
    yield folder
    shutil.rmtree(folder)


@ways
def test_to_another_file_system_it_is_copied(drop, elsewhere, watched):
    for content in ("one", "two"):
        (drop / "job.json").write_text(content)
        move(drop / "job.json", elsewhere, "job.json", looked_at(drop / "job.json"), watched=watched)
    assert tree(elsewhere) == {"job.json": "one", "job (2).json": "two"}
    assert tree(drop) == {}


def test_what_cannot_be_copied_there_stays_where_it_is(drop, elsewhere):
    (drop / "link.csv").symlink_to("nowhere")
    with pytest.raises(OSError, match="link"):
        move(drop / "link.csv", elsewhere, "link.csv", looked_at(drop / "link.csv"))
    assert (drop / "link.csv").is_symlink()


def test_a_file_that_a_killed_run_left_between_two_names_gets_its_own_again(drop):
    (drop / f"job.json{CLAIMED_END}").write_text("left")
    (drop / "job.json").write_text("another one")
    unclaim(drop, f"job.json{CLAIMED_END}")
    assert tree(drop) == {"job.json": "another one", "job (2).json": "left"}


def test_a_file_is_placed_once(drop):
    names = [place(drop, "rows.csv", content).name for content in (b"a", b"b", b"a", b"b")]
    assert names == ["rows.csv", "rows (2).csv", "rows.csv", "rows (2).csv"]


def test_a_full_disk_leaves_nothing_half_placed(drop, monkeypatch):
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        places.place(drop, "rows.csv", b"a")
    assert tree(drop) == {}


def test_a_file_that_became_another_is_not_read(drop):
    job = drop / "job.json"
    job.write_text("x")
    expected = looked_at(job)
    job.unlink()
    os.mkfifo(job)
    with pytest.raises(ChangedError):
        read_unchanged(job, expected)
    job.unlink()
    job.symlink_to(drop / "elsewhere")
    with pytest.raises(ChangedError):
        read_unchanged(job, expected)
    job.unlink()
    job.write_text("y")
    with pytest.raises(ChangedError):
        read_unchanged(job, expected)
