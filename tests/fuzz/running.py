"""The properties over and over in several processes, until the time is up; what breaks one is kept as a file."""

from __future__ import annotations

import multiprocessing
import os
import re
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.damage import damaged
from tests.fuzz.exports import Export, exports
from tests.fuzz.properties import an_export_is_read_as_written, anything_is_read_or_refused

#: Examples of one seed; small, so that the time is kept.
_AT_ONCE = 200


class Failure(msgspec.Struct, frozen=True):
    """A way in which a property broke, told apart by the exception and where it was raised."""

    of: str
    where: str
    told: str
    name: str
    data: bytes


class Run(msgspec.Struct):
    """What one process did."""

    examples: dict[str, int]
    failures: list[Failure]


class _Property(NamedTuple):
    strategy: Callable[[], Any]
    check: Callable[[Any], None]
    file: Callable[[Any], tuple[str, bytes]]


def _of_export(export: Export) -> tuple[str, bytes]:
    return export.name, export.data


_PROPERTIES = {
    "well-written exports are read as written, or asked about": _Property(
        exports, an_export_is_read_as_written, _of_export
    ),
    "exports, whatever they are: read or refused, nothing lost": _Property(
        exports, lambda export: anything_is_read_or_refused(export.name, export.data), _of_export
    ),
    "damaged files: read or refused, nothing lost": _Property(
        damaged, lambda file: anything_is_read_or_refused(*file), lambda file: file
    ),
}


def fuzzed(seconds: float, first_seed: int, folder: Path) -> tuple[Counter[str], dict[str, Failure]]:
    """Runs all properties on every core, and keeps the smallest file of each failure in the folder."""
    workers = os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers) as pool:
        runs = pool.starmap(_worked, [(seconds, first_seed + number, workers) for number in range(workers)])
    examples: Counter[str] = Counter()
    failures: dict[str, Failure] = {}
    for run in runs:
        examples.update(run.examples)
        for failure in run.failures:
            known = failures.get(failure.where)
            if known is None or len(failure.data) < len(known.data):
                failures[failure.where] = failure
    for number, failure in enumerate(failures.values(), 1):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}-{failure.name}").write_bytes(failure.data)
        (folder / f"{number}-{failure.name}.told").write_text(failure.told, encoding="utf-8")
    return examples, failures


def _worked(seconds: float, first_seed: int, step: int) -> Run:
    until = time.monotonic() + seconds
    run = Run(dict.fromkeys(_PROPERTIES, 0), [])
    number = first_seed
    while time.monotonic() < until:
        for name, property_ in _PROPERTIES.items():
            done, failure = _tried(name, property_, number)
            run.examples[name] += done
            if failure is not None:
                run.failures.append(failure)
        number += step
    return run


def _tried(name: str, property_: _Property, number: int) -> tuple[int, Failure | None]:
    done, last = 0, None

    def check(example: Any) -> None:
        nonlocal done, last
        done, last = done + 1, example
        property_.check(example)

    tried = given(property_.strategy())(check)
    tried = seed(number)(tried)
    tried = settings(
        max_examples=_AT_ONCE,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )(tried)
    try:
        tried()
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what is looked for
        # Hypothesis raises the failure with the smallest example it found, which is the last it tried.
        file, data = property_.file(last)
        told = "".join(traceback.format_exception(error))
        return done, Failure(name, f"{type(error).__name__} {_place(error)}", f"seed {number}\n{told}", file, data)
    return done, None


def _place(error: Exception) -> str:
    """Where it was raised, and the words of the message: those of one defect are alike but for figures and names."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/.venv/" not in frame.filename]
    ours = [frame for frame in frames if "/trayd/" in frame.filename] or frames
    words = re.sub(r'"[^"]*"|[\w.]*\d[\w.]*|\S+\.(csv|tsv|txt)', "", str(error).partition("\n")[0])
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno} {' '.join(words.split())[:70]}"
