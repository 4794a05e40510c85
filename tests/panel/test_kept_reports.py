"""No name leads out of the folder of reports, and no file in it but a plain one is opened."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.panel.kept_reports import KeptReport, kept_reports, media_type, opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    folder = home / "reports"
    (folder / "below").mkdir(parents=True)
    for path in (home / "out.html", folder / "below" / "in.html", folder / ".hidden.html"):
        path.write_text("secret")
    (folder / "plain.html").write_text("plain")
    (folder / "link.html").symlink_to(home / "out.html")
    (folder / "up").symlink_to(home)
    return folder


PARTS = st.sampled_from(
    ["plain", "link", "below", "in", "up", "out", "hidden", ".", "..", "/", "\\", ":", "%2e", "\0", " ", ".html", "C"]
)


@given(name=st.one_of(st.text(max_size=40), st.lists(PARTS, max_size=8).map("".join)))
def test_what_is_opened_is_a_file_of_that_very_name_there(folder: Path, name: str) -> None:
    try:
        with opened(folder, name) as file:
            assert (name, file.read()) == ("plain.html", b"plain")
    except (OSError, ValueError):
        assert name != "plain.html"


def test_what_is_listed_can_be_opened(folder: Path) -> None:
    assert [file.name for file in kept_reports(folder).files] == ["plain.html"]
    with opened(folder, "plain.html") as file:
        assert file.read() == b"plain"


def test_a_link_that_takes_the_place_of_a_file_meanwhile_is_not_followed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swapped = folder / "swapped.html"
    swapped.write_text("plain")
    looked = Path.lstat

    def swap(path: Path) -> os.stat_result:
        found = looked(path)
        path.unlink()
        path.symlink_to(folder.parent / "out.html")
        return found

    monkeypatch.setattr(Path, "lstat", swap)
    with pytest.raises(OSError, match="swapped"):
        opened(folder, "swapped.html")
    monkeypatch.undo()
    swapped.unlink()


def test_the_newest_are_listed_and_the_others_counted(tmp_path: Path) -> None:
    for number in range(230):
        path = tmp_path / f"trayd-export-{number}.focus.csv"
        path.touch()
        os.utime(path, (number, number))
    found = kept_reports(tmp_path)
    assert (len(found.files), found.more) == (200, 30)
    assert found.files[0] == KeptReport("trayd-export-229.focus.csv", datetime.fromtimestamp(229, UTC), 0)
    assert not found.files[0].is_page


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.html", "text/html"),
        ("A.HTML", "text/html"),
        ("a.csv", "text/csv"),
        ("a.focus.csv", "text/csv"),
        ("a.json", "application/json"),
        ("a.journal", "text/plain"),
        ("a.tsv", "text/tab-separated-values"),
        ("a.htm", None),
        ("a.svg", None),
        ("html", None),
    ],
)
def test_reports_and_exports_are_known_by_their_names(name: str, kind: str | None) -> None:
    assert media_type(name) == kind
