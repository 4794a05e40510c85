"""The filters as a person writes them, everywhere the same."""

from __future__ import annotations

from datetime import datetime, tzinfo

import msgspec

from trayd.errors import UsageError
from trayd.insight.windows import Window, parse_moment, parse_window, window_between
from trayd.records import Filters, Kind


class WorkQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose work is meant, as a person writes it; everything without any."""

    client: str | None = None
    project: str | None = None
    deliverable: str | None = None
    model: str | None = None
    account: str | None = None
    key: str | None = None

    def within(self, since: datetime | None, until: datetime | None, kind: Kind | None = None) -> Filters:
        """The same as types, of some time and kind."""
        return Filters(
            client=self.client,
            project=self.project,
            deliverable=self.deliverable,
            model=self.model,
            account=self.account,
            key=self.key,
            kind=kind,
            since=since,
            until=until,
        )


class FilterQuery(WorkQuery, frozen=True, kw_only=True, omit_defaults=True):
    """The filters as a person writes them; ``since`` and ``until`` are dates or RFC 3339 times."""

    kind: Kind | None = None
    since: str | None = None
    until: str | None = None

    def filters(self, zone: tzinfo) -> Filters:
        """The same as types; a date as ``until`` takes that whole day in.

        Raises:
            UsageError: a time cannot be read, nothing lies between the two, or a name is empty that is no tag.
        """
        for name in ("model", "account", "key"):
            if getattr(self, name) == "":
                raise UsageError(f"--{name} is empty, which is no {name}", "name one, or leave it out")
        since = parse_moment(self.since, zone, end=False) if self.since else None
        until = parse_moment(self.until, zone, end=True) if self.until else None
        if since is not None and until is not None and since >= until:
            raise UsageError(f"--since {self.since} is not before --until {self.until}", "swap them")
        return self.within(since, until, self.kind)


class WindowQuery(FilterQuery, frozen=True, kw_only=True, omit_defaults=True):
    """A window; ``since`` and ``until`` are another way to say it. The last 30 days without any of them."""

    window: str | None = None

    def asked(self, now: datetime, zone: tzinfo) -> Window:
        """The window that is meant.

        Raises:
            UsageError: it cannot be read, nothing lies in it, or it is said in two ways.
        """
        if self.since is None and self.until is None:
            return parse_window(self.window or "30d", now, zone)
        if self.window is not None:
            raise UsageError("--window goes with neither --since nor --until: both say the time", "give one of them")
        if self.since is None:
            raise UsageError(f"--until {self.until}: from when on?", "give --since as well, or --window FIRST..LAST")
        return window_between(self.since, self.until, now, zone)
