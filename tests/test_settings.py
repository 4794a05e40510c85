from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
from msgspec import inspect

from trayd.errors import SettingsError
from trayd.settings import Paths, Settings, fal_url, load, parse
from trayd.settings_file import TEMPLATE, add_account, make_template, remove_account, set_value

POOL = "[[pool]]\nname = 'Midjourney'\namount = 30.00\n"


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
    assert [(budget.name, budget.amount) for budget in settings.budget] == [("Northwind", Decimal(500))]
    assert [(hook.name, hook.command[:1], hook.url) for hook in settings.hook] == [
        ("log", ("/usr/bin/logger",), ""),
        ("chat", (), "https://hooks.example.com/trayd"),
    ]
    assert settings.alerts.quiet_hours is not None
    assert settings.alerts.quiet_hours.begins == time(22)


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
        ("[alerts]\nexpensive_together = nan", "expensive_together"),
        ("[alerts]\noff = ['balances']", "balances"),
        ("[alerts.anomaly]\nat_least = -1", "alerts.anomaly.at_least"),
        ("[alerts.quiet_hours]\nfrom = 'ten'\nto = '07:00'", "quiet_hours: from"),
        ("[alerts.quiet_hours]\nfrom = '22:00'\nto = '07:00'\ndays = ['monday']", "monday"),
        ("[[budget]]\nname = 'a'\namount = 0", "budget 'a'"),
        ("[[budget]]\nname = 'a'\namount = 1\nperiod = 'year'", "year"),
        ("[[budget]]\nname = 'a'\namount = 1\nclient = ''", "client is empty"),
        ("[[budget]]\nname = 'a'\namount = 1\nat = [0]", "at takes"),
        ("[[budget]]\nname = 'a'\namount = 1\n[[budget]]\nname = 'a'\namount = 2", "entries have the name .a."),
        ("[[hook]]\nname = 'a'", "either a command"),
        ("[[hook]]\nname = 'a'\ncommand = ['notify']", "absolute path"),
        ("[[hook]]\nname = 'a'\nurl = 'http://example.com'", "https"),
        ("[[hook]]\nname = 'a'\nurl = 'https://example.com'\nrules = ['x']", "there is no rule 'x'"),
        ("time_zone = 'Europe/Atlantis'", "Atlantis"),
        ("[folders]\ndrop = 'relative/path'", "folders.drop"),
        ("[[account]]\nname = 'a'\n[[account]]\nname = 'a'", "account"),
        ("[[account]]\nname = ' a'", "account"),
        (POOL + "from = 2026-01-01\nsplit = 'fair'", "no split 'fair'; write spend, equal or weights"),
        (POOL + "from = 2026-01-01\nsplit = {}", "names no project"),
        (POOL + "from = 2026-01-01\nsplit = { Spring = 0 }", "weight of 'Spring' is a number above zero"),
        (POOL + "from = 2026-01-01\nsplit = { Spring = -1 }", "weight of 'Spring'"),
        (POOL + "from = 2026-01-01\nsplit = { '' = 1 }", "without the name of a project"),
        (POOL + "from = 2026-01-01\nsplit = 3", "pool.*split: expected a word in quotes or a table"),
        (POOL + "from = 2026-01-01\nperiod = 'day'", "no period 'day'; take one of week, month"),
        (POOL + "from = 2026-01-01\nto = 2025-12-31", "to 2025-12-31 is before from 2026-01-01"),
        (POOL + "from = 2026-01-01\ncurrency = 'EURO'", "currency 'EURO' is no ISO 4217 code"),
        (POOL + "from = 1926-01-01", "outside the years"),
        (POOL + "from = 2026-01-01\nperiod = 'once'\nto = 9999-12-31", "beyond the year 2999; leave it out"),
        (POOL + "from = '1.1.2026'", "from: expected a date such as 2026-01-31"),
        (POOL + "from = 2026-01-01T00:00:00Z", "from: expected a date such as 2026-01-31"),
        (POOL, "from is missing"),
        (POOL + "from = 2026-01-01\nclient = 'x'", r"\[\[pool\]\] 'Midjourney': there is no setting 'client'"),
        (POOL.replace("30.00", "0") + "from = 2026-01-01", "amount is above zero"),
        (POOL.replace("30.00", "nan") + "from = 2026-01-01", "amount is above zero"),
        (POOL.replace("30.00", "'thirty'") + "from = 2026-01-01", "amount"),
        (POOL.replace("Midjourney", " ") + "from = 2026-01-01", "cannot be a name"),
        (
            POOL + "from = 2026-01-01\n" + POOL + "from = 2026-06-01",
            "from 2026-06-01 begins while the one from 2026-01-01",
        ),
        ("[alerts.quiet_hours]\nfrom = 22:00:00\nto = '07:00'", "from: expected text in quotes, got a time"),
        ("[[hook]]\nname = 'a'\nurl = 'https://example.com'\ntimeout_s = 999", "'a': timeout_s is a number up to 300"),
        ("[alerts]\nmost_per_hour = 0", "alerts.most_per_hour is a whole number from 1 on"),
        ("[[budget]]\nname = 'a'\namount = '5 dollars'", "'a': amount: expected a number such as 5.00"),
        ("[[budget]]\nname = 'a'\namount = 1\nat = ['50%']", "'a': at: expected a number"),
        ("[[budget]]\nname = 'a'\namount = 1\nat = [5000]", "at takes percentages above 0, up to 1000"),
        ("[[budget]]\nname = 'a'", r"\[\[budget\]\] 'a': amount is missing"),
        ("[[budget]]\namount = 1", r"\[\[budget\]\] number 1: name is missing"),
        ("nonsense", "TOML"),
    ],
)
def test_a_wrong_entry_is_refused_by_name_and_never_a_silent_default(text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named) as refusal:
        parse(text, "settings.toml")
    assert "settings.toml" in refusal.value.message
    assert refusal.value.cure


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[poll]\n[alerts]\n[poll]\n", "line 3, '[poll]': [poll] is there a second time"),
        ("[alerts.anomaly]\n[alerts.anomaly]", "line 2, '[alerts.anomaly]': [alerts.anomaly] is there a second time"),
        ("home_currency = 'SEK'\nlocale = 'sv_SE'\nlocale = 'de'\n", "line 3, 'locale': this is set a second time"),
        ("[poll]\ninterval_s = 2 minutes", "line 2, 'interval_s': this is not TOML"),
        ("[alerts\n", "line 1, '[alerts': this is not TOML: expected ']'"),
        ("", ""),
    ],
)
def test_where_a_file_stops_being_toml_is_told_without_what_is_set_there(text: str, told: str) -> None:
    text += "\n[[hook]]\nname = 'a'\nurl = https://hooks.example.com/hidden" if not told else ""
    with pytest.raises(SettingsError) as refusal:
        parse(text, "settings.toml")
    assert told in refusal.value.message
    assert "hidden" not in str(refusal.value)
    assert refusal.value.cure


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("[budget]\nname = 'a'", "[[budget]] with two brackets"),
        ("[rates.fixed]\nfrom = 'USD'", "[[rates.fixed]] with two brackets"),
        ("[[budget]]\nname = 'a'\nmount = 1", "did you mean 'amount'?"),
        ("[alerts]\nballance_below = [5]", "did you mean 'balance_below'?"),
        ("[poll]\nzzz = 1", "there are interval_s, backfill_days, overlap_hours"),
        ("zzz = 1", "there are "),
    ],
)
def test_the_cure_of_a_misspelt_entry_is_how_it_is_spelt(text: str, cure: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        parse(text, "settings.toml")
    assert cure in refusal.value.cure
    assert "`trayd config edit`" in refusal.value.cure


@pytest.mark.parametrize(
    ("text", "such"),
    [
        ("[[hook]]\nname = 'a'\ncommand = '/usr/bin/logger -t trayd'", '["/usr/bin/logger", "--tag", "trayd"]'),
        ("[[hook]]\nname = 'a'\nurl = 'https://example.com'\nrules = 'budget'", '["balance", "budget"]'),
        ("[[budget]]\nname = 'a'\namount = 1\nat = 50", "[50, 80, 100]"),
        ("[alerts]\nbalance_below = 5", "[20.00, 5.00]"),
        ("[alerts]\noff = 'anomaly'", '["anomaly"]'),
        ("[[source]]\nname = 'My Bank'\nheader = 'Booked'", '["Booked", "Text", "Sum"]'),
        ("[alerts.quiet_hours]\nfrom = '22:00'\nto = '07:00'\ndays = 'mon'", '["mon", "tue"'),
    ],
)
def test_what_is_no_list_is_refused_with_one_to_copy(text: str, such: str) -> None:
    with pytest.raises(SettingsError, match="expected a list, got") as refusal:
        parse(text, "settings.toml")
    assert such in refusal.value.message


def _settings_within(struct: inspect.StructType) -> Iterator[tuple[str | int, ...]]:
    """The way to each setting; zero is the first table of a list of tables."""
    for field in struct.fields:
        yield (field.encode_name,)
        of = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
        for each in of:
            if isinstance(each, inspect.StructType):
                yield from ((field.encode_name, *way) for way in _settings_within(each))
            elif isinstance(each, inspect.VarTupleType) and isinstance(each.item_type, inspect.StructType):
                yield from ((field.encode_name, 0, *way) for way in _settings_within(each.item_type))


_WAYS = list(_settings_within(cast("inspect.StructType", inspect.type_info(Settings))))


@pytest.mark.parametrize(
    "value", ["3", "-3.5", '"x"', '""', "true", "[3]", "[{ a = 1 }]", "{ a = 1 }", "2026-01-01", "inf"]
)
def test_whatever_is_written_for_whatever_setting_is_told_or_taken(value: str) -> None:
    assert ("source", 0, "header") in _WAYS
    for way in _WAYS:
        text = value
        for name in reversed(way[1:]):
            text = f"[{text}]" if name == 0 else f"{{ {name} = {text} }}"
        with suppress(SettingsError):
            parse(f"{way[0]} = {text}", "settings.toml")


def test_a_pool_is_said_with_dates_as_toml_has_them_or_as_text_and_a_new_price_is_a_new_entry() -> None:
    old, new = "from = '2026-01-15'\nto = 2026-06-14\n", "from = 2026-06-15\nsplit = { Spring = 2, Film = 0.5 }\n"
    settings = parse(POOL + new + POOL.replace("30.00", "24") + old, "x")
    later, earlier = settings.pool
    assert (earlier.amount, earlier.since, earlier.to) == (Decimal(24), date(2026, 1, 15), date(2026, 6, 14))
    assert (later.period, later.split) == ("month", {"Spring": Decimal(2), "Film": Decimal("0.5")})
    once = POOL + "from = 2026-01-01\nperiod = 'once'\nto = 2026-12-31\n" + POOL + "from = 2026-02-01\n"
    assert len(parse(once, "x").pool) == 2, "what is charged once is over with its day"


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


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("home_currency", "SEK", 'home_currency = "SEK"'),
        ("time_zone", "UTC", 'time_zone = "UTC"             # such as "Europe/Stockholm"; empty follows the system'),
        ("alerts.off", '["stale"]', 'off = ["stale"]                        # rules that never warn, such as'),
        ("alerts.anomaly.at_least", "5.00", "anomaly = { at_least_percent = 50, at_least = 5.00}   # more than usual"),
        ("poll.interval_s", "60", "interval_s = 60           # seconds"),
    ],
)
def test_a_set_value_takes_the_line_of_its_default(tmp_path: Path, key: str, value: str, line: str) -> None:
    path = tmp_path / "settings.toml"
    set_value(path, key, value)
    text = path.read_text()
    assert f"\n{line}" in text
    assert len(text.splitlines()) == len(TEMPLATE.splitlines())
    assert f"#{line.partition(' ')[0]} = " not in text
    set_value(path, key, value)
    assert path.read_text() == text


def test_the_examples_can_be_taken_into_use_after_values_were_set(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    for key, value in (("home_currency", "SEK"), ("alerts.off", '["stale"]'), ("rates.fetch", "false")):
        set_value(path, key, value)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line.removeprefix("#   ") for line in lines))
    settings = load(path)
    assert (settings.home_currency, settings.alerts.off, settings.rates.fetch) == ("SEK", ("stale",), False)
    assert len(settings.hook) == 2
    assert settings.alerts.quiet_hours is not None


def test_a_value_is_set_in_a_file_that_shows_no_defaults(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(
        '[[account]]\nname = "studio"\n#off = []\n[alerts]\n#off = all of it\n#desktop = true\ndesktop = true\n'
        "[alerts.anomaly]\nat_least = 1\n"
    )
    for key, value in (("alerts.off", '["stale"]'), ("alerts.desktop", "false"), ("alerts.anomaly.at_least", "2")):
        set_value(path, key, value)
    settings = load(path)
    assert (settings.alerts.off, settings.alerts.desktop, settings.alerts.anomaly.at_least) == (("stale",), False, 2)
    assert set_value(path, "locale", "sv_SE").locale == "sv_SE"
    assert "#off = []" in path.read_text()


def test_what_belongs_together_is_set_together(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    with pytest.raises(SettingsError, match="to is missing") as refusal:
        set_value(path, "alerts.quiet_hours.from", "22:00")
    whole = "trayd config set alerts.quiet_hours '{ from = \"22:00\", … }'"
    assert refusal.value.cure == f"set all of it at once: `{whole}`"
    assert not path.exists()


def test_what_is_no_value_of_toml_is_a_word(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    set_value(path, "alerts.quiet_hours", '{ from = "22:00", to = "07:00" }')
    quiet = set_value(path, "alerts.quiet_hours.from", "23:30").alerts.quiet_hours
    assert quiet is not None
    assert (quiet.since, quiet.until) == ("23:30", "07:00")


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
