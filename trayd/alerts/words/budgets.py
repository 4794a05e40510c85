"""The words about budgets."""

from __future__ import annotations

from decimal import Decimal

from trayd.alerts.rules.budgets import BudgetExpected, BudgetSpent
from trayd.alerts.words.writing import (
    TITLE,
    MessageContext,
    Words,
    Writer,
    listed,
    name,
    options_of,
    sentences,
    written_day,
    written_month,
)
from trayd.episodes import Urgency

_ALL_OF_IT = 100


def spent(found: BudgetSpent, context: MessageContext) -> Words:
    """So much of a budget is spent."""
    write, status = context.write, found.status
    share = write.reached(status.share)
    whole = Decimal(context.finding.steps[context.step].level) >= _ALL_OF_IT
    verb = "was" if found.over else "is"
    amounts = f"{write.money(status.spent)} of {write.money(status.limit)} ({share})"
    return Words(
        _title(found, share, "spent"),
        sentences(
            f"{amounts} {verb} spent {_where(found, write)}.",
            _missing(found, write),
            _outlook(found, write),
            last=_cure(found),
        ),
        Urgency.CRITICAL if whole else Urgency.NORMAL,
    )


def expected(found: BudgetExpected, context: MessageContext) -> Words:
    """A budget is expected to be spent."""
    write, status = context.write, found.status
    if status.expected is None or status.expected_share is None:
        return Words("", "")
    share = write.reached(status.expected_share)
    span = ""
    if status.low is not None and status.high is not None:
        span = f"Most likely it ends between {write.money(status.low)} and {write.money(status.high)}."
    return Words(
        _title(found, share, "expected"),
        sentences(
            f"About {write.money(status.expected)} of {write.money(status.limit)} will be spent "
            f"{_where(found, write)}, if it goes on like this.",
            f"So far it is {write.money(status.spent)}.",
            span,
            _missing(found, write),
            last=_cure(found),
        ),
    )


def _title(found: BudgetSpent, share: str, how: str) -> str:
    """The figure first: services cut headlines off at their end."""
    begin, end = f"{share} of budget “", f"” {how}"
    return f"{begin}{name(found.status.budget.name, TITLE - len(begin) - len(end))}{end}"


def _where(found: BudgetSpent, write: Writer) -> str:
    """For what, and in which time."""
    of, today = found.status.budget, found.today
    scope = write.scope_of(of)
    if found.days is None:
        return f"in total {scope}".strip()
    first, last = found.days
    match of.period:
        case "day":
            when = f"on {written_day(first, today)}"
        case "week":
            when = f"from {written_day(first, today)} to {written_day(last, today)}"
        case _:
            when = f"in {written_month(first, today)}"
    return f"{when} {scope}".strip()


def _missing(found: BudgetSpent, write: Writer) -> str:
    status = found.status
    parts = [write.count(status.unpriced, "job without a price", "jobs without a price")] if status.unpriced else []
    if status.left_out:
        amounts = listed([write.money(amount) for amount in status.left_out])
        parts.append(f"{amounts} without an exchange rate")
    return f"Not counted: {', '.join(parts)}." if parts else ""


def _outlook(found: BudgetSpent, write: Writer) -> str:
    expected = found.status.expected
    if found.over or expected is None or expected.nanos <= found.status.spent.nanos:
        return ""
    return f"About {write.money(expected)} is expected by the end."


def _cure(found: BudgetSpent) -> str:
    """What shows the same money, by what it went to; nothing that would show other money."""
    of = found.status.budget
    options = options_of(of)
    command = ""
    if options is not None and found.days is not None:
        window = "..".join(day.isoformat() for day in found.days)
        by = "model" if of.model is None else "project"
        command = f"`trayd usage --window {window} --by {by}{options}`"
    elif options is not None:
        # Of all times.
        command = f"`trayd report{options}`"
    return f"What it went to: {command}." if 0 < len(command) <= 2 * TITLE else "`trayd budgets` shows it."
