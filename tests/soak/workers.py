"""Soaks side by side, each in a process of its own with ledgers and a seed of its own."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.soak.cycles import Soak, Summary

WORKERS = 2


def soaked(folder: Path, seed: int, cycles: int) -> Summary:
    """Runs so many cycles, and adds up what they came to.

    Raises:
        SoakError: what a kill left is wrong; the ledger's folder is kept as it is.
    """
    parts = [cycles // WORKERS + (number < cycles % WORKERS) for number in range(WORKERS)]
    folders = [folder / str(number) for number in range(WORKERS)]
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as workers:
        return _together(workers.map(_run, folders, itertools.count(seed), parts))


def _run(folder: Path, seed: int, cycles: int) -> Summary:
    return Soak(folder, seed).run(cycles, partial(_tell, seed))


def _tell(seed: int, summary: Summary) -> None:
    sys.stdout.write(
        f"seed {seed}: {summary.cycles} kills, {summary.acknowledged} operations acknowledged, 0 lost, "
        f"{summary.seconds:.0f} s\n"
    )
    sys.stdout.flush()


def _together(parts: Iterable[Summary]) -> Summary:
    whole, places = Summary(), Counter[str]()
    for part in parts:
        for field in ("cycles", "recoveries", "acknowledged", "pending", "opened", "big"):
            setattr(whole, field, getattr(whole, field) + getattr(part, field))
        whole.seconds = max(whole.seconds, part.seconds)
        places.update(part.places)
    whole.places = dict(places)
    return whole
