"""A home with everything in it that a report can be about, made through the ledger's own door, long ago.

Three months of two accounts: billed, estimated, running, free, failed and unmatched generations, a discount, a request
in several billing rows, edits and links made and taken back, costs in five currencies (one without a rate, one whose
rate changes at a midnight), a refund, imported and charged shared costs, names in other scripts.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

from trayd.facts import (
    AccountFact,
    Batch,
    BillingFact,
    BillingRow,
    Coverage,
    EventFact,
    Link,
    ModelFact,
    UserEdit,
)
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.money import Money
from trayd.records import Estimate, ExternalCost, Kind, Status

SETTINGS = """\
home_currency = "USD"
locale = "en_US"
time_zone = "Europe/Stockholm"

[[account]]
name = "studio"

[[account]]
name = "second"

[[pool]]
name = "Render workstation"
amount = 99.99
from = 2025-01-15
to = 2025-03-31

[[pool]]
name = "Stock sounds"
amount = 21
currency = "EUR"
from = 2025-02-01
to = 2025-02-28
split = { "Northwind/Spring Campaign" = 2, "Relaunch" = 1 }

[rates]
fetch = false

[[rates.fixed]]
from = "EUR"
to = "USD"
rate = 1.0840345678
until = 2025-02-14

[[rates.fixed]]
from = "EUR"
to = "USD"
rate = 1.1123456789
since = 2025-02-15

[[rates.fixed]]
from = "SEK"
to = "USD"
rate = 0.0912

[[rates.fixed]]
from = "KWD"
to = "USD"
rate = 3.2501

[report]
name = "Studio Nord & Söhne"
address = "Hafenstraße 1\\n20457 Hamburg"
note = "Payable within 30 days."
logo = "logo.svg"

[[report.client]]
name = "Northwind"
markup_percent = 15

[[report.client]]
name = "Näckrosen"
rate = 2.5
hide_costs = true

[report.client.rates]
"fal-ai/kling-video/v3/pro/text-to-video" = 4.75
"""

#: Would run and ask, if it were more than a picture.
LOGO = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40" width="120" height="40" onload="alert(1)">
<script>alert(1)</script><image href="http://127.0.0.1:9/logo.png"/>
<circle cx="20" cy="20" r="18" fill="#2f4aa8"/></svg>
"""

FIRST, LAST = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC)
_FETCHED = datetime(2025, 4, 20, tzinfo=UTC)

#: Endpoint, name, operation, unit, unit price, licence.
_MODELS = (
    ("fal-ai/kling-video/v3/pro/text-to-video", "Kling 3.0 Pro", "text-to-video", "seconds", "0.14", "commercial"),
    ("fal-ai/flux/dev", "FLUX.1 [dev]", "text-to-image", "megapixels", "0.025", "research"),
    ("fal-ai/esrgan", "Real-ESRGAN", "image-to-image", "compute seconds", "0.00006944444", "commercial"),
    ("fal-ai/minimax/speech-2", "Speech 2", "text-to-speech", "1000 characters", "0.05", "private"),
    ("acme/whisper-large", None, None, "", "0.0011", None),
)
_TAGS = (
    ("Northwind", "Spring Campaign", "Hero Film"),
    ("Northwind", "Spring Campaign", "Social Cut"),
    ("Northwind", None, None),
    ("Näckrosen", "Relaunch", "Hero Film"),
    ("株式会社", "春", "動画"),
    ("مؤسسة", None, "فيلم"),
    (None, None, None),
)
_KEYS = ("premiere", "comfy", None)


def make(home: Path) -> Path:
    """Makes it in that folder, which becomes a TRAYD_HOME; the folder."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    (home / "logo.svg").write_text(LOGO, encoding="utf-8")
    paths = LedgerPaths(ledger=home / "ledger", backup=home / "backup")
    with closing(Ledger.open(paths, base_url=None, holder="the tests")) as ledger:
        for batch in _batches():
            ledger.add(batch)
    return home


def trayd(home: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs the command line there."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FAL_", "TRAYD_"))}
    environment["TRAYD_HOME"] = str(home)
    command = [sys.executable, "-m", "trayd", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


def report(home: Path, path: Path, *arguments: str) -> Path:
    """Has trayd make a report of the three months; its file."""
    trayd(home, "report", "--since", "2025-01-01", "--until", "2025-04-01", "--out", str(path), *arguments)
    return path


def _batches() -> Iterator[Batch]:
    yield Batch(
        accounts=(
            AccountFact(name="studio", state="ok", username="studio-north"),
            AccountFact(name="second", state="ok", username="second-unit"),
        ),
        models=tuple(_model(*model) for model in _MODELS),
    )
    yield Batch(
        coverage=tuple(
            Coverage(
                account=account,
                since=FIRST - timedelta(days=5),
                until=LAST + timedelta(days=1),
                fetched_at=_FETCHED,
                first_completed_at=_FETCHED,
            )
            for account in ("studio-north",)
        ),
        billing=tuple(_billed(number) for number in range(120)),
        events=(*(_told(number) for number in range(0, 120, 3)), *_unsettled()),
        costs=tuple(_costs()),
    )
    yield Batch(links=(_link("loose-1", 7),))
    yield Batch(links=(_link("loose-2", 10),))
    yield Batch(
        links=(Link(record_id=_digest("loose-2"), request_id=_id(10), at=_at(80), undone=_at(81)),),
        edits=(
            *(
                UserEdit(record_id=_id(number), field=field, value=value, at=_at(82))
                for number in range(1, 120, 3)
                for field, value in zip(("client", "project", "deliverable"), _TAGS[number % len(_TAGS)], strict=True)
                if value
            ),
            UserEdit(record_id=_id(4), field="client", value="Taken back", at=_at(83), undone=_at(84)),
            UserEdit(record_id="cost-1", field="client", value="Northwind", at=_at(83)),
            UserEdit(record_id=_id(5), field="note", value="second take, agreed by phone", at=_at(83)),
        ),
    )


def _model(endpoint_id: str, name: str | None, operation: str | None, unit: str, price: str, licence: Any) -> ModelFact:
    return ModelFact(
        endpoint_id=endpoint_id, seen_at=_at(0), display_name=name, operation=operation, license_type=licence,
        unit=unit, unit_price=Decimal(price),
    )  # fmt: skip


def _billed(number: int) -> BillingFact:
    endpoint_id, _, _, _, price, _ = _MODELS[number % len(_MODELS)]
    units = Decimal(number % 11 + 1) / (1 if number % 2 else 3)
    units = units.quantize(Decimal("0.0001"))
    discount = Decimal(10) if number % 8 == 0 else None
    exact = units * Decimal(price) * (1 - (discount or 0) / Decimal(100))
    nanos = int((exact * 10**9).to_integral_value(ROUND_HALF_EVEN))
    row = BillingRow(
        timestamp=_at(number * 0.74), endpoint_id=endpoint_id, units=units, unit_price=Decimal(price),
        percent_discount=discount, total_nanos=None if number == 50 else nanos,
    )  # fmt: skip
    second = BillingRow(timestamp=row.timestamp, endpoint_id=endpoint_id, total_nanos=7)
    return BillingFact(
        request_id=_id(number), account="second-unit" if number % 9 == 0 else "studio-north", fetched_at=_FETCHED,
        rows=(row, second) if number == 33 else (row,), key=_KEYS[number % len(_KEYS)],
    )  # fmt: skip


def _told(number: int) -> EventFact:
    client, project, deliverable = _TAGS[number % len(_TAGS)]
    when = _at(number * 0.74)
    return EventFact(
        digest=_digest(f"told-{number}"), time=when, endpoint_id=_MODELS[number % len(_MODELS)][0],
        request_id=_id(number), account="second-unit" if number % 9 == 0 else "studio-north", duration_s=12.3 + number,
        estimate=Estimate(Money.of(f"0.{number:03}1"), when), client=client, project=project, deliverable=deliverable,
        source="premiere", parameters={"resolution": "1080p", "seed": number, "loop": True},
    )  # fmt: skip


def _unsettled() -> Iterator[EventFact]:
    """What fal has not billed, each for another reason."""
    flux = _MODELS[1][0]
    half = Estimate(Money.of("0.515151515"), _at(60))
    for name, day, status, account, estimate in (
        ("estimated-1", 40, Status.COMPLETED, "second-unit", half),
        ("estimated-2", 41, Status.COMPLETED, "second-unit", half),
        ("running", 42, Status.SUBMITTED, "second-unit", half),
        ("failed", 43, Status.FAILED, "second-unit", None),
        ("free", 44, Status.FAILED, "studio-north", None),
        ("cancelled", 45, Status.CANCELLED, "studio-north", None),
        ("no-price", 46, Status.COMPLETED, "second-unit", None),
    ):
        yield EventFact(
            digest=_digest(name), request_id=f"request-{name}", time=_at(day), endpoint_id="acme/unlisted" if
            estimate is None else flux, account=account, status=status, estimate=estimate, client="Northwind",
        )  # fmt: skip
    # In Stockholm it is the next day, of which the rate is another one.
    yield EventFact(
        digest=_digest("at-night"), request_id="request-at-night", time=datetime(2025, 2, 14, 23, 30, tzinfo=UTC),
        endpoint_id=flux, account="second-unit", client="Northwind",
        estimate=Estimate(Money.of("3.70", "EUR"), _at(60)),
    )  # fmt: skip
    for name, account in (("loose-1", "studio-north"), ("loose-2", "studio-north"), ("loose-3", "second-unit")):
        yield EventFact(
            digest=_digest(name), time=_at(47), endpoint_id=flux, account=account, estimate=half, client="Näckrosen",
            source="comfyui",
        )  # fmt: skip


def _costs() -> Iterator[ExternalCost]:
    for number, (description, amount, currency, source, client, kind) in enumerate((
        ("Midjourney Standard", "30.00", "USD", "midjourney", None, Kind.EXTERNAL),
        ("Runway Pro", "95.00", "EUR", "runway", "Northwind", Kind.EXTERNAL),
        ("Musik för filmen", "1234.50", "SEK", "epidemic sound", "Näckrosen", Kind.EXTERNAL),
        ("Voice licence", "3.125", "KWD", "elevenlabs", "株式会社", Kind.EXTERNAL),
        ("Refund of Runway Pro", "-15.00", "EUR", "runway", "Northwind", Kind.EXTERNAL),
        ("Local hosting", "5000", "XAF", "hosting", "Northwind", Kind.EXTERNAL),
        ("Team plan", "61.37", "USD", "midjourney", None, Kind.POOL),
    )):  # fmt: skip
        yield ExternalCost(
            id=f"cost-{number}", date=date(2025, 1 + number % 3, 5 + 3 * number), description=description,
            amount=Money.of(amount, currency), source=source, client=client, kind=kind,
            category="subscription" if number % 2 == 0 else None, project="Spring Campaign" if number == 1 else None,
        )  # fmt: skip


def _at(days: float) -> datetime:
    return FIRST + timedelta(days=days, hours=3, minutes=21, seconds=7)


def _id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _link(event: str, number: int) -> Link:
    return Link(record_id=_digest(event), request_id=_id(number), at=_at(80))
