"""``[alerts]`` and ``[[hook]]`` in the settings: when trayd warns, and where warnings go beside the desktop."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import time
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from trayd.records import WEEKDAYS
from trayd.texts import check_names
from trayd.user_paths import user_path

#: Everything that can be warned of, by the names that episodes, ``off`` and hooks use.
RULE_NAMES = (
    "balance",
    "budget",
    "budget_forecast",
    "expensive",
    "together",
    "anomaly",
    "run_out",
    "estimate",
    "expiry",
    "account",
    "stale",
    "file",
    "ledger",
    "backfill",
    "report",
)

#: How warnings can be written for an address.
FORMATS = ("trayd", "slack", "discord", "teams", "ntfy")


class AnomalyLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which unusual days are worth a warning; what is unusual is found apart from that.

    Attributes:
        at_least: so much more than usual, in the home currency; None is what is worth ten US dollars.
        at_least_percent: and so much more than usual, in percent of that.
    """

    at_least: Decimal | None = None
    at_least_percent: Decimal = Decimal(50)

    def __post_init__(self) -> None:
        for name in ("at_least", "at_least_percent"):
            value = getattr(self, name)
            if value is not None and (not value.is_finite() or value < 0):
                raise ValueError(f"alerts.anomaly.{name} is a number of zero or more")


class QuietHours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When nothing goes to the desktop; what came up is told together when they end.

    Attributes:
        since: when they begin (``from`` in the file), on the clock of the user's time zone.
        until: when they end; before ``since`` is the next morning, and the same time is the whole day.
        days: the weekdays on which they begin.
        critical: whether critical warnings come through.
    """

    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")
    days: tuple[str, ...] = WEEKDAYS
    critical: bool = True

    def __post_init__(self) -> None:
        for name, text in (("from", self.since), ("to", self.until)):
            try:
                time.fromisoformat(text)
            except ValueError:
                raise ValueError(
                    f"alerts.quiet_hours: {name} is a time of the day such as 22:00, not {text!r}"
                ) from None
            if time.fromisoformat(text).tzinfo is not None:
                raise ValueError(f"alerts.quiet_hours: {name} is a time on your own clock such as 22:00, not {text!r}")
        unknown = [day for day in self.days if day not in WEEKDAYS]
        if unknown:
            raise ValueError(f"alerts.quiet_hours: there is no day {unknown[0]!r}; take some of {', '.join(WEEKDAYS)}")

    @property
    def begins(self) -> time:
        """The time of the day at which they begin."""
        return time.fromisoformat(self.since)

    @property
    def ends(self) -> time:
        """The time of the day at which they end."""
        return time.fromisoformat(self.until)


class Alerts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When trayd warns.

    Attributes:
        balance_below: thresholds of the balance in US dollars; one warning for each that is crossed.
        expensive_generation: a generation that costs this many US dollars or more is told; 0 switches it off.
        expensive_together: the same for generations that were submitted together.
        run_out_within_days: the balance is expected to be used up within so many days; 0 switches it off.
        credits_expire_within_days: so many days before credits expire; one warning for each.
        estimate_off_percent: what fal bills for a model is off its estimates by so many percent; 0 switches it off.
        estimate_off_amount: and by so many US dollars at least.
        stale_after_minutes: fal could not be asked for so long; 0 switches it off.
        anomaly: which unusual days are told.
        off: rules that never warn, by their names.
        desktop: whether warnings go to the desktop; they always go to the log.
        most_per_hour: more notifications than this wait, and come as one summary; critical ones come at once.
        quiet_hours: when nothing goes to the desktop; None: never.
    """

    balance_below: tuple[Decimal, ...] = (Decimal("20.00"), Decimal("5.00"))
    expensive_generation: Decimal = Decimal("5.00")
    expensive_together: Decimal = Decimal("8.00")
    run_out_within_days: Annotated[int, Meta(ge=0, le=365)] = 7
    credits_expire_within_days: tuple[Annotated[int, Meta(ge=1, le=364)], ...] = (30, 7)
    estimate_off_percent: Decimal = Decimal(25)
    estimate_off_amount: Decimal = Decimal("1.00")
    stale_after_minutes: Annotated[int, Meta(ge=0, le=100_000)] = 60
    anomaly: AnomalyLimits = AnomalyLimits()
    off: tuple[str, ...] = ()
    desktop: bool = True
    most_per_hour: Annotated[int, Meta(ge=1, le=1000)] = 6
    quiet_hours: QuietHours | None = None

    def __post_init__(self) -> None:
        if any(not level.is_finite() or level <= 0 for level in self.balance_below):
            raise ValueError("alerts.balance_below takes amounts above zero, such as [20.00, 5.00]")
        for name in ("expensive_generation", "expensive_together", "estimate_off_percent", "estimate_off_amount"):
            value = getattr(self, name)
            if not value.is_finite() or value < 0:
                raise ValueError(f"alerts.{name} is an amount of zero or more")
        _check_rules("alerts.off", self.off)


class Hook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where warnings go beside the desktop: a command that gets them as JSON, or an address that they are sent to.

    Attributes:
        name: what messages call it.
        command: a program and its arguments; the warning comes on its standard input. No shell is between.
        url: an https address that the warning is posted to; http on loopback only.
        rules: which warnings, by their rules; none named is all.
        format: how they are written for an address, one of :data:`FORMATS`; empty is what its host is known to take.
        timeout_s: how long it may take.
    """

    name: str
    command: tuple[str, ...] = ()
    url: str = ""
    rules: tuple[str, ...] = ()
    format: str = ""
    timeout_s: Annotated[float, Meta(ge=0.1, le=300)] = 10.0

    def __post_init__(self) -> None:
        check_names("hook", (self.name,))
        told = f"hook {self.name!r}"
        if bool(self.command) == bool(self.url):
            raise ValueError(f'{told}: write either a command such as ["/usr/bin/logger"] or an url')
        if self.command and not user_path(self.command[0]).is_absolute():
            raise ValueError(f"{told}: the command begins with the absolute path of a program, not {self.command[0]!r}")
        if any("\0" in part for part in self.command):
            raise ValueError(f"{told}: no program takes a NUL character in its path or in an argument")
        if self.url and not _is_safe(self.url):
            # The rest of such an address is a secret, and messages go into the log.
            raise ValueError(f"{told}: the url is an https address (http on 127.0.0.1 only), not {_begin(self.url)!r}")
        if self.format and (self.format not in FORMATS or self.command):
            raise ValueError(f"{told}: the format of an url is one of {', '.join(FORMATS)}; a command has none")
        if self.format == "ntfy" and not urlsplit(self.url).path.strip("/"):
            raise ValueError(f"{told}: the url ends in the name of a topic, such as https://ntfy.sh/TOPIC")
        _check_rules(f"{told}: rules", self.rules)


def _begin(url: str) -> str:
    """What of an address may be shown: the beginning, up to the host at most."""
    scheme, separator, rest = url.partition("://")
    host = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme}://{host}/…" if separator else "…"


def _check_rules(told: str, names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in RULE_NAMES]
    if unknown:
        raise ValueError(f"{told}: there is no rule {unknown[0]!r}; take some of {', '.join(RULE_NAMES)}")


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    loopback = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and loopback))
