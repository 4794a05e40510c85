"""The words about jobs: single ones, those submitted together, what fal bills for them, and unusual days."""

from __future__ import annotations

from decimal import Decimal

from trayd.alerts.rules import LIMIT_CURRENCY
from trayd.alerts.rules.bills import EstimateOff
from trayd.alerts.rules.days import DOUBLED, UnusualDay
from trayd.alerts.rules.jobs import Group
from trayd.alerts.words.writing import (
    MessageContext,
    Words,
    Writer,
    clip_to,
    listed,
    name,
    quoted,
    sentences,
    written_day,
)
from trayd.insight.anomalies import Explanation
from trayd.money import Money
from trayd.records import Counting, Generation

_MODELS_NAMED = 2
_WHOLE = 100


def expensive(generation: Generation, context: MessageContext) -> Words:
    """One generation is expensive."""
    write = context.write
    cost = write.money(generation.cost or Money(0))
    limit = write.money(Money.of(context.limits.expensive_generation, LIMIT_CURRENCY))
    model = name(generation.display_name or generation.endpoint_id)
    verb = "cost" if generation.counting is Counting.ACTUAL else "is estimated to have cost"
    tags = (generation.client, generation.project, generation.deliverable)
    return Words(
        f"Expensive generation: {cost}",
        sentences(
            f"{model} {verb} {cost}{_for(tags)}.",
            last=f"Your limit for one is {limit}: look at what submits it, or set alerts.expensive_generation higher.",
        ),
    )


def together(group: Group, context: MessageContext) -> Words:
    """Jobs that were submitted together are expensive."""
    write = context.write
    cost = write.money(group.cost)
    jobs = write.count(group.jobs, "job")
    limit = write.money(Money.of(context.limits.expensive_together, LIMIT_CURRENCY))
    about = "about " if group.estimated else ""
    most = list(group.models.items())[:_MODELS_NAMED]
    models = [f"{write.number(number)} × {name(model, 32)}" for model, number in most]
    if len(group.models) > _MODELS_NAMED:
        models.append("others")
    own = group.own_warning
    return Words(
        f"{'About ' if group.estimated else ''}{cost} for {jobs} submitted together",
        sentences(
            f"{jobs} submitted together cost {about}{cost}{_for(group.tags)}.",
            f"{write.number(own)} of them {'has a warning of its' if own == 1 else 'have warnings of their'} own."
            * (own > 0),
            f"They are {listed(models)}.",
            last=f"Your limit for that is {limit}: look at what submits them, or set alerts.expensive_together higher.",
        ),
    )


def _for(tags: tuple[str | None, ...]) -> str:
    return f" for {quoted(*tags)}" if any(tags) else ""


def unusual_day(found: UnusualDay, context: MessageContext) -> Words:
    """Far more was spent on a day than usual."""
    write, day = context.write, found.anomaly
    cost = write.money(day.cost)
    # It stays on the desktop when the day is over.
    when = f"on {written_day(day.day, found.today)}"
    doubled = context.finding.steps[context.step].level == DOUBLED
    percent = f" ({write.percent(day.percent)})" if day.percent is not None else ""
    title = f"Spending {when} has doubled: {cost}" if doubled else f"Unusual spending {when}: {cost}"
    by = day.explained[0].dimension if day.explained else "model"
    return Words(
        title,
        sentences(
            f"{cost} was spent with fal {when}, {write.money(day.excess)}{percent} more than on a usual day.",
            *(_explained(each, write) for each in day.explained[:1]),
            last=f"What it went to: `trayd usage --window {day.day}..{day.day} --by {by}`.",
        ),
    )


def _explained(explanation: Explanation, write: Writer) -> str:
    share = write.percent(Decimal(str(min(explanation.share, 1.0))) * _WHOLE)
    dimension = explanation.dimension
    if explanation.key is None:
        return f"{share} of that has no {dimension}."
    what = quoted(explanation.key) if dimension in {"project", "client", "key"} else name(explanation.key, 60)
    return f"{share} of that is {dimension} {what}."


def estimate_off(off: EstimateOff, context: MessageContext) -> Words:
    """Bills for a model are off their estimates."""
    write, over = context.write, off.gap > 0
    gap = write.money(Money(abs(off.gap), LIMIT_CURRENCY))
    percent = f" ({write.percent(_WHOLE * abs(off.gap) / off.estimated.nanos)})" if off.estimated.nanos else ""
    return Words(
        clip_to(f"Bills {'over' if over else 'under'} estimates: ", off.model),
        sentences(
            f"fal billed {write.money(off.actual)} for {write.count(off.jobs, 'job')} on {name(off.model)} in 24 "
            f"hours: {gap}{percent} {'more' if over else 'less'} than was estimated.",
            last="Look at what makes the estimates; `trayd reconcile` shows all models.",
        ),
    )
