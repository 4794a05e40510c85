"""Facts in any order and repetition, with restarts and crashes in between: the same records, nothing twice."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.faults import QuickDisk
from tests.ledger.making import (
    DAY,
    FLUX,
    HOUR,
    KLING,
    NOON,
    account,
    billing,
    cost,
    covers,
    crash,
    edit,
    estimate,
    event,
    opened,
    row,
    run,
)
from trayd.facts import Batch, Link, UserEdit
from trayd.records import Status

CRASH, RESTART, CHECKPOINT, BEGUN = "crash", "restart", "checkpoint", "a checkpoint that is not brought to its end"

# Times up to months apart, so that records live in several files and wander out of the month they began in.
times = st.sampled_from([NOON, NOON + HOUR, NOON + 20 * DAY, NOON + 21 * DAY, NOON + 52 * DAY])
requests = st.sampled_from(["r1", "r2", "r3"])
clients = st.none() | st.sampled_from(["Northwind", "Contoso"])


@st.composite
def events(draw):
    request_id = draw(requests | st.none())
    digest = draw(st.sampled_from("abcdef"))
    # A digest is of the content: one digest, one event.
    seed = f"{request_id}{digest}"
    picks = [sum(map(ord, seed)) % n for n in (5, 4, 2, 3)]
    return event(
        f"event {seed}",
        request_id,
        [NOON, NOON + HOUR, NOON + 20 * DAY, NOON + 21 * DAY, NOON + 52 * DAY][picks[0]],
        status=list(Status)[picks[1]],
        endpoint_id=[KLING, FLUX][picks[2]],
        client=[None, "Northwind", "Contoso"][picks[3]],
        estimate=estimate("1.00") if picks[2] else None,
    )


@st.composite
def fetches(draw):
    """One content for each fetch time: two answers of one moment do not differ."""
    request_id, number = draw(requests), draw(st.integers(0, 4))
    totals = [["1.00"], ["1.00", None], ["1.00", "0.50"], ["2.00"], [None]][number]
    at = [NOON, NOON + HOUR, NOON + 21 * DAY, NOON + HOUR, NOON][number]
    return billing(request_id, *(row(total, at) for total in totals), fetched=NOON + number * HOUR)


runs = st.builds(
    lambda request_id, number: run(request_id, list(Status)[number], NOON + number * HOUR, duration_s=float(number)),
    requests,
    st.integers(0, 3),
)
costs = st.builds(lambda n: cost(f"c{n}", NOON + n * 15 * DAY, f"{n}.50"), st.integers(0, 3))
lost = st.sampled_from(["event Nonea", "event Noneb"])
edits = st.builds(
    edit, requests | lost | st.sampled_from(["c0", "c1"]), st.sampled_from(["client", "note"]), clients, times
)
# One event is of one request, whoever says so and when.
links = st.builds(
    lambda old: Link(record_id=old, request_id={"a": "r1", "b": "r4"}[old[-1]], at=NOON),
    lost,
)
# A newer fetch tells of more; none is told twice with different words.
coverages = st.builds(
    lambda name, days: covers(name, NOON - DAY, NOON + days * DAY),
    st.sampled_from(["acme", "studio"]),
    st.integers(0, 60),
)
accounts = st.just(account("studio", "acme")) | st.just(account("other", "bolt"))
facts = st.lists(events() | fetches() | runs | costs | edits | links | coverages | accounts, min_size=1, max_size=16)
interruptions = st.lists(st.sampled_from([CRASH, RESTART, CHECKPOINT, BEGUN]), max_size=5)

KINDS = {
    "EventFact": "events",
    "BillingFact": "billing",
    "RunFact": "runs",
    "ExternalCost": "costs",
    "UserEdit": "edits",
    "Link": "links",
    "Coverage": "coverage",
    "AccountFact": "accounts",
}


def batch_of(fact) -> Batch:
    return Batch(**{KINDS[type(fact).__name__]: (fact,)})


def summed(ledger):
    """All sums, whatever the order in which they were counted."""
    return sorted(map(repr, ledger.sums(by=("endpoint_id", "client"))))


def after(steps):
    """What a ledger holds after these steps, and what it sums up to.

    Edits and links wait until there is something to edit or to link, as a person does.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ledger = opened(home, QuickDisk())
        waiting = []
        for step in steps:
            if step == CHECKPOINT:
                ledger.checkpoint()
            elif step == BEGUN:
                under_way = ledger.checkpoint_steps()
                next(under_way, None)
            elif step in (CRASH, RESTART):
                crash(ledger) if step == CRASH else ledger.close()
                ledger = opened(home, QuickDisk())
            elif isinstance(step, UserEdit | Link):
                waiting.append(step)
            else:
                ledger.add(batch_of(step))
            for fact in list(waiting):
                if ledger.get(fact.record_id) is not None:
                    ledger.add(batch_of(fact))
                    waiting.remove(fact)
        found = list(ledger.records())
        sums = summed(ledger)
        assert ledger.verify() == []
        assert ledger.notices == ()
        ledger.close()
        ledger = opened(home, QuickDisk())
        assert list(ledger.records()) == found
        assert summed(ledger) == sums
        ledger.close()
        return found, sums


quick = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@quick
@given(facts, st.data())
def test_any_order_any_repetition_any_crash_the_same_records(facts, data):
    plain = after(facts)
    shuffled = data.draw(st.permutations([*facts, *data.draw(st.lists(st.sampled_from(facts), max_size=5))]))
    for interruption in data.draw(interruptions):
        shuffled.insert(data.draw(st.integers(0, len(shuffled))), interruption)
    assert after(shuffled) == plain
    ids = [record.id for record in plain[0]]
    assert len(ids) == len(set(ids))


@quick
@given(st.lists(events() | fetches() | runs, min_size=1, max_size=10), st.data())
def test_one_batch_or_many_is_the_same(facts, data):
    together = {}
    for fact in facts:
        together.setdefault(KINDS[type(fact).__name__], []).append(fact)
    with tempfile.TemporaryDirectory() as folder:
        ledger = opened(Path(folder), QuickDisk())
        ledger.add(Batch(**{kind: tuple(found) for kind, found in together.items()}))
        assert (list(ledger.records()), summed(ledger)) == after(data.draw(st.permutations(facts)))
        ledger.close()


@quick
@given(
    st.permutations(["event", "billing", "run", "link"]),
    st.lists(st.sampled_from([CRASH, RESTART]), max_size=2),
    st.data(),
)
def test_a_link_holds_whatever_comes_before_and_after_it(order, interruptions, data):
    lost = event("lost", None, NOON + 25 * DAY, client="Northwind")
    steps = {
        "event": Batch(events=(lost,)),
        "billing": Batch(billing=(billing("r1"),)),
        "run": Batch(runs=(run("r1"),)),
        "link": Batch(links=(Link(record_id="lost", request_id="r1", at=NOON),)),
    }
    order = [step for step in order if step != "link"]
    order.insert(data.draw(st.integers(order.index("event") + 1, 3)), "link")
    order += data.draw(st.permutations(["event", "billing", "run", "link"]))
    for interruption in interruptions:
        order.insert(data.draw(st.integers(0, len(order))), interruption)
    with tempfile.TemporaryDirectory() as folder:
        ledger = opened(Path(folder), QuickDisk())
        for step in order:
            if step in (CRASH, RESTART):
                crash(ledger) if step == CRASH else ledger.close()
                ledger = opened(Path(folder), QuickDisk())
            else:
                ledger.add(steps[step])
        (record,) = ledger.records()
        assert (record.id, record.client, record.duration_s) == ("r1", "Northwind", None)
        assert record.actual is not None
        assert ledger.verify() == []
        ledger.close()
