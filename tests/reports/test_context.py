"""What a report says beside its figures: who it is from, rates, licences, how good estimates were."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from tests.insight.samples import NOW, daily, ecb, external, generation, rates
from tests.rates.tables import rates as with_fixed
from tests.reports.making import report_html
from trayd.facts import ModelFact
from trayd.money import Money
from trayd.rate_settings import FixedRate
from trayd.rates import RateSource
from trayd.records import Counting, Estimate, Filters, Kind
from trayd.reports.context import contents, report_context
from trayd.reports.request import Agency, ReportRequest
from trayd.reports.words import Words

FLUX, KLING, NEW = "fal-ai/flux/dev", "fal-ai/kling", "fal-ai/new"
NOVEMBER = Filters(since=datetime(2026, 11, 1, tzinfo=UTC), until=datetime(2026, 12, 1, tzinfo=UTC))


def asked(**said):
    usual = {"filters": NOVEMBER, "converter": rates(), "home": "USD", "locale": "en_US", "zone": UTC, "now": NOW}
    return ReportRequest(**(usual | said))


def made(of, **said):
    request = asked(**said)
    return report_context(contents(of, request), request, Words("en_US"))


def cells(table):
    return [[cell.text for cell in row] for row in table.rows]


def fact(endpoint, licence, seen=NOW):
    return ModelFact(endpoint_id=endpoint, seen_at=seen, license_type=licence)


MODELS = {FLUX: fact(FLUX, "research"), KLING: fact(KLING, "commercial")}


def test_the_agency_stands_at_the_top_and_its_note_at_the_end():
    agency = Agency(name="Studio <Nord>", address=("Hafenstraße 1", "Hamburg"), note=("Payable in 30 days.",))
    text = "".join(report_html([generation()], asked(agency=agency)))
    assert text.index("Studio &lt;Nord&gt;") < text.index("Hafenstraße 1<br>Hamburg") < text.index("<h1>")
    assert text.index("</table>") < text.index("Payable in 30 days.")


def test_a_logo_beside_a_name_is_decoration_and_alone_it_has_a_name():
    logo = "data:image/png;base64,AAAA"
    for name, alt in (("Studio Nord", ""), ("", "Logo")):
        text = "".join(report_html([generation()], asked(agency=Agency(name=name, logo=logo))))
        assert f'<img src="{logo}" alt="{alt}">' in text


def test_without_an_agency_nothing_is_kept_free_for_it():
    assert 'class="agency"' not in "".join(report_html([generation()], asked()))


def test_without_a_conversion_there_are_no_rates():
    assert made([generation("1.00")]).rates is None


def test_one_rate_is_told_with_its_date():
    context = made(
        [external("1", currency="EUR"), external("2", currency="SEK")],
        converter=rates(EUR=ecb("1.0840"), SEK=ecb("0.0951234567", "2026-11-13", last_known=True)),
    )
    assert cells(context.rates) == [
        ["EUR", "1.0840", "November 18, 2026", "European Central Bank"],
        ["SEK", "0.09512346", "November 13, 2026", "European Central Bank"],
    ]
    assert [row[2].detail for row in context.rates.rows] == ["", "last known rate"]
    assert context.rate_days is None


def test_a_few_rates_are_told_one_by_one():
    context = made(
        [external("1", f"2026-11-{day:02}", currency="EUR") for day in (2, 3, 4)],
        converter=daily(EUR={"2026-11-02": "1.08", "2026-11-03": "1.0712", "2026-11-04": "1.09"}),
    )
    assert [row[:3] for row in cells(context.rates)] == [
        ["EUR", "1.0800", "November 2, 2026"],
        ["EUR", "1.0712", "November 3, 2026"],
        ["EUR", "1.0900", "November 4, 2026"],
    ]
    assert context.rate_days is None


def test_many_rates_are_told_as_a_range_and_each_by_its_days():
    known = {f"2026-11-{day:02}": f"1.0{day}" for day in range(10, 17)}
    known["2026-11-18"] = known["2026-11-16"]
    context = made(
        [external("1", day, currency="EUR") for day in known]
        + [external("1", f"2026-11-{day:02}", currency="SEK") for day in (2, 9)],
        converter=daily(EUR=known, SEK={"2026-11-02": "0.09", "2026-11-09": "0.09"}),
    )
    assert [row[:3] for row in cells(context.rates)] == [
        ["EUR", "1.0100 to 1.0160", "November 10, 2026 to November 18, 2026"],
        ["SEK", "0.0900", "November 2, 2026 to November 9, 2026"],
    ]
    # One rate of days that follow each other is one line; what the range says whole is not said again.
    assert [[cell.text for cell in row] for row in context.rate_days.rows][-2:] == [
        ["November 15, 2026", "EUR", "1.0150", "November 15, 2026"],
        ["November 16, 2026", "EUR", "1.0160", "November 16, 2026"],
    ]
    assert [cell.detail for cell in context.rate_days.rows[-1]] == [
        "to November 18, 2026", "", "", "to November 18, 2026"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("since", "told"), [(None, "any day"), (date(2026, 11, 5), "November 5, 2026")], ids=["for all days", "from a day"]
)
@pytest.mark.parametrize("last", [5, 19], ids=["one entry, of that day", "some weeks"])
def test_a_fixed_rate_is_one_line_with_the_day_from_which_it_holds(since, told, last):
    fixed = FixedRate(from_="EUR", to="USD", rate=Decimal("1.08"), since=since)
    converter = with_fixed({}, fixed=(fixed,)).converter("USD")
    of = [external("1", f"2026-11-{day:02}", currency="EUR") for day in range(5, last + 1)]
    context = made(of, converter=converter)
    assert cells(context.rates) == [["EUR", "1.0800", told, "Fixed rate"]]
    assert context.rate_days is None


def test_a_fixed_rate_and_one_of_the_bank_are_two_rows():
    days = {date: ecb("1.08", date) for date in ("2026-11-02", "2026-11-03")}
    days["2026-11-03"] = ecb("1.10", "2026-11-01", RateSource.SETTINGS)
    converter = rates()
    converter._find = lambda _currency, day: days.get(day.isoformat())
    context = made([external("1", day, currency="EUR") for day in days], converter=converter)
    assert [row[3] for row in cells(context.rates)] == ["European Central Bank", "Fixed rate"]


def test_every_model_is_told_with_its_licence_and_none_is_cut():
    of = [generation("1.00", endpoint_id=f"fal-ai/model-{number}") for number in range(40)]
    of += [generation("3.00"), generation("2.00", endpoint_id=KLING)]
    licences = made(of, models=MODELS).licences
    assert len(licences.rows) == 42
    assert licences.lead.startswith("42 models: 1 research only, 40 unknown and 1 commercial.")
    assert cells(licences)[0] == [FLUX, "Research only", "1", "$3.00"]
    assert cells(licences)[-1] == [KLING, "Commercial", "1", "$2.00"]


def test_the_day_of_the_licences_is_told():
    of = [generation("3.00"), generation("2.00", endpoint_id=KLING), generation("1.00", endpoint_id=NEW)]
    assert "catalogue said on November 20, 2026;" in made(of, models=MODELS).licences.lead
    older = MODELS | {KLING: fact(KLING, "commercial", NOW - timedelta(days=9))}
    table = made(of, models=older).licences
    assert [row[2] for row in cells(table)] == ["November 20, 2026", "not read yet", "November 11, 2026"]


@pytest.mark.parametrize(("said", "shown"), [("private", "Private"), (None, "Unknown"), ("open-rail", "Unknown")])
def test_other_licences(said, shown):
    context = made([generation(client="Northwind")], models={FLUX: fact(FLUX, said)})
    [row] = context.licences.rows
    assert row[1].text == shown
    assert context.warnings == ()
    assert ("open-rail" in row[1].detail) is (said == "open-rail")


def test_research_only_models_in_client_work_are_warned_of():
    of = [
        generation("1.00", client="Northwind", display_name="FLUX.1 [dev]"),
        generation("1.00", client="Halden", display_name="FLUX.1 [dev]"),
        generation("1.00", endpoint_id=KLING, client="Northwind"),
        generation("1.00", endpoint_id=NEW, client="Northwind"),
    ]
    [warning] = made(of, models=MODELS).warnings
    assert warning.startswith("FLUX.1 [dev] (fal-ai/flux/dev) is licensed for research only, and 2 generations with it")
    assert "Licences to settle" in "".join(report_html(of, asked(models=MODELS)))


def test_work_for_nobody_and_what_made_nothing_is_not_warned_of():
    of = [generation("1.00"), generation("1.00", client="Northwind", counting=Counting.FREE)]
    assert made(of, models=MODELS).warnings == ()


def test_estimates_against_actuals():
    of = [
        generation("1.12", estimate=Estimate(Money.of("1.00"), NOW), display_name="FLUX.1 [dev]"),
        generation("0.90", estimate=Estimate(Money.of("1.00"), NOW), endpoint_id=KLING),
        generation("5.00"),
        generation("1.00", counting=Counting.ESTIMATE),
    ]
    table = made(of).accuracy
    assert table.lead == (
        "2 generations have both an estimate and a bill. Not compared: 1 without an estimate and 1 not billed yet."
    )
    # The last name that a record has told: later ones here tell none.
    assert cells(table) == [
        ["FLUX.1 [dev]", "1", "$1.00", "$1.12", "+$0.12"],
        [KLING, "1", "$1.00", "$0.90", "-$0.10"],
    ]
    assert [cell.text for cell in table.total] == ["All models", "2", "$2.00", "$2.02", "+$0.02"]
    assert [row[4].detail for row in table.rows] == ["+12.0%", "-10.0%"]


def test_of_many_models_those_with_the_largest_gaps_are_named_and_the_rest_summed():
    of = [
        generation(f"1.{number:02}", estimate=Estimate(Money.of("1.00"), NOW), endpoint_id=f"fal-ai/model-{number}")
        for number in range(1, 41)
    ]
    table = made(of).accuracy
    assert len(table.rows) == 13
    assert [cell.text for cell in table.rows[-1]] == ["28 others", "28", "$28.00", "$32.06", "+$4.06"]


def test_people_and_operations_are_charts_where_they_are_known():
    of = [generation("1.00", key="studio-mac", operation="text-to-image"), generation("2.00")]
    charts = {chart.id: [(bar.label, bar.amount) for bar in chart.bars] for chart in made(of).charts}
    assert charts["people"] == [("Not named", "$2.00"), ("studio-mac", "$1.00")]
    assert charts["operations"] == [("Unknown operation", "$2.00"), ("text-to-image", "$1.00")]
    assert "people" not in {chart.id for chart in made([generation()]).charts}


def test_a_long_log_opens_month_by_month_and_a_short_one_is_open():
    short, long = ("".join(report_html([generation()] * number, asked())) for number in (500, 501))
    assert '<details class="month" open>' in short
    assert '<details class="month">' in long
    assert "Closed, and so not printed." in long


def test_a_line_tells_who_how_long_and_which_request():
    of = [
        generation(
            "1.00", key="studio-mac", duration_s=41.66, request_id="764cabcf", note="second take", client="Northwind"
        ),
        generation("1.00", duration_s=3725.0),
    ]
    text = "".join(report_html(of, asked()))
    assert "<p>41.7 s<td>" in text
    assert "<p>764cabcf<td>" in text
    assert "<p>second take<td>Northwind<p>studio-mac<td>" in text
    assert "<p>1 h 2 min<td>" in text


@pytest.mark.parametrize(
    ("asked_for", "told"),
    [
        ({"client": "Northwind"}, [("Client", "Northwind")]),
        ({"client": "", "deliverable": "Hero Film"}, [("Client", "none"), ("Deliverable", "Hero Film")]),
        ({"project": "Spring"}, [("Project", "Spring")]),
        ({"model": KLING}, [("Model", KLING)]),
        ({"account": "studio"}, [("Account", "studio")]),
        ({"key": "premiere"}, [("Key", "premiere")]),
        ({"kind": Kind.INTERNAL}, [("Only", "fal.ai only")]),
        ({"kind": Kind.EXTERNAL}, [("Only", "other tools only")]),
        ({"kind": Kind.POOL}, [("Only", "shared costs only")]),
    ],
)
def test_the_title_block_tells_all_that_was_asked_for(asked_for, told):
    facts = made([], filters=structs.replace(NOVEMBER, **asked_for)).facts
    assert [(fact.label, fact.value) for fact in facts] == [*told, ("Currency", "USD")]


def test_an_hour_that_comes_twice_is_told_with_its_offset():
    twice = Filters(since=datetime(2026, 10, 25, 0, 30, tzinfo=UTC), until=datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    period = made([], filters=twice, zone=ZoneInfo("Europe/Berlin")).period
    assert period == "October 25, 2026, 02:30+02:00 to 02:30+01:00"
