"""How figures and names are written in a warning. The text is English; numbers follow the user's locale."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from trayd.alert_settings import Alerts
from trayd.alerts.rules import Finding
from trayd.budget_settings import Budget
from trayd.money import Money, format_money
from trayd.records import DEFAULT_ACCOUNT, Urgency
from trayd.texts import clip, tidy, units_of

#: UTF-16 units that Windows shows of a title and of a text.
TITLE, TEXT = 63, 255

#: And that one name gets of them, where it is as long as that; an account in a title, and the least that tells one.
_NAME, _ACCOUNT, _SHORTEST = 48, 30, 8

# Unicode's bidirectional algorithm (UAX #9): the classes of what is written from right to left, the characters that
# turn the direction of all that follows, and those that keep a name's direction to itself.
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_NO_DIRECTIONS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C])
_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"

_ALWAYS_QUOTED = set("\"'\\$`!*?[]{}()<>|&;#~%^")


class Words(msgspec.Struct, frozen=True):
    """The words of one warning, and how urgent it is."""

    title: str
    text: str
    urgency: Urgency = Urgency.NORMAL


class Saying(msgspec.Struct, frozen=True):
    """What of a finding is said: that it stands at its step of that index, under these limits."""

    finding: Finding
    step: int
    limits: Alerts
    write: Writer


class Writer:
    """Writes for people of one locale.

    Args:
        locale: of numbers, such as sv_SE.
    """

    def __init__(self, locale: str) -> None:
        self._locale = locale
        self._days = locale if locale.startswith("en") else "en_GB"

    def money(self, money: Money) -> str:
        """``$48.20``."""
        return format_money(money, self._locale)

    def about(self, money: Money, *, estimated: bool = True) -> str:
        """``about $48.20``; without the word where nothing of it is estimated."""
        return f"about {self.money(money)}" if estimated else self.money(money)

    def percent(self, percent: Decimal | float) -> str:
        """``82%``, in whole percents, rounded down: 100% is reached, never almost."""
        from babel.numbers import format_percent

        return str(format_percent(Decimal(int(percent)) / 100, locale=self._locale))

    def count(self, number: int, one: str, many: str = "") -> str:
        """``1 job``, ``1,204 jobs``."""
        from babel.numbers import format_decimal

        return f"{format_decimal(number, locale=self._locale)} {one if number == 1 else many or one + 's'}"

    def day(self, day: date, today: date) -> str:
        """``3 December``; with the year where that is another one."""
        from babel.dates import format_date, format_skeleton

        if day.year != today.year:
            return str(format_date(day, "long", locale=self._days))
        return str(format_skeleton("MMMMd", day, locale=self._days))

    def month(self, day: date, today: date) -> str:
        """``November``; with the year where that is another one."""
        from babel.dates import format_date

        return str(format_date(day, "MMMM" if day.year == today.year else "MMMM y", locale=self._days))

    def moment(self, at: datetime, now: datetime) -> str:
        """``14:05``; with the day where that is another one. Both are on the user's clock."""
        from babel.dates import format_time

        time = str(format_time(at, "short", locale=self._days)).replace("\u202f", " ")
        return time if at.date() == now.date() else f"{time} on {self.day(at.date(), now.date())}"

    def duration(self, length: timedelta) -> str:
        """``75 minutes``, ``3 hours``, ``2 days``: rounded down."""
        minutes = int(length.total_seconds()) // 60
        if minutes < 2 * 60:
            return self.count(minutes, "minute")
        return self.count(minutes // 60, "hour") if minutes < 48 * 60 else self.count(minutes // 60 // 24, "day")


def name(text: str, units: int = _NAME) -> str:
    """A name from outside, as it can stand in a sentence: on one line, and not too long.

    One that is written from right to left is kept apart, so that the figures beside it stay where they are.
    """
    plain = tidy(text.translate(_NO_DIRECTIONS))
    if not any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in plain):
        return clip(plain, units)
    return f"{_ISOLATE}{clip(plain, units - 2)}{_END_OF_ISOLATE}"


def quoted(*names: str | None) -> str:
    """Names that a person gave, as one: ``“Northwind / Spring Campaign”``."""
    return f"“{' / '.join(name(each, 32) for each in names if each)}”"


def owner(account: str) -> str:
    """An account, at the beginning of a sentence."""
    return "Your fal account" if account == DEFAULT_ACCOUNT else f"fal account {name(account)}"


def named(title: str, account: str) -> str:
    """A title with the account that it is about, where there may be several."""
    room = min(TITLE - units_of(f"{title} ()"), _ACCOUNT)
    return title if account == DEFAULT_ACCOUNT or room < _SHORTEST else f"{title} ({name(account, room)})"


def scope_of(budget: Budget) -> str:
    """What a budget is for, in words: ``for “Northwind / Spring Campaign” on fal-ai/kling-video``."""
    parts = []
    if budget.client or budget.project:
        parts.append(f"for {quoted(budget.client, budget.project)}")
    if budget.model:
        parts.append(f"on {name(budget.model, 40)}")
    if budget.key:
        parts.append(f"with key {name(budget.key, 24)}")
    if budget.account:
        parts.append(f"by account {name(budget.account, 24)}")
    return " ".join(parts) or "in all"


def options_of(budget: Budget) -> str:
    """The same as options of a command; empty where one of them cannot be written so that every shell takes it."""
    options = ""
    for option in ("client", "project", "model", "account"):
        value = getattr(budget, option)
        if value is not None:
            if _ALWAYS_QUOTED & set(value):
                return ""
            options += f' --{option} "{value}"' if " " in value else f" --{option} {value}"
    return options


def listed(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def sentences(*parts: str, last: str = "") -> str:
    """The sentences as one text that Windows shows whole.

    Those that do not fit are left out, the later before the earlier; the first one, which has the figure, and ``last``,
    the cure, stay.
    """
    kept = [part for part in parts if part]
    while len(kept) > 1 and _units([*kept, last]) > TEXT:
        kept.pop()
    if _units([*kept, last]) > TEXT:
        kept = [clip(each, max(TEXT - _units([last]) - 1, TEXT // 3)) for each in kept]
    return " ".join(filter(None, (*kept, last)))


def _units(parts: Iterable[str]) -> int:
    return units_of(" ".join(filter(None, parts)))


def clip_to(beginning: str, end: str) -> str:
    """A title whose end is a name from outside."""
    return beginning + name(end, TITLE - len(beginning))
