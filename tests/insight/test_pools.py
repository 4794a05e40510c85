"""Pool costs: when they are charged, who shares them, and by how much."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.insight.samples import ecb, external, generation, rates
from trayd.insight.pools import PoolCost, Project, charged, divided, shares, told, whole_id
from trayd.insight.tally import Tally
from trayd.money import Money
from trayd.records import Counting, Kind

THIRTY = Money.of("30.00")
SPRING, RELAUNCH, OWN = Project("Northwind", "Spring"), Project("Contoso", "Relaunch"), Project(None, "Showreel")
DAY = date(2026, 11, 3)


def days(period, since, today, to=None):
    since, today = date.fromisoformat(since), date.fromisoformat(today)
    to = None if to is None else date.fromisoformat(to)
    pools = charged("MJ", THIRTY, period=period, since=since, to=to, split="spend", today=today)
    return [(pool.cost.date.isoformat(), pool.since.isoformat(), pool.until.isoformat()) for pool in pools]


def pool(amount="30.00", split="spend", **said):
    cost = external(amount, "2026-11-01", id="p1", kind=Kind.POOL, description="Standard plan", **said)
    return structs.replace(PoolCost.of_month(cost), split=split)


def spending(converter=None, **of):
    """What projects spent, by their names: an amount, or records."""
    known = {"spring": SPRING, "relaunch": RELAUNCH, "showreel": OWN}
    found = {}
    for name, spent in of.items():
        tally = found[known[name]] = Tally(converter or rates())
        for record in [generation(spent)] if isinstance(spent, str) else spent:
            tally.add(record, DAY)
    return found


def nobody():
    raise AssertionError("all projects of all times were asked for")


def borne(pool, spent, known=nobody):
    return {share.project: Money(share.nanos).text() for share in shares(pool, spent, known)}


# When.


def test_a_monthly_plan_is_charged_on_its_day_of_each_month_that_has_begun():
    assert days("month", "2026-09-15", "2026-11-14") == [
        ("2026-09-15", "2026-09-15", "2026-10-15"),
        ("2026-10-15", "2026-10-15", "2026-11-15"),
    ]
    assert len(days("month", "2026-09-15", "2026-11-15")) == 3, "the day itself"
    assert days("month", "2026-09-15", "2026-09-14") == []


def test_in_a_month_that_is_too_short_it_is_the_last_day_and_then_the_day_again():
    assert [first for first, _, _ in days("month", "2027-12-31", "2028-04-30")] == [
        "2027-12-31",
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
        "2028-04-30",
    ]
    assert [first for first, _, _ in days("year", "2024-02-29", "2028-12-31")] == [
        "2024-02-29",
        "2025-02-28",
        "2026-02-28",
        "2027-02-28",
        "2028-02-29",
    ]


@pytest.mark.parametrize(
    ("period", "charged_on"),
    [
        ("week", ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26"]),
        ("quarter", ["2026-01-05"]),
        ("once", ["2026-01-05"]),
    ],
)
def test_other_periods(period, charged_on):
    assert [first for first, _, _ in days(period, "2026-01-05", "2026-01-28")] == charged_on


def test_no_period_begins_after_the_end_and_the_last_one_is_whole():
    assert days("month", "2026-09-15", "2026-12-31", to="2026-10-15")[-1] == ("2026-10-15", "2026-10-15", "2026-11-15")
    assert len(days("month", "2026-09-15", "2026-12-31", to="2026-10-14")) == 1


def test_what_is_charged_once_is_for_the_days_up_to_its_end_or_for_the_calendar_month():
    assert days("once", "2026-01-15", "2026-02-01") == [("2026-01-15", "2026-01-01", "2026-02-01")]
    assert days("once", "2026-01-15", "2026-02-01", to="2026-03-31") == [("2026-01-15", "2026-01-15", "2026-04-01")]
    assert days("once", "2026-01-15", "2026-01-14") == []


@given(
    st.sampled_from(["week", "month", "quarter", "year"]),
    st.dates(date(2019, 1, 1), date(2028, 12, 31)),
    st.integers(0, 2000),
    st.none() | st.integers(0, 2000),
)
def test_periods_follow_each_other_without_a_gap_until_today(period, since, until_today, until_end):
    today = since + timedelta(days=until_today)
    end = None if until_end is None else since + timedelta(days=until_end)
    pools = list(charged("MJ", THIRTY, period=period, since=since, to=end, split="equal", today=today))
    assert pools[0].since == since
    assert all(one.until == other.since for one, other in pairwise(pools))
    last = today if end is None else min(today, end)
    assert pools[-1].since <= last < pools[-1].until or (end is not None and end < today)
    assert all(each.cost.date == each.since <= last for each in pools)
    assert len({each.cost.id for each in pools}) == len(pools)


def test_a_cost_is_the_same_one_whatever_else_the_settings_say_by_now():
    first, *_ = charged("MJ", THIRTY, period="month", since=DAY, to=None, split="spend", today=DAY)
    again, *_ = charged("MJ", Money.of("36", "EUR"), period="year", since=DAY, to=DAY, split="equal", today=DAY)
    other, *_ = charged("Runway", THIRTY, period="month", since=DAY, to=None, split="spend", today=DAY)
    assert first.cost.id == again.cost.id != other.cost.id
    assert (first.cost.description, first.cost.source, first.cost.kind) == ("MJ", "MJ", Kind.POOL)


# Who, and by how much.


def test_by_spend_each_project_bears_what_its_part_of_the_spending_is():
    spent = spending(spring="50.00", relaunch="25.00", showreel="5.00")
    assert borne(pool(), spent) == {OWN: "1.875", RELAUNCH: "9.375", SPRING: "18.75"}


def test_the_shares_add_up_to_the_nano_and_the_largest_remainder_takes_what_is_left():
    assert borne(pool("0.00000001"), spending(spring="2", relaunch="1")) == {
        SPRING: "0.000000007",
        RELAUNCH: "0.000000003",
    }
    third = borne(pool("100.00", "equal"), spending(spring="2", relaunch="1", showreel="9"))
    assert third == {OWN: "33.333333334", RELAUNCH: "33.333333333", SPRING: "33.333333333"}


def test_what_is_not_known_or_not_spent_yet_is_no_weight_and_a_refund_no_debt():
    pending = generation("9.00", counting=Counting.PENDING)
    unmatched = generation("9.00", counting=Counting.UNMATCHED)
    assert borne(pool(), spending(spring="1.00", relaunch=[pending, unmatched, generation(None)])) == {SPRING: "30.00"}
    assert borne(pool(), spending(spring="1.00", relaunch=[external("-5.00")])) == {SPRING: "30.00"}
    assert borne(pool(), spending(relaunch=[external("-5.00")])) == {}


def test_what_is_spent_in_another_currency_weighs_what_it_is_worth_at_home():
    spent = [external("100.00", currency="SEK")]
    assert borne(pool(), spending(rates(SEK=ecb("0.10")), spring=spent, relaunch="5.00")) == {
        SPRING: "20.00",
        RELAUNCH: "10.00",
    }
    assert borne(pool(), spending(rates(), spring=spent, relaunch="5.00")) == {RELAUNCH: "30.00"}


def test_in_equal_parts_each_project_with_any_record_of_the_period_bears_the_same():
    pending = generation("9.00", counting=Counting.PENDING)
    assert borne(pool(split="equal"), spending(spring="50.00", relaunch=[pending])) == {
        RELAUNCH: "15.00",
        SPRING: "15.00",
    }


def test_by_fixed_weights_it_does_not_matter_what_was_spent():
    weights = {"Northwind/Spring": Decimal("0.5"), "Relaunch": Decimal(1)}
    assert borne(pool(split=weights), spending(relaunch="1.00", showreel="70.00"), lambda: {SPRING}) == {
        SPRING: "10.00",
        RELAUNCH: "20.00",
    }


def test_a_name_alone_means_the_one_project_of_that_name_and_else_no_client():
    named = pool(split={"Spring": Decimal(1)})
    other = Project("Contoso", "Spring")
    assert borne(named, spending(spring="1.00")) == {SPRING: "30.00"}, "that of the period"
    assert borne(named, spending(), lambda: {SPRING, RELAUNCH}) == {SPRING: "30.00"}, "that of another time"
    assert borne(named, spending(), lambda: {SPRING, other}) == {Project(None, "Spring"): "30.00"}, "one of two"
    assert borne(named, spending(), frozenset) == {Project(None, "Spring"): "30.00"}, "nobody's yet"


def test_a_name_with_slashes_is_what_there_is_under_it():
    one, two = Project("AC/DC", "Tour"), Project("AC", "DC/Tour")
    named = pool(split={"AC/DC/Tour": Decimal(1)})
    assert borne(named, spending(), lambda: {one}) == {one: "30.00"}
    assert borne(named, spending(), lambda: {two}) == {two: "30.00"}
    assert borne(named, spending(), lambda: {Project(None, "AC/DC/Tour")}) == {Project(None, "AC/DC/Tour"): "30.00"}
    assert borne(named, spending(), frozenset) == {two: "30.00"}, "nobody's yet: the first slash"


def test_two_names_of_one_project_are_one_share():
    weights = {"Spring": Decimal(1), "Northwind/Spring": Decimal(1), "Relaunch": Decimal(2)}
    assert borne(pool(split=weights), spending(spring="1", relaunch="1")) == {RELAUNCH: "15.00", SPRING: "15.00"}


def test_a_cost_with_a_client_is_shared_by_the_projects_of_that_client_and_one_with_a_project_is_not_shared():
    spent = spending(spring="1.00", relaunch="1.00")
    assert borne(pool(client="Northwind"), spent) == {SPRING: "30.00"}
    assert borne(pool(client="Fabrikam"), spent) == {}
    own = pool(client="Northwind", project="Relaunch")
    assert borne(own, spent) == {}
    assert divided(own, spent, []) == (own.cost,)


def test_what_nobody_shares_stays_whole():
    alone = pool()
    assert shares(alone, {}, nobody) == []
    assert divided(alone, {}, []) == (alone.cost,)


# What the shares say.


def test_each_share_is_a_record_that_says_what_part_of_what_it_is():
    whole, spent = pool(deliverable="Stills", note="invoice 7"), spending(spring="5.00", relaunch="3.00")
    pieces = divided(whole, spent, shares(whole, spent, nobody))
    assert [piece.id for piece in pieces] == sorted(piece.id for piece in pieces)
    assert {whole_id(piece.id) for piece in pieces} == {"p1"}
    assert whole_id("p1") == "p1"
    (spring,) = [piece for piece in pieces if piece.project == "Spring"]
    assert (spring.client, spring.amount, spring.kind) == ("Northwind", Money.of("18.75"), Kind.POOL)
    assert (spring.date, spring.source, spring.deliverable) == (whole.cost.date, whole.cost.source, "Stills")
    assert spring.note == "62.5 % of 30.00 USD by spend, Nov 2026; invoice 7"


@pytest.mark.parametrize(
    ("split", "note"),
    [
        ("equal", "50.0 % of 30.00 USD in equal parts, Nov 2026"),
        ({"Spring": Decimal(2), "Relaunch": Decimal(1)}, "66.7 % of 30.00 USD by fixed weights, Nov 2026"),
        ({"Spring": Decimal(1), "Relaunch": Decimal(10**6)}, "under 0.1 % of 30.00 USD by fixed weights, Nov 2026"),
    ],
)
def test_the_note_says_how_it_was_divided(split, note):
    whole, spent = pool(split=split), spending(spring="5.00", relaunch="3.00")
    (spring,) = [piece for piece in divided(whole, spent, shares(whole, spent, nobody)) if piece.project == "Spring"]
    assert spring.note == note


def test_the_note_says_what_has_no_part_in_the_weights():
    spent = spending(
        spring=[generation("1.00"), external("8.00", currency="SEK")],
        relaunch=[generation(None), external("0.50", currency="SEK"), external("2.00", currency="EUR")],
    )
    whole = pool()
    (share,) = divided(whole, spent, shares(whole, spent, nobody))
    assert share.note == (
        "100.0 % of 30.00 USD by spend, Nov 2026; without amounts in EUR, SEK, for want of an exchange rate; "
        "without 1 generation that has no price yet"
    )


@pytest.mark.parametrize(
    ("since", "until", "text"),
    [
        ("2026-11-01", "2026-12-01", "Nov 2026"),
        ("2026-12-01", "2027-01-01", "Dec 2026"),
        ("2026-01-01", "2027-01-01", "2026"),
        ("2026-01-01", "2026-04-01", "2026-01-01 to 2026-03-31"),
        ("2026-01-15", "2026-02-15", "2026-01-15 to 2026-02-14"),
    ],
)
def test_periods_in_words(since, until, text):
    assert told(date.fromisoformat(since), date.fromisoformat(until)) == text


names = st.sampled_from(["Spring", "Relaunch", "Film"])
projects = st.builds(Project, st.none() | st.sampled_from(["Northwind", "Contoso"]), names)
splits = st.sampled_from(["spend", "equal"]) | st.dictionaries(
    names | names.map("Northwind/{}".format), st.decimals("0.000001", 10**6, places=6), min_size=1
)
amounts = st.integers(-(10**15), 10**15).map(lambda nanos: Money(nanos).text())


@given(amounts, splits, st.lists(st.tuples(projects, st.integers(-(10**6), 10**14)), max_size=8), st.randoms())
def test_whoever_shares_the_shares_are_the_whole_in_whatever_order_projects_come(amount, split, spent, chance):
    whole = pool(amount, split)
    tallies: dict[Project, Tally] = {}
    for project, nanos in spent:
        tallies.setdefault(project, Tally(rates())).add(external(Money(nanos).text()), DAY)
    among = shares(whole, tallies, tallies.keys)
    pieces = divided(whole, tallies, among)
    assert sum(piece.amount.nanos for piece in pieces) == whole.cost.amount.nanos
    assert len({piece.id for piece in pieces}) == len(pieces)
    mixed = list(tallies.items())
    chance.shuffle(mixed)
    assert divided(whole, dict(mixed), shares(whole, dict(mixed), tallies.keys)) == pieces
