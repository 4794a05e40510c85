"""What a report says where an exchange rate is missing: unknown is never zero, and nothing is never unknown."""

from datetime import UTC

from tests.insight.samples import NOW, external, generation, rates
from trayd.money import Money
from trayd.records import Counting, Estimate, Filters
from trayd.reports.context import contents, report_context
from trayd.reports.request import ReportRequest
from trayd.reports.words import Words


def made(*of):
    request = ReportRequest(filters=Filters(), converter=rates(), home="USD", locale="en_US", zone=UTC, now=NOW)
    return report_context(contents(of, request), request, Words("en_US"))


def told(of, starts):
    (note,) = (note for note in made(*of).notes if note.startswith(starts))
    return note


def estimated(amount, currency="USD", counting=Counting.ESTIMATE, **said):
    estimate = Estimate(Money.of(amount, currency), NOW)
    return generation(None, estimate=estimate, counting=counting, **said)


def test_an_estimate_without_a_rate_is_not_told_as_nothing():
    one = estimated("3.00", "KPW")
    assert told([one], "1 gen") == (
        "1 generation counts by its estimate, no exchange rate of which is known, until fal bills it."
    )
    assert told([one, estimated("2.00", id="b")], "2 gen") == (
        "2 generations count by their estimates, $2.00 in all without 1 that has no exchange rate, until fal bills "
        "them."
    )


def test_what_runs_is_not_expected_to_cost_what_is_only_known_of_some():
    running = [estimated("3.00", "KPW", Counting.PENDING), estimated("3.00", counting=Counting.PENDING, id="b")]
    assert told(running, "2 gen") == (
        "2 generations are still running, expected to cost $3.00 without 1 that has no exchange rate: "
        "not in the totals."
    )
    assert told(running[:1], "1 gen") == "1 generation is still running: not in the totals."


def test_a_cost_of_nothing_needs_no_rate():
    report = made(external("0.00", currency="KPW"))
    assert {kpi.id: kpi.value for kpi in report.kpis} == {
        "internal": "$0.00",
        "external": "$0.00",
        "combined": "$0.00",
        "generations": "0",
    }
    assert not [note for note in report.notes if "exchange rate" in note]
    (source,) = (chart for chart in report.charts if chart.id == "tools")
    assert [bar.amount for bar in source.bars] == ["$0.00"]


def test_a_charge_and_its_refund_on_one_day_need_no_rate():
    report = made(external("5.00", currency="KPW"), external("-5.00", currency="KPW", id="b"))
    (source,) = (chart for chart in report.charts if chart.id == "tools")
    assert {kpi.id: kpi.value for kpi in report.kpis}["external"] == "$0.00"
    assert [bar.amount for bar in source.bars] == ["$0.00"]


def test_a_model_keeps_its_name_when_its_newest_generation_has_none():
    named, unnamed = generation("1.00", display_name="Kling 3"), generation("1.00", id="b", display_name=None)
    assert [bar.label for bar in made(named, unnamed).charts[0].bars] == ["Kling 3"]
