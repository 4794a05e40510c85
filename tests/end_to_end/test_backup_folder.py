"""The backup folder moves, or a mirror vanishes, and the daemon is killed: what was acknowledged is there."""

from __future__ import annotations

import json
from pathlib import Path

from tests.end_to_end.support import Home, SandboxProcess


def noted(home: Home, record_id: str) -> str | None:
    found = json.loads(home.run("history", "--json", "--limit", "1000").stdout)
    note: str | None = next(record["note"] for record in found if record["id"] == record_id)
    return note


def newest(home: Home) -> str:
    record_id: str = json.loads(home.run("history", "--json", "--limit", "1").stdout)[0]["id"]
    return record_id


def test_the_backup_folder_moves_and_the_daemon_is_killed(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = Home(tmp_path / "trayd", sandbox)
    home.run("refresh")
    record_id = newest(home)
    other = tmp_path / "other disk"
    daemon = home.started("--headless")
    home.run("config", "set", "folders.backup", str(other))
    home.run("tag", record_id, "--note", "said before the kill")
    daemon.kill()
    with home.started("--headless"):
        assert noted(home, record_id) == "said before the kill"
        assert list(other.glob("20*.jsonl"))
        home.run("tag", record_id, "--note", "said after it")
    other.rename(tmp_path / "unplugged")
    assert noted(home, record_id) == "said after it", "it was closed as it should be: nothing was lost"


def test_a_mirror_vanishes_and_the_daemon_is_killed(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = Home(tmp_path / "trayd", sandbox)
    home.run("refresh")
    record_id = newest(home)
    daemon = home.started("--headless")
    for mirror in (home.folder / "backup").glob("*.jsonl"):
        mirror.unlink()
    home.run("tag", record_id, "--note", "said before the kill")
    daemon.kill()
    assert noted(home, record_id) == "said before the kill"
    assert "took" in (home.folder / "log/trayd.log").read_text()
