"""The rule about days on which far more is spent than usual."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import msgspec

from trayd.alert_settings import Alerts, AnomalyLimits
from trayd.alerts.rules.finding import About, Finding, Step, beginning_nothing, but_what_was_told, ending, open_episodes
from trayd.alerts.rules.observed import Observed
from trayd.insight.anomalies import Anomaly, is_material
from trayd.insight.windows import day_start
from trayd.money import Money

#: What a day's spending is the scope of.
SPENDING = "spending"

_UNUSUAL = "unusual"

#: The level of a day whose spending has doubled since it was told.
DOUBLED = "doubled"

_DAY = timedelta(days=1)


class UnusualDay(msgspec.Struct, frozen=True):
    """A day on which far more was spent than usual; ``today`` is the civil day on which this is told."""

    anomaly: Anomaly
    today: date


def anomaly(observed: Observed, limits: Alerts) -> Iterator[Finding]:
    """Far more is spent today than usual, and again when that has doubled since it was told.

    What was told of a day stays so until that is over, whatever bills say of it later; of yesterday only what has
    become known since is told. Days that had begun before trayd was set up are not news, and while a first poll is
    under way no day is.
    """
    if observed.unusual is not None:
        found = _unusual_days(observed, observed.unusual, limits)
        yield from map(beginning_nothing, found) if observed.starting else found


def _unusual_days(observed: Observed, unusual: Iterable[Anomaly], limits: Alerts) -> Iterator[Finding]:
    days = {each.day: each for each in unusual}
    watched = observed.watched_since
    for day in (observed.today, observed.today - _DAY):
        if day in days and watched is not None and day_start(day, observed.zone) >= watched:
            finding = _finding(days[day], observed, limits.anomaly)
            yield finding if day == observed.today else but_what_was_told(finding, observed.episodes)
    over = observed.today.isoformat()
    for episode in open_episodes(observed, "anomaly"):
        if episode.period < over and episode.told is not None:
            yield ending(episode)


def _finding(unusual: Anomaly, observed: Observed, limits: AnomalyLimits) -> Finding:
    finding = Finding(
        rule="anomaly",
        scope=SPENDING,
        period=unusual.day.isoformat(),
        subject=UnusualDay(unusual, observed.today),
        about=About(amount=unusual.cost),
    )
    reached = is_material(unusual, limits)
    steps = [Step(_UNUSUAL, reached=reached, held=True)]
    before = observed.episodes.get(finding.episode_id)
    if before is not None:
        news = before.level != DOUBLED and before.amount is not None and _twice(before.amount, unusual.cost)
        steps.append(Step(DOUBLED, reached=reached and news, held=True))
    return msgspec.structs.replace(finding, steps=tuple(steps))


def _twice(told: Money, cost: Money) -> bool:
    return told.currency == cost.currency and cost.nanos >= 2 * told.nanos
