"""What a person asks about saving: their own last 30 days, looked through for tips."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from trayd.insight.tips import Tip, TipFinder
from trayd.insight.windows import Bounds
from trayd.ledger.store import Ledger
from trayd.money import format_money
from trayd.operations.filters import WorkQuery
from trayd.rates import Converter
from trayd.records import Generation, Kind
from trayd.settings import Settings
from trayd.steps import Step, Steps

#: What a tip's saving is of.
LOOKED_AT = timedelta(days=30)

#: So many parts the time looked at is read in: at a thousand generations a day, each is done in a tenth of a second.
_STEPS = 10


class TipsQuery(WorkQuery, frozen=True, kw_only=True, omit_defaults=True):
    """Whose work is looked at, everything without any; and how many tips."""

    limit: Annotated[int, Meta(ge=0)] = 10


class FoundTips(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to save.

    Attributes:
        generations: how many were looked at; ``unpriced`` of them have no known cost, and are in no tip.
        tips: the most to save first, risks last. They can overlap: no sum of them is told.
        left_out: how many more there are.
    """

    window: Bounds
    generations: int
    unpriced: int
    tips: list[Tip]
    left_out: int


def find_tips(
    ledger: Ledger, query: TipsQuery, *, settings: Settings, converter: Converter, now: datetime
) -> Steps[FoundTips]:
    """Looks through the generations of the last 30 days, some days in each step.

    Args:
        ledger: what is recorded.
        query: whose work.
        settings: tell the zone and how amounts are written.
        converter: into the home currency.
        now: the end of the time looked at.
    """
    zone, locale = settings.zone(), settings.number_locale()
    finder = TipFinder(ledger.models(), converter, zone, lambda amount: format_money(amount, locale))
    since = now - LOOKED_AT
    for step in range(_STEPS):
        begins, ends = (since + LOOKED_AT * part / _STEPS for part in (step, step + 1))
        yield Step(step, _STEPS)
        for record in ledger.records(query.within(begins, ends, Kind.INTERNAL), zone=zone):
            if isinstance(record, Generation):
                finder.add(record)
    yield Step(_STEPS, _STEPS)
    counts, tips = finder.counts, finder.tips()
    return FoundTips(
        window=Bounds(since, now),
        generations=counts.records,
        unpriced=counts.unpriced,
        tips=list(tips[: query.limit]),
        left_out=max(len(tips) - query.limit, 0),
    )
