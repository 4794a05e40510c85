"""What a person asks about unusual days: which there were in a window, and how unusual they were."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo

import msgspec

from trayd.alert_settings import AnomalyLimits
from trayd.forecasting.forecasts import Forecasting
from trayd.insight.anomalies import Anomaly, is_material
from trayd.insight.windows import parse_window

_DAY = timedelta(days=1)
_DAYS = 90


class AnomaliesQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A window; without one, the last 90 days."""

    window: str = ""


class ListedDay(Anomaly, frozen=True, kw_only=True):
    """An unusual day.

    Attributes:
        warned: whether so much was at stake that trayd warns of it by the settings; a warning comes on the day, and
            bills and settings can have changed since.
    """

    warned: bool


class ListedDays(msgspec.Struct, frozen=True, kw_only=True):
    """The unusual days of a window.

    Attributes:
        first: the first civil day looked at, and ``last`` the last one.
        known: how many of them are over and known.
        judged: of how many of them it is known what is usual; others are not told to be unusual.
        limits: from when on an unusual day is warned of.
        days: the newest first.
    """

    first: date
    last: date
    known: int
    judged: int
    limits: AnomalyLimits
    days: list[ListedDay]


def listed_days(
    forecasting: Forecasting, query: AnomaliesQuery, limits: AnomalyLimits, *, now: datetime, zone: tzinfo
) -> ListedDays:
    """The unusual days of a window.

    Raises:
        UsageError: there is no such window.
    """
    today = now.astimezone(zone).date()
    first, last = today - (_DAYS - 1) * _DAY, today
    if query.window:
        window = parse_window(query.window, now, zone)
        first, last = window.civil or (window.since.astimezone(zone).date(), today)
        last = min(last, today)
    days = [last - number * _DAY for number in range((last - first).days + 1)]
    return ListedDays(
        first=first,
        last=last,
        known=forecasting.known_days(first, last) if days else 0,
        judged=forecasting.judged_days(first, last) if days else 0,
        limits=limits,
        days=[
            ListedDay(**msgspec.structs.asdict(each), warned=is_material(each, limits))
            for each in forecasting.unusual(days)
        ],
    )
