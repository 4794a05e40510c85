"""The report of a whole ledger, as the command asks for it: shared costs, the agency of the settings, currencies."""

from datetime import date
from decimal import Decimal
from html import unescape

import msgspec
import pytest

from tests.desk import NOW
from tests.reports.studio import SPRING, studio
from tests.reports.test_context import cells
from trayd.errors import SettingsError, UsageError
from trayd.operations.exporting import ReportQuery, built_report, report_request
from trayd.pool_settings import Pool
from trayd.report_settings import ClientTerms, ReportSettings
from trayd.reports.tables import pools_table
from trayd.reports.words import Words


@pytest.fixture
def desk(tmp_path):
    with studio(tmp_path) as opened:
        yield opened


def page(desk, **query):
    return unescape("".join(built_report(desk.operations, ReportQuery(**query), NOW)))


def shared(desk, **query):
    return report_request(desk.operations, ReportQuery(**query), NOW).shared


def test_shared_costs_are_told_with_what_they_were_divided_by(desk):
    [equal, runway] = sorted(shared(desk, client="Northwind", since="2026-11-01"), key=lambda each: each.name)
    assert (runway.name, runway.whole.text(), runway.basis) == ("Runway plan", "35.00", "by spend")
    assert (equal.basis, runway.since, runway.until) == ("in equal parts", date(2026, 11, 1), date(2026, 12, 1))
    assert {share.project for share in runway.shares} == {SPRING["project"]}


def test_all_shares_of_a_cost_come_to_it(desk):
    for each in shared(desk):
        assert sum(share.amount.nanos for share in each.shares) == each.whole.nanos


def test_the_table_of_shared_costs_says_period_whole_basis_and_share(desk):
    of = shared(desk, client="Northwind", since="2026-11-01")
    words = Words("en_US")
    row = next(row for row in cells(pools_table(of, words)) if row[0] == "Runway plan")
    [share] = next(each for each in of if each.name == "Runway plan").shares
    assert row[1:] == ["November 2026", "€35.00", "by spend", words.exact(share.amount)]
    assert "Shared costs" in page(desk, client="Northwind")


def test_a_report_that_shared_costs_have_no_part_in_does_not_tell_of_them(desk):
    assert "Shared costs" not in page(desk, model="fal-ai/whisper")
    assert shared(desk, model="fal-ai/whisper") == ()


def test_weights_and_costs_that_nobody_shares(desk):
    desk.set(
        pool=(
            Pool(name="Rent", amount=Decimal(100), since=date(2026, 11, 1), split={"Pitch": Decimal(1)}),
            Pool(name="Nobody", amount=Decimal(100), since=date(2025, 1, 1), to=date(2025, 1, 31)),
        )
    )
    told = {each.name: each for each in shared(desk)}
    assert told["Rent"].basis == "by fixed weights"
    assert told["Nobody"].basis == "not divided"
    assert "nobody shares it" in told["Nobody"].remark


def test_the_agency_comes_from_the_settings(desk, tmp_path):
    (tmp_path / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    desk.set(report=ReportSettings(name="Studio Nord", address="Hamburg", note="Thank you.", logo="logo.svg"))
    text = page(desk)
    assert "Studio Nord" in text
    assert 'src="data:image/svg+xml;base64,' in text


def test_a_logo_that_is_not_there_is_told_before_anything_is_written(desk):
    desk.set(report=ReportSettings(logo="gone.png"))
    with pytest.raises(SettingsError, match=r"gone\.png"):
        built_report(desk.operations, ReportQuery(), NOW)


def test_terms_count_in_the_report_of_their_client_alone(desk):
    terms = ClientTerms(name="Northwind", markup_percent=Decimal(10))
    desk.set(report=ReportSettings(client=(terms, msgspec.structs.replace(terms, name="Other", hide_costs=True))))
    assert "To charge" in page(desk, client="Northwind")
    assert "To charge" not in page(desk)
    assert "AI usage statement" in page(desk, client="Other")


def test_totals_are_in_the_currency_asked_for_and_rates_are_told(desk):
    text = page(desk, currency="sek")
    assert "What one unit of each currency is in SEK" in text
    assert "<dt>Currency</dt><dd>SEK</dd>" in text
    with pytest.raises(UsageError, match="no ISO 4217"):
        page(desk, currency="XX")
