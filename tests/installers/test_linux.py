from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from configparser import RawConfigParser
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("these installers are for Linux", allow_module_level=True)

ROOT = Path(__file__).parents[2]
LINUX = ROOT / "installers" / "linux"


def a_wheel(folder: Path, *, command: bool = True) -> Path:
    """A wheel like trayd's, without its dependencies, so that nothing is fetched."""
    wheel = folder / "trayd-0.0.1-py3-none-any.whl"
    info = "trayd-0.0.1.dist-info"
    files = {
        "trayd_stand_in.py": "def main():\n    print('it runs')\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: trayd\nVersion: 0.0.1\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ntrayd = trayd_stand_in:main\n" if command else "",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)
    return wheel


@pytest.fixture
def home(tmp_path: Path) -> Path:
    # A space in it, since people have such names.
    folder = tmp_path / "home of Åsa"
    folder.mkdir()
    return folder


def run(script: str, home: Path, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    env |= {"HOME": str(home), "PYTHON": sys.executable, "PIP_NO_INDEX": "1"} | changed
    return subprocess.run(
        ["sh", str(LINUX / script), *arguments], env=env, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_person_without_root_installs_runs_and_uninstalls_it(home: Path, tmp_path: Path) -> None:
    installed = run("install.sh", home, str(a_wheel(tmp_path)))

    assert installed.returncode == 0, installed.stderr
    assert "is not on your PATH yet" in installed.stdout
    command, share = home / ".local/bin/trayd", home / ".local/share"
    assert subprocess.run([command], capture_output=True, text=True, check=True).stdout == "it runs\n"

    entry = share / "applications/trayd.desktop"
    validated = subprocess.run(["desktop-file-validate", entry], capture_output=True, text=True, check=False)
    assert (validated.returncode, validated.stdout) == (0, "")
    parsed = RawConfigParser()
    parsed.read(entry)
    assert parsed["Desktop Entry"]["Exec"] == f'"{command}" run'
    assert parsed["Desktop Entry"]["TryExec"] == str(command)
    assert parsed["Desktop Action refresh"]["Exec"] == f'"{command}" refresh'
    icons = {icon.relative_to(share / "icons/hicolor") for icon in share.glob("icons/hicolor/*/apps/trayd.*")}
    assert {Path("48x48/apps/trayd.png"), Path("scalable/apps/trayd.svg")} <= icons

    (share / "trayd/ledger").mkdir()
    taken_back = run("uninstall.sh", home)

    assert taken_back.returncode == 0, taken_back.stderr
    assert "Your history stays" in taken_back.stdout
    left = {path.relative_to(share) for path in share.rglob("*") if not path.is_dir() or path.name == "ledger"}
    assert {path for path in left if "cache" not in path.name} == {Path("trayd/ledger")}
    assert not command.is_symlink()


def test_installing_again_brings_it_up_to_date(home: Path, tmp_path: Path) -> None:
    wheel = str(a_wheel(tmp_path))
    run("install.sh", home, wheel)

    again = run("install.sh", home, wheel, PATH=f"{home}/.local/bin:{os.environ['PATH']}")

    assert again.returncode == 0, again.stderr
    assert "PATH" not in again.stdout


def test_another_programs_command_is_not_replaced(home: Path, tmp_path: Path) -> None:
    other = home / ".local/bin/trayd"
    other.parent.mkdir(parents=True)
    other.write_text("something else")

    refused = run("install.sh", home, str(a_wheel(tmp_path)))

    assert refused.returncode == 1
    assert "is another program's; move it away" in refused.stderr
    assert other.read_text() == "something else"
    assert not (home / ".local/share").exists()


@pytest.mark.parametrize(
    ("arguments", "changed", "reason"),
    [
        (["/nowhere/trayd.whl"], {}, "/nowhere/trayd.whl is not there"),
        ([], {"PYTHON": "no-such-python"}, "there is no no-such-python"),
    ],
)
def test_what_cannot_be_installed_is_refused_with_the_reason_before_anything_is_touched(
    home: Path, arguments: list[str], changed: dict[str, str], reason: str
) -> None:
    refused = run("install.sh", home, *arguments, **changed)

    assert refused.returncode == 1
    assert reason in refused.stderr
    assert list(home.iterdir()) == []


def test_a_package_without_the_command_is_refused(home: Path, tmp_path: Path) -> None:
    refused = run("install.sh", home, str(a_wheel(tmp_path, command=False)))

    assert refused.returncode == 1
    assert "brought no trayd command" in refused.stderr
    assert not (home / ".local/bin/trayd").is_symlink()


def test_the_desktop_entry_in_the_checkout_is_valid() -> None:
    checked = subprocess.run(
        ["desktop-file-validate", LINUX / "trayd.desktop"], capture_output=True, text=True, check=False
    )

    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("script", sorted(path.name for path in LINUX.glob("*.sh")))
def test_the_scripts_are_clean_posix_shell(script: str) -> None:
    checked = subprocess.run(["shellcheck", "-s", "sh", LINUX / script], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout


def test_the_icons_in_the_checkout_are_those_that_the_program_draws() -> None:
    from PIL import Image, ImageChops

    from trayd.tray.icon import APP_LOOK, draw

    for path in (ROOT / "assets/icons/hicolor").glob("*/apps/trayd.png"):
        size = int(path.parts[-3].split("x")[0])
        with Image.open(path) as picture:
            assert ImageChops.difference(picture.convert("RGBA"), draw(APP_LOOK, size)).getbbox() is None, path
