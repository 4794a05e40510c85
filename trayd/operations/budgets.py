"""How budgets stand, as a person asks for it: with what is wrong with what they are for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trayd.budget_settings import SCOPES, Budget
from trayd.insight.budgets import BudgetStatus, scope_of
from trayd.operations.known_names import KnownNames

if TYPE_CHECKING:
    from trayd.forecasting.inputs import LedgerContext


class ListedBudget(BudgetStatus, frozen=True, kw_only=True):
    """How a budget stands.

    Attributes:
        account_called: what the account is called that it is for; None where it is for no one account.
        trouble: why it can never warn, in words: nothing recorded is of what it is for; empty where something is.
    """

    account_called: str | None = None
    trouble: str = ""


def listed_budgets(context: LedgerContext, budgets: Iterable[BudgetStatus]) -> list[ListedBudget]:
    """How budgets stand, with their trouble.

    Args:
        context: gives the ledger and the settings.
        budgets: how each stands.
    """
    known = KnownNames(context)
    return [
        ListedBudget(
            **{name: getattr(each, name) for name in each.__struct_fields__},
            account_called=known.account_called(each.budget.account),
            trouble=_trouble(each.budget, known, context),
        )
        for each in budgets
    ]


def _trouble(budget: Budget, known: KnownNames, context: LedgerContext) -> str:
    scopes = [(scope, name) for scope in SCOPES if (name := getattr(budget, scope)) is not None]
    for scope, name in scopes:
        if trouble := known.trouble(scope, name):
            return trouble
    zone = context.settings.zone()
    if len(scopes) > 1 and not any(each.records for each in context.books.sums(scope_of(budget), zone=zone)):
        return "nothing recorded is of all that it is for together"
    return ""
