"""Forecasts against a second count of the days they rest on, and what has to hold of them whatever was spent."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.desk import PLACES, Desk, opened_desk
from tests.ledger.making import DAY, HOUR, account, balance, billing, cost, covers, row
from trayd.facts import Batch
from trayd.insight.pace import FEWEST_DAYS, LOOKED_AT
from trayd.money import Money
from trayd.rate_settings import FixedRate, RatesSettings
from trayd.records import Kind

QUARTER = timedelta(minutes=15)

#: Days ago, and how far from noon there.
times = st.tuples(st.integers(0, 90), st.sampled_from([timedelta(), -12 * HOUR, 11 * HOUR + 59 * QUARTER / 15]))
jobs = st.lists(st.tuples(times, st.integers(1, 10**11)), max_size=12)
#: The billing is read from so many hours ago on, to so many hours ago.
read = st.tuples(st.integers(0, 90 * 24), st.integers(0, 60))
few = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])


@contextmanager
def told(place: tuple[str, date], spent: list, hours: tuple[int, int]) -> Iterator[Desk]:
    """A desk at ten in the evening of that day there, whose account has spent that and was read so far."""
    name, today = place
    zone = ZoneInfo(name)
    with tempfile.TemporaryDirectory() as folder, opened_desk(Path(folder)) as desk:
        desk.now = datetime.combine(today, time(22), zone).astimezone(UTC)
        desk.set(time_zone=name)
        bills = [
            billing(f"r{number}", row(Money(nanos).text(), at=at), fetched=desk.now, account="northwind")
            for number, (at, nanos) in enumerate(placed(spent, today, zone))
        ]
        since, until = (desk.now - each * HOUR for each in sorted(hours, reverse=True))
        facts = Batch(
            billing=tuple(bills),
            accounts=(account("studio", "northwind"),),
            coverage=(covers("northwind", since, until, fetched=desk.now),),
        )
        desk.ledger.add(facts)
        yield desk


def placed(spent: list, today: date, zone: ZoneInfo) -> list[tuple[datetime, int]]:
    noons = ((datetime.combine(today - ago * DAY, time(12), zone).astimezone(UTC) + off, n) for (ago, off), n in spent)
    now = datetime.combine(today, time(22), zone).astimezone(UTC)
    return [(at, nanos) for at, nanos in noons if at <= now]


def begins(day: date, zone: ZoneInfo) -> datetime:
    """The first instant at which a calendar on the wall shows that day: it is looked at every quarter of an hour."""
    at = datetime.combine(day, time(), UTC) - 15 * HOUR
    while at.astimezone(zone).date() != day:
        at += QUARTER
    return at


def known(place: tuple[str, date], spent: list, hours: tuple[int, int]) -> int:
    """How many days are over, were read in whole, and are not before the first spending."""
    name, today = place
    zone = ZoneInfo(name)
    now = datetime.combine(today, time(22), zone).astimezone(UTC)
    since, until = (now - each * HOUR for each in sorted(hours, reverse=True))
    first = min((at.astimezone(zone).date() for at, _ in placed(spent, today, zone)), default=date.min)
    days = (today - ago * DAY for ago in range(1, 125))
    return sum(day >= first and begins(day, zone) >= since and begins(day + DAY, zone) <= until for day in days)


@few
@given(st.sampled_from(PLACES), jobs, read)
def test_a_forecast_rests_on_the_days_that_are_known_and_is_none_with_fewer_than_three(
    place: tuple[str, date], spent: list, hours: tuple[int, int]
) -> None:
    count = known(place, spent, hours)
    with told(place, spent, hours) as desk:
        forecast, budget = desk.forecast(), desk.budget(client=None)
    (found,) = forecast.accounts
    assert (found.burn is None) == (count < FEWEST_DAYS)
    assert (forecast.month_end is None) == (count < FEWEST_DAYS)
    assert (budget.expected is None) == (count < FEWEST_DAYS)
    if found.burn is not None:
        assert found.burn.days == min(count, LOOKED_AT)


@few
@given(st.sampled_from(PLACES), jobs, st.lists(st.integers(1, 10**13), min_size=2, max_size=4))
def test_more_on_the_balance_never_runs_out_sooner_and_a_range_holds_its_day(
    place: tuple[str, date], spent: list, balances: list[int]
) -> None:
    with told(place, spent, (90 * 24, 0)) as desk:
        found = []
        for number, nanos in enumerate(sorted(balances)):
            desk.ledger.add(
                Batch(balances=(balance(Money(nanos).text(), desk.now + number * timedelta(seconds=1), "northwind"),))
            )
            found.append(desk.forecast().accounts[0].run_out)
    ever = date.max
    for each in found:
        assert each is None or each.earliest <= each.day <= (each.latest or ever)
    for which in ("earliest", "day", "latest"):
        ends = [ever if each is None else getattr(each, which) or ever for each in found]
        assert ends == sorted(ends)


@few
@given(st.sampled_from(PLACES), jobs, st.lists(st.tuples(st.integers(-25, 40), st.booleans()), max_size=5))
def test_costs_from_elsewhere_burn_no_balance_and_are_in_the_month_once(
    place: tuple[str, date], spent: list, costs: list[tuple[int, bool]]
) -> None:
    today = place[1]
    with told(place, spent, (90 * 24, 0)) as desk:
        desk.ledger.add(Batch(balances=(balance("100.00", desk.now, "northwind"),)))
        before = desk.forecast()
        for number, (ago, shared) in enumerate(costs):
            on = datetime.combine(today - ago * DAY, time(), UTC)
            kind = Kind.POOL if shared else Kind.EXTERNAL
            desk.ledger.add(Batch(costs=(cost(f"c{number}", on, "30.00", kind=kind),)))
        after = desk.forecast()
        desk.set(home_currency="SEK", rates=RatesSettings(fixed=(FixedRate(from_="USD", to="SEK", rate=Decimal(10)),)))
        crowns = desk.forecast().month_end
    assert after.accounts == before.accounts
    if before.month_end is None:
        return
    this_month = sum((today - ago * DAY).replace(day=1) == today.replace(day=1) for ago, _ in costs)
    more = Money.of(30 * this_month)
    month = after.month_end
    assert month is not None
    for field in ("spent", "expected", "low", "high"):
        assert getattr(month, field) == getattr(before.month_end, field) + more
    assert crowns is not None
    assert crowns.spent == Money.of(month.spent.amount * 10, "SEK")
    assert abs(crowns.expected.nanos - 10 * month.expected.nanos) <= 10
