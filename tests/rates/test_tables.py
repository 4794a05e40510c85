from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rates.tables import day, table
from trayd.errors import RatesError
from trayd.exchange_rates.merging import merged
from trayd.exchange_rates.tables import Row, Sheet

_CELLS = st.decimals(min_value=Decimal("0.00001"), max_value=Decimal(10**9), places=5).map(lambda number: f"{number:f}")
_ROWS = st.dictionaries(
    st.dates(date(1999, 1, 4), date(2026, 11, 20)),
    st.dictionaries(st.sampled_from(["USD", "SEK", "JPY", "GBP"]), _CELLS, min_size=1),
    min_size=1,
)


@given(_ROWS)
def test_a_table_reads_back_as_it_was_written_to_the_last_digit(rows: dict[date, Row]) -> None:
    sheet = Sheet.parse(Sheet.of(rows.items()).text())
    assert dict(sheet.rows()) == rows
    assert list(sheet.days) == sorted(rows)


@given(_ROWS, st.sampled_from(["USD", "SEK"]), st.dates(date(1999, 1, 1), date(2026, 12, 1)))
def test_a_days_rate_is_the_newest_one_up_to_it_whatever_is_looked_up(
    rows: dict[date, Row], currency: str, asked: date
) -> None:
    quotes = table({when.isoformat(): row for when, row in rows.items()}, gap_days=10).at((currency,), asked)
    published = max((when for when in rows if when <= asked), default=None)
    quoted = max((when for when, row in rows.items() if when <= asked and currency in row), default=None)
    if published is None or quoted is None or published - quoted > timedelta(days=10):
        assert quotes is None
    else:
        assert quotes is not None
        assert (quotes.published, quotes.per_euro) == (quoted, (Decimal(rows[quoted][currency]),))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "no table"),
        ("# only a remark\n", "no table"),
        ("Datum,USD\n", "line 1 names no currencies"),
        ("Date,usd\n", "line 1 names no currencies"),
        ("Date,USD,USD\n", "a currency twice"),
        ("# a remark\nDate,USD\n2026-11-20,1.1,2\n", "line 3 is not a day's rates"),
        ("Date,USD\n2026-11-20\n", "line 2 is not"),
        ("Date,USD\n2026-11-20,-1\n", "line 2 is not"),
        ("Date,USD\n2026-11-20,1e5\n", "line 2 is not"),
        ("Date,USD\n2026-11-31,1.1\n", "day is out of range"),
        ("Date,USD\n2026-11-20,1.1\n2026-11-19,1.1\n", "line 3 is out of order"),
        ("Date,USD\n2026-11-20,1.1\n2026-11-20,1.1\n", "line 3 is out of order"),
    ],
)
def test_what_is_no_table_is_refused_by_its_line(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        Sheet.parse(text)


def test_a_rate_of_zero_is_none() -> None:
    assert table({"11-19": {"USD": "1.1"}, "11-20": {"USD": "0.0"}}).at(("USD",), day("11-20")).published == day(
        "11-19"
    )  # type: ignore[union-attr]


def _sheet(rows: dict[str, Row]) -> Sheet:
    return Sheet.of((day(when), row) for when, row in rows.items())


KEPT = {"11-17": {"USD": "1.10", "SEK": "11.0"}, "11-18": {"USD": "1.11", "SEK": "11.1"}}


class TestTakingNewRatesInBesideTheKnownOnes:
    def test_new_days_and_new_currencies_are_taken(self) -> None:
        told = _sheet({"11-18": {"USD": "1.110", "SEK": "11.1", "JPY": "170"}, "11-19": {"USD": "1.12"}})
        result = merged({2026: _sheet(KEPT)}, told)
        assert dict(result.sheets[2026].rows()) == {
            day("11-17"): {"USD": "1.10", "SEK": "11.0"},
            day("11-18"): {"USD": "1.11", "SEK": "11.1", "JPY": "170"},
            day("11-19"): {"USD": "1.12"},
        }
        assert (result.doubts, result.first, result.last) == ([], day("11-18"), day("11-19"))

    def test_what_brings_nothing_new_changes_no_year(self) -> None:
        assert merged({2026: _sheet(KEPT)}, _sheet(KEPT)).sheets == {}

    def test_a_rate_that_is_told_differently_for_a_past_day_stays_as_it_was_used_and_is_named(self) -> None:
        many = {f"10-{n:02}": {"USD": "1.10"} for n in range(1, 31)}
        result = merged({2026: _sheet(many)}, _sheet(many | {"10-05": {"USD": "1.19"}, "10-31": {"USD": "1.10"}}))
        assert result.doubts == ["USD of 2026-10-05 is told as 1.19 now; 1.10 stays"]
        rows = dict(result.sheets[2026].rows())
        assert (rows[day("10-05")], rows[day("10-31")]) == ({"USD": "1.10"}, {"USD": "1.10"})

    def test_a_table_that_contradicts_the_known_one_all_over_is_refused_whole(self) -> None:
        dollars = _sheet({"11-17": {"USD": "1.00", "SEK": "10.0"}, "11-18": {"USD": "1.00", "SEK": "10.1"}})
        with pytest.raises(RatesError, match="4 of 4 rates are not as they are known: SEK of 2026-11-17"):
            merged({2026: _sheet(KEPT)}, dollars)

    @pytest.mark.parametrize("wild", ["11.1", "0.111"])
    def test_a_rate_ten_times_the_one_before_is_left_out_and_the_others_are_taken(self, wild: str) -> None:
        result = merged({2026: _sheet(KEPT)}, _sheet({"11-19": {"USD": wild, "SEK": "11.2"}}))
        assert result.doubts == [f"USD of 2026-11-19 is told as {wild} after 1.11; it is left out"]
        assert dict(result.sheets[2026].rows())[day("11-19")] == {"SEK": "11.2"}

    def test_that_is_seen_over_the_turn_of_the_year_as_well(self) -> None:
        result = merged({2025: _sheet({"2025-12-31": {"USD": "1.1"}})}, _sheet({"01-02": {"USD": "11", "SEK": "11"}}))
        assert result.doubts == ["USD of 2026-01-02 is told as 11 after 1.1; it is left out"]

    def test_and_within_what_is_told(self) -> None:
        result = merged({}, _sheet({"11-19": {"USD": "1.1"}, "11-20": {"USD": "111"}}))
        assert dict(result.sheets[2026].rows()) == {day("11-19"): {"USD": "1.1"}}

    def test_after_a_long_silence_nothing_is_compared(self) -> None:
        result = merged({2026: _sheet(KEPT)}, _sheet({"12-18": {"USD": "11.1"}}))
        assert result.doubts == []

    @given(_ROWS, _ROWS)
    def test_nothing_that_is_known_is_ever_changed_or_lost(self, kept: dict[date, Row], told: dict[date, Row]) -> None:
        sheet = Sheet.of(kept.items())
        by_year = {year: Sheet.of(sheet.rows(year)) for year in sheet.years()}
        try:
            result = merged(dict(by_year), Sheet.of(told.items()))
        except RatesError:
            return
        after = by_year | result.sheets
        rows = {when: row for each in after.values() for when, row in each.rows()}
        for when, row in kept.items():
            assert row.items() <= rows[when].items()
        for when, row in rows.items():
            assert row.items() <= {**told.get(when, {}), **kept.get(when, {})}.items()
