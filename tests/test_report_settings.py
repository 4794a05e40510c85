"""``[report]`` in the settings: what is refused, by its own name."""

from __future__ import annotations

from pathlib import Path

import pytest

from trayd.errors import SettingsError
from trayd.report_settings import SCHEDULED_FORMATS, Schedule
from trayd.reports.formats import FORMATS
from trayd.settings import parse
from trayd.settings_file import set_value

SCHEDULE = '[[report.schedule]]\nevery = "month"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[report.schedule]]\nevery = "day"', "report.schedule: every is week or month, not 'day'"),
        ("[[report.schedule]]", "[[report.schedule]] number 1: every is missing"),
        (SCHEDULE + SCHEDULE, "two [[report.schedule]] entries have the name 'monthly'; give each its own"),
        (SCHEDULE + 'name = "a/b"', "report.schedule: the name 'a/b' cannot have a / or a :"),
        (SCHEDULE + 'name = "a\\nb"', "report.schedule: the name 'a\\nb' cannot have a / or a : or a line break in it"),
        (SCHEDULE + 'clients = ["A", "A"]', "report.schedule: clients names one twice: 'A'"),
        (SCHEDULE + 'folder = "reports"', "report.schedule: folder is an absolute path, not 'reports'"),
        (SCHEDULE + 'folder = "~no-such-user/reports"', "'~no-such-user/reports' begins with the folder of a user"),
        ('[report]\nlogo = "~no-such-user/logo.svg"', "'~no-such-user/logo.svg' begins with the folder of a user"),
        ('[folders]\ndrop = "~no-such-user/drop"', "'~no-such-user/drop' begins with the folder of a user"),
        (SCHEDULE + 'formats = ["pdf"]', "report.schedule: formats are of html, csv, focus, json, ledger, not 'pdf'"),
        (SCHEDULE + "formats = []", "report.schedule: formats are of html, csv, focus, json, ledger"),
        (SCHEDULE + 'formats = ["csv", "csv"]', "report.schedule: formats names one twice: csv, csv"),
        (SCHEDULE + 'currency = "EURO"', "report.schedule: currency 'EURO' is no ISO 4217 code such as USD or EUR"),
        (SCHEDULE + 'clients = [" Acme"]', "report.schedule.clients: ' Acme' cannot be a name"),
        (SCHEDULE + "after_days = 15", "[[report.schedule]] number 1: after_days is a whole number up to 14"),
        (
            '[[report.client]]\nname = "A"\nmarkup_percent = -5',
            "report.client 'A': markup_percent is from 0 to 1000, not -5",
        ),
        (
            '[[report.client]]\nname = "A"\nhide_costs = true',
            "report.client 'A': hide_costs hides nothing from who is charged just what it cost; add markup_percent",
        ),
        ('[[report.client]]\nname = "A"\nrate = -1.5', "report.client 'A': rate is an amount of zero or more"),
        (
            '[[report.client]]\nname = "A"\nrates = { "fal-ai/veo3" = nan }',
            "report.client 'A': rates.'fal-ai/veo3' is an",
        ),
        (
            '[[report.client]]\nname = "A"\n[[report.client]]\nname = "A"',
            "two [[report.client]] entries have the name 'A'",
        ),
        ('[report]\nname = "a\\nb"', "report.name has at most one line of 200 characters"),
        ('[report]\naddress = "' + "a\\n" * 13 + '"', "report.address has at most 12 lines of 200 characters"),
    ],
)
def test_what_is_wrong_is_told_by_its_name(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse(text, "settings.toml")
    assert said in error.value.message


def test_all_formats_that_there_are_can_be_scheduled() -> None:
    assert set(SCHEDULED_FORMATS) >= {"html", *FORMATS}


def test_a_schedule_without_a_name_is_called_by_how_often_it_is() -> None:
    assert [Schedule(every=every).called for every in ("week", "month")] == ["weekly", "monthly"]
    assert Schedule(every="week", name="for Acme").called == "for Acme"


def test_a_folder_can_begin_with_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert Schedule(every="week", folder="~/To send").own_folder == tmp_path / "To send"
    assert Schedule(every="week").own_folder is None


def test_who_reports_are_from_is_set_in_a_new_file_beside_its_examples(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    set_value(path, "report.name", "Northlight Studio")
    settings = set_value(path, "report.client", '[{ name = "Northwind", markup_percent = 20 }]')
    assert settings.report.name == "Northlight Studio"
    assert settings.report.client[0].markup_percent == 20
    lines = path.read_text().splitlines()
    assert lines[lines.index("[report]") + 1].startswith('name = "Northlight Studio"')
