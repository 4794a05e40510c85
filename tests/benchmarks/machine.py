"""The machine in words: what a figure depends on, and nothing that names the machine."""

from __future__ import annotations

import os
import platform
import sqlite3
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("tinydb", "msgspec", "orjson", "watchdog", "httpx")


def today() -> str:
    """The date (UTC)."""
    return f"{datetime.now(UTC):%Y-%m-%d}"


def machine() -> list[str]:
    """Lines of Markdown."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return [
        f"{_cpu()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, {_file_system()};",
        f"{system}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}.",
        f"Load average at the end: {load:.1f}.",
    ]


def _cpu() -> str:
    for line in _read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system() -> str:
    here = os.stat(tempfile.gettempdir()).st_dev  # noqa: PTH116 - the device's number is all that is asked for
    wanted = f"{os.major(here)}:{os.minor(here)}"
    for line in _read("/proc/self/mountinfo").splitlines():
        fields = line.split()
        if fields[2] == wanted:
            return fields[fields.index("-") + 1]
    return "an unknown file system"


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
