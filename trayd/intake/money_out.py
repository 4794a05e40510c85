"""What a row cost: which way its money went, by the sign or by the columns and marks that tell.

The result is the amount as a cost: above zero what was spent, below zero what came back of it.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from trayd.intake.amounts import Marker
from trayd.intake.layout import Layout
from trayd.intake.readings import read_as
from trayd.intake.said import Said, direction_of
from trayd.intake.signs import NEGATIVE, POSITIVE, Signs
from trayd.intake.survey import Entry
from trayd.intake.understanding import Spending


class Directions(msgspec.Struct, frozen=True, kw_only=True):
    """How a file tells which way money went.

    Attributes:
        spending: the sign of what was spent, where only the sign tells.
        marked: whether amounts carry ``CR`` or ``DR``.
        negative_out: whether what stands in the column of money out, or in rows that a column marks so, is below zero.
        unmarked: where a column tells only of rows that went one way, the way of all others.
        one_sided: whether all amounts have one sign, so that only words tell of a refund.
    """

    spending: Spending = POSITIVE
    marked: bool = False
    negative_out: bool = False
    unmarked: Marker | None = None
    one_sided: bool = False

    def way(self, told: str) -> Marker | None:
        """Which way the indicator's cell says that the money went; None where that is not known."""
        return direction_of(told) if told else self.unmarked

    @staticmethod
    def always_below_zero(signs: Signs) -> bool:
        """Whether no amount is above zero."""
        return signs.sides(*Said) == {NEGATIVE}


def spent(entry: Entry, layout: Layout, directions: Directions, styles: frozenset[str]) -> Decimal | None:
    """What a row took from the account, below zero what it brought in; None where no amount can be read.

    Args:
        entry: the row.
        layout: its columns.
        directions: how the file tells the way of money.
        styles: how amounts are written.
    """
    value = read_as(entry.amount.readings, styles)
    if "credit" in layout.fields and not value:
        brought = read_as(entry.credit.readings, styles)
        return brought.copy_abs().copy_negate() if brought else (brought if value is None else value)
    if value is None:
        return None
    told = directions.way(layout.cell(entry.row, "indicator"))
    if "debit" not in layout.fields and directions.marked:
        told = entry.amount.marker or Marker.DEBIT
    if told is Marker.CREDIT:
        return value.copy_abs().copy_negate()
    below = directions.negative_out if told or "debit" in layout.fields else directions.spending == NEGATIVE
    return value.copy_negate() if below else value
