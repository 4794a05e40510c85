"""Tables of rates for tests: what one euro was on which day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from trayd.exchange_rates.tables import Sheet, SheetTable
from trayd.rate_settings import FixedRate
from trayd.rates import Rates

#: A Saturday noon; the newest rates are those of Friday, the 20th.
SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)


def day(text: str) -> date:
    """``11-20`` of 2026, or a whole date."""
    return date.fromisoformat(text if len(text) > 5 else f"2026-{text}")


def table(rows: Mapping[str, Mapping[str, str]], *, gap_days: int = 10) -> SheetTable:
    """A table of those days, a sheet a year as on disk."""
    sheet = Sheet.of((day(when), row) for when, row in rows.items()) if rows else None
    years = sheet.years() if sheet else []
    sheets = {year: Sheet.of(sheet.rows(year)) for year in years} if sheet else {}
    return SheetTable(lambda: years, sheets.get, longest_gap=timedelta(days=gap_days))


def rates(
    fetched: Mapping[str, Mapping[str, str]],
    bundled: Mapping[str, Mapping[str, str]] | None = None,
    *,
    fixed: tuple[FixedRate, ...] = (),
    now: datetime = SATURDAY,
) -> Rates:
    """All rates that are known at that time."""
    return Rates(table(fetched), table(bundled or {}, gap_days=38), fixed=fixed, clock=lambda: now)
