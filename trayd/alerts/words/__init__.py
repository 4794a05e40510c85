"""What a warning says: what, how much, for which project, and what to do. And what can be done with one click.

The first sentence has the figure, the last one the cure: a command or a place to click. Windows shows 255 characters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trayd.alert_settings import Alerts
from trayd.alerts.rules import BackfillDone, FileRejected, Finding, ReportMade
from trayd.alerts.rules.accounts import NoAnswer
from trayd.alerts.rules.balances import CreditsExpire, RunningOut
from trayd.alerts.rules.bills import EstimateOff
from trayd.alerts.rules.budgets import BudgetExpected, BudgetSpent
from trayd.alerts.rules.days import UnusualDay
from trayd.alerts.rules.jobs import Group
from trayd.alerts.rules.ledger import Damaged, Mended, TotalsDiffer, Unwritable
from trayd.alerts.rules.reports import REFUSED, ReportsRefused
from trayd.alerts.words import balances, budgets, jobs, reports, upkeep
from trayd.alerts.words.writing import TITLE, MessageContext, Words, Writer
from trayd.facts import AccountFact
from trayd.records import BalanceReading, Generation

__all__ = ["TITLE", "Words", "actions_of", "words"]

_SAID: Mapping[type, Callable[[Any, MessageContext], Words]] = {
    BalanceReading: balances.balance,
    RunningOut: balances.running_out,
    CreditsExpire: balances.credits_expire,
    BudgetSpent: budgets.spent,
    BudgetExpected: budgets.expected,
    Generation: jobs.expensive,
    Group: jobs.together,
    UnusualDay: jobs.unusual_day,
    EstimateOff: jobs.estimate_off,
    AccountFact: upkeep.account,
    NoAnswer: upkeep.no_answer,
    Unwritable: upkeep.unwritable,
    Mended: upkeep.mended,
    Damaged: upkeep.damaged,
    TotalsDiffer: upkeep.totals_differ,
    FileRejected: upkeep.rejected,
    BackfillDone: upkeep.history_read,
    ReportMade: reports.made,
    ReportsRefused: reports.refused,
}

_BILLING = ("Add credits", "open:billing")
_DASHBOARD = ("Open dashboard", "open:dashboard")
_REPORT = ("Build report", "report")

_ACTIONS = {
    "balance": (_BILLING, _DASHBOARD),
    "run_out": (_BILLING, _DASHBOARD),
    "expiry": (("Open billing", "open:billing"),),
    "budget": (_DASHBOARD,),
    "budget_forecast": (_DASHBOARD,),
    "expensive": (_DASHBOARD,),
    "together": (_DASHBOARD,),
    "anomaly": (_DASHBOARD,),
    "estimate": (_DASHBOARD,),
    "account": (("Open fal keys", "open:keys"),),
    "file": (("Open drop folder", "open:drop"),),
    "backfill": (_REPORT,),
}


def words(finding: Finding, step: int, limits: Alerts, locale: str, names: Mapping[str, str]) -> Words:
    """The words for a finding that stands at its step of that index; amounts as people of ``locale`` write them.

    ``names`` says what accounts are called.
    """
    return _SAID[type(finding.subject)](finding.subject, MessageContext(finding, step, limits, Writer(locale, names)))


def actions_of(rule: str, level: str, scope: str = "") -> tuple[tuple[str, str], ...]:
    """The buttons of a warning, the likeliest first: what is on it, and the action that it asks for.

    Args:
        rule: its rule.
        level: that it has reached.
        scope: what it is about, where that makes a difference: of a report, which schedule has a folder of its own.
    """
    if (rule, level) == ("account", "locked"):
        return _BILLING, _DASHBOARD
    if rule == "report":
        return () if level == REFUSED else (("Open folder", f"open:reports:{scope.partition('/')[0]}"),)
    return _ACTIONS.get(rule, ())
