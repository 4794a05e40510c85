"""What a person asks about alerts, and tells them: the open ones and those that are over, snooze, pause."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated

import msgspec
from msgspec import Meta

from trayd.alert_settings import RULE_NAMES
from trayd.alerts.delivery import DesktopState
from trayd.alerts.engine import waiting
from trayd.alerts.grouping import within_the_hour
from trayd.alerts.holds import Holds
from trayd.episodes import UNTIL_RESUMED, Episode, Urgency
from trayd.errors import LedgerError, UsageError
from trayd.facts import AlertPause, Batch
from trayd.insight.windows import day_start
from trayd.ledger.store import Ledger
from trayd.money import Money
from trayd.settings import Settings

#: How far back the list goes where nobody says.
_USUAL = timedelta(days=7)

#: When a day begins for somebody who wants to hear of it tomorrow.
_MORNING = time(8)

_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_LENGTH = re.compile(r"(?:(\d{1,4})d)?\s*(?:(\d{1,4})h)?\s*(?:(\d{1,5})m(?:in)?)?")


class AlertsQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which alerts.

    Attributes:
        all: back to the first one.
        since: back to that date; a week without it. Open ones are always there.
        rule: of that rule only.
        limit: how many that are over.
    """

    all: bool = False
    since: str | None = None
    rule: str | None = None
    limit: Annotated[int, Meta(ge=0)] = 100


class SnoozeQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which alert, by its id or the beginning of one, and for how long: ``1h``, ``90m``, ``2d``, ``tomorrow``."""

    id: str
    length: str = "1h"


class PauseQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """For how long: ``1h``, ``90m``, ``2d``, ``tomorrow``, or ``on`` until they are resumed."""

    length: str = "1h"


class ListedAlert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert.

    Attributes:
        state: open, snoozed, over, or happened (an event, which does not last).
        since: when it began (UTC); ``reached`` when it came to its level.
        told: when the person was told of it; None: not yet, or never.
        waits_for: what has to be there before the person is told: the end of a ``pause`` or of ``quiet hours``,
            ``room in the hour`` (``most_per_hour``), ``trayd``, which does not run, or the ``desktop``, of which
            :attr:`ListedAlerts.desktop` says more; empty where nothing is to be told, or only when a snooze is over.
        worded_at: of one that lasts, when it was so (UTC), where no daemon looks; None: it is so now.
        snoozed_until: when the person is told again.
        files: what was made, as paths: of a scheduled report.
    """

    id: str
    rule: str
    scope: str
    period: str
    state: str
    level: str
    urgency: Urgency
    since: datetime
    reached: datetime
    resolved: datetime | None
    told: datetime | None
    waits_for: str
    worded_at: datetime | None
    snoozed_until: datetime | None
    title: str
    text: str
    amount: Money | None
    account: str | None
    client: str | None
    project: str | None
    files: tuple[str, ...] = ()


class ListedAlerts(msgspec.Struct, frozen=True, kw_only=True):
    """The alerts: open ones, the latest first, then the others, the latest first.

    Attributes:
        paused_until: nothing goes to the desktop until then (UTC); the year 8999 is until alerts are resumed.
        quiet_until: the quiet hours that run now end then; the year 8999 is never.
        desktop: how it stands with notifications on the desktop; None: trayd does not run, and nobody is told.
        since: how far back those that are over go; None: to the first.
        left_out: how many more of those there are.
    """

    paused_until: datetime | None
    quiet_until: datetime | None
    desktop: DesktopState | None
    since: datetime | None
    alerts: tuple[ListedAlert, ...]
    left_out: int = 0


class Paused(msgspec.Struct, frozen=True):
    """Whether alerts go to the desktop by now.

    Attributes:
        paused_until: nothing goes there until then (UTC); None: that is not so.
        was_paused: whether there was a pause before.
        quiet_until: the quiet hours that run now end then; the year 8999 is never.
        desktop: whether the settings want alerts there at all.
    """

    paused_until: datetime | None
    was_paused: bool
    quiet_until: datetime | None
    desktop: bool


def as_they_stand(episodes: Iterable[Episode], present: Mapping[str, Episode]) -> Iterator[Episode]:
    """Alerts that last in the words of now, where these are known; the others as they were told."""
    for told in episodes:
        now = present.get(told.id)
        if now is None or told.resolved is not None or (now.since, now.level) != (told.since, told.level):
            yield told
        else:
            yield msgspec.structs.replace(told, title=now.title, text=now.text, amount=now.amount)


def listed_alerts(
    ledger: Ledger,
    settings: Settings,
    query: AlertsQuery,
    now: datetime,
    present: Mapping[str, Episode],
    desktop: DesktopState | None,
) -> ListedAlerts:
    """The alerts as the query wants them; ``present`` has those that last in the words of now.

    Raises:
        UsageError: there is no such rule, or the date cannot be read.
    """
    if query.rule is not None and query.rule not in RULE_NAMES:
        raise UsageError(f"there is no rule {query.rule!r}", f"take one of {', '.join(RULE_NAMES)}")
    zone = settings.zone()
    since = None if query.all else _beginning(query.since, now, zone)
    lasting = [each for each in as_they_stand(ledger.episodes().values(), present) if each.resolved is None]
    over = ledger.past_episodes(since)
    # What says nothing was noted so that it is never told: jobs that were taken in by hand.
    wanted = [
        sorted((one for one in some if one.text and query.rule in {None, one.rule}), key=_newest, reverse=True)
        for some in (lasting, over)
    ]
    shown = [*wanted[0], *wanted[1][: query.limit]]
    hold = _Hold(ledger, settings, now, desktop)
    return ListedAlerts(
        paused_until=hold.paused_until,
        quiet_until=hold.quiet_until,
        desktop=desktop,
        since=since,
        alerts=tuple(_listed(episode, hold, present) for episode in shown),
        left_out=max(len(wanted[1]) - query.limit, 0),
    )


def snooze(
    ledger: Ledger, settings: Settings, query: SnoozeQuery, now: datetime, present: Mapping[str, Episode]
) -> ListedAlert:
    """Has an alert told again later, should it still last; of an event that is a reminder.

    Raises:
        UsageError: the length cannot be read, or no alert or several are meant.
        LedgerError: it is over.
    """
    until = ending(query.length, now, settings.zone())
    episode = _meant(ledger.episodes(), query.id)
    if episode.over:
        raise LedgerError(f"the alert {episode.id} is over", "there is nothing to snooze; `trayd alerts` lists them")
    after = msgspec.structs.replace(episode, snoozed_until=until)
    ledger.add(Batch(episodes=(after,)))
    (shown,) = as_they_stand([after], present)
    return _listed(shown, _Hold(ledger, settings, now), present)


def pause(ledger: Ledger, settings: Settings, query: PauseQuery, now: datetime) -> Paused:
    """Keeps everything from the desktop for some time.

    Raises:
        UsageError: the length cannot be read.
    """
    until = UNTIL_RESUMED if query.length == "on" else ending(query.length, now, settings.zone())
    before = paused_until(ledger, now)
    ledger.add(Batch(pause=AlertPause(until)))
    return _paused(ledger, settings, now, before)


def resume(ledger: Ledger, settings: Settings, now: datetime) -> Paused:
    """Ends a pause; what came up meanwhile is told now."""
    before = paused_until(ledger, now)
    if before is not None:
        # The moment of its end tells later what it held back.
        ledger.add(Batch(pause=AlertPause(now, resumed=True)))
    return _paused(ledger, settings, now, before)


def _paused(ledger: Ledger, settings: Settings, now: datetime, before: datetime | None) -> Paused:
    return Paused(
        paused_until=paused_until(ledger, now),
        was_paused=before is not None,
        quiet_until=Holds(zone=settings.zone(), quiet=settings.alerts.quiet_hours).quiet_until(now),
        desktop=settings.alerts.desktop,
    )


def paused_until(ledger: Ledger, now: datetime) -> datetime | None:
    """Until when nothing goes to the desktop (UTC); None when that is not so, or is over."""
    until = ledger.pause()
    return until if until is not None and until > now else None


def ending(length: str, now: datetime, zone: tzinfo) -> datetime:
    """The end of a time that begins now, as people say it: ``1h30m``, ``2d``, or ``tomorrow`` at eight (UTC).

    Raises:
        UsageError: it cannot be read, or is no time at all.
    """
    text = length.strip().lower()
    if text == "tomorrow":
        tomorrow = now.astimezone(zone).date() + timedelta(days=1)
        return datetime.combine(tomorrow, _MORNING, zone).astimezone(UTC)
    read = _LENGTH.fullmatch(text)
    counts = read.groups() if read and text else ()
    total = sum((_UNITS[unit] * int(count or 0) for unit, count in zip("dhm", counts, strict=False)), timedelta())
    if not total:
        raise no_length(length)
    return now + total


def no_length(text: str) -> UsageError:
    """What to say of a text that is no length of time."""
    return UsageError(f"{text!r} is no length of time", "write one such as 1h, 90m, 2d, 1h30m, or tomorrow")


def _beginning(since: str | None, now: datetime, zone: tzinfo) -> datetime:
    if since is None:
        return now - _USUAL
    try:
        day = date.fromisoformat(since)
    except ValueError:
        raise UsageError(f"{since!r} is no date", "write one such as 2026-11-21") from None
    return day_start(day, zone)


def _meant(episodes: dict[str, Episode], wanted: str) -> Episode:
    exact = episodes.get(wanted)
    if exact is not None and exact.text:
        return exact
    # Of the beginning of an id the open ones are meant; without one, events, which a person can want to be reminded of.
    known = [one for one in episodes.values() if one.text and not one.over]
    begin = [one for one in known if wanted and one.id.startswith(wanted)]
    found = [one for one in begin if one.resolved is None] or begin
    if not found:
        raise UsageError(f"there is no open alert {wanted!r}", "`trayd alerts` lists them, with their ids")
    if len(found) > 1:
        raise UsageError(
            f"{wanted!r} can mean {len(found)} alerts: {', '.join(sorted(one.id for one in found)[:5])}",
            "write more of the id",
        )
    return found[0]


def _newest(episode: Episode) -> datetime:
    return episode.resolved or episode.reached or episode.since


class _Hold:
    """What keeps alerts from the desktop at this moment."""

    def __init__(self, ledger: Ledger, settings: Settings, now: datetime, desktop: DesktopState | None = None) -> None:
        self.now = now
        self._runs = desktop is not None
        self.paused_until = paused_until(ledger, now)
        self._holds = Holds(zone=settings.zone(), quiet=settings.alerts.quiet_hours, paused_until=ledger.pause())
        self.quiet_until = self._holds.quiet_until(now)
        heard = {one.heard_at for one in ledger.episodes().values() if one.heard_at is not None}
        self._crowded = len(within_the_hour(list(heard), now)) >= settings.alerts.most_per_hour

    def of(self, episode: Episode) -> str:
        """What this one waits for; see :attr:`ListedAlert.waits_for`."""
        if not waiting((episode,), self.now, self._holds):
            return ""
        if self._holds.holds(self.now, episode.urgency):
            return "quiet hours" if self.paused_until is None else "pause"
        if self._crowded and episode.urgency != Urgency.CRITICAL:
            return "room in the hour"
        return "desktop" if self._runs else "trayd"


def _listed(episode: Episode, hold: _Hold, present: Mapping[str, Episode]) -> ListedAlert:
    now = hold.now
    of_now = episode.resolved is not None or episode.id in present
    came_up = episode.reached or episode.since
    snoozed = episode.snoozed_until if episode.snoozed_until is not None and episode.snoozed_until > now else None
    if episode.resolved is not None:
        state = "over" if episode.over else "happened"
    else:
        state = "snoozed" if snoozed else "open"
    return ListedAlert(
        id=episode.id,
        rule=episode.rule,
        scope=episode.scope,
        period=episode.period,
        state=state,
        level=episode.level,
        urgency=episode.urgency,
        since=episode.since,
        reached=came_up,
        resolved=episode.resolved,
        told=episode.heard_at,
        waits_for=hold.of(episode),
        worded_at=None if of_now else episode.worded or episode.heard_at or came_up,
        snoozed_until=snoozed,
        title=episode.title,
        text=episode.text,
        amount=episode.amount,
        account=episode.account,
        client=episode.client,
        project=episode.project,
        files=episode.files,
    )
