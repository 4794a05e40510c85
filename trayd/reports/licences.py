"""How the models of a report are licensed, and a warning where one for research only made something for a client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import tzinfo
from enum import StrEnum

from trayd.facts import ModelFact
from trayd.reports.charts import Amounts
from trayd.reports.figures import Figures, Part
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
