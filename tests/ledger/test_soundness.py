"""What would make a month unreadable is refused by the ledger itself, whoever hands it in."""

from contextlib import closing
from datetime import date
from decimal import Decimal

import msgspec
import pytest

from tests.ledger.making import NOON, balance, billing, cost, event, model, opened, row, run
from trayd.errors import RecordError
from trayd.facts import Batch
from trayd.money import Money
from trayd.records import Estimate, Kind

NO_CURRENCY = Money(1, "USD\n    evil  -5 USD")


def changed(fact, **said):
    return msgspec.structs.replace(fact, **said)


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (Batch(costs=(changed(cost(), date=date(1, 1, 1)),)), "date 0001-01-01 is no date"),
        (Batch(costs=(changed(cost(), date=date(9999, 12, 31)),)), "date 9999-12-31 is no date"),
        (Batch(costs=(changed(cost(), kind=Kind.INTERNAL),)), "kind internal is of no cost from outside"),
        (Batch(costs=(changed(cost(), amount=NO_CURRENCY),)), "is no currency in c1"),
        (Batch(costs=(changed(cost(), amount=Money(1, "usd")),)), "amount 'usd' is no currency in c1"),
        (Batch(events=(event(estimate=Estimate(NO_CURRENCY, NOON)),)), "is no currency in r1"),
        (Batch(events=(event(units=Decimal("1E+1000000")),)), "units is a number with more digits"),
        (Batch(events=(event(units=Decimal("1." + "1" * 1000)),)), "units is a number with more digits"),
        (Batch(billing=(billing("r1", row(units="1E-1000000")),)), "units is a number with more digits"),
        (Batch(models=(model("Kling", unit_price=Decimal("1E+99")),)), "unit_price is a number with more digits"),
        (Batch(balances=(changed(balance("1.00"), amount=NO_CURRENCY),)), "is no currency in acme"),
    ],
)
def test_it_is_refused_by_name_and_nothing_is_written(tmp_path, batch, said):
    with closing(opened(tmp_path)) as ledger:
        with pytest.raises(RecordError, match="in ") as refused:
            ledger.add(batch)
        assert said in refused.value.message
        assert len(refused.value.message) < 200
        assert list(ledger.records()) == []


def test_an_id_is_not_of_a_cost_and_of_a_generation(tmp_path):
    one = (Batch(costs=(cost("one"),)), Batch(events=(event("e1", "one"),)))
    other = (Batch(events=(event("e1", "one"),)), Batch(costs=(cost("one"),)))
    billed = (Batch(costs=(cost("one"),)), Batch(billing=(billing("one"),)))
    ran = (Batch(runs=(run("one"),)), Batch(costs=(cost("one"),)))
    for number, (first, second) in enumerate((one, other, billed, ran)):
        with closing(opened(tmp_path / str(number))) as ledger:
            ledger.add(first)
            before = list(ledger.records())
            with pytest.raises(RecordError, match="one is the id of a cost and of a generation"):
                ledger.add(second)
            assert list(ledger.records()) == before
