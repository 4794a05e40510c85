"""What can go wrong with a call, told once: foreign errors and bad answers become :mod:`trayd.errors`.

Each :class:`Failure` carries the error that a person reads, and whether it may pass by itself.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec

from trayd.errors import (
    AccountLockedError,
    FalAnswerError,
    FalError,
    FalRequestError,
    FalThrottledError,
    FalUnreachableError,
    KeyRefusedError,
    KeyScopeError,
)
from trayd.fal.keys import KEYS_PAGE, Key
from trayd.fal.wire import ErrorBody
from trayd.http_client import causes_of, httpx, retry_after

BILLING_PAGE = "https://fal.ai/dashboard/billing"

_ASKS_AGAIN = "nothing to do: trayd asks again by itself"
_CHECK_NETWORK = "check the network connection; trayd asks again by itself"
_CHECK_ADDRESS = "log in to the network in a browser if it asks for that, else check TRAYD_FAL_URL"

_QUOTED = 200
_LOCKED = re.compile(r"\blocked\b|exhausted balance", re.IGNORECASE)
_REASON = re.compile(r"reason:\s*([^.]+)", re.IGNORECASE)


class Failure(msgspec.Struct, frozen=True):
    """One failed try.

    Attributes:
        error: what went wrong, for people.
        passing: whether another try may well succeed.
        retry_after: how many seconds fal wants to be left alone, None where it does not say.
    """

    error: FalError
    passing: bool = False
    retry_after: float | None = None


def of_exception(error: Exception, host: str) -> Failure:
    """No answer came, or half of one: which of DNS, TLS, time and connection it was."""
    causes = list(causes_of(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return Failure(FalUnreachableError(f"the name {_bare(host)} cannot be resolved (DNS)", _CHECK_NETWORK), True)
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _of_tls(cause, host)
    for kind, told in _NO_ANSWER:
        if isinstance(error, kind):
            return Failure(told(host), True)
    numbers = {cause.errno for cause in causes if isinstance(cause, OSError)}
    why = "connection refused" if errno.ECONNREFUSED in numbers else "the connection broke"
    return Failure(FalUnreachableError(f"no connection to {host} ({why})", _CHECK_NETWORK), True)


def _of_tls(error: ssl.SSLError, host: str) -> Failure:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return Failure(FalUnreachableError(f"no TLS connection to {host} comes about", _CHECK_NETWORK), True)
    why = error.verify_message.rstrip(".")
    return Failure(
        FalUnreachableError(
            f"the TLS certificate of {host} is not trusted ({why})",
            "check the system's clock and whether a proxy or antivirus breaks up encrypted connections",
        )
    )


# The first that fits is told.
_NO_ANSWER: tuple[tuple[type[Exception], Callable[[str], FalError]], ...] = (
    (
        httpx.RemoteProtocolError,
        lambda host: FalAnswerError(f"{host} broke off in the middle of its answer", _ASKS_AGAIN),
    ),
    (
        httpx.DecodingError,
        lambda host: FalAnswerError(f"the answer of {host} is compressed in a broken way", _ASKS_AGAIN),
    ),
    (
        httpx.ProxyError,
        lambda host: FalUnreachableError(f"the proxy on the way to {host} refuses", "check HTTPS_PROXY"),
    ),
    (
        httpx.ConnectTimeout,
        lambda host: FalUnreachableError(f"{host} does not take a connection (time-out)", _CHECK_NETWORK),
    ),
    (
        httpx.TimeoutException,
        lambda host: FalUnreachableError(f"{host} does not answer (time-out)", _CHECK_NETWORK, connected=True),
    ),
    (
        TimeoutError,
        lambda host: FalUnreachableError(f"{host} does not answer (time-out)", _CHECK_NETWORK, connected=True),
    ),
)


def of_answer(response: httpx.Response, body: bytes, place: str, key: Key) -> Failure:
    """fal, or something in its place, refused the call."""
    status = response.status_code
    text = _told(body, key)
    seconds = retry_after(response)
    quote = f": {text}" if text else ""
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return Failure(KeyRefusedError("fal does not know this key (401)", f"set a good one from {KEYS_PAGE}"))
        case HTTPStatus.FORBIDDEN if _LOCKED.search(text):
            reason = _REASON.search(text)
            because = f" ({reason[1].strip()})" if reason else ""
            return Failure(AccountLockedError(f"fal has locked the account{because}", f"add credits at {BILLING_PAGE}"))
        case HTTPStatus.FORBIDDEN:
            return Failure(
                KeyScopeError(
                    "this key lacks the Admin scope, which balance and billing need (403)",
                    f"make a key with the Admin scope at {KEYS_PAGE} and set it with `trayd key set`",
                )
            )
        case HTTPStatus.TOO_MANY_REQUESTS:
            throttled = FalThrottledError(f"{place}: fal asks for fewer calls (429)", _ASKS_AGAIN, retry_after=seconds)
            return Failure(throttled, True, seconds)
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            told = f"{place}: fal has a problem of its own ({status}){quote}"
            broken = FalUnreachableError(told, _ASKS_AGAIN, connected=True)
            return Failure(broken, status != HTTPStatus.NOT_IMPLEMENTED, seconds)
        case _:
            told = f"{place}: fal refuses the question ({status}){quote}"
            return Failure(FalRequestError(told, "update trayd", status=status))


def of_body(error: Exception, response: httpx.Response, body: bytes, place: str) -> Failure:
    """An answer with a good status, but not in fal's form."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if "html" in kind or body.lstrip()[:1] == b"<":
        return Failure(FalAnswerError(f"{place}: a web page came in place of fal's answer", _CHECK_ADDRESS))
    if isinstance(error, msgspec.ValidationError):
        return Failure(FalAnswerError(f"{place}: the answer is not in fal's form: {error}", "update trayd"))
    if not body:
        return Failure(FalAnswerError(f"{place}: the answer is empty", _ASKS_AGAIN), True)
    what = str(error) if isinstance(error, msgspec.DecodeError) else "a number in it is beyond reading"
    # Half a body that claims to be whole looks like this, so it is worth another try.
    return Failure(FalAnswerError(f"{place}: the answer is not valid JSON ({what})", _ASKS_AGAIN), True)


def redirected(response: httpx.Response, host: str) -> Failure:
    """The call was sent elsewhere; nobody goes there, least of all the key."""
    target = _printable(urlsplit(response.headers.get("Location", "")).netloc) or host
    return Failure(
        FalAnswerError(
            f"{host} redirects to {target} ({response.status_code}); the key was not sent there", _CHECK_ADDRESS
        )
    )


def _told(body: bytes, key: Key) -> str:
    """What the body of a refusal says, for quoting: one short line without the key."""
    try:
        text = msgspec.json.decode(body, type=ErrorBody).error.message
    except (msgspec.DecodeError, ValueError):
        return ""
    return key.redact(_printable(text))


def _printable(text: str) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _QUOTED else line[:_QUOTED] + "…"


def _bare(host: str) -> str:
    return urlsplit(f"//{host}").hostname or host
