from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from trayd.errors import SettingsError
from trayd.money import EXACT
from trayd.settings import parse
from trayd.settings_file import set_value

KRONA = '[[rates.fixed]]\nfrom = "SEK"\nto = "USD"\nrate = 0.095\n'


def test_a_fixed_rate_reads_like_a_sentence_and_holds_both_ways() -> None:
    (fixed,) = parse(f"{KRONA}since = 2026-01-01\nuntil = 2026-12-31\n", "x").rates.fixed
    assert (fixed.rate, fixed.since, fixed.until) == (Decimal("0.095"), date(2026, 1, 1), date(2026, 12, 31))
    assert fixed.factor("SEK", "USD") == Decimal("0.095")
    assert fixed.factor("USD", "SEK") == EXACT.divide(Decimal(1), Decimal("0.095"))
    assert fixed.factor("SEK", "EUR") is None
    assert [fixed.holds(date(*day)) for day in ((2025, 12, 31), (2026, 1, 1), (2026, 12, 31), (2027, 1, 1))] == [
        False,
        True,
        True,
        False,
    ]


def test_without_dates_it_holds_for_ever() -> None:
    (fixed,) = parse(KRONA, "x").rates.fixed
    assert fixed.holds(date.min)
    assert fixed.holds(date.max)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (KRONA.replace("0.095", "0"), "from SEK to USD: the rate is a number above zero, not 0"),
        (KRONA.replace("0.095", "-1"), "above zero"),
        (KRONA.replace("0.095", "nan"), "above zero"),
        (KRONA.replace("0.095", '"a tenth"'), "rates.fixed"),
        (KRONA.replace("SEK", "KRONOR"), "'KRONOR' is no ISO 4217 code"),
        (KRONA.replace("SEK", "sek"), "'sek' is no ISO 4217 code"),
        (KRONA.replace("SEK", "USD"), "needs no rate to itself"),
        (KRONA + "since = 2026-02-01\nuntil = 2026-01-31", "until 2026-01-31 is before since 2026-02-01"),
        (KRONA + 'since = "soon"', "since: expected a date such as 2026-01-31"),
        (KRONA + "since = 2026-01-01T00:00:00Z", "got a date with a time"),
        (KRONA + "sinse = 2026-01-01", "there is no setting 'sinse'"),
        ('[[rates.fixed]]\nfrom = "SEK"\nrate = 1', "to is missing"),
        (KRONA + KRONA, "two rates for SEK and USD on the same day"),
        ("[rates]\nfetch = 'sometimes'", "rates.fetch"),
    ],
)
def test_one_that_cannot_be_meant_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse(text, "settings.toml")
    assert said in str(refused.value)


def test_two_for_one_pair_follow_each_other_and_never_meet_whichever_way_they_are_written() -> None:
    back = '[[rates.fixed]]\nfrom = "USD"\nto = "SEK"\nrate = 10.5\n'
    parse(f"{KRONA}until = 2025-12-31\n{back}since = 2026-01-01", "x")
    with pytest.raises(SettingsError, match="two rates for SEK and USD"):
        parse(f"{KRONA}until = 2026-01-01\n{back}since = 2026-01-01", "x")


def test_fetching_is_switched_off_from_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    assert not set_value(path, "rates.fetch", "false").rates.fetch
    assert "fetch = false" in path.read_text()
