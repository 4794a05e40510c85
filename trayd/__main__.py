"""Starts the command line."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """The console script; ends the process with the command's exit code."""
    # The tray brings its own backend; without this, pystray connects to a display when it is imported.
    os.environ.setdefault("PYSTRAY_BACKEND", "dummy")
    if sys.argv[1:] == ["--version"]:
        from trayd import __version__

        print(f"trayd {__version__}")  # noqa: T201  # what was asked for, before anything slow is imported
        return
    from trayd.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
