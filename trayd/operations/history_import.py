"""Takes a JSON export into the ledger: into an empty one as it was, into another one by the rules of merging.

What is in it are facts, as sources tell them; so taking one in twice changes nothing, and what is known better here
stays. What the settings of its ledger decided is told, not taken over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any

import msgspec

from trayd.alerts.imports import quietly
from trayd.alerts.rules import EXPENSIVE_WITHIN
from trayd.errors import LedgerFullError, TraydError
from trayd.facts import Batch, Link, UserEdit
from trayd.intake.rejection import RefusedError, Rejection, printable, shown
from trayd.intake.take import ImportResult, RejectedRow
from trayd.ledger.merge import RecordFacts, fold
from trayd.ledger.store import Ledger
from trayd.money import Money
from trayd.operations.history_accounts import accounts_of
from trayd.operations.history_bills import ToldBills
from trayd.operations.history_file import HistoryFile
from trayd.operations.history_notes import notes_of_settings
from trayd.operations.history_records import Row
from trayd.operations.whole_history import facts_without_prompts
from trayd.rates import Converter
from trayd.records import Counting, Filters, Record
from trayd.settings import Settings
from trayd.steps import Step, Steps

# So many records become durable together, and whoever shares the ledger waits for so many.
_RECORDS = 500

# Recording takes twice as long as reading.
_PARTS = 3

_LOOKED_AT = 500

# Of what was told later than this from now on, a clock was wrong.
_CLOCKS_DIFFER = timedelta(days=1)


class TakenIn(msgspec.Struct, frozen=True):
    """What became of an export, or would.

    Attributes:
        notes: what a person has to know of it, in sentences.
        sample: the first records.
    """

    result: ImportResult
    notes: tuple[str, ...] = ()
    sample: tuple[Record, ...] = ()


def import_history(
    ledger: Ledger,
    name: str,
    data: bytes,
    *,
    settings: Settings,
    now: datetime,
    dry_run: bool,
    sample: int,
    converter: Callable[[str], Converter] | None = None,
) -> Steps[TakenIn]:
    """Takes an export in, or tells what would be recorded.

    Args:
        ledger: where to.
        name: the file's name, without folders.
        data: its content.
        settings: whether prompts are kept; what differs from those of the export is told.
        now: the time (UTC).
        dry_run: only tells.
        sample: how many of the first records are shown.
        converter: the rates that are known, into a currency; what they make of the export's total is told.

    Raises:
        LedgerFullError: the disk refused; what was written before is whole, and the file can be taken in again.
    """
    told, api = printable(name), ledger.base_url()
    try:
        yield Step(0, 0, apart=True)
        file = HistoryFile(data)
        _refuse_other_api(file.head.base_url, api)
        of = len(file)
        for done in file.check(now + _CLOCKS_DIFFER):
            if done % _LOOKED_AT == 0:
                yield Step(done // _PARTS, of, apart=True)
    except RefusedError as error:
        row = error.rejection
        return TakenIn(ImportResult(file=told, rejected=(_told(row),)))
    yield Step(of // _PARTS, of)
    taking = _Taking(file, ledger, settings, now)
    steps = taking.count() if dry_run else taking.take()
    for done in steps:
        yield Step((of + done * (_PARTS - 1)) // _PARTS, of)
    result = ImportResult(
        file=told,
        recorded=taking.recorded,
        duplicates=taking.known,
        rejected=tuple(map(_told, taking.rejected)),
    )
    first = tuple(fold(row.id, row.facts) for row in islice(taking.wanted(), sample)) if dry_run else ()
    notes = list(taking.notes())
    if converter is not None and not taking.rejected and (note := file.by_day.note(file.totals, converter)):
        notes.append(note)
    return TakenIn(result, tuple(notes), first)


def _told(rejection: Rejection) -> RejectedRow:
    return RejectedRow(rejection.line, rejection.column, rejection.value, rejection.reason)


def _refuse_other_api(told: str | None, known: str | None) -> None:
    if None not in {known, told} and known != told:
        raise RefusedError(
            Rejection(
                column="base_url",
                value=shown(str(told)),
                problem=f"it holds the history of {shown(str(told))}, and this ledger that of {known}",
                cure="set TRAYD_HOME to another folder for it, and TRAYD_FAL_URL to its own address",
            )
        )


class _Taking:
    """One export on its way into the ledger.

    Attributes:
        recorded: how many records told something new, and ``known`` how many did not.
        rejected: those that could not be taken in.
    """

    def __init__(self, file: HistoryFile, ledger: Ledger, settings: Settings, now: datetime) -> None:
        self._file = file
        self._ledger = ledger
        self._settings = settings
        self._now = now
        self._names, self._accounts = accounts_of(file.head, ledger)
        self._bills = ToldBills(file, ledger, self._names, now)
        # As long as nobody else writes in between, what was empty has to come to what the export says.
        self._alone = ledger.span() is None
        self._version = ledger.records_version
        self._unmatched = 0
        self._differs: list[str] = []
        self._new: set[str] = set()
        self._sums: Counter[str] = Counter()
        self.recorded = self.known = 0
        self.rejected = list(file.rejected)

    def wanted(self) -> Iterator[Row]:
        """The records that are taken in, as far as that can be told before."""
        yield from self._file.rows()
        yield from (row for row in self._file.loose() if not self._is_in_doubt(row, taken=False))

    def _is_in_doubt(self, row: Row, *, taken: bool) -> bool:
        """Whether it counts by what fal has billed, and the bills of its time are not known here.

        Args:
            row: an event without a request id.
            taken: the coverage of the export is taken over by now, as far as it ever is.
        """
        return row.line.counting is Counting.UNMATCHED and not self._bills.cover(row.line, taken=taken)

    def count(self) -> Iterator[int]:
        """Counts what the ledger does not know by its id; how far it is."""
        for done, row in enumerate(self.wanted(), start=1):
            known = self._ledger.get(row.id) is not None
            self.known += known
            self.recorded += not known
            if done % _LOOKED_AT == 0:
                yield done
        self._unmatched = sum(self._is_in_doubt(row, taken=False) for row in self._file.loose())

    def take(self) -> Iterator[int]:
        """Takes all of it in, a part at a time; how far it is.

        Events that fal may have billed come last, when the ledger knows that by its own coverage: before, their
        estimates would count beside these bills, and for ever where the import ends halfway.
        """
        head = self._file.head
        models = tuple(model for model in head.models if model.seen_at <= self._now + _CLOCKS_DIFFER)
        self._ledger.add(Batch(models=models, accounts=self._accounts))
        done = 0
        for done in self._record(self._file.rows()):
            yield done
        if not self.rejected:
            self._bills.take()
        yield from (done + more for more in self._record(self._settled()))
        yield len(self._file)
        whole = not self._file.is_part and not self.rejected
        if whole and head.filters == Filters():
            # The id of a row hangs on what the settings said there: here the same file would be another one.
            taken = (msgspec.structs.replace(file, at=min(file.at, self._now)) for file in head.statements)
            self._ledger.add(Batch(files=tuple(taken)))
        if whole and self._alone and self._version == self._ledger.records_version:
            self._compare()

    def _settled(self) -> Iterator[Row]:
        for row in self._file.loose():
            if self._is_in_doubt(row, taken=True):
                self._unmatched += 1
            else:
                yield row

    def _record(self, rows: Iterator[Row]) -> Iterator[int]:
        done = 0
        while part := list(islice(rows, _RECORDS)):
            done += len(part)
            young = any(row.line.timestamp >= self._now - EXPENSIVE_WITHIN for row in part)
            self._new.clear()
            self._alone = self._alone and self._version == self._ledger.records_version
            with quietly(self._ledger, self._settings.alerts, self._now) if young else nullcontext():
                self._add(part)
            self._version = self._ledger.records_version
            for row in part:
                if row.cost is not None:
                    self._sums[row.cost.currency] += row.cost.nanos
            yield done

    def _add(self, part: Sequence[Row]) -> None:
        """Adds these records; where one of them is refused, nothing of it is there, and it is the only one."""
        try:
            self._write(part)
        except LedgerFullError:
            raise
        except TraydError as error:
            if len(part) > 1:
                self._add(part[: len(part) // 2])
                self._add(part[len(part) // 2 :])
                return
            (row,) = part
            problem = f"the record {shown(row.id)} cannot be taken in: {error.message}"
            line, cure = self._file.line_of(row.number), error.cure or "make the export again"
            self.rejected.append(Rejection(line=line, problem=problem, cure=cure))
            return
        self.recorded += sum(row.id in self._new for row in part)
        self.known += sum(row.id not in self._new for row in part)

    def _write(self, part: Sequence[Row]) -> None:
        facts = {row.id: self._ours(row.facts) for row in part}
        every = facts.values()
        # All that is said of a record in one batch: it is there whole or not at all, with its links and edits.
        added = self._ledger.add(
            Batch(
                events=tuple(chain.from_iterable(each.events for each in every)),
                billing=tuple(each.billing for each in every if each.billing is not None),
                runs=tuple(each.run for each in every if each.run is not None),
                costs=tuple(each.cost for each in every if each.cost is not None),
                links=(*chain.from_iterable(each.links for each in every), *self._taken_back(facts)),
                edits=tuple(_edits(facts)),
            )
        )
        self._new.update(added.created, added.changed)

    def _taken_back(self, events: Collection[str]) -> Iterator[Link]:
        """The links of these events here that were taken back there since."""
        for link in self._file.head.links:
            if link.record_id in events:
                known = self._ledger.link_of(link.record_id)
                if known is not None and (known.request_id, known.at, known.undone) == (link.request_id, link.at, None):
                    yield link

    def _ours(self, facts: RecordFacts) -> RecordFacts:
        """The facts under the names that accounts have here, and without prompts where none are kept."""
        if not self._settings.store_prompts:
            facts = facts_without_prompts(facts)
        if not self._names:
            return facts
        return msgspec.structs.replace(
            facts,
            events=tuple(map(self._renamed, facts.events)),
            billing=facts.billing and self._renamed(facts.billing),
            run=facts.run and self._renamed(facts.run),
        )

    def _renamed(self, fact: Any) -> Any:
        name = self._names.get(fact.account)
        return fact if name is None else msgspec.structs.replace(fact, account=name)

    def _compare(self) -> None:
        """Looks whether the ledger, which has nothing else, comes to what the export says."""
        sums, found = self._sums, Counter[str]()
        for each in self._ledger.sums():
            if each.heading.counting in {Counting.ACTUAL, Counting.ESTIMATE}:
                found[each.heading.currency] += each.nanos
        for currency in sorted({*sums, *found}):
            if sums[currency] != found[currency]:
                there, here = (Money(nanos[currency], currency).text() for nanos in (sums, found))
                self._differs.append(f"the ledger comes to {here} {currency} now, and the export to {there}")

    def notes(self) -> Iterator[str]:
        """What a person has to know."""
        yield from (
            f"{each}: it was changed after it was made, or else `trayd ledger verify` says what is wrong here"
            for each in self._differs
        )
        yield from notes_of_settings(self._file.head, self._settings)
        if self._unmatched:
            bills = (
                "that this part of a history may not have; an export of all clients and models has both"
                if self._file.is_part
                else "that are not known here: have them fetched, or take in exports of the time up to it, and it again"
            )
            events = _left_out(self._unmatched, "unmatched event")
            yield f"{events}: whether fal has billed them is told by bills {bills}"
        if self._file.shares:
            yield (
                f"{_left_out(self._file.shares, 'share')} of costs that other projects bear as well: "
                "an export of all projects has these costs as a whole"
            )
        if self._file.is_part:
            yield "it is a part of a history: how far fal's bills have been read is not taken from it"
        elif self.rejected:
            yield "a record of it is missing: how far fal's bills have been read is not taken from it"


def _left_out(number: int, what: str) -> str:
    return f"left out {number:,} {what}{'' if number == 1 else 's'}"


def _edits(facts: dict[str, RecordFacts]) -> Iterator[UserEdit]:
    for record_id, each in facts.items():
        for edit in each.edits:
            yield UserEdit(
                record_id=edit.event or record_id, field=edit.field, value=edit.value, at=edit.at, undone=edit.undone
            )
