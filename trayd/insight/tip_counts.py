"""The aggregates that saving tips are found in: what was spent on what, from one pass over the records.

Nothing is kept of single records but the ids of the dearest few, so that it takes the same room for a thousand records
and for a million; and nothing at all of what a parameter says beside resolution, sound and length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

from trayd.facts import ModelFact
from trayd.insight.conversion import EXACT_SUMS, converted
from trayd.money import Money
from trayd.rates import Converter
from trayd.records import Counting, Generation, Status

#: Of each set of records so many ids are told, of the dearest.
MOST_EXAMPLES = 3

# Tables end somewhere, whatever files bring in; what comes after that is counted as left out.
_MOST_KEYS = 20_000

_DOLLARS = "USD"

#: The names that models have for "with sound" (fal's model pages).
_SOUND = ("generate_audio", "enable_audio", "with_audio", "audio")
_LENGTHS = ("duration", "num_frames")
#: And those for "so many at once", which cost so many times as much.
_NUMBERS = ("num_images", "num_outputs", "number_of_images", "number_of_videos", "n")
_LINES = re.compile(r"(\d{3,4})p", re.IGNORECASE)
_NAMED_LINES = {"2k": 1440, "4k": 2160, "8k": 4320}
_LONGEST_TEXT = 16
_SECONDS = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)(?: ?s)?", re.ASCII)

T = TypeVar("T")


class Project(NamedTuple):
    """What a record was made for."""

    client: str | None
    project: str | None


class Made(NamedTuple):
    """A model at work for a project."""

    endpoint_id: str
    project: Project


class Options(NamedTuple):
    """The options of a generation that tips compare, as far as its parameters tell; what they do not tell is None.

    Attributes:
        lines: of the picture: 1080, 2160.
        sound: whether it was asked for.
        length: how long, as it was written.
        number: how many pictures or videos at once, as it was written.
    """

    lines: int | None
    sound: bool | None
    length: str | None
    number: str | None = None


class Variant(NamedTuple):
    """A model at work for a deliverable, with one set of options."""

    made: Made
    deliverable: str | None
    options: Options


class Cost:
    """What some records cost, in nano-dollars and in the home currency.

    Attributes:
        home: exact nanos of the home currency; None where a day of one of them has no rate.
        dearest: the nanos and the ids of the dearest, dearest first.
    """

    __slots__ = ("dearest", "home", "nanos", "records")

    def __init__(self) -> None:
        self.records = 0
        self.nanos = 0
        self.home: Decimal | None = Decimal(0)
        self.dearest: tuple[tuple[int, str], ...] = ()

    def add(self, record_id: str, nanos: int, home: Decimal | None) -> None:
        """Takes one record in."""
        self.records += 1
        self.nanos += nanos
        self.home = None if self.home is None or home is None else EXACT_SUMS.add(self.home, home)
        if len(self.dearest) < MOST_EXAMPLES or nanos > self.dearest[-1][0]:
            self._note((*self.dearest, (nanos, record_id)))

    def merge(self, other: Cost) -> None:
        """Takes in what another one counted."""
        self.records += other.records
        self.nanos += other.nanos
        self.home = None if self.home is None or other.home is None else EXACT_SUMS.add(self.home, other.home)
        self._note((*self.dearest, *other.dearest))

    def _note(self, known: tuple[tuple[int, str], ...]) -> None:
        self.dearest = tuple(sorted(known, key=lambda one: (-one[0], one[1]))[:MOST_EXAMPLES])

    def of(self, nanos: Fraction | int, currency: str) -> Money:
        """A part of it in that home currency, at the mean rate of these records; in dollars where one has no rate."""
        if self.home is None:
            return Money(round(nanos), _DOLLARS)
        if not self.nanos:
            return Money(0, currency)
        return Money(round(nanos * Fraction(self.home) / self.nanos), currency)


def added(costs: list[Cost]) -> Cost:
    """All of them together."""
    total = Cost()
    for each in costs:
        total.merge(each)
    return total


class Quantity:
    """What a quantity of something cost; of videos also by the seconds that were asked for.

    Billed units are no lengths: models bill sound and resolution by more of them.
    """

    __slots__ = ("by_seconds", "cost", "units")

    def __init__(self) -> None:
        self.cost = Cost()
        self.units = Decimal(0)
        self.by_seconds: dict[Decimal, Cost] = {}

    def add(self, record_id: str, units: Decimal, nanos: int, home: Decimal | None, seconds: Decimal | None) -> None:
        """Takes one record in; ``seconds``: of a video whose length is told."""
        self.cost.add(record_id, nanos, home)
        self.units = EXACT_SUMS.add(self.units, units)
        if seconds is not None and (seconds in self.by_seconds or len(self.by_seconds) < _MOST_KEYS):
            self.by_seconds.setdefault(seconds, Cost()).add(record_id, nanos, home)


class Model(NamedTuple):
    """What is known of a model."""

    operation: str
    unit: str


class Counts:
    """What was spent on what.

    Only costs in dollars are looked at: fal's bills, and estimates made from its prices.

    Args:
        models: what fal says of models.
        converter: into the home currency.
        zone: the user's, in which the days of rates begin.

    Attributes:
        records: how many there were; ``unpriced`` of them tell no cost; ``left_out``: there were too many kinds.
        quantities: completed generations that tell a quantity.
        variants: completed generations whose parameters tell options.
        failed: failed requests that were billed.
        for_clients: models with a research licence, at work for clients.
        sounds: how many sounds and voices were generated for a deliverable.
    """

    def __init__(self, models: Mapping[str, ModelFact], converter: Converter, zone: tzinfo) -> None:
        self.records = self.unpriced = self.left_out = 0
        self.quantities: dict[Made, Quantity] = {}
        self.variants: dict[Variant, Cost] = {}
        self.failed: dict[Made, Cost] = {}
        self.for_clients: dict[Made, Cost] = {}
        self.sounds: dict[tuple[Project, str | None], int] = {}
        self.known: dict[str, Model] = {}
        self.names: dict[str, str] = {}
        self._models = models
        self._converter = converter
        self._zone = zone

    def add(self, record: Generation) -> None:
        """Takes one generation in."""
        self.records += 1
        cost = record.cost
        if cost is None or cost.currency != _DOLLARS:
            self.unpriced += record.counting is not Counting.FAILED
            return
        made = Made(record.endpoint_id, Project(record.client or None, record.project or None))
        model = self._model(record)
        home = self._home(record, cost.nanos)
        if record.status is Status.FAILED and record.actual is not None and cost.nanos > 0:
            self._count(self.failed, made, Cost, lambda to: to.add(record.id, cost.nanos, home))
        if record.status is not Status.COMPLETED:
            return
        if record.client and is_for_research(self._models.get(record.endpoint_id)):
            self._count(self.for_clients, made, Cost, lambda to: to.add(record.id, cost.nanos, home))
        if is_sound(model.operation):
            self._count_sound(made.project, record.deliverable)
        units = record.units
        if units is not None and units > 0:
            seconds = told_seconds(record.parameters) if is_chosen_length(model) else None
            self._count(self.quantities, made, Quantity, lambda to: to.add(record.id, units, cost.nanos, home, seconds))
        options = options_of(record.parameters)
        if options.sound is not None or options.lines is not None:
            variant = Variant(made, record.deliverable or None, options)
            self._count(self.variants, variant, Cost, lambda to: to.add(record.id, cost.nanos, home))

    def _count(self, table: dict[Any, T], key: object, make: Callable[[], T], take: Callable[[T], None]) -> None:
        found = table.get(key)
        if found is None:
            if len(table) >= _MOST_KEYS:
                self.left_out += 1
                return
            found = table[key] = make()
        take(found)

    def _count_sound(self, project: Project, deliverable: str | None) -> None:
        key = project, deliverable or None
        if key in self.sounds or len(self.sounds) < _MOST_KEYS:
            self.sounds[key] = self.sounds.get(key, 0) + 1

    def _model(self, record: Generation) -> Model:
        known = self.known.get(record.endpoint_id)
        if known is None:
            fact = self._models.get(record.endpoint_id)
            operation = (fact.operation if fact else None) or record.operation or ""
            unit = (fact.unit if fact else None) or record.unit or ""
            known = self.known[record.endpoint_id] = Model(operation, unit.strip().lower())
            self.names[record.endpoint_id] = record.display_name or record.endpoint_id
        return known

    def _home(self, record: Generation, nanos: int) -> Decimal | None:
        if self._converter.currency == _DOLLARS:
            return Decimal(nanos)
        rate = self._converter.rate(_DOLLARS, record.timestamp.astimezone(self._zone).date())
        return None if rate is None else converted(nanos, rate)


def is_for_research(model: ModelFact | None) -> bool:
    """Whether fal lists it with a licence for research: what it makes may not be for work that is paid for."""
    return model is not None and model.license_type == "research"


def is_sound(operation: str) -> bool:
    """Whether voices, music or sounds come out of it (fal's categories ``text-to-speech``, ``text-to-audio``, …)."""
    return operation.endswith(("-to-speech", "-to-audio", "-to-music"))


def is_chosen_length(model: Model) -> bool:
    """Whether it makes videos of a chosen length, billed by the second; an edited one is as long as it was."""
    return model.operation in {"text-to-video", "image-to-video"} and model.unit in {"second", "seconds"}


def options_of(parameters: Mapping[str, Any]) -> Options:
    """How a generation was asked for."""
    if not parameters:
        return Options(None, None, None)
    sound = next((told for name in _SOUND if (told := _yes_or_no(parameters.get(name))) is not None), None)
    length, number = (_written(parameters, names) for names in (_LENGTHS, _NUMBERS))
    return Options(_lines(parameters.get("resolution")), sound, length.removesuffix("s") if length else None, number)


def _written(parameters: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of these parameters that tells a number, as it was written."""
    told = (parameters.get(name) for name in names)
    return next((str(value)[:_LONGEST_TEXT] for value in told if isinstance(value, str | int | float)), None)


def told_seconds(parameters: Mapping[str, Any]) -> Decimal | None:
    """How long a video was asked for: ``8``, ``"8"``, ``"8s"``."""
    value = parameters.get("duration")
    found = _SECONDS.fullmatch(str(value).strip()) if isinstance(value, str | int | float) else None
    return Decimal(found[1]).normalize() or None if found else None


def _yes_or_no(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def _lines(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    found = _LINES.fullmatch(value.strip())
    return int(found[1]) if found else _NAMED_LINES.get(value.strip().lower())
