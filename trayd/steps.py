"""Long work in short steps: whoever does it can do other things in between, tell how far it is, and give it up."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Step(NamedTuple):
    """How far a work is, after a step of it.

    Attributes:
        done: how much of it, in whatever it is made of: rows, months.
        of: how much it is in all, as far as is known by now; 0 where that is not known yet.
        apart: whether the next step does without what the work is on: any one thread may do it then.
    """

    done: int
    of: int
    apart: bool = False


#: A work in steps; what the generator returns is the answer.
Steps = Generator[Step, None, T]

Progress = Callable[[int, int], None]


def untold(_done: int, _of: int) -> None:
    """For who does not want to know how far a work is."""


def finish(steps: Steps[T], progress: Progress = untold) -> T:
    """Does all steps one after the other; the answer.

    Args:
        steps: the work.
        progress: is told how much of how much is done.
    """
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            answer: T = end.value
            return answer
        progress(step.done, step.of)
