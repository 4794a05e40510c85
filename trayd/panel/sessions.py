"""Who may open the panel's pages: a link that works once, and the cookie that it is exchanged for.

All of it is in memory alone: no link and no cookie outlives the daemon.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

#: How long a link can be used: as long as a browser takes to start.
LINK_LASTS = timedelta(seconds=60)

#: A cookie that no page was opened with for so long is good no more.
COOKIE_LASTS = timedelta(hours=12)

#: Where a link leads, before its secret.
ENTRANCE = "/enter/"

_SECRET_BYTES = 32

#: Of links and of cookies, each: whoever makes more loses the oldest.
_MOST = 64


class Sessions:
    """Links and cookies of one daemon.

    Args:
        url: the base that pages are served at. Cookies know no ports, so that the name of this one has it.
        clock: the time (UTC).

    Attributes:
        cookie: its name.
    """

    def __init__(self, url: str, clock: Callable[[], datetime]) -> None:
        self._url = url
        self._clock = clock
        self.cookie = f"trayd-{urlsplit(url).port}"
        # By digest: how long it takes to find one, or not, tells nothing of the secrets that there are.
        self._links: dict[bytes, datetime] = {}
        self._cookies: dict[bytes, datetime] = {}

    def link(self) -> str:
        """A new link, for one use within a minute."""
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        _keep(self._links, secret, self._clock())
        return f"{self._url}{ENTRANCE}{secret}"

    def enter(self, secret: str) -> str | None:
        """The cookie that the secret of a link is exchanged for; None where the link was used before, or is too old."""
        made = self._links.pop(_digest(secret), None)
        if made is None or not self._within(made, LINK_LASTS):
            return None
        cookie = secrets.token_urlsafe(_SECRET_BYTES)
        _keep(self._cookies, cookie, self._clock())
        return cookie

    def admits(self, cookie: str) -> bool:
        """Whether pages are opened to who has this cookie; from now on it lasts anew."""
        used = self._cookies.pop(_digest(cookie), None)
        if used is None or not self._within(used, COOKIE_LASTS):
            return False
        _keep(self._cookies, cookie, self._clock())
        return True

    def _within(self, since: datetime, length: timedelta) -> bool:
        # Where the clock was set back, nobody knows how long ago it was.
        return timedelta() <= self._clock() - since <= length


def _keep(kept: dict[bytes, datetime], secret: str, now: datetime) -> None:
    kept[_digest(secret)] = now
    while len(kept) > _MOST:
        del kept[next(iter(kept))]


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
