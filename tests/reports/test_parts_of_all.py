"""Reports of parts are parts of the report of everything: of all clients, projects, months or kinds they come to it."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.desk import NOW, opened_desk
from tests.ledger.making import cost
from trayd.facts import Batch
from trayd.operations.exporting import ReportQuery, report_request
from trayd.pool_settings import Pool
from trayd.records import Kind
from trayd.reports.context import contents

POOLS = (
    Pool(name="Plan", amount=Decimal("10.000000001"), since=date(2026, 8, 31)),
    Pool(name="Farm", amount=Decimal("7.77"), since=date(2026, 9, 2), period="week", split="equal"),
    Pool(
        name="Stock",
        amount=Decimal(3),
        since=date(2026, 10, 1),
        split={"Spring": Decimal(1), "Acme/Pitch": Decimal("0.3")},
    ),
    Pool(name="Fair", amount=Decimal(99), since=date(2026, 10, 1), to=date(2026, 11, 9), period="once"),
)
CLIENTS = ("Acme", "Northwind", "")
PROJECTS = ("Spring", "Pitch", "")
MONTHS = [
    ("2026-08-01", "2026-08-31"),
    ("2026-09-01", "2026-09-30"),
    ("2026-10-01", "2026-10-31"),
    ("2026-11-01", None),
]

tags = st.fixed_dictionaries({"client": st.sampled_from(CLIENTS), "project": st.sampled_from(PROJECTS)}).map(
    lambda given: {name: value for name, value in given.items() if value}
)
ago = st.integers(1, 80 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
jobs = st.lists(st.tuples(st.integers(1, 10**9), ago, tags), min_size=1, max_size=25)
outside = st.lists(
    st.tuples(st.integers(-50_000, 500_000), ago, tags, st.sampled_from([Kind.EXTERNAL, Kind.POOL])), max_size=8
)


def nanos(desk, **asked):
    """The combined total of a report."""
    request = report_request(desk.operations, ReportQuery(**asked), desk.now)
    records = desk.operations.books.records(request.filters, zone=request.zone, newest_first=False)
    found = contents(list(records), request).figures
    return found.internal + found.external


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(jobs=jobs, outside=outside)
def test_reports_of_parts_come_to_the_report_of_everything(tmp_path_factory, zone, jobs, outside):
    with opened_desk(tmp_path_factory.mktemp("home")) as desk:
        desk.set(time_zone=zone, pool=POOLS)
        for amount, before, said in jobs:
            desk.spends(str(Decimal(amount).scaleb(-9)), NOW - before, **said)
        desk.ledger.add(
            Batch(
                costs=tuple(
                    cost(f"c{number}", NOW - before, str(Decimal(amount) / 100), kind=kind, **said)
                    for number, (amount, before, said, kind) in enumerate(outside)
                )
            )
        )
        whole = nanos(desk)
        assert sum(nanos(desk, client=client) for client in CLIENTS) == whole
        assert sum(nanos(desk, client=one, project=two) for one in CLIENTS for two in PROJECTS) == whole
        assert sum(nanos(desk, since=since, until=until) for since, until in MONTHS) == whole
        assert sum(nanos(desk, kind=kind) for kind in Kind) == whole
