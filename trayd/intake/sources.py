"""Exports that are known by their header: ``assets/sources.toml``, and the user's own ``[[source]]``.

A preset gives an export the name of its tool, and says what cannot be worked out from the file. None is needed: what a
preset does not say is worked out as it is for a file that nobody has seen before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from trayd.intake.columns import comparable
from trayd.intake.understanding import DateOrder, DecimalMark, Spending
from trayd.resources import asset


class RowsWith(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows that have one of these values in a column; compared without case and accents.

    Attributes:
        reason: why they are left out, in a few words; where none is told, the value is.
    """

    column: str
    values: tuple[str, ...]
    reason: str = ""


class SourcePreset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A tool's export or a bank's statement.

    Attributes:
        name: the tool or the statement, for people; it is the records' source.
        header: names of columns that must all be there for a header to be this one's.
        alone: no other columns may be there beside those.
        columns: the column of each field, where it cannot be worked out or a person has said so.
        date_order, decimal, currency, spending: as in :class:`~trayd.intake.understanding.Answers`.
        leave_out: rows that cost nothing.
        refund: rows that say in the source's own way that they are refunds.
    """

    name: str
    header: tuple[str, ...]
    alone: bool = False
    columns: dict[str, str] = {}
    date_order: DateOrder | None = None
    decimal: DecimalMark | None = None
    currency: str | None = None
    spending: Spending | None = None
    leave_out: tuple[RowsWith, ...] = ()
    refund: tuple[RowsWith, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: tuple[SourcePreset, ...]


@lru_cache(maxsize=1)
def known_sources() -> tuple[SourcePreset, ...]:
    """The sources that come with trayd."""
    return msgspec.toml.decode(asset("sources.toml").read_bytes(), type=_File).source


def recognise(header: Sequence[str], sources: Iterable[SourcePreset]) -> SourcePreset | None:
    """The source whose names are all in the header; of several the one with the most, then the first."""
    names = {comparable(name) for name in header if name.strip()}
    fitting = [source for source in sources if _fits(source, names)]
    return max(fitting, key=lambda source: len(source.header), default=None)


def _fits(source: SourcePreset, names: set[str]) -> bool:
    wanted = set(map(comparable, source.header))
    return bool(wanted) and (names == wanted if source.alone else names >= wanted)
