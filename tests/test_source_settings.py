"""``[[source]]`` in the settings: how exports are read, as a person has said it once."""

from __future__ import annotations

from pathlib import Path

import pytest

from trayd.errors import SettingsError
from trayd.settings import load, parse
from trayd.settings_file import add_account, remember_source
from trayd.source_settings import Source

NAMED = "[[source]]\nname = 'My Bank'\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[source]]\nheader = ['Sum']", r"number 1: name is missing"),
        (NAMED.replace("My Bank", " "), "cannot be a name"),
        (NAMED.replace("My Bank", "x" * 65), "cannot be a name"),
        (NAMED + "date_order = 'day'", "source 'My Bank': there is no date_order 'day'; take dmy or mdy or ymd"),
        (NAMED + "decimal = ','", "no decimal ','; take point or comma"),
        (NAMED + "spending = '-'", "no spending '-'; take positive or negative"),
        (NAMED + "currency = 'EURO'", "currency 'EURO' is no ISO 4217 code"),
        (NAMED + "currency = 3", r"'My Bank': currency: expected text in quotes, got a whole number"),
        (NAMED + "columns = 'Sum'", r"'My Bank': columns: expected a table, got text"),
        (NAMED + "columns = { amount = ' ' }", "columns are written field = name of the column"),
        (NAMED + "header = ['Sum', '']", "header has an empty name"),
        (NAMED + "headers = ['Sum']", r"no setting 'headers'"),
        (NAMED + NAMED, "two entries for the same files"),
        (
            NAMED + "header = ['Sum', 'Day']\n[[source]]\nname = 'x'\nheader = ['day', 'sum']",
            "two entries for the same",
        ),
    ],
)
def test_a_source_that_makes_no_sense_is_named(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse(text, "settings.toml")


def test_one_name_can_be_that_of_several_kinds_of_files() -> None:
    text = f"{NAMED}header = ['Booked', 'Sum']\n{NAMED}header = ['Day', 'Amount']\n"
    assert [source.header for source in parse(text, "x").source] == [("Booked", "Sum"), ("Day", "Amount")]


def test_what_is_remembered_stands_beside_what_the_user_has_written(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('# mine\nhome_currency = "SEK" # kronor\n')
    bank = Source(name='The "Bank"', header=("Day; time", "Sum"), columns={"amount": "Sum"}, date_order="dmy")
    remember_source(path, bank)
    add_account(path, "studio")
    remember_source(path, Source(name="Revolut", spending="negative"))
    assert path.read_text().startswith('# mine\nhome_currency = "SEK" # kronor\n\n[[source]]\n')
    settings = load(path)
    assert settings.source == (bank, Source(name="Revolut", spending="negative"))
    assert [account.name for account in settings.account] == ["studio"]


def test_what_is_said_of_the_same_files_is_added_and_the_later_word_counts(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(
        "[[source]]\nname = 'Bank' # of the studio\nheader = ['Day', 'Sum']\ndate_order = 'dmy'\n"
        "columns = { amount = 'Sum' }\n"
    )
    remember_source(path, Source(name="Bank", header=("sum", "day"), currency="EUR", columns={"date": "Day"}))
    remember_source(path, Source(name="Bank", header=("Day", "Sum"), date_order="mdy"))
    (source,) = load(path).source
    assert (source.date_order, source.currency) == ("mdy", "EUR")
    assert source.columns == {"amount": "Sum", "date": "Day"}
    assert "# of the studio" in path.read_text()


def test_settings_that_are_broken_are_left_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("home_currency = \n")
    with pytest.raises(SettingsError):
        remember_source(path, Source(name="Bank", header=("Day",)))
    assert path.read_text() == "home_currency = \n"
