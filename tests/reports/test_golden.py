"""Golden figures: each one that a report shows, counted again from the exported JSON.

The recount is plain Python over the exported file: ``decimal`` and nothing of trayd's.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, getcontext
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.reports.full_ledger import make, report, trayd
from tests.reports.reading import Reader, Table, figure, says

Item = dict[str, Any]

NANO = Decimal("1e-9")
REPORTS = {
    "all": (),
    "kronor": ("--currency", "SEK"),
    "charged": ("--client", "Northwind"),
    "charged in euros": ("--client", "Northwind", "--currency", "EUR"),
    "hidden": ("--client", "Näckrosen"),
    "project": ("--project", "Relaunch"),
    "external": ("--kind", "external"),
    "account": ("--account", "second"),
}
#: What the settings say of clients: a markup, or a rate for each generation that ran.
MARKUP = {"Northwind": Decimal("1.15")}
RATE = {"Näckrosen": Decimal("2.5")}
RATES = {("Näckrosen", "fal-ai/kling-video/v3/pro/text-to-video"): Decimal("4.75")}
HIDDEN = {"Näckrosen"}
MONTHS = ("January", "February", "March", "April")
LICENCES = {"commercial": "Commercial", "research": "Research only", "private": "Private", None: "Unknown"}


@pytest.fixture(autouse=True)
def _exactly() -> None:
    getcontext().prec = 60


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def wholes(home: Path) -> dict[str, Decimal]:
    """Each shared cost by its id: all of its shares, whoever bears them."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for item in json.loads(trayd(home, "export", "--format", "json").stdout)["records"]:
        if "share_of" in item:
            found[item["share_of"]] += Decimal(item["cost"]["amount"])
    return found


@dataclass
class Golden:
    """A report, and the records of the same question from the exported JSON."""

    page: Reader
    items: list[Item]
    currency: str
    client: str | None
    rates: dict[tuple[str, str], Decimal]
    models: dict[str, Item]
    zone: ZoneInfo
    wholes: dict[str, Decimal]

    def converted(self, amount: Item | None, item: Item) -> Decimal | None:
        """In the report's currency, at the rate of the entry's day; None where there is no amount, or no rate."""
        if amount is None:
            return None
        number = Decimal(amount["amount"])
        if amount["currency"] == self.currency or not number:
            return number
        rate = self.rates.get((amount["currency"], self.day(item).isoformat()))
        return None if rate is None else number * rate

    def cost(self, item: Item) -> Decimal | None:
        """What it cost, in the report's currency."""
        return self.converted(item["cost"], item)

    def charge(self, item: Item) -> Decimal | None:
        """What the client is charged, rounded to the nano."""
        ran = item["kind"] == "internal" and item["counting"] in {"actual", "estimate", "unknown"}
        rate = RATES.get((self.client or "", item["model"]), RATE.get(self.client or "")) if ran else None
        if rate is not None:
            exact = self.converted({"amount": str(rate), "currency": "USD"}, item)
        else:
            cost = self.cost(item)
            exact = None if cost is None else cost * MARKUP.get(self.client or "", Decimal(1))
        return None if exact is None else exact.quantize(NANO, ROUND_HALF_EVEN)

    @property
    def amount(self) -> Callable[[Item], Decimal | None]:
        """What the report says that an entry comes to."""
        return self.charge if self.client in HIDDEN else self.cost

    @property
    def charges(self) -> bool:
        """Whether what is charged stands beside what it cost."""
        return self.client in MARKUP

    def day(self, item: Item) -> date:
        """The civil day it counts on: an external cost's own, in every time zone."""
        when = datetime.fromisoformat(item["timestamp"])
        return when.astimezone(UTC if item["kind"] != "internal" else self.zone).date()


@pytest.fixture(scope="module", params=REPORTS)
def golden(
    request: pytest.FixtureRequest, home: Path, wholes: dict[str, Decimal], tmp_path_factory: pytest.TempPathFactory
) -> Golden:
    arguments = REPORTS[request.param]
    folder = tmp_path_factory.mktemp("page")
    page = report(home, folder / "report.html", *arguments).read_text(encoding="utf-8")
    asked = dict(zip(arguments[::2], arguments[1::2], strict=True))
    currency = asked.pop("--currency", "USD")
    period = ("--since", "2025-01-01", "--until", "2025-04-01")
    told = json.loads(trayd(home, "export", "--format", "json", *period, *arguments).stdout)
    assert told["currency"] == currency
    return Golden(
        page=Reader(page),
        items=told["records"],
        currency=currency,
        client=asked.get("--client"),
        rates={(rate["from"], rate["day"]): Decimal(rate["rate"]) for rate in told["rates_used"]},
        models={model["endpoint_id"]: model for model in told["models"]},
        zone=ZoneInfo(told["time_zone"]),
        wholes=wholes,
    )


def added(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum; unknown where it is nothing, and something is lacking."""
    known = list(amounts)
    total = sum((amount for amount in known if amount is not None), Decimal(0))
    return None if not total and None in known else total


def internal(items: Iterable[Item]) -> list[Item]:
    return [item for item in items if item["kind"] == "internal"]


def outside(items: Iterable[Item]) -> list[Item]:
    return [item for item in items if item["kind"] != "internal"]


def generations(items: Iterable[Item]) -> int:
    """Those that are counted: what runs still, and what may be in another entry, is not."""
    return sum(item["counting"] not in {"pending", "unmatched"} for item in internal(items))


def what_counts(items: Iterable[Item]) -> list[Item]:
    """Entries that a total is made of, or lacks."""
    return [item for item in items if item["counting"] not in {"pending", "unmatched", "failed"}]


def by(items: Iterable[Item], key: Callable[[Item], Any]) -> dict[Any, list[Item]]:
    groups = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def test_the_history_has_everything(home: Path) -> None:
    """Else this file would prove less than it says."""
    told = json.loads(trayd(home, "export", "--format", "json").stdout)
    items = told["records"]
    assert {item["counting"] for item in items} == {
        "actual", "estimate", "pending", "unknown", "free", "failed", "unmatched",
    }  # fmt: skip
    assert {item["kind"] for item in items} == {"internal", "external", "pool"}
    assert {item["currency"] for item in items} >= {"USD", "EUR", "SEK", "KWD", "XAF"}
    assert {item["account"] for item in internal(items)} == {"studio-north", "second-unit"}
    assert any(Decimal(item["cost"]["amount"]) < 0 for item in items if item["cost"])


def test_the_headline_figures(golden: Golden) -> None:
    told, amount = golden.page.kpis, golden.amount
    counted = what_counts(golden.items)
    assert says(told["internal"], added(map(amount, internal(counted))))
    assert says(told["external"], added(map(amount, outside(counted))))
    assert says(told["combined"], added(map(amount, counted)))
    assert told["generations"] == f"{generations(golden.items):,}"
    assert ("charge" in told) == golden.charges
    if golden.charges:
        assert says(told["charge"], added(map(golden.charge, counted)))


def test_the_breakdowns(golden: Golden) -> None:
    named = {"models": "model", "operations": "operation", "people": "key"}
    tables = {table.name: table for table in golden.page.tables}
    for name, field in named.items():
        groups = by(internal(golden.items), lambda item, field=field: item[field])
        check_bars(golden, tables.get(name), groups)
    check_bars(golden, tables.get("deliverables"), by(golden.items, lambda item: item["deliverable"]))
    check_bars(golden, tables.get("tools"), by(outside(golden.items), lambda item: item["source"]))


def check_bars(golden: Golden, table: Table | None, groups: dict[Any, list[Item]]) -> None:
    """A chart's rows are the groups, by what they come to; without one there is nothing to tell apart."""
    if table is None:
        assert not groups or set(groups) == {None}
        return
    head = table.heads[1]
    # The last part of what a row is called tells it from others: the endpoint id below a model's name.
    shown = {name[-1]: text for name, text in table.column(head).items()}
    assert len(shown) == len(table.rows) == len(groups)
    for key, items in groups.items():
        name = key if key in shown else next(each for each in shown if each.startswith(("No ", "Not ", "Unknown")))
        assert says(shown[name], added(map(golden.amount, what_counts(items)))), (table.name, key)
    amounts = {key: added(map(golden.amount, what_counts(items))) or Decimal(0) for key, items in groups.items()}
    whole = sum(amounts.values(), Decimal(0))
    shares = Counter(f"{100 * amount / whole:.1f}%" for amount in amounts.values() if whole)
    assert Counter(filter(None, table.column("Share").values())) <= shares
    if golden.charges:
        charged = {name[-1]: text for name, text in table.column("To charge").items()}
        for key, items in groups.items():
            if key in charged:
                assert says(charged[key], added(map(golden.charge, what_counts(items)))), (table.name, key)
    if "Generations" in table.heads:
        told = sorted(int(text) for text in table.column("Generations").values())
        assert told == sorted(generations(items) for items in groups.values())


def test_the_days(golden: Golden) -> None:
    table = golden.page.table("time")
    assert table.heads[0] == "Day"
    days = by(golden.items, golden.day)
    seen = set()
    for row in table.rows:
        when = date.fromisoformat(iso(row[0][0]))
        items = days.get(when, [])
        seen.add(when)
        cells = dict(zip(table.heads, (cell[0] for cell in row), strict=True))
        counted = what_counts(items)
        assert says(cells["Internal"], added(map(golden.amount, internal(counted)))), when
        assert says(cells["External"], added(map(golden.amount, outside(counted)))), when
        assert says(cells["Combined"], added(map(golden.amount, counted))), when
        assert cells["Generations"] == str(generations(items)), when
        if golden.charges:
            assert says(cells["To charge"], added(map(golden.charge, counted))), when
    assert seen >= set(days)


def test_the_chart_over_time_in_words(golden: Golden) -> None:
    """``Highest on March 11, 2025: $112.89. Average per day: $7.09.``"""
    days = by(what_counts(golden.items), golden.day)
    totals = {day: added(map(golden.amount, items)) or Decimal(0) for day, items in days.items()}
    told = golden.page.lead[0]
    highest, _, average = told.partition(". Average per day: ")
    day, _, amount = highest.removeprefix("Highest on ").partition(": ")
    assert totals[date.fromisoformat(iso(day))] == max(totals.values())
    assert says(amount, max(totals.values()))
    in_all = (date(2025, 4, 1) - date(2025, 1, 1)).days + 1
    assert says(average.rstrip("."), sum(totals.values()) / in_all)


def test_the_drawing(golden: Golden) -> None:
    """A point for each day, at the height of what it came to, by the amounts beside the drawing."""
    page = golden.page
    days = by(what_counts(golden.items), golden.day)
    rows = page.table("time").rows
    # An inner drawing is from 8 % of the height to 84 %.
    inner_top, inner_height = Decimal(8), Decimal("0.76")
    [zero] = page.zero
    assert len(page.line) == len(rows) == len(page.stripes)
    assert page.ticks
    ticks = [(zero - Decimal(y), figure(text)[0]) for y, text in page.ticks]
    height, amount_at = max(ticks)
    scale = height / amount_at
    # Places are written with two decimals.
    assert all(abs(height - scale * amount) < Decimal("0.011") for height, amount in ticks)
    for row, (_, y) in zip(rows, page.line, strict=True):
        amount = added(map(golden.amount, days.get(date.fromisoformat(iso(row[0][0])), [])))
        assert says(page.stripes[row[0][0]], amount)
        assert abs(zero - (inner_top + y * inner_height) - scale * (amount or 0)) < Decimal("0.05")
    places = [x for x, _ in page.line]
    assert places == sorted(places)


def test_the_notes(golden: Golden) -> None:
    """The sentences below the figures, by the amounts in them."""
    if golden.client in HIDDEN:
        assert not any("fixed in the settings" in note or "shared costs" in note for note in golden.page.notes)
        return
    estimated = [item for item in golden.items if item["counting"] == "estimate"]
    running = [item for item in golden.items if item["counting"] == "pending"]
    shared = [item for item in golden.items if item["kind"] == "pool"]
    expected = (
        ("count by their estimates, ", " in all", added(map(golden.cost, estimated)) if estimated[1:] else None),
        ("expected to cost ", ": not in", added(golden.converted(item["estimated_cost"], item) for item in running)),
        ("External AI costs hold ", " of shared", added(map(golden.cost, shared)) if shared else None),
    )
    for before, after, amount in expected:
        found = [note.partition(before)[2].partition(after)[0] for note in golden.page.notes if before in note]
        assert len(found) == bool(amount), before
        assert not amount or says(found[0], amount)
    foreign = by((item for item in golden.items if item["cost"]), lambda item: item["cost"]["currency"])
    for currency, items in foreign.items():
        amount = added(Decimal(item["cost"]["amount"]) for item in items)
        if currency in {code for code, _ in golden.rates}:
            tellers = [note for note in golden.page.notes if " converted at " in note]
        elif currency != golden.currency:
            tellers = [note for note in golden.page.notes if "left out of all totals" in note]
        else:
            continue
        assert any(says(note.split(" ")[0], amount) or says(" ".join(note.split(" ")[:2]), amount) for note in tellers)


def test_estimates_against_bills(golden: Golden) -> None:
    both = [item for item in internal(golden.items) if item["estimated_cost"] and item["counting"] == "actual"]
    tables = {table.name: table for table in golden.page.tables}
    if golden.client in HIDDEN or not both:
        assert "accuracy" not in tables
        return
    table = tables["accuracy"]
    groups = {**by(both, lambda item: item["model"]), "All models": both}
    assert {row[0][-1] for row in table.rows} == set(groups)
    for row in table.rows:
        items = groups[row[0][-1]]
        estimated = added(golden.converted(item["estimated_cost"], item) for item in items)
        billed = added(golden.converted(item["actual_cost"], item) for item in items)
        assert estimated is not None
        assert billed is not None
        assert row[1][0] == str(len(items))
        assert says(row[2][0], estimated)
        assert says(row[3][0], billed)
        assert says(row[4][0], billed - estimated)
        assert row[4][1] == f"{100 * (billed - estimated) / estimated:+,.1f}%"


def test_shared_costs(golden: Golden) -> None:
    shares = [item for item in golden.items if item["kind"] == "pool"]
    tables = {table.name: table for table in golden.page.tables}
    if golden.client in HIDDEN or not shares:
        assert "pools" not in tables
        return
    expected: Counter[Any] = Counter()
    for whole, items in by(shares, lambda item: item["share_of"]).items():
        parts = [Decimal(item["cost"]["amount"]) for item in items]
        in_all, here = golden.wholes[whole], sum(parts)
        expected[in_all, here, f"{100 * here / in_all:.1f}%", tuple(sorted(parts)) if parts[1:] else ()] += 1
    shown: Counter[Any] = Counter()
    for row in tables["pools"].rows:
        below = " ".join(row[0][1:])
        parts = sorted(Decimal(text) for text in re.findall(r"[$€](\d+\.\d+)", below))
        cells = dict(zip(tables["pools"].heads, row, strict=True))
        here, share = cells["In this report"]
        shown[figure(cells["Whole"][0])[0], figure(here)[0], share, tuple(parts)] += 1
    assert shown == expected


def test_where_the_figures_come_from(golden: Golden) -> None:
    counted = Counter(item["counting"] for item in internal(golden.items))
    expected = {
        "confirmed by fal": counted["actual"] + counted["free"],
        "estimated": counted["estimate"],
        "without a price": counted["unknown"],
        "failed, not billed so far": counted["failed"],
        "still running": counted["pending"],
        "unmatched": counted["unmatched"],
    }
    told = golden.page.origin
    from_elsewhere = {label: number for label, number in told.items() if label not in expected}
    assert sum(from_elsewhere.values()) == len(outside(golden.items))
    assert sum(told.values()) == len(golden.items)
    imported = sum(item["kind"] == "external" for item in golden.items)
    assert told["imported"] == imported
    if golden.client not in HIDDEN:
        # Where costs are hidden, what has a rate has a price.
        assert {label: told.get(label, 0) for label in expected} == expected


def test_licences(golden: Golden) -> None:
    groups = by(internal(golden.items), lambda item: item["model"])
    tables = {table.name: table for table in golden.page.tables}
    if not groups:
        assert "licences" not in tables
        return
    table = tables["licences"]
    assert {row[0][-1] for row in table.rows} == set(groups)
    for row in table.rows:
        cells = dict(zip(table.heads, (cell[0] for cell in row), strict=True))
        model, items = row[0][-1], groups[row[0][-1]]
        assert cells["Licence"] == LICENCES[golden.models.get(model, {}).get("license_type")]
        assert cells["Generations"] == str(generations(items))
        [amount] = [text for head, text in cells.items() if head in {"Cost", "Charge"}]
        assert says(amount, added(map(golden.amount, what_counts(items))))


def test_the_rates_are_those_that_were_used(golden: Golden) -> None:
    tables = [table for table in golden.page.tables if table.name == "rates"]
    if golden.client in HIDDEN or not golden.rates:
        # What was converted is what it cost; a charge says nothing of that.
        assert not tables
        return
    used = by(golden.rates, lambda pair: pair[0])
    rows = by(tables[0].rows, lambda row: row[0][0])
    assert set(rows) == set(used)
    for currency, lines in rows.items():
        rates = [golden.rates[pair] for pair in used[currency]]
        parts = [figure(part) for line in lines for part in line[1][0].split(" to ")]
        assert all(shown in {round(rate, decimals) for rate in rates} for shown, decimals in parts)
        (lowest, _), (highest, decimals) = min(parts), max(parts)
        assert (lowest, highest) == (round(min(rates), decimals), round(max(rates), decimals))
    for row in tables[1].rows if tables[1:] else ():
        shown, decimals = figure(row[2][0])
        assert shown == round(golden.rates[row[1][0], iso(row[0][0])], decimals)


def iso(text: str) -> str:
    """A day as JSON has it: ``January 3, 2025``."""
    month, day, year = text.replace(",", "").split()
    return date(int(year), MONTHS.index(month) + 1, int(day)).isoformat()


def test_the_log_has_every_entry_with_every_digit(golden: Golden) -> None:
    log = golden.page.log
    assert len(log.rows) == len(golden.items)
    waiting = by(golden.items, lambda item: local(golden, item))
    for row in log.rows:
        cells = dict(zip(log.heads, row, strict=True))
        candidates = waiting[cells["Time"][0]]
        found = [item for item in candidates if tells(golden, cells, item)]
        assert found, cells
        candidates.remove(found[0])
    assert not any(waiting.values())


def local(golden: Golden, item: Item) -> str:
    """When it was: the time in the user's zone, or the date of what has no time."""
    if item["kind"] != "internal":
        return golden.day(item).isoformat()
    when = datetime.fromisoformat(item["timestamp"]).astimezone(golden.zone)
    return when.strftime("%Y-%m-%d %H:%M:%S")


def tells(golden: Golden, cells: dict[str, list[str]], item: Item) -> bool:
    """Whether a line of the log tells that entry's figures, and whose it is."""
    model = cells["Model"]
    # Where costs are hidden, so is what a statement wrote of them into a description.
    cost = {"external": "External cost", "pool": "Shared cost"}.get(item["kind"] if golden.client in HIDDEN else "")
    named = model[0] == (cost or item["display_name"] or item["model"] or item["description"])
    meant = item["request_id"] is None or item["request_id"] == model[-1]
    expected = charged(golden, cells, item) if golden.client in HIDDEN else costs(golden, cells, item)
    if item["duration_s"] is not None and item["duration_s"] < 60:
        expected.append((cells["Time"][-1].removesuffix(" s"), Decimal(str(item["duration_s"]))))
    return named and meant and all(same(text, number) for text, number in expected)


def charged(golden: Golden, cells: dict[str, list[str]], item: Item) -> list[tuple[str, Decimal | None]]:
    """What a line tells, and what it should, where costs are hidden."""
    return [(cells["Charge"][0], golden.charge(item))]


def costs(golden: Golden, cells: dict[str, list[str]], item: Item) -> list[tuple[str, Decimal | None]]:
    """The same where they are shown."""
    (amount, *below), cost, estimate = cells["Cost"], item["cost"], item["estimated_cost"]
    billed = Decimal(cost["amount"]) if cost else None
    expected = [(amount, billed), (cells["Estimate"][0], Decimal(estimate["amount"]) if estimate else None)]
    if item["counting"] == "actual" and item["kind"] == "internal":
        expected.append((cells["Actual"][0].removeprefix("Actual "), billed))
    if golden.charges:
        expected.append((cells["To charge"][0], golden.charge(item)))
    converted = golden.cost(item) if billed and cost["currency"] != golden.currency else None
    # To four decimals, or to the nano where that would say nothing.
    shown = None if converted is None else round(converted, 4) or round(converted, 9)
    expected.append(("".join(below).replace("no exchange rate", ""), shown))
    if item["units"] is not None:
        quantity = next((word for word in cells["Parameters"][0].split() if word == item["units"]), "")
        expected.append((quantity, Decimal(item["units"])))
    if item["kind"] == "pool":
        # Which share it is stands in its note, word for word.
        expected.append(("" if cells["Parameters"][-1] == item["note"] else "0", None))
    return expected


def same(text: str, amount: Decimal | None) -> bool:
    """Whether a text tells an amount with every digit."""
    return not text if amount is None else bool(text) and figure(text)[0] == amount


def test_the_months_of_the_log_add_up(golden: Golden) -> None:
    months = by(golden.items, lambda item: golden.day(item).replace(day=1))
    assert len(golden.page.months) == len(months)
    for month, told in zip(sorted(months), golden.page.months, strict=True):
        number, amount, *_ = told.split(" · ")
        assert number.split()[0] == str(len(months[month]))
        assert says(amount, added(map(golden.amount, what_counts(months[month]))))
