"""The inputs of forecasts, budgets and unusual days: the history of known days, and a cache of what was computed.

All of it is asked for after each poll, so it is computed from sums alone, and the cache holds until the ledger, the
settings, the rates or the civil day are different.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple, Protocol, TypeVar

from trayd.books import Books
from trayd.facts import AccountFact, Coverage
from trayd.forecasting.cached_sums import CachedSums
from trayd.insight.known_days import History, SpentDays, histories, spent_days
from trayd.ledger.store import Ledger
from trayd.rates import Converter, Rates
from trayd.records import Filters
from trayd.settings import Settings

_DAY = timedelta(days=1)

_Found = TypeVar("_Found")


class LedgerContext(Protocol):
    """What forecasts are computed from, as it is now; :class:`trayd.operations.operations.Operations` gives it."""

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


class _CacheKey(NamedTuple):
    """The key of the cache: as long as it is the same, so are the answers."""

    version: int
    settings: Settings
    converter: Converter
    today: date


class Inputs:
    """What forecasts are computed from, with a cache of what was computed.

    Args:
        context: gives the ledger, the settings and the rates as they are now.

    Attributes:
        context: the same.
    """

    def __init__(self, context: LedgerContext) -> None:
        self.context = context
        self._ledger = CachedSums(context.ledger, lambda: self.today)
        self._books: tuple[Books, Books] | None = None
        self._cache_key: _CacheKey | None = None
        self._cache: dict[Hashable, Any] = {}

    def cached(self, key: Hashable, find: Callable[[], _Found]) -> _Found:
        """What is computed, from the cache as long as nothing is different.

        Args:
            key: names it in the cache.
            find: computes it.
        """
        context = self.context
        key_now = _CacheKey(context.ledger.version, context.settings, context.converter, self.today)
        if key_now != self._cache_key:
            self._cache_key = key_now
            self._cache.clear()
        if key not in self._cache:
            self._cache[key] = find()
        found: _Found = self._cache[key]
        return found

    @property
    def books(self) -> Books:
        """The ledger with the pools in, and a cache of closed months.

        Of the ledger's own sums alone: the shares of a pool follow what is spent up to the end of its period, and
        which projects there are, so the past of a client can change by what is recorded today.
        """
        books = self.context.books
        if self._books is None or self._books[0] is not books:
            self._books = books, books.over(self._ledger)
        return self._books[1]

    @property
    def today(self) -> date:
        """The civil day that it is."""
        return self.context.now.astimezone(self.zone).date()

    @property
    def zone(self) -> tzinfo:
        """The user's, in which days begin."""
        return self.context.settings.zone()

    def accounts(self) -> dict[str, AccountFact | None]:
        """The accounts that are set up, by the user's names."""
        known = self.context.ledger.accounts()
        return {name: known.get(name) for name in self.context.names}

    def histories(self, scope: Filters, converter: Converter, first: date, last: date) -> Mapping[str, History]:
        """The known days of each account that is set up, within a scope, of these days as far as they are over."""
        until, ledger, zone = min(last, self.today - _DAY), self.context.ledger, self.zone

        def find() -> Mapping[str, History]:
            def spent(since: date, to: date) -> SpentDays:
                return spent_days(ledger, scope, first=since, last=to, zone=zone, converter=converter)

            parts = self._ledger.by_days(("spent", scope, converter), first, until + _DAY, zone, spent)
            return histories(parts, first=first, last=until, zone=zone, coverage=self._coverage())

        return self.cached(("histories", scope, converter, first, until), find)

    def _coverage(self) -> dict[str, Coverage]:
        """How far the billing of the accounts that are set up has been read, by their own names."""
        found = {}
        for name, fact in self.accounts().items():
            username = (fact.username if fact else None) or name
            covered = self.context.ledger.coverage(username)
            if covered is not None:
                found[username] = covered
        return found
