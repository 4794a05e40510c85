"""A record of a JSON export: whether what stands in it can have been told, and is what its facts say."""

from __future__ import annotations

from datetime import datetime

import msgspec

from trayd.intake.rejection import RefusedError, Rejection, shown
from trayd.ledger.counting import Standing, ways
from trayd.ledger.merge import RecordFacts, fold
from trayd.ledger.soundness import wrong_in
from trayd.money import Money
from trayd.operations.history_facts import check_facts
from trayd.operations.history_head import fault_in_words, refused, wrong_amount
from trayd.records import Generation, Kind
from trayd.reports.json_export import Amount, Line, line_of, nanos_in

_BY_HAND = "a history is changed with `trayd tag` and `trayd link`, not in its export; make the export again"

#: The cure where something was taken out of an export.
WHOLE = "make the export again, and leave its records whole"

#: What a record says under the log's keys that follows from its facts and from how it counts.
_FOLLOWS = (
    "id",
    "timestamp",
    "model",
    "kind",
    "source",
    "estimated_cost",
    "actual_cost",
    "counting",
    "cost",
    "client",
    "project",
    "deliverable",
    "duration_s",
    "units",
    "request_id",
    "key",
    "description",
    "category",
    "note",
    "status",
)


class Row(msgspec.Struct, frozen=True):
    """A record of an export that is sound.

    Attributes:
        line: as the log showed it.
        facts: what it was merged from.
        number: its place among the records of the file, counted from 0.
    """

    line: Line
    facts: RecordFacts
    number: int

    @property
    def id(self) -> str:
        """The id of what the facts are of: of a share the cost that is shared."""
        return id_of(self.line)

    @property
    def cost(self) -> Money | None:
        """What the record counts, as its facts have it: of a shared cost all of it, of others what the log showed."""
        if self.facts.cost is not None:
            return self.facts.cost.amount
        cost = self.line.cost
        return None if cost is None else Money(nanos_in(cost), cost.currency)


def id_of(line: Line) -> str:
    """The id of the record; of a share that of the cost that is shared."""
    return line.id if line.share_of is msgspec.UNSET else line.share_of


def read_line(raw: msgspec.Raw) -> Line:
    """The record as the log showed it, before its facts are looked at.

    Raises:
        RefusedError: it cannot be read.
    """
    try:
        line = _decode_line(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise refused(f"this record cannot be read ({fault_in_words(error)})", _BY_HAND) from None
    if line.cost is not None and (wrong := wrong_amount(line.cost)):
        raise refused(f"the record {shown(line.id)} cannot be read ({wrong})", _BY_HAND)
    return line


def without_facts(line: Line) -> RefusedError:
    """The refusal of a record whose facts someone took out."""
    return refused(f"the facts of the record {shown(line.id)} are missing, and they are what is taken in", WHOLE)


def check_facts_of(line: Line, latest: datetime) -> bool:
    """Looks whether the facts beside a line can have been told, and whether the line says what they say.

    Args:
        line: as the log showed it.
        latest: nothing can have been told after it: the newest word wins over every later one, for ever.

    Returns:
        Whether it is an event without a request id, which counts by how far fal's bills have been read.

    Raises:
        RefusedError: they cannot, or it does not.
    """
    try:
        facts = _facts_of(line)
        check_facts(id_of(line), facts, latest)
        return _is_told_by(facts, line)
    except (msgspec.MsgspecError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        problem = f"the facts of the record {shown(line.id)} cannot be read ({fault_in_words(error)})"
        raise refused(problem, _BY_HAND) from None


def _is_told_by(facts: RecordFacts, line: Line) -> bool:
    made = fold(id_of(line), facts)
    if line.share_of is not msgspec.UNSET:
        if facts.cost is None or {line.kind, facts.cost.kind} != {Kind.POOL}:
            raise refused(f"the facts of the share {shown(line.id)} are of no shared cost", _BY_HAND)
        check_uncompared(line)
        return False
    loose = isinstance(made, Generation) and made.request_id is None
    if isinstance(made, Generation):
        can_be = ways(Standing.of(made, billed=facts.billed), loose=loose)
        made = msgspec.structs.replace(made, counting=line.counting if line.counting in can_be else min(can_be))
    said = line_of(made)
    for field in _FOLLOWS:
        if getattr(line, field) != getattr(said, field):
            there, meant = (_in_words(getattr(each, field)) for each in (line, said))
            problem = f"the record {shown(line.id)} says {there} here, and its facts say {meant}"
            raise RefusedError(Rejection(column=field, value=there, problem=problem, cure=_BY_HAND))
    return loose


def check_uncompared(line: Line) -> None:
    """Looks at what of a line no facts can be compared with.

    Raises:
        RefusedError: it cannot have been told.
    """
    if wrong := wrong_in(line):
        raise refused(f"the record {shown(line.id)} cannot be read ({shown(wrong.strip())})", _BY_HAND)


def row_of(raw: msgspec.Raw, number: int) -> Row:
    """The record of that number, once it has been looked at."""
    line = _decode_line(raw)
    return Row(line, _facts_of(line), number)


def _facts_of(line: Line) -> RecordFacts:
    if line.facts is msgspec.UNSET:
        raise without_facts(line)
    return _decode_facts(line.facts)


def _in_words(value: object) -> str:
    if value is None:
        return "nothing"
    return shown(f"{value.amount} {value.currency}" if isinstance(value, Amount) else str(msgspec.to_builtins(value)))


_decode_line = msgspec.json.Decoder(Line).decode
_decode_facts = msgspec.json.Decoder(RecordFacts).decode
