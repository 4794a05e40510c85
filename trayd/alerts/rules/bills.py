"""The rule about bills that are off their estimates."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from trayd.alert_settings import Alerts
from trayd.alerts.rules.finding import About, Finding, Step, ending, open_episodes
from trayd.alerts.rules.jobs import LIMIT_CURRENCY, news
from trayd.alerts.rules.observed import Observed
from trayd.money import NANOS_PER_UNIT, Money

# Bills come in one by one, and the average moves with each. It counts as right again when it misses the limits by this.
_HELD = Decimal("0.8")

_PERCENT = 100


class EstimateOff(msgspec.Struct, frozen=True, kw_only=True):
    """What a model was billed for in the last 24 hours, and what had been estimated for the same jobs."""

    model: str
    jobs: int
    estimated: Money
    actual: Money

    @property
    def gap(self) -> int:
        """By how many nanos the bills are more than the estimates."""
        return self.actual.nanos - self.estimated.nanos


def estimate(observed: Observed, limits: Alerts) -> Iterator[Finding]:
    """What fal billed for a model in the last 24 hours is off its estimates, by a share and by an amount.

    Jobs without an estimate or without a bill say nothing, and neither do those of before trayd was set up. An episode
    ends when the bills are right again, and when there were none for a day.
    """
    if observed.generations is None:
        return
    found = set()
    for endpoint_id, off in _compared(observed).items():
        finding = _finding(endpoint_id, off, limits)
        found.add(finding.episode_id)
        yield finding
    for episode in open_episodes(observed, "estimate"):
        if episode.id not in found:
            yield ending(episode)


def _compared(observed: Observed) -> dict[str, EstimateOff]:
    sums: dict[str, EstimateOff] = {}
    for generation in news(observed):
        guess, actual = generation.estimate, generation.actual
        if guess is None or actual is None or guess.amount.currency != LIMIT_CURRENCY:
            continue
        known = sums.get(generation.endpoint_id)
        sums[generation.endpoint_id] = EstimateOff(
            model=generation.display_name or generation.endpoint_id,
            jobs=1 + (known.jobs if known else 0),
            estimated=guess.amount + (known.estimated if known else Money(0)),
            actual=actual + (known.actual if known else Money(0)),
        )
    return sums


def _finding(endpoint_id: str, off: EstimateOff, limits: Alerts) -> Finding:
    steps: tuple[Step, ...] = ()
    if limits.estimate_off_percent:
        level = "over" if off.gap > 0 else "under"
        steps = (Step(level, reached=_is_off(off, limits, Decimal(1)), held=_is_off(off, limits, _HELD)),)
    return Finding(
        rule="estimate", scope=endpoint_id, subject=off, steps=steps, about=About(amount=Money(off.gap, LIMIT_CURRENCY))
    )


def _is_off(off: EstimateOff, limits: Alerts, part: Decimal) -> bool:
    gap = abs(off.gap)
    return (
        gap > 0
        and gap >= limits.estimate_off_amount * NANOS_PER_UNIT * part
        and _PERCENT * gap >= limits.estimate_off_percent * off.estimated.nanos * part
    )
