"""Ledgers of made-up history: facts like real ones, handed in through the ledger's own door."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from trayd.facts import AccountFact, Batch, BillingFact, BillingRow, Coverage, EventFact, ModelFact
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.money import Money
from trayd.records import BalanceReading, Estimate

ACCOUNT = "studio-north"

#: Endpoint, name, category, unit, price of a unit in dollars, and the quantities that are usual.
_MODELS = (
    ("fal-ai/flux/dev", "FLUX.1 [dev]", "text-to-image", "megapixel", "0.025", ("1", "2", "4")),
    ("fal-ai/flux-pro/v1.1-ultra", "FLUX1.1 [pro] ultra", "text-to-image", "image", "0.06", ("1", "2")),
    ("fal-ai/kling-video/v3/pro/text-to-video", "Kling 3 Pro", "text-to-video", "second", "0.14", ("5", "10")),
    ("fal-ai/kling-video/v3/pro/image-to-video", "Kling 3 Pro", "image-to-video", "second", "0.14", ("5", "8")),
    ("fal-ai/veo3", "Veo 3", "text-to-video", "second", "0.40", ("4", "8")),
    ("fal-ai/minimax/speech-2", "Speech 2", "text-to-speech", "1000 characters", "0.05", ("0.8", "3.1")),
    ("fal-ai/esrgan", "Real-ESRGAN", "image-to-image", "compute second", "0.00006944444", ("18.2", "31")),
    ("fal-ai/sync-lipsync/v2", "sync. lipsync 2", "video-to-video", "minute", "3", ("0.25", "0.5")),
)
_CLIENTS = ("Northwind", "Fabrikam", "Contoso", "Tailspin Toys", None)
_PROJECTS = ("Spring Campaign", "Relaunch", "Trade Fair", "Holiday Film", "Explainer", None)
_DELIVERABLES = ("Hero Film", "Stills", "Teaser", None)
_KEYS = ("premiere", "comfy", "batch", "web")

#: Of so many requests one was told of by an event as well, with its tags.
_TOLD_EVERY = 3


def billed(number: int, when: datetime) -> BillingFact:
    """What fal bills for one request."""
    chance = random.Random(number)
    endpoint_id, _, _, _, price, usual = chance.choice(_MODELS)
    units, unit_price = Decimal(chance.choice(usual)), Decimal(price)
    row = BillingRow(
        timestamp=when,
        endpoint_id=endpoint_id,
        units=units,
        unit_price=unit_price,
        percent_discount=Decimal(0),
        total_nanos=Money.of(units * unit_price).nanos,
    )
    return BillingFact(
        request_id=request_id(number), account=ACCOUNT, fetched_at=when, rows=(row,), key=chance.choice(_KEYS)
    )


def told(number: int, when: datetime) -> EventFact:
    """What an event file says of one request."""
    chance = random.Random(number)
    endpoint_id, _, _, unit, price, usual = chance.choice(_MODELS)
    units = Decimal(chance.choice(usual))
    return EventFact(
        digest=hashlib.sha256(str(number).encode()).hexdigest(),
        request_id=request_id(number),
        account=ACCOUNT,
        endpoint_id=endpoint_id,
        time=when,
        duration_s=round(chance.uniform(2, 90), 1),
        units=units,
        unit=unit,
        estimate=Estimate(Money.of(units * Decimal(price)), when),
        client=chance.choice(_CLIENTS),
        project=chance.choice(_PROJECTS),
        deliverable=chance.choice(_DELIVERABLES),
        source=chance.choice(_KEYS),
        parameters={"resolution": "1080p", "aspect_ratio": "16:9", "seed": chance.getrandbits(31)},
    )


def request_id(number: int) -> str:
    """The id of the n-th request, like fal's."""
    return str(UUID(bytes=hashlib.sha256(b"request %d" % number).digest()[:16], version=4))


def paths(home: Path) -> LedgerPaths:
    """A ledger's folders, where a program whose home this is looks for them."""
    return LedgerPaths(ledger=home / "ledger", backup=home / "backup")


def opened(home: Path) -> Ledger:
    """The ledger of a home, for one benchmark."""
    return Ledger.open(paths(home), base_url=None, holder="a benchmark")


def build(home: Path, *, months: int, each: int, base_url: str | None = None) -> None:
    """Makes a ledger with so many records in each of so many months, the newest being the present one.

    Args:
        home: the folder; what is in it already is left alone.
        months: how many.
        each: how many records in each.
        base_url: the API whose history it is said to be.
    """
    now = datetime.now(UTC)
    ledger = Ledger.open(paths(home), base_url=base_url, holder="a benchmark")
    oldest = now
    for age, (start, end) in enumerate(_months(now, months)):
        step = (end - start) / each
        numbered = [(age * each + place, start + place * step) for place in range(each)]
        ledger.add(
            Batch(
                events=tuple(told(number, when) for number, when in numbered[::_TOLD_EVERY]),
                billing=tuple(billed(number, when) for number, when in numbered),
            )
        )
        ledger.checkpoint()
        oldest = start
    ledger.add(_around(now, oldest))
    ledger.close()


def _months(now: datetime, months: int) -> Iterator[tuple[datetime, datetime]]:
    """The first instants of the months and the ones after their last, the newest first."""
    end = now
    for _ in range(months):
        start = (end - timedelta(microseconds=1)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        yield start, end
        end = start


def _around(now: datetime, oldest: datetime) -> Batch:
    """What a poll brings beside the billing."""
    return Batch(
        accounts=(AccountFact(name="default", username=ACCOUNT, state="ok", as_of=now, tried_at=now),),
        balances=(BalanceReading(ACCOUNT, now, Money.of("48.20")),),
        coverage=(Coverage(account=ACCOUNT, since=oldest, until=now, fetched_at=now, first_completed_at=oldest),),
        models=tuple(
            ModelFact(
                endpoint_id=endpoint_id,
                seen_at=oldest,
                display_name=name,
                operation=operation,
                unit=unit,
                unit_price=Decimal(price),
            )
            for endpoint_id, name, operation, unit, price, _ in _MODELS
        ),
    )
