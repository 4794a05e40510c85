"""The columns of a table while fields are chosen for them, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from trayd.intake.column_profile import ColumnProfile, by_profile
from trayd.intake.columns import Heading, comparable
from trayd.intake.rejection import RefusedError, Rejection, shown

#: The fields that a person can name a column for.
FIELDS = (
    "date", "description", "amount", "currency", "category", "source", "client", "project", "deliverable", "type",
    "note", "debit", "credit", "indicator", "status", "balance",
)  # fmt: skip

_SHOWN_COLUMNS = 30


class Columns:
    """All columns; what is taken for one field is not looked at for the next.

    Attributes:
        fields: the column of each field that is chosen.
        named: the columns that a person or a known source has named, by field.
    """

    def __init__(
        self, headings: Sequence[Heading], profiles: Sequence[ColumnProfile], named: Mapping[str, str]
    ) -> None:
        self.headings = tuple(map(by_profile, headings, profiles))
        self.profiles = profiles
        self.fields: dict[str, int] = {}
        self.named = {field: self._named(field, name) for field, name in named.items()}
        self._taken: set[int] = set(self.named.values())

    def _named(self, field: str, name: str) -> int:
        if field not in FIELDS:
            cure = f"name one of {', '.join(FIELDS)}"
            raise RefusedError(Rejection(problem=f'"{shown(field)}" is no field that a column can have', cure=cure))
        wanted = comparable(name)
        exactly = (heading.position for heading in self.headings if heading.name == name.strip())
        alike = (heading.position for heading in self.headings if comparable(heading.name) == wanted)
        for position in (*exactly, *alike):
            return position
        if name.isdigit() and 0 < int(name) <= len(self.headings):
            return int(name) - 1
        there = ", ".join(f'"{shown(heading.name)}"' for heading in self.headings[:_SHOWN_COLUMNS])
        problem = f'there is no column "{shown(name)}" for the {field}; its columns are {there}'
        raise RefusedError(Rejection(problem=problem, cure="name one of these, or its number counted from 1"))

    def free(self) -> list[Heading]:
        """The columns that no field has yet."""
        return [heading for heading in self.headings if heading.position not in self._taken]

    def called(self, *fields: str, holding: Callable[[ColumnProfile], object] | None = None) -> list[Heading]:
        """The free columns whose names say so and that hold that, the best first."""
        fitting = [
            heading
            for heading in self.free()
            if heading.field in fields and (holding is None or holding(self.profiles[heading.position]))
        ]
        return sorted(fitting, key=rank)

    def take(self, field: str, position: int) -> None:
        """Chooses a column for a field."""
        self.fields[field] = position
        self._taken.add(position)

    def take_named(self, *fields: str) -> None:
        """Chooses the columns that were named for these fields."""
        for field in fields:
            if field in self.named and field not in self.fields:
                self.take(field, self.named[field])


def rank(heading: Heading) -> int:
    """How well a column's name fits its field; the lowest fits best."""
    return heading.meaning.rank if heading.meaning else 0


def is_sure(heading: Heading) -> bool:
    """Whether the whole name is known."""
    return heading.meaning is not None and heading.meaning.sure
