"""Which delimiter and which quotes a text uses: every answer that makes any sense, the likeliest first.

Nothing is known here of what the rows mean. Whoever knows tries the answers in turn, so that a wrong first one costs
time and no row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import msgspec

from trayd.intake.delimited import DELIMITERS, Dialect, is_sound, read_rows, separator_line
from trayd.intake.rejection import RefusedError

_SAMPLE_LINES = 2000
_SAMPLE_CHARACTERS = 1 << 19

# The share of rows that has to be in single quotes for these to be quotes.
_SINGLE_QUOTED = 0.5


def dialects_of(lines: Iterable[str]) -> list[Dialect]:
    """The dialects in which the beginning of a text makes sense; never none.

    Args:
        lines: with their ends.
    """
    sample = _Sample.of(lines)
    named = separator_line(sample.lines[0]) if sample.lines else ""
    delimiters = [named] if named else [delimiter for delimiter in DELIMITERS if sample.has(delimiter)]
    trials = [_trial(sample, _quoting(sample, delimiter)) for delimiter in delimiters]
    sensible = [trial for trial in trials if trial.score or named]
    sensible.sort(key=lambda trial: (trial.broken, -trial.score))
    return [trial.dialect for trial in sensible] or [Dialect(delimiter="", width=1)]


class _Sample(msgspec.Struct, frozen=True):
    """The first lines of a text, and whether these are all."""

    lines: tuple[str, ...]
    whole: bool

    @classmethod
    def of(cls, lines: Iterable[str]) -> _Sample:
        taken: list[str] = []
        room = _SAMPLE_CHARACTERS
        for line in lines:
            if len(taken) == _SAMPLE_LINES or (taken and len(line) > room):
                return cls(tuple(taken), whole=False)
            taken.append(line)
            room -= len(line)
        return cls(tuple(taken), whole=True)

    def has(self, text: str) -> bool:
        return any(text in line for line in self.lines)


class _Trial(msgspec.Struct, frozen=True):
    """What became of the sample in one dialect.

    Attributes:
        score: up to 1: how many rows are alike, and how wide they are. Two cells come about by chance, in every row
            with one decimal comma; eight do not.
        broken: whether reading ended early, at quotes that make no sense.
    """

    dialect: Dialect
    score: float
    broken: bool


def _quoting(sample: _Sample, delimiter: str) -> Dialect:
    plain = Dialect(delimiter=delimiter)
    if not sample.has('"'):
        single = Dialect(delimiter=delimiter, quote="'")
        cell = re.compile(rf"(?:^|{re.escape(delimiter)}) *'[^']*' *(?:{re.escape(delimiter)}|$)")
        quoted = sum(cell.search(line.rstrip()) is not None for line in sample.lines)
        if quoted >= _SINGLE_QUOTED * len(sample.lines) and is_sound(sample.lines, single):
            return single
    elif sample.has('\\"') and not is_sound(sample.lines, plain):
        escaped = Dialect(delimiter=delimiter, escape="\\")
        if is_sound(sample.lines, escaped):
            return escaped
    return plain


def _trial(sample: _Sample, dialect: Dialect) -> _Trial:
    widths: Counter[int] = Counter()
    broken = False
    try:
        for row in read_rows(sample.lines, dialect):
            if not row.blank:
                widths[len(row.cells)] += 1
    except RefusedError as error:
        # Near the end of a sample that was cut off, the end of a quoted cell may only be missing.
        broken = sample.whole or (error.rejection.line or 0) <= len(sample.lines) // 2
    rows = widths.total()
    scores = {width: count / rows * (1 - 1 / width) for width, count in widths.items()}
    width = max(scores, key=scores.__getitem__, default=0)
    return _Trial(msgspec.structs.replace(dialect, width=width), scores.get(width, 0), broken)
