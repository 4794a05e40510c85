"""Where the files that come with trayd are: icons, the schemas of event files and JSON exports."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def asset(name: str) -> Path:
    """The path of a file below ``assets/``: inside the package once installed, beside it in a checkout."""
    installed = _PACKAGE / "_assets"
    return (installed if installed.is_dir() else _PACKAGE.parent / "assets") / name
