"""Averages are over the part of a window that has passed and that is known."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest

from tests.ledger.making import DAY, HOUR, account, billing, covers, estimate, event, opened, row
from trayd.facts import Batch
from trayd.insight.over_time import how_often
from trayd.insight.windows import window_between
from trayd.money import Money
from trayd.operations.operations import Operations
from trayd.operations.records import UsageQuery
from trayd.records import ExternalCost, Kind, Status, TimePart
from trayd.settings import Paths, Settings
from trayd.shapes import plain
from trayd.terminal.show import Style
from trayd.terminal.usage import usage_view

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
#: From when on fal's bills are known.
KNOWN = NOW - 2 * DAY


@pytest.fixture
def operations(tmp_path):
    """Three dollars a day of fal's since bills are known, and an invoice of another tool of long before."""
    paths = Paths.under(tmp_path)
    with closing(opened(tmp_path)) as ledger:
        bills = [
            billing(f"r{n}", row("3.00", at=NOW - (n + 1) * DAY + HOUR), fetched=NOW, account="default")
            for n in range(2)
        ]
        invoice = ExternalCost(
            id="c", date=date(2026, 10, 5), description="Midjourney", amount=Money.of(31), kind=Kind.EXTERNAL
        )
        ledger.add(
            Batch(
                billing=tuple(bills),
                costs=(invoice,),
                accounts=(account("default", "default"),),
                coverage=(covers("default", KNOWN, NOW),),
            )
        )
        yield Operations(ledger, Settings(time_zone="UTC"), paths, lambda: NOW)


@pytest.mark.parametrize("until", [None, "2026-11-21T00:00:00Z", "2026-12-20T00:00:00Z"])
def test_what_is_still_to_come_of_a_window_is_in_no_average(operations, until):
    usage = operations.usage(UsageQuery(since="2026-11-01T00:00:00Z", until=until, by="hour"))
    assert (usage.total.cost, usage.average_per_day) == (Money.of(6), Money.of(3))
    assert {part.days for part in usage.by} == {2.0}


def test_weekdays_that_are_still_to_come_are_not_counted():
    window = window_between("2026-11-18T00:00:00Z", "2026-11-30T00:00:00Z", NOW, UTC)
    wednesday, friday = 2, 4
    often = how_often(TimePart.WEEKDAY, window, UTC)
    assert (sum(often), often[wednesday], often[friday]) == (Fraction(5, 2), 1, Fraction(1, 2))
    none_yet = window_between("2026-11-20T14:00:00Z", "2026-11-30T00:00:00Z", NOW, UTC)
    assert not any(how_often(TimePart.WEEKDAY, none_yet, UTC))


def test_what_fal_has_billed_says_nothing_of_other_tools(operations):
    usage = operations.usage(UsageQuery(window="2026-10-01..2026-10-31", kind=Kind.EXTERNAL))
    assert (usage.total.cost, usage.average_per_day, usage.known_from) == (Money.of(31), Money.of(1), None)
    whole = operations.usage(UsageQuery(window="2026-10-01..2026-10-31"))
    assert (whole.average_per_day, whole.known_from) == (None, KNOWN)


@pytest.fixture
def without_bills(tmp_path):
    """Where only programs tell what was made, as with a key that may not read bills."""
    with closing(opened(tmp_path / "without")) as ledger:
        told = event("e", "r", NOW - DAY, estimate=estimate("2.00", NOW - DAY), status=Status.COMPLETED)
        ledger.add(Batch(events=(told,)))
        yield Operations(ledger, Settings(time_zone="UTC"), Paths.under(tmp_path / "without"), lambda: NOW)


def test_a_time_of_which_nothing_was_told_cost_nobody_knows_what(operations, without_bills):
    for asked in (operations, without_bills):
        usage = asked.usage(UsageQuery(window="2026-08-01..2026-08-31"))
        total = plain(usage)["total"]
        assert [total[name] for name in ("cost", "internal", "external", "pool")] == [None] * 4
        assert usage.average_per_day is None
        shown = usage_view(plain(usage), Style("en_US", UTC), None).renderables[1]
        assert str(shown).startswith("unknown: nothing of that time was read")
        assert ("`trayd doctor`" in str(shown)) == (asked is without_bills), "where bills are read there is no cure"
    known = without_bills.usage(UsageQuery())
    assert (known.total.cost, known.known_from) == (Money.of(2), None)
