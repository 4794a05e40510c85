"""Carries calls to fal: one connection pool, retries of what passes, and bounds on what comes back.

httpx and the socket layer end here: everything that goes wrong leaves as one of :mod:`trayd.errors`.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Generator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import tenacity

from trayd.errors import FalAnswerError, FalError, FalThrottledError, FalUnreachableError, ProxyError
from trayd.fal.failures import Failure, of_answer, of_body, of_exception, redirected
from trayd.fal.keys import Key
from trayd.http_client import httpx, open_client

#: The parameters of a call; a name may come several times.
Query = list[tuple[str, str | int | float | bool | None]]
Answer = TypeVar("Answer", bound=msgspec.Struct)

#: No answer is read beyond this; a page of 10,000 billing rows is 5 MB.
LARGEST_BODY = 64 * 1024 * 1024

# A body of more than this is decoded beside the event loop, not on it.
_DECODED_ASIDE = 64 * 1024


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often a call is tried, in seconds.

    Attributes:
        attempts: the most tries of one call.
        total_s: no try begins later than this after the first, and none lasts longer.
        first_wait_s: the upper end of the first random wait, which doubles up to ``longest_wait_s``; a ``Retry-After``
            that is longer is kept to.
    """

    attempts: int = 5
    total_s: float = 120.0
    connect_s: float = 10.0
    read_s: float = 30.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 20.0


class _KeyAuth(httpx.Auth):
    """Sets the key where the request leaves, so that no variable of ours holds the header."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Key {self._key.reveal()}"
        yield request


class _FailedError(Exception):
    """A try that failed, with the error that tells so and whether and when another makes sense."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.error))
        self.failure = failure


class Transport:
    """Calls of one API with one key.

    Args:
        base_url: the API's address, without a slash at the end.
        key: sent to that address and nowhere else.
        retry_policy: how long and how often a call is tried.

    Raises:
        FalUnreachableError: the system names a proxy that cannot be used.
    """

    def __init__(self, base_url: str, key: Key, retry_policy: RetryPolicy) -> None:
        self.base_url = base_url
        self.server_time: datetime | None = None
        parts = urlsplit(base_url)
        self._host = parts.netloc
        self._key = key
        self._retry_policy = retry_policy
        # fal has asked for silence until then, by the monotonic clock.
        self._silent_until = 0.0
        timeout = httpx.Timeout(retry_policy.read_s, connect=retry_policy.connect_s)
        try:
            self._http = open_client(base_url, timeout, headers={"Accept": "application/json"}, auth=_KeyAuth(key))
        except ProxyError as error:
            raise FalUnreachableError(error.message, error.cure) from error

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def ask(self, kind: type[Answer], path: str, query: Query) -> Answer:
        """The answer of one call.

        Raises:
            FalError: what went wrong, when the retries are used up.
        """
        retry_policy = self._retry_policy
        tries = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(retry_policy.attempts) | tenacity.stop_before_delay(retry_policy.total_s),
            wait=_wait(retry_policy),
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, _FailedError) and error.failure.passing),
            reraise=True,
        )
        deadline = time.monotonic() + retry_policy.total_s
        try:
            return await tries(self._try, kind, path, query, deadline)
        except _FailedError as failed:
            raise failed.failure.error from failed.__cause__

    async def _try(self, kind: type[Answer], path: str, query: Query, deadline: float) -> Answer:
        try:
            await self._keep_silence(deadline)
            async with asyncio.timeout(deadline - time.monotonic()):
                response, body = await self._send(path, query)
        except FalError as error:
            raise _FailedError(Failure(error)) from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
            raise _FailedError(of_exception(error, self._host)) from error
        if response.is_success:
            try:
                return await _decoded(kind, body)
            except (msgspec.DecodeError, ValueError, ArithmeticError) as error:
                raise _FailedError(of_body(error, response, body, self._place(path))) from error
        if response.is_redirect:
            raise _FailedError(redirected(response, self._host))
        failure = of_answer(response, body, self._place(path), self._key)
        if isinstance(failure.error, FalThrottledError) and failure.retry_after:
            self._silent_until = time.monotonic() + failure.retry_after
        raise _FailedError(failure)

    async def _keep_silence(self, deadline: float) -> None:
        now = time.monotonic()
        wait = self._silent_until - now
        if wait <= 0:
            return
        if now + wait >= deadline:
            raise FalThrottledError(
                f"{self._host} has asked for fewer calls and {wait:.0f} s of silence",
                "nothing to do: trayd asks again when that is over",
                retry_after=wait,
            )
        await asyncio.sleep(wait)

    async def _send(self, path: str, query: Query) -> tuple[httpx.Response, bytes]:
        request = self._http.build_request("GET", self.base_url + path, params=query or None)
        response = await self._http.send(request, stream=True, follow_redirects=False)
        try:
            self._note_time(response)
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise FalAnswerError(
                        f"{self._place(path)}: the answer is larger than {LARGEST_BODY // 1024 // 1024} MB",
                        "check that TRAYD_FAL_URL leads to fal",
                    )
            return response, bytes(body)
        finally:
            await response.aclose()

    def _note_time(self, response: httpx.Response) -> None:
        try:
            stamp = parsedate_to_datetime(response.headers.get("Date", ""))
        except ValueError:
            return
        self.server_time = stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)

    def _place(self, path: str) -> str:
        return f"{self._host}{urlsplit(self.base_url).path}{path}"


def _wait(retry_policy: RetryPolicy) -> Any:
    backoff = tenacity.wait_random_exponential(multiplier=retry_policy.first_wait_s, max=retry_policy.longest_wait_s)

    def wait(state: tenacity.RetryCallState) -> float:
        failed = state.outcome.exception() if state.outcome else None
        asked = failed.failure.retry_after if isinstance(failed, _FailedError) else None
        # Spread even when fal names the moment: others were told the same one.
        return backoff(state) if asked is None else asked + backoff(state) / 4

    return wait


async def _decoded(kind: type[Answer], body: bytes) -> Answer:
    if len(body) > _DECODED_ASIDE:
        return await asyncio.to_thread(msgspec.json.decode, body, type=kind)
    return msgspec.json.decode(body, type=kind)
