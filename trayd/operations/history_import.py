"""Takes a JSON export into the ledger: into an empty one as it was, into another one by the rules of merging.

What is in it are facts, as sources tell them; so taking one in twice changes nothing, and what is known better here
stays. What the settings of its ledger decided is told, not taken over.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import msgspec

from trayd.alerts.imports import quietly
from trayd.alerts.rules import EXPENSIVE_WITHIN
from trayd.errors import LedgerFullError, TraydError
from trayd.facts import AccountFact, Batch, UserEdit
from trayd.intake.rejection import RefusedError, Rejection, printable, shown
from trayd.intake.take import ImportResult, RejectedRow
from trayd.ledger.merge import RecordFacts, fold
from trayd.ledger.store import Ledger
from trayd.money import Money
from trayd.operations.history_bills import ToldBills
from trayd.operations.history_file import HistoryFile, Row, cost_of
from trayd.operations.whole_history import facts_without_prompts
from trayd.rates import Converter
from trayd.records import Counting, Record
from trayd.reports.json_export import Head
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
    first = tuple(fold(row.id, row.facts) for row in islice(taking.wanted(), sample) if row.facts) if dry_run else ()
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
        self._names, self._accounts = _accounts(file.head, ledger)
        self._bills = ToldBills(file, ledger, self._names, now)
        # As long as nobody else writes in between, what was empty has to come to what the export says.
        self._alone = ledger.span() is None
        self._version = ledger.records_version
        self._unmatched = 0
        self._of_settings: Counter[str] = Counter()
        self._shares = 0
        self._differs: list[str] = []
        self._new: set[str] = set()
        self.recorded = self.known = 0
        self.rejected = list(file.rejected)

    def wanted(self) -> Iterator[Row]:
        """The records to take in, each with its facts."""
        for row in self._file.rows():
            if row.facts is not None and not self._is_in_doubt(row):
                yield row

    def _is_in_doubt(self, row: Row) -> bool:
        """Whether it is an event that counts by what fal has billed, and the bills of its time are not known here."""
        return row.line.counting is Counting.UNMATCHED and (self._file.is_part or not self._bills.cover(row.line))

    def count(self) -> Iterator[int]:
        """Counts what the ledger does not know by its id; how far it is."""
        for done, row in enumerate(self._file.rows(), start=1):
            if self._leave_out(row):
                continue
            known = self._ledger.get(row.id) is not None
            self.known += known
            self.recorded += not known
            if done % _LOOKED_AT == 0:
                yield done

    def _leave_out(self, row: Row) -> bool:
        if row.facts is None:
            if row.line.share_of is msgspec.UNSET:
                self._of_settings[row.line.description or ""] += 1
            else:
                self._shares += 1
            return True
        if self._is_in_doubt(row):
            self._unmatched += 1
            return True
        return False

    def take(self) -> Iterator[int]:
        """Takes all of it in, a part at a time; how far it is."""
        head = self._file.head
        models = tuple(model for model in head.models if model.seen_at <= self._now + _CLOCKS_DIFFER)
        self._ledger.add(Batch(models=models, accounts=self._accounts))
        self._take_links_back()
        rows, done = self._file.rows(), 0
        sums: Counter[str] = Counter()
        while some := list(islice(rows, _RECORDS)):
            done += len(some)
            part = [row for row in some if not self._leave_out(row)]
            young = any(row.line.timestamp >= self._now - EXPENSIVE_WITHIN for row in part)
            self._new.clear()
            self._alone = self._alone and self._version == self._ledger.records_version
            with quietly(self._ledger, self._settings.alerts, self._now) if young else nullcontext():
                self._add(part)
            self._version = self._ledger.records_version
            for row in part:
                cost = cost_of(row)
                if cost is not None:
                    sums[cost.currency] += cost.nanos
            yield done
        if not self.rejected:
            for claim in self._bills.claims():
                self._ledger.add(Batch(coverage=(claim,)))
            if self._alone and not self._file.is_part and self._version == self._ledger.records_version:
                self._compare(sums)

    def _take_links_back(self) -> None:
        """Takes links back here that were taken back there since."""
        for link in self._file.head.links:
            known = self._ledger.link_of(link.record_id)
            if known is not None and (known.request_id, known.at, known.undone) == (link.request_id, link.at, None):
                self._ledger.add(Batch(links=(link,)))

    def _add(self, part: Sequence[Row]) -> None:
        """Adds these records; where one of them is refused it is the only one."""
        facts = {row.id: self._ours(row.facts) for row in part if row.facts is not None}
        try:
            self._write(facts)
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
        self.recorded += sum(record_id in self._new for record_id in facts)
        self.known += sum(record_id not in self._new for record_id in facts)

    def _write(self, facts: dict[str, RecordFacts]) -> None:
        every = facts.values()
        batches = (
            Batch(
                events=tuple(chain.from_iterable(each.events for each in every)),
                billing=tuple(each.billing for each in every if each.billing is not None),
                runs=tuple(each.run for each in every if each.run is not None),
                costs=tuple(each.cost for each in every if each.cost is not None),
            ),
            # An event is linked once it is there by itself, and edited once it is where it belongs.
            Batch(links=tuple(chain.from_iterable(each.links for each in every))),
            Batch(edits=tuple(_edits(facts))),
        )
        for batch in batches:
            if batch == Batch():
                continue
            added = self._ledger.add(batch)
            self._new.update(added.created, added.changed)

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

    def _compare(self, sums: Counter[str]) -> None:
        """Looks whether the ledger, which has nothing else, comes to what the export says."""
        found: Counter[str] = Counter()
        for each in self._ledger.sums():
            if each.heading.counting in {Counting.ACTUAL, Counting.ESTIMATE}:
                found[each.heading.currency] += each.nanos
        for currency in sorted({*sums, *found}):
            if sums[currency] != found[currency]:
                there, here = (Money(nanos[currency], currency).text() for nanos in (sums, found))
                self._differs.append(f"the ledger comes to {here} {currency} now, and the export to {there}")

    def notes(self) -> Iterator[str]:
        """What a person has to know."""
        yield from (f"{each}; look at it with `trayd ledger verify`" for each in self._differs)
        yield from _notes_of_settings(self._file.head, self._settings)
        if self._unmatched:
            bills = (
                "that this part of a history may not have; an export of all clients and models has both"
                if self._file.is_part
                else "that are not known here: have them fetched, or take in exports of the time up to it, and it again"
            )
            events = _left_out(self._unmatched, "unmatched event")
            yield f"{events}: whether fal has billed them is told by bills {bills}"
        if self._shares and self._file.is_part:
            yield (
                f"{_left_out(self._shares, 'share')} of costs that other projects bear as well: "
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


def _accounts(head: Head, ledger: Ledger) -> tuple[dict[str, str], tuple[AccountFact, ...]]:
    """What names of accounts in the export have to be called here, and the accounts of which it tells something new.

    A name that is another account's here is replaced by fal's own name. One that fal has not told the account of here
    is of the account that it was of there.
    """
    ours = ledger.accounts()
    usernames = {fact.username for fact in ours.values()} - {None}
    names: dict[str, str] = {}
    new: list[AccountFact] = []
    for fact in head.accounts:
        known = ours.get(fact.name)
        if known is None and fact.username is None:
            new.append(fact)
        elif fact.username is None or (known is not None and known.username == fact.username):
            continue
        elif fact.username not in usernames and (known is None or known.username is None):
            # Until it is reached from here nothing more is known of it.
            here = known or msgspec.structs.replace(fact, state="no_key")
            new.append(msgspec.structs.replace(here, username=fact.username, has_credits=fact.has_credits))
        else:
            names[fact.name] = fact.username
    return names, tuple(new)


def _notes_of_settings(head: Head, settings: Settings) -> Iterator[str]:
    pools = [pool for pool in head.pools if pool not in settings.pool]
    if pools:
        yield (
            f"its settings tell of {len(pools)} shared cost{'' if len(pools) == 1 else 's'} that yours do not; to have "
            f"{'it' if len(pools) == 1 else 'them'} counted, add with `trayd config edit`:\n{_toml('pool', pools)}"
        )
    fixed = [rate for rate in head.rates.fixed if rate not in settings.rates.fixed]
    if fixed:
        yield (
            "its amounts were converted at rates that were fixed in its settings; to have the same, add with "
            f"`trayd config edit`:\n{_toml('rates.fixed', fixed)}"
        )
    differing: list[tuple[str, str, Callable[[], str], str]] = [
        ("home_currency", head.home_currency, lambda: settings.home_currency, "totals in one currency are in yours"),
        (
            "time_zone",
            head.time_zone,
            lambda: str(settings.zone()),
            "days, and with them the rates of amounts, can differ",
        ),
    ]
    for key, theirs, ours, so in differing:
        if theirs != ours():
            yield (
                f"its {key.replace('_', ' ')} was {shown(theirs)}, yours is {ours()}: {so}; "
                f"`trayd config set {key} {shlex.quote(shown(theirs))}` has them as they were"
            )


def _toml(table: str, entries: Sequence[msgspec.Struct]) -> str:
    """The entries as they stand in the settings file."""
    lines: list[str] = []
    for entry in entries:
        lines += ["", f"[[{table}]]"]
        for name, key in zip(entry.__struct_fields__, entry.__struct_encode_fields__, strict=True):
            value = getattr(entry, name)
            if value is not None and value != "":
                lines.append(f"{key} = {_toml_value(value)}")
    return "\n".join(lines)


def _toml_value(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml_value(key)} = {_toml_value(part)}" for key, part in value.items()) + " }"
    return msgspec.json.encode(value).decode()  # a text in JSON is one in TOML
