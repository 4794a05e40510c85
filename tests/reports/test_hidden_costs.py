"""Costs that are hidden leave no trace: whatever the work cost, who is charged the same is shown the same."""

from datetime import UTC, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.insight.samples import NOW, STATUS_OF, ecb, rates
from tests.reports.making import report_html
from trayd.money import Money
from trayd.records import Counting, Estimate, Filters, Generation, Status
from trayd.report_settings import ClientTerms
from trayd.reports.request import ReportRequest

TERMS = ClientTerms(name="Northwind", rate=Decimal("2.50"), rates={"fal-ai/veo3": Decimal(7)}, hide_costs=True)
HOMES = [rates("USD", EUR=ecb("1.0873")), rates("EUR", USD=ecb("0.9197"))]

# What a client may see of a generation.
seen = st.builds(
    Generation,
    id=st.uuids().map(str),
    request_id=st.uuids().map(str),
    account=st.just("acme"),
    endpoint_id=st.sampled_from(["fal-ai/veo3", "fal-ai/flux/dev", "fal-ai/whisper"]),
    timestamp=st.integers(1, 60 * 24 * 40).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    counting=st.sampled_from(Counting),
    client=st.just("Northwind"),
    deliverable=st.sampled_from([None, "Hero Film"]),
    key=st.sampled_from([None, "studio-mac"]),
    duration_s=st.sampled_from([None, 41.7]),
).map(lambda made: structs.replace(made, status=STATUS_OF.get(made.counting, Status.COMPLETED)))

# What it cost, and what that came from.
amounts = st.integers(1, 10**13)
costs = st.fixed_dictionaries(
    {
        "actual": st.builds(Money, amounts),
        "estimate": st.builds(Money, amounts, st.sampled_from(["USD", "EUR"])),
        "has_estimate": st.booleans(),
        "units": st.none() | st.decimals(0, 1000, places=5),
        "unit": st.sampled_from([None, "seconds"]),
        "unit_price": st.none() | st.decimals(0, 10, places=5),
        "percent_discount": st.none() | st.decimals(0, 100, places=2),
        "extra": st.dictionaries(st.just("cost"), st.floats(0, 100)),
    }
)


def paid(record, cost):
    """The generation, with what it cost where it counts by that."""
    counting, more = record.counting, {name: cost[name] for name in ("units", "unit", "unit_price", "extra")}
    if counting is Counting.ACTUAL:
        more["actual"] = cost["actual"]
    needs_estimate = counting in {Counting.ESTIMATE, Counting.PENDING}
    if needs_estimate or (cost["has_estimate"] and counting is not Counting.UNKNOWN):
        more["estimate"] = Estimate(cost["estimate"], record.timestamp)
    return structs.replace(record, percent_discount=cost["percent_discount"], **more)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(seen, costs, costs), min_size=1, max_size=12), st.sampled_from(HOMES))
def test_whatever_the_work_cost_who_is_charged_by_rates_is_sent_the_same_page(work, home):
    asked = ReportRequest(
        filters=Filters(client="Northwind"),
        converter=home,
        home="USD",
        locale="en_US",
        zone=UTC,
        now=NOW,
        terms=TERMS,
    )
    one, other = ([paid(each[0], each[which]) for each in work] for which in (1, 2))
    assert "".join(report_html(one, asked)) == "".join(report_html(other, asked))
