"""The rule about scheduled reports: whether those that are due can be made. That one was made is an event."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from trayd.alert_settings import Alerts
from trayd.alerts.rules.finding import Finding, Step, ending, open_episodes
from trayd.alerts.rules.observed import Observed

#: The level of reports that cannot be made.
REFUSED = "refused"


class ReportsRefused(msgspec.Struct, frozen=True):
    """The reports of a schedule cannot be made; ``problem`` says why, with the cure."""

    schedule: str
    problem: str


def report(observed: Observed, _limits: Alerts) -> Iterator[Finding]:
    """Reports that are due cannot be made: their folder is missing or full, a picture is not there."""
    if observed.reports is None:
        return
    for schedule, problem in observed.reports.items():
        refused = bool(problem)
        steps = (Step(REFUSED, reached=refused, held=refused),)
        yield Finding(rule="report", scope=schedule, subject=ReportsRefused(schedule, problem), steps=steps)
    for episode in open_episodes(observed, "report"):
        if episode.scope not in observed.reports:
            yield ending(episode)
