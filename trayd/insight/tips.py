"""Saving tips: where a person's own records tell that the same work may have cost less.

Each tip rests on what the person did: two models used for one project, videos with and without sound, pictures in 4K
beside others of the project in 1080p. What a picture is worth nobody can read from records, so a tip says what was
done, what it cost and what it would have cost, and that quality may differ. Rather none than a wrong one: a tip needs
several records of each kind and a dollar to save, the lower of two ways to reckon is told, and what is unknown is left
out. Prompts are never looked at.

Savings are of the time looked at (30 days), not of a month to come. Two tips on the same records cannot both be had in
full: each names the others that it overlaps with, and no sum of all is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo

import msgspec

from trayd.facts import ModelFact
from trayd.insight.tip_counts import Counts, added
from trayd.insight.tip_rules import (
    Found,
    TipKind,
    billed_failures,
    cheaper_models,
    cheaper_siblings,
    is_worth_telling,
    long_videos,
    research_licences,
    unneeded_lines,
    unneeded_sound,
)
from trayd.insight.tip_words import label, words
from trayd.money import Money
from trayd.rates import Converter
from trayd.records import Generation

_MOST_EVIDENCE = 10


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Records that a tip rests on: of one model, for one project.

    Attributes:
        records: how many, and ``cost`` what they cost together, in the home currency where it has a rate.
        examples: ids of the dearest.
    """

    model: str
    client: str | None
    project: str | None
    records: int
    cost: Money
    examples: tuple[str, ...]


class Tip(msgspec.Struct, frozen=True, kw_only=True):
    """A way in which the same work may have cost less, or a risk.

    Attributes:
        number: counts up from 1, the most to save first, risks last.
        title: what it is about; ``text`` says what was done and what it cost; ``advice`` what to do.
        saving: what would have been saved in the time looked at, estimated; None of a risk.
        cost: what the records concerned cost.
        records: how many they are.
        model: the endpoint that it is about; None where it is about several. ``instead``: the one to try.
        evidence: by model and project, the dearest first; the first ten.
        overlaps: the numbers of other tips that concern some of the same records.
    """

    number: int
    kind: TipKind
    title: str
    text: str
    advice: str
    saving: Money | None
    cost: Money
    records: int
    model: str | None
    instead: str | None
    evidence: tuple[Evidence, ...]
    overlaps: tuple[int, ...]


class TipFinder:
    """Looks at generations as they go by, then tells tips.

    Args:
        models: what fal says of models, by endpoint id.
        converter: into the home currency, at the rates of each day.
        zone: the user's, in which days begin.
        money: writes an amount for people.
    """

    def __init__(
        self,
        models: Mapping[str, ModelFact],
        converter: Converter,
        zone: tzinfo,
        money: Callable[[Money], str],
    ) -> None:
        self.counts = Counts(models, converter, zone)
        self._models = models
        self._currency = converter.currency
        self._money = money

    def add(self, record: Generation) -> None:
        """Takes one generation in; their order does not matter."""
        self.counts.add(record)

    def tips(self) -> tuple[Tip, ...]:
        """What there is to save, by what was seen until now."""
        found = sorted(self._found(), key=_rank)
        return tuple(self._tip(number, one, found) for number, one in enumerate(found, start=1))

    def _found(self) -> Iterator[Found]:
        counts = self.counts
        cheaper = [one for one in cheaper_models(counts, self._models) if is_worth_telling(one)]
        known = {one.model for one in cheaper}
        siblings = (one for one in cheaper_siblings(counts, self._models) if one.model not in known)
        for rule in (cheaper, siblings, unneeded_sound(counts), unneeded_lines(counts), long_videos(counts)):
            yield from filter(is_worth_telling, rule)
        yield from billed_failures(counts)
        yield from research_licences(counts)

    def _tip(self, number: int, found: Found, among: list[Found]) -> Tip:
        cost = added(list(found.costs.values()))
        saving = None if found.saving is None else cost.of(found.saving, self._currency)
        whole = cost.of(cost.nanos, self._currency)
        places = sorted(found.costs.items(), key=lambda one: (-one[1].nanos, one[0].endpoint_id, label(one[0].project)))
        title, text, advice = words(
            found,
            [made for made, _ in places],
            model=self._named(found.model),
            other=self._named(found.instead),
            records=cost.records,
            cost=self._money(whole),
            saving="" if saving is None else self._money(saving),
        )
        return Tip(
            number=number,
            kind=found.kind,
            title=title,
            text=text,
            advice=advice,
            saving=saving,
            cost=whole,
            records=cost.records,
            model=found.model,
            instead=found.instead,
            evidence=tuple(
                Evidence(
                    model=made.endpoint_id,
                    client=made.project.client,
                    project=made.project.project,
                    records=each.records,
                    cost=each.of(each.nanos, self._currency),
                    examples=tuple(record_id for _, record_id in each.dearest),
                )
                for made, each in places[:_MOST_EVIDENCE]
            ),
            overlaps=tuple(
                other for other, one in enumerate(among, start=1) if other != number and _overlap(one, found)
            ),
        )

    def _named(self, endpoint_id: str | None) -> str:
        """The model's display name, or its id where several have that name."""
        if endpoint_id is None:
            return ""
        fact = self._models.get(endpoint_id)
        name = (fact.display_name if fact else None) or self.counts.names.get(endpoint_id) or endpoint_id
        alike = sum(each.display_name == name for each in self._models.values())
        return name if alike <= 1 else endpoint_id


def _rank(found: Found) -> tuple[bool, int, str, str]:
    at_stake = found.saving if found.saving is not None else added(list(found.costs.values())).nanos
    return found.saving is None, -round(at_stake), found.kind.value, found.model or ""


def _overlap(one: Found, other: Found) -> bool:
    """Whether both can concern the same records: those of failures are no one else's, and a risk is no saving."""
    if TipKind.BILLED_FAILURES in (one.kind, other.kind) or TipKind.LICENCE in (one.kind, other.kind):
        return False
    return not one.costs.keys().isdisjoint(other.costs)
