"""Whatever happens in whatever order, each crossing is told, and none twice.

The rule's hysteresis, quiet hours, pauses, snoozes, the limit of notices an hour, restarts, clocks that are set: all of
it is played at random to the engine and to what decides what goes out, and compared with a plain count of crossings.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trayd.alert_settings import QuietHours
from trayd.alerts.engine import as_told, evaluate, told_times, waiting
from trayd.alerts.grouping import grouped, within_the_hour
from trayd.alerts.holds import Holds
from trayd.alerts.rules import Finding, Step
from trayd.alerts.words import Words
from trayd.episodes import Episode

#: Levels from the mildest to the gravest, with the amount below which each is reached and the one that arms it again.
LEVELS = {"20.00": (20, 22), "5.00": (5, 6), "1.00": (1, 2)}
URGENCY = {"20.00": "normal", "5.00": "normal", "1.00": "critical"}
SCOPES = ("northwind", "contoso", "fabrikam")
AMOUNTS = (0, 1, 3, 5, 8, 19, 21, 24)
MOST_PER_HOUR = 2


class Alerting(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
        self.episodes: dict[str, Episode] = {}
        self.shown: list[datetime] = []
        self.quiet: QuietHours | None = None
        self.paused_until: datetime | None = None
        # The plain count: by scope, which levels are crossed, and of which of these nobody was told yet.
        self.crossed: dict[str, set[str]] = {scope: set() for scope in SCOPES}
        self.untold: dict[str, set[str]] = {scope: set() for scope in SCOPES}
        self.reminders: dict[str, int] = dict.fromkeys(SCOPES, 0)
        self.usual: list[datetime] = []

    @property
    def holds(self) -> Holds:
        return Holds(zone=UTC, quiet=self.quiet, paused_until=self.paused_until)

    @rule(scope=st.sampled_from(SCOPES), amount=st.sampled_from(AMOUNTS), minutes=st.integers(1, 300))
    def poll(self, scope: str, amount: int, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        for level, (below, armed) in LEVELS.items():
            if amount < below and level not in self.crossed[scope]:
                self.crossed[scope].add(level)
                self.untold[scope].add(level)
            elif amount >= armed:
                self.crossed[scope].discard(level)
                self.untold[scope].discard(level)
        steps = tuple(Step(level, amount < below, amount < armed) for level, (below, armed) in LEVELS.items())
        self.look([Finding(rule="balance", scope=scope, subject=None, steps=steps)])

    @rule(minutes=st.integers(1, 900))
    def nothing_can_be_known(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.look([])

    @rule()
    def restart(self) -> None:
        self.episodes = msgspec.json.decode(msgspec.json.encode(self.episodes), type=dict[str, Episode])
        self.shown = within_the_hour(sorted(told_times(self.episodes.values())), self.now)

    @rule(minutes=st.integers(1, 1500))
    def pause(self, minutes: int) -> None:
        self.paused_until = self.now + timedelta(minutes=minutes)

    @rule()
    def resume(self) -> None:
        if self.paused_until is not None:
            self.paused_until = min(self.paused_until, self.now)

    @rule(night=st.sampled_from([None, QuietHours(since="22:00", until="07:00")]))
    def quiet_hours(self, night: QuietHours | None) -> None:
        self.quiet = night

    @rule(scope=st.sampled_from(SCOPES), minutes=st.integers(1, 300))
    def snooze(self, scope: str, minutes: int) -> None:
        episode = self.episodes.get(f"balance:{scope}")
        if episode is not None and episode.resolved is None:
            until = self.now + timedelta(minutes=minutes)
            self.episodes[episode.id] = msgspec.structs.replace(episode, snoozed_until=until)
            self.reminders[scope] += 1

    @rule(minutes=st.integers(-600, 600))
    def set_the_clock(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        # There is no such thing as the last hour any more.
        self.usual.clear()

    @invariant()
    def no_more_than_so_many_an_hour(self) -> None:
        assert len(within_the_hour(self.usual, self.now)) <= MOST_PER_HOUR

    def look(self, found: list[Finding]) -> None:
        decision = evaluate(found, self.episodes, self.now, words, held=self.held)
        self.episodes |= {episode.id: episode for episode in decision.episodes}
        self.deliver()

    def held(self, untold: Episode) -> bool:
        crowded = len(within_the_hour(self.shown, self.now)) >= MOST_PER_HOUR
        return self.holds.held(untold) or (crowded and untold.urgency != "critical")

    def deliver(self) -> None:
        waits = waiting(self.episodes.values(), self.now, self.holds)
        for group in grouped(waits, self.now, self.holds, self.shown, MOST_PER_HOUR):
            self.shown.append(self.now)
            if not group.digest and not any(episode.urgency == "critical" for episode in group.episodes):
                self.usual.append(self.now)
            for episode in group.episodes:
                assert not self.holds.holds(self.now, episode.urgency)
                self.tell(episode)
            # To show one takes some time, by which it is told from the next.
            self.now += timedelta(milliseconds=1)

    def tell(self, episode: Episode) -> None:
        scope, level = episode.scope, episode.level
        if episode.over:
            assert level not in self.crossed[scope]
        elif level in self.untold[scope]:
            graver = list(LEVELS).index(level)
            self.untold[scope] -= set(list(LEVELS)[: graver + 1])
        else:
            # Nothing new: then the person had asked to be reminded, whatever was in between.
            assert self.reminders[scope] > 0
            self.reminders[scope] -= 1
        after = as_told(self.episodes.get(episode.id), episode, self.now)
        if after is not None:
            self.episodes[after.id] = after

    def teardown(self) -> None:
        self.quiet = None
        self.resume()
        for _ in range(8):
            self.now += timedelta(hours=8)
            self.look([])
        assert not any(self.untold.values())


def words(finding: Finding, step: int) -> Words:
    level = finding.steps[step].level
    return Words(f"under {level}", "", URGENCY[level])


TestAlerting = Alerting.TestCase
TestAlerting.settings = hypothesis_settings(max_examples=150, stateful_step_count=40)
