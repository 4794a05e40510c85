"""Reading the parameters of a call, and refusing them as fal does."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from starlette.datastructures import QueryParams

Row = TypeVar("Row")

_MAX_IDS = 50
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})")
_COUNT = re.compile("[0-9]{1,15}")
DAY = timedelta(days=1)


class ApiError(Exception):
    """An answer in fal's error form."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message


def invalid(message: str) -> ApiError:
    """What fal says of parameters that make no sense."""
    return ApiError(400, "validation_error", message)


class Page(msgspec.Struct, frozen=True):
    """A part of a list: pages are numbered from 1."""

    number: int
    size: int

    def cut(self, rows: Sequence[Row]) -> tuple[Sequence[Row], str | None]:
        """The rows of this page, and the cursor of the next one, None after the last."""
        begin = (self.number - 1) * self.size
        more = begin + self.size < len(rows)
        return rows[begin : begin + self.size], cursor(self.number + 1) if more else None


def cursor(page: int) -> str:
    """The cursor of a page: its number in base64 without padding."""
    return base64.urlsafe_b64encode(str(page).encode()).decode().rstrip("=")


def _count(text: str) -> int | None:
    """The whole number that a text is, None when it is none."""
    return int(text) if _COUNT.fullmatch(text) else None


class Query:
    """The parameters of one call."""

    def __init__(self, params: QueryParams) -> None:
        self._params = params

    def text(self, name: str) -> str | None:
        """A parameter as it stands; None when it is absent or empty."""
        return self._params.get(name) or None

    def ids(self, name: str, *, required: bool = False) -> tuple[str, ...]:
        """1 to 50 values, repeated or divided by commas, each once.

        Raises:
            ApiError: more than 50, or none where one is required.
        """
        raw = ",".join(self._params.getlist(name))
        values = tuple(dict.fromkeys(value.strip() for value in raw.split(",") if value.strip()))
        if required and not values:
            raise invalid(f"{name} is required")
        if len(values) > _MAX_IDS:
            raise invalid(f"{name} accepts 1-{_MAX_IDS} values, got {len(values)}")
        return values

    def choice(self, name: str, options: Sequence[str]) -> str | None:
        """One of a few words, None when absent.

        Raises:
            ApiError: it is another word.
        """
        value = self.text(name)
        if value is not None and value not in options:
            raise invalid(f"{name} must be one of {', '.join(options)}")
        return value

    def expand(self, options: Sequence[str], default: Sequence[str] = ()) -> frozenset[str]:
        """The parts asked for.

        Raises:
            ApiError: there is no such part.
        """
        values = self.ids("expand") or tuple(default)
        for value in values:
            if value not in options:
                raise invalid(f"expand does not support {value!r}")
        return frozenset(values)

    def page(self, default: int, most: int, *, strict: bool = False) -> Page:
        """The page asked for; sizes above ``most`` are cut to it, or refused when ``strict``.

        Raises:
            ApiError: the limit or the cursor cannot be read.
        """
        raw = self.text("limit")
        size = default
        if raw is not None:
            size = _count(raw) or 0
            if size < 1:
                raise invalid("limit must be an integer of at least 1")
            if strict and size > most:
                raise invalid(f"limit must be at most {most}")
            size = min(size, most)
        return Page(self._page_number(), size)

    def _page_number(self) -> int:
        raw = self.text("cursor")
        if raw is None:
            return 1
        short = raw.rstrip("=")
        try:
            number = _count(base64.urlsafe_b64decode(short + "=" * (-len(short) % 4)).decode("ascii"))
        except ValueError:  # not base64, or not text
            number = None
        if not number:
            raise invalid("cursor is not one that was given out")
        return number

    def zone(self) -> tzinfo:
        """The time zone for dates and buckets.

        Raises:
            ApiError: there is no such zone.
        """
        name = self.text("timezone") or "UTC"
        try:
            return ZoneInfo(name)
        except (ValueError, KeyError, OSError):  # a name outside the folder, an unknown one, a folder's name
            raise invalid(f"timezone {name!r} is not known") from None

    def uuid(self, name: str) -> str | None:
        """An id in the form of a UUID, None when absent.

        Raises:
            ApiError: it has another form.
        """
        value = self.text(name)
        if value is None:
            return None
        try:
            return str(UUID(value))
        except ValueError:
            raise invalid(f"{name} must be a UUID") from None

    def window(self, now: datetime, zone: tzinfo = UTC, reach: timedelta = DAY) -> tuple[datetime, datetime]:
        """From ``start`` (as a rule ``reach`` before now) until before ``end`` (as a rule now), UTC.

        Raises:
            ApiError: a time cannot be read, or they are the wrong way round.
        """
        end = self._moment("end", zone) or now
        start = self._moment("start", zone) or now - reach
        if start >= end:
            raise invalid("start must be before end")
        return start, end

    def _moment(self, name: str, zone: tzinfo) -> datetime | None:
        raw = self.text(name)
        if raw is None:
            return None
        try:
            if _DATE.fullmatch(raw):
                return datetime.fromisoformat(raw).replace(tzinfo=zone).astimezone(UTC)
            if _MOMENT.fullmatch(raw):
                return datetime.fromisoformat(raw).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise invalid(f"{name} must be an ISO8601 date or date-time")
