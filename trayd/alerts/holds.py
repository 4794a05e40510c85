"""Do not disturb: quiet hours, and a pause that the person asked for, in which nothing goes to the desktop. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import msgspec

from trayd.alert_settings import QuietHours
from trayd.episodes import UNTIL_RESUMED, Episode, Urgency
from trayd.records import WEEKDAYS

_DAY = timedelta(days=1)

#: An event that nobody could be told of is news for this long; a state that lasts is told however late.
NEWS_FOR = timedelta(hours=24)

# Quiet hours that follow each other so many times do so all day on every day; a pause may lie between them.
_AHEAD = 14


class Holds(msgspec.Struct, frozen=True, kw_only=True):
    """What holds warnings back from the desktop.

    Attributes:
        quiet: the quiet hours; None: never.
        zone: the user's, whose clock they go by.
        paused_until: the end of the newest pause (UTC), which may be past; None: there never was one.
    """

    zone: tzinfo
    quiet: QuietHours | None = None
    paused_until: datetime | None = None

    def released(self, moment: datetime, urgency: Urgency) -> datetime:
        """When a warning of that moment may be shown (UTC): at that moment, unless it is held back.

        A pause holds everything back; one that was set after the moment counts as well, since nothing tells when that
        was. Quiet hours let critical warnings through if the person wants that.
        """
        passes = urgency == Urgency.CRITICAL and self.quiet is not None and self.quiet.critical
        for _ in range(_AHEAD):
            until = self._pause_over(moment)
            if not passes:
                until = self.quiet_until(until) or until
            if until == moment:
                break
            moment = until
        return moment

    def holds(self, moment: datetime, urgency: Urgency) -> bool:
        """Whether a warning is held back at that moment."""
        return self.released(moment, urgency) > moment

    def held(self, episode: Episode) -> bool:
        """Whether the warning of the episode could not be shown when it came up."""
        return self.holds(episode.news_at, episode.urgency)

    def quiet_until(self, moment: datetime) -> datetime | None:
        """The end of the quiet hours that the moment lies in (UTC); None when it lies in none.

        Where the next ones begin as these end, it is theirs; :data:`trayd.episodes.UNTIL_RESUMED` where each does.
        """
        quiet = moment
        for _ in range(_AHEAD):
            ends = [until for since, until in self._stretches(quiet) if since <= quiet < until]
            if not ends:
                return quiet if quiet > moment else None
            quiet = max(ends)
        return UNTIL_RESUMED

    def _pause_over(self, moment: datetime) -> datetime:
        return moment if self.paused_until is None else max(moment, self.paused_until)

    def _stretches(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The quiet hours that began on the days around the moment.

        They go by the clock on the wall, so a night in which it is changed has a length of its own. A time that comes
        twice, or not at all, is read so that the night is the longer one.
        """
        quiet = self.quiet
        if quiet is None:
            return
        today = moment.astimezone(self.zone).date()
        for day in (today - _DAY, today):
            if WEEKDAYS[day.weekday()] in quiet.days:
                last = day if quiet.ends > quiet.begins else day + _DAY
                yield min(self._readings(day, quiet.begins)), max(self._readings(last, quiet.ends))

    def _readings(self, day: date, clock: time) -> tuple[datetime, datetime]:
        civil = datetime.combine(day, clock, self.zone)
        return civil.astimezone(UTC), civil.replace(fold=1).astimezone(UTC)
