"""What is expected of the replay, and how far it is from what came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from tests.alerts.replay.studio import Change, Shown
from trayd.episodes import Episode

HERE = Path(__file__).parent
_QUIET_FROM, _QUIET_UNTIL, _FIRST_LOOK = time(22), time(7), time(8)


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of what is expected; the file says what each field means."""

    at: datetime
    alert: str
    what: str = msgspec.field(name="is")
    by: datetime | None = None
    level: str = ""
    says: tuple[str, ...] = ()
    shown: tuple[datetime, ...] = ()

    def fits(self, told: Told) -> bool:
        """Whether it is this that came; its words and its level are another matter."""
        named = told.alert == self.alert or told.alert.startswith(self.alert + ("" if self.alert[-1] == ":" else "@"))
        return named and told.what == self.what and self.at <= told.at <= (self.by or self.at)

    def shown_at(self, told: Told) -> tuple[datetime, ...]:
        """When it has to be on the desktop."""
        return () if self.what == "resolved" else self.shown or (after_quiet_hours(told.at),)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alerts: tuple[Expected, ...]


class Told(msgspec.Struct, frozen=True):
    """Something that came."""

    at: datetime
    alert: str
    what: str
    level: str
    text: str


def read_expected() -> tuple[Expected, ...]:
    return msgspec.toml.decode((HERE / "expected.toml").read_bytes(), type=_File).alerts


def after_quiet_hours(at: datetime) -> datetime:
    """When what comes up then is shown."""
    if at.time() >= _QUIET_FROM:
        return datetime.combine(at.date() + timedelta(days=1), _FIRST_LOOK)
    return datetime.combine(at.date(), _FIRST_LOOK) if at.time() < _QUIET_UNTIL else at


def told(changes: Iterable[Change], zone: ZoneInfo) -> Iterator[Told]:
    """What the changes of alerts come to."""
    for change in changes:
        after = change.after
        what = _what(change.before, after)
        if what:
            began = after.since.astimezone(zone).replace(tzinfo=None)
            at = began if what == "opened" else change.at
            yield Told(at, after.id, what, after.level, f"{after.title}\n{after.text}")


def _what(before: Episode | None, after: Episode) -> str:
    if before is None:
        return "opened"
    if before.resolved is None and after.resolved is not None:
        return "resolved"
    if before.resolved is not None and after.resolved is None:
        return "opened again"
    if before.level != after.level:
        return "escalated" if before.reached != after.reached else "eased"
    return ""


def differences(expected: Sequence[Expected], came: Iterable[Told], shown: Sequence[Shown]) -> list[str]:
    """What is missing, what is too much, and what was told in other words or at another time; in the order of time."""
    left = list(expected)
    found: list[tuple[datetime, str]] = []
    screen: list[tuple[datetime, str]] = []
    for each in came:
        line = next((one for one in left if one.fits(each)), None)
        if line is None:
            found.append((each.at, f"not expected: {each.alert} {each.what} {each.level}: {each.text}"))
            continue
        left.remove(line)
        found += [
            (each.at, f"{each.alert} does not say {part!r}: {each.text}") for part in line.says if part not in each.text
        ]
        if line.level not in ("", each.level):
            found.append((each.at, f"{each.alert} is at level {each.level}, not {line.level}"))
        screen += [(at, each.alert) for at in line.shown_at(each)]
    found += [(line.at, f"did not come: {line.alert} {line.what}") for line in left]
    seen = [(notice.at, alert) for notice in shown for alert in notice.notice.episodes]
    found += [(at, f"was not shown: {alert}") for at, alert in _without(screen, seen)]
    found += [(at, f"was shown: {alert}") for at, alert in _without(seen, screen)]
    return [f"{at:%Y-%m-%d %H:%M} {text}" for at, text in sorted(found)]


def _without(
    ones: Iterable[tuple[datetime, str]], others: Iterable[tuple[datetime, str]]
) -> Iterator[tuple[datetime, str]]:
    rest = list(others)
    for one in ones:
        if one in rest:
            rest.remove(one)
        else:
            yield one
