"""Sums by civil day, for what has to be converted: the same as a recount of all records, whatever is remembered."""

import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.insight.recount import Recount
from tests.ledger.making import DAY, HOUR, NOON, billing, cost, crash, opened, row
from tests.ledger.test_rollups import FIELDS, batches, models, moments, tags, thorough, windows
from trayd.facts import Batch
from trayd.money import Money
from trayd.records import Counting, Filters, Kind

ALL = Filters()
# One of them changes its clocks over midnight, so that a day begins at one o'clock.
ZONES = [UTC, ZoneInfo("Europe/Stockholm"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/Havana")]
JULY = datetime(2026, 7, 10, 12, tzinfo=UTC)


def in_currency(fact, currency):
    return structs.replace(fact, amount=structs.replace(fact.amount, currency=currency))


foreign = st.builds(
    lambda n, when, currency, kind: Batch(
        costs=(in_currency(cost(f"{currency}{n}", when, f"{n}.25", kind=kind), currency),)
    ),
    st.integers(0, 5),
    moments,
    st.sampled_from(["EUR", "SEK"]),
    st.sampled_from([Kind.EXTERNAL, Kind.POOL]),
)


def told(sums, by):
    """What the sums of each day come to by these fields; amounts left out of totals do not count."""
    found = {}
    for day, (heading, records, nanos) in sums:
        key = (day, heading[:4], *(getattr(heading, field) for field in by))
        known = found.get(key, (0, 0))
        found[key] = known[0] + records, known[1] + (0 if heading.counting is Counting.UNMATCHED else nanos)
    return {key: sums for key, sums in found.items() if sums != (0, 0)}


def assert_as_recounted(ledger, filters, zone):
    recount = Recount(ledger.records(zone=zone))
    for home in ("USD", "EUR"):
        for by in ([], *([field] for field in FIELDS), FIELDS):
            found = told(ledger.sums_by_day(filters, zone=zone, other_than=home, by=by), by)
            assert found == told(recount.sums_by_day(filters, zone=zone, other_than=home, by=by), by), (home, by)


@thorough
@given(
    st.lists(batches | foreign, min_size=3, max_size=20),
    windows,
    st.lists(st.sampled_from(ZONES), min_size=2, max_size=2),
    tags,
    st.none() | models,
)
def test_whatever_happens_the_days_are_those_of_a_recount(steps, window, zones, client, endpoint):
    since, until = window
    asked = (
        ALL,
        Filters(since=since, until=until),
        Filters(since=since, until=until, client=client, model=endpoint),
        Filters(kind=Kind.EXTERNAL, until=until),
    )
    with tempfile.TemporaryDirectory() as folder:
        ledger = opened(Path(folder))
        for step in steps:
            if step == "checkpoint":
                ledger.checkpoint()
                # What is remembered now must not be what is told when more has come.
                assert_as_recounted(ledger, ALL, zones[0])
            elif step in ("crash", "restart"):
                crash(ledger) if step == "crash" else ledger.close()
                ledger = opened(Path(folder))
            else:
                ledger.add(step)
        for zone in zones:
            for filters in asked:
                assert_as_recounted(ledger, filters, zone)
        ledger.close()


def days_of(ledger, **asked):
    asked.setdefault("other_than", "SEK")
    found = {}
    for day, each in ledger.sums_by_day(**asked):
        found[day] = found.get(day, 0) + each.nanos
    return found


def test_a_generation_is_of_the_day_on_the_users_wall_calendar(ledger):
    when = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
    ledger.add(Batch(billing=(billing("r1", row("1.00", when)),)))
    assert days_of(ledger) == {date(2026, 10, 24): 10**9}
    assert days_of(ledger, zone=ZoneInfo("Europe/Stockholm")) == {date(2026, 10, 25): 10**9}


def test_a_cost_is_of_its_own_date_in_every_zone(ledger):
    ledger.add(Batch(costs=(cost("c1", NOON, "5"),)))
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        assert days_of(ledger, zone=ZoneInfo(zone)) == {NOON.date(): Money.of("5").nanos}


def test_what_is_in_the_home_currency_is_not_cut(ledger):
    ledger.add(Batch(costs=(cost("c1", NOON, "5"), in_currency(cost("c2", NOON, "7"), "EUR"))))
    [(day, each)] = ledger.sums_by_day(other_than="USD")
    assert (day, each.heading.currency, each.nanos) == (NOON.date(), "EUR", Money.of("7").nanos)


def test_the_days_of_a_day_of_25_hours_and_one_of_23(ledger):
    zone = ZoneInfo("Europe/Stockholm")
    for start, hours in ((datetime(2026, 10, 24, 22, tzinfo=UTC), 25), (datetime(2027, 3, 27, 23, tzinfo=UTC), 23)):
        facts = tuple(billing(f"{start}{n}", row("1.00", start + n * HOUR)) for n in range(-1, hours + 1))
        ledger.add(Batch(billing=facts))
    found = [nanos // 10**9 for _, nanos in sorted(days_of(ledger, zone=zone).items())]
    assert found == [1, 25, 1, 1, 23, 1]


@pytest.fixture
def years(tmp_path):
    """A home with two years of generations, the newest in November 2026."""
    ledger = opened(tmp_path)
    for back in range(24):
        when = NOON - back * 30 * DAY
        ledger.add(Batch(billing=tuple(billing(f"r{back}-{n}", row("1.00", when + n * HOUR)) for n in range(5))))
    ledger.close()
    return tmp_path


def test_months_that_do_not_change_are_cut_once(years):
    ledger = opened(years)
    first = days_of(ledger)
    assert sum(first.values()) == 120 * 10**9
    ledger.release()
    loads = []
    load = ledger._months._files.load
    ledger._months._files.load = lambda name, **how: loads.append(name) or load(name, **how)
    assert days_of(ledger) == first
    assert all(name >= "2026-08" for name in loads), "only those that can still change"
    ledger.close()


def test_a_month_that_has_changed_is_cut_anew(years):
    ledger = opened(years)
    july = {day: nanos for day, nanos in days_of(ledger).items() if (day.year, day.month) == (2026, 7)}
    ledger.add(Batch(costs=(cost("c1", JULY, "0.50"),)))
    assert days_of(ledger)[JULY.date()] == july.get(JULY.date(), 0) + Money.of("0.50").nanos
    ledger.checkpoint()
    assert days_of(ledger)[JULY.date()] == july.get(JULY.date(), 0) + Money.of("0.50").nanos
    ledger.close()


def test_another_zone_or_another_home_is_another_cut(years):
    ledger = opened(years)
    far = timedelta(hours=14)
    for zone in (UTC, ZoneInfo("Pacific/Kiritimati"), UTC):
        assert days_of(ledger, zone=zone) == told_days(ledger, zone)
    assert min(days_of(ledger, zone=ZoneInfo("Pacific/Kiritimati"))) == (NOON - 690 * DAY + far).date()
    assert days_of(ledger, other_than="USD") == {}
    assert days_of(ledger) == told_days(ledger, UTC)
    ledger.close()


def told_days(ledger, zone):
    found = {}
    for day, each in Recount(ledger.records()).sums_by_day(zone=zone, other_than="SEK"):
        found[day] = found.get(day, 0) + each.nanos
    return found


def test_where_nothing_is_in_another_currency_no_month_is_looked_into(years):
    ledger = opened(years)
    assert list(ledger.sums_by_day(other_than="USD")) == []
    assert ledger._months._derived == {}
    ledger.close()


def test_records_of_a_kind_open_only_the_months_that_have_some(years):
    ledger = opened(years)
    ledger.add(Batch(costs=(cost("c1", JULY, "9", kind=Kind.POOL),)))
    ledger.checkpoint()
    ledger.close()
    ledger = opened(years)
    looked_into = []
    open_ = ledger._months.open
    ledger._months.open = lambda name, *how: looked_into.append(name) or open_(name, *how)
    assert [record.id for record in ledger.records(Filters(kind=Kind.POOL))] == ["c1"]
    assert looked_into == ["2026-07"]
    ledger.close()
