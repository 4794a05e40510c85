"""Fetches the European Central Bank's euro reference rates.

The bank publishes them as files below one address, without keys and free of charge: the newest day and the last 90 days
as XML, everything since 1999 as a zipped CSV. See
https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/html/index.en.html
"""

from __future__ import annotations

import asyncio
import io
import re
import ssl
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.parsers import expat

import msgspec
import tenacity

from trayd.errors import ProxyError, RatesError
from trayd.exchange_rates.tables import FIRST_DAY, Row, Sheet
from trayd.fal.failures import of_exception
from trayd.http_client import httpx, open_client


class Document(StrEnum):
    """The files, from the smallest to the largest."""

    NEWEST = "eurofxref-daily.xml"
    RECENT = "eurofxref-hist-90d.xml"
    WHOLE = "eurofxref-hist.zip"


#: How far back ``RECENT`` surely goes.
RECENT_DAYS = 85

#: The whole history is 0.7 MB zipped and 2 MB as text.
_LARGEST_BODY = 8 * 1024 * 1024
_LARGEST_TEXT = 32 * 1024 * 1024

_MOST_REDIRECTS = 3
_CELL = re.compile(r"\d{1,12}(\.\d{1,12})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_NOT_TOLD = frozenset({"", "N/A"})
_FUTURE = timedelta(days=1)

#: What reading something else than rates ends in.
_UNREADABLE = (
    ValueError,
    EOFError,
    RuntimeError,  # an encrypted zip file, or one packed in a way that nobody knows
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
)

_PASSES = "nothing to do: trayd asks again by itself"
_NETWORK = "log in to the network in a browser if it asks for that, else check TRAYD_RATES_URL"


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often a file is asked for, in seconds."""

    attempts: int = 4
    total_s: float = 90.0
    connect_s: float = 10.0
    read_s: float = 20.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 15.0


#: As the daemon asks, when nobody waits.
USUAL = RetryPolicy()


class Validators(msgspec.Struct, frozen=True):
    """Which version of a file is known: the validators that the server gave with it (RFC 9110, section 8.8)."""

    etag: str | None = None
    modified: str | None = None


class FetchedRates(msgspec.Struct, frozen=True):
    """A file that was fetched: its rates, and which version of it this is."""

    sheet: Sheet
    version: Validators


class _FailedError(Exception):
    """A try that failed; ``passing``: another may well succeed, after ``retry_after`` seconds if the server said so."""

    def __init__(self, error: RatesError, *, passing: bool = False, retry_after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.passing = passing
        self.retry_after = retry_after


async def fetch(
    base_url: str, document: Document, known: Validators, today: date, retry_policy: RetryPolicy = USUAL
) -> FetchedRates | None:
    """The rates of a file; None where it is still the version that is known.

    Args:
        base_url: where the files are, without a slash at the end.
        document: which file.
        known: the version that need not be sent again.
        today: no rate can be of a day later than tomorrow.
        retry_policy: how long and how often to try.

    Raises:
        RatesError: what went wrong, when the retries are used up.
    """
    deadline = time.monotonic() + retry_policy.total_s
    tries = tenacity.AsyncRetrying(
        stop=tenacity.stop_after_attempt(retry_policy.attempts) | tenacity.stop_before_delay(retry_policy.total_s),
        wait=_wait(retry_policy),
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, _FailedError) and error.passing),
        reraise=True,
    )
    try:
        client = open_client(base_url, httpx.Timeout(retry_policy.read_s, connect=retry_policy.connect_s))
    except ProxyError as error:
        raise RatesError(error.message, error.cure) from error
    # Once a day: nothing of it is kept open.
    async with client as http:
        try:
            return await tries(_try, http, f"{base_url}/{document}", known, today, deadline)
        except _FailedError as failed:
            raise failed.error from failed.__cause__


async def _try(
    http: httpx.AsyncClient, url: str, known: Validators, today: date, deadline: float
) -> FetchedRates | None:
    host = urlsplit(url).netloc
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            answer, body = await _get(http, url, known)
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
        failure = of_exception(error, host)
        raise _FailedError(RatesError(failure.error.message, failure.error.cure), passing=failure.passing) from error
    if answer.status_code == httpx.codes.NOT_MODIFIED:
        return None
    if not answer.is_success:
        raise _refused(answer, url)
    version = Validators(answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
    return FetchedRates(
        await asyncio.to_thread(_read, body, url, answer.headers.get("Content-Type", ""), today), version
    )


async def _get(http: httpx.AsyncClient, url: str, known: Validators) -> tuple[httpx.Response, bytes]:
    """The answer, after redirects within the host that was asked."""
    headers = {}
    if known.etag:
        headers["If-None-Match"] = known.etag
    elif known.modified:
        headers["If-Modified-Since"] = known.modified
    asked = urlsplit(url)
    for _ in range(_MOST_REDIRECTS):
        answer = await http.send(http.build_request("GET", url, headers=headers), stream=True)
        try:
            if answer.has_redirect_location:
                url = urljoin(url, answer.headers["Location"])
                if (there := urlsplit(url))[:2] == asked[:2]:
                    continue
                told = f"{asked.netloc} redirects to {there.hostname or 'nowhere'} ({answer.status_code})"
                raise _FailedError(RatesError(f"{told}; no rates were taken from there", _NETWORK))
            return answer, await _body(answer)
        finally:
            await answer.aclose()
    raise _FailedError(RatesError(f"{asked.netloc} redirects in a circle", _NETWORK))


async def _body(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise _FailedError(
                RatesError(f"{answer.url}: this is larger than {_LARGEST_BODY // 1024 // 1024} MB", _NETWORK)
            )
    return bytes(body)


def _refused(answer: httpx.Response, url: str) -> _FailedError:
    status = answer.status_code
    passing = status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS
    after = answer.headers.get("Retry-After", "")
    return _FailedError(
        RatesError(f"{url} is refused ({status})", _PASSES if passing else "check TRAYD_RATES_URL, or update trayd"),
        passing=passing,
        retry_after=float(after) if after.isascii() and after.isdigit() else None,
    )


def _wait(retry_policy: RetryPolicy) -> Any:
    backoff = tenacity.wait_random_exponential(multiplier=retry_policy.first_wait_s, max=retry_policy.longest_wait_s)

    def wait(state: tenacity.RetryCallState) -> float:
        failed = state.outcome.exception() if state.outcome else None
        asked = failed.retry_after if isinstance(failed, _FailedError) else None
        # Spread even when the server names the moment: others were told the same one.
        return backoff(state) if asked is None else asked + backoff(state) / 4

    return wait


def _read(body: bytes, url: str, kind: str, today: date) -> Sheet:
    start = body[:100].lstrip().lower()
    if "html" in kind or start.startswith((b"<!doctype html", b"<html")):
        raise _FailedError(RatesError(f"{url}: a web page came in place of exchange rates", _NETWORK))
    try:
        return read_rates(body, today)
    except _UNREADABLE as error:
        # Half a file that claims to be whole looks like this, so it is worth another try.
        raise _FailedError(
            RatesError(f"{url}: these are no exchange rates ({error})", _PASSES), passing=True
        ) from error


def read_rates(body: bytes, today: date) -> Sheet:
    """The rates in one of the bank's files.

    Raises:
        ValueError: it is none of them, or tells what cannot be true; the errors of zip files and XML likewise.
    """
    return _zipped(body, today) if body.startswith(b"PK") else _xml(body, today)


def _sheet(rows: Iterable[tuple[date, Row]], today: date, currencies: Sequence[str] = ()) -> Sheet:
    sheet = Sheet.of((_sound(day, row, today) for day, row in rows), currencies)
    if not sheet.days:
        raise ValueError("there are none in it")
    return sheet


def _sound(day: date, row: Row, today: date) -> tuple[date, Row]:
    """A day as it was told.

    Raises:
        ValueError: it cannot be true.
    """
    if not FIRST_DAY <= day <= today + _FUTURE:
        raise ValueError(f"rates of {day} cannot be told on {today}")
    for currency, rate in row.items():
        if not _CURRENCY.fullmatch(currency) or not _CELL.fullmatch(rate) or not rate.strip("0."):
            raise ValueError(f"{currency} of {day} is told as {rate!r}")
    return day, row


def _zipped(body: bytes, today: date) -> Sheet:
    """The CSV in a zip file: a line a day, a column a currency, ``N/A`` where there is no rate."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        names = [name for name in archive.namelist() if name.lower().endswith(".csv")]
        if len(names) != 1:
            raise ValueError(f"there are {len(names)} tables in it instead of one")
        with archive.open(names[0]) as file:
            data = file.read(_LARGEST_TEXT + 1)
    if len(data) > _LARGEST_TEXT:
        raise ValueError("it is too large")
    lines = data.decode("utf-8-sig").splitlines()
    header = [cell.strip() for cell in lines[0].split(",")] if lines else []
    if header[:1] != ["Date"]:
        raise ValueError("its first line names no currencies")
    columns = [name for name in header[1:] if name]
    return _sheet(_lines(lines, header), today, columns)


def _lines(lines: list[str], header: list[str]) -> Iterator[tuple[date, Row]]:
    for number, line in enumerate(lines[1:], 2):
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != len(header):
            raise ValueError(f"line {number} has {len(cells)} cells instead of {len(header)}")
        told = zip(header[1:], cells[1:], strict=True)
        yield date.fromisoformat(cells[0]), {name: cell for name, cell in told if cell not in _NOT_TOLD}


def _xml(body: bytes, today: date) -> Sheet:
    """``<Cube time="2026-11-20"><Cube currency="USD" rate="1.1"/>…</Cube>`` in an envelope."""
    rows: list[tuple[date, dict[str, str]]] = []

    def element(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] != "Cube":
            return
        if "time" in attributes:
            rows.append((date.fromisoformat(attributes["time"]), {}))
        elif "currency" in attributes:
            if not rows or attributes["currency"] in rows[-1][1]:
                raise ValueError(f"{attributes['currency']} is told twice, or of no day")
            rows[-1][1][attributes["currency"]] = attributes.get("rate", "")

    def refuse(*_declared: object) -> None:
        raise ValueError("it declares a document type")

    parser = expat.ParserCreate()
    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(body, True)
    return _sheet(rows, today)
