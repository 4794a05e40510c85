"""The table that comes with trayd, made anew from a history as its tool makes it before a release."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx

from trayd.exchange_rates.tables import Sheet
from trayd.fal.sandbox.server import Sandbox
from trayd.target_days import is_target_day

TOOL = Path(__file__).parents[2] / "installers" / "bundle_rates.py"


def test_it_is_made_from_the_banks_history(bank: Sandbox, tmp_path: Path) -> None:
    history, table = tmp_path / "history.zip", tmp_path / "rates.csv"
    history.write_bytes(httpx.get(f"{bank.rates_url}/eurofxref-hist.zip", trust_env=False, timeout=30).content)
    bank.rates.change(bank.rates.newest, "TRY", "")
    subprocess.run([sys.executable, TOOL, history, table], check=True, timeout=60)
    text = table.read_text(encoding="utf-8")
    assert len(text) <= 150_000
    assert f"up to {bank.rates.newest}" in text
    sheet = Sheet.parse(text)
    last = bank.rates.newest
    days = [last - timedelta(days=ago) for ago in range(1000)]
    assert set(sheet.days) >= {day for day in days if is_target_day(day)}
    column = dict(zip(sheet.days, sheet.column("USD"), strict=True))
    assert str(column[last]) == dict(bank.rates.row(last))["USD"]
    assert sheet.column("ZAR")[-1] is not None
