"""Costs as they are kept: whether a table could have told them."""

from __future__ import annotations

from trayd.intake.amounts import LARGEST
from trayd.intake.currencies import is_currency
from trayd.intake.dates import YEARS
from trayd.intake.rejection import CORRECT_IT, RefusedError, Rejection, shown
from trayd.intake.sorting import LONGEST_TEXT
from trayd.records import ExternalCost, Kind
from trayd.texts import is_tidy

# A file's name is no text of the cost: it may have any character that file names have.
_TEXTS = ("id", "description", "category", "source", "client", "project", "deliverable", "note")


def check_cost(cost: ExternalCost) -> None:
    """Looks whether a table could have told the cost; an export tells it as it is kept.

    Raises:
        RefusedError: none could.
    """
    if cost.kind is Kind.INTERNAL:
        raise _refused("kind", cost.kind, "is no type of cost", "write external or pool")
    if cost.date.year not in YEARS:
        raise _refused("date", cost.date.isoformat(), "is too far from today")
    if not is_currency(cost.amount.currency):
        raise _refused("currency", cost.amount.currency, "is no currency", "write its ISO 4217 code, such as USD")
    if abs(cost.amount.amount) > LARGEST:
        raise _refused("amount", cost.amount.text(), "has more digits than any real amount")
    for field in _TEXTS:
        text = getattr(cost, field)
        if text is not None and not is_tidy(text):
            raise _refused(field, text, "has characters that no text of a cost has")
    for field in (*_TEXTS, "file"):
        if len(getattr(cost, field) or "") > LONGEST_TEXT:
            raise _refused(field, getattr(cost, field), f"is longer than {LONGEST_TEXT} characters", "shorten it")


def _refused(column: str, value: str, problem: str, cure: str = CORRECT_IT) -> RefusedError:
    return RefusedError(Rejection(column=column, value=shown(value), problem=f'"{shown(value)}" {problem}', cure=cure))
