"""What forecasts, budgets and unusual days are found in: known days, and a memory of what was found.

All of it is asked for after each poll, so it is worked out from sums alone, and again only when the ledger, the
settings, the rates or the civil day are different.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple, Protocol, TypeVar

from trayd.books import Books
from trayd.facts import AccountFact, Coverage
from trayd.forecasting.settled import Settled
from trayd.insight.known_days import History, SpentDays, histories, spent_days
from trayd.ledger.store import Ledger
from trayd.rates import Converter, Rates
from trayd.records import Filters
from trayd.settings import Settings

_DAY = timedelta(days=1)

_Found = TypeVar("_Found")


class Asked(Protocol):
    """Who is asked for what forecasts are made from; :class:`trayd.operations.operations.Operations` is."""

    ledger: Ledger
    settings: Settings

    @property
    def rates(self) -> Rates:
        """The exchange rates."""

    @property
    def converter(self) -> Converter:
        """The rates into the home currency; another one as soon as they are different."""

    @property
    def books(self) -> Books:
        """The ledger with the pools in."""

    @property
    def now(self) -> datetime:
        """The time (UTC)."""

    @property
    def names(self) -> tuple[str, ...]:
        """The accounts that are set up, in the user's order."""


class _State(NamedTuple):
    """What answers are made from: where it is the same again, so are they."""

    version: int
    settings: Settings
    converter: Converter
    today: date


class Ground:
    """What is known by now.

    Args:
        asked: gives the ledger, the settings and the rates as they are now.

    Attributes:
        asked: the same.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self._ledger = Settled(asked.ledger, lambda: self.today)
        self._books: tuple[Books, Books] | None = None
        self._state: _State | None = None
        self._found: dict[Hashable, Any] = {}

    def once(self, key: Hashable, find: Callable[[], _Found]) -> _Found:
        """What is found, unless that was found before and nothing is different since.

        Args:
            key: what it is.
            find: finds it.
        """
        asked = self.asked
        state = _State(asked.ledger.version, asked.settings, asked.converter, self.today)
        if state != self._state:
            self._state = state
            self._found.clear()
        if key not in self._found:
            self._found[key] = find()
        found: _Found = self._found[key]
        return found

    @property
    def books(self) -> Books:
        """The ledger with the pools in, and a memory of months that are over.

        Of the ledger's own sums alone: the shares of a pool follow what is spent up to the end of its period, and
        which projects there are, so the past of a client can change by what is recorded today.
        """
        asked = self.asked.books
        if self._books is None or self._books[0] is not asked:
            self._books = asked, asked.over(self._ledger)
        return self._books[1]

    @property
    def today(self) -> date:
        """The civil day that it is."""
        return self.asked.now.astimezone(self.zone).date()

    @property
    def zone(self) -> tzinfo:
        """The user's, in which days begin."""
        return self.asked.settings.zone()

    def accounts(self) -> dict[str, AccountFact | None]:
        """The accounts that are set up, by the user's names."""
        known = self.asked.ledger.accounts()
        return {name: known.get(name) for name in self.asked.names}

    def histories(self, scope: Filters, converter: Converter, first: date, last: date) -> Mapping[str, History]:
        """The known days of each account that is set up, within a scope, of these days as far as they are over."""
        until, ledger, zone = min(last, self.today - _DAY), self.asked.ledger, self.zone

        def find() -> Mapping[str, History]:
            def spent(since: date, to: date) -> SpentDays:
                return spent_days(ledger, scope, first=since, last=to, zone=zone, converter=converter)

            parts = self._ledger.by_days(("spent", scope, converter), first, until + _DAY, zone, spent)
            return histories(parts, first=first, last=until, zone=zone, coverage=self._coverage())

        return self.once(("histories", scope, converter, first, until), find)

    def _coverage(self) -> dict[str, Coverage]:
        """How far the billing of the accounts that are set up has been read, by their own names."""
        found = {}
        for name, fact in self.accounts().items():
            username = (fact.username if fact else None) or name
            covered = self.asked.ledger.coverage(username)
            if covered is not None:
                found[username] = covered
        return found
