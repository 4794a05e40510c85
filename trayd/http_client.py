"""httpx without its command line, and how each of trayd's clients on the network is opened.

``import httpx`` also imports the program of that name, and with it rich and pygments: a fifth of the daemon's start and
3 MB that it would carry all day. httpx takes it for not installed when that import fails, and does without.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from urllib.parse import urlsplit
from urllib.request import getproxies

from trayd import __version__
from trayd.errors import ProxyError
from trayd.settings import LOOPBACK

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # what import takes for "there is none"

import httpx  # noqa: E402 - only now

__all__ = ["causes_of", "httpx", "open_client", "retry_after", "tls"]

# A server cannot ask for a longer silence than this.
_LONGEST_SILENCE_S = 3600.0

_PROXIES = frozenset({"http", "https", "socks5", "socks5h"})


@cache
def tls() -> ssl.SSLContext:
    """The certificates that are trusted: loaded once, as they take time and memory."""
    return httpx.create_ssl_context()


def open_client(
    url: str,
    timeout: httpx.Timeout,
    *,
    headers: Mapping[str, str] | None = None,
    auth: httpx.Auth | None = None,
) -> httpx.AsyncClient:
    """A client for one address that follows no redirects, through the proxy that the system names for it.

    Args:
        url: what is asked; its scheme and host alone count here.
        timeout: of each step of a call.
        headers: beside trayd's own name.
        auth: what signs each request.

    Raises:
        ProxyError: the system names a proxy of a kind that cannot be used.
    """
    parts = urlsplit(url)
    # A proxy has no business between this machine and itself.
    proxied = parts.hostname not in LOOPBACK
    try:
        return httpx.AsyncClient(
            auth=auth,
            headers={"User-Agent": f"trayd/{__version__}", **(headers or {})},
            timeout=timeout,
            follow_redirects=False,
            trust_env=proxied,
            # Loading the certificates takes time and memory, for nothing where there is no TLS.
            verify=tls() if parts.scheme == "https" else False,
        )
    except (ValueError, httpx.InvalidURL):
        if not proxied:
            raise
        # Not chained: httpx names the whole address of the proxy, which can hold a password.
        raise _unusable() from None


def retry_after(response: httpx.Response) -> float | None:
    """``Retry-After`` in seconds (RFC 9110, 10.2.3: seconds or an HTTP date), an hour at most; None: not said."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_SILENCE_S)
    try:
        moment = parsedate_to_datetime(value)
        # By the clock that the date was made with, where the answer tells it.
        date = parsedate_to_datetime(response.headers["Date"]) if "Date" in response.headers else datetime.now(UTC)
        return min(max((moment - date).total_seconds(), 0.0), _LONGEST_SILENCE_S)
    except (ValueError, TypeError):
        return None


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that it came from, which httpx wraps."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from causes_of(inner)
        error = error.__cause__ or error.__context__


def _unusable() -> ProxyError:
    kinds = {name: _kind(url) for name, url in getproxies().items() if name in {"all", "http", "https"}}
    wrong = sorted(f"{name.upper()}_PROXY ({kind}://)" for name, kind in kinds.items() if kind not in _PROXIES)
    told = f"{' and '.join(wrong)}: no kind of proxy that trayd can use" if wrong else "the proxy's address is none"
    return ProxyError(told, "set it to an address with http:// or socks5://, and start trayd again")


def _kind(url: str) -> str:
    return url.partition("://")[0].lower() if "://" in url else "http"
