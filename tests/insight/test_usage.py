"""What was spent: totals, breakdowns, trend, and what is told beside them."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.insight.recount import Recount
from tests.insight.samples import NOW, ecb, external, generation, in_nanos, rates, records
from trayd.errors import UsageError
from trayd.insight.breakdown import Dimension
from trayd.insight.tally import Tally
from trayd.insight.usage import Peaks, spending, spent, usage
from trayd.insight.windows import parse_window, previous_window
from trayd.money import Money
from trayd.records import Counting, ExternalCost, Filters, Kind
from trayd.shapes import plain

STOCKHOLM = ZoneInfo("Europe/Stockholm")
NO_RATES = rates()
ALL_OF_IT = "2026-08-31..2027-01-01"


def used(of, by=None, window="30d", zone=UTC, converter=NO_RATES, previous=None):
    window = parse_window(window, NOW, zone)
    before = None if previous is None else previous_window(window, zone)
    earlier = [structs.replace(record, timestamp=before.since) for record in previous or ()]
    return usage(
        Recount([*of, *earlier]),
        filters=Filters(),
        window=window,
        by=by,
        zone=zone,
        converter=converter,
        previous=before,
    )


def sliding(of, now=NOW, zone=UTC, converter=NO_RATES):
    return {name: spent(tally) for name, tally in spending(Recount(of), now, zone, converter).items()}


def test_a_month_of_work_adds_up():
    total = used(
        [
            generation("1.20"),
            generation("0.30", counting=Counting.ESTIMATE),
            external("30.00"),
            external("10.00", kind=Kind.POOL),
        ]
    ).total
    assert total.cost == Money.of("41.50")
    assert (total.internal, total.external, total.pool) == (Money.of("1.50"), Money.of("30.00"), Money.of("10.00"))
    assert total.generations == 2
    assert total.cost_per_generation == Money.of("0.75")


def test_a_generation_without_a_price_is_counted_and_never_zero():
    total = used([generation("1.00"), generation(None)]).total
    assert (total.generations, total.unpriced) == (2, 1)
    assert total.cost_per_generation == Money.of("1.00")  # over the one whose cost is known


def test_without_any_price_there_is_no_cost_per_generation():
    assert used([generation(None)]).total.cost_per_generation is None


def test_what_still_runs_stands_beside_the_total():
    result = used(
        [generation("2.00", counting=Counting.PENDING), generation(None, counting=Counting.PENDING)], by="model"
    )
    assert result.total.cost == Money(0)
    assert result.total.generations == 0
    assert (result.total.pending.generations, result.total.pending.estimated) == (2, Money.of("2.00"))


def test_pending_without_any_estimate_is_unknown_and_not_zero():
    assert used([generation(None, counting=Counting.PENDING)]).total.pending.estimated is None


def test_an_unmatched_event_is_left_out_and_counted():
    total = used([generation("2.00", counting=Counting.UNMATCHED)]).total
    assert (total.cost, total.generations, total.unmatched) == (Money(0), 0, 1)


def test_a_failed_request_that_is_not_billed_so_far_is_told_apart_from_what_has_no_price():
    total = used([generation(None, counting=Counting.FAILED), generation(None), generation("2.00")]).total
    assert (total.cost, total.generations, total.failed, total.unpriced) == (Money.of("2.00"), 3, 1, 1)
    assert total.cost_per_generation == Money.of("2.00")


def test_a_failed_request_that_fal_did_not_bill_costs_nothing():
    total = used([generation("2.00", counting=Counting.FREE)]).total
    assert (total.cost, total.generations, total.unpriced) == (Money(0), 1, 0)


def test_other_currencies_are_named_and_left_out():
    result = used([generation("1.00"), external("20.00", currency="EUR"), external("5.00", currency="EUR")], by="model")
    assert result.total.cost == Money.of("1.00")
    assert result.total.left_out == (Money.of("25.00", "EUR"),)
    assert result.by[1].left_out == (Money.of("25.00", "EUR"),)


def test_parts_are_ranked_by_cost_with_their_share():
    parts = used(
        [
            generation("1.00", project="Store Openings"),
            generation("2.50", project="Spring Campaign"),
            generation("0.50", project="Spring Campaign"),
        ],
        by="project",
    ).by
    assert [(part.key, part.cost, part.generations, part.share) for part in parts] == [
        ("Spring Campaign", Money.of("3.00"), 2, 0.75),
        ("Store Openings", Money.of("1.00"), 1, 0.25),
    ]


def test_there_is_no_share_of_nothing():
    assert used([generation(None)], by="model").by[0].share is None


def test_days_follow_each_other_in_the_users_zone():
    late_in_utc = generation("1.00", timestamp=datetime(2026, 11, 18, 23, 30, tzinfo=UTC))
    parts = used([external("9.00", "2026-11-20"), late_in_utc], by="day", zone=STOCKHOLM).by
    assert [part.key for part in parts] == ["2026-11-19", "2026-11-20"]


def test_hours_are_those_of_the_day_and_statements_have_none():
    parts = used(
        [
            external(),
            generation(timestamp=datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
            generation(timestamp=datetime(2026, 11, 18, 13, 55, tzinfo=UTC)),
            generation(timestamp=datetime(2026, 11, 18, 8, 0, tzinfo=UTC)),
        ],
        by="hour",
        zone=STOCKHOLM,
    ).by
    assert [(part.key, part.generations) for part in parts] == [("09", 1), ("14", 2), (None, 0)]


def at(text, **fields):
    return generation(timestamp=datetime.fromisoformat(text).replace(tzinfo=UTC), **fields)


def test_weekdays_follow_each_other_from_monday_with_what_one_of_them_costs():
    # 30 days of November 2026 have five Sundays and Mondays, and four of all others.
    work = [at("2026-11-02T10:00", cost="4"), at("2026-11-09T10:00", cost="6"), at("2026-11-17T10:00", cost="6")]
    parts = used([*work, external("4.00", "2026-11-20")], by="weekday", window="2026-11-01..2026-11-30").by
    assert [(part.key, part.cost.text(), part.days) for part in parts] == [
        ("mon", "10.00", 3),  # asked on Friday the 20th
        ("tue", "6.00", 3),
        ("fri", "4.00", 3),
    ]
    assert [part.average.text() for part in parts] == ["3.333333333", "2.00", "1.333333333"]
    whole = used(work, by="weekday", window="2026-10-01..2026-10-31").by
    assert whole == ()


def test_the_days_that_a_sliding_window_cuts_count_by_their_part_in_it():
    # From Wednesday 21 October, 14:00, to Friday 20 November, 14:00.
    often = {part.key: part.days for part in used(every_weekday(), by="weekday", window="30d").by}
    assert often == {"mon": 4, "tue": 4, "wed": 4.416667, "thu": 5, "fri": 4.583333, "sat": 4, "sun": 4}
    assert sum(often.values()) == pytest.approx(30)
    assert {part.days for part in used(every_weekday(), by="weekday", window="7d").by} == {1}


def test_what_is_not_known_is_told_as_such_and_never_as_zero():
    of = [
        generation("1.00", client="A"),
        generation(None, client="A"),
        generation(None, client="B"),
        external("3.00", currency="AUD", client="C"),
    ]
    parts = {part.key: part for part in used(of, by="client").by}
    assert {key: part.cost for key, part in parts.items()} == {"A": Money.of("1.00"), "B": None, "C": None}
    assert {key: part.share for key, part in parts.items()} == {"A": 1, "B": None, "C": None}
    for by in ("hour", "weekday", "day"):
        (part,) = used([generation(None)], by=by).by
        assert (part.cost, part.share, part.average, part.unpriced) == (None, None, None, 1), by
    total = used([generation(None)], previous=[generation("4.00")])
    assert (total.total.cost, total.total.internal, total.average_per_day, total.trend) == (None,) * 4
    assert total.total.external == Money(0), "no cost of another tool is missing"
    assert sliding([generation(None)])["24h"].cost is None
    # What failed is free unless fal bills it, and what costs nothing is known to.
    assert used([generation(None, counting=Counting.FAILED)]).total.cost == Money(0)
    assert used([]).total.cost == Money(0)


def every_weekday():
    return [at(f"2026-11-{day}T08:00") for day in range(14, 21)]


def test_hours_tell_what_one_of_them_costs_on_a_day():
    parts = used([generation("6.00"), external("3.00")], by="hour", window="30d").by
    assert [(part.key, part.days, part.average) for part in parts] == [("13", 30, Money.of("0.20")), (None, None, None)]
    assert used([generation("6.00")], by="day").by[0].average is None


def test_kinds_are_told_apart():
    parts = used(
        [generation("1.00"), external("30.00"), external("10.00", kind=Kind.POOL), generation(None)], by="kind"
    ).by
    assert [(part.key, part.cost.text(), part.generations) for part in parts] == [
        ("external", "30.00", 0),
        ("pool", "10.00", 0),
        ("internal", "1.00", 2),
    ]


def test_the_peak_is_the_dearest_of_the_weekdays_that_there_were():
    # Sundays cost most together, for there were five of them and four Tuesdays; one Tuesday costs more.
    sundays = [at(f"2026-11-{day:02d}T20:30", cost="9") for day in (1, 8, 15, 22, 29)]
    tuesdays = [at(f"2026-11-{day:02d}T09:10", cost="11") for day in (3, 10, 17, 24)]
    dear = external("500", "2026-11-05")  # a statement's date tells nothing of when somebody worked
    peaks = ended([*sundays, *tuesdays, dear]).peaks
    assert (peaks.weekday.key, peaks.weekday.average, peaks.weekday.share) == ("tue", Money.of("11"), 0.494382)
    assert (peaks.hour.key, peaks.hour.average, peaks.hour.share) == ("20", Money.of("1.50"), 0.505618)
    assert plain(ended([*sundays, *tuesdays], by="weekday").peaks) == {"weekday": plain(peaks.weekday)}
    assert plain(ended([*sundays, *tuesdays], by="hour").peaks) == {"hour": plain(peaks.hour)}
    assert plain(ended([*sundays, *tuesdays], by="model").peaks) == {}, "it was not asked for"


def ended(of, by=None):
    """November 2026 when it is over."""
    window = parse_window("2026-11-01..2026-11-30", datetime(2026, 12, 2, tzinfo=UTC), UTC)
    return usage(Recount(of), filters=Filters(), window=window, by=by, zone=UTC, converter=NO_RATES)


def test_there_is_no_peak_of_nothing_and_none_of_a_week_that_is_not_over():
    none = Peaks(weekday=None, hour=None)
    assert used([external("5")]).peaks == none
    assert used([generation(None), generation("1", counting=Counting.PENDING)]).peaks == none
    day = used([generation("5")], window="24h").peaks
    assert (day.weekday, day.hour.key) == (None, "13")


@given(records, st.sampled_from([Dimension.DAY, Dimension.WEEKDAY, Dimension.HOUR]), st.sampled_from(["USD", "SEK"]))
def test_parts_in_time_are_what_tallies_of_them_say(of, by, home):
    known = {"USD": ecb("10.5"), "SEK": ecb("0.0952"), "EUR": ecb("1.0837")}
    converter = rates(home, **{code: rate for code, rate in known.items() if code != home})
    expected = {}
    for record in of:
        local = record.instant(STOCKHOLM).astimezone(STOCKHOLM)
        key = {
            Dimension.DAY: f"{local:%Y-%m-%d}",
            Dimension.WEEKDAY: f"{local:%a}".lower(),
            Dimension.HOUR: f"{local:%H}" if record.kind is Kind.INTERNAL else None,
        }[by]
        expected.setdefault(key, Tally(converter)).add(record, local.date())
    result = used(of, by=by, window=ALL_OF_IT, zone=STOCKHOLM, converter=converter)
    found = {part.key: (part.generations, part.unpriced, part.left_out) for part in result.by}
    assert found == {
        key: (tally.generations, tally.unpriced, tally.amounts_left_out()) for key, tally in expected.items()
    }
    for part in result.by:
        assert abs(in_nanos(part.cost) - expected[part.key].total) <= 1, "rounded together"
    assert sum(in_nanos(part.cost) for part in result.by) == in_nanos(result.total.cost)


def test_the_average_is_over_the_days_begun():
    assert used([generation("6.00")], window="30d").average_per_day == Money.of("0.20")
    assert used([generation("6.00")], window="month").average_per_day == Money.of("0.30")  # 20 November
    assert used([external("6.00")], window="2026-12-01..2026-12-02").average_per_day is None


def test_the_trend_is_the_change_against_the_window_before():
    assert used([generation("5.00")], previous=[generation("4.00")]).trend == 0.25
    assert used([generation("1.00")], previous=[generation("4.00")]).trend == -0.75


def test_there_is_no_trend_from_nothing():
    assert used([generation("5.00")], previous=[]).trend is None
    assert used([generation("5.00")], previous=[generation(None)]).trend is None
    assert used([generation("5.00")]).trend is None


def test_an_unknown_dimension_is_told_with_those_there_are():
    for by in ("colour", ""):
        with pytest.raises(UsageError, match="use one of model, operation, client"):
            used([], by=by)


def test_the_outward_shape():
    shape = plain(used([generation("1.00")], by="model", window="24h"))
    assert shape["window"] == {"from": "2026-11-19T14:00:00Z", "to": "2026-11-20T14:00:00Z"}
    assert shape["total"]["cost"] == {"amount": "1.00", "currency": "USD"}
    assert shape["by"][0]["key"] == "fal-ai/flux/dev"
    assert {"average_per_day", "trend"} <= shape.keys()


@given(records, st.sampled_from(Dimension))
def test_the_parts_of_every_breakdown_are_the_total_to_the_nano(of, by):
    result = used(of, by=by, window=ALL_OF_IT, zone=STOCKHOLM)
    assert sum(in_nanos(part.cost) for part in result.by) == in_nanos(result.total.cost)
    assert sum(part.generations for part in result.by) == result.total.generations
    assert sum(part.unpriced for part in result.by) == result.total.unpriced


@given(records)
def test_the_total_is_what_a_recount_by_the_rules_gives(of):
    nanos, left_out, unpriced = 0, 0, 0
    for record in of:
        if isinstance(record, ExternalCost):
            money = record.amount
        elif record.counting is Counting.ACTUAL:
            money = record.actual
        elif record.counting is Counting.ESTIMATE:
            money = record.estimate.amount if record.estimate else None
        elif record.counting is Counting.UNKNOWN:
            money = None
        else:
            continue
        if money is None:
            unpriced += 1
        elif money.currency == "USD":
            nanos += money.nanos
        else:
            left_out += money.nanos
    total = used(of, window=ALL_OF_IT).total
    assert (in_nanos(total.cost), total.unpriced) == (nanos, unpriced)
    assert sum(money.nanos for money in total.left_out) == left_out


@given(records)
def test_the_average_is_rounded_once_half_to_even(of):
    result = used(of)
    assert (result.average_per_day is None) == (result.total.cost is None)
    assert in_nanos(result.average_per_day) == round(Fraction(in_nanos(result.total.cost), 30))


def test_the_edges_of_sliding_windows_are_exact():
    edge = NOW - timedelta(hours=24)
    around = [
        generation("1.00", timestamp=edge),
        generation("0.10", timestamp=edge - timedelta(microseconds=1)),
        generation("0.01", timestamp=NOW - timedelta(microseconds=1)),
    ]
    sums = sliding(around)
    assert sums["24h"].cost == Money.of("1.01")
    assert sums["7d"].cost == sums["30d"].cost == sums["total"].cost == Money.of("1.11")


def test_a_cost_of_today_counts_from_the_start_of_the_users_day():
    just_after_midnight = datetime(2026, 11, 19, 23, 5, tzinfo=UTC)
    sums = sliding([external("3.00", "2026-11-20")], just_after_midnight, STOCKHOLM)
    assert sums["24h"].cost == Money.of("3.00")
    assert sliding([external("3.00", "2026-11-20")], just_after_midnight)["24h"].cost == Money(0)


def test_a_cost_dated_ahead_is_in_the_total_alone():
    sums = sliding([external("3.00", "2027-01-01")])
    assert [sums[name].cost.text() for name in ("24h", "7d", "30d", "total")] == ["0.00", "0.00", "0.00", "3.00"]


@given(records, st.dates(date(2026, 9, 1), date(2026, 12, 31)))
def test_spent_and_usage_agree(of, day):
    now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    source = Recount(of)
    sums = sliding(of, now, STOCKHOLM)
    for name in ("24h", "7d", "30d"):
        window = parse_window(name, now, STOCKHOLM)
        total = usage(source, filters=Filters(), window=window, by=None, zone=STOCKHOLM, converter=NO_RATES).total
        assert (sums[name].cost, sums[name].generations, sums[name].left_out) == (
            total.cost,
            total.generations,
            total.left_out,
        )
