"""Nothing that stands in a file gets lost: each of its rows is recorded, rejected with a reason, or named."""

from __future__ import annotations

import pytest

from tests.intake.corpus import FOLDER, Case, accounted_for, cases, files, lines
from tests.intake.host import Host, until
from trayd.intake.rejection import RefusedError
from trayd.records import ExternalCost

READABLE = [case for case in cases() if case.expected.refused is None]


@pytest.mark.parametrize("case", READABLE, ids=lambda case: case.name)
def test_every_row_of_a_file_is_recorded_rejected_or_named_once(case: Case) -> None:
    try:
        costs = case.read()
    except RefusedError as error:
        pytest.fail(f"refused whole: {error.rejection.text(case.file)}")
    counted = accounted_for(costs)
    assert [line for line, times in counted.items() if times > 1] == []
    assert sorted(counted) == list(lines(case.expected.rows))
    assert all(row.rejection.problem for row in costs.rejected)
    assert all(row.reason for row in costs.named if row.what == "left out")


async def test_what_is_dropped_a_second_time_is_known(host: Host) -> None:
    """By content where it is the same file, by record where it has grown by a blank line."""
    named = {path.name for path in files()}
    for path in files():
        (host.drop / path.name).write_bytes(path.read_bytes())
    await _until_taken(host)
    recorded = await host.records()
    assert len(recorded) > 300

    for name in named:
        (host.drop / f"again-{name}").write_bytes((FOLDER / name).read_bytes())
        if name.endswith(".csv") and b"\0" not in (data := (FOLDER / name).read_bytes()):
            (host.drop / f"grown-{name}").write_bytes(data + b"\r\n")
    await _until_taken(host)
    costs = [record for record in await host.records() if isinstance(record, ExternalCost)]
    assert sorted(cost.id for cost in costs) == sorted(record.id for record in recorded)
    assert len({cost.id for cost in costs}) == len(costs)


async def _until_taken(host: Host) -> None:
    async with host.running():
        await until(lambda: not any(path.is_file() for path in host.drop.iterdir()), seconds=60)
