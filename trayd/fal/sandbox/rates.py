"""The stand-in of the European Central Bank: its files of euro reference rates, as they look at the clock's time.

The rates are made up around the last ones that come with trayd, the same for the same seed, and there are none on
weekends and holidays.
"""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import cache
from random import Random

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trayd.exchange_rates.store import bundled_table
from trayd.exchange_rates.tables import FIRST_DAY
from trayd.target_days import is_target_day, newest_due, publication

PREFIX = "/rates"

_RECENT = timedelta(days=90)
_ONE = timedelta(days=1)

# Two slow waves and what a day brings: their heights, and the slow ones' lengths in days.
_SLOW, _SLOW_DAYS = 0.05, 700
_QUICK, _QUICK_DAYS = 0.015, 61
_DAILY = 0.004

Row = Sequence[tuple[str, str]]


class Rates:
    """What the stand-in tells.

    Args:
        seed: the same seed gives the same rates.
        clock: the time (UTC); a day's rates come out at the bank's usual hour.
    """

    def __init__(self, seed: int, clock: Callable[[], datetime]) -> None:
        self._seed = seed
        self._clock = clock
        self._changed: dict[tuple[date, str], str] = {}
        self._row = cache(self._made_up)
        self._phases = cache(self._make_phases)

    @property
    def newest(self) -> date:
        """The last day whose rates are out."""
        return newest_due(self._clock())

    def row(self, day: date) -> Row:
        """The rates of a day, by currency; an empty rate is one that is not told."""
        return [(name, self._changed.get((day, name), rate)) for name, rate in self._row(day)]

    def change(self, day: date, currency: str, rate: str) -> None:
        """Tells another rate of that day from now on, as a bank does that has made a mistake; empty: none."""
        self._changed[day, currency] = rate

    def days(self, since: date) -> list[date]:
        """The days from then on that have rates by now, the newest first."""
        newest = self.newest
        count = (newest - since).days + 1
        return [day for day in (newest - ago * _ONE for ago in range(count)) if is_target_day(day)]

    def version(self) -> str:
        """Is different when anything that is told is."""
        return hashlib.sha256(repr((self._seed, self.newest, sorted(self._changed.items()))).encode()).hexdigest()[:16]

    def modified(self) -> datetime:
        """When the newest rates came out."""
        return publication(self.newest).astimezone(UTC)

    def _made_up(self, day: date) -> Row:
        return [(name, self._rate(name, around, day)) for name, around in _anchors()]

    def _rate(self, currency: str, around: str, day: date) -> str:
        number = day.toordinal()
        slow, quick, shift = self._phases(currency)
        # As good as chance, and cheaper: the whole history is 200,000 rates.
        chance = math.sin((number + shift) * 12.9898) * 43758.5453 % 1 - 0.5
        wave = _SLOW * math.sin(math.tau * (number / _SLOW_DAYS + slow))
        wave += _QUICK * math.sin(math.tau * (number / _QUICK_DAYS + quick)) + 2 * _DAILY * chance
        return f"{float(around) * (1 + wave):.{len(around.partition('.')[2])}f}"

    def _make_phases(self, currency: str) -> tuple[float, float, float]:
        rng = Random(f"{self._seed}/rates/{currency}")  # noqa: S311 - a simulation, no secret
        return rng.random(), rng.random(), rng.random()


@cache
def _anchors() -> Row:
    """The currencies that the bank quotes today, with a rate that each is near to."""
    table = bundled_table()
    newest = date.max
    return [
        (name, str(quotes.per_euro[0])) for name in table.currencies(newest) if (quotes := table.at((name,), newest))
    ]


def rate_routes(rates: Rates) -> list[Route]:
    """The bank's files."""

    def daily(_request: Request) -> Response:
        return _answer(rates, _request, lambda: _xml(rates, rates.days(rates.newest)), "text/xml")

    def recent(_request: Request) -> Response:
        return _answer(rates, _request, lambda: _xml(rates, rates.days(rates.newest - _RECENT)), "text/xml")

    def whole(_request: Request) -> Response:
        return _answer(rates, _request, lambda: _zip(rates, rates.days(FIRST_DAY)), "application/zip")

    return [
        Route(f"{PREFIX}/eurofxref-daily.xml", daily),
        Route(f"{PREFIX}/eurofxref-hist-90d.xml", recent),
        Route(f"{PREFIX}/eurofxref-hist.zip", whole),
    ]


def _answer(rates: Rates, request: Request, body: Callable[[], bytes], media_type: str) -> Response:
    etag, modified = f'"{rates.version()}"', rates.modified()
    headers = {"ETag": etag, "Last-Modified": format_datetime(modified, usegmt=True)}
    known, since = request.headers.get("if-none-match"), request.headers.get("if-modified-since")
    if known == etag or (known is None and since is not None and parsedate_to_datetime(since) >= modified):
        return Response(status_code=304, headers=headers)
    return Response(body(), media_type=media_type, headers=headers)


def _xml(rates: Rates, days: Iterable[date]) -> bytes:
    cubes = "".join(
        f'<Cube time="{day}">'
        + "".join(f'<Cube currency="{name}" rate="{rate}"/>' for name, rate in rates.row(day) if rate)
        + "</Cube>"
        for day in days
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" '
        'xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref"><gesmes:subject>Reference rates</gesmes:subject>'
        "<gesmes:Sender><gesmes:name>Sandbox</gesmes:name></gesmes:Sender>"
        f"<Cube>{cubes}</Cube></gesmes:Envelope>"
    ).encode()


def _zip(rates: Rates, days: Iterable[date]) -> bytes:
    lines = [",".join(("Date", *(name for name, _ in _anchors()), "\n"))]
    lines += [",".join((str(day), *(rate or "N/A" for _, rate in rates.row(day)), "\n")) for day in days]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("eurofxref-hist.csv", "".join(lines))
    return packed.getvalue()
