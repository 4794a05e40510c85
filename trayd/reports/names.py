"""The names of the files that reports and exports are saved as."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from hashlib import sha256

from trayd.records import Filters
from trayd.reports.periods import civil_period, civil_times, is_month

_LONGEST = 40
#: Three of them, a period and what a file is called while it is written stay within the 255 bytes of file systems.
_MOST_BYTES = 50
_NOT_IN_NAMES = re.compile(r"[^\w]+")
# What a name can lose without meaning another client: blanks, and what stands between words.
_MARKS = re.compile(r"[^\w\s.,/'’–-]")


#: Tells the names that are recorded of a client, a project or a deliverable.
Recorded = Callable[[str], Iterable[str]]


def _nothing_is(_scope: str) -> Iterable[str]:
    return ()


def file_name(
    what: str, suffix: str, *, filters: Filters, zone: tzinfo, now: datetime, recorded: Recorded = _nothing_is
) -> str:
    """A name that tells what is inside: ``trayd-report-northwind-2026-11.html``.

    Args:
        what: ``report`` or ``export``.
        suffix: with its dot.
        filters: what was taken in; client, project and the period are named.
        zone: the user's; a period is told in civil days.
        now: an open end of the period is today.
        recorded: by these names others can be asked for, whose file is not to be the same.
    """
    asked = (("client", filters.client), ("project", filters.project), ("deliverable", filters.deliverable))
    tags = [_tag(name, tag, recorded) for name, tag in asked if tag is not None]
    return "-".join(["trayd", what, *tags, _period(filters, zone, now)]) + suffix


def _tag(name: str, tag: str, recorded: Recorded) -> str:
    """The tag as a part of a file name; with a mark of its own where another tag could be the same without it.

    What loses marks always has one, and the rest once there is another of that name: then none of them goes without,
    or one would find the file of the other in its place.
    """
    none = f"no-{name}"
    if not tag:
        return none
    short = slug(tag)
    is_whole = len(short) == len(_plain(tag)) and not _MARKS.search(tag)
    if is_whole and short not in {"", none} and not _has_twin(tag, recorded(name)):
        return short
    return f"{short or name}-{sha256(tag.encode(errors='surrogatepass')).hexdigest()[:6]}"


def _has_twin(tag: str, others: Iterable[str]) -> bool:
    """Whether another of these is written the same in a file name; in some folders capitals make no difference."""
    same = slug(tag).casefold()
    return any(other != tag and slug(other).casefold() == same for other in others)


def slug(text: str) -> str:
    """The text as a part of a file name: lower case, without accents, words joined by hyphens."""
    return _plain(text)[:_LONGEST].encode()[:_MOST_BYTES].decode(errors="ignore").rstrip("-")


def _plain(text: str) -> str:
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    return _NOT_IN_NAMES.sub("-", unicodedata.normalize("NFC", plain).lower()).strip("-_")


def _period(filters: Filters, zone: tzinfo, now: datetime) -> str:
    first, last = civil_period(filters, zone, now)
    begins, ends = (time.replace(":", "") for time in civil_times(filters, zone))
    if begins or ends:
        since = "" if first is None else f"{first}{begins and f'T{begins}'}-"
        return f"{since}to-{last}{ends and f'T{ends}'}"
    if first is None:
        return f"to-{last}"
    if is_month(first, last):
        return f"{first:%Y-%m}"
    return f"{first}" if first == last else f"{first}-to-{last}"
