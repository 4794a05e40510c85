"""A slow reader of docs/alerts.md who watches over trayd's shoulder: what has to be told, what may be, what must not.

It knows nothing of episodes. It has the figures of each look and the notices that came up, and keeps for each limit of
each balance and budget whether it is crossed, and whether the person knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

HOUR = timedelta(hours=1)


class Level(NamedTuple):
    """One limit: whether it is crossed by this figure, and whether this figure is no real recovery from it yet."""

    name: str
    crossed: bool
    kept: bool
    critical: bool


@dataclass(frozen=True)
class Figures:
    """What a look has to go by, from the mildest limit to the gravest; ``late``: its period has just ended."""

    levels: tuple[Level, ...]
    late: bool = False


@dataclass(frozen=True)
class Said:
    """An alert in a notice."""

    key: str
    level: str
    over: bool
    critical: bool
    event: bool = False


@dataclass
class Line:
    """One balance, or one period of one budget.

    Attributes:
        crossed: the limits that are, from the mildest to the gravest; ``known`` those that the person was told of.
        critical: whether the gravest of them is.
        last: the limit that was told last, or at which it ended; 0: none so far.
        held: nobody could be told of it when it was crossed, or at a look since; ``perhaps_held``: several notices went
            out at one time, and nobody can say whether they are one for the limit an hour.
        over: limits that waited, and were over before they could be told, each as often as that was so.
        rests: the limits at which it ended without a recovery (its budget was taken out): should it come back, it goes
            on from there.
        snoozed: until when; ``reminder``: it may be told once more.
    """

    crossed: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    critical: bool = False
    last: Decimal = Decimal(0)
    held: bool = False
    perhaps_held: bool = False
    over: list[str] = field(default_factory=list)
    perhaps_over: list[str] = field(default_factory=list)
    rests: list[str] = field(default_factory=list)
    snoozed: datetime | None = None
    reminder: bool = False

    @property
    def owed(self) -> bool:
        return bool(self.crossed) and self.crossed[-1] not in self.known


class Holding(NamedTuple):
    """What holds notices back: a pause until then, and whether a time is quiet for what is critical, or is not."""

    paused_until: datetime | None
    quiet: Callable[[datetime, bool], bool]

    def holds(self, at: datetime, *, critical: bool) -> bool:
        paused = self.paused_until is not None and at < self.paused_until
        return paused or self.quiet(at, critical)


class Reader:
    """Reads along. Each of its complaints is an AssertionError."""

    def __init__(self, most_per_hour: int) -> None:
        self.most = most_per_hour
        self.lines: dict[str, Line] = {}
        self.events: dict[str, datetime] = {}
        self.told_events: set[str] = set()
        self.notices: list[datetime] = []
        self.usual: list[datetime] = []
        self.clock_was_set = False

    # What is known before the notices come.

    def sees(self, now: datetime, figures: Mapping[str, Figures], events: Iterable[str], holding: Holding) -> None:
        """A look: figures by what they are about, and the ids of jobs that are expensive and no older than a day."""
        crowded = self.is_crowded(now)
        for key in self.lines.keys() | figures.keys():
            line = self.lines.setdefault(key, Line())
            if key in figures:
                self.follow(line, figures[key], now, holding, crowded=crowded)
            else:
                self.end(line, recovered=False)
        for name in events:
            if name not in self.told_events:
                self.events.setdefault(name, now)

    def follow(self, line: Line, figures: Figures, now: datetime, holding: Holding, *, crowded: bool) -> None:
        names = [level.name for level in figures.levels]
        gravest = next((level for level in reversed(figures.levels) if level.crossed), None)
        if figures.late and not line.owed and (gravest is None or Decimal(gravest.name) <= line.last):
            # Of a period that is over only what is graver than what was told last is news.
            line.snoozed = None
            return
        before = line.crossed or line.rests
        stays = [level.name for level in figures.levels if level.kept and level.name in before]
        reached = names[: names.index(gravest.name) + 1] if gravest else []
        # Whoever is over a limit is over all that are milder.
        upto = max([names.index(name) for name in (*stays, *reached)], default=-1)
        crossed = names[: upto + 1]
        if not crossed:
            self.end(line, recovered=True)
            return
        if names.index(crossed[-1]) > max((names.index(name) for name in before if name in names), default=-1):
            line.held = line.perhaps_held = False
            line.snoozed = None
        if line.rests and not line.crossed:
            # It goes on; what waited to be told as over is told as what lasts.
            if line.over and line.over[-1] == line.rests[-1] and line.rests[-1] not in line.known:
                line.over.pop()
            line.rests = []
        line.crossed = crossed
        line.known &= set(crossed)
        line.critical = next(level.critical for level in figures.levels if level.name == crossed[-1])
        line.held |= holding.holds(now, critical=line.critical) or (crowded and not line.critical)
        line.perhaps_held |= self.count(now) >= self.most

    def end(self, line: Line, *, recovered: bool) -> None:
        if recovered:
            line.rests = []
        if not line.crossed:
            if recovered:
                line.known.clear()
            return
        line.last = Decimal(line.crossed[-1])
        waits = line.owed and line.snoozed is None
        if waits and (line.held or line.perhaps_held or self.clock_was_set):
            line.perhaps_over.append(line.crossed[-1])
        if waits and line.held:
            line.over.append(line.crossed[-1])
        if not recovered:
            line.rests = line.crossed if (waits and line.held) or not line.owed else []
        if recovered or line.owed:
            line.known.clear()
        line.crossed = []
        line.snoozed, line.reminder = None, False

    def snoozes(self, key: str, until: datetime) -> None:
        """The person wants to hear of it again then."""
        line = self.lines[key]
        if line.crossed:
            line.snoozed, line.reminder = until, True

    def sets_the_clock(self) -> None:
        """There is no such thing as the last hour any more, and what was quiet by the clock is anybody's guess."""
        self.usual.clear()
        self.clock_was_set = True

    # The notices, and what is still owed after them.

    def hears(self, now: datetime, said: list[Said], *, digest: bool) -> None:
        """One notice; a digest comes after quiet hours or a pause, however many notices there were."""
        self.notices.append(now)
        if not digest and not any(each.critical for each in said):
            self.usual.append(now)
        for each in said:
            if each.event:
                assert each.key in self.events, f"{each.key} is told, and is no news"
                del self.events[each.key]
                self.told_events.add(each.key)
                continue
            line = self.lines[each.key]
            if each.over:
                assert each.level in line.over + line.perhaps_over, (
                    f"{each.key} is told as over at {each.level}; what waits is {line.over!r}"
                )
                for waits in (line.over, line.perhaps_over):
                    if each.level in waits:
                        waits.remove(each.level)
                line.known |= set(line.rests)
                continue
            assert line.crossed, f"{each.key} is told at {each.level}, and is not so"
            assert line.crossed[-1] == each.level, (
                f"{each.key} is told at {each.level}, and stands at {line.crossed[-1]}"
            )
            if each.level in line.known:
                assert line.reminder, f"{each.key} is told again at {each.level}"
            line.known |= set(line.crossed)
            line.last = Decimal(each.level)
            line.reminder, line.snoozed = False, None

    def is_crowded(self, now: datetime) -> bool:
        """Whether the hour is full, however what went out at one time is counted."""
        return len({at for at in self.notices if timedelta(0) <= now - at < HOUR}) >= self.most

    def count(self, now: datetime) -> int:
        """How many notices came up in the last hour."""
        return len([at for at in self.notices if timedelta(0) <= now - at < HOUR])

    def expects_nothing_more(self, now: datetime, holding: Holding) -> None:
        """What could have been told by now was."""
        # The clock stands still within a look: what went out in one is told from the next by nothing else.
        assert len({at for at in self.usual if now - at < HOUR}) <= self.most
        room = self.count(now) < self.most
        free = {
            critical: not holding.holds(now, critical=critical) and (room or critical) for critical in (True, False)
        }
        for key, line in self.lines.items():
            asleep = line.snoozed is not None and line.snoozed > now
            assert not (line.owed and free[line.critical] and not asleep), (
                f"{key} is {line.crossed}, and nobody is told"
            )
            due = line.snoozed is not None and line.snoozed <= now and bool(line.crossed)
            assert not (due and free[line.critical]), f"{key} was to be told again"
            assert not (line.over and free[False]), f"{key} was {line.over} while nobody could be told, and nobody is"
        assert not (self.events and free[False]), f"{self.events} are not told"
