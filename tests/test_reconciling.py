"""What is told of a difference from fal's totals: nothing that nobody has looked for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trayd.facts import Difference
from trayd.money import Money
from trayd.reconciling import _told

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


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
    told = _told(difference)
    assert (told.apart, told.explained, told.unexplained) == (Money(300), explained, unexplained)
    assert cure in told.cure
