from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from trayd.errors import SettingsError
from trayd.settings import Paths, Settings, fal_url, load, parse
from trayd.settings_file import TEMPLATE, add_account, make_template, remove_account, set_value


def test_without_a_file_everything_is_at_its_default(tmp_path: Path) -> None:
    assert load(tmp_path / "settings.toml") == Settings()


def test_the_template_says_the_defaults() -> None:
    uncommented = "\n".join(
        line.removeprefix("#") if re.match(r"#\w+ = ", line) else line for line in TEMPLATE.splitlines()
    )
    assert parse(uncommented, "template") == Settings()
    assert parse(TEMPLATE, "template") == Settings()


def test_the_examples_in_the_template_can_be_taken_as_they_are() -> None:
    examples = [line.removeprefix("#").strip() for line in TEMPLATE.splitlines() if line.startswith("#   ")]
    settings = parse("\n".join(examples), "template")
    assert [pool.name for pool in settings.pool] == ["Midjourney Standard"]


def test_amounts_written_as_numbers_stay_exact() -> None:
    settings = parse("[alerts]\nbalance_below = [20.10, 5]\nexpensive_generation = 0.3", "x")
    assert settings.alerts.balance_below == (Decimal("20.10"), Decimal(5))
    assert settings.alerts.expensive_generation == Decimal("0.3")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("home_curency = 'USD'", "home_curency"),
        ("[alerts]\nbalance = [1]", "alerts"),
        ("home_currency = 'usd'", "home_currency"),
        ("[poll]\ninterval_s = 0", "interval_s"),
        ("[poll]\noverlap_hours = 1", "overlap_hours"),
        ("[alerts]\nbalance_below = [0]", "balance_below"),
        ("[alerts]\nexpensive_generation = -1", "expensive_generation"),
        ("time_zone = 'Europe/Atlantis'", "Atlantis"),
        ("[folders]\ndrop = 'relative/path'", "folders.drop"),
        ("[[account]]\nname = 'a'\n[[account]]\nname = 'a'", "account"),
        ("[[account]]\nname = ' a'", "account"),
        ("nonsense", "TOML"),
    ],
)
def test_a_wrong_entry_is_refused_by_name_and_never_a_silent_default(text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named) as refusal:
        parse(text, "settings.toml")
    assert "settings.toml" in refusal.value.message
    assert refusal.value.cure


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(path)


def test_a_set_value_keeps_the_users_comments(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "settings.toml"
    assert set_value(path, "alerts.balance_below", "[30, 10.5]").alerts.balance_below == (Decimal(30), Decimal("10.5"))
    assert set_value(path, "time_zone", "Europe/Paris").time_zone == "Europe/Paris"
    text = path.read_text()
    assert text.startswith(TEMPLATE.splitlines()[0])
    assert load(path).alerts.balance_below == (Decimal(30), Decimal("10.5"))
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("key", "value"), [("alerts.nope", "1"), ("home_currency", "usd"), ("home_currency.x", "1")])
def test_an_invalid_value_changes_nothing(tmp_path: Path, key: str, value: str) -> None:
    path = tmp_path / "settings.toml"
    set_value(path, "store_prompts", "true")
    before = path.read_bytes()
    with pytest.raises(SettingsError):
        set_value(path, key, value)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["settings.toml"]


def test_accounts_come_and_go(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    add_account(path, "main")
    add_account(path, "studio")
    with pytest.raises(SettingsError, match="one name"):
        add_account(path, "main")
    assert [account.name for account in remove_account(path, "main").account] == ["studio"]
    assert remove_account(path, "studio").account == ()
    with pytest.raises(SettingsError, match="no account 'studio'"):
        remove_account(path, "studio")


def test_the_template_never_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("store_prompts = true\n")
    make_template(path)
    assert load(path).store_prompts


def test_trayd_home_puts_everything_under_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAYD_HOME", str(tmp_path))
    paths = Paths.usual()
    assert paths == Paths.under(tmp_path)
    assert paths.ledger == tmp_path / "ledger"


@pytest.mark.parametrize("url", ["http://api.fal.ai/v1", "ftp://x", "nonsense", "http://127.0.0.1.evil.test/v1"])
def test_a_key_never_travels_unencrypted(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAYD_FAL_URL", url)
    with pytest.raises(SettingsError, match="unencrypted"):
        fal_url()


@pytest.mark.parametrize("url", ["https://proxy.example/v1/", "http://127.0.0.1:8000/v1", "http://[::1]:8000/v1"])
def test_another_base_url_is_https_or_on_loopback(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAYD_FAL_URL", url)
    assert fal_url() == url.rstrip("/")
