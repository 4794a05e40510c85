"""The books: what the ledger and the settings' pools say together, by sums, by day and record by record."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.insight.recount import Recount, amount_of, day_of, parts_told
from tests.insight.samples import ecb, in_nanos, rates
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
    edit,
    estimate,
    event,
    opened,
    row,
)
from trayd.books import Books
from trayd.errors import LedgerError
from trayd.facts import Batch
from trayd.insight.breakdown import Dimension
from trayd.insight.tally import tallied
from trayd.insight.usage import usage
from trayd.insight.windows import day_start, parse_window
from trayd.money import Money, apportion
from trayd.pool_settings import Pool
from trayd.records import Counting, Filters, Kind, Sum, TimePart

ALL = Filters()
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - tempfile makes the folders in it
TODAY = date(2026, 11, 20)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
RATES = rates(SEK=ecb("0.0951"), EUR=ecb("1.1602"))
PLAN = Pool(name="MJ", amount=Decimal("30.00"), since=date(2026, 9, 15))


def books_of(ledger, *pools, zone=UTC, today=TODAY, converter=RATES):
    return Books(ledger, pools=pools, converter=converter, zone=zone, today=today)


def spend(request, amount, client, project, at=NOON, **said):
    """A generation that counts by its estimate."""
    return event(f"e-{request}", request, at, estimate=estimate(amount), client=client, project=project, **said)


def pool(name="p1", on=NOON, amount="20.00", **said):
    return cost(name, on, amount, kind=Kind.POOL, description="Suite", **said)


def held(books, filters=ALL, zone=UTC):
    shown = books.records(filters, zone=zone, newest_first=False)
    return [(record.client, record.project, record.amount.text()) for record in shown if record.kind is Kind.POOL]


def came_to(sums, by=()):
    """What sums come to, in nanos, by currency and these fields."""
    found = Counter()
    for heading, _, nanos in sums:
        if heading.counting is not Counting.UNMATCHED:
            found[(heading.kind, heading.currency, *(getattr(heading, field) for field in by))] += nanos
    return {key: nanos for key, nanos in found.items() if nanos}


@pytest.fixture
def ledger(tmp_path):
    with closing(opened(tmp_path)) as ledger:
        yield ledger


@pytest.fixture
def at_work(ledger):
    """A ledger with two projects that spent 3 and 1 dollars in November."""
    ledger.add(
        Batch(
            events=(
                spend("r1", "3.00", "Northwind", "Spring"),
                spend("r2", "1.00", "Contoso", "Relaunch"),
                spend("r3", "9.00", "Contoso", None),
            )
        )
    )
    return ledger


def test_without_pools_the_books_are_the_ledger(at_work):
    books = books_of(at_work)
    assert list(books.records(zone=UTC)) == list(at_work.records())
    assert books.sums(zone=UTC, by=("project",)) == at_work.sums(by=("project",))


def test_a_plan_of_the_settings_is_in_the_books_and_not_in_the_ledger(at_work):
    books = books_of(at_work, PLAN, today=date(2026, 11, 15))
    assert came_to(books.sums(Filters(kind=Kind.POOL), zone=UTC)) == {(Kind.POOL, "USD"): 90 * 10**9}, "three months"
    assert not any(each.heading.kind is Kind.POOL for each in at_work.sums())
    assert all(record.kind is not Kind.POOL for record in at_work.records())


def test_the_projects_of_the_period_share_a_plan_by_what_they_spent(at_work):
    books = books_of(at_work, structs.replace(PLAN, since=date(2026, 11, 1)))
    assert sorted(held(books)) == [("Contoso", "Relaunch", "7.50"), ("Northwind", "Spring", "22.50")]
    assert held(books, Filters(project="Spring")) == [("Northwind", "Spring", "22.50")]
    assert held(books, Filters(client="")) == []
    by_client = came_to(books.sums(Filters(kind=Kind.POOL), zone=UTC, by=("client",)), ("client",))
    assert by_client == {
        (Kind.POOL, "USD", "Contoso"): 7_500_000_000,
        (Kind.POOL, "USD", "Northwind"): 22_500_000_000,
    }


def test_a_period_in_which_nobody_spent_stays_undivided(at_work):
    books = books_of(at_work, structs.replace(PLAN, since=date(2026, 9, 1)))
    september, october = (
        Filters(until=day_start(date(2026, 10, 1), UTC)),
        Filters(until=day_start(date(2026, 11, 1), UTC)),
    )
    assert held(books, september) == [(None, None, "30.00")]
    assert held(books, october) == [(None, None, "30.00")] * 2
    assert held(books, Filters(project="")) == [(None, None, "30.00")] * 2


def test_shares_follow_the_spending_and_what_is_taken_back(at_work):
    books = books_of(at_work, structs.replace(PLAN, since=date(2026, 11, 1)))
    assert ("Northwind", "Spring", "22.50") in held(books)
    at_work.add(Batch(events=(spend("r4", "2.00", "Contoso", "Relaunch"),)))
    assert sorted(held(books)) == [("Contoso", "Relaunch", "15.00"), ("Northwind", "Spring", "15.00")]
    at_work.add(Batch(edits=(edit("r1", "project", None),)))
    assert held(books) == [("Contoso", "Relaunch", "30.00")]


def test_an_imported_pool_is_for_its_calendar_month_and_all_of_it_is_where_its_date_is(at_work):
    at_work.add(
        Batch(
            events=(spend("r5", "5.00", "Contoso", "Relaunch", NOON - 20 * DAY),),
            costs=(pool("p1", NOON.replace(day=2)), pool("p2", NOON.replace(day=2), "0.000000001"),
                   pool("p3", NOON.replace(month=10, day=31), "7.00")),
        )
    )  # fmt: skip
    books = books_of(at_work)
    assert Counter(held(books)) == {
        ("Contoso", "Relaunch", "7.00"): 1,
        ("Contoso", "Relaunch", "5.00"): 1,
        ("Northwind", "Spring", "15.00"): 1,
        ("Northwind", "Spring", "0.000000001"): 1,
    }
    day = Filters(since=day_start(date(2026, 11, 2), UTC), until=day_start(date(2026, 11, 3), UTC), project="Spring")
    assert came_to(books.sums(day, zone=UTC)) == {(Kind.POOL, "USD"): 15_000_000_001}, "with nothing else of that day"


def test_two_pools_of_one_day_are_divided_one_by_one_as_their_records_are(at_work):
    at_work.add(Batch(costs=tuple(pool(f"p{n}", NOON, "0.000000001") for n in range(3))))
    books = books_of(at_work)
    assert held(books) == [("Northwind", "Spring", "0.000000001")] * 3, "three quarters of each; of their sum it were 2"
    assert_agree(books, ALL, UTC)
    for more in (Batch(costs=(pool("p9", NOON, "0.000000002"),)), Batch(edits=(edit("p9", "client", "Contoso"),))):
        at_work.checkpoint()
        assert_agree(books, ALL, UTC)
        at_work.add(more)
        at_work.checkpoint()
        assert_agree(books, ALL, UTC)


def test_what_a_project_bears_of_one_pool_is_no_spending_that_another_one_goes_by(at_work):
    at_work.add(Batch(costs=(pool("p1", project="Relaunch", client="Contoso", amount="500.00"), pool("p2"))))
    assert sorted(held(books_of(at_work))) == [
        ("Contoso", "Relaunch", "5.00"),
        ("Contoso", "Relaunch", "500.00"),
        ("Northwind", "Spring", "15.00"),
    ]


def test_a_row_that_names_a_client_is_shared_within_it_and_one_that_names_a_project_is_not(at_work):
    at_work.add(
        Batch(
            events=(spend("r6", "1.00", "Contoso", "Annual"),),
            costs=(pool("p1", client="Contoso"), pool("p2", project="Spring", client="Fabrikam", amount="5.00")),
        )
    )
    assert sorted(held(books_of(at_work))) == [
        ("Contoso", "Annual", "10.00"),
        ("Contoso", "Relaunch", "10.00"),
        ("Fabrikam", "Spring", "5.00"),
    ]


def test_periods_begin_at_the_users_midnight(ledger):
    newyear = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)  # half past midnight in Stockholm
    ledger.add(Batch(events=(spend("r1", "3.00", "A", "Late", newyear), spend("r2", "1.00", "A", "Spring"))))
    november = structs.replace(PLAN, since=date(2026, 11, 1))
    assert held(books_of(ledger, november)) == [("A", "Spring", "30.00")]
    assert sorted(held(books_of(ledger, november, zone=STOCKHOLM), zone=STOCKHOLM)) == [
        ("A", "Late", "22.50"),
        ("A", "Spring", "7.50"),
    ]


def test_shares_stand_in_their_place_of_the_log_and_pages_follow_each_other(at_work):
    at_work.add(Batch(costs=(pool("p1", NOON - DAY), cost("c1", NOON + DAY), pool("p2", NOON + 2 * DAY))))
    books = books_of(at_work, structs.replace(PLAN, since=date(2026, 11, 1), period="week"))
    log = list(books.records(zone=UTC))
    assert [(record.instant(UTC), record.id) for record in log] == sorted(
        ((record.instant(UTC), record.id) for record in log), reverse=True
    )
    assert len({record.id for record in log}) == len(log)
    assert list(books.records(zone=UTC, newest_first=False)) == log[::-1]
    assert Counter(record.kind for record in log) == {Kind.POOL: 8, Kind.INTERNAL: 3, Kind.EXTERNAL: 1}


def test_what_was_spent_in_a_month_that_has_not_changed_is_not_added_up_again(tmp_path):
    old, new = NOON - 100 * DAY, NOON
    with closing(opened(tmp_path)) as ledger:
        events = (
            spend("r1", "1.00", "A", "Spring", old),
            spend("r2", "3.00", "A", "Film", old),
            spend("r3", "1.00", "A", "Film", new),
        )
        loose = event("e-loose", None, old, estimate=estimate("2.00"), client="A", project="Film")
        ledger.add(Batch(events=(*events, loose), costs=(pool("p1", old), pool("p2", new))))
        ledger.checkpoint()
        books = books_of(ledger)
        assert sorted(held(books)) == [
            ("A", "Film", "16.666666667"),
            ("A", "Film", "20.00"),
            ("A", "Spring", "3.333333333"),
        ]
        august, november = books._spent.values()
        ledger.add(
            Batch(events=(spend("r4", "1.00", "A", "Spring", new),), coverage=(covers("default", NOON - HOUR, NOON),))
        )
        assert ("A", "Spring", "10.00") in held(books)
        again, changed = books._spent.values()
        assert again.spending is august.spending
        assert changed.spending is not november.spending
        ledger.add(Batch(coverage=(covers("default", old - DAY, NOON),)))
        assert ("A", "Film", "15.00") in held(books), "the event without a request is not counted any more"
        ledger.add(Batch(billing=(billing("r1", row("3.00", old), fetched=NOON + HOUR),)))
        assert Counter(held(books))[("A", "Spring", "10.00")] == 2, "a late bill"


def test_whose_an_old_event_is_can_become_known_later_and_changes_the_shares(at_work):
    loose = event("e-loose", None, NOON, estimate=estimate("4.00"), client="Contoso", project="Relaunch")
    at_work.add(Batch(events=(loose,), costs=(pool("p1"),), coverage=(covers("acme", NOON - DAY, NOON + DAY),)))
    at_work.checkpoint()
    books = books_of(at_work)
    assert ("Contoso", "Relaunch", "5.00") in held(books), "it may be in the bill of the one account there is"
    at_work.add(Batch(accounts=(account("default"),)))
    assert ("Contoso", "Relaunch", "12.50") in held(books), "it is of an account that no bill was read of"


def test_no_share_is_of_a_model_or_an_account(at_work):
    books = books_of(at_work, PLAN)
    for filters in (Filters(model=KLING), Filters(account="default"), Filters(kind=Kind.INTERNAL)):
        assert held(books, filters) == []
        assert not any(each.heading.kind is Kind.POOL for each in books.sums(filters, zone=UTC, by=("project",)))


def test_months_without_a_pool_are_not_opened_for_them(tmp_path):
    with closing(opened(tmp_path)) as ledger:
        spent = [spend(f"r{n}", "1.00", "A", f"P{n % 3}", NOON - n * 20 * DAY) for n in range(12)]
        ledger.add(Batch(events=tuple(spent), costs=(pool("p1", NOON - 100 * DAY), pool("p2", NOON - 160 * DAY))))
        ledger.checkpoint()
    with closing(opened(tmp_path)) as ledger:
        books = books_of(ledger, PLAN)
        divided = books.sums(zone=UTC, by=("project",))
        assert ledger._months.opened() == [], "sums need no record"
        assert len(held(books, Filters(kind=Kind.POOL))) > 4
        assert {month.name for month in ledger._months.opened()} <= {"2026-06", "2026-08"}
        assert came_to(divided) == came_to(books.sums(zone=UTC))


def test_tags_go_to_the_cost_as_a_whole(at_work):
    at_work.add(Batch(costs=(pool("p1"),)))
    books = books_of(at_work, structs.replace(PLAN, since=date(2026, 11, 1)))
    shared = {record.id for record in books.records(Filters(kind=Kind.POOL), zone=UTC)}
    assert len(shared) == 4
    for share in shared:
        with pytest.raises(LedgerError, match=r"share of the cost p1|the pool 'MJ'"):
            books.check_taggable(["r1", share])
    (whole,) = books_of(at_work, PLAN, today=PLAN.since)._charged
    with pytest.raises(LedgerError, match="which the settings divide") as refusal:
        books_of(at_work, PLAN, today=PLAN.since).check_taggable([whole.cost.id])
    assert "config edit" in refusal.value.cure
    books.check_taggable(["r1", "p1", "nobody's"])
    assert [record.id for record in books.tagged_by(Filters(kind=Kind.POOL), zone=UTC)] == ["p1"]
    assert [record.id for record in books.tagged_by(Filters(project=""), zone=UTC)] == ["r3"], "p1 is shared"
    at_work.add(Batch(edits=(edit("r1", "project", None), edit("r2", "project", None))))
    assert "p1" in {record.id for record in books.tagged_by(Filters(project=""), zone=UTC)}, "nobody shares it"


# Whatever is in the ledger and in the settings.

clients = st.none() | st.sampled_from(["Northwind", "Contoso"])
projects = st.none() | st.sampled_from(["Spring", "Relaunch"])
moments = st.datetimes(datetime(2026, 8, 10), datetime(2026, 11, 20), timezones=st.just(UTC))  # noqa: DTZ001 - naive bounds
edges = st.none() | moments
windows = st.builds(lambda a, b: (a, b) if a is None or b is None or a < b else (b, a), edges, edges)
currencies = st.sampled_from(["USD", "USD", "SEK", "EUR", "XAF"])
nanos = st.integers(-(10**10), 10**12) | st.integers(-20, 20)

events = st.builds(
    lambda request, when, model, client, project, priced: event(
        f"e{request}{when}{model}{client}{project}{priced}",
        request,
        when,
        endpoint_id=model,
        client=client,
        project=project,
        estimate=estimate(priced) if priced else None,
    ),
    st.none() | st.sampled_from([f"r{n}" for n in range(9)]),
    moments,
    st.sampled_from([KLING, FLUX]),
    clients,
    projects,
    st.none() | st.sampled_from(["1.00", "0.000000001", "3.3333"]),
)
bills = st.builds(
    lambda request, total, when: billing(request, row(total, when), fetched=NOON + HOUR),
    st.sampled_from([f"r{n}" for n in range(9)]),
    st.none() | st.sampled_from(["1.12", "0.3333"]),
    moments,
)
costs = st.builds(
    lambda n, when, kind, client, project, deliverable, size, currency: structs.replace(
        cost(f"c{n}", when, kind=kind, client=client, project=project, deliverable=deliverable),
        amount=Money(size, currency),
    ),
    st.integers(0, 30),
    moments,
    st.sampled_from([Kind.EXTERNAL, Kind.POOL]),
    clients,
    projects,
    st.none() | st.just("Stills"),
    nanos,
    currencies,
)
batches = st.one_of(
    events.map(lambda fact: Batch(events=(fact,))),
    bills.map(lambda fact: Batch(billing=(fact,))),
    costs.map(lambda fact: Batch(costs=(fact,))),
    st.builds(
        lambda since, days: Batch(coverage=(covers("acme", since, since + days * DAY),)), moments, st.integers(0, 90)
    ),
    st.just("checkpoint"),
)
more_of_accounts = st.one_of(
    st.sampled_from(["acme", None]).map(lambda name: Batch(accounts=(account("default", name),))),
    st.builds(
        lambda of, since, days: Batch(coverage=(covers(of, since, since + days * DAY),)),
        st.sampled_from(["acme", "bolt", "default"]),
        moments,
        st.integers(0, 90),
    ),
)
splits = st.sampled_from(["spend", "equal"]) | st.dictionaries(
    st.sampled_from(["Spring", "Northwind/Relaunch", "Film"]), st.integers(1, 7).map(Decimal), min_size=1
)
plans = st.builds(
    lambda n, size, currency, since, to, period, split: Pool(
        name=f"plan {n}",
        amount=Money(size).amount,
        currency=currency,
        since=since,
        to=None if to is None else since + timedelta(days=to),
        period=period,
        split=split,
    ),
    st.integers(0, 9),
    st.integers(1, 10**11),
    currencies,
    st.dates(date(2026, 7, 1), date(2026, 12, 1)),
    st.none() | st.integers(0, 90),
    st.sampled_from(["week", "month", "quarter", "once"]),
    splits,
)
pools = st.lists(plans, max_size=3, unique_by=lambda pool: pool.name)
zones = st.sampled_from([UTC, STOCKHOLM, LOS_ANGELES])
chosen = st.builds(
    lambda window, client, project, deliverable, kind: Filters(
        since=window[0], until=window[1], client=client, project=project, deliverable=deliverable, kind=kind
    ),
    windows,
    st.none() | st.sampled_from(["Northwind", ""]),
    st.none() | st.sampled_from(["Spring", ""]),
    st.none() | st.sampled_from(["Stills", ""]),
    st.none() | st.none() | st.sampled_from(Kind),
)
thorough = settings(max_examples=40, suppress_health_check=list(HealthCheck))

FIELDS = ("client", "project", "deliverable", "endpoint_id")


def assert_agree(books, filters, zone):
    """That sums of every kind are those of the records that are shown, added up one by one."""
    recount = Recount(books.records(zone=zone))
    shown = list(books.records(filters, zone=zone))
    assert shown == [record for record in recount.records if filters.admits(record, zone)]
    for by in ((), *((field,) for field in FIELDS), FIELDS):
        found = books.sums(filters, zone=zone, by=by)
        assert came_to(found, by) == came_to(recount.sums(filters, zone=zone, by=FIELDS), by), by
        of_days = Counter()
        for day, (heading, _, size) in books.sums_by_day(filters, zone=zone, other_than="USD", by=by):
            of_days[(day, heading.currency, *(getattr(heading, field) for field in by))] += size
        again = Counter()
        for record in shown:
            amount = amount_of(record)
            if amount and amount.currency != "USD":
                marks = (getattr(record, field, None) for field in by)
                again[(day_of(record, zone), amount.currency, *marks)] += amount.nanos
        assert {key: size for key, size in of_days.items() if size} == {
            key: size for key, size in again.items() if size
        }


def told_to(home, story):
    """A ledger that was told these things, in this order."""
    ledger = opened(home)
    for batch in story:
        ledger.checkpoint() if batch == "checkpoint" else ledger.add(batch)
    return ledger


@thorough
@given(st.lists(batches, max_size=14), pools, chosen, zones)
def test_what_is_summed_is_what_is_shown_and_every_breakdown_is_the_total(story, plans, filters, zone):
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as home, closing(told_to(Path(home), story)) as ledger:
        books = books_of(ledger, *plans, zone=zone)
        assert_agree(books, filters, zone)
        log = list(books.records(filters, zone=zone, newest_first=False))
        assert [record.id for record in log] == [record.id for record in books.records(filters, zone=zone)][::-1]
        assert len({record.id for record in log}) == len(log)
        total = came_to(books.sums(filters, zone=zone))
        for by in FIELDS:
            assert came_to(books.sums(filters, zone=zone, by=(by,))) == total


@thorough
@given(
    st.lists(batches, max_size=14), pools, chosen, zones, st.sampled_from(Dimension), st.sampled_from(["USD", "SEK"])
)
def test_every_breakdown_adds_up_to_the_total_in_the_home_currency(story, plans, filters, zone, by, home):
    converter = RATES if home == "USD" else rates("SEK", USD=ecb("10.51"), EUR=ecb("11.0777"))
    window = parse_window("2026-07-15..2026-12-15", datetime(2026, 11, 20, 9, tzinfo=UTC), zone)
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as place, closing(told_to(Path(place), story)) as ledger:
        books = books_of(ledger, *plans, zone=zone, converter=converter)
        said = {"filters": filters, "window": window, "zone": zone, "converter": converter}
        used, plain = usage(books, by=by, **said), usage(books, by=None, **said)
        assert used.total == plain.total, "divided or not"
        assert sum(in_nanos(part.cost) for part in used.by) == in_nanos(used.total.cost)
        if filters.client is None and filters.project is None:
            by_hand = tallied(
                ((day_of(record, zone), each) for record, each in one_by_one(ledger, books, filters, window, zone)),
                converter,
            )
            assert in_nanos(used.total.cost) == by_hand.total, "shared costs in whole, as they are recorded and charged"


def one_by_one(ledger, books, filters, window, zone):
    """The records of the ledger and the costs of the settings, each with its sum: nothing is divided."""
    within = structs.replace(filters, since=window.since, until=window.until)
    for record in [*ledger.records(zone=zone), *(pool.cost for pool in books._charged)]:
        if within.admits(record, zone):
            (each,) = Recount([record]).sums(zone=zone)
            yield record, each


@thorough
@given(st.lists(batches, max_size=14), pools, chosen, zones)
def test_days_add_up_to_their_window(story, plans, filters, zone):
    since, until = filters.since or NOON - 90 * DAY, filters.until or NOON + 30 * DAY
    if since >= until:
        return
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as home, closing(told_to(Path(home), story)) as ledger:
        books = books_of(ledger, *plans, zone=zone)
        within = structs.replace(filters, since=since, until=until)
        recount = Recount(books.records(zone=zone))
        for part in TimePart:
            told, expected = (
                {key: nanos for key, (_, nanos) in parts_told(source.sums_over_time(within, part, zone=zone)).items()}
                for source in (books, recount)
            )
            # A shared cost is one record as a whole, and several once it is divided: the amounts are the same.
            assert told == expected, part
        days = [
            Sum(heading, count, nanos)
            for heading, buckets in books.sums_over_time(within, TimePart.DAY, zone=zone)
            for count, nanos in zip(buckets.records, buckets.nanos, strict=True)
        ]
        assert came_to(days) == came_to(books.sums(within, zone=zone))


@thorough
@given(st.lists(batches | more_of_accounts, max_size=18), pools, zones)
def test_books_that_were_asked_before_say_what_new_ones_say(story, plans, zone):
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as home, closing(opened(Path(home))) as ledger:
        books = books_of(ledger, *plans, zone=zone)
        for batch in story:
            ledger.checkpoint() if batch == "checkpoint" else ledger.add(batch)
            anew = books_of(ledger, *plans, zone=zone)
            assert list(books.records(zone=zone)) == list(anew.records(zone=zone))
            assert came_to(books.sums(zone=zone, by=("project",))) == came_to(anew.sums(zone=zone, by=("project",)))


@thorough
@given(st.lists(batches, max_size=14), zones, st.randoms())
def test_shares_are_what_anybody_would_work_out_from_the_log_whatever_came_first(story, zone, chance):
    story = [batch for batch in story if batch != "checkpoint"]
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as home, closing(told_to(Path(home) / "a", story)) as ledger:
        log = list(books_of(ledger, zone=zone).records(zone=zone))
        assert Counter(map(told_of, log)) == Counter(worked_out(list(ledger.records(zone=zone)), zone))
        costs = [batch for batch in story if batch.costs]
        chance.shuffle(costs)
        twins = {batch.costs[0].id for batch in costs}
        if len(twins) == len(costs):  # else the last one of an id would be another one
            others = [batch for batch in story if not batch.costs]
            with closing(told_to(Path(home) / "b", [*others, *costs])) as other:
                assert list(books_of(other, zone=zone).records(zone=zone)) == log


def told_of(record):
    amount = amount_of(record)
    return (
        record.kind,
        record.client,
        record.project,
        amount.currency if amount else "",
        amount.nanos if amount else 0,
    )


def worked_out(records, zone):
    """The log with its shared costs divided, the plain way."""
    for record in records:
        if record.kind is not Kind.POOL or record.project:
            yield told_of(record)
            continue
        spent = Counter()
        for each in records:
            worth, day = worth_of(each), day_of(each, zone)
            of_month = (day.year, day.month) == (record.date.year, record.date.month)
            if each.kind is not Kind.POOL and each.project and of_month and record.client in {None, each.client}:
                spent[each.client, each.project] += worth
        sharing = sorted(
            ((key, worth) for key, worth in spent.items() if worth > 0), key=lambda one: (one[0][0] or "", one[0][1])
        )
        if not sharing or not record.amount.nanos:
            yield told_of(record)
            continue
        common = 10**9
        weights = [int(worth * common) for _, worth in sharing]
        for ((client, project), _), nanos in zip(sharing, apportion(record.amount.nanos, weights), strict=True):
            if nanos:
                yield (Kind.POOL, client, project, record.amount.currency, nanos)


def worth_of(record):
    """What a record is worth in dollars, exactly; nothing where that is not known."""
    factor = {"USD": Fraction(1), "SEK": Fraction("0.0951"), "EUR": Fraction("1.1602")}
    counts = record.kind is Kind.EXTERNAL or record.counting in {Counting.ACTUAL, Counting.ESTIMATE}
    amount = amount_of(record) if counts else None
    return amount.nanos * factor.get(amount.currency, Fraction(0)) if amount else Fraction(0)
