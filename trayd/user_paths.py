"""Paths as a person writes them, in the settings and in the environment."""

from __future__ import annotations

from pathlib import Path


def user_path(text: str) -> Path:
    """The path, with ``~`` as the user's own folder and ``~ada`` as that of another one.

    Raises:
        ValueError: this computer has no such user.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(
            f"{text!r} begins with the folder of a user whom this computer does not have; write the path from / on"
        ) from None
