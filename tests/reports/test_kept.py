"""What exports keep while they are made is not in memory any more once they are."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from tests.desk import DAY, NOW, Desk, opened_desk
from trayd.operations.exporting import ExportQuery
from trayd.reports.kept import forget, kept

_RECORDS = 1000

#: A record whose texts and amount are kept takes some 180 bytes of it, and twice that in FOCUS.
_NEXT_TO_NOTHING = 100 * _RECORDS


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with opened_desk(tmp_path_factory.mktemp("kept")) as desk:
        for number in range(_RECORDS):
            name = f"näme {number} " * 4
            desk.spends(
                f"0.{number + 1:06}", NOW - DAY, client=name, project=name, endpoint_id=f"fal-ai/model-{number}"
            )
        yield desk


@pytest.mark.parametrize("form", ["focus", "json", "ledger"])
@pytest.mark.parametrize("whole", [True, False], ids=["read to its end", "left"])
def test_nothing_of_an_export_stays(desk: Desk, form: str, *, whole: bool) -> None:
    def export() -> None:
        pieces = iter(desk.operations.export(ExportQuery(format=form)))
        next(pieces)
        if whole:
            list(pieces)

    export()  # what is loaded the first time does stay
    forget()
    gc.collect()
    tracemalloc.start()
    export()
    gc.collect()
    stays, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert stays < _NEXT_TO_NOTHING


def test_while_it_is_made_an_answer_is_made_once() -> None:
    asked = []

    @kept(2)
    def make(value: int) -> int:
        asked.append(value)
        return value

    assert [make(value) for value in (1, 1, 2, 1)] == [1, 1, 2, 1]
    assert asked == [1, 2]
