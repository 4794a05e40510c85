"""What batches change in the records: worked out completely before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from types import NoneType
from typing import Any, TypeVar

import msgspec

from trayd.errors import LedgerError, RecordError
from trayd.facts import Added, Batch, BillingFact, EventFact, Link, RunFact, Tagging, UserEdit
from trayd.ledger import merge
from trayd.ledger.merge import NOTHING, RecordFacts
from trayd.ledger.month import RECORDS, Month, month_of
from trayd.ledger.months import Months
from trayd.ledger.pair import Change
from trayd.ledger.state import State
from trayd.ledger.tables import LinkKept, Row, facts_of, row_of
from trayd.records import EDITABLE_FIELDS, ExternalCost

#: So many taggings can be taken back; older ones are there to stay.
TAGGINGS_KEPT = 100

#: What is younger than this is told again at the next poll; a longer overlap costs a look at its records.
_TOLD_AGAIN = timedelta(days=4)

F = TypeVar("F", EventFact, RunFact)


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What a fetch told of a request.

    Attributes:
        content: a hash of it.
        at: when the newest fetch that told the same began (UTC).
    """

    content: int
    at: datetime


class Work:
    """The changes that batches make, not yet written.

    Args:
        recently: what fal told last of a request, by kind and request id: so that what it tells again needs no look
            at the record, and an older fetch that arrives later does not undo what a newer one has confirmed. It lives
            as long as the program does, like the fetches themselves, and costs no write.

    Attributes:
        seen: what is to be remembered in ``recently`` once the batches are durable.
        first: changes of the state that have to be durable before the records are.
        last: changes of the state that claim the records, and come after them.
    """

    def __init__(self, months: Months, state: State, recently: Mapping[tuple[str, str], Seen]) -> None:
        self._months = months
        self._state = state
        self._recently = recently
        self.seen: dict[tuple[str, str], Seen] = {}
        self._home: dict[str, Month] = {}
        self._links: dict[str, str] = {}
        self._parted: dict[str, str] = {}
        self._leaving: list[str] = []
        self._facts: dict[str, RecordFacts] = {}
        self.first: list[Change] = []
        self.last: list[Change] = []
        self._known = 0
        self._told: list[tuple[dict[str, None], int]] = []
        self._touched: dict[str, None] = {}
        self._created: set[str] = set()
        self._changed: set[str] = set()
        self._taggings: tuple[Tagging, ...] = ()

    def take(self, batch: Batch) -> None:
        """Works one more batch in.

        Raises:
            RecordError: a fact breaks a rule of its type.
            LedgerError: an edit or a link is about a record that there is not, or a link contradicts another.
        """
        coming = {event.digest for event in batch.events if event.request_id is None} if batch.links else ()
        for link in batch.links:
            if link.undone is None:
                self._link(link, comes=link.record_id in coming)
            else:
                self._part(link)
        for cost in batch.costs:
            known = self._known_facts(cost.id, cost.timestamp)
            self._learn(cost.id, known, merge.with_cost(known, cost))
        for event in batch.events:
            record_id = self._resolve(event.record_id)
            known = self._known_facts(record_id, event.time)
            self._learn(record_id, known, merge.with_event(known, _plain(event)))
        for billing in batch.billing:
            if not billing.rows:
                raise RecordError(f"billing of the request {billing.request_id} has no row", "leave it out")
            when = min(row.timestamp for row in billing.rows)
            self._fetch("billing", billing, merge.with_billing, when)
        for run in batch.runs:
            self._fetch("run", _plain(run), merge.with_run, run.sent_at)
        for edit in batch.edits:
            self._edit(edit)
        self._taggings += batch.taggings
        self._told.append((self._touched, self._known))
        self._touched, self._known = {}, 0

    def added(self) -> list[Added]:
        """What became of each batch, once the changes are known :meth:`by_month`."""
        found = []
        new = set(self._created)
        for touched, known in self._told:
            created = tuple(record_id for record_id in touched if record_id in new)
            new.difference_update(created)
            changed = (self._created - new).difference(created) | self._changed
            found.append(Added(created=created, changed=tuple(filter(changed.__contains__, touched)), known=known))
        return found

    def by_month(self) -> list[tuple[Month, list[Change]]]:
        """The changes of the records by the month they are stored in, in the order in which they are written.

        What the state has to know before is in ``first`` from then on.
        """
        changes: dict[str, tuple[Month, list[Change]]] = {}
        # An event is safe as a record of its own before its request lets go of it.
        late: dict[str, tuple[Month, list[Change]]] = {}
        bereft = set(self._parted.values())
        begun: dict[str, Month] = {}
        for record_id, facts in self._facts.items():
            row = row_of(record_id, facts)
            month = self._home.get(record_id)
            if month is None:
                name = month_of(row.view.timestamp)
                if name not in begun:
                    begun[name] = self._months.begun(name)
                month = self._home[record_id] = begun[name]
            old = month.rows.get(record_id)
            if old is None:
                self._created.add(record_id)
            elif old.view != _like(old, row):
                self._changed.add(record_id)
            written = late if record_id in bereft else changes
            written.setdefault(month.name, (month, []))[1].append(Change(RECORDS, record_id, row))
        self._note_taggings()
        # An event leaves its old month when it is safe in the month of its request, never before.
        gone = [(self._home[old_id], [Change(RECORDS, old_id, None)]) for old_id in self._leaving]
        return [*changes.values(), *late.values(), *gone]

    def _resolve(self, record_id: str) -> str:
        if record_id in self._parted:
            return record_id
        return self._links.get(record_id) or self._state.resolve(record_id)

    def _find(self, record_id: str, near: datetime | None) -> Month | None:
        month = self._home.get(record_id)
        if month is None:
            month = self._months.find(record_id, near)
            if month is not None:
                self._home[record_id] = month
        return month

    def _known_facts(self, record_id: str, near: datetime | None) -> RecordFacts:
        facts = self._facts.get(record_id)
        if facts is None:
            month = self._find(record_id, near)
            row = month.rows.get(record_id) if month else None
            facts = facts_of(row) if row else NOTHING
        return facts

    def _learn(self, record_id: str, before: RecordFacts, after: RecordFacts) -> bool:
        """Takes down what is known of a record now; whether a fact told anything new."""
        if after is before:
            self._known += 1
            return False
        self._put(record_id, after)
        return True

    def _put(self, record_id: str, facts: RecordFacts) -> None:
        if facts.cost is not None and (facts.events or facts.billing is not None or facts.run is not None):
            # One of the two would be gone from every total.
            raise RecordError(f"{record_id} is the id of a cost and of a generation", "give the cost another id")
        self._facts[record_id] = facts
        self._touched[record_id] = None

    def _fetch(
        self,
        kind: str,
        fact: BillingFact | RunFact,
        joined: Callable[[RecordFacts, Any], RecordFacts],
        when: datetime,
    ) -> None:
        key = (kind, fact.request_id)
        content = merge.content(fact)
        seen = self.seen.get(key) or self._recently.get(key)
        if seen is not None and (seen.content == content or fact.fetched_at < seen.at):
            if seen.content == content:
                self.seen[key] = Seen(content, max(seen.at, fact.fetched_at))
            self._known += 1
            return
        facts = self._known_facts(fact.request_id, when)
        known = facts.billing if isinstance(fact, BillingFact) else facts.run
        if known is not None and merge.content(known) == content:
            self._known += 1
            now = Seen(content, max(known.fetched_at, fact.fetched_at))
        elif self._learn(fact.request_id, facts, joined(facts, fact)):
            now = Seen(content, fact.fetched_at)
        else:
            return
        # A first poll tells of years, once.
        if seen is not None or fact.fetched_at - when <= _TOLD_AGAIN:
            self.seen[key] = now

    def _edit(self, edit: UserEdit) -> None:
        record_id = self._resolve(edit.record_id)
        if edit.field not in EDITABLE_FIELDS:
            raise RecordError(f"{edit.field} of {edit.record_id} is not for editing", _EDITABLE)
        if record_id not in self._facts and self._find(record_id, None) is None:
            raise no_record(edit.record_id)
        event = edit.record_id if edit.record_id != record_id else None
        facts = self._known_facts(record_id, edit.at)
        self._learn(record_id, facts, merge.with_edit(facts, edit, event))

    def _link(self, link: Link, *, comes: bool) -> None:
        """Makes an event part of its request.

        Args:
            link: what a person has said.
            comes: the event is in the same batch; where there is no record of it yet there never is one of its own,
                which would count beside what its request was billed.
        """
        kept = self._state.link(link.record_id)
        if kept is not None and kept.link.undone is not None:
            if not kept.done or link.at <= kept.link.undone:
                self._known += 1
                return
            kept = None
        goes_to = kept.link.request_id if kept else self._links.get(link.record_id)
        if goes_to is not None and goes_to != link.request_id:
            raise LedgerError(
                f"{link.record_id} is linked to {goes_to} already",
                f"take that back first with `trayd link --undo {link.record_id}`",
            )
        if goes_to is not None and (kept is None or kept.done):
            facts = self._known_facts(link.request_id, None)
            # Of a batch that a crash cut off the link can be known, and nothing else.
            lost = comes and all(known.record_id != link.record_id for known in facts.links)
            self._learn(link.request_id, facts, merge.with_link(facts, link) if lost else facts)
            return
        month = self._find(link.record_id, None)
        row = month.rows.get(link.record_id) if month else None
        if row is None and kept is not None:
            self.last.append(Change("links", link.record_id, LinkKept(kept.link, done=True)))
            return
        if row is None and not comes:
            raise no_event(link.record_id)
        home = self._find(link.request_id, None)
        if home is not None and link.request_id in home.rows:
            _refuse_all_but_requests(link.request_id, home.rows[link.request_id])
        facts = self._known_facts(link.request_id, None)
        self._links[link.record_id] = link.request_id
        if row is None:
            self._put(link.request_id, merge.with_link(facts, link))
            self.first.append(Change("links", link.record_id, LinkKept(link, done=True)))
            return
        _refuse_all_but_events(link.record_id, row)
        if home is None and month is not None:
            self._home[link.request_id] = month
        brought = merge.brought(facts_of(row), link.record_id)
        self._put(link.request_id, merge.with_link(merge.join(facts, brought), link))
        self._leaving.append(link.record_id)
        self.first.append(Change("links", link.record_id, LinkKept(link, done=False)))
        self.last.append(Change("links", link.record_id, LinkKept(link, done=True)))

    def _part(self, link: Link) -> None:
        """Makes an event that was linked a record of its own again."""
        kept = self._state.link(link.record_id)
        if kept is None or kept.link.request_id != link.request_id:
            raise LedgerError(f"{link.record_id} is not linked to {link.request_id}", "look at the ids again")
        if link.record_id in self._parted or (kept.link.undone is not None and kept.done):
            self._known += 1
            return
        rest, own = merge.parted(self._known_facts(link.request_id, None), link.record_id)
        if own.events:
            self._put(link.record_id, merge.join(self._known_facts(link.record_id, None), own))
            if rest is None:
                self._facts.pop(link.request_id, None)
                self._leaving.append(link.request_id)
            else:
                self._put(link.request_id, rest)
            self.first.append(Change("links", link.record_id, LinkKept(link, done=False)))
        self._parted[link.record_id] = link.request_id
        self.last.append(Change("links", link.record_id, LinkKept(link, done=True)))

    def _note_taggings(self) -> None:
        """Keeps with each tagging the months where its edits are, also those that moved with an event."""
        if not (self._taggings or self._links or self._parted):
            return
        before: dict[str, Tagging] = self._state.rows("taggings")
        known = dict(before)
        for moved in (self._links, self._parted):
            for event, request in moved.items():
                homes = {home.name for each in (event, request) if (home := self._home.get(each))}
                for key, tagging in known.items():
                    if homes & set(tagging.months):
                        known[key] = msgspec.structs.replace(tagging, months=tuple(sorted({*tagging.months, *homes})))
        touched = {month.name for record_id in self._facts if (month := self._home.get(record_id))}
        for tagging in self._taggings:
            months = tuple(sorted({*tagging.months, *touched}))
            known[str(tagging.number)] = msgspec.structs.replace(tagging, months=months)
        old = sorted(known, key=int)[:-TAGGINGS_KEPT]
        for key, tagging in known.items():
            if key not in old and before.get(key) != tagging:
                # One that is taken back in part can be taken back again, and one that was made in part as well.
                (self.first if tagging.undone is None else self.last).append(Change("taggings", key, tagging))
        self.last += [Change("taggings", key, None) for key in old if key in before]


_LINKABLE = "events without a request id are linked; `trayd history --unmatched` lists them"
_EDITABLE = f"it can be one of {', '.join(EDITABLE_FIELDS)}"


def no_record(record_id: str) -> LedgerError:
    """The refusal of an id that no record has."""
    return LedgerError(f"there is no record {record_id}", "`trayd history --ids` shows the ids")


def no_event(record_id: str) -> LedgerError:
    """The refusal of an id that was to be linked, or not to be any more, and that no record has."""
    return LedgerError(f"there is no record {record_id}", "`trayd history --unmatched` lists the events to link")


def _refuse_all_but_events(record_id: str, row: Row) -> None:
    view = row.view
    if isinstance(view, ExternalCost):
        raise LedgerError(f"{record_id} is a cost from outside fal", f"no request of fal belongs to it; {_LINKABLE}")
    if view.request_id is not None:
        raise LedgerError(f"{record_id} has a request id already, {view.request_id}", _LINKABLE)


def _refuse_all_but_requests(request_id: str, row: Row) -> None:
    if isinstance(row.view, ExternalCost) or row.view.request_id is None:
        what = "a cost from outside fal" if isinstance(row.view, ExternalCost) else "an event without a request id"
        raise LedgerError(f"{request_id} is {what}", "name the request of fal that the event belongs to")


def _like(old: Row, new: Row) -> Any:
    """The new record with what is worked out when it is read taken from the old one."""
    if isinstance(old.view, ExternalCost) or isinstance(new.view, ExternalCost):
        return new.view
    return msgspec.structs.replace(
        new.view,
        account=old.view.account if new.account == old.account else new.view.account,
        unit=old.view.unit if new.unit == old.unit else new.view.unit,
        display_name=old.view.display_name,
        operation=old.view.operation,
        counting=old.view.counting,
    )


_READS_BACK = frozenset({int, float, bool, NoneType})


def _plain(fact: F) -> F:
    """The fact as it reads once it has been written: free fields can hold whatever a file held."""
    if _reads_back(fact.parameters) and (not isinstance(fact, EventFact) or _reads_back(fact.extra)):
        return fact
    try:
        return msgspec.json.decode(msgspec.json.encode(fact), type=type(fact))
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise RecordError(f"a field of the request {fact.request_id} cannot be stored ({error})") from error


def _reads_back(values: dict[str, Any]) -> bool:
    """Whether a look at them tells that JSON gives these back as they are: most are words and numbers."""
    for name, value in values.items():
        if type(name) is not str or not name.isascii():
            return False
        if type(value) not in _READS_BACK and not (type(value) is str and value.isascii()):
            return False
    return True


def joined(batches: Sequence[Batch]) -> Batch:
    """Several batches as one."""
    if len(batches) == 1:
        return batches[0]
    every: dict[str, Any] = {}
    for field in Batch.__struct_fields__:
        values = [getattr(batch, field) for batch in batches]
        if isinstance(values[0], dict):
            every[field] = {key: value for each in values for key, value in each.items()}
        elif field == "pause":
            every[field] = next((value for value in reversed(values) if value is not None), None)
        else:
            every[field] = tuple(chain(*values))
    return Batch(**every)
