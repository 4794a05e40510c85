"""A hook that is a webhook: the warning is posted to an address of the person's, and tried again where that may help.

The address is a secret itself, as those of Slack and Discord are: whoever has it can write there. So nothing here says
more of it than its host, not even an error, and neither is what the server answers quoted, which may well repeat it.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec
import tenacity

from trayd.alert_settings import Hook
from trayd.alerts.hook_events import HookEvent, idempotency_key
from trayd.alerts.hook_formats import Post, post_of
from trayd.errors import ProxyError, TraydError
from trayd.http_client import causes_of, httpx, open_client, retry_after, tls
from trayd.settings import LOOPBACK

# Of an answer only the status counts; so much is read that the connection ends in order.
_READ_BYTES = 64 * 1024


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often a webhook is tried in one go, in seconds; the dispatcher tries again later.

    Attributes:
        attempts: the most tries.
        first_wait_s: the upper end of the first random wait, which doubles up to ``longest_wait_s``. A server that asks
            for a longer silence ends the tries.
    """

    attempts: int = 3
    first_wait_s: float = 1.0
    longest_wait_s: float = 5.0


class PostError(TraydError):
    """The webhook did not take the event.

    Attributes:
        passing: whether another try may well succeed.
        retry_after: how many seconds the server wants to be left alone; None where it does not say.
    """

    def __init__(self, message: str, cure: str = "", *, passing: bool, retry_after: float | None = None) -> None:
        super().__init__(message, cure)
        self.passing = passing
        self.retry_after = retry_after


def host_of(hook: Hook) -> str:
    """All of a webhook's address that may be shown."""
    return urlsplit(hook.url).hostname or ""


async def post(hook: Hook, event: HookEvent, retry_policy: RetryPolicy) -> None:
    """Posts the event.

    Raises:
        PostError: it was not taken; the last try's.
    """
    tries = tenacity.AsyncRetrying(
        stop=tenacity.stop_after_attempt(retry_policy.attempts),
        wait=_wait(retry_policy),
        retry=tenacity.retry_if_exception(lambda error: _worth_another(error, retry_policy)),
        reraise=True,
    )
    prepared = post_of(hook, event)
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": idempotency_key(event),
    }
    if prepared.url.startswith("https:"):
        # Loaded once, which the loop has no time for.
        await asyncio.to_thread(tls)
    try:
        client = open_client(prepared.url, httpx.Timeout(hook.timeout_s), headers=headers)
    except ProxyError as error:
        raise PostError(error.message, error.cure, passing=True) from None
    async with client as http:
        await tries(_try, http, prepared, hook)


async def _try(http: httpx.AsyncClient, prepared: Post, hook: Hook) -> None:
    host = host_of(hook)
    answer: httpx.Response | None = None
    try:
        async with (
            # A server that answers by drops is cut off as well.
            asyncio.timeout(hook.timeout_s),
            http.stream("POST", prepared.url, content=prepared.body) as answer,
        ):
            read = 0
            if answer.is_success:
                async for chunk in answer.aiter_raw():
                    read += len(chunk)
                    if read > _READ_BYTES:
                        break
    # A host that cannot be a name is a ValueError of its own (IDNA).
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, ValueError) as error:
        # One that has said that it took the event is not sent it again, whatever becomes of the rest of its answer.
        if answer is None or not answer.is_success:
            # Not chained: what httpx says can name the address.
            raise _of_exception(error, host, hook.timeout_s) from None
    else:
        if not answer.is_success:
            raise _of_answer(answer, host)


def _wait(retry_policy: RetryPolicy) -> Any:
    backoff = tenacity.wait_random_exponential(multiplier=retry_policy.first_wait_s, max=retry_policy.longest_wait_s)

    def wait(state: tenacity.RetryCallState) -> float:
        failed = state.outcome.exception() if state.outcome else None
        asked = failed.retry_after if isinstance(failed, PostError) else None
        # Spread even when the server names the moment: others were told the same one.
        return backoff(state) if asked is None else asked + backoff(state) / 4

    return wait


def _worth_another(error: BaseException, retry_policy: RetryPolicy) -> bool:
    return isinstance(error, PostError) and error.passing and (error.retry_after or 0) <= retry_policy.longest_wait_s


_CHECK_URL = "check the url of this hook in the settings"


def _of_answer(answer: httpx.Response, host: str) -> PostError:
    status = answer.status_code
    known = next((f" {each.phrase}" for each in HTTPStatus if each == status), "")
    if answer.has_redirect_location:
        there = urlsplit(answer.headers["Location"]).hostname or host
        told = f"{host} redirects to {there} ({status}), where nothing was sent"
        return PostError(told, "write the address that it has moved to into the settings", passing=False)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        told = f"{host} asks for fewer messages ({status})"
        return PostError(told, passing=True, retry_after=retry_after(answer))
    if status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY}:
        return PostError(f"{host} had no time for it ({status}{known})", passing=True)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        told = f"{host} has a problem of its own ({status}{known})"
        return PostError(told, passing=True, retry_after=retry_after(answer))
    return PostError(f"{host} refuses it ({status}{known})", _CHECK_URL, passing=False)


def _of_exception(error: Exception, host: str, timeout_s: float) -> PostError:
    causes = list(causes_of(error))
    network = "see whether what listens there runs" if host in LOOPBACK else "check the network connection"
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return PostError(f"the name {host} cannot be resolved (DNS)", network, passing=True)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message.rstrip(".")
            told = f"the TLS certificate of {host} is not trusted ({why})"
            return PostError(told, "nothing was sent; check the system's clock, and the server", passing=True)
        if isinstance(cause, ssl.SSLError):
            return PostError(f"no TLS connection to {host} comes about", network, passing=True)
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return PostError(f"{host} does not answer within {timeout_s:g} s", network, passing=True)
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | ValueError):
        return PostError("its url cannot be used", _CHECK_URL, passing=False)
    refused = any(isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED for cause in causes)
    why = "connection refused" if refused else "the connection broke"
    return PostError(f"no connection to {host} ({why})", network, passing=True)


class RetryAfter:
    """Until when servers want to be left alone (``Retry-After``), by the names of their hooks."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def note(self, hook: Hook, error: PostError) -> None:
        """Takes down what the server has asked for."""
        if error.retry_after:
            self._until[hook.name] = time.monotonic() + error.retry_after

    def lasts(self, hook: Hook) -> bool:
        """Whether it is not over."""
        return time.monotonic() < self._until.get(hook.name, 0.0)

    def forget(self, name: str) -> None:
        """The hook of that name is another one now."""
        self._until.pop(name, None)
