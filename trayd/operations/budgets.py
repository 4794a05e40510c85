"""How budgets stand, as a person asks for it: with what is wrong with what they are for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from trayd.budget_settings import SCOPES, Budget
from trayd.insight.budgets import BudgetStatus, scope_of

if TYPE_CHECKING:
    from trayd.forecasting.ground import Asked

_MOST_NAMED = 3

#: What a scope is called in the heading of sums.
_FIELDS = {"client": "client", "project": "project", "model": "endpoint_id", "key": "key"}


class ListedBudget(BudgetStatus, frozen=True, kw_only=True):
    """How a budget stands.

    Attributes:
        trouble: why it can never warn, in words: nothing recorded is of what it is for; empty where something is.
    """

    trouble: str = ""


def listed_budgets(asked: Asked, budgets: Iterable[BudgetStatus]) -> list[ListedBudget]:
    """How budgets stand, with their trouble.

    Args:
        asked: gives the ledger and the settings.
        budgets: how each stands.
    """
    known = _Known(asked)
    return [
        ListedBudget(
            **{name: getattr(each, name) for name in each.__struct_fields__}, trouble=known.trouble(each.budget)
        )
        for each in budgets
    ]


class _Known:
    """What the ledger has records of; each question is asked once."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._zone = asked.settings.zone()
        self._names: dict[str, set[str]] = {}

    def trouble(self, budget: Budget) -> str:
        scopes = [(scope, name) for scope in SCOPES if (name := getattr(budget, scope)) is not None]
        for scope, name in scopes:
            known = self._of(scope)
            under = name.rstrip("/") + "/"
            if name not in known and not (scope == "model" and any(each.startswith(under) for each in known)):
                return f"nothing recorded has the {scope} “{name}”{_instead(name, known)}"
        asked = self._asked
        if len(scopes) > 1 and not any(each.records for each in asked.books.sums(scope_of(budget), zone=self._zone)):
            return "nothing recorded is of all that it is for together"
        return ""

    def _of(self, scope: str) -> set[str]:
        if scope not in self._names:
            self._names[scope] = set(self._accounts() if scope == "account" else self._recorded(_FIELDS[scope]))
        return self._names[scope]

    def _accounts(self) -> Iterable[str]:
        yield from self._asked.names
        for name, fact in self._asked.ledger.accounts().items():
            yield from (name, fact.username or name)

    def _recorded(self, field: str) -> Iterable[str]:
        headings = (each.heading for each in self._asked.books.sums(zone=self._zone, by=(field,)))
        return (name for heading in headings if (name := getattr(heading, field)))


def _instead(name: str, known: Collection[str]) -> str:
    """What a person may have meant, the likeliest first."""
    if not known:
        return ""
    begun = sorted(each for each in known if each.startswith(name))
    near = (begun or get_close_matches(name, known) or sorted(known))[:_MOST_NAMED]
    more = "" if len(near) == len(known) else ", …"
    return f"; known: {', '.join(near)}{more}"
