"""The figures of a report: every breakdown adds up to its total, to the nano and in every currency."""

import tracemalloc
from collections import Counter
from datetime import UTC, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.insight.samples import NOW, ecb, external, generation, rates, records
from tests.reports.making import figures
from trayd.facts import ModelFact
from trayd.insight.conversion import EXACT_SUMS, rounded
from trayd.money import Money
from trayd.records import Counting, Estimate, ExternalCost, Kind
from trayd.report_settings import ClientTerms
from trayd.reports.charges import Charges
from trayd.reports.figures import Charged, figures_in_steps, together
from trayd.reports.licences import Licence, licence_of

# Rates of many digits, so that nearly every amount has a fraction of a nano.
HOMES = [
    rates("USD", EUR=ecb("1.084034567890123456789"), SEK=ecb("0.0912340000001"), KWD=ecb("3.2501")),
    rates("SEK", USD=ecb("10.5000000003"), EUR=ecb("11.25"), KWD=ecb("34.333333333333333333333")),
    rates("KWD", USD=ecb("0.3076829636016123811575030922125473062367"), EUR=ecb("0.333333333333"), SEK=ecb("0.03")),
    rates("JPY", USD=ecb("149.99")),
]
homes = st.sampled_from(HOMES)
terms = st.builds(
    ClientTerms,
    name=st.just("Northwind"),
    markup_percent=st.decimals(0, 1000, places=4),
    rate=st.none() | st.decimals(0, 100, places=11),
    rates=st.dictionaries(st.just("fal-ai/veo3.1"), st.decimals(0, 100, places=11)),
)


@settings(max_examples=150)
@given(records, homes)
def test_every_breakdown_adds_up_to_the_total_to_the_nano(of, home):
    found = figures(of, home, UTC, None)
    both = (found.internal, found.external)
    for parts, whole in (
        (found.models, (found.internal, 0)),
        (found.operations, (found.internal, 0)),
        (found.keys, (found.internal, 0)),
        (found.tools, (0, found.external)),
        (found.deliverables, both),
        (found.days, both),
        (found.months, both),
    ):
        summed = together(parts)
        assert (summed.internal, summed.external) == whole
    by_kind = found.total.nanos
    assert found.internal == by_kind[Kind.INTERNAL]
    assert found.external == by_kind[Kind.EXTERNAL] + by_kind[Kind.POOL]
    assert found.internal + found.external == found.total.total


@settings(max_examples=100)
@given(records, homes)
def test_models_by_licence_add_up_as_well(of, home):
    models = {
        "fal-ai/flux/dev": ModelFact(endpoint_id="fal-ai/flux/dev", seen_at=NOW, license_type="research"),
        "fal-ai/whisper": ModelFact(endpoint_id="fal-ai/whisper", seen_at=NOW, license_type="commercial"),
    }
    found = figures(of, home, UTC, None)
    by_licence = Counter()
    for part in found.models:
        by_licence[licence_of(models.get(part.key))] += part.internal
    assert sum(by_licence.values()) == found.internal
    assert set(by_licence) <= {Licence.RESEARCH, Licence.COMMERCIAL, Licence.UNKNOWN}


@settings(max_examples=100)
@given(records, homes)
def test_every_entry_is_in_every_breakdown_once(of, home):
    found = figures(of, home, UTC, None)
    own = sum(not isinstance(record, ExternalCost) for record in of)
    for parts in (found.deliverables, found.days, found.months):
        assert together(parts).entries == len(of)
        assert together(parts).generations == found.total.generations
    for parts in (found.models, found.operations, found.keys):
        assert together(parts).entries == own
    assert together(found.tools).entries == len(of) - own


@settings(max_examples=100)
@given(records, homes, terms)
def test_charges_add_up_entry_by_entry(of, home, agreed):
    charges = Charges(agreed, home, "USD", UTC)
    known = [charges.charge(record) for record in of]
    found = figures(of, home, UTC, charges)
    assert found.charged.nanos == sum(charge.nanos for charge in known if charge)
    for parts in (found.deliverables, found.days, found.months):
        assert together(parts).charged == found.charged
    fal = together(found.models).charged
    assert together((*found.models, *found.tools)).charged == found.charged
    assert together(found.operations).charged == together(found.keys).charged == fal


@settings(max_examples=100)
@given(records, homes)
def test_the_total_is_what_an_independent_recount_finds(of, home):
    """Each amount at its day's rate, exactly; the sum is rounded once."""
    exact = Decimal(0)
    for record in of:
        amount = record.amount if isinstance(record, ExternalCost) else record.cost
        if amount is None or record.counting is Counting.FREE:
            continue
        rate = home.rate(amount.currency, record.instant(UTC).date()) if amount.currency != home.currency else None
        factor = Decimal(1) if amount.currency == home.currency else rate.factor if rate else Decimal(0)
        exact = EXACT_SUMS.add(exact, EXACT_SUMS.multiply(Decimal(amount.nanos), factor))
    found = figures(of, home, UTC, None)
    assert found.internal + found.external == rounded(exact)


def test_what_no_charge_is_known_of_is_counted():
    of = [
        generation(None),
        generation("1.00"),
        generation("5", currency="JPY"),
        generation("2", counting=Counting.FREE),
    ]
    charges = Charges(ClientTerms(name="Northwind", markup_percent=Decimal(10)), HOMES[0], "USD", UTC)
    assert figures(of, HOMES[0], UTC, charges).charged == Charged(1_100_000_000, 2)


def test_a_rate_is_told_for_each_day_that_something_was_converted():
    of = [
        external("1", "2026-11-02", currency="EUR"),
        external("2", "2026-11-02", currency="EUR"),
        external("1", "2026-11-03", currency="EUR"),
        external("1", "2026-11-03", currency="JPY"),
        external("1", "2026-11-03"),
    ]
    found = figures(of, HOMES[0], UTC, None)
    assert [(each.currency, each.day.day, each.rate is not None) for each in found.rates] == [
        ("EUR", 2, True),
        ("EUR", 3, True),
        ("JPY", 3, False),
    ]


def test_what_made_nothing_is_no_client_work():
    of = [
        generation("1.00", client="Northwind"),
        generation("1.00", client="Northwind", timestamp=NOW - timedelta(days=1)),
        *(
            generation("1.00", client="Northwind", counting=counting)
            for counting in (Counting.FREE, Counting.FAILED, Counting.PENDING, Counting.UNMATCHED)
        ),
        generation("1.00"),
    ]
    assert figures(of, HOMES[0], UTC, None).client_work == {"fal-ai/flux/dev": 2}


@pytest.mark.parametrize("day", ["2026-11-20", "2026-10-31"])
def test_estimates_are_compared_with_bills(day):
    at = NOW.replace(month=int(day[5:7]), day=int(day[8:]))
    of = [generation("1.12", estimate=Estimate(Money.of("1.00"), at), timestamp=at), generation("1.00")]
    [row] = figures(of, HOMES[0], UTC, None).compared.by
    assert (row.estimated, row.actual, row.records) == (Money.of("1.00"), Money.of("1.12"), 1)


def test_many_parts_are_summed_up_in_steps():
    """Others may go on while a report of a deliverable a shot is made."""
    of = [generation("1.00", deliverable=f"shot {number}", key=f"key {number}") for number in range(10_000)]
    steps = list(figures_in_steps(of, HOMES[0], UTC, None))
    assert len([step for step in steps if step.of == len(of)]) >= 3 * len(of) // 2000


def test_a_breakdown_takes_no_more_than_its_own_parts():
    """What parts of several breakdowns have together is no matter: not every shot is of every model on every day."""
    of = [
        generation(
            "1.00",
            timestamp=NOW - timedelta(days=number % 28),
            deliverable=f"shot {number % 29}",
            key=f"key {number % 31}",
            endpoint_id=f"fal-ai/{number % 37}",
        )
        for number in range(20_000)
    ]
    tracemalloc.start()
    try:
        figures(of, HOMES[0], UTC, None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
