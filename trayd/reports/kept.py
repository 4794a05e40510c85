"""Answers that exports ask for again and again: kept while one is made, and not in a daemon that idles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_forget: list[Callable[[], None]] = []


def kept(most: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Has a function of plain values keep so many of its answers, the latest ones, as long as exports are made."""

    def keep(make: Callable[P, T]) -> Callable[P, T]:
        keeping = lru_cache(maxsize=most)(make)
        _forget.append(keeping.cache_clear)
        return keeping  # type: ignore[return-value]  # lru_cache's type does not say what it takes

    return keep


def forgetting(pieces: Iterator[str]) -> Iterator[str]:
    """The same pieces; whether they were gone through or left, what was kept for them is forgotten then."""
    try:
        yield from pieces
    finally:
        forget()


def forget() -> None:
    """Forgets all answers; whoever makes another export meanwhile has some made anew."""
    for each in _forget:
        each()
