"""What the ledger knows beside the records: accounts, coverage, balances, models, episodes, files, links."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from trayd.episodes import Episode, with_changed
from trayd.errors import LedgerDamagedError, LedgerError, LedgerFullError
from trayd.facts import AccountFact, AlertPause, BalanceJump, Batch, Checked, Coverage, Difference, Link, ModelFact
from trayd.ledger.archive import names_in
from trayd.ledger.disk import Disk
from trayd.ledger.jumps import Jumps
from trayd.ledger.naming import naming, operation_changes, says_the_same, with_model
from trayd.ledger.pair import Change, LedgerPaths, Pair
from trayd.ledger.past import Past, place
from trayd.ledger.readings import WRITE_ANYWAY, Readings
from trayd.ledger.tables import STATE_TABLES, Differences, Identity, LinkKept, ModelKnown, Naming, StateDB
from trayd.records import DEFAULT_ACCOUNT, BalanceReading


class State:
    """The state pair, typed.

    What differs from the row before only in its time (an account that answered again, a model with the same price)
    is kept in memory and becomes durable with the next change of the state, or at the next checkpoint: each poll
    writes its watermark anyway, and a crash in between costs the age of a value, never a value.

    What is done with leaves for the past, so that the state stays as small as it is in its first weeks. Links do not:
    without them a record would be found twice.

    Args:
        clock: tells what is old (with a zone).
    """

    def __init__(self, folders: LedgerPaths, disk: Disk, clock: Callable[[], datetime]) -> None:
        self.pair = Pair("state", folders, disk, StateDB, tuple(STATE_TABLES))
        self.past = Past(self.pair, folders, disk)
        self.folders = folders
        self._clock = clock
        self._waiting: dict[tuple[str, str], Change] = {}
        self._canonical: dict[str, str] = {}
        self._covered: dict[str, Coverage] = {}
        self._default_is_real = False
        self._only: str | None = None
        self._derive()
        self._readings = Readings(self.pair, clock)
        self._jumps = Jumps(self.pair, self.past)

    @property
    def dirty(self) -> bool:
        """Whether a checkpoint has something to write."""
        return self.pair.dirty or bool(self._waiting) or self.past.more

    @property
    def notices(self) -> tuple[str, ...]:
        """What was found damaged, missing or edited since the start, and mended."""
        return (*self.pair.notices, *self.past.notices)

    def rows(self, table: str) -> dict[str, Any]:
        """The rows of a table by key."""
        return self.pair.table(table).rows

    def base_url(self) -> str | None:
        """The API whose history this is; None while nobody has said."""
        identity: Identity | None = self.rows("identity").get("base_url")
        return identity.base_url if identity else None

    # Accounts: several names can stand for one.

    def canonical(self, account: str) -> str:
        """Fal's username where it is known of this account, else the account as it is."""
        return self._canonical.get(account, account)

    def _derive(self) -> None:
        accounts: dict[str, AccountFact] = self.rows("accounts")
        usernames = {fact.username for fact in accounts.values() if fact.username}
        self._canonical = {
            fact.name: fact.username for fact in accounts.values() if fact.username and fact.name not in usernames
        }
        default = accounts.get(DEFAULT_ACCOUNT)
        self._default_is_real = default is not None and (default.username is not None or default.state != "no_key")
        self._only = next(iter(usernames)) if len(usernames) == 1 else None
        self._covered = {}
        for coverage in self.rows("coverage").values():
            name = self.canonical(coverage.account)
            known = self._covered.get(name)
            self._covered[name] = _together(known, coverage, name)

    def coverage(self, account: str) -> Coverage | None:
        """How far billing has been read, under any of the account's names."""
        return self._covered.get(self.canonical(account))

    def account_of(self, account: str) -> str:
        """Whose a record is. One that names no account is of the only one there is, unless ``default`` is one."""
        if account == DEFAULT_ACCOUNT and not self._default_is_real and self._only is not None:
            return self._only
        return self.canonical(account)

    def other_bills(self, account: str) -> tuple[Coverage, ...]:
        """The bills that a record which names no account may be in, where there are several accounts."""
        if account != DEFAULT_ACCOUNT or self._default_is_real:
            return ()
        return tuple(self._covered.values())

    def latest_balances(self) -> dict[str, BalanceReading]:
        """The newest reading of each account."""
        newest: dict[str, BalanceReading] = {}
        for reading in map(self._presented, self._readings.newest.values()):
            known = newest.get(reading.account)
            if known is None or known.at <= reading.at:
                newest[reading.account] = reading
        return newest

    def balances(self, account: str | None, since: datetime | None) -> Iterator[BalanceReading]:
        """The readings, oldest first; those of years ago are read from their files."""
        wanted = None if account is None else self.canonical(account)
        readings = map(self._presented, self.past.rows("balances", BalanceReading, since))
        return (reading for reading in readings if wanted is None or reading.account == wanted)

    def jumps(self, account: str | None) -> tuple[BalanceJump, ...]:
        """Where an account's balance rose, or was not known for hours, in the last 400 days, the oldest first."""
        self._catch_up()
        wanted = None if account is None else self.canonical(account)
        jumps = [
            BalanceJump(name, self._presented(jump.before), self._presented(jump.after))
            for jump in self._jumps.rows.values()
            if (name := self.canonical(jump.account)) == wanted or wanted is None
        ]
        return tuple(sorted(jumps, key=lambda jump: (jump.after.at, jump.account)))

    def first_balance(self, account: str) -> BalanceReading | None:
        """The first reading there is of an account."""
        self._catch_up()
        wanted = self.canonical(account)
        firsts = [self._presented(one) for one in self._jumps.firsts.values() if self.canonical(one.account) == wanted]
        return min(firsts, key=lambda one: one.at, default=None)

    def _catch_up(self) -> None:
        missing = self._jumps.missing(self._clock())
        if missing:
            self.apply([], missing)

    def _presented(self, reading: BalanceReading) -> BalanceReading:
        account = self.canonical(reading.account)
        return reading if account == reading.account else msgspec.structs.replace(reading, account=account)

    def episodes(self) -> dict[str, Episode]:
        """See :meth:`trayd.ledger.known.Known.episodes`."""
        return dict(self.rows("episodes"))

    def past_episodes(self, since: datetime | None) -> Iterator[Episode]:
        """All episodes that are over, by their ends, the first one first."""
        return self.past.rows("episodes", Episode, since)

    def naming(self, endpoint_id: str, when: datetime) -> Naming | None:
        """What a model was called at a time: the last name seen before it, else the first one ever seen."""
        known: ModelKnown | None = self.rows("models").get(endpoint_id)
        return naming(known, when) if known else None

    def operation_changes(self, endpoint_id: str | None) -> set[datetime]:
        """The times from which on a model was of another operation, as far as :meth:`naming` tells."""
        known: ModelKnown | None = self.rows("models").get(endpoint_id or "")
        return operation_changes(known) if known else set()

    def link(self, record_id: str) -> LinkKept | None:
        """Where the event that once had this id belongs."""
        link: LinkKept | None = self.rows("links").get(record_id)
        return link

    def resolve(self, record_id: str) -> str:
        """The id of the record that answers to this id now."""
        link = self.link(record_id)
        return link.link.request_id if link and link.link.undone is None else record_id

    def unfinished_links(self) -> list[Link]:
        """Links whose event was not moved before the program ended."""
        return [kept.link for kept in self.rows("links").values() if not kept.done]

    def differences(self) -> tuple[Difference, ...]:
        """All differences between fal's totals and the ledger's."""
        return tuple(row for kept in self.rows("differences").values() for row in kept.rows)

    def pause(self) -> datetime | None:
        """Until when a person wants no notifications; None where nobody said so."""
        pause: AlertPause | None = self.rows("pause").get("alerts")
        if pause is None:
            return None
        return None if pause.resumed and pause.until > self._clock() else pause.until

    # Changes.

    def changes(self, batch: Batch) -> tuple[list[Change], list[Change]]:
        """What of a batch belongs to the state: what has to be written, and what can wait."""
        changes = list(self._of(batch))
        # What cannot wait takes others of its row along, or one that came before it would take its place.
        at_once = {(change.table, change.key) for change, can_wait in changes if not can_wait}
        now = [change for change, _ in changes if (change.table, change.key) in at_once]
        later = [change for change, _ in changes if (change.table, change.key) not in at_once]
        return now, later

    def _of(self, batch: Batch) -> Iterator[tuple[Change, bool]]:
        yield from self._accounts(batch.accounts)
        yield from self._models(batch.models)
        for claim in batch.coverage:
            if not self._goes_on(claim):
                continue
            coverage = msgspec.structs.replace(claim, continues=None)
            known = self.rows("coverage").get(coverage.account)
            if known is None or (known != coverage and known.fetched_at <= coverage.fetched_at):
                yield Change("coverage", coverage.account, coverage), False
        balances = list(self._readings.changes(batch.balances))
        jumps = self._jumps.changes([change.row for change in balances], self._clock())
        yield from ((change, False) for change in (*balances, *jumps))
        yield from self._compared(batch)
        if batch.pause is not None and self.rows("pause").get("alerts") != batch.pause:
            yield Change("pause", "alerts", batch.pause), False
        yield from self._episodes(batch.episodes)
        for file in batch.files:
            if file.digest not in self.rows("files"):
                yield Change("files", file.digest, file), False

    def _compared(self, batch: Batch) -> Iterator[tuple[Change, bool]]:
        for account, rows in batch.differences.items():
            if self.rows("differences").get(account, Differences(())).rows != rows:
                yield Change("differences", account, Differences(rows) if rows else None), False
        for check in batch.checks:
            before: Checked | None = self.rows("checks").get(check.account)
            if before != check:
                yield Change("checks", check.account, check), before is not None and _found_the_same(before, check)

    def _goes_on(self, claim: Coverage) -> bool:
        """Whether what a fetch went on from is still what is known."""
        known = self.coverage(claim.account)
        return claim.continues is None or (known is not None and known.fetched_at == claim.continues)

    def _accounts(self, facts: tuple[AccountFact, ...]) -> Iterator[tuple[Change, bool]]:
        for fact in facts:
            known = self.rows("accounts").get(fact.name)
            if known != fact:
                yield Change("accounts", fact.name, fact), known is not None and _timeless(known) == _timeless(fact)

    def _models(self, facts: tuple[ModelFact, ...]) -> Iterator[tuple[Change, bool]]:
        seen: dict[str, ModelKnown] = {}
        for fact in facts:
            known = seen.get(fact.endpoint_id) or self.rows("models").get(fact.endpoint_id)
            new = with_model(known, fact)
            if new == known:
                continue
            seen[fact.endpoint_id] = new
            can_wait = known is not None and says_the_same(known, new)
            soon = known is not None and new.latest.seen_at - known.latest.seen_at < WRITE_ANYWAY
            yield Change("models", fact.endpoint_id, new), can_wait and soon

    def _episodes(self, episodes: tuple[Episode, ...]) -> Iterator[tuple[Change, bool]]:
        if not episodes:
            return
        known = self.rows("episodes")
        for key, episode in with_changed(known, episodes).items():
            if known.get(key) != episode:
                yield Change("episodes", key, episode), False

    def with_waiting(self, changes: list[Change]) -> list[Change]:
        """The changes, and with them those that waited for a write."""
        named = {(change.table, change.key) for change in changes}
        return [*(change for key, change in self._waiting.items() if key not in named), *changes]

    def apply(self, written: list[Change], later: list[Change]) -> None:
        """Makes changes visible: those that are durable now, and those that wait."""
        if written:
            self._waiting.clear()
        self._waiting |= {(change.table, change.key): change for change in later}
        self.pair.apply([*written, *later])
        readings = [change.row for change in written if change.table == "balances" and change.row is not None]
        self._readings.note(readings)
        self._jumps.note(readings)
        if written or later:
            self._derive()

    def checkpoint(self) -> None:
        """Writes what waited, lets go of what is old, and writes the TinyDB file, without a pause.

        Raises:
            LedgerFullError: the disk refused; what was durable is, and the next checkpoint tries again.
        """
        for _ in self.checkpoint_steps():
            pass

    def checkpoint_steps(self) -> Iterator[None]:
        """The same in short steps, between which whole changes can be made; see :meth:`Pair.checkpoint_steps`."""
        refused = None
        try:
            self.past.let_go(self._clock(), {place(reading) for reading in self._readings.newest.values()})
            self._let_go_of_jumps()
        except LedgerFullError as error:
            refused = error
        yield
        # In one step with the first of the file's: what comes to wait in between would be in the file alone.
        self._write_waiting()
        yield from self.pair.checkpoint_steps()
        if refused is not None:
            raise refused

    def _let_go_of_jumps(self) -> None:
        old = self._jumps.old(self._clock())
        if old:
            self.pair.write(old)
            self.pair.apply(old)

    def verify(self) -> list[str]:
        """Reads both files again and compares them with each other and with memory; the problems found."""
        # What waits is in memory alone, and is no damage.
        self._write_waiting()
        return self.pair.verify()

    def _write_waiting(self) -> None:
        if self._waiting:
            self.pair.write(list(self._waiting.values()))
            self._waiting.clear()


def _timeless(fact: AccountFact) -> AccountFact:
    return msgspec.structs.replace(fact, as_of=None, tried_at=None)


def _found_the_same(before: Checked, check: Checked) -> bool:
    return (before.agrees, before.fal - before.ledger) == (check.agrees, check.fal - check.ledger)


def _together(known: Coverage | None, other: Coverage, account: str) -> Coverage:
    """One account's coverage out of what was kept under two of its names."""
    other = msgspec.structs.replace(other, account=account)
    if known is None:
        return other
    newer, older = sorted((known, other), key=lambda one: (one.fetched_at, one.until), reverse=True)
    touches = older.until >= newer.since
    return msgspec.structs.replace(
        newer,
        since=min(newer.since, older.since) if touches else newer.since,
        until=max(newer.until, older.until) if touches else newer.until,
        first_completed_at=min(newer.first_completed_at, older.first_completed_at),
    )


def refuse_lost(state: Pair, folders: LedgerPaths) -> None:
    """A ledger that says whose history it is has a state before it has anything else.

    Raises:
        LedgerDamagedError: there are other pairs, and both files of the state are gone.
    """
    if not state.begun and set(names_in(folders)) - {"state"}:
        raise LedgerDamagedError(
            f"{state.file} and {state.mirror} are both missing, and there are months",
            "restore a backup, or run `trayd ledger rebuild state`, which goes on without them: links, alerts and what "
            "was taken in are forgotten, and the next poll reads billing anew; nothing was changed or deleted",
        )


def refuse_other_api(state: State, base_url: str, ledger: object) -> None:
    """A ledger holds the history of one API.

    Raises:
        LedgerDamagedError: it lacks the files that say which.
        LedgerError: it remembers another one.
    """
    known = state.base_url()
    if known is None:
        refuse_lost(state.pair, state.folders)
    if known is not None and known != base_url:
        raise LedgerError(
            f"the ledger in {ledger} holds the history of {known}, not of {base_url}",
            "set TRAYD_HOME to another folder for it, or TRAYD_FAL_URL back",
        )
