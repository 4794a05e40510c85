"""The rules: what is worth a warning, as pure functions of what was observed and of the limits that the user set.

A rule yields one :class:`Finding` for each scope that it knows something about, also when all is well there. Where it
knows nothing (a failed fetch, a balance that was never read) it yields none, and nothing changes: neither a warning
nor a recovery comes from not knowing. An episode whose period is over, or whose account or budget there is no more,
gets a finding without steps, which ends it without a notice; as do all of a rule that the user has switched off.
"""

from __future__ import annotations

from collections.abc import Mapping

from trayd.alert_settings import Alerts
from trayd.alerts.rules.accounts import account, stale
from trayd.alerts.rules.balances import balance, expiry, run_out
from trayd.alerts.rules.bills import estimate
from trayd.alerts.rules.budgets import budget, budget_forecast
from trayd.alerts.rules.days import anomaly
from trayd.alerts.rules.events import BackfillDone, FileRejected, Happened, ReportMade, event, reports_made
from trayd.alerts.rules.finding import About, Finding, Rule, Step, ending, open_episodes
from trayd.alerts.rules.jobs import EXPENSIVE_WITHIN, LIMIT_CURRENCY, expensive, together
from trayd.alerts.rules.ledger import ledger
from trayd.alerts.rules.observed import Observed, Outage, account_of
from trayd.alerts.rules.reports import report

__all__ = [
    "EXPENSIVE_WITHIN",
    "LIMIT_CURRENCY",
    "RULE_FUNCTIONS",
    "About",
    "BackfillDone",
    "FileRejected",
    "Finding",
    "Happened",
    "Observed",
    "Outage",
    "ReportMade",
    "Step",
    "account_of",
    "event",
    "expensive",
    "findings",
    "reports_made",
    "together",
]

#: The rules that are evaluated after each change of the ledger, by their names; events have none.
RULE_FUNCTIONS: Mapping[str, Rule] = {
    "balance": balance,
    "run_out": run_out,
    "expiry": expiry,
    "budget": budget,
    "budget_forecast": budget_forecast,
    "expensive": expensive,
    "together": together,
    "anomaly": anomaly,
    "estimate": estimate,
    "account": account,
    "stale": stale,
    "ledger": ledger,
    "report": report,
}


def findings(observed: Observed, limits: Alerts) -> list[Finding]:
    """What all rules find; of those that are switched off, that their episodes end."""
    found: list[Finding] = []
    for name, rule in RULE_FUNCTIONS.items():
        if name in limits.off:
            found += map(ending, open_episodes(observed, name))
        else:
            found += rule(observed, limits)
    return found
