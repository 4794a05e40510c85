"""The headline figures of a report, each with what it is made of and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from trayd.money import Money, shown_amount
from trayd.records import Kind
from trayd.report_settings import ClientTerms
from trayd.reports.compliance import Tracked
from trayd.reports.figures import EXTERNAL_KINDS, Figures
from trayd.reports.missing_bills import MissingBills
from trayd.reports.notes import terms_told
from trayd.reports.words import Words, listed


class Kpi(msgspec.Struct, frozen=True):
    """A headline figure, with what it is made of.

    Attributes:
        id: internal, external, combined, generations or charge.
    """

    id: str
    label: str
    value: str
    detail: str


def cost_kpis(
    figures: Figures, tracked: Tracked, words: Words, missing: MissingBills | None, *, hidden: bool
) -> Iterator[Kpi]:
    """What it comes to, in three figures, and how many generations there are.

    Args:
        figures: what the records add up to, and ``tracked`` where they come from.
        tracked: of the same records.
        words: how figures are written.
        missing: of which time fal's bills are not known.
        hidden: whether they are what is charged, in the place of costs.
    """
    internal, external = ("AI generations", "External AI tools") if hidden else ("Total AI cost", "External AI costs")
    yield Kpi(
        "internal",
        internal,
        _known(figures, figures.internal, words, Kind.INTERNAL, missing=missing),
        _with("Internal: generations on fal.ai", _left_out(figures, words, Kind.INTERNAL), _bills(missing)),
    )
    yield Kpi(
        "external",
        external,
        _known(figures, figures.external, words, *EXTERNAL_KINDS),
        _with(_sources(tracked, words), _left_out(figures, words, *EXTERNAL_KINDS)),
    )
    yield Kpi(
        "combined",
        "Total charge" if hidden else "Combined total",
        _known(figures, figures.internal + figures.external, words, *Kind, missing=missing),
        _with(_together(figures, words, missing), _left_out(figures, words, *Kind), _bills(missing)),
    )
    beside = [
        words.count(number, what, what)
        for number, what in (
            (tracked.unpriced, "without a price yet"),
            (tracked.failed, "failed, not billed so far"),
            (tracked.running, "still running"),
            (tracked.unmatched, "unmatched"),
        )
        if number
    ]
    detail = listed(beside) or f"{words.number(tracked.confirmed)} confirmed by fal"
    yield Kpi("generations", "Generations", words.number(figures.total.generations), detail)


def charge_kpi(figures: Figures, terms: ClientTerms, home: str, words: Words, missing: MissingBills | None) -> Kpi:
    """What the client is charged by these terms, whose rates are in the home currency."""
    told = terms_told(terms, home, words)
    unknown = figures.charged.unknown
    without = words.count(unknown, "entry", "entries")
    return Kpi(
        "charge",
        "To charge",
        words.known(Money(figures.charged.nanos, figures.total.currency), lacking=unknown > 0 or missing is not None),
        _with(f"{told[0].upper()}{told[1:]}", f"{without} without a charge yet" if unknown else "", _bills(missing)),
    )


def _known(figures: Figures, nanos: int, words: Words, *kinds: Kind, missing: MissingBills | None = None) -> str:
    lacking = figures.total.lacks(*kinds) or missing is not None
    return words.known(Money(nanos, figures.total.currency), lacking=lacking)


def _bills(missing: MissingBills | None) -> str:
    """What there is to say of fal's bills beside a figure of them."""
    if missing is None:
        return ""
    return "fal's bills are not known" if missing.every else "fal's bills are known in part"


def _with(*details: str) -> str:
    return "; ".join(filter(None, details))


def _sources(tracked: Tracked, words: Words) -> str:
    shared = tracked.shared + tracked.open_shares
    imported = words.count(tracked.imported, "imported entry", "imported entries")
    if not shared:
        return imported
    of_shared = words.count(shared, "entry of shared costs", "entries of shared costs")
    if tracked.open_shares:
        some = f"{words.number(tracked.open_shares)} of them " if tracked.shared else ""
        of_shared = f"{of_shared}, {some}not final yet"
    return f"{imported} and {of_shared}" if tracked.imported else of_shared


def _left_out(figures: Figures, words: Words, *kinds: Kind) -> str:
    """What of these kinds has no exchange rate: ``SEK 5 left out: no exchange rate``."""
    amounts = figures.total.amounts_left_out(*kinds)
    return f"{listed([words.money(money) for money in amounts])} left out: no exchange rate" if amounts else ""


def _together(figures: Figures, words: Words, missing: MissingBills | None) -> str:
    """What the combined total is of; where its parts as they are shown do not add up to it, they are told in full."""
    if missing is not None and not figures.internal:
        return "External alone"
    currency = figures.total.currency
    shown = [shown_amount(Money(nanos, currency)) for nanos in (figures.internal, figures.external)]
    if sum(shown) == shown_amount(Money(figures.internal + figures.external, currency)):
        return "Internal and external together"
    internal, external = (words.exact(Money(nanos, currency)) for nanos in (figures.internal, figures.external))
    return f"{internal} + {external}, rounded once"
