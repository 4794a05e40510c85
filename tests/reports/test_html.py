"""The HTML report: its figures recounted, its log, and hostile names."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given, settings

from tests.insight.samples import NOW, ecb, external, generation, rates, records
from tests.reports.making import report_html
from trayd.money import Money, format_money, nanos_of
from trayd.records import Counting, Estimate, ExternalCost, Filters, Kind
from trayd.reports.context import contents, report_context
from trayd.reports.request import ReportRequest
from trayd.reports.words import Words

STOCKHOLM = ZoneInfo("Europe/Stockholm")
NO_RATES = rates()
NOVEMBER = Filters(since=datetime(2026, 11, 1, tzinfo=UTC), until=datetime(2026, 12, 1, tzinfo=UTC))


def asked(filters=NOVEMBER, zone=UTC, converter=NO_RATES, locale="en_US", **more):
    return ReportRequest(filters=filters, converter=converter, home="USD", locale=locale, zone=zone, now=NOW, **more)


def page(of, *args, **options):
    return "".join(report_html(of, asked(*args, **options)))


def context(of, *args, **options):
    request = asked(*args, **options)
    return report_context(contents(of, request), request, Words("en_US"))


class Reader(HTMLParser):
    """The log's cells, and every element, of a page."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.tags, self.attributes = [], [], []
        self._in_log = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend(attrs)
        if tag == "table":
            self._in_log = ("class", "log") in attrs
        if self._in_log and tag == "tr":
            self.rows.append([])
        if self._in_log and tag == "td":
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag == "table":
            self._in_log = False

    def handle_data(self, data):
        if self._in_log and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data

    def log(self):
        return [[cell.strip() for cell in row] for row in self.rows if row]


def log_of(of, **options):
    return Reader(page(of, **options)).log()


CAMPAIGN = [
    generation(
        "1.12",
        estimate=Estimate(Money.of("1.10"), NOW),
        timestamp=datetime(2026, 11, 3, 9, 30, 5, tzinfo=UTC),
        endpoint_id="fal-ai/kling-video/v3/pro/text-to-video",
        display_name="Kling 3.0 Pro",
        units=Decimal(8),
        unit="seconds",
        client="Northwind",
        project="Spring Campaign",
        deliverable="Hero Film",
        parameters={"resolution": "1080p", "generate_audio": True, "nested": {"a": 1}},
    ),
    generation("0.0902", counting=Counting.ESTIMATE, client="Northwind", deliverable="Social Cut"),
    generation(None, client="Northwind"),
    generation("2.00", counting=Counting.PENDING),
    generation("0.70", counting=Counting.UNMATCHED),
    generation("0.40", counting=Counting.FREE),
    external("30.00", "2026-11-05", client="Northwind", category="subscription"),
    external("10.00", "2026-11-06", kind=Kind.POOL),
    external("99.00", "2026-11-07", currency="EUR"),
]


def test_the_four_figures():
    assert [(kpi.label, kpi.value) for kpi in context(CAMPAIGN).kpis] == [
        ("Total AI cost", "$1.21"),
        ("External AI costs", "$40.00"),
        ("Combined total", "$41.21"),
        ("Generations", "4"),
    ]


def test_what_is_not_in_the_figures_is_said():
    told = " ".join(context(CAMPAIGN).notes)
    for note in (
        "1 generation counts by its estimate, $0.09 in all",
        "1 generation has no price yet",
        "1 generation is still running, expected to cost $2.00",
        "1 event could not be matched",
        "1 failed or cancelled request was not billed",
        "€99.00 is left out of all totals: no exchange rate to USD is known for EUR on ",
        "$10.00 of shared costs",
    ):
        assert note in told


def test_the_compliance_line_accounts_for_every_entry():
    said = {fact.label: int(fact.value) for fact in context(CAMPAIGN).origin}
    assert said == {
        "confirmed by fal": 2,
        "estimated": 1,
        "imported": 2,
        "shared": 1,
        "without a price": 1,
        "still running": 1,
        "unmatched": 1,
    }
    assert sum(said.values()) == len(CAMPAIGN)
    assert not context(CAMPAIGN).all_confirmed


def test_a_report_of_billed_costs_alone_says_so():
    settled = context([generation("1.00"), external("2.00")])
    assert (settled.all_confirmed, settled.verdict) == (True, "every cost is billed")


def test_the_title_block_names_client_project_and_period():
    meant = msgspec.structs.replace(NOVEMBER, client="Northwind", project="Spring Campaign", since=None)
    made = context(CAMPAIGN[:1], filters=meant)
    assert (made.title, made.subtitle) == ("Northwind", "Spring Campaign")
    assert made.period == "November 3, 2026 to November 20, 2026"
    assert [(fact.label, fact.value) for fact in made.facts] == [
        ("Client", "Northwind"),
        ("Project", "Spring Campaign"),
        ("Currency", "USD"),
    ]


def test_what_has_no_client_and_what_is_of_some_hours_is_said_to_be_that():
    whose = context([], Filters(client="", project="Pitch"))
    hours = {"since": datetime(2026, 11, 5, 9, tzinfo=UTC), "until": datetime(2026, 11, 5, 13, 30, tzinfo=UTC)}

    assert (whose.title, whose.subtitle) == ("No client", "Pitch")
    assert ("Client", "none") in [(fact.label, fact.value) for fact in whose.facts]
    assert context([], Filters(**hours)).period == "November 5, 2026, 09:00 to 13:30"


def test_the_log_shows_estimate_actual_and_cost():
    assert log_of(CAMPAIGN[:1], zone=STOCKHOLM) == [
        [
            "2026-11-03 10:30:05",
            "Kling 3.0 Profal-ai/kling-video/v3/pro/text-to-videor1",
            "8 seconds · resolution 1080p · generate audio yes",
            "Northwind · Spring Campaign · Hero Film",
            "$1.10",
            "Actual $1.12",
            "$1.12",
        ]
    ]


def test_the_log_says_why_a_cost_is_missing_and_never_shows_zero_for_it():
    shown = {row[5]: row[6] for row in log_of(CAMPAIGN)}
    assert shown == {
        "Actual $1.12": "$1.12",
        "Estimated": "$0.0902",
        "No price yet": "",
        "Pending": "",
        "Unmatched": "",
        "Not billed": "$0.00",
        "Imported": "€99.00no exchange rate",
        "Shared": "$10.00",
    }


def test_the_log_is_in_the_order_of_time_by_month():
    october = Filters()
    of = [external("1.00", "2026-11-02"), external("1.00", "2026-10-30"), generation("1.00", timestamp=NOW)]
    text = page(of, filters=october)
    assert re.findall(r"<h3>(.*)</h3>", text) == ["October 2026", "November 2026"]
    assert [row[0] for row in Reader(text).log()] == ["2026-10-30", "2026-11-02", "2026-11-20 14:00:00"]


def test_a_busy_month_comes_in_several_tables():
    """A browser takes most of a minute to lay out one table of 100,000 lines."""
    text = page([generation("1.00")] * 2001)
    assert re.findall(r'class="scroll page" role="group" aria-label="(.*?)"', text) == [
        "November 2026",
        "November 2026, part 2",
    ]
    assert re.findall(r"<h3>(.*)</h3> <span>(.*?)</span>", text) == [("November 2026", "2,001 entries · $2,001.00")]
    assert len(Reader(text).log()) == 2001


def test_what_the_title_says_is_not_repeated_in_every_line():
    meant = Filters(client="Northwind")
    assert log_of(CAMPAIGN[:1], filters=meant)[0][3] == "Spring Campaign · Hero Film"


def test_numbers_are_written_as_the_reader_writes_them():
    assert log_of([generation("1234.5")], locale="sv_SE")[0][6] == "1\xa0234,50\xa0US$"


def test_a_report_of_nothing_is_still_a_report():
    text = page([])
    assert "There are no generations in this report." in text
    assert "0 entries" in text
    assert '<svg class="line"' not in text


@settings(max_examples=40)
@given(records)
def test_the_log_adds_up_to_the_figures(of):
    """The log shows exact amounts, so a reader with a pocket calculator gets the report's totals."""
    internal = external_costs = 0
    for record, row in zip(
        sorted(of, key=lambda record: record.instant(UTC)), log_of(of, filters=Filters()), strict=True
    ):
        if "$" not in row[6]:
            continue
        nanos = nanos_of(row[6].replace("$", "").replace(",", ""))
        if isinstance(record, ExternalCost):
            external_costs += nanos
        else:
            internal += nanos
    values = [kpi.value for kpi in context(of, filters=Filters()).kpis]
    totals = [internal, external_costs, internal + external_costs]
    assert [value.replace("unknown", "$0.00") for value in values[:3]] == [
        format_money(Money(nanos), "en_US") for nanos in totals
    ]


IN_KRONOR = rates("SEK", USD=ecb("10.5"), EUR=ecb("11.25", last_known=True))


def test_the_figures_are_in_the_home_currency():
    made = context([*CAMPAIGN[:2], *CAMPAIGN[6:]], converter=IN_KRONOR)
    assert [(kpi.label, kpi.value) for kpi in made.kpis[:3]] == [
        ("Total AI cost", "12.7 kr"),
        ("External AI costs", "1,533.8 kr"),
        ("Combined total", "1,546.5 kr"),
    ]
    assert [bar.amount for chart in made.charts for bar in chart.bars] == [
        "11.8 kr",
        "0.9 kr",
        "1,533.8 kr",
        "11.8 kr",
        "0.9 kr",
        "1,533.8 kr",
    ]
    assert made.over_time.summary.startswith("Highest on November 7, 2026: 1,113.8 kr.")


def test_the_rates_are_said_with_their_days():
    told = context([*CAMPAIGN[:2], *CAMPAIGN[6:]], converter=IN_KRONOR).notes
    assert "€99.00 converted at the last known rate, of November 18, 2026." in told
    assert "$41.21 converted at the ECB's rates of each day (November 3, 2026 to November 20, 2026)." in told


def test_the_log_shows_what_was_billed_and_what_that_is_in_the_home_currency():
    of = [
        generation("0.0902"),
        external("99.00", "2026-11-07", currency="EUR"),
        external("5.00", "2026-11-08", currency="SEK"),
        external("1.50", "2026-11-09", currency="AUD"),
        external("0.000001", "2026-11-10"),
        generation(None, timestamp=NOW),
    ]
    assert [row[6] for row in log_of(of, converter=IN_KRONOR)] == [
        "€99.001,113.75 kr",
        "5.0 kr",
        "A$1.50no exchange rate",
        "$0.0000010.0000105 kr",
        "$0.09020.9471 kr",
        "",
    ]


def test_a_currency_without_a_rate_is_named_once_and_never_counted_as_zero():
    of = [external("7", "2026-11-09", currency="JPY"), external("3.00", "2026-11-09", currency="AUD")]
    made = context(of, converter=IN_KRONOR)
    assert [kpi.value for kpi in made.kpis[:3]] == ["0.0 kr", "unknown", "unknown"]
    assert [(bar.amount, bar.share) for chart in made.charts for bar in chart.bars] == [("unknown", "")]
    assert [point.total for point in made.over_time.points if point.total != "0.0 kr"] == ["unknown"]
    assert (
        "A$3.00 and ¥7 are left out of all totals: no exchange rate to SEK is known for "
        "AUD on November 9, 2026 and JPY on November 9, 2026. The log shows each entry." in made.notes
    )


def test_generations_without_a_price_are_not_said_to_have_cost_nothing():
    made = context([generation(None)])
    assert [kpi.value for kpi in made.kpis] == ["unknown", "$0.00", "unknown", "1"]
    assert [bar.amount for chart in made.charts for bar in chart.bars] == ["unknown"]


def test_a_shared_cost_says_how_it_was_divided():
    share = external(
        "18.75", "2026-11-01", kind=Kind.POOL, project="Relaunch", note="62.5 % of $30.00 by spend, Nov 2026"
    )
    assert log_of([share])[0][2] == "shared cost62.5 % of $30.00 by spend, Nov 2026", "the second part is a line below"
    assert "External AI costs hold $18.75 of shared costs; the log says how each was divided among projects." in (
        context([share]).notes
    )


def as_number(told):
    return Decimal(re.sub("[$,]", "", told.replace("unknown", "0")))


@settings(max_examples=20)
@given(records)
def test_the_bars_of_a_chart_add_up_to_the_figures_in_every_currency(of):
    """To the nano, less what is rounded when it is shown."""
    made = context(of, filters=Filters(), converter=rates("USD", EUR=ecb("0.1"), SEK=ecb("0.1"), KWD=ecb("3.1")))
    if made.over_time is None:
        return
    shown = sum(as_number(point.total) for point in made.over_time.points)
    combined = as_number(made.kpis[2].value)
    assert abs(shown - combined) <= Decimal("0.005") * (len(made.over_time.points) + 1)


HOSTILE = (
    "</td></table><script>fetch('http://127.0.0.1:9/x')</script><img src=http://127.0.0.1:9/y onerror=alert(1)>\"'&"
)


def hostile_records():
    bad = HOSTILE
    return [
        generation(
            "1.00",
            id=bad,
            request_id=bad,
            endpoint_id=bad,
            display_name=bad,
            operation=bad,
            unit=bad,
            units=Decimal(2),
            key=bad,
            client=bad,
            project=bad,
            deliverable=bad,
            note=bad,
            source=bad,
            account=bad,
            parameters={bad: bad},
        ),
        external("1.00", description=bad, source=bad, category=bad, client=bad, project=bad, deliverable=bad),
    ]


def test_html_in_any_field_is_shown_and_not_run():
    bad = HOSTILE
    meant = Filters(client=bad, project=bad, deliverable=bad, model=bad, account=bad)
    text = page(hostile_records(), filters=meant)
    reader = Reader(text)
    assert not {"script", "img", "iframe", "object", "form"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name == "style"]
    assert bad in unescape(text)
