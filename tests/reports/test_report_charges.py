"""What a client is charged, in a report for that client: beside the costs, or in their place."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.insight.samples import NOW, ecb, external, generation, rates, records
from tests.reports.making import report_html
from trayd.facts import ModelFact
from trayd.insight.pools import Unsettled
from trayd.money import Money, exact_formatter, format_money, nanos_of
from trayd.records import Counting, Estimate, ExternalCost, Filters, Kind, Status
from trayd.report_settings import ClientTerms
from trayd.reports.context import contents, report_context
from trayd.reports.log import log_pages
from trayd.reports.notes import terms_told
from trayd.reports.request import ReportRequest, SharedCost
from trayd.reports.words import Words

HOME = rates("USD", EUR=ecb("1.0873"))
KLING = "fal-ai/kling-video/v3/pro/text-to-video"
OPEN = ClientTerms(name="Northwind", markup_percent=Decimal(15))
HIDDEN = msgspec.structs.replace(OPEN, hide_costs=True)

# Every amount, unit price and quantity is one that appears nowhere else.
WORK = [
    generation(
        "1.127731",
        estimate=Estimate(Money.of("1.093377"), NOW),
        endpoint_id=KLING,
        display_name="Kling 3.0 Pro",
        units=Decimal("8.0557"),
        unit="seconds",
        unit_price=Decimal("0.139993"),
        percent_discount=Decimal("3.17"),
        duration_s=41.7,
        key="studio-mac",
        client="Northwind",
        deliverable="Hero Film",
        parameters={"resolution": "1080p"},
        extra={"budget": "777.13"},
    ),
    generation("0.093179", counting=Counting.ESTIMATE, client="Northwind", deliverable="Social Cut"),
    generation("2.077353", counting=Counting.PENDING, client="Northwind"),
    generation("0.707971", counting=Counting.UNMATCHED, client="Northwind"),
    generation("0.409133", counting=Counting.FREE, client="Northwind", status=Status.FAILED),
    generation(None, client="Northwind"),
    external("30.031177", "2026-11-05", client="Northwind", category="subscription"),
    external("99.089773", "2026-11-07", currency="EUR", client="Northwind", source="runway"),
    external("7.007133", "2026-11-08", currency="JPY", client="Northwind", source="topaz"),
    external(
        "18.751919",
        "2026-11-01",
        kind=Kind.POOL,
        client="Northwind",
        project="Relaunch",
        note="62.5 % of 30.003071 USD by spend, Nov 2026",
    ),
]
SHARED = (
    SharedCost(
        name="Midjourney plan",
        whole=Money.of("30.003071"),
        since=datetime(2026, 11, 1, tzinfo=UTC).date(),
        until=datetime(2026, 12, 1, tzinfo=UTC).date(),
        basis="by spend",
        remark="",
        shares=(WORK[-1],),
    ),
)
MODELS = {
    "fal-ai/flux/dev": ModelFact(
        endpoint_id="fal-ai/flux/dev", seen_at=NOW, license_type="research", unit_price=Decimal("0.025731")
    )
}


def asked(terms, client="Northwind", converter=HOME):
    return ReportRequest(
        filters=Filters(client=client),
        converter=converter,
        home="USD",
        locale="en_US",
        zone=UTC,
        now=NOW + timedelta(days=1),
        terms=terms,
        models=MODELS,
        shared=SHARED,
    )


def page(terms, of=WORK, **options):
    return "".join(report_html(of, asked(terms, **options)))


def made(terms, of=WORK, **options):
    request = asked(terms, **options)
    made_of = contents(of, request)
    return report_context(made_of, request, Words("en_US")), list(log_pages(made_of, request, Words("en_US")))


def test_the_charge_stands_beside_the_cost():
    context, [page_of_log, *_] = made(OPEN)
    assert (context.shows_costs, context.shows_charges, context.cost_word) == (True, True, "Cost")
    kpi = context.kpis[-1]
    assert (kpi.label, kpi.detail) == ("To charge", "The cost plus 15%; 2 entries without a charge yet")
    rows = [row for each in [page_of_log] for row in each.rows]
    assert [(row.cost, row.charge) for row in rows[:2]] == [("$1.127731", "$1.29689065"), ("$0.093179", "$0.10715585")]


@settings(max_examples=60)
@given(records, st.sampled_from(["0", "15", "33.333"]))
def test_the_charges_of_the_log_add_up_to_the_one_at_the_top(of, markup):
    mine = [msgspec.structs.replace(record, client="Northwind") for record in of]
    context, pages = made(ClientTerms(name="Northwind", markup_percent=Decimal(markup)), mine)
    nanos = sum(nanos_of(re.sub("[$,]", "", row.charge)) for each in pages for row in each.rows if row.charge)
    told = context.kpis[-1].value
    assert told in {format_money(Money(nanos), "en_US"), "unknown"}


def test_a_report_of_everything_or_of_others_charges_nobody():
    for client in (None, "Halden"):
        context, _ = made(HIDDEN, client=client)
        assert (context.shows_costs, context.shows_charges) == (True, False)
        assert [kpi.id for kpi in context.kpis] == ["internal", "external", "combined", "generations"]


def test_hidden_costs_are_replaced_by_charges():
    context, [first, *_] = made(HIDDEN)
    assert (context.kind, context.shows_costs, context.shows_charges) == ("AI usage statement", False, False)
    assert [kpi.id for kpi in context.kpis] == ["internal", "external", "combined", "generations"]
    # The three charged ones, each rounded to the nano: 1.29689065, 0.10715585.
    assert context.kpis[0].value == "$1.40"
    assert (first.rows[0].cost, first.rows[0].actual, first.rows[0].estimate) == ("$1.29689065", "Billed", "")
    assert context.rates is context.rate_days is context.accuracy is context.pools is None
    assert [chart.amount for chart in context.charts] == ["Charge"] * len(context.charts)


DRAWN = {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "dy", "d", "width", "height", "viewbox"}


class Everything(HTMLParser):
    """All that a page says: its texts, and every attribute but the places of what is drawn."""

    def __init__(self, text):
        super().__init__()
        self.said = []
        self.feed(text)

    def handle_starttag(self, _tag, attributes):
        self.said += [value or "" for name, value in attributes if name not in DRAWN]

    def handle_data(self, data):
        self.said.append(data)

    def handle_comment(self, data):
        self.said.append(data)


def figures_of_cost(of):
    """How each amount of cost that records tell could be written, and unit prices, quantities, discounts and wholes."""
    for record in of:
        amounts = [record.amount] if isinstance(record, ExternalCost) else [record.actual, record.cost]
        if not isinstance(record, ExternalCost):
            amounts.append(record.estimate.amount if record.estimate else None)
            numbers = (record.unit_price, record.units, record.percent_discount)
            yield from (f"{number:f}" for number in numbers if number is not None)
            yield from (str(value) for value in record.extra.values())
        for amount in amounts:
            if amount is not None and amount.nanos:
                yield amount.text()
                yield exact_formatter(amount.currency, "en_US")(amount.nanos)
                yield format_money(amount, "en_US")


def test_nothing_of_the_cost_is_left_anywhere_where_it_is_hidden():
    said = " ".join(Everything(unescape(page(HIDDEN))).said)
    forbidden = {*figures_of_cost(WORK), "30.003071", "62.5", "1.0873", "0.025731", "plus 15%", "by spend"}
    # What is charged can begin as a cost does: of short figures the whole is looked for.
    left = sorted(figure for figure in forbidden if re.search(rf"(?<![\d.]){re.escape(figure)}(?![\d])", said))
    assert left == []
    assert not re.search(r"(?i)\bestimate against|\bactual\b|\bdiscount|\bmarkup|exchange rates\b", said)


def test_the_control_finds_them_where_costs_are_shown():
    said = " ".join(Everything(unescape(page(OPEN))).said)
    for figure in ("1.127731", "1.093377", "0.093179", "8.0557", "30.003071", "62.5", "1.0873"):
        assert figure in said


def test_sums_of_costs_are_hidden_as_well():
    """A reader could find a sum where each part is hidden: totals by day, model, month and kind."""
    context, _ = made(None)
    open_figures = {kpi.value for kpi in context.kpis[:3]}
    for chart in context.charts:
        open_figures |= {bar.amount for bar in chart.bars}
    open_figures |= {point.total for point in context.over_time.points}
    said = " ".join(Everything(unescape(page(HIDDEN))).said)
    for figure in open_figures - {"$0.00", "unknown"}:
        assert not re.search(rf"(?<![\d.,]){re.escape(figure)}(?!\d)", said), figure


@settings(max_examples=40)
@given(st.lists(st.integers(10**6, 10**12), min_size=1, max_size=8))
def test_no_cost_that_there_can_be_is_left_where_it_is_hidden(costs):
    """That nothing is charged keeps every charge apart from every cost."""
    terms = ClientTerms(name="Northwind", rate=Decimal(0), hide_costs=True)
    of = [generation(Money(nanos).text(), client="Northwind", id=f"r{nanos}") for nanos in costs]
    said = " ".join(Everything(unescape(page(terms, of))).said)
    for nanos in costs:
        assert exact_formatter("USD", "en_US")(nanos) not in said


def test_what_a_statement_of_a_card_says_of_the_amount_is_not_shown():
    told = "RUNWAYML.COM 95,00 EUR KURS 1,0840"
    paid = external("95.00", currency="EUR", client="Northwind", source="runway", description=told)
    share = msgspec.structs.replace(WORK[-1], description=told, source="stock sounds")
    shared = msgspec.structs.replace(SHARED[0], name=told, shares=(share,), unsettled=Unsettled(None))
    request = msgspec.structs.replace(asked(HIDDEN), shared=(shared,))
    text = "".join(report_html([paid, share], request))
    assert "95,00" not in text
    assert "<td>External cost<p>runway" in text
    assert "not final (stock sounds)" in text
    assert told in page(OPEN, [paid])


def test_the_title_and_the_texts_for_those_who_do_not_see_speak_of_charges():
    text = page(HIDDEN)
    assert "<title>AI usage statement: Northwind" in text
    assert 'aria-label="Charge by day' in text
    assert "cost" not in " ".join(re.findall(r'aria-label="([^"]*)"', text)).lower()


@pytest.mark.parametrize("currency", ["USD", "EUR"])
def test_rates_of_the_studio_are_in_the_home_currency(currency):
    converter = HOME if currency == "USD" else rates("EUR", USD=ecb("0.92"))
    terms = ClientTerms(name="Northwind", rate=Decimal("2.50"))
    context, _ = made(terms, WORK[:1], converter=converter)
    assert context.kpis[-1].value == {"USD": "$2.50", "EUR": "€2.30"}[currency]
    assert context.kpis[-1].detail == "$2.50 a generation and the cost for the rest"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, "the cost"),
        ({"markup_percent": Decimal("12.5")}, "the cost plus 12.5%"),
        ({"rates": {KLING: Decimal(6)}}, "agreed rates for 1 model and the cost for the rest"),
        (
            {"rates": {KLING: Decimal(6)}, "rate": Decimal("2.5"), "markup_percent": Decimal(10)},
            "agreed rates for 1 model, $2.50 a generation and the cost plus 10% for the rest",
        ),
    ],
)
def test_terms_are_told_in_words(said, told):
    assert terms_told(ClientTerms(name="Northwind", **said), "USD", Words("en_US")) == told


def test_a_rate_that_only_charges_were_converted_at_is_told():
    agreed = ClientTerms(name="Northwind", rate=Decimal("2.50"))
    work = [generation(None, client="Northwind")]
    context, _ = made(agreed, work, converter=rates("EUR", USD=ecb("0.92")))
    assert {kpi.id: kpi.value for kpi in context.kpis}["charge"] == "€2.30"
    assert [[cell.text for cell in row][:2] for row in context.rates.rows] == [["USD", "0.9200"]]


@pytest.mark.parametrize("terms", [OPEN, HIDDEN])
def test_charges_at_a_last_known_rate_are_not_settled(terms):
    work = [external("500.00", currency="EUR", client="Northwind")]
    for last_known in (False, True):
        context, _ = made(terms, work, converter=rates(EUR=ecb("1.1", last_known=last_known)))
        assert context.all_confirmed is not last_known
