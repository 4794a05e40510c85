"""The notes of a report: what a reader has to know to read its figures right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo

from trayd.insight.conversion import days_told
from trayd.insight.pools import Unsettled
from trayd.insight.tally import Tally
from trayd.money import Money
from trayd.records import Counting, Kind
from trayd.report_settings import ClientTerms
from trayd.reports.compliance import Tracked
from trayd.reports.figures import Figures
from trayd.reports.missing_bills import MissingBills
from trayd.reports.request import ReportRequest, SharedCost
from trayd.reports.words import Words, listed


def notes(
    figures: Figures, tracked: Tracked, terms: ClientTerms | None, request: ReportRequest, words: Words
) -> Iterator[str]:
    """What a reader has to know to read the figures right, a sentence or two each.

    Args:
        figures: what the records add up to.
        tracked: where they come from.
        terms: what the client is charged, where that is shown.
        request: what is asked for.
        words: how figures are written.
    """
    total = figures.total
    if number := tracked.estimated:
        who = words.count(number, "generation counts by its estimate", "generations count by their estimates")
        amount = _converted(number, total.estimated, total, Counting.ESTIMATE, words)
        yield f"{who}, {amount}, until fal bills {'it' if number == 1 else 'them'}."
    if number := tracked.unpriced:
        who = words.count(number, "generation has no price yet: it is", "generations have no price yet: they are")
        yield f"{who} counted, and no total holds {'its' if number == 1 else 'their'} cost."
    if number := tracked.running:
        running = total.running().estimated
        lacking = _lacking(total, Counting.PENDING, words)
        expected = f", expected to cost {words.money(running)}{lacking}" if running else ""
        yield f"{words.count(number, 'generation is', 'generations are')} still running{expected}: not in the totals."
    if number := tracked.unmatched:
        yield (
            f"{words.count(number, 'event')} could not be matched to fal's billing, which may hold the same cost "
            "already: left out of the totals, shown in the log."
        )
    if number := tracked.failed:
        ended = words.count(number, "failed or cancelled request is", "failed or cancelled requests are")
        yield f"{ended} not billed so far, and free unless fal bills {'it' if number == 1 else 'them'} within 48 hours."
    if number := total.countings[Counting.FREE]:
        ended = words.count(number, "failed or cancelled request was", "failed or cancelled requests were")
        yield f"{ended} not billed."
    for use in total.rates():
        yield f"{use.told(words.money, words.day)}."
    yield from _left_out(total, words)
    if total.nanos[Kind.POOL]:
        shared = words.money(total.of_kind(Kind.POOL))
        yield f"External AI costs hold {shared} of shared costs; the log says how each was divided among projects."
    yield from _open_shares([(cost.name, cost.unsettled) for cost in request.shared], words)
    if terms is not None:
        yield from _charged_notes(figures, terms, request.home, words)
    yield "Sums are made from exact amounts and rounded once, when shown; the log shows every digit of what was billed."


def _converted(number: int, nanos: int, total: Tally, counting: Counting, words: Words) -> str:
    """What so many generations come to that enter the total so; it never tells nothing for what has no rate."""
    if total.without_rate(counting) == number:
        return "no exchange rate of which is known"
    return f"{words.money(Money(nanos, total.currency))} in all{_lacking(total, counting, words)}"


def _lacking(total: Tally, counting: Counting, words: Words) -> str:
    number = total.without_rate(counting)
    return f" without {words.number(number)} that {'has' if number == 1 else 'have'} no exchange rate" if number else ""


def charge_notes(figures: Figures, tracked: Tracked, shared: Sequence[SharedCost], words: Words) -> Iterator[str]:
    """The same where a client sees what is charged and nothing of what it cost."""
    total = figures.total
    if number := total.unpriced:
        who = words.count(number, "generation has no price yet: it is", "generations have no price yet: they are")
        yield f"{who} counted, and no total holds {'its' if number == 1 else 'their'} charge."
    if number := tracked.running:
        yield f"{words.count(number, 'generation is', 'generations are')} still running: not in the totals."
    if number := tracked.unmatched:
        yield f"{words.count(number, 'event')} could not be matched yet: left out of the totals, shown in the log."
    if number := tracked.failed + total.countings[Counting.FREE]:
        ended = words.count(number, "failed or cancelled request is", "failed or cancelled requests are")
        yield f"{ended} not charged."
    yield from _left_out(total, words)
    yield from _open_shares([(cost.source, cost.unsettled) for cost in shared], words)
    yield "Each entry is charged to the billionth; totals add these up and are rounded once, when shown."


def missing_note(missing: MissingBills, zone: tzinfo, words: Words) -> str:
    """A sentence for the time of which fal's bills are not known."""

    def moment(at: datetime) -> str:
        return f"{words.day(at.astimezone(zone).date())}, {at.astimezone(zone):%H:%M}"

    told = missing.told(moment)
    return f"{told[:1].upper()}{told[1:]}."


def _open_shares(shared: Iterable[tuple[str, Unsettled | None]], words: Words) -> Iterator[str]:
    """A sentence for all shares that are not final; it says nothing of what they are divided by.

    Args:
        shared: what to call each shared cost, and what can still change its shares.
        words: how days are written.
    """
    unsettled = [(name, open_.until) for name, open_ in shared if open_]
    lasting = [until for _, until in unsettled if until]
    for those, until in (
        ([name for name, until in unsettled if until], f"{words.day(max(lasting))} is over" if lasting else ""),
        ([name for name, until in unsettled if not until], "everything in the period is billed"),
    ):
        if those:
            what = "The share of a shared cost is" if len(those) == 1 else "The shares of shared costs are"
            it = "it" if len(those) == 1 else "they"
            yield f"{what} not final ({listed(sorted(set(those)))}): {it} can change until {until}."


def _charged_notes(figures: Figures, terms: ClientTerms, home: str, words: Words) -> Iterator[str]:
    charged = words.money(Money(figures.charged.nanos, figures.total.currency))
    yield f"The client is charged {terms_told(terms, home, words)}: {charged} in all, each entry by itself."
    if number := figures.charged.unknown:
        who = words.count(number, "entry", "entries")
        yield f"{who} cannot be charged yet: no price, or no exchange rate, is known."


def terms_told(terms: ClientTerms, home: str, words: Words) -> str:
    """What a client is charged, in words: ``the cost plus 20%``.

    Args:
        terms: the client's.
        home: the home currency, which their rates are in.
        words: how figures are written.
    """
    cost = f"the cost plus {words.percent(terms.markup_percent)}" if terms.markup_percent else "the cost"
    rates = []
    if terms.rates:
        rates.append(f"agreed rates for {words.count(len(terms.rates), 'model')}")
    if terms.rate is not None:
        rates.append(f"{words.exact(Money.of(terms.rate, home))} a generation")
    return listed([*rates, f"{cost} for the rest" if rates else cost])


def _left_out(total: Tally, words: Words) -> Iterator[str]:
    left_out = total.amounts_left_out()
    if not left_out:
        return
    amounts = listed([words.money(money) for money in left_out])
    days = total.days_left_out()
    codes = listed([f"{money.currency} {days_told(days[money.currency], words.day)}" for money in left_out])
    yield (
        f"{amounts} {'is' if len(left_out) == 1 else 'are'} left out of all totals: no exchange rate to "
        f"{total.currency} is known for {codes}. The log shows each entry."
    )
