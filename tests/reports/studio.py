"""A studio's ledger with whatever a record can be: what exports are tried on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.desk import NOW, Desk, opened_desk
from tests.insight.samples import external, externals, generation, generations, texts
from tests.ledger.making import DAY, FLUX, HOUR, KLING, account, billing, event, model, row
from trayd.facts import Batch
from trayd.money import Money
from trayd.pool_settings import Pool
from trayd.records import Estimate, ExternalCost, Record, Status
from trayd.settings import Account

WHISPER = "fal-ai/whisper"
SPRING = {"client": "Northwind", "project": "Spring Campaign", "deliverable": "Hero Film"}
RELAUNCH = {"client": "Näckrosen: Vår, AB", "project": "Relaunch; “2027”"}


# Names that end an account, begin a comment, a tag, a date, a code, a directive, an assertion or a virtual posting.
NASTY = [
    *("A  B", "A\tB", "  A", "A ", "A:B", "A::B", ":", "A\n2026-01-01 x", "A\r\nB", "A\u2028B", "A\u00a0\u00a0B"),
    *("; x", "A ; x", "A  ; x", "# x", "* x", "! x", "(x)", "[x]", "<x>", "(x", "[2026-99-99]", "[=2026-01-01]"),
    *("date:2026-01-01", "a:b, c:d", "x::y", ":x:", "= 5", "@ 5", "@@ 5", "{5}", '"A"', "'A'", "A|B", "~ monthly"),
    *(
        "include x",
        "P 2026-01-01 EUR 1 USD",
        "100.00 USD",
        "-1",
        "A & B",
        "50 %",
        "睡蓮",
        "👩‍👩‍👧",
        "a\u202eb",
        "\u200b",
        "",
        "é" * 300,
        "睡" * 2000,
    ),
]


def cost(number: int, day: str, amount: str, currency: str = "USD", **said: object) -> ExternalCost:
    said = {"description": "Standard plan", "source": "midjourney", **said}
    return ExternalCost(id=f"c{number}", date=date.fromisoformat(day), amount=Money.of(amount, currency), **said)  # type: ignore[arg-type]


@contextmanager
def studio(home: Path) -> Iterator[Desk]:
    """Two clients, in October and November 2026; twelve billed requests, and each way in which one has no bill."""
    with opened_desk(home) as desk:
        desk.set(
            home_currency="USD",
            time_zone="Europe/Stockholm",
            account=(Account(name="Studio North"),),
            pool=(
                Pool(name="Runway plan", amount=Decimal("35.00"), since=date(2026, 10, 1), currency="EUR"),
                Pool(name="2026", amount=Decimal("0.000000007"), since=date(2026, 11, 2), split="equal"),
            ),
        )
        bills, events = [], []
        for number, (ago, units, price, discount, endpoint, said) in enumerate(
            [
                (1, "8", "0.14", None, KLING, SPRING),
                (2, "8.439999999999998", "0.14", None, KLING, SPRING),
                (3, "1.5", "0.025", "10", FLUX, SPRING),
                (4, "3", "0.00006944444", None, WHISPER, RELAUNCH),
                (5, "1234.567", "0.00006944444", "12.5", WHISPER, RELAUNCH),
                (6, "1", "0.000000001", None, FLUX, RELAUNCH),
                (7, "1", "0", None, FLUX, {}),
                (25, "10", "0.14", "100", KLING, {"client": "Northwind"}),
                (26, "4", "1.05", None, KLING, {"project": "Pitch"}),
                (50, "2", "0.14", None, KLING, SPRING),
            ],
            start=1,
        ):
            at = NOW - ago * DAY
            total = Decimal(units) * Decimal(price) * (100 - Decimal(discount or 0)) / 100
            rows = (
                row(
                    str(total),
                    at=at,
                    units=units,
                    price=price,
                    endpoint_id=endpoint,
                    **({"percent_discount": Decimal(discount)} if discount else {}),
                ),
            )
            bills.append(billing(f"r{number}", *rows, fetched=NOW, account="northwind", key="Premiere panel"))
            if said:
                events.append(event(f"e{number}", f"r{number}", at, endpoint_id=endpoint, duration_s=41.7, **said))
        # Billed in two rows of different prices, and a refund.
        two = row("1.12", at=NOW - 8 * DAY), row("0.30", at=NOW - 8 * DAY, units="2", price="0.15")
        bills.append(billing("r11", *two, fetched=NOW, account="northwind"))
        bills.append(
            billing("r12", row("-0.28", at=NOW - 9 * DAY, units="-2"), fetched=NOW, account="northwind", key="=2+3")
        )
        later = NOW - HOUR
        events += [
            event("e21", "q1", later, endpoint_id=FLUX, units=Decimal(2), estimate=_estimate("0.05"), **SPRING),
            event("e22", "q2", later, estimate=_estimate("0.7331"), **SPRING),
            event("e23", "q3", later, endpoint_id="fal-ai/new", **SPRING),
            event("e24", "q4", later, status=Status.SUBMITTED, estimate=_estimate("9.00"), **SPRING),
            event("e25", "q5", later, status=Status.FAILED, **SPRING),
            event("e26", None, NOW - 3 * DAY, estimate=_estimate("7.00"), **SPRING),
            event("e27", "q7", NOW - 10 * DAY, status=Status.FAILED, **RELAUNCH),
        ]
        events = [structs.replace(each, account="northwind") for each in events]
        costs = (
            cost(1, "2026-11-03", "30.00", category="subscription", client="Northwind"),
            cost(2, "2026-11-07", "99.95", "EUR", source="12345", description="2026-11-07", **SPRING),
            cost(3, "2026-11-08", "-12.00", description="=cmd|' /C calc'!A0", note="refund"),
            cost(4, "2026-11-08", "1250.00", "SEK", source="Näckrosen", description="睡蓮", **RELAUNCH),
            cost(5, "2026-10-31", "0.00", "GBP", source="(beta) tool; x", description="free month"),
        )
        models = (
            model("FLUX.1 [dev]", NOW - 60 * DAY, FLUX, unit="megapixels", unit_price=Decimal("0.025")),
            model("Kling 3.0 Pro", NOW - 60 * DAY, KLING, unit="seconds", unit_price=Decimal("0.14")),
            model("Whisper", NOW - 60 * DAY, WHISPER, unit="compute seconds", unit_price=Decimal("0.00006944444")),
        )
        desk.ledger.add(Batch(accounts=(account("Studio North", "northwind"),), models=models))
        desk.ledger.add(Batch(billing=tuple(bills), events=tuple(events), costs=costs))
        desk.reads(until=NOW - 2 * HOUR)
        yield desk


def _estimate(amount: str) -> Estimate:
    return Estimate(Money.of(amount), NOW)


@seed(20261121)
@settings(
    max_examples=600, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(generations | externals, st.none() | texts, st.none() | texts, texts, st.none() | texts)
def collect(pool, record, client, project, name, note):
    about = {"account": name} if hasattr(record, "account") else {"source": name}
    pool.append(structs.replace(record, client=client, project=project, note=note, **about))


def hostile_records() -> list[Record]:
    """Hundreds of records with any text in any place."""
    pool: list[Record] = []
    collect(pool)
    for number, name in enumerate(NASTY):
        fields = {"id": name, "client": name, "project": name, "deliverable": name, "note": name}
        pool.append(
            generation(f"0.{number:09d}1"[:11], display_name=name, endpoint_id=name or "x", account=name, **fields)
        )
        pool.append(external(f"{number}.01", description=name, source=name, category=name, **fields))
    return pool
