"""The rules of saving tips: what has to be there in a person's records for a tip to be right.

All thresholds are here. Sources: fal bills by output (https://docs.fal.ai, "Pricing"); a 422 may be charged where
the work had begun (https://docs.fal.ai/faq); sound changes the price of some models (Veo, Kling, Pixverse) and not that
of others (Seedance), so what it costs is read from the person's own bills; the licence is the catalogue's
``license_type``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from trayd.facts import ModelFact
from trayd.insight.tip_counts import Cost, Counts, Made, Project, Quantity, Variant, added, is_for_research
from trayd.insight.tip_models import ONE_WORK, family_of, is_comparable, work_of
from trayd.money import NANOS_PER_UNIT

#: A tip has this much to save in the time looked at, at least: below, reading it costs more than it saves.
_LEAST_SAVING = NANOS_PER_UNIT

#: So many generations of a model are needed to say what it costs a person in a project.
_ENOUGH = 10

#: The other model has cost less than two thirds: prices that are closer say little where quality differs.
_LESS = Fraction(2, 3)

#: A smaller one of the same family: so many generations with the larger one.
_OFTEN = 20

#: Of each way to ask, so many generations alike in all else.
_ALIKE = 3
_FEW = 5

#: What one way costs less, at least; sound costs nothing with some models.
_CLEARLY_LESS = Fraction(9, 10)

#: More lines than these are for the final picture; what was asked for with these or fewer was good enough elsewhere.
_MANY_LINES = 1440
_USUAL_LINES = range(720, 1081)

#: A long video is this many times as long as usual.
_LONG = 2

#: Failures that were billed.
_FAILURES = 3
_LEAST_LOST = NANOS_PER_UNIT // 2


class TipKind(StrEnum):
    """What a tip is about."""

    CHEAPER_MODEL = "cheaper_model"
    SMALLER_MODEL = "smaller_model"
    SOUND = "sound"
    RESOLUTION = "resolution"
    LENGTH = "length"
    BILLED_FAILURES = "billed_failures"
    LICENCE = "licence"  #: a risk, not a saving


class Found(NamedTuple):
    """What a rule found.

    Attributes:
        saving: nano-dollars; None of a risk.
        model: the endpoint that it is about; None where it is about several.
        instead: the other model.
        costs: what the records concerned cost, by where they were made.
        with_other: what it is compared with: generations by the other model, without sound, and so on.
        usual: the usual length in seconds, or how many lines were asked for elsewhere.
    """

    kind: TipKind
    saving: Fraction | None
    model: str | None
    costs: dict[Made, Cost]
    instead: str | None = None
    with_other: int = 0
    usual: Decimal | None = None


def is_worth_telling(found: Found) -> bool:
    """Whether it saves as much as a tip has to."""
    return found.saving is not None and found.saving >= _LEAST_SAVING


def cheaper_models(counts: Counts, models: Mapping[str, ModelFact]) -> Iterator[Found]:
    """Two models of one category and unit, both used for the same project, one far cheaper.

    Both have made at least ten generations there with a known cost, and the other one costs less than two thirds for
    each unit. Of several, that which was used most there is taken: the person knows it best. What would have been saved
    is reckoned by the unit and by the generation (units can stand for other things where models bill sound or
    resolution by more units), and the smaller one is told. Records without a project are left out: they are no one
    work; so are models of a category in which models do different work, unless their ids tell the same. A model that is
    licensed for research is never the one to try, and neither is one that cost nothing: that is no price that lasts.
    """
    by_work: defaultdict[tuple[Project, str, frozenset[str], str], dict[str, Quantity]] = defaultdict(dict)
    for made, quantity in counts.quantities.items():
        model, work = counts.known[made.endpoint_id], work_of(made.endpoint_id)
        comparable = made.project.project and model.operation and is_comparable(model.unit)
        if comparable and (work or model.operation in ONE_WORK) and quantity.cost.records >= _ENOUGH:
            by_work[made.project, model.operation, work, model.unit][made.endpoint_id] = quantity
    pairs: defaultdict[tuple[str, str], list[tuple[Made, Quantity, Quantity]]] = defaultdict(list)
    for (project, *_), used in by_work.items():
        for endpoint_id, dear in used.items():
            others = [
                (cheap.cost.records, other, cheap)
                for other, cheap in used.items()
                if 0 < _price(cheap) < _price(dear) * _LESS
                and _saved(dear, cheap) > 0
                and not is_for_research(models.get(other))
            ]
            if others:
                _, other, cheap = max(others, key=lambda one: (one[0], one[1]))
                pairs[endpoint_id, other].append((Made(endpoint_id, project), dear, cheap))
    for (endpoint_id, other), works in pairs.items():
        yield Found(
            TipKind.CHEAPER_MODEL,
            sum((_saved(dear, cheap) for _, dear, cheap in works), Fraction(0)),
            endpoint_id,
            {made: dear.cost for made, dear, _ in works},
            instead=other,
            with_other=sum(cheap.cost.records for _, _, cheap in works),
        )


def _price(quantity: Quantity) -> Fraction:
    """What one unit cost, discounts in."""
    return quantity.cost.nanos / Fraction(quantity.units)


def _saved(dear: Quantity, cheap: Quantity) -> Fraction:
    by_unit = _price(cheap) * Fraction(dear.units)
    by_generation = Fraction(cheap.cost.nanos, cheap.cost.records) * dear.cost.records
    return dear.cost.nanos - max(by_unit, by_generation)


def cheaper_siblings(counts: Counts, models: Mapping[str, ModelFact]) -> Iterator[Found]:
    """A smaller model of the same family, by the ids and fal's price list, where a person uses the larger one.

    The ids differ in words like pro, fast or lite alone; category and unit are the same; the larger one has made twenty
    generations; the smaller one's list price is less than two thirds of what the larger one's unit really cost.
    Only models whose prices trayd knows are looked at: those that were used at some time; and none with a licence for
    research.
    """
    family: defaultdict[tuple[str, ...], list[ModelFact]] = defaultdict(list)
    for fact in models.values():
        priced = fact.unit_price is not None and fact.unit_price > 0 and fact.currency == "USD"
        if priced and not is_for_research(fact):
            family[family_of(fact.endpoint_id)].append(fact)
    used: defaultdict[str, dict[Made, Quantity]] = defaultdict(dict)
    for made, quantity in counts.quantities.items():
        used[made.endpoint_id][made] = quantity
    for endpoint_id, works in used.items():
        model = counts.known[endpoint_id]
        cost = added([work.cost for work in works.values()])
        if cost.records < _OFTEN or not is_comparable(model.unit):
            continue
        units = sum((Fraction(work.units) for work in works.values()), Fraction(0))
        smaller = [
            (fact.unit_price, fact.endpoint_id)
            for fact in family[family_of(endpoint_id)]
            if fact.endpoint_id != endpoint_id
            and fact.unit_price is not None
            and (fact.operation, (fact.unit or "").strip().lower()) == (model.operation, model.unit)
            and Fraction(fact.unit_price) * NANOS_PER_UNIT * units < cost.nanos * _LESS
        ]
        if smaller:
            price, other = min(smaller)
            saving = cost.nanos - Fraction(price) * NANOS_PER_UNIT * units
            costs = {made: work.cost for made, work in works.items()}
            tried = sum(one.cost.records for one in used[other].values()) if other in used else 0
            yield Found(TipKind.SMALLER_MODEL, saving, endpoint_id, costs, instead=other, with_other=tried)


def unneeded_sound(counts: Counts) -> Iterator[Found]:
    """Videos with sound, for a deliverable that also has some of the same model without, or sound of its own.

    Only what parameters tell outright counts (``generate_audio`` and its like); where they say nothing, a model's
    default is not guessed. What sound costs is read from the person's own generations by the same model, of the same
    length and resolution: three of each at least, and a tenth less without it; with some models it costs nothing. For
    the deliverable there are at least five with sound, and beside them three by the model without, or three voices or
    sounds generated apart.
    """
    places: defaultdict[tuple[str, Project, str | None], list[_Dearer]] = defaultdict(list)
    for one in _dearer_with_sound(counts):
        variant = one.variant
        places[variant.made.endpoint_id, variant.made.project, variant.deliverable].append(one)
    silent: defaultdict[tuple[str, Project, str | None], int] = defaultdict(int)
    for variant, cost in counts.variants.items():
        if variant.options.sound is False:
            silent[variant.made.endpoint_id, variant.made.project, variant.deliverable] += cost.records
    chosen: defaultdict[str, list[_Dearer]] = defaultdict(list)
    beside: defaultdict[str, int] = defaultdict(int)
    for place, ones in places.items():
        endpoint_id, project, deliverable = place
        without = max(silent[place], counts.sounds.get((project, deliverable), 0))
        if project.project and sum(one.cost.records for one in ones) >= _FEW and without >= _ALIKE:
            chosen[endpoint_id] += ones
            beside[endpoint_id] += without
    for endpoint_id, ones in chosen.items():
        yield Found(
            TipKind.SOUND,
            sum((one.saved for one in ones), Fraction(0)),
            endpoint_id,
            _by_made((one.variant.made, one.cost) for one in ones),
            with_other=beside[endpoint_id],
        )


class _Dearer(NamedTuple):
    """Generations that would have cost less in another way."""

    variant: Variant
    cost: Cost
    saved: Fraction


def _dearer_with_sound(counts: Counts) -> Iterator[_Dearer]:
    for variants in _alike(counts, lambda one: (one.made.endpoint_id, one.options._replace(sound=None))):
        silent = added([cost for one, cost in variants.items() if one.options.sound is False])
        loud = {one: cost for one, cost in variants.items() if one.options.sound is True}
        if min(silent.records, sum(cost.records for cost in loud.values())) < _ALIKE:
            continue
        for one, cost in loud.items():
            without = Fraction(silent.nanos, silent.records) * cost.records
            if without < cost.nanos * _CLEARLY_LESS:
                yield _Dearer(one, cost, cost.nanos - without)


def _alike(counts: Counts, what: Callable[[Variant], Hashable]) -> Iterable[dict[Variant, Cost]]:
    """The variants that are the same in that."""
    groups: defaultdict[Hashable, dict[Variant, Cost]] = defaultdict(dict)
    for one, cost in counts.variants.items():
        groups[what(one)][one] = cost
    return groups.values()


def _by_made(parts: Iterable[tuple[Made, Cost]]) -> dict[Made, Cost]:
    costs: defaultdict[Made, Cost] = defaultdict(Cost)
    for made, cost in parts:
        costs[made].merge(cost)
    return dict(costs)


def unneeded_lines(counts: Counts) -> Iterator[Found]:
    """Pictures or videos in 4K (1440 lines or more), for a project that elsewhere has the same model's in 720 to 1080.

    Compared within the project, at the same length and with the same sound: three at least in either, five in fewer
    lines in the whole project, and a tenth less for these.
    """
    alike = _alike(counts, lambda one: (one.made, one.options._replace(lines=None)))
    costs: defaultdict[str, list[tuple[Made, Cost]]] = defaultdict(list)
    saved: defaultdict[str, Fraction] = defaultdict(Fraction)
    usual: defaultdict[str, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    elsewhere: defaultdict[Made, int] = defaultdict(int)
    for one, cost in counts.variants.items():
        if one.options.lines in _USUAL_LINES:
            elsewhere[one.made] += cost.records
    for variants in alike:
        made = next(iter(variants)).made
        endpoint_id = made.endpoint_id
        many = added([cost for one, cost in variants.items() if (one.options.lines or 0) >= _MANY_LINES])
        fewer = {one: cost for one, cost in variants.items() if one.options.lines in _USUAL_LINES}
        few = added(list(fewer.values()))
        if not made.project.project or min(many.records, few.records) < _ALIKE or elsewhere[made] < _FEW:
            continue
        instead = Fraction(few.nanos, few.records) * many.records
        if instead < many.nanos * _CLEARLY_LESS:
            costs[endpoint_id].append((made, many))
            saved[endpoint_id] += many.nanos - instead
            for one, cost in fewer.items():
                usual[endpoint_id][one.options.lines or 0] += cost.records
    for endpoint_id, parts in costs.items():
        seen = usual[endpoint_id]
        yield Found(
            TipKind.RESOLUTION,
            saved[endpoint_id],
            endpoint_id,
            _by_made(parts),
            with_other=sum(seen.values()),
            usual=Decimal(max(seen, key=lambda lines: (seen[lines], lines))),
        )


def long_videos(counts: Counts) -> Iterator[Found]:
    """Videos at least twice as long as a person's usual ones by the same model, for a project where that is unusual.

    Only models billed by the second whose length is chosen, and only videos whose parameters tell it: units are no
    lengths, for sound and resolution can be billed by more of them. Twenty videos tell what is usual (the median), for
    the model and once more for the project: where most of a project's are long, it needs them so. Five long ones at
    least; what they cost beyond the usual length is the saving.
    """
    by_model: defaultdict[str, dict[Made, Quantity]] = defaultdict(dict)
    for made, quantity in counts.quantities.items():
        if quantity.by_seconds:
            by_model[made.endpoint_id][made] = quantity
    for endpoint_id, works in by_model.items():
        told = [cost for work in works.values() for cost in work.by_seconds.values()]
        others = sum(cost.records for cost in told)
        usual = _median([work.by_seconds for work in works.values()])
        if others < _OFTEN or usual is None:
            continue
        saving, costs = Fraction(0), dict[Made, Cost]()
        for made, work in works.items():
            long = {seconds: cost for seconds, cost in work.by_seconds.items() if seconds >= usual * _LONG}
            here = _median([work.by_seconds])
            if long and here is not None and here < usual * _LONG:
                saving += sum(cost.nanos * (1 - Fraction(usual) / Fraction(seconds)) for seconds, cost in long.items())
                costs[made] = added(list(long.values()))
        if added(list(costs.values())).records >= _FEW:
            yield Found(TipKind.LENGTH, saving, endpoint_id, costs, with_other=others, usual=usual)


def _median(tables: list[dict[Decimal, Cost]]) -> Decimal | None:
    """The length in the middle, the shorter one of two."""
    records = sorted((seconds, cost.records) for table in tables for seconds, cost in table.items())
    middle = (sum(number for _, number in records) - 1) // 2
    for seconds, number in records:
        if middle < number:
            return seconds
        middle -= number
    return None


def billed_failures(counts: Counts) -> Iterator[Found]:
    """Failed requests that were billed: three at least, and half a dollar.

    A server error costs nothing; a request that the model refuses (422) may be charged.
    """
    cost = added(list(counts.failed.values()))
    if cost.records >= _FAILURES and cost.nanos >= _LEAST_LOST:
        models = {made.endpoint_id for made in counts.failed}
        model = models.pop() if len(models) == 1 else None
        yield Found(TipKind.BILLED_FAILURES, Fraction(cost.nanos), model, dict(counts.failed))


def research_licences(counts: Counts) -> Iterator[Found]:
    """Generations for a client by a model that fal lists with a research licence: a risk from the first one on.

    One that cost nothing is as much of a risk; one that failed has made nothing that could be billed.
    """
    by_model: defaultdict[str, dict[Made, Cost]] = defaultdict(dict)
    for made, cost in counts.for_clients.items():
        by_model[made.endpoint_id][made] = cost
    for endpoint_id, costs in by_model.items():
        yield Found(TipKind.LICENCE, None, endpoint_id, costs)
