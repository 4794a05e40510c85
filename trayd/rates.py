"""Exchange rates with their dates: what an amount of one day in one currency is in another.

They are the European Central Bank's euro reference rates, crossed through the euro, and what the user has fixed in the
settings. The rate of a day without one (a weekend, a holiday) is that of the last day before it. Where no rate is known
there is none: it is never 1, and never 0.

Where the rates are kept and who fetches them is no matter here: tables are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from trayd.money import EXACT
from trayd.target_days import newest_due, target_day_after, target_day_at

if TYPE_CHECKING:
    from trayd.rate_settings import FixedRate

EURO = "EUR"

#: The rates of a day are waited for this long after the usual hour before anybody is told that they are missing.
_PATIENCE = timedelta(hours=2)

#: Somewhere on Earth it is this much later than in UTC, and a day that has begun there is nobody's future.
_EARLIEST_ZONE = timedelta(hours=14)

#: Currencies that the euro has replaced: since when, and for how many of them one euro was given. That rate holds for
#: ever (Council Regulation (EC) No 2866/98 as amended). Those replaced earlier are in no costs of today.
_REPLACED = {
    "HRK": (date(2023, 1, 1), Decimal("7.53450")),
    "BGN": (date(2026, 1, 1), Decimal("1.95583")),
}


class RateSource(StrEnum):
    """Where a rate is from."""

    ECB = "ecb"  #: the European Central Bank's reference rates, fetched
    SETTINGS = "settings"  #: fixed by the user
    BUNDLED = "bundled"  #: the European Central Bank's, from the table that comes with trayd
    HOME = "home"  #: none is needed: it is the home currency itself


class Rate(msgspec.Struct, frozen=True, gc=False):
    """What an amount of one day is multiplied by.

    Attributes:
        factor: home currency for one of the other; above zero, exact to 60 digits.
        published: the day that the rate was published for, or from which on the user has fixed it.
        source: where it is from. One that is made of two is called by the one that is less sure.
        last_known: nothing newer is known although the day asked for should have a rate of its own by now, or lies
            ahead.
        any_day: it is the same on every day: ``published`` is the day asked for.
    """

    factor: Decimal
    published: date
    source: RateSource
    last_known: bool
    any_day: bool = False


class Quotes(NamedTuple):
    """What a table has for a day.

    Attributes:
        published: the day that the rates were published for.
        per_euro: how much of each currency one euro was.
        followed: the table tells the next rates as well, so that none is missing in between.
    """

    published: date
    per_euro: tuple[Decimal, ...]
    followed: bool


class Table(Protocol):
    """Rates against the euro, by day."""

    @property
    def version(self) -> int:
        """Counts up with every change."""

    def renew(self) -> None:
        """Has what is on disk looked at again."""

    def span(self) -> tuple[date, date] | None:
        """The first and the last day that have rates; None where there is none."""

    def currencies(self, day: date) -> Sequence[str]:
        """Those that have a rate on a day or have had one shortly before."""

    def at(self, currencies: Sequence[str], day: date) -> Quotes | None:
        """The rates of these currencies, all of one day: that day, or the last before it that has them.

        None where the table has none, and where it has stopped having them: a currency that is quoted no longer.
        """


class Converter:
    """Rates into one home currency, cheap to ask again and again.

    It knows one state of the rates: :meth:`Rates.converter` gives another one as soon as they are different.

    Args:
        currency: the home currency.
        find: tells the rate of a currency on a day.

    Attributes:
        currency: the home currency.
    """

    def __init__(self, currency: str, find: Callable[[str, date], Rate | None]) -> None:
        self.currency = currency
        self._find = find
        self._known: dict[tuple[str, date], Rate | None] = {}

    def rate(self, currency: str, day: date) -> Rate | None:
        """What to multiply an amount in that currency by, of that day; None where no rate is known."""
        asked = currency, day
        try:
            return self._known[asked]
        except KeyError:
            found = self._known[asked] = self._find(currency, day)
            return found


class Rates:
    """All rates that are known. To be used on one thread; the daemon's is the ledger's.

    Args:
        fetched: the European Central Bank's, as fetched.
        bundled: the same, as they came with trayd: asked where the others are older or have none.
        fixed: the user's own; they come first.
        clock: the time (UTC), to tell what is out.

    Attributes:
        fixed: may be replaced when the settings change.
        trouble: why the rates could not be fetched; empty where they could.
    """

    def __init__(
        self, fetched: Table, bundled: Table, *, fixed: Sequence[FixedRate] = (), clock: Callable[[], datetime]
    ) -> None:
        self.fixed = tuple(fixed)
        self.trouble = ""
        self._fetched = fetched
        self._bundled = bundled
        self._clock = clock
        self._converters: dict[str, Converter] = {}
        self._state: object = None

    def converter(self, home: str) -> Converter:
        """Rates into that currency; the same object as long as it would tell the same."""
        now = self._clock()
        due, begun = newest_due(now, _PATIENCE), (now + _EARLIEST_ZONE).date()
        state = (self.fixed, self._fetched.version, due, begun)
        if state != self._state:
            self._state = state
            self._converters.clear()
        known = self._converters.get(home)
        if known is None:
            finding = _Finding(self._fetched, self._bundled, self.fixed, home, due, begun)
            known = self._converters[home] = Converter(home, finding.rate)
        return known

    @property
    def newest(self) -> date | None:
        """The newest day whose rates were fetched."""
        span = self._fetched.span()
        return span[1] if span else None

    def quoted(self, day: date) -> Sequence[str]:
        """The currencies that the bank has a rate of on that day."""
        return sorted({EURO, *(self._fetched.currencies(day) or self._bundled.currencies(day))})

    def renew(self) -> None:
        """Has everything looked up again: other rates may be known now."""
        self._fetched.renew()


class _Way(NamedTuple):
    """From a currency to one that a table may know: itself, or the one that the user has fixed it to."""

    currency: str
    factor: Decimal
    fixed: bool


class _Finding:
    """Finds rates into one currency.

    Args:
        due: the newest day whose rates should be known.
        begun: the newest day that has begun anywhere.
    """

    def __init__(
        self, fetched: Table, bundled: Table, fixed: Sequence[FixedRate], home: str, due: date, begun: date
    ) -> None:
        self._tables = ((fetched, RateSource.ECB), (bundled, RateSource.BUNDLED))
        self._fixed = fixed
        self._home = home
        self._due = due
        self._begun = begun

    def rate(self, currency: str, day: date) -> Rate | None:
        if currency == self._home:
            return Rate(Decimal(1), day, RateSource.HOME, last_known=False, any_day=True)
        for fixed in self._fixed:
            if fixed.holds(day) and (factor := fixed.factor(currency, self._home)) is not None:
                since = fixed.since
                return Rate(factor, since or day, RateSource.SETTINGS, last_known=False, any_day=since is None)
        # The bank's own rates first, from whichever table: else an amount would be another once rates are fetched.
        for come in self._ways(currency, day):
            for go in self._ways(self._home, day):
                rate = self._crossed(come, go, day)
                if rate is not None:
                    return rate
        return None

    def _crossed(self, come: _Way, go: _Way, day: date) -> Rate | None:
        """The rate of one way through the euro, from the table that has the newer one."""
        found: Rate | None = None
        for table, source in self._tables:
            rate = _between(table, source, come, go, day)
            if rate is None:
                continue
            factor, quotes, called = rate
            published = quotes.published if quotes else day
            if found is None or published > found.published:
                behind = quotes is not None and self._behind(quotes, day)
                ever = quotes is None and not (come.fixed or go.fixed)
                found = Rate(factor, published, called, last_known=behind, any_day=ever)
            if not found.last_known:
                break
        return found

    def _ways(self, currency: str, day: date) -> Iterator[_Way]:
        yield _Way(currency, Decimal(1), fixed=False)
        for fixed in self._fixed:
            if fixed.holds(day) and (other := fixed.other(currency)) is not None:
                factor = fixed.factor(currency, other)
                if factor is not None:
                    yield _Way(other, factor, fixed=True)

    def _behind(self, quotes: Quotes, day: date) -> bool:
        if quotes.followed:
            return False
        return target_day_after(quotes.published) <= min(day, self._due) or target_day_at(day) > self._begun


def _between(
    table: Table, source: RateSource, come: _Way, go: _Way, day: date
) -> tuple[Decimal, Quotes | None, RateSource] | None:
    """The factor between the two ends, what it was read from, and what its source is to be called."""
    asked = [way.currency for way in (come, go) if _constant(way.currency, day) is None]
    quotes: Quotes | None = None
    if come.currency == go.currency:
        asked = []
    if asked:
        quotes = table.at(asked, day)
        if quotes is None:
            return None
    quoted = dict(zip(asked, quotes.per_euro if quotes else (), strict=True))
    into, out = (quoted.get(way.currency) or _constant(way.currency, day) or Decimal(1) for way in (come, go))
    factor = EXACT.divide(EXACT.multiply(come.factor, out), EXACT.multiply(into, go.factor))
    called = RateSource.SETTINGS if (come.fixed or go.fixed) and source is RateSource.ECB else source
    return factor, quotes, called


def _constant(currency: str, day: date) -> Decimal | None:
    """How much of it one euro is, where that is so for ever; None where it changes by the day."""
    if currency == EURO:
        return Decimal(1)
    since, per_euro = _REPLACED.get(currency, (None, None))
    return per_euro if since is not None and day >= since else None
