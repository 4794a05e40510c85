"""Bills against estimates: every figure as counted by hand, whatever the currencies."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.errors import UsageError
from trayd.insight.accuracy import AccuracyBy, Comparing, unconfirmed
from trayd.insight.breakdown import named
from trayd.money import Money
from trayd.rates import Converter, Rate, RateSource
from trayd.records import Counting, Estimate, Generation, Status

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FLUX, VEO = "fal-ai/flux/dev", "fal-ai/veo3"
RATES = {"EUR": Decimal("1.1"), "SEK": Decimal("0.0931")}


def find(currency: str, day: date) -> Rate | None:
    factor = RATES.get(currency)
    return None if factor is None else Rate(factor, day, RateSource.ECB, False)


DOLLARS = Converter("USD", find)


def made(
    estimate: Money | str | None,
    actual: Money | str | None,
    *,
    at: datetime = NOON,
    endpoint: str = FLUX,
    counting: Counting = Counting.ACTUAL,
    status: Status = Status.COMPLETED,
) -> Generation:
    expected, billed = (Money.of(one) if isinstance(one, str) else one for one in (estimate, actual))
    return Generation(
        id="r",
        request_id="r",
        account="acme",
        endpoint_id=endpoint,
        timestamp=at,
        status=status,
        estimate=None if expected is None else Estimate(expected, at),
        actual=billed,
        counting=counting,
    )


def compared(*generations, by=AccuracyBy.MODEL, zone=UTC):
    comparing = Comparing(by, zone, DOLLARS)
    for generation in generations:
        comparing.add(generation)
    return comparing.compared()


def test_bills_above_the_estimates_are_a_bias_above_zero():
    total = compared(made("1.00", "1.20"), made("1.00", "1.04")).total
    assert (total.records, total.above, total.below) == (2, 2, 0)
    assert (total.estimated, total.actual) == (Money.of("2"), Money.of("2.24"))
    assert total.bias == total.error == 0.12
    assert total.mean_error == Money.of("0.12")


def test_too_much_here_and_too_little_there_make_up_a_bias_but_not_an_error():
    total = compared(made("1.00", "1.50"), made("1.00", "0.50"), made("2.00", "2.00")).total
    assert (total.above, total.below, total.bias) == (1, 1, 0.0)
    assert total.error == 0.25
    assert total.mean_error == Money(333_333_333)


def test_models_are_told_apart_the_largest_gap_first():
    parts = compared(made("1", "1.1"), made("10", "8", endpoint=VEO), made("1", "1")).by
    assert [(part.key, part.records, part.bias) for part in parts] == [(VEO, 1, -0.2), (FLUX, 2, 0.05)]


def test_months_and_weeks_are_those_of_the_users_zone_and_in_order():
    eve = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    ones = [made("1", "2", at=eve), made("1", "1", at=eve - 40 * DAY)]
    stockholm = ZoneInfo("Europe/Stockholm")
    assert [part.key for part in compared(*ones, by=AccuracyBy.MONTH).by] == ["2026-11", "2026-12"]
    assert [part.key for part in compared(*ones, by=AccuracyBy.MONTH, zone=stockholm).by] == ["2026-11", "2027-01"]
    assert [part.key for part in compared(*ones, by=AccuracyBy.WEEK, zone=stockholm).by] == ["2026-W47", "2026-W53"]


def test_what_cannot_be_compared_is_counted_by_what_it_lacks():
    found = compared(
        made(None, "1"),
        made("1", None, counting=Counting.ESTIMATE),
        made("1", None, counting=Counting.PENDING, status=Status.SUBMITTED),
        made(None, None, counting=Counting.FAILED, status=Status.FAILED),
        made("1", None, counting=Counting.FREE, status=Status.FAILED),
        made("1", None, counting=Counting.UNMATCHED),
        made(Money.of("1", "XAU"), "1"),
    )
    left = found.not_compared
    assert (left.no_estimate, left.unconfirmed, left.failed, left.free) == (1, 2, 1, 1)
    assert (left.unmatched, left.no_rate) == (1, 1)
    assert found.total.records == 0
    assert (found.total.bias, found.total.error, found.by) == (None, None, ())


def test_of_estimates_that_come_to_nothing_there_is_no_part():
    total = compared(made("0", "0.50")).total
    assert (total.bias, total.error, total.mean_error) == (None, None, Money.of("0.5"))


def test_an_estimate_in_another_currency_is_converted_at_the_rate_of_its_day():
    total = compared(made(Money.of("1", "EUR"), "1.21")).total
    assert (total.estimated, total.actual, total.bias) == (Money.of("1.1"), Money.of("1.21"), 0.1)


def test_there_is_no_breakdown_by_anything_else():
    with pytest.raises(UsageError, match="--by client"):
        named(AccuracyBy, "client")


amounts = st.tuples(st.integers(0, 10**12), st.sampled_from(["USD", "EUR", "SEK"]))
generations = st.builds(
    lambda expected, billed, days, endpoint: made(
        Money(*expected), Money(*billed), at=NOON + days * DAY, endpoint=endpoint
    ),
    amounts,
    amounts,
    st.integers(-60, 60),
    st.sampled_from([FLUX, VEO, "fal-ai/wan"]),
)


@given(st.lists(generations, max_size=12), st.sampled_from(AccuracyBy))
def test_it_is_what_a_naive_count_says_and_parts_add_up_to_the_total(ones, by):
    def home(money: Money) -> Fraction:
        return money.nanos * Fraction(RATES.get(money.currency, Decimal(1)))

    pairs = [(home(one.estimate.amount), home(one.actual)) for one in ones if one.estimate and one.actual]
    found = compared(*ones, by=by)
    total = found.total
    assert total.records == len(ones)
    assert total.estimated.nanos == round(sum(expected for expected, _ in pairs))
    assert total.actual.nanos == round(sum(billed for _, billed in pairs))
    assert total.above == sum(billed > expected for expected, billed in pairs)
    if pairs:
        off = sum(abs(billed - expected) for expected, billed in pairs) / len(pairs)
        assert abs(total.mean_error.nanos - off) <= 1
    for field in ("records", "above", "below"):
        assert sum(getattr(part, field) for part in found.by) == getattr(total, field)
    for field in ("estimated", "actual"):
        assert sum(getattr(part, field).nanos for part in found.by) == getattr(total, field).nanos


class TestUnconfirmed:
    def told(self, generation: Generation, *, covered: bool = False):
        return unconfirmed(generation, lambda account, _: covered and account == "acme", lambda when: when + 2 * DAY)

    def test_what_is_billed_free_or_waits_to_be_linked_is_none(self):
        assert self.told(made("1", "1")) is None
        assert self.told(made("1", None, counting=Counting.FREE, status=Status.FAILED)) is None
        assert self.told(made("1", None, counting=Counting.UNMATCHED)) is None

    def test_it_says_since_when_and_whether_bills_of_then_have_been_read(self):
        one = self.told(made("1", None, counting=Counting.ESTIMATE), covered=True)
        assert one is not None
        assert (one.since, one.covered, one.estimate, one.free_from) == (NOON, True, Money.of("1"), None)

    def test_a_failed_one_waits_until_it_is_free(self):
        one = self.told(made(None, None, counting=Counting.FAILED, status=Status.FAILED))
        assert one is not None
        assert (one.free_from, one.covered) == (NOON + 2 * DAY, False)
