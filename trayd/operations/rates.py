"""What a person asks about exchange rates: which are in use on a day, from when, and where they are from."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Context, Decimal

import msgspec

from trayd.errors import UsageError
from trayd.ledger.store import Ledger
from trayd.money import EXACT, is_currency
from trayd.rates import Rates, RateSource
from trayd.records import Filters
from trayd.settings import Settings

#: More digits than the bank tells, and fewer than a person stumbles over.
_SHOWN = Context(prec=12)


class RatesQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which rates.

    Attributes:
        date: of which day, as 2026-11-20; today without it.
        currencies: their codes, separated by commas; without any, those that amounts are in, or else all that are
            known.
    """

    date: str = ""
    currencies: str = ""


class ListedRate(msgspec.Struct, frozen=True, kw_only=True):
    """The rate of a currency; what is not known is None, and ``source`` empty.

    Attributes:
        rate: what one unit of the currency is in the home currency, to 12 digits.
        inverse: the other way round.
        used: there are amounts in it.
        published: the day that the rate was published for.
        source: where it is from; ``last_known``: see :class:`trayd.rates.Rate`.
    """

    currency: str
    rate: Decimal | None
    inverse: Decimal | None
    used: bool
    published: date | None = None
    source: RateSource | None = None
    last_known: bool = False


class ListedRates(msgspec.Struct, frozen=True, kw_only=True):
    """The rates of a day.

    Attributes:
        home: the currency that they lead to.
        needed: there are amounts in a foreign currency.
        newest: the newest day whose rates were fetched; None where none were.
        fetch: whether the settings let rates be fetched; ``trouble``: why they could not be, where that failed.
        url: where they are fetched; empty: nowhere, because fal is a stand-in.
        folder: where they are kept.
    """

    home: str
    day: date
    rates: list[ListedRate]
    needed: bool
    newest: date | None
    fetch: bool
    trouble: str
    url: str
    folder: str


def foreign_currencies(ledger: Ledger, settings: Settings, before: date | None = None) -> set[str]:
    """The currencies of amounts that need a rate: those that are not the home currency.

    Args:
        ledger: whose amounts.
        settings: the home currency, and the shared costs.
        before: only amounts of earlier days.
    """
    until = None if before is None else datetime.combine(before, time(), UTC)
    found = {each.heading.currency for each in ledger.sums(Filters(until=until))}
    found |= {pool.currency for pool in settings.pool if before is None or pool.since < before}
    return found - {"", settings.home_currency}


def listed_rates(
    ledger: Ledger, settings: Settings, rates: Rates, query: RatesQuery, *, today: date, url: str | None, folder: str
) -> ListedRates:
    """The rates that are asked for.

    Raises:
        UsageError: the date is none, or a currency is not known.
    """
    day = _day(query.date) if query.date else today
    used = foreign_currencies(ledger, settings)
    asked = {code.strip().upper() for code in query.currencies.split(",") if code.strip()}
    for code in sorted(asked):
        if not is_currency(code):
            raise UsageError(f"{code!r} is no ISO 4217 code", "write one such as USD or SEK")
    home = settings.home_currency
    currencies = asked or used or set(rates.quoted(day))
    return ListedRates(
        home=home,
        day=day,
        rates=[_listed(rates, home, code, day, used=code in used) for code in sorted(currencies - {home})],
        needed=bool(used),
        newest=rates.newest,
        fetch=settings.rates.fetch,
        trouble=rates.trouble,
        url=url or "",
        folder=folder,
    )


def _listed(rates: Rates, home: str, code: str, day: date, *, used: bool) -> ListedRate:
    rate = rates.converter(home).rate(code, day)
    if rate is None:
        return ListedRate(currency=code, rate=None, inverse=None, used=used)
    return ListedRate(
        currency=code,
        rate=_short(rate.factor),
        inverse=_short(EXACT.divide(Decimal(1), rate.factor)),
        used=used,
        published=rate.published,
        source=rate.source,
        last_known=rate.last_known,
    )


def _short(number: Decimal) -> Decimal:
    return _SHOWN.plus(number).normalize(_SHOWN)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no date", "write it as 2026-11-20") from None
