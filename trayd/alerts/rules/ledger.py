"""The rule about the ledger itself: whether it can be written, is sound, and agrees with fal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from hashlib import sha256

import msgspec

from trayd.alert_settings import Alerts
from trayd.alerts.rules.finding import About, Finding, Step, ending, open_episodes
from trayd.alerts.rules.observed import Observed
from trayd.facts import Difference
from trayd.money import NANOS_PER_UNIT, Money

#: What fal's totals and the ledger's differ by is worth a warning from here on, in nanos: a cent.
_WORTH_TELLING = NANOS_PER_UNIT // 100

#: And when they have differed for so long: rows come late, and are asked for again every hour.
_DIFFERING_FOR = timedelta(hours=2)

_TOTALS = "totals/"


class Unwritable(msgspec.Struct, frozen=True):
    """The ledger cannot be written; ``problem`` says why, with the cure."""

    problem: str


class Mended(msgspec.Struct, frozen=True):
    """Something was found damaged and mended; ``notice`` says what."""

    notice: str


class Damaged(msgspec.Struct, frozen=True):
    """What a look through all files has found."""

    problems: tuple[str, ...]


class TotalsDiffer(msgspec.Struct, frozen=True, kw_only=True):
    """fal's own totals of an account and the ledger's are not the same.

    Attributes:
        ledger: the ledger's total of the endpoints that differ; ``fal`` is fal's.
        models: how many endpoints those are.
        requests: how many requests explain it.
    """

    account: str
    ledger: Money
    fal: Money
    models: int
    requests: int


def ledger(observed: Observed, _limits: Alerts) -> Iterator[Finding]:
    """The ledger cannot be written, was mended or is damaged, or fal's totals differ from its own."""
    if observed.writing is not None:
        failing = bool(observed.writing)
        steps = (Step("refused", reached=failing, held=failing),)
        yield Finding(rule="ledger", scope="writing", subject=Unwritable(observed.writing), steps=steps)
    for notice in observed.mended:
        scope = f"mended/{sha256(notice.encode('utf-8', 'replace')).hexdigest()[:12]}"
        yield Finding(
            rule="ledger", scope=scope, subject=Mended(notice), steps=(Step("mended", True, True),), once=True
        )
    if observed.damaged is not None:
        damaged = bool(observed.damaged)
        steps = (Step("damaged", reached=damaged, held=damaged),)
        yield Finding(rule="ledger", scope="files", subject=Damaged(observed.damaged), steps=steps)
    if observed.differences is not None:
        yield from _totals(observed.differences, observed)


def _totals(differences: Sequence[Difference], observed: Observed) -> Iterator[Finding]:
    by_account: dict[str, list[Difference]] = {}
    for difference in differences:
        by_account.setdefault(difference.account, []).append(difference)
    for account, found in by_account.items():
        gap = sum(abs(each.fal.nanos - each.ledger.nanos) for each in found)
        subject = TotalsDiffer(
            account=account,
            ledger=Money(sum(each.ledger.nanos for each in found), found[0].ledger.currency),
            fal=Money(sum(each.fal.nanos for each in found), found[0].fal.currency),
            models=len(found),
            requests=sum(each.requests for each in found),
        )
        lasted = observed.at - observed.differing_since.get(account, observed.at)
        steps = (Step("differ", reached=gap >= _WORTH_TELLING and lasted >= _DIFFERING_FOR, held=gap > 0),)
        about = About(amount=Money(gap, found[0].fal.currency), account=account)
        yield Finding(rule="ledger", scope=f"{_TOTALS}{account}", subject=subject, steps=steps, about=about)
    for episode in open_episodes(observed, "ledger"):
        account = episode.scope.removeprefix(_TOTALS)
        if account != episode.scope and account not in by_account:
            yield ending(episode)
