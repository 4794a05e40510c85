"""The commands that messages tell: what a person types to settle how a file is read."""

from __future__ import annotations

import shlex


def import_with(file: str, *options: str) -> str:
    """``trayd import`` of that file with these options, as they are typed into a shell.

    What is named behind an equals sign is quoted by itself, as people write it: ``amount='Net total'``.
    """
    return " ".join(("trayd import", *map(_quoted, options), shlex.quote(file)))


def _quoted(option: str) -> str:
    before, equals, name = option.partition("=")
    return f"{before}={shlex.quote(name)}" if equals else shlex.quote(option)
