"""What is told of a difference from fal's totals: nothing that nobody has looked for."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC

import pytest
from msgspec import structs

from tests.insight.samples import rates
from tests.ledger.making import DAY, FLUX, HOUR, KLING, NOON, billing, opened, run
from trayd.facts import Batch, Difference
from trayd.money import Money
from trayd.operations.reconciling import ReconcileQuery, _told, reconciled
from trayd.steps import finish


@pytest.mark.parametrize(
    ("explained", "unexplained", "cure"),
    [
        (None, None, "it looks for the requests"),
        (Money(0), Money(300), "ask fal about this endpoint"),
        (Money(300), Money(0), "compare these requests"),
    ],
)
def test_what_was_not_looked_into_is_neither_explained_nor_unexplained(explained, unexplained, cure):
    difference = Difference(
        account="acme",
        endpoint_id="fal-ai/veo3",
        since=NOON,
        until=NOON,
        ledger=Money(700),
        fal=Money(1000),
        explained=explained,
    )
    told = _told(difference, {"acme": "studio"})
    assert (told.apart, told.explained, told.unexplained) == (Money(300), explained, unexplained)
    assert cure in told.cure


def test_requests_without_a_bill_may_be_what_no_request_explains(tmp_path):
    difference = Difference(
        account="acme",
        endpoint_id=KLING,
        since=NOON - DAY,
        until=NOON + DAY,
        ledger=Money(700),
        fal=Money(1000),
        explained=Money(0),
    )
    sent = {"early": NOON - 2 * DAY, "first": NOON - HOUR, "second": NOON, "late": NOON + DAY}
    runs = [run(name, sent_at=at) for name, at in sent.items()]
    runs += [run("other", endpoint_id=FLUX), run("billed"), run("theirs", account="bolt")]
    with closing(opened(tmp_path)) as ledger:
        ledger.add(Batch(runs=tuple(runs), billing=(billing("billed"),), differences={"acme": (difference,)}))
        (told,) = asked(ledger).differences
        assert (told.unbilled, told.unbilled_ids) == (2, ["first", "second"])
        explained = structs.replace(difference, explained=Money(300))
        ledger.add(Batch(differences={"acme": (explained,)}))
        (told,) = asked(ledger).differences
        assert (told.unbilled, told.unbilled_ids) == (0, [])


def asked(ledger):
    steps = reconciled(ledger, ReconcileQuery(), names={}, now=NOON + 3 * DAY, zone=UTC, converter=rates())
    return finish(steps)
