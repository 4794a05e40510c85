"""What a writer does to a ledger, and what it must change: each as a fact for the ledger and a rule of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import TypeAlias

import msgspec

from tests.ledger.making import DAY, HOUR, NOON, balance, billing, cost, covers, edit, estimate, event, row
from tests.soak.model import Known, Model, instant
from trayd.facts import Batch, EventFact, FileTaken, Link
from trayd.ledger.store import Ledger
from trayd.money import Money

ACCOUNT = "acme"
#: Where a writer puts its backup, in the home's folder.
BACKUP = "saved.zip"

_SINCE = NOON - 100 * DAY
_CENT = 10**7


def _event(number: int, request_id: str | None) -> EventFact:
    said = _told(number)
    return event(
        f"e{number}" if request_id else f"lost{number}",
        request_id,
        instant(number),
        account=ACCOUNT,
        estimate=estimate("0.50"),
        parameters={"resolution": "1080p", "duration": str(number % 9)},
        source="premiere",
        **said,
    )


def _told(number: int) -> dict[str, str]:
    return {"client": f"client {number % 7}", "project": f"project {number % 11}"}


class Told(msgspec.Struct, frozen=True):
    """An event of a request, or one without a request id."""

    number: int
    lost: bool

    def batch(self) -> Batch:
        return Batch(events=(_event(self.number, None if self.lost else f"r{self.number}"),))

    def apply(self, model: Model) -> None:
        record_id = f"lost{self.number}" if self.lost else f"r{self.number}"
        (model.lost if self.lost else model.told).append(record_id)
        model.records[record_id] = Known(told=_told(self.number))
        model.next = self.number + 1


class Polled(msgspec.Struct, frozen=True):
    """Billing of several requests, new ones and corrected ones, and the watermark that claims them."""

    cents: dict[str, int]
    at: int
    covered: int

    def batch(self) -> Batch:
        facts = []
        for request_id, cents in self.cents.items():
            when = instant(int(request_id[1:]))
            first = Money(cents // 3 * _CENT)
            rows = [row(part.text(), when) for part in (first, Money(cents * _CENT - first.nanos))]
            facts.append(billing(request_id, *rows, fetched=_moment(self.at), account=ACCOUNT))
        # The watermark comes slowly, so that not all events without a request id are unmatched.
        until = _SINCE + self.covered * HOUR
        return Batch(billing=tuple(facts), coverage=(covers(ACCOUNT, _SINCE, until, _moment(self.at)),))

    def apply(self, model: Model) -> None:
        for request_id, cents in self.cents.items():
            known = model.records.get(request_id)
            if known is None:
                model.billed.append(request_id)
            model.records[request_id] = msgspec.structs.replace(known or Known(), actual=cents * _CENT)
            model.next = max(model.next, int(request_id[1:]) + 1)
        model.covered = self.covered
        model.next = max(model.next, self.at + 1)


class Edited(msgspec.Struct, frozen=True):
    """A person tags or notes one record, or many at once."""

    record_ids: tuple[str, ...]
    field: str
    value: str | None
    at: int

    def batch(self) -> Batch:
        return Batch(edits=tuple(edit(one, self.field, self.value, _moment(self.at)) for one in self.record_ids))

    def apply(self, model: Model) -> None:
        for record_id in self.record_ids:
            model.records[record_id] = model.records[record_id].edited(self.field, self.at, self.value)
        model.next = self.at + 1


class Linked(msgspec.Struct, frozen=True):
    """A person says which request an event without a request id belongs to."""

    record_id: str
    request_id: str

    def batch(self) -> Batch:
        return Batch(links=(Link(record_id=self.record_id, request_id=self.request_id, at=NOON),))

    def apply(self, model: Model) -> None:
        model.lost.remove(self.record_id)
        model.billed.remove(self.request_id)
        model.told.append(self.request_id)
        model.links[self.record_id] = self.request_id
        lost = model.records.pop(self.record_id)
        model.records[self.request_id] = model.records[self.request_id].joined(lost)


class Filed(msgspec.Struct, frozen=True):
    """A dropped file with several events and other costs."""

    numbers: tuple[int, ...]

    @property
    def digest(self) -> str:
        return f"file{self.numbers[0]}"

    def batch(self) -> Batch:
        events = tuple(_event(number, f"r{number}") for number in self.numbers[::2])
        costs = tuple(cost(f"c{number}", instant(number), "20.00", client="client 1") for number in self.numbers[1::2])
        taken = FileTaken(
            digest=self.digest, name=f"{self.digest}.jsonl", at=instant(self.numbers[0]), recorded=len(self.numbers)
        )
        return Batch(events=events, costs=costs, files=(taken,))

    def apply(self, model: Model) -> None:
        for number in self.numbers[::2]:
            model.records[f"r{number}"] = Known(told=_told(number))
            model.told.append(f"r{number}")
        for number in self.numbers[1::2]:
            model.records[f"c{number}"] = Known(actual=2000 * _CENT, told={"client": "client 1"})
            model.costs.append(f"c{number}")
        model.files.append(self.digest)
        model.next = self.numbers[-1] + 1


class Balanced(msgspec.Struct, frozen=True):
    """The balance has changed."""

    at: datetime
    cents: int

    def batch(self) -> Batch:
        return Batch(balances=(balance(Money(self.cents * _CENT).text(), self.at, ACCOUNT),))

    def apply(self, model: Model) -> None:
        model.balances.append((self.at, self.cents * _CENT))


class Checkpointed(msgspec.Struct, frozen=True):
    """A checkpoint: whole, or begun in steps that go on between the operations after it."""

    stepped: bool

    def apply(self, model: Model) -> None:
        pass


class Reset(msgspec.Struct, frozen=True):
    """The history is archived and cleared."""

    def apply(self, model: Model) -> None:
        _become(model, model.cleared())


class BackedUp(msgspec.Struct, frozen=True):
    """A backup is made, over the one before."""

    def apply(self, model: Model) -> None:
        model.saved = None
        model.saved = model.copy()


class Restored(msgspec.Struct, frozen=True):
    """The backup is put back."""

    def apply(self, model: Model) -> None:
        _become(model, model.restored())


Fact: TypeAlias = Told | Polled | Edited | Linked | Filed | Balanced
Operation: TypeAlias = Fact | Checkpointed | Reset | BackedUp | Restored

#: What spans several pairs: a crash can leave a part of it, which the same facts complete when they come again.
IN_PARTS = (Polled, Edited, Filed)


def _become(model: Model, other: Model) -> None:
    for field in Model.__struct_fields__:
        setattr(model, field, getattr(other, field))


def _moment(number: int) -> datetime:
    """When the n-th thing was done, which orders what was done to the same record."""
    return NOON + timedelta(milliseconds=number)


def operations(chance: Random, model: Model) -> Iterator[Operation]:
    """Whatever comes next; whoever asks applies each to the model before asking for the next."""
    kinds, weights = zip(*_WEIGHTS.items(), strict=True)
    while True:
        made = chance.choices(kinds, weights)[0](chance, model)
        if made is not None:
            yield made


def _told_of(chance: Random, model: Model) -> Operation:
    return Told(model.next, lost=chance.random() < 0.4)


def _polled(chance: Random, model: Model) -> Operation:
    requests = [f"r{model.next + offset}" for offset in range(chance.randrange(5))]
    known = [*model.billed, *model.told]
    requests += chance.sample(known, min(len(known), chance.randrange(3)))
    at = model.next + len(requests)
    cents = {request_id: chance.randrange(3, 900) for request_id in requests}
    return Polled(cents, at, model.covered + 1)


def _edited(chance: Random, model: Model) -> Operation | None:
    if not model.records:
        return None
    many = list(model.records) if len(model.records) < 400 else [*model.billed[-50:], *model.told[-50:], "r1"]
    chosen = chance.sample(many, min(len(many), chance.choice((1, 1, 1, 12))))
    chosen = [record_id for record_id in chosen if record_id in model.records]
    field = chance.choice(("client", "project", "note", "note"))
    # A long note makes the mirror outgrow the file, so that it is written anew.
    long = chance.randrange(1500, 4000) if field == "note" else 0
    value = None if chance.random() < 0.1 else f"{field} {model.next} {'x' * long}"
    return Edited(tuple(chosen), field, value, model.next) if chosen else None


def _linked(chance: Random, model: Model) -> Operation | None:
    if not model.lost or not model.billed:
        return None
    return Linked(chance.choice(model.lost), chance.choice(model.billed))


def _filed(chance: Random, model: Model) -> Operation:
    return Filed(tuple(range(model.next, model.next + chance.randrange(2, 9))))


def _balanced(chance: Random, model: Model) -> Operation:
    # Far enough apart that some are old enough to be put away; never the same twice, which would be one reading.
    count = len(model.balances)
    return Balanced(NOON - 20 * DAY + count * 6 * HOUR, 2 * chance.randrange(1, 5000) + count % 2)


def _backed_up(chance: Random, model: Model) -> Operation | None:  # noqa: ARG001 - all are called alike
    return BackedUp() if model.records or model.balances or model.covered else None


def _restored(chance: Random, model: Model) -> Operation | None:  # noqa: ARG001 - all are called alike
    return None if model.saved is None else Restored()


_WEIGHTS: dict[Callable[[Random, Model], Operation | None], float] = {
    _told_of: 8,
    _polled: 5,
    _edited: 6,
    _linked: 3,
    _filed: 2,
    _balanced: 2,
    lambda *_: Checkpointed(stepped=True): 2,
    lambda *_: Checkpointed(stepped=False): 1,
    lambda *_: Reset(): 0.1,
    _backed_up: 0.2,
    _restored: 0.2,
}


class Hand:
    """Does operations to a ledger, and the steps of a checkpoint in between.

    Args:
        home: the folder of ledger and backups.
        chance: how far a checkpoint comes between two operations.
    """

    def __init__(self, ledger: Ledger, home: Path, chance: Random) -> None:
        self._ledger = ledger
        self._home = home
        self._chance = chance
        self._steps: Iterator[None] = iter(())

    def do(self, operation: Operation) -> None:
        """Returns when it is durable."""
        match operation:
            case Checkpointed(stepped=True):
                self._steps = self._ledger.checkpoint_steps()
            case Checkpointed():
                self._ledger.checkpoint()
            case Reset():
                self._ledger.archive_and_clear(NOON)
            case BackedUp():
                backup(self._ledger, self._home)
            case Restored():
                self._ledger.restore(self._home / BACKUP, NOON)
            case _:
                self._ledger.add(operation.batch())
        for _ in range(self._chance.choice((0, 1, 1, 2, 5))):
            next(self._steps, None)


def backup(ledger: Ledger, home: Path) -> None:
    """Makes a backup and has it take the place of the one before in one step."""
    made = home / f"new-{BACKUP}"
    made.unlink(missing_ok=True)
    ledger.backup(NOON, made)
    made.replace(home / BACKUP)
