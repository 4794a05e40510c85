"""The compliance badge: where each figure comes from, what is not settled, and how the models are licensed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from enum import Enum, StrEnum, auto
from typing import NamedTuple

from trayd.facts import ModelFact
from trayd.insight.conversion import days_told
from trayd.insight.pools import Unsettled
from trayd.insight.tally import Tally
from trayd.money import Money
from trayd.records import Counting, ExternalCost, Kind, Record
from trayd.report_settings import ClientTerms
from trayd.reports.charts import Amounts
from trayd.reports.figures import Figures, Part
from trayd.reports.request import ReportRequest, SharedCost
from trayd.reports.tables import Cell, Column, Table
from trayd.reports.words import Words, listed


class Licence(StrEnum):
    """What fal's catalogue says of the use of what a model makes (``license_type``); what to look at comes first."""

    RESEARCH = "research"
    PRIVATE = "private"
    UNKNOWN = "unknown"
    COMMERCIAL = "commercial"


_LICENCES = {
    Licence.COMMERCIAL: "Commercial",
    Licence.RESEARCH: "Research only",
    Licence.PRIVATE: "Private",
    Licence.UNKNOWN: "Unknown",
}


class _Outside(Enum):
    """What is not from fal."""

    IMPORTED = auto()
    SHARED = auto()
    OPEN_SHARE = auto()


class Tracked(NamedTuple):
    """How many entries come from where; every entry is one of these.

    Attributes:
        confirmed: fal has billed them, or had the time to and did not.
        imported: from elsewhere, and ``shared`` what is so of shared costs: shares that are final.
        open_shares: those of shared costs whose division can change.
        failed: failed or cancelled, and not billed so far.
        running: they have not ended; ``unmatched``: left out until they are linked.
    """

    confirmed: int
    estimated: int
    imported: int
    shared: int
    open_shares: int
    unpriced: int
    failed: int
    running: int
    unmatched: int

    @classmethod
    def of(cls, records: Iterable[Record], open_shares: Collection[str]) -> Tracked:
        """Counts them.

        Args:
            records: as the report shows them.
            open_shares: the ids of those that are shares and not final.
        """
        counted: Counter[Counting | _Outside] = Counter()
        for record in records:
            if not isinstance(record, ExternalCost):
                counted[record.counting] += 1
            elif record.kind is Kind.POOL:
                counted[_Outside.OPEN_SHARE if record.id in open_shares else _Outside.SHARED] += 1
            else:
                counted[_Outside.IMPORTED] += 1
        return cls(
            # A request that fal had the time to bill and did not is fal's word as well.
            confirmed=counted[Counting.ACTUAL] + counted[Counting.FREE],
            estimated=counted[Counting.ESTIMATE],
            imported=counted[_Outside.IMPORTED],
            shared=counted[_Outside.SHARED],
            open_shares=counted[_Outside.OPEN_SHARE],
            unpriced=counted[Counting.UNKNOWN],
            failed=counted[Counting.FAILED],
            running=counted[Counting.PENDING],
            unmatched=counted[Counting.UNMATCHED],
        )

    @property
    def billed(self) -> bool:
        """Whether fal has billed all that it will."""
        return not (self.estimated or self.unpriced or self.failed or self.running or self.unmatched)

    def told(self) -> Iterator[tuple[str, int]]:
        """What to call each, and how many there are; what is seldom only where there is any."""
        yield "confirmed by fal", self.confirmed
        yield "estimated", self.estimated
        yield "imported", self.imported
        yield "without a price", self.unpriced
        for what, number in (
            ("shared", self.shared),
            ("shared, not final yet", self.open_shares),
            ("failed, not billed so far", self.failed),
            ("still running", self.running),
            ("unmatched", self.unmatched),
        ):
            if number:
                yield what, number


def verdict(tracked: Tracked, figures: Figures) -> tuple[str, bool]:
    """How settled the figures are, in words; and whether nothing that is shown can change by what is still to come."""
    if not any(tracked):
        return "nothing is recorded in this period", False
    if not tracked.billed:
        return "part of it is not billed yet", False
    if tracked.open_shares:
        return "part of it is not final yet", False
    if figures.total.amounts_left_out():
        return "part of it has no exchange rate yet", False
    if any(each.rate is not None and each.rate.last_known for each in figures.rates):
        return "part of it stands on an earlier day's exchange rate", False
    return "every cost is billed", True


def licence_of(fact: ModelFact | None) -> Licence:
    """The licence of a model; one that fal does not tell, or calls by another name, is unknown."""
    told = fact.license_type if fact else None
    return Licence(told) if told in set(Licence) else Licence.UNKNOWN


def licences_table(
    figures: Figures,
    models: Mapping[str, ModelFact],
    amounts: Amounts,
    zone: tzinfo,
) -> Table | None:
    """Every model with its licence, those that ask for attention first; None where there is no generation."""
    words = amounts.words
    if not figures.models:
        return None
    licences = {part.key: licence_of(models.get(part.key or "")) for part in figures.models}
    read = {fact.seen_at.astimezone(zone).date() for key in licences if key and (fact := models.get(key))}
    counted = Counter(licences.values())
    told = [f"{words.number(counted[licence])} {_LICENCES[licence].lower()}" for licence in Licence if counted[licence]]
    when = "when it was last read"
    if read:
        when = f"on {words.day(min(read))}" if len(read) == 1 else f"when it was last read ({words.day(min(read))} on)"
    by_attention = sorted(figures.models, key=lambda part: list(Licence).index(licences[part.key]))
    return Table(
        id="licences",
        title="Licences of the models",
        lead=f"{words.count(len(licences), 'model')}: {listed(told)}. The status is what fal's catalogue said "
        f"{when}; it can differ from what it was on the day of a generation.",
        columns=(
            Column("Model"),
            Column("Licence"),
            *((Column("Status of"),) if len(read) > 1 else ()),
            Column("Generations", figures=True),
            Column(amounts.of, figures=True),
        ),
        rows=tuple(
            _licence_row(part, figures, models.get(part.key or ""), amounts, zone if len(read) > 1 else None)
            for part in by_attention
        ),
        dense=True,
    )


def _licence_row(
    part: Part, figures: Figures, fact: ModelFact | None, amounts: Amounts, zone: tzinfo | None
) -> tuple[Cell, ...]:
    """A model's row; with a zone it says of which day there its status is."""
    endpoint = part.key or ""
    name = figures.names.get(endpoint, "")
    licence = licence_of(fact)
    said = fact.license_type if fact and fact.license_type and licence is Licence.UNKNOWN else ""
    status_of = amounts.words.day(fact.seen_at.astimezone(zone).date()) if fact and zone else "not read yet"
    return (
        Cell(name or endpoint, endpoint if name else ""),
        Cell(_LICENCES[licence], f"fal says “{said}”" if said else ""),
        *((Cell(status_of),) if zone else ()),
        Cell(amounts.words.number(part.generations)),
        Cell(amounts.known(part.nanos, lacking=part.lacks())),
    )


def licence_warnings(figures: Figures, models: Mapping[str, ModelFact], words: Words) -> Iterator[str]:
    """A sentence for each model that is for research only and made something for a client."""
    for part in figures.models:
        endpoint = part.key or ""
        number = figures.client_work.get(endpoint, 0)
        if number and licence_of(models.get(endpoint)) is Licence.RESEARCH:
            name = figures.names.get(endpoint, "")
            told = f"{name} ({endpoint})" if name else endpoint
            made = words.count(number, "generation", "generations")
            yield (
                f"{told} is licensed for research only, and {made} with it {'was' if number == 1 else 'were'} made for "
                f"a client. Settle the licence before {'it is' if number == 1 else 'they are'} used commercially."
            )


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
