"""Rollups: the same as a recount of all records, always; kept, and counted again where in doubt."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import tinydb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.insight.recount import Recount, parts_told
from tests.ledger.making import (
    DAY,
    FLUX,
    HOUR,
    KLING,
    NOON,
    account,
    billing,
    cost,
    covers,
    crash,
    edit,
    estimate,
    event,
    model,
    opened,
    row,
    run,
)
from trayd.facts import Batch
from trayd.money import Money
from trayd.records import Counting, Filters, Kind, Status, TimePart

ZONES = [UTC, ZoneInfo("Europe/Stockholm"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/Los_Angeles")]
ALL = Filters()
JULY = datetime(2026, 7, 10, 12, tzinfo=UTC)


def added_up(sums):
    """Sums in any order, less those that came to nothing."""
    return {heading: (count, nanos) for heading, count, nanos in sums if count or nanos}


def told(sums, by=()):
    """What the sums come to by these fields, whatever else they tell apart; amounts left out of totals do not count."""
    found = {}
    for heading, (records, nanos) in added_up(sums).items():
        key = heading[:4] + tuple(getattr(heading, field) for field in by)
        known = found.get(key, (0, 0))
        found[key] = known[0] + records, known[1] + (0 if heading.counting is Counting.UNMATCHED else nanos)
    return found


FIELDS = ["endpoint_id", "operation", "key", "client", "project", "deliverable"]


def assert_as_recounted(ledger, filters=ALL, zone=UTC):
    recount = Recount(ledger.records(zone=zone))
    meant = filters
    if filters.account is not None:
        meant = structs.replace(filters, account=ledger._state.canonical(filters.account))
    for by in ([], *([field] for field in FIELDS), FIELDS):
        found = told(ledger.sums(filters, zone=zone, by=by), by)
        assert found == told(recount.sums(meant, zone=zone, by=by), by), by


# Within what billing can touch: a request is looked for no farther from its time.
moments = st.datetimes(datetime(2026, 8, 10), datetime(2026, 11, 20), timezones=st.just(UTC))  # noqa: DTZ001 - naive bounds
edges = st.none() | moments
windows = st.builds(lambda a, b: (a, b) if a is None or b is None or a <= b else (b, a), edges, edges)
tags = st.none() | st.sampled_from(["Northwind", "Näckrosen"])
statuses = st.sampled_from(Status)
requests = st.none() | st.sampled_from([f"r{n}" for n in range(6)])
models = st.sampled_from([KLING, FLUX])
accounts = st.sampled_from(["default", "acme", "bolt"])

events = st.builds(
    lambda n, request, when, status, endpoint, client, priced, of: event(
        f"e{n}{request}{when}{status}{endpoint}{client}{priced}{of}",
        request,
        when,
        status=status,
        endpoint_id=endpoint,
        client=client,
        estimate=estimate(priced) if priced else None,
        account=of,
    ),
    st.integers(0, 3),
    requests,
    moments,
    statuses,
    models,
    tags,
    st.none() | st.sampled_from(["1.00", "0.000000001"]),
    accounts,
)
bills = st.builds(
    lambda request, totals, when, fetched, of: billing(
        request, *(row(total, when) for total in totals), fetched=NOON + fetched * HOUR, account=of
    ),
    st.sampled_from([f"r{n}" for n in range(6)]),
    st.lists(st.none() | st.sampled_from(["1.12", "0.3333"]), min_size=1, max_size=3),
    moments,
    st.integers(0, 5),
    st.sampled_from(["acme", "bolt"]),
)
runs = st.builds(
    lambda request, status, when, of: run(request, status, sent_at=when, account=of),
    st.sampled_from([f"r{n}" for n in range(6)]),
    statuses,
    moments,
    st.sampled_from(["acme", "bolt"]),
)
costs = st.builds(
    lambda n, when, kind, client: cost(f"c{n}", when, f"{n}.50", kind=kind, client=client),
    st.integers(0, 5),
    moments,
    st.sampled_from([Kind.EXTERNAL, Kind.POOL]),
    tags,
)
coverages = st.builds(
    lambda of, since, length: covers(of, since, since + length * DAY), st.sampled_from(["acme", "bolt"]), moments,
    st.integers(0, 90),
)  # fmt: skip
batches = st.one_of(
    events.map(lambda fact: Batch(events=(fact,))),
    bills.map(lambda fact: Batch(billing=(fact,))),
    runs.map(lambda fact: Batch(runs=(fact,))),
    costs.map(lambda fact: Batch(costs=(fact,))),
    coverages.map(lambda fact: Batch(coverage=(fact,))),
    st.sampled_from(["acme", None]).map(lambda name: Batch(accounts=(account("default", name),))),
    st.builds(lambda op, when: Batch(models=(model("Kling", when, operation=op),)), st.sampled_from("ab"), moments),
    st.sampled_from(["checkpoint", "crash", "restart"]),
)
thorough = settings(max_examples=40, suppress_health_check=list(HealthCheck))


@thorough
@given(st.lists(batches, min_size=3, max_size=25), windows, st.sampled_from(ZONES), tags, st.none() | models)
def test_whatever_happens_the_sums_are_those_of_a_recount(steps, window, zone, client, endpoint):
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ledger = opened(home)
        for step in steps:
            if step == "checkpoint":
                ledger.checkpoint()
            elif step in ("crash", "restart"):
                crash(ledger) if step == "crash" else ledger.close()
                ledger = opened(home)
            else:
                ledger.add(step)
        since, until = window
        for filters in (
            ALL,
            Filters(since=since, until=until),
            Filters(since=since, until=until, client=client, model=endpoint),
            Filters(account="default", until=until),
            Filters(kind=Kind.EXTERNAL, since=since),
        ):
            assert_as_recounted(ledger, filters, zone)
        assert ledger.verify() == []
        ledger.close()
        ledger = opened(home)
        assert_as_recounted(ledger, ALL, zone)
        ledger.close()


@thorough
@given(st.lists(batches, min_size=3, max_size=15), moments, st.integers(1, 20), st.sampled_from(ZONES))
def test_the_days_and_the_hours_add_up_as_a_recount_does(steps, since, days, zone):
    with tempfile.TemporaryDirectory() as folder:
        ledger = opened(Path(folder))
        for step in steps:
            if isinstance(step, Batch):
                ledger.add(step)
        within = Filters(since=since, until=since + days * DAY + timedelta(minutes=7))
        recount = Recount(ledger.records(zone=zone))
        for part in TimePart:
            found = ledger.sums_over_time(within, part, zone=zone)
            assert parts_told(found) == parts_told(recount.sums_over_time(within, part, zone=zone)), part
        ledger.close()


def one(ledger, **filters):
    (only,) = ledger.sums(Filters(**filters))
    return only.heading.counting, only.records, only.nanos


def test_an_estimate_goes_out_exactly_when_the_actual_comes(ledger):
    ledger.add(Batch(events=(event("e1", "r1", estimate=estimate("0.333333333")),)))
    assert one(ledger) == (Counting.ESTIMATE, 1, 333_333_333)
    ledger.add(Batch(billing=(billing("r1", row("0.32")),)))
    assert one(ledger) == (Counting.ACTUAL, 1, 320_000_000)


def test_a_window_is_exact_at_its_edges_to_the_microsecond(ledger):
    ledger.add(Batch(billing=(billing("r1", row("1.00", NOON)),)))
    assert one(ledger, since=NOON, until=NOON + timedelta(microseconds=1)) == (Counting.ACTUAL, 1, 10**9)
    assert ledger.sums(Filters(until=NOON)) == ()
    assert ledger.sums(Filters(since=NOON + timedelta(microseconds=1))) == ()


def test_a_cost_counts_on_its_date_in_every_time_zone(ledger):
    ledger.add(Batch(costs=(cost("c1", NOON),)))
    for zone in (ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Pago_Pago")):
        start = NOON.replace(hour=0, tzinfo=zone)
        assert ledger.sums(Filters(since=start, until=start + DAY), zone=zone)
        assert not ledger.sums(Filters(since=start + HOUR, until=start + DAY), zone=zone)
        assert not ledger.sums(Filters(until=start), zone=zone)


def test_sums_beyond_64_bits_are_exact(ledger):
    rich = tuple(cost(f"c{n}", NOON + n * DAY, "9000000000") for n in range(4))
    ledger.add(Batch(costs=rich))
    assert sum(each.nanos for each in ledger.sums()) == Money.of("36000000000").nanos
    ledger.add(Batch(costs=(cost("c9", NOON - DAY, "1.00"),)))
    assert sum(each.nanos for each in ledger.sums()) == Money.of("36000000001").nanos
    assert_as_recounted(ledger)


def test_a_poll_that_moves_the_watermark_turns_what_failed_into_free_without_touching_a_record(ledger):
    ledger.add(Batch(runs=(run("r1", Status.FAILED),), coverage=(covers("acme", NOON - DAY, NOON + DAY),)))
    assert one(ledger)[0] is Counting.FAILED
    before = ledger.records_version
    ledger.add(Batch(coverage=(covers("acme", NOON - DAY, NOON + 3 * DAY),)))
    assert one(ledger)[0] is Counting.FREE
    assert ledger.records_version == before


@pytest.fixture
def years(tmp_path):
    """A home with two years of records, the newest in November 2026."""
    ledger = opened(tmp_path)
    for back in range(24):
        when = NOON - back * 30 * DAY
        facts = tuple(billing(f"r{back}-{n}", row("1.00", when + n * HOUR)) for n in range(5))
        ledger.add(Batch(billing=facts))
    ledger.close()
    return tmp_path


def in_memory(ledger):
    return [month.name for month in ledger._months.opened()]


def test_totals_of_all_time_open_no_month(years):
    ledger = opened(years)
    assert one(ledger) == (Counting.ACTUAL, 120, 120 * 10**9)
    assert in_memory(ledger) == []
    assert ledger._months._derived == {}, "not even their rollups"
    ledger.close()


def test_a_window_long_ago_reads_rollups_and_no_month(years):
    ledger = opened(years)
    first = NOON - 20 * 30 * DAY
    assert one(ledger, since=first, until=first + 2 * HOUR) == (Counting.ACTUAL, 2, 2 * 10**9)
    assert one(ledger, since=first - 100 * DAY, until=first + 10 * DAY)[1] == 20
    assert in_memory(ledger) == []
    ledger.close()


def test_breakdowns_of_all_time_read_the_sums_of_whole_months(years):
    ledger = opened(years)
    assert sum(each.records for each in ledger.sums(Filters(model=KLING), by=("operation",))) == 120
    assert in_memory(ledger) == []
    assert ledger._months._derived == {}
    ledger.close()


def test_stock_tinydb_opens_the_rollups(years):
    files = list((years / "ledger/rollups").glob("*.json"))
    assert len(files) == 25 or len(files) == 26
    for path in files:
        with tinydb.TinyDB(path) as database:
            assert all(database.table(table).all() for table in database.tables())


def damaged(path):
    path.write_bytes(path.read_bytes()[:-40])


def gone(path):
    path.unlink()


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [damaged, gone, empty])
@pytest.mark.parametrize("which", ["months", "2026-11", "2025-03"])
def test_rollups_in_doubt_are_counted_again(years, spoil, which):
    spoil(years / f"ledger/rollups/{which}.json")
    ledger = opened(years)
    assert one(ledger)[1] == 120
    assert_as_recounted(ledger, Filters(since=datetime(2025, 3, 10, tzinfo=UTC)))
    assert ledger.notices == (), "nobody needs to know"
    ledger.checkpoint()
    ledger.close()
    ledger = opened(years)
    one(ledger)
    assert in_memory(ledger) == [], "and kept"
    ledger.close()


def test_rollups_of_another_state_of_the_month_are_counted_again(years):
    path = years / "ledger/rollups/2026-11.json"
    yesterday = path.read_bytes(), (years / "ledger/rollups/months.json").read_bytes()
    ledger = opened(years)
    ledger.add(Batch(billing=(billing("new", row("5.00", NOON)),)))
    ledger.close()
    path.write_bytes(yesterday[0])
    (years / "ledger/rollups/months.json").write_bytes(yesterday[1])
    ledger = opened(years)
    assert sum(each.nanos for each in ledger.sums()) == 125 * 10**9
    assert ledger.verify() == []
    ledger.close()


def test_a_hand_edit_reaches_the_sums(years):
    with tinydb.TinyDB(years / "ledger/2025-03.json") as database:
        (first, *_) = database.all()
        database.update({"client": "Contoso"}, tinydb.where("id") == first["id"])
    ledger = opened(years)
    assert sum(each.records for each in ledger.sums(Filters(client="Contoso"))) == 1
    assert ledger.verify() == []
    ledger.close()


def test_verify_tells_of_a_rollup_that_is_not_a_recount(years):
    ledger = opened(years)
    rollup = ledger._months.rollup("2025-03")
    (line, *_) = rollup.lines
    rollup.add(line, 0, 1, 1)
    (problem,) = ledger.verify()
    assert "2025-03" in problem.text
    assert "sums" in problem.text
    ledger.close()


def test_old_months_leave_nothing_behind_in_memory(years):
    ledger = opened(years)
    list(ledger.records())
    ledger.checkpoint()
    assert set(in_memory(ledger)) <= {"2026-11"}
    assert set(ledger._months._derived) <= {"2026-08", "2026-09", "2026-10", "2026-11"}
    ledger.close()


def test_a_poll_that_tells_nothing_new_opens_no_month(tmp_path):
    now = [NOON + HOUR]
    from tests.ledger.making import folders
    from trayd.ledger.store import Ledger

    def told(minute):
        return Batch(
            billing=tuple(
                billing(f"r{n}", row("1.00", NOON), fetched=NOON + timedelta(minutes=minute)) for n in range(5)
            ),
            coverage=(covers("acme", NOON - DAY, NOON + timedelta(minutes=minute)),),
        )

    ledger = Ledger.open(folders(tmp_path), base_url=None, holder="a test", clock=lambda: now[0])
    ledger.add(told(1))
    ledger.checkpoint()
    assert in_memory(ledger) == ["2026-11"]
    now[0] += timedelta(minutes=11)
    assert ledger.release()
    assert in_memory(ledger) == []
    assert ledger.add(told(2)).known == 5
    assert in_memory(ledger) == []
    older = billing("r1", row("9.00", NOON), fetched=NOON + timedelta(minutes=1))
    assert ledger.add(Batch(billing=(older,))).known == 1, "an older fetch undoes nothing"
    newer = billing("r1", row("9.00", NOON), fetched=NOON + timedelta(minutes=3))
    assert ledger.add(Batch(billing=(newer,), edits=(edit("r2", "note", "x"),))).changed == ("r1", "r2")
    assert sum(each.nanos for each in ledger.sums()) == 13 * 10**9
    ledger.close()
