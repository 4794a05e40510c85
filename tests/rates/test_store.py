from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.rates.tables import day
from trayd.errors import TraydError
from trayd.exchange_rates.store import BUNDLED, RateStore, bundled_table, open_rates, store_of
from trayd.exchange_rates.tables import Sheet
from trayd.rates import RateSource
from trayd.resources import asset
from trayd.settings import Paths, Settings

ROWS = {"2025-12-31": {"USD": "1.10", "SEK": "11.00"}, "01-02": {"USD": "1.11", "SEK": "11.10"}}


def told(rows: dict[str, dict[str, str]]) -> Sheet:
    return Sheet.of((day(when), row) for when, row in rows.items())


@pytest.fixture
def store(tmp_path: Path) -> RateStore:
    store = RateStore(tmp_path / "rates")
    store.take(told(ROWS), "some.xml", etag='"1"', modified=None)
    return store


def test_rates_are_kept_a_file_a_year_that_anybody_can_read(store: RateStore) -> None:
    assert sorted(path.name for path in store.folder.iterdir()) == ["2025.csv", "2026.csv", "fetched.json"]
    lines = (store.folder / "2026.csv").read_text().splitlines()
    assert "European Central Bank" in lines[0]
    assert lines[2:] == ["Date,SEK,USD", "2026-01-02,11.10,1.11"]


def test_what_a_killed_run_had_begun_to_write_is_taken_away(store: RateStore) -> None:
    for left in (".2025.csv.doj2gtw3", ".fetched.json.x1y2z3"):
        (store.folder / left).write_text("half a")
    store.take(told(ROWS), "some.xml", etag='"2"', modified=None)
    assert sorted(path.name for path in store.folder.iterdir()) == ["2025.csv", "2026.csv", "fetched.json"]


def test_they_are_found_again_by_the_next_one_who_looks(store: RateStore) -> None:
    quotes = RateStore(store.folder).table().at(("USD", "SEK"), day("01-01"))
    assert quotes is not None
    assert (quotes.published, quotes.per_euro) == (date(2025, 12, 31), (Decimal("1.10"), Decimal("11.00")))
    assert RateStore(store.folder).table().span() == (date(2025, 12, 31), date(2026, 1, 2))
    noted = store.notes()["some.xml"]
    assert (noted.etag, noted.first, noted.last) == ('"1"', date(2025, 12, 31), date(2026, 1, 2))


def test_a_file_that_is_not_what_was_written_is_moved_aside_by_name_whatever_byte_is_wrong(
    store: RateStore, caplog: pytest.LogCaptureFixture
) -> None:
    path = store.folder / "2026.csv"
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        for broken in (whole[:place], whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]):
            if broken.split(b"\n")[1:] == whole.split(b"\n")[1:] and broken.startswith(b"#"):
                continue  # the words of the first line
            path.write_bytes(broken)
            assert store.sheet(2026) is None
            assert not path.exists()
    assert "is damaged" in caplog.text
    assert any(each.name.startswith("2026.csv.damaged-") for each in store.folder.iterdir())
    quotes = store.table().at(("USD",), day("01-05"))
    assert quotes is not None
    assert quotes.published == date(2025, 12, 31)


def test_a_file_of_another_year_is_not_taken_for_this_one(store: RateStore) -> None:
    (store.folder / "2025.csv").rename(store.folder / "2024.csv")
    assert store.sheet(2024) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_missing_and_stays_where_it_is(
    store: RateStore, caplog: pytest.LogCaptureFixture
) -> None:
    path = store.folder / "2026.csv"
    path.chmod(0)
    assert store.sheet(2026) is None
    assert path.exists()
    assert "cannot be read" in caplog.text


def test_a_folder_in_the_place_of_a_file_is_missing_and_stays(
    store: RateStore, caplog: pytest.LogCaptureFixture
) -> None:
    (store.folder / "2026.csv").unlink()
    (store.folder / "2026.csv").mkdir()
    assert store.sheet(2026) is None
    assert "cannot be read" in caplog.text


def test_where_rates_cannot_be_written_the_old_ones_stay_and_it_is_said(store: RateStore) -> None:
    before = (store.folder / "2026.csv").read_bytes()
    (store.folder / "2027.csv").mkdir()
    (store.folder / "2027.csv" / "in the way").touch()
    with pytest.raises(TraydError, match=r"2027\.csv cannot be written"):
        store.take(told({"2027-01-04": {"USD": "1.2"}}), "other.xml", etag=None, modified=None)
    assert (store.folder / "2026.csv").read_bytes() == before
    assert "other.xml" not in store.notes()


def test_notes_that_cannot_be_read_are_none(store: RateStore) -> None:
    (store.folder / "fetched.json").write_text("{")
    assert store.notes() == {}


def test_rates_of_a_stand_in_are_kept_apart_from_real_ones(tmp_path: Path) -> None:
    paths = Paths.under(tmp_path)
    real = store_of(paths, "https://www.ecb.europa.eu/stats/eurofxref").folder
    assert real == tmp_path / "cache" / "rates"
    assert store_of(paths, None).folder == real
    assert store_of(paths, "http://127.0.0.1:8000/rates").folder == real / "loopback"


class TestTheTableThatComesWithTrayd:
    def test_it_says_whose_rates_these_are_and_how_it_was_made(self) -> None:
        text = asset(BUNDLED).read_text(encoding="utf-8")
        remarks = " ".join(line for line in text.splitlines() if line.startswith("#"))
        for word in ("European Central Bank", "source named", "information only", "bundle_rates.py"):
            assert word in remarks
        assert len(text) <= 150_000

    def test_it_has_every_working_day_of_the_main_currencies(self) -> None:
        quotes = bundled_table().at(("USD", "SEK"), date(2025, 4, 2))
        assert quotes is not None
        assert (quotes.published, quotes.per_euro) == (date(2025, 4, 2), (Decimal("1.0803"), Decimal("10.764")))

    def test_it_has_the_ends_of_weeks_of_the_others_and_of_months_before(self) -> None:
        table = bundled_table()
        rand, old = table.at(("ZAR",), date(2025, 4, 2)), table.at(("SEK", "USD"), date(2017, 3, 20))
        assert rand is not None
        assert rand.published == date(2025, 3, 31)
        assert old is not None
        assert old.published == date(2017, 2, 28)
        assert old.followed

    def test_it_has_the_last_rate_of_each_currency_that_ended(self) -> None:
        quotes = bundled_table().at(("RUB",), date(2022, 3, 2))
        assert quotes is not None
        assert quotes.published == date(2022, 3, 1)
        assert bundled_table().at(("RUB",), date(2023, 3, 2)) is None

    def test_without_any_network_ever_amounts_are_converted_by_it(self, tmp_path: Path) -> None:
        rates = open_rates(Paths.under(tmp_path), Settings(), None, lambda: datetime(2026, 11, 21, tzinfo=UTC))
        rate = rates.converter("USD").rate("SEK", date(2026, 11, 20))
        assert rate is not None
        assert (rate.source, rate.last_known) == (RateSource.BUNDLED, True)

    def test_where_it_is_missing_there_are_no_rates_and_nothing_else_breaks(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("trayd.exchange_rates.store.BUNDLED", "not-there.csv")
        rates = open_rates(Paths.under(tmp_path), Settings(), None, lambda: datetime(2026, 11, 21, tzinfo=UTC))
        assert rates.converter("USD").rate("SEK", date(2026, 11, 20)) is None
        assert caplog.records[0].levelno == logging.ERROR
        assert "install trayd anew" in caplog.text


class TestWhenTheDiskRefuses:
    """Every write, sync and rename in turn: each file is the old one or the new one; the next look mends the rest."""

    @pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
    def test_nothing_that_was_known_is_lost(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
        new = told({"2025-12-31": {"USD": "1.10"}, "01-05": {"USD": "1.12"}, "2027-01-04": {"USD": "1.2"}})
        failures = 0
        for nth in range(1, 30):
            store = RateStore(tmp_path / str(nth))
            store.take(told(ROWS), "some.xml", etag="1", modified=None)
            left = nth

            def strike(real: Callable[..., Any]) -> Callable[..., Any]:
                def call(*arguments: Any, **options: Any) -> Any:
                    nonlocal left
                    left -= 1
                    if left == 0:
                        raise OSError(error, os.strerror(error))
                    return real(*arguments, **options)

                return call

            with monkeypatch.context() as patch:
                patch.setattr("os.fsync", strike(os.fsync))
                patch.setattr("os.fdopen", strike(os.fdopen))
                patch.setattr("pathlib.Path.replace", strike(Path.replace))
                patch.setattr("os.open", strike(os.open))
                if left_whole(store, new):
                    break
            failures += 1
            known = {when: row for year in store.years() for when, row in store.sheet(year).rows()}  # type: ignore[union-attr]
            assert all(known[day(when)].items() >= row.items() for when, row in ROWS.items())
            assert left_whole(store, new), "with room again all of it is taken"
            assert store.table().span() == (date(2025, 12, 31), date(2027, 1, 4))
        assert failures >= 12, "three files, each made, written, synced and renamed"


def left_whole(store: RateStore, sheet: Sheet) -> bool:
    try:
        store.take(sheet, "other.xml", etag="2", modified=None)
    except TraydError:
        assert store.notes()["some.xml"].etag == "1"
        assert "other.xml" not in store.notes()
        return False
    return store.notes()["other.xml"].etag == "2"


def test_a_process_that_is_killed_while_it_keeps_rates_leaves_nothing_broken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = (
        "import sys, itertools\n"
        "from datetime import date\n"
        "from pathlib import Path\n"
        "from trayd.exchange_rates.store import RateStore\n"
        "from trayd.exchange_rates.tables import Sheet\n"
        "store = RateStore(Path(sys.argv[1]))\n"
        "print('ready', flush=True)\n"
        "for n in itertools.count(1):\n"
        "    rows = [(date(year, 1, 1 + n % 28), {'USD': '1.1', 'SEK': '11.1'}) for year in range(2020, 2027)]\n"
        "    store.take(Sheet.of(rows), 'x', etag=str(n), modified=None)\n"
    )
    folder = tmp_path / "rates"
    for n in range(4):
        child = subprocess.Popen([sys.executable, "-c", program, folder], stdout=subprocess.PIPE)
        assert child.stdout is not None
        with child.stdout:
            child.stdout.readline()
            time.sleep(0.003 + 0.011 * n)
            child.kill()
            child.wait()
        store = RateStore(folder)
        for year in store.years():
            assert store.sheet(year) is not None
    assert "damaged" not in caplog.text
    RateStore(folder).take(told({"2027-01-04": {"USD": "1.2"}}), "x", etag=None, modified=None)
    assert RateStore(folder).table().span() is not None
