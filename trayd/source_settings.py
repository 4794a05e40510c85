"""``[[source]]`` in the settings: how the exports of a tool or a bank are read, as a person has said it once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trayd.money import is_currency

#: What the settings of a source can be that are one of a few words.
CHOICES = {
    "date_order": ("dmy", "mdy", "ymd"),
    "decimal": ("point", "comma"),
    "spending": ("positive", "negative"),
}

_LONGEST_NAME = 64


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The exports of one tool or bank.

    Attributes:
        name: what it is called; its costs bear this name.
        header: the names of the columns of its files, all of them. Empty where the name is that of a source that trayd
            knows by itself: the rest is then said of that one.
        columns: the column that is meant, by field: ``{ amount = "Net" }``.
        date_order: day, month or year first: dmy, mdy or ymd.
        decimal: whether the point or the comma divides whole units from their parts.
        currency: the ISO 4217 code of amounts that tell none.
        spending: whether money that was spent stands above or below zero.
    """

    name: str
    header: tuple[str, ...] = ()
    columns: dict[str, str] = {}
    date_order: str | None = None
    decimal: str | None = None
    currency: str | None = None
    spending: str | None = None

    def __post_init__(self) -> None:
        if not self.name.strip() or self.name != self.name.strip() or len(self.name) > _LONGEST_NAME:
            raise ValueError(
                f"source: {self.name!r} cannot be a name; "
                f"take 1 to {_LONGEST_NAME} characters without a space at an end"
            )
        told = f"source {self.name!r}"
        if not all(name.strip() for name in self.header):
            raise ValueError(f"{told}: header has an empty name; leave it out")
        for field, column in self.columns.items():
            if not field.strip() or not column.strip():
                raise ValueError(f"{told}: columns are written field = name of the column, such as amount = 'Net'")
        for setting, choices in CHOICES.items():
            value = getattr(self, setting)
            if value is not None and value not in choices:
                raise ValueError(f"{told}: there is no {setting} {value!r}; take {' or '.join(choices)}")
        if self.currency is not None and not is_currency(self.currency):
            raise ValueError(f"{told}: currency {self.currency!r} is no ISO 4217 code such as USD or EUR")


def check_sources(sources: Sequence[Source]) -> None:
    """Looks whether no two entries are about the same files.

    Raises:
        ValueError: two are.
    """
    seen: set[tuple[str, frozenset[str]]] = set()
    for source in sources:
        of = (source.name if not source.header else "", frozenset(map(str.casefold, source.header)))
        if of in seen:
            raise ValueError(f"source {source.name!r}: there are two entries for the same files; leave one of them out")
        seen.add(of)
