"""httpx without its command line.

``import httpx`` also imports the program of that name, and with it rich and pygments: a fifth of the daemon's start and
3 MB that it would carry all day. httpx takes it for not installed when that import fails, and does without.
"""

from __future__ import annotations

import ssl
import sys
from functools import cache

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # what import takes for "there is none"

import httpx  # noqa: E402 - only now

__all__ = ["httpx", "tls"]


@cache
def tls() -> ssl.SSLContext:
    """The certificates that are trusted: loaded once, as they take time and memory."""
    return httpx.create_ssl_context()
