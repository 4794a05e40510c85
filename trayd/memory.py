"""Keeps a long-running process small: gives memory back that the C allocator would hold on to.

Loading a ledger or a large answer frees most of what it took, but glibc keeps it, and for each thread apart. Where
there is no glibc, nothing is done.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

#: mallopt(3), M_ARENA_MAX: how many heaps the threads of a process may have.
_ARENA_MAX = -8


def share_one_heap() -> None:
    """Has all threads use one heap; to be called before the first of them starts."""
    if libc := _glibc():
        libc.mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Returns what is free to the system; takes some milliseconds."""
    if libc := _glibc():
        libc.malloc_trim(0)


@cache
def _glibc() -> Any:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") else None
