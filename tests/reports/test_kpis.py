"""The headline figures: they add up as they are shown or say why not, and tell what is not in them."""

from datetime import UTC
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.insight.samples import NOW, ecb, external, generation, rates
from trayd.money import Money, format_money, shown_amount
from trayd.records import Counting, Filters
from trayd.report_settings import ClientTerms
from trayd.reports.context import contents, report_context
from trayd.reports.request import ReportRequest
from trayd.reports.words import Words


def made(of, converter=None, terms=None, client=None):
    request = ReportRequest(
        filters=Filters(client=client),
        converter=converter or rates(),
        home="USD",
        locale="en_US",
        zone=UTC,
        now=NOW,
        terms=terms,
    )
    return report_context(contents(of, request), request, Words("en_US"))


def kpis(*of, **said):
    return {kpi.id: (kpi.value, kpi.detail) for kpi in made(list(of), **said).kpis}


def test_figures_that_add_up_need_no_explanation():
    assert kpis(generation("1.10"), external("2.00"))["combined"] == ("$3.10", "Internal and external together")


def test_figures_that_do_not_add_up_as_shown_are_told_in_full():
    found = kpis(generation("20.9557"), external("110.785"))
    assert (found["internal"][0], found["external"][0]) == ("$20.96", "$110.78")
    assert found["combined"] == ("$131.74", "Internal and external together")

    found = kpis(generation("20.9557"), external("110.7853"))
    assert (found["internal"][0], found["external"][0]) == ("$20.96", "$110.79")
    assert found["combined"] == ("$131.74", "$20.9557 + $110.7853, rounded once")


@given(st.integers(-(10**14), 10**16), st.sampled_from(["USD", "EUR", "SEK", "JPY", "KWD", "USDC"]))
@example(4_000_000, "USD")
@example(9_999_999, "USD")
@example(-1, "SEK")
def test_what_is_compared_is_what_is_written(nanos, currency):
    money = Money(nanos, currency)
    digits = "".join(sign for sign in format_money(money) if sign.isdigit() or sign in "-.")
    assert Decimal(digits.strip(".")) == shown_amount(money)


def test_what_no_rate_is_known_for_is_told_beside_each_figure_that_it_is_not_in():
    found = kpis(
        generation("20.00"), external("5", currency="EUR"), external("7", currency="SEK"), converter=rates(EUR=ecb("1"))
    )
    told = format_money(Money.of("7", "SEK"))
    assert found["internal"] == ("$20.00", "Internal: generations on fal.ai")
    assert found["external"] == ("$5.00", f"2 imported entries; {told} left out: no exchange rate")
    assert found["combined"][1] == f"Internal and external together; {told} left out: no exchange rate"


def test_a_report_in_a_currency_without_rates_says_of_what_it_is():
    found = kpis(generation("20.00"), external("5", currency="EUR"), converter=rates("EUR"))
    assert found["internal"] == ("unknown", "Internal: generations on fal.ai; $20.00 left out: no exchange rate")
    assert found["external"] == ("€5.00", "1 imported entry")
    assert found["combined"][1].endswith("; $20.00 left out: no exchange rate")


def test_nothing_recorded_is_not_all_billed():
    context = made([])
    assert (context.all_confirmed, context.verdict) == (False, "nothing is recorded in this period")


@pytest.mark.parametrize(
    ("converter", "verdict", "settled"),
    [
        (rates(EUR=ecb("1.08")), "every cost is billed", True),
        (rates(EUR=ecb("1.08", last_known=True)), "part of it stands on an earlier day's exchange rate", False),
        (rates(), "part of it has no exchange rate yet", False),
    ],
)
def test_what_the_next_exchange_rates_can_change_is_not_settled(converter, verdict, settled):
    context = made([generation("20.00"), external("5", currency="EUR")], converter=converter)
    assert (context.verdict, context.all_confirmed) == (verdict, settled)


def test_a_statement_counts_what_is_charged():
    terms = ClientTerms(name="Northwind", rate=Decimal("2.50"), hide_costs=True)
    of = [generation(None, client="Northwind") for _ in range(9)]
    context = made(of, terms=terms, client="Northwind")

    assert {kpi.id: kpi.value for kpi in context.kpis}["combined"] == "$22.50"
    assert "without a price" not in " ".join(kpi.detail for kpi in context.kpis)
    origin = {fact.label: fact.value for fact in context.origin}
    assert (origin["estimated"], origin["without a price"]) == ("9", "0")


def test_what_cannot_be_charged_is_told_beside_the_charge():
    terms = ClientTerms(name="Northwind", markup_percent=Decimal(20))
    of = [generation("1.00", client="Northwind"), generation(None, counting=Counting.UNKNOWN, client="Northwind")]
    assert kpis(*of, terms=terms, client="Northwind")["charge"] == (
        "$1.20",
        "The cost plus 20%; 1 entry without a charge yet",
    )
