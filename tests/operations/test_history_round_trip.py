"""A history that is exported as JSON and taken in again is the same history, whatever is in it."""

import json
import tempfile
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.ledger.making import DAY, FLUX, HOUR, KLING, NOON, edit, event, model
from tests.ledger.test_any_order import batch_of, facts
from tests.operations.histories import Home, home
from trayd.errors import TraydError
from trayd.facts import AccountFact, Batch, EventFact, Link, ModelFact, UserEdit
from trayd.money import Money
from trayd.records import ExternalCost, Kind
from trayd.texts import tidy

COSTS = [Kind.EXTERNAL, Kind.POOL]

# As readers of files hand them in.
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).map(tidy).filter(bool)


@st.composite
def foreign_costs(draw):
    """Their ids are hashes of what they say, as those of imported ones are."""
    number, nanos = draw(st.integers(0, 40)), draw(st.integers(-(10**15), 10**15))
    currency, kind = draw(st.sampled_from(["USD", "EUR", "SEK", "KWD"])), draw(st.sampled_from(COSTS))
    said = draw(texts)
    return ExternalCost(
        id=f"{number} {nanos} {currency} {kind} {said.encode().hex()}",
        date=(NOON + number * DAY).date(),
        description=said,
        amount=Money(nanos, currency),
        kind=kind,
    )


readings = st.builds(
    lambda endpoint, days, name, operation, price: model(
        name, NOON + days * DAY, endpoint, operation=operation, unit="second", unit_price=price
    ),
    st.sampled_from([KLING, FLUX]),
    st.integers(-3, 30),
    st.sampled_from([None, "Kling", "Kling 3"]),
    st.sampled_from([None, "text-to-video", "image-to-video"]),
    st.none() | st.decimals(0, 10, places=6),
)
wordy = st.builds(
    lambda number, client, note, units: event(
        f"wordy {number}",
        f"w{number}",
        NOON + number * HOUR,
        client=client,
        note=note,
        units=units,
        parameters={"n": note},
    ),
    st.integers(0, 5),
    texts,
    texts,
    st.none() | st.decimals(0, 10**6, places=12),
)
undoing = st.sampled_from(["link", "edit"])
histories = st.lists(st.one_of(facts.map(tuple), foreign_costs(), readings, wordy, undoing), min_size=1, max_size=8)


def lived(ledger, steps):
    """What these steps make of a ledger; what a person says waits until there is something to say it of."""
    said = []
    for step in steps:
        for fact in step if isinstance(step, tuple) else (step,):
            if fact in ("link", "edit"):
                undo(ledger, said, Link if fact == "link" else UserEdit)
            elif isinstance(fact, ModelFact):
                ledger.add(Batch(models=(fact,)))
            else:
                try:
                    ledger.add(batch_of(fact))
                except TraydError:
                    continue
                said.append(fact)


def undo(ledger, said, kind):
    done = [fact for fact in said if isinstance(fact, kind)]
    if done:
        fact = msgspec.structs.replace(done[-1], undone=done[-1].at + timedelta(minutes=1))
        try:
            ledger.add(batch_of(fact))
        except TraydError:
            return


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_into_an_empty_ledger_it_comes_back_as_it_was(steps):
    with tempfile.TemporaryDirectory() as folder, home(Path(folder, "a")) as first, home(Path(folder, "b")) as second:
        lived(first.ledger, steps)
        data = first.exported()
        answer = second.imports(data)
        assert answer.rejected == ()
        assert answer.notes == ()
        assert answer.recorded == len(list(first.ledger.records()))
        assert second.known == first.known
        assert told(second) == told(first)
        again = second.imports(data)
        assert (again.recorded, again.duplicates) == (0, answer.recorded)
        assert second.known == first.known
        assert second.ledger.verify() == []


def told(of: Home):
    """What an export tells, apart from when it was made and how its accounts were reached."""
    document = of.document()
    # What is covered under two names of an account is covered as a whole, since this ledger has it.
    covered = {each["account"]: of.ledger.coverage(each["account"]) for each in document["coverage"]}
    document["coverage"] = {name: (each.since, each.until, each.fetched_at) for name, each in covered.items()}
    # Of a link that never was here there is nothing to take back.
    for name in ("made_at", "accounts", "links"):
        del document[name]
    return document


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(histories, histories)
def test_into_another_ledger_it_merges_and_twice_is_once(steps, others):
    with tempfile.TemporaryDirectory() as folder, home(Path(folder, "a")) as first, home(Path(folder, "b")) as second:
        lived(first.ledger, steps)
        lived(second.ledger, others)
        before = {record.id for record in second.ledger.records()}
        data = first.exported()
        second.imports(data)
        merged = second.known
        after = {record.id for record in second.ledger.records()}
        assert before - after <= {"event Nonea", "event Noneb"}, "only an event that is linked now has left"
        second.imports(data)
        assert second.known == merged
        assert second.ledger.verify() == []


growing = st.lists(st.one_of(facts.map(tuple), foreign_costs(), readings, wordy), max_size=6)


def every(steps):
    return [fact for step in steps for fact in (step if isinstance(step, tuple) else (step,))]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(growing, growing)
def test_two_ledgers_that_take_in_each_other_s_history_have_the_same_one(steps, others):
    together = [*every(steps), *every(others)]
    usernames = {fact.username for fact in together if isinstance(fact, AccountFact)}
    # What names no account is of the only one there is: with a second one it is of neither.
    assume(len(usernames) < 2 or not any(isinstance(fact, EventFact) for fact in together))
    with tempfile.TemporaryDirectory() as folder, home(Path(folder, "a")) as first, home(Path(folder, "b")) as second:
        lived(first.ledger, steps)
        lived(second.ledger, others)
        ours, theirs = first.exported(), second.exported()
        first.imports(theirs)
        second.imports(ours)
        assert second.known == first.known


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_the_totals_are_those_of_a_recount_that_knows_nothing_of_trayd(steps):
    with tempfile.TemporaryDirectory() as folder, home(Path(folder)) as one:
        lived(one.ledger, steps)
        document = json.loads(one.exported(), parse_float=Decimal)
        sums: Counter[str] = Counter()
        home_sum = Decimal(0)
        rates = {(rate["from"], rate["day"]): Decimal(rate["rate"]) for rate in document["rates_used"]}
        unconverted = set()
        for record in document["records"]:
            if record["cost"]:
                amount, currency = Decimal(record["cost"]["amount"]), record["cost"]["currency"]
                sums[currency] += amount
                rate = 1 if currency == "USD" else rates.get((currency, record["timestamp"][:10]))
                if rate is None:
                    unconverted.add(currency)
                elif rate == 1:
                    home_sum += amount
        totals = document["totals"]
        assert totals["records"] == len(document["records"])
        assert {each["currency"]: Decimal(each["amount"]) for each in totals["cost"]} == {
            currency: amount for currency, amount in sums.items() if amount
        }
        assert Counter(record["counting"] for record in document["records"]) == totals["counting"]
        kinds = [Decimal(each["amount"]) for each in totals["by_kind"].values()]
        assert sum(kinds) == Decimal(totals["total"]["amount"])


def test_an_edit_that_a_person_took_back_stays_taken_back(tmp_path):
    with home(tmp_path / "a") as first, home(tmp_path / "b") as second:
        first.ledger.add(Batch(events=(event(client="Northwind"),)))
        said = edit("r1", "client", "Contoso")
        first.ledger.add(Batch(edits=(said,)))
        first.ledger.add(Batch(edits=(msgspec.structs.replace(said, undone=NOON + HOUR),)))
        second.imports(first.exported())
        assert second.ledger.get("r1").client == "Northwind"
        second.ledger.add(Batch(edits=(said,)))
        assert second.ledger.get("r1").client == "Northwind", "what was taken back is not said again"
