"""Where a cost's description comes from.

By names alone, and in the same order for every file, so that a row has the same description, and with it the same id,
in every export it is in: a description; who was paid and what for; what was used; the bank's text; whatever else has
words in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trayd.intake.column_profile import ColumnProfile
from trayd.intake.columns import Heading

# Of what was used so many columns are said: product, plan and model, and not the region that it ran in.
_USED_COLUMNS = 3

# Fields that say something of a row and can still be what describes it.
_SHARED = frozenset({"status", "kind", "debit"})

# Called "Expense" or "Ausgabe", a column can tell what was paid for as well as how much.
_MONEY = frozenset({"amount", "debit", "list_price", "net", "gross"})


def wording(
    headings: Sequence[Heading], columns: Sequence[ColumnProfile], fields: Mapping[str, int], dates: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    """The groups of columns that descriptions are made of; the first in which a row says something is meant.

    Args:
        headings: all columns.
        columns: what they hold.
        fields: the columns that are taken for fields.
        dates: those that are dates.
    """
    taken = {position for field, position in fields.items() if field not in _SHARED} | set(dates)

    def called(*names: str) -> list[Heading]:
        free = [each for each in headings if each.field in names and each.position not in taken]
        return sorted(free, key=lambda each: (_rank(each), each.position))

    described, kinds = called("description"), called("kind_of_transaction", "type")
    payees = _positions(called("payee"))
    purposes = _positions([each for each in called("purpose") if _rank(each) == 0])
    references = _positions([each for each in called("purpose") if _rank(each) > 0])
    texts = [each.position for each in kinds if each.field != "type" and _rank(each) == 0]
    unknown = [
        each.position
        for each in headings
        if each.position not in taken
        and columns[each.position].has_words
        and (not each.field or (each.field in _MONEY and not columns[each.position].amounts))
    ]
    groups = [
        *((each.position,) for each in described if each.meaning and each.meaning.sure),
        (*payees[:1], *(purposes or references if payees else purposes)[:1]),
        *((position,) for position in (*payees[1:], *purposes[1:])),
        *((each.position,) for each in described if each.meaning and not each.meaning.sure),
        tuple(_positions(called("product"))[:_USED_COLUMNS]),
        *((position,) for position in texts),
    ]
    if not any(groups) and "source" in fields:
        groups.append((fields["source"],))
    groups.extend((position,) for position in unknown)
    if "note" in fields:
        groups.append((fields["note"],))
    groups.extend((each.position,) for each in kinds if each.position not in texts)
    if not any(groups) and "category" in fields:
        groups.append((fields["category"],))
    groups.extend((position,) for position in references)
    return tuple(group for group in groups if group)


def _rank(heading: Heading) -> int:
    return heading.meaning.rank if heading.meaning else 0


def _positions(headings: Sequence[Heading]) -> list[int]:
    return [heading.position for heading in headings]
