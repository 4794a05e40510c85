"""How figures, dates and names are written in a warning. The text is English; numbers follow the user's locale."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec

from trayd.alert_settings import Alerts
from trayd.alerts.rules import Finding
from trayd.budget_settings import Budget
from trayd.episodes import Urgency
from trayd.facts import AccountFact, called, called_as_written
from trayd.money import Money, format_money
from trayd.records import DEFAULT_ACCOUNT
from trayd.texts import clip, tidy, units_of

#: UTF-16 units that Windows shows of a title and of a text.
TITLE, TEXT = 63, 255

#: And that one name gets of them, where it is as long as that; an account in a title, and the least that tells one.
_NAME, _ACCOUNT, _SHORTEST = 48, 30, 8

# strftime would take them from the process's locale, which a library of the desktop may have set.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

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


class MessageContext(msgspec.Struct, frozen=True):
    """What a message is written from: a finding, the index of its step, the limits, and who writes figures."""

    finding: Finding
    step: int
    limits: Alerts
    write: Writer


class Writer:
    """Writes for people of one locale.

    Args:
        locale: of numbers, such as sv_SE.
        names: what accounts are called, by all their names; see :func:`trayd.facts.called_names`.
    """

    def __init__(self, locale: str, names: Mapping[str, str]) -> None:
        self._locale = locale
        self._names = names

    def money(self, money: Money) -> str:
        """``$48.20``."""
        return format_money(money, self._locale)

    def percent(self, percent: Decimal | float) -> str:
        """``82%``, rounded to whole percents as in the terminal."""
        from babel.numbers import format_percent

        # As it is written, so that 57.5 is a half and not a little less.
        return str(format_percent(Decimal(str(percent)) / 100, locale=self._locale))

    def reached(self, percent: Decimal) -> str:
        """``99%`` of a limit, rounded down: 100% is reached, never almost."""
        return self.percent(math.floor(percent))

    def number(self, number: int) -> str:
        """``1,204``."""
        from babel.numbers import format_decimal

        return str(format_decimal(number, locale=self._locale))

    def count(self, number: int, one: str, many: str = "") -> str:
        """``1 job``, ``1,204 jobs``."""
        return f"{self.number(number)} {one if number == 1 else many or one + 's'}"

    def owner(self, account: str | AccountFact) -> str:
        """An account, at the beginning of a sentence; by the ledger's name for it, or as a fact."""
        known_as = self._called(account)
        return "Your fal account" if known_as == DEFAULT_ACCOUNT else f"fal account {name(known_as)}"

    def named(self, title: str, account: str | AccountFact) -> str:
        """A title with the account that it is about, where there may be several."""
        known_as = self._called(account)
        room = min(TITLE - units_of(f"{title} ()"), _ACCOUNT)
        return title if known_as == DEFAULT_ACCOUNT or room < _SHORTEST else f"{title} ({name(known_as, room)})"

    def scope_of(self, budget: Budget) -> str:
        """What a budget is for: ``for “Northwind / Spring Campaign” on fal-ai/kling-video``; empty: for all."""
        parts = []
        if budget.client or budget.project:
            parts.append(f"for {quoted(budget.client, budget.project)}")
        if budget.model:
            parts.append(f"on {name(budget.model, 40)}")
        if budget.key:
            parts.append(f"with key {name(budget.key, 24)}")
        if budget.account:
            parts.append(f"by account {name(called_as_written(budget.account, self._names), 24)}")
        return " ".join(parts)

    def _called(self, account: str | AccountFact) -> str:
        if isinstance(account, AccountFact):
            # One account's name in the settings can be fal's name for another.
            return called(account.name, account.username)
        return self._names.get(account, account)


def written_day(day: date, today: date) -> str:
    """``3 Dec``; with the year where that is another one."""
    short = f"{day.day} {_MONTHS[day.month - 1][:3]}"
    return short if day.year == today.year else f"{short} {day.year}"


def written_month(day: date, today: date) -> str:
    """``November``; with the year where that is another one."""
    month = _MONTHS[day.month - 1]
    return month if day.year == today.year else f"{month} {day.year}"


def written_time(at: datetime, now: datetime) -> str:
    """``14:05``; with the day where that is another one. Both are on the user's clock."""
    time = f"{at:%H:%M}"
    return time if at.date() == now.date() else f"{written_day(at.date(), now.date())} {time}"


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


def options_of(budget: Budget) -> str | None:
    """What a budget is for as options of a command; None where one of them has no form that every shell takes."""
    options = ""
    for option in ("client", "project", "model", "account", "key"):
        value = getattr(budget, option)
        if value is not None:
            if _ALWAYS_QUOTED & set(value):
                return None
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


def with_cure(problem: str, units: int) -> str:
    """A problem with its cure, as errors tell them, in at most that many units; what is wrong is cut before the cure.

    What follows the last semicolon is the cure, and what comes before that where the two are still short: fal's own
    words may have semicolons as well.
    """
    if units_of(problem) <= units:
        return problem
    told, semicolon, cure = problem.rpartition("; ")
    before, between, beginning = told.rpartition("; ")
    if between and units_of(longer := f"{beginning}; {cure}") <= TEXT // 4:
        told, cure = before, longer
    if not semicolon:
        return clip(problem, units)
    return f"{clip(told, units - units_of(f'; {cure}'))}; {cure}"


def _units(parts: Iterable[str]) -> int:
    return units_of(" ".join(filter(None, parts)))


def clip_to(beginning: str, end: str) -> str:
    """A title whose end is a name from outside."""
    return beginning + name(end, TITLE - len(beginning))
