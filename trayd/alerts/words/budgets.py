"""The words about budgets."""

from __future__ import annotations

from decimal import Decimal

from trayd.alerts.rules.budgets import BudgetExpected, BudgetSpent
from trayd.alerts.words.writing import TITLE, Saying, Words, Writer, listed, name, options_of, scope_of, sentences
from trayd.records import Urgency

_ALL_OF_IT = 100


def spent(found: BudgetSpent, saying: Saying) -> Words:
    """So much of a budget is spent."""
    write, status = saying.write, found.status
    share = write.percent(status.share)
    whole = Decimal(saying.finding.steps[saying.step].level) >= _ALL_OF_IT
    verb = "was" if found.over else "is"
    amounts = f"{write.money(status.spent)} of {write.money(status.limit)} ({share})"
    return Words(
        _title(found, f": {share} spent"),
        sentences(
            f"{amounts} {verb} spent {_where(found, write)}.",
            _missing(found, write),
            _outlook(found, write),
            last=_cure(found),
        ),
        Urgency.CRITICAL if whole else Urgency.NORMAL,
    )


def expected(found: BudgetExpected, saying: Saying) -> Words:
    """A budget is expected to be spent."""
    write, status = saying.write, found.status
    if status.expected is None or status.expected_share is None:
        return Words(_title(found, ""), "")
    share = write.percent(status.expected_share)
    span = ""
    if status.low is not None and status.high is not None:
        span = f"It lies between {write.money(status.low)} and {write.money(status.high)}, most likely."
    return Words(
        _title(found, f": {share} expected"),
        sentences(
            f"About {write.money(status.expected)} of {write.money(status.limit)} will be spent "
            f"{_where(found, write)}, if it goes on like this.",
            f"So far it is {write.money(status.spent)}.",
            span,
            _missing(found, write),
            last=_cure(found),
        ),
    )


def _title(found: BudgetSpent, end: str) -> str:
    budget = found.status.budget.name
    return f"Budget “{name(budget, TITLE - len('Budget “”') - len(end))}”{end}"


def _where(found: BudgetSpent, write: Writer) -> str:
    """For what, and in which time."""
    of, today = found.status.budget, found.today
    scope = scope_of(of)
    if found.days is None:
        return scope
    first, last = found.days
    match of.period:
        case "day":
            when = f"on {write.day(first, today)}"
        case "week":
            when = f"from {write.day(first, today)} to {write.day(last, today)}"
        case _:
            when = f"in {write.month(first, today)}"
    return f"{when} {scope}"


def _missing(found: BudgetSpent, write: Writer) -> str:
    status = found.status
    parts = [write.count(status.unpriced, "job without a price", "jobs without a price")] if status.unpriced else []
    parts += [f"{write.money(amount)}, which has no exchange rate" for amount in status.left_out]
    return f"Not in it: {listed(parts)}." if parts else ""


def _outlook(found: BudgetSpent, write: Writer) -> str:
    expected = found.status.expected
    if found.over or expected is None or expected.nanos <= found.status.spent.nanos:
        return ""
    return f"About {write.money(expected)} is expected by the end."


def _cure(found: BudgetSpent) -> str:
    of = found.status.budget
    if of.key is not None:
        return "What it went to: `trayd usage --by key`."
    window = "month" if of.period == "month" and not found.over else ""
    if found.days is not None and not window:
        window = "..".join(day.isoformat() for day in found.days)
    window = f" --window {window}" if window else ""
    by = "model" if of.model is None else "project"
    command = f"`trayd usage{window} --by {by}{options_of(of)}`"
    return f"What it went to: {command}." if len(command) <= TITLE * 2 else f"What it went to: `trayd usage --by {by}`."
