"""The names of the files that reports and exports are saved as."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta, tzinfo

from trayd.records import Filters

_LONGEST = 40
#: Three of them and a period stay within the 255 bytes that file systems take.
_MOST_BYTES = 60
_LONGEST_MONTH = 31
_NOT_IN_NAMES = re.compile(r"[^\w]+")


def file_name(what: str, suffix: str, *, filters: Filters, zone: tzinfo, now: datetime) -> str:
    """A name that tells what is inside: ``trayd-report-northwind-2026-11.html``.

    Args:
        what: ``report`` or ``export``.
        suffix: with its dot.
        filters: what was taken in; client, project and the period are named.
        zone: the user's; a period is told in civil days.
        now: an open end of the period is today.
    """
    parts = ["trayd", what, *(slug(tag) for tag in (filters.client, filters.project, filters.deliverable) if tag)]
    return "-".join([*(part for part in parts if part), _period(*civil_period(filters, zone, now))]) + suffix


def slug(text: str) -> str:
    """The text as a part of a file name: lower case, without accents, words joined by hyphens."""
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    name = _NOT_IN_NAMES.sub("-", unicodedata.normalize("NFC", plain).lower()).strip("-_")[:_LONGEST]
    return name.encode()[:_MOST_BYTES].decode(errors="ignore").rstrip("-")


def civil_period(filters: Filters, zone: tzinfo, now: datetime) -> tuple[date | None, date]:
    """The first and the last civil day of what the filters take in; an open end is today, an open start None."""
    end = now if filters.until is None else filters.until - timedelta(microseconds=1)
    first = None if filters.since is None else filters.since.astimezone(zone).date()
    return first, end.astimezone(zone).date()


def is_month(first: date, last: date) -> bool:
    """Whether these days are one calendar month."""
    after = last + timedelta(days=1)
    return first.day == 1 and after.day == 1 and (last - first).days < _LONGEST_MONTH


def _period(first: date | None, last: date) -> str:
    if first is None:
        return f"to-{last}"
    if is_month(first, last):
        return f"{first:%Y-%m}"
    return f"{first}" if first == last else f"{first}-to-{last}"
