"""How far fal's bills are known once an export is taken in: what of its coverage goes on from what is known here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from trayd.facts import Batch, Coverage
from trayd.ledger.store import Ledger
from trayd.operations.history_file import HistoryFile
from trayd.reports.json_export import Line


class ToldBills:
    """The bills that an export tells of.

    Args:
        file: the export, once it is checked.
        ledger: where it is taken to.
        names: what names of accounts in the export have to be called there.
        now: the time (UTC). Bills of later were not read by anybody, whatever a clock said.
    """

    def __init__(self, file: HistoryFile, ledger: Ledger, names: Mapping[str, str], now: datetime) -> None:
        self._file = file
        self._ledger = ledger
        self._names = names
        self._now = now
        self._usernames = {fact.name: fact.username for fact in file.head.accounts if fact.username is not None}
        self._before = tuple(self._claims())

    def take(self) -> None:
        """Takes over how far billing has been read, where that goes on from what is known by now, or nothing is."""
        for _, claim in self._claims():
            self._ledger.add(Batch(coverage=(claim,)))

    def cover(self, line: Line, *, taken: bool) -> bool:
        """Whether it is known here what fal has billed at the time of a record.

        Args:
            line: the record.
            taken: the export's own bills are taken over by now, or never are; else those that can be are reckoned with.
        """
        claims = () if taken else self._before
        account = self._usernames.get(line.account or "", line.account or "")
        told = [claim for name, claim in claims if self._usernames.get(name, name) == account]
        known = self._ledger.coverage(self._names.get(account, account))
        bills = told if known is None else [*told, known]
        if not bills:
            # Those of a record that names no account can be any account's.
            bills = [*(claim for _, claim in claims), *self._ledger.coverages()]
        return any(each.since <= line.timestamp < each.until for each in bills)

    def _claims(self) -> Iterator[tuple[str, Coverage]]:
        """Each with the name of its account in the export."""
        for told in self._file.coverage():
            account = self._names.get(told.account, told.account)
            # What was billed before is no news here: of expensive jobs nobody is told who has taken them in by hand.
            claim = msgspec.structs.replace(
                told,
                account=account,
                until=min(told.until, self._now),
                fetched_at=min(told.fetched_at, self._now),
                first_completed_at=self._now,
                continues=None,
            )
            if claim.until <= claim.since:
                continue
            known = self._ledger.coverage(account)
            if known is not None:
                if claim.until < known.since or known.until < claim.since:
                    continue  # nobody has read the bills in between
                claim = msgspec.structs.replace(
                    known,
                    account=account,
                    since=min(known.since, claim.since),
                    until=max(known.until, claim.until),
                    fetched_at=max(known.fetched_at, claim.fetched_at),
                    continues=known.fetched_at,
                )
            yield told.account, claim
