"""What of a file is not taken in, and how a person is told: the file, the line, the column, what is wrong, the cure."""

from __future__ import annotations

import msgspec

from trayd.errors import IntakeError

#: The cure where nothing better is known.
CORRECT_IT = "correct it and try again"

_SHOWN_CHARACTERS = 60

# Where Python puts bytes of a file name that it cannot decode (PEP 383).
_UNDECODABLE = range(0xDC80, 0xDD00)


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in a file that cannot be recorded.

    Attributes:
        line: the line it begins on, counted from 1; None where it is about the file as a whole.
        column: the column of a table or the field of an event, as the file spells it.
        value: what stands there, shortened.
        problem: what is wrong with it; ``cure`` what to do, as an imperative.
    """

    line: int | None = None
    column: str | None = None
    value: str | None = None
    problem: str
    cure: str = CORRECT_IT

    @property
    def reason(self) -> str:
        """Problem and cure in one sentence."""
        return f"{self.problem}; {self.cure}"

    def text(self, file: str) -> str:
        """The whole message: ``costs.csv line 14: "12.5O" is not an amount (column "amount"); correct it …``."""
        where = file if self.line is None else f"{file} line {self.line}"
        column = f' (column "{self.column}")' if self.column else ""
        return f"{where}: {self.problem}{column}; {self.cure}"


class RefusedError(IntakeError):
    """A row, an event or a whole file cannot be recorded; whoever reads it decides how far that reaches."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.problem, rejection.cure)
        self.rejection = rejection


def printable(text: str) -> str:
    """The text with what cannot be printed escaped: also bytes of a file name that are not UTF-8."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def shown(text: str) -> str:
    """The text as a message may quote it: printable, on one line and not long."""
    plain = printable(text)
    return plain if len(plain) <= _SHOWN_CHARACTERS else f"{plain[: _SHOWN_CHARACTERS - 1]}…"


def _escaped(character: str) -> str:
    code = ord(character)
    if code in _UNDECODABLE:
        return f"\\x{code - _UNDECODABLE.start + 0x80:02x}"
    return character.encode("unicode_escape").decode("ascii")
