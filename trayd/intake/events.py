"""Event files, version 1: one generation as another program tells it, as a fact for the ledger.

The type below is the format: the JSON Schema that ships as ``assets/event.schema.json`` is made from it
(:mod:`trayd.intake.schema`), and so are the messages to whoever writes events.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from trayd.facts import EventFact, ModelFact
from trayd.intake.currencies import is_currency
from trayd.intake.rejection import CORRECT_IT, RefusedError, Rejection, shown
from trayd.money import EXACT, Money
from trayd.prices import price_of
from trayd.prompts import without_embedded_files, without_prompts
from trayd.records import DEFAULT_ACCOUNT, Estimate, Status
from trayd.texts import is_tidy, tidy

#: The version of the format that is read, and the greatest one that is known.
VERSION = 1

#: Parameters and unknown fields of one event, as JSON, take no more than this.
DETAILS_BYTES = 64 * 1024

# Deeper nesting is no model's input, and tires whoever reads it.
_DEEPEST = 40

# An amount or a quantity beyond these is a mistake, and would be slow to calculate with.
_LARGEST = Decimal(10) ** 12
_SMALLEST_EXPONENT = -40

_YEARS = range(2000, 2200)

# A quantity may be written as a number or, to keep every digit in any JSON library, as a text.
_Quantity = Annotated[
    Decimal,
    Meta(
        description="A decimal number of zero or more, as a JSON number or as text.", extra_json_schema={"minimum": 0}
    ),
]


class ExpectedCost(msgspec.Struct, frozen=True, kw_only=True):
    """What the generation was expected to cost."""

    amount: _Quantity
    currency: Annotated[str, Meta(description="An ISO 4217 code.", pattern="^[A-Z]{3}$")] = "USD"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One generation on fal, told by the program that asked for it. Fields that are not listed are kept."""

    trayd: Annotated[Literal[1], Meta(description="The version of this format.")]
    type: Annotated[Literal["generation"], Meta(description="What the event is about.")]
    endpoint_id: Annotated[
        str,
        Meta(
            description="fal's identity of the model.",
            pattern=r"^\S+$",
            max_length=200,
            examples=["fal-ai/flux/dev"],
        ),
    ]
    time: Annotated[datetime, Meta(description="When the request was made, with its time zone (RFC 3339).", tz=True)]
    request_id: Annotated[str, Meta(description="fal's id of the request.", max_length=200)] | None = None
    status: Annotated[Status | None, Meta(description="How far it has come; completed where it is missing.")] = None
    duration_s: Annotated[float, Meta(description="How long it ran, in seconds.", ge=0)] | None = None
    units: _Quantity | None = None
    unit: Annotated[str, Meta(description="What the units count: second, image.", max_length=100)] | None = None
    estimate: ExpectedCost | None = None
    client: Annotated[str, Meta(max_length=200)] | None = None
    project: Annotated[str, Meta(max_length=200)] | None = None
    deliverable: Annotated[str, Meta(max_length=200)] | None = None
    note: Annotated[str, Meta(max_length=2000)] | None = None
    parameters: Annotated[dict[str, Any], Meta(description="The model's input, best without prompts.")] | None = None
    source: Annotated[str, Meta(description="The program that tells it.", max_length=200)] | None = None
    account: Annotated[str, Meta(description="The fal account, by its name in trayd.", max_length=200)] | None = None


def _canonical_number(text: str) -> Decimal | int:
    """One value for each number however it is written: 8.0 and 8, 1.10 and 1.1."""
    number = Decimal(text).normalize(EXACT)
    return int(number) if number == number.to_integral_value() and abs(number) < _LARGEST else number


_EVENT = msgspec.json.Decoder(Event)
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_EXACT_OBJECT = msgspec.json.Decoder(dict[str, Any], float_hook=_canonical_number)
_CANONICAL = msgspec.json.Encoder(order="sorted", decimal_format="number")
_KNOWN = frozenset(Event.__struct_fields__)
# How a JSON export begins as trayd writes it; what other programs make of it is known by its fields.
_EXPORT = re.compile(rb'\s*\{\s*"trayd"\s*:\s*[0-9]+\s*,\s*"type"\s*:\s*"export"')

#: Why an export is not read as an event.
NOT_AN_EVENT = Rejection(
    column="type",
    value="export",
    problem="this is an export of a whole history",
    cure="take it in with `trayd import FILE`",
)

_AT_FIELD = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_MISSING = re.compile(r"missing required field `(?P<name>\w+)`")
_LENGTH = re.compile(r"of length <= (?P<most>\d+)")
_EXPECTED_TYPE = re.compile(r"Expected `(?P<type>\w+)[^`]*`, got")


def read_event(data: bytes, *, store_prompts: bool, models: Mapping[str, ModelFact], now: datetime) -> EventFact:
    """The fact that one JSON object tells.

    Args:
        data: the object as JSON in UTF-8.
        store_prompts: whether prompts and free text are kept.
        models: what is known of each endpoint, for events that tell units but no estimate.
        now: the time of an estimate that is made here.

    Raises:
        RefusedError: it is not JSON, not an event, or an event of a version that is not known. The rejection's line
            is counted within the object.
    """
    try:
        whole = _EXACT_OBJECT.decode(data)
    except msgspec.ValidationError:
        raise _refused("this is not an event", "write one JSON object in braces for each event") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ArithmeticError):
        raise RefusedError(not_json(data)) from None
    _check_version(whole)
    try:
        wire = _EVENT.decode(data)
        unknown = {name: value for name, value in whole.items() if name not in _KNOWN}
        extra = _OBJECT.decode(_CANONICAL.encode(unknown)) if unknown else {}
    except (msgspec.DecodeError, RecursionError) as error:
        raise RefusedError(_explain(str(error), whole)) from None
    if data.count(b"{") + data.count(b"[") > _DEEPEST and _deeper_than(_DEEPEST, [wire.parameters, extra]):
        raise _too_deep()
    parameters, extra = _details(wire.parameters or {}, extra, store_prompts=store_prompts)
    time = _instant(wire.time)
    units = None if wire.units is None else _quantity("units", wire.units)
    return EventFact(
        digest=hashlib.sha256(_CANONICAL.encode(whole)).hexdigest(),
        time=time,
        endpoint_id=wire.endpoint_id,
        request_id=_text(wire.request_id),
        account=_name(wire.account) or DEFAULT_ACCOUNT,
        status=wire.status or Status.COMPLETED,
        duration_s=wire.duration_s,
        units=units,
        unit=_name(wire.unit),
        estimate=_estimate(wire, time, units, models, now),
        client=_name(wire.client),
        project=_name(wire.project),
        deliverable=_name(wire.deliverable),
        note=_text(wire.note),
        source=_name(wire.source),
        parameters=parameters,
        extra=extra,
    )


def check_event(fact: EventFact) -> None:
    """Looks whether an event file could have told the fact; an export tells it as it is kept.

    Raises:
        RefusedError: none could.
    """
    told: dict[str, Any] = {name: getattr(fact, name) for name in _KNOWN & frozenset(fact.__struct_fields__)}
    told |= {"trayd": VERSION, "type": "generation", "status": fact.status.value, "estimate": None}
    try:
        msgspec.convert(told, Event)
    except msgspec.ValidationError as error:
        raise RefusedError(_explain(str(error), told)) from None
    for name, value in told.items():
        if isinstance(value, str) and not is_tidy(value):
            raise _refused(f'"{shown(value)}" has characters that no name has', CORRECT_IT, name, shown(value))
    _instant(fact.time)
    if fact.units is not None:
        _quantity("units", fact.units)
    if fact.estimate is not None:
        _expected(fact.estimate.amount.amount, fact.estimate.amount.currency)
    if _deeper_than(_DEEPEST, [fact.parameters, fact.extra]):
        raise _too_deep()
    _check_size(fact.parameters, fact.extra)


def begins_as_export(data: bytes) -> bool:
    """Whether a file begins as the JSON exports of trayd do, which can be large; it is not decoded for that."""
    return _EXPORT.match(data) is not None


def _text(value: str | None) -> str | None:
    return tidy(value) or None if value else None


# Clients, units and programs are few, and come with every event.
_name = lru_cache(maxsize=512)(_text)


def _check_version(event: Mapping[str, Any]) -> None:
    version = event.get("trayd")
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        raise _refused(
            f"this event is of version {version}, and this trayd reads version {VERSION}",
            "update trayd and try again",
            "trayd",
            str(version),
        )
    kind = event.get("type")
    if kind == "export":
        raise RefusedError(NOT_AN_EVENT)
    if isinstance(kind, str) and kind != "generation":
        raise _refused(
            f'"{shown(kind)}" is no type of event that this trayd knows',
            'write "generation", or update trayd',
            "type",
            shown(kind),
        )


def _instant(time: datetime) -> datetime:
    if time.year not in _YEARS:
        raise _refused(f'"{time.isoformat()}" is too far from today', CORRECT_IT, "time", time.isoformat())
    return time.astimezone(UTC)


def _quantity(field: str, number: Decimal) -> Decimal:
    if not number.is_finite() or number < 0:
        problem = "is not a number of zero or more"
    else:
        exponent = number.as_tuple().exponent
        if number <= _LARGEST and not (isinstance(exponent, int) and exponent < _SMALLEST_EXPONENT):
            return number
        problem = "has more digits than any real amount"
    text = shown(str(number))
    raise _refused(f'"{text}" {problem}', CORRECT_IT, field, text)


def _estimate(
    wire: Event, time: datetime, units: Decimal | None, models: Mapping[str, ModelFact], now: datetime
) -> Estimate | None:
    if wire.estimate is not None:
        return Estimate(_expected(wire.estimate.amount, wire.estimate.currency), time)
    model = models.get(wire.endpoint_id)
    if units is None or model is None or not _same_unit(wire.unit, model.unit):
        return None
    return price_of(models, wire.endpoint_id, units, now)


def _expected(amount: Decimal, currency: str) -> Money:
    amount = _quantity("estimate.amount", amount)
    if not is_currency(currency):
        raise _refused(
            f'"{shown(currency)}" is no currency', "write its ISO 4217 code, such as USD", "estimate.currency"
        )
    return Money.of(amount, currency)


def _same_unit(told: str | None, priced: str | None) -> bool:
    """Whether a quantity in one unit can be multiplied by a price for the other; seconds are not minutes."""
    if told is None or priced is None:
        return True
    return told.strip().lower().removesuffix("s") == priced.strip().lower().removesuffix("s")


def _details(
    parameters: dict[str, Any], extra: dict[str, Any], *, store_prompts: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    keep = without_embedded_files if store_prompts else without_prompts
    parameters, extra = keep(parameters), keep(extra)
    _check_size(parameters, extra)
    return parameters, extra


def _check_size(parameters: dict[str, Any], extra: dict[str, Any]) -> None:
    size = len(msgspec.json.encode((parameters, extra)))
    if size > DETAILS_BYTES:
        raise _refused(
            f"parameters and other fields take {size // 1024} KiB",
            f"leave large values out of the event, {DETAILS_BYTES // 1024} KiB are kept, and try again",
            "parameters",
        )


def _too_deep() -> RefusedError:
    return _refused("its fields are nested too deeply", f"{_DEEPEST} levels are kept", "parameters")


def _deeper_than(levels: int, value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_deeper_than(levels - 1, item) for item in inner)


def not_json(data: bytes) -> Rejection:
    """Where the JSON breaks off; the text itself may hold a prompt and is not quoted."""
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        what = f"this is not JSON: {error.msg[0].lower()}{error.msg[1:]} at character {error.colno}"
        return Rejection(line=error.lineno, problem=what)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Rejection(line=line, problem="this is not UTF-8", cure="save the file as UTF-8 and try again")
    except RecursionError:
        return Rejection(problem="this is nested too deeply")
    return Rejection(problem="this is not JSON: a number in it is NaN, infinite or too large")


_TYPE_NAMES = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a decimal number",
    "datetime": "a time",
    "object": "an object in braces",
}


def _explain(message: str, event: Mapping[str, Any]) -> Rejection:
    """What msgspec found wrong, for whoever writes the events."""
    if missing := _MISSING.search(message):
        name = missing["name"]
        return Rejection(column=name, problem=f'the field "{name}" is missing', cure="add it and try again")
    at = _AT_FIELD.search(message)
    path = at["path"] if at and "[" not in at["path"] else ""
    value = _value_at(event, path)
    quoted = f'"{value}"' if value is not None else "this value"
    if "timezone component" in message:
        problem, cure = f"{quoted} has no time zone", "add Z for UTC, or an offset such as +01:00"
    elif "RFC3339" in message:
        problem, cure = f"{quoted} is not a time", "write it like 2026-11-20T14:03:11Z"
    elif path == "status":
        problem, cure = f"{quoted} is not a status", f"use {', '.join(Status)}"
    elif longest := _LENGTH.search(message):
        problem, cure = f"{quoted} is longer than {longest['most']} characters", "shorten it"
    elif ">= " in message:
        problem, cure = f"{quoted} is below {message.partition('>= ')[2].split()[0].removesuffix('.0')}", CORRECT_IT
    elif expected := _EXPECTED_TYPE.match(message):
        problem, cure = f"{quoted} is not {_TYPE_NAMES.get(expected['type'], 'of the right type')}", CORRECT_IT
    else:
        problem, cure = f"{quoted} is not valid here", "see event.schema.json, correct it and try again"
    return Rejection(column=path or None, value=value, problem=problem, cure=cure)


def _value_at(event: Mapping[str, Any], path: str) -> str | None:
    value: Any = event
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return shown(str(value)) if isinstance(value, str | int | Decimal) else None


def _refused(problem: str, cure: str, column: str | None = None, value: str | None = None) -> RefusedError:
    return RefusedError(Rejection(column=column, value=value, problem=problem, cure=cure))
