"""The power goes at every file call: what was acknowledged is there, and every file holds the old or the new, whole."""

import itertools
import random
import shutil

import msgspec
import pytest
import tinydb

from tests.ledger.faults import QuickDisk
from tests.ledger.making import (
    DAY,
    HOUR,
    NOON,
    balance,
    billing,
    cost,
    covers,
    crash,
    edit,
    event,
    model,
    opened,
    row,
    run,
)
from tests.ledger.power import ANY, EVERYTHING, NOTHING, THE_FIRST, PowerDisk
from trayd.errors import LedgerFullError, TraydError
from trayd.facts import Batch, Link
from trayd.records import Counting, ExternalCost

CHECKPOINT, STEPS = "checkpoint", "checkpoint in steps"
MANY = tuple(billing(f"m{number}", row(at=NOON + number * HOUR)) for number in range(8))


def scenario():
    """Changes of one line and of many, in a month, in two, in the state; checkpoints; a mirror that grows long."""
    yield Batch(events=(event("a", "r1", client="Northwind"), event("lost", None, NOON - 20 * DAY)))
    yield Batch(billing=MANY, coverage=(covers("acme", NOON - DAY, NOON),))
    yield CHECKPOINT
    yield Batch(costs=(cost(),), balances=(balance("50"),))
    yield Batch(links=(Link(record_id="lost", request_id="r1", at=NOON),))
    yield Batch(billing=(billing("r1", key=(100 << 10) * "x"),), coverage=(covers("acme", NOON - DAY, NOON + HOUR),))
    yield Batch(billing=(billing("r1", key="short", fetched=NOON + HOUR),), models=(model("Kling"),))
    yield STEPS
    yield Batch(edits=(edit("r1", "note", "after"), edit("m1", "note", "after")))
    yield Batch(runs=tuple(run(f"m{number}", duration_s=2.0) for number in range(8)))


def do(ledger, step):
    if step == STEPS:
        for number, _ in enumerate(ledger.checkpoint_steps()):
            if number in (2, 4):
                ledger.add(Batch(events=(event(f"between {number}", f"b{number}"),)))
    elif step == CHECKPOINT:
        ledger.checkpoint()
    else:
        ledger.add(step)


def content(ledger):
    """Records as their facts tell them, and what the state holds; coverage stands for all that claims records."""
    records = {}
    for record in ledger.records():
        plain = record
        if not isinstance(record, ExternalCost):
            plain = msgspec.structs.replace(record, counting=Counting.UNKNOWN, display_name=None)
        records[record.id] = plain
    return records, ledger.coverage("acme"), list(ledger.balances()), ledger.models()


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    """What the ledger holds after each step."""
    ledger = opened(tmp_path_factory.mktemp("right"), QuickDisk())
    states = [content(ledger)]
    for step in scenario():
        do(ledger, step)
        states.append(content(ledger))
    crash(ledger)
    return states


def problems_of(home, old, new, *, goes_on):
    """All of the old has to be there, or of the new; in between, what claims records comes after them."""
    for path in (home / "ledger").glob("*.json"):
        with tinydb.TinyDB(path) as database:
            assert database.tables()
    ledger = opened(home, QuickDisk())
    try:
        records, *state = content(ledger)
        (old_records, *old_state), (new_records, *new_state) = old, new
        for record_id in {*records, *(old_records.keys() & new_records.keys())}:
            if records.get(record_id) not in (old_records.get(record_id), new_records.get(record_id)):
                yield f"{record_id} is neither what it was nor what it was to be"
        for found, before, after in zip(state, old_state, new_state, strict=True):
            if found not in (before, after):
                yield f"{found} is neither what was nor what was to be"
        if state[0] != old_state[0] and records != new_records:
            yield "coverage claims records that are not there"
        yield from map(str, ledger.verify())
        yield from (notice for notice in ledger.notices if "is damaged" in notice or "edited" in notice)
        if goes_on:
            ledger.add(Batch(events=(event("next", "next"),)))
            ledger.checkpoint()
            yield from map(str, ledger.verify())
    finally:
        crash(ledger)
    if not goes_on:
        return
    ledger = opened(home, QuickDisk())
    if ledger.get("next") is None:
        yield "what came after the power cut is lost"
    crash(ledger)


class PowerCuts:
    """Cuts the power after every call of a disk, and looks at what is left."""

    def __init__(self, disk, how, seed, folder, states):
        self.disk, self.how, self.folder, self.states = disk, how, folder, states
        self.dice = random.Random(seed)
        self.done = self.cuts = 0
        self.problems = []
        folder.mkdir(exist_ok=True)
        disk.on_call = self.cut

    def cut(self, call):
        self.cuts += 1
        target = self.folder / f"after {self.cuts}"
        self.disk.medium.after_power_cut(self.dice, self.how, target)
        old, new = self.states[self.done], self.states[min(self.done + 1, len(self.states) - 1)]
        try:
            found = list(problems_of(target, old, new, goes_on=self.cuts % 3 == 0))
        except TraydError as error:
            found = [repr(error)]
        self.problems += [f"call {self.cuts}, {call} in step {self.done}: {problem}" for problem in found]

    def acknowledged(self):
        self.done += 1
        self.cut("acknowledged")

    def over(self):
        self.disk.on_call = lambda _call: None
        assert self.problems == [], len(self.problems)


@pytest.mark.parametrize(
    ("how", "seed"), [(NOTHING, 0), (EVERYTHING, 0), *((how, seed) for how in (THE_FIRST, ANY) for seed in (1, 2))]
)
def test_the_power_goes_at_every_call(how, seed, states, quick_path):
    disk = PowerDisk(quick_path / "home")
    power = PowerCuts(disk, how, seed, quick_path, states)
    ledger = opened(quick_path / "home", disk)
    for step in scenario():
        do(ledger, step)
        power.acknowledged()
    power.over()
    crash(ledger)
    assert power.cuts > 80


@pytest.mark.parametrize("stays_ill", [False, True])
def test_a_call_fails_and_then_the_power_goes(stays_ill, states, quick_path):
    """What a failed sync was to store stays in doubt, and the next change may not rely on it."""
    failures = 0
    problems = []
    for fails_at in itertools.count(1):
        folder = quick_path / str(fails_at)
        folder.mkdir()
        disk = PowerDisk(folder / "home")
        ledger = opened(folder / "home", disk)
        disk.made, disk.fails_at, disk.stays_ill = 0, fails_at, stays_ill
        power = PowerCuts(disk, ANY, fails_at, folder, states)
        disk.on_call = lambda _call: None
        for step in scenario():
            try:
                do(ledger, step)
            except LedgerFullError:
                failures += 1
                power.cut("failed")
                disk.fails_at = None
                do(ledger, step)
                power.acknowledged()
                break
            power.done += 1
        problems += power.problems
        crash(ledger)
        shutil.rmtree(folder)
        if disk.fails_at and disk.made < disk.fails_at:
            break
    assert problems == []
    assert failures > 60


@pytest.mark.parametrize("seed", [1, 2])
def test_the_power_goes_again_while_the_ledger_is_mended(seed, states, quick_path):
    dice = random.Random(seed)
    disk = PowerDisk(quick_path / "home")
    problems = []
    done = cuts = 0

    def cut(call):
        nonlocal cuts
        cuts += 1
        if cuts % 5:
            return
        target = quick_path / f"after {cuts}"
        disk.medium.after_power_cut(dice, ANY, target)
        mending = PowerDisk(target)
        again = PowerCuts(mending, ANY, seed, quick_path / f"again {cuts}", states[done : done + 2])
        ledger = opened(target, mending)
        list(ledger.records())
        crash(ledger)
        problems.extend(f"first after call {cuts}, {call} in step {done}: {problem}" for problem in again.problems)

    ledger = opened(quick_path / "home", disk)
    disk.on_call = cut
    for step in scenario():
        do(ledger, step)
        done += 1
    disk.on_call = lambda _call: None
    crash(ledger)
    assert problems == []
    assert cuts > 80


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("step", ["clear", "restore"])
def test_the_power_goes_while_all_is_exchanged(step, seed, quick_path):
    """Everything is as it was, or everything is new: never some months of this and some of that."""
    home = quick_path / "home"
    ledger = opened(home, QuickDisk())
    for earlier in itertools.islice(scenario(), 3):
        do(ledger, earlier)
    backup = ledger.backup(NOON).path
    for earlier in itertools.islice(scenario(), 3, 5):
        do(ledger, earlier)
    old = content(ledger)
    crash(ledger)
    ledger = opened(home, disk := PowerDisk(home))
    dice = random.Random(seed)
    found = []
    cuts = itertools.count(1)

    def cut(call):
        target = quick_path / f"after {next(cuts)}"
        disk.medium.after_power_cut(dice, ANY, target)
        left = opened(target, QuickDisk())
        found.append((call, content(left), [str(problem) for problem in left.verify()]))
        crash(left)

    disk.on_call = cut
    ledger.archive_and_clear(NOON) if step == "clear" else ledger.restore(backup, NOON)
    cut("the end")
    disk.on_call = lambda _call: None
    new = content(ledger)
    crash(ledger)
    assert old != new
    assert [problems for *_, problems in found if problems] == []
    assert [call for call, held, _ in found if held not in (old, new)] == []
    assert found[-1][1] == new
    assert len(found) > 20
