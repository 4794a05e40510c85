"""Looks at the facts of a record in an export before anything is made of them.

What comes in with an export is looked at as what comes in with event files, tables and fal's answers is: what could
not have come from there was not told by trayd, and would be met with by whoever reads the ledger from then on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from trayd.facts import BillingFact, RunFact
from trayd.intake.events import check_event
from trayd.intake.kept_costs import check_cost
from trayd.intake.rejection import RefusedError, Rejection, shown
from trayd.ledger.merge import Edit, RecordFacts
from trayd.ledger.soundness import wrong_in
from trayd.money import NANOS_PER_UNIT
from trayd.operations.history_head import LONGEST_NAME, wrong_name
from trayd.records import EDITABLE_FIELDS
from trayd.texts import is_tidy

# What fal's answers are held to as well.
_LARGEST = Decimal(10) ** 15

_CLOCKS = "set the clocks of both computers, and make the export again"


def check_facts(record_id: str, facts: RecordFacts, latest: datetime) -> None:
    """Looks whether the facts can have been told, and all of this record; those of others would end up there.

    Args:
        record_id: the id under which they stand.
        facts: what was read; nothing was worked out of it yet.
        latest: nothing can have been told after it: the newest word wins over every later one, for ever.

    Raises:
        RefusedError: some cannot; the rejection names the record.
        ValueError: some are of another record, or there are none.
    """
    if wrong := wrong_in(facts):
        raise ValueError(shown(wrong))
    _check_identity(record_id, facts)
    try:
        for event in facts.events:
            check_event(event)
        if facts.cost is not None:
            check_cost(facts.cost)
    except RefusedError as error:
        row = error.rejection
        problem = f"the facts of the record {shown(record_id)}: {row.problem}"
        raise RefusedError(Rejection(column=row.column, value=row.value, problem=problem, cure=row.cure)) from None
    for name in (*(event.digest for event in facts.events), *(link.record_id for link in facts.links)):
        _check_text("id", name)
    for fetch in (facts.billing, facts.run):
        if fetch is not None:
            _check_fetch(fetch)
    for edit in facts.edits:
        _check_edit(edit)
    told = max(_told_at(facts), default=latest)
    if told > latest:
        problem = f"the facts of the record {shown(record_id)} were told on {told:%Y-%m-%d}, which is still to come"
        raise RefusedError(Rejection(problem=problem, cure=_CLOCKS))


def _check_fetch(fetch: BillingFact | RunFact) -> None:
    """Looks at what fal is said to have told.

    Raises:
        ValueError: it cannot have.
    """
    _check_text("request_id", fetch.request_id)
    _check_text("account", fetch.account)
    if isinstance(fetch, RunFact):
        _check_text("endpoint_id", fetch.endpoint_id)
        return
    _check_text("key", fetch.key)
    if not fetch.rows:
        raise ValueError("its bill has no row")
    for row in fetch.rows:
        _check_text("endpoint_id", row.endpoint_id)
        total = None if row.total_nanos is None else Decimal(row.total_nanos) / NANOS_PER_UNIT
        for number in (row.units, row.unit_price, row.percent_discount, total):
            if number is not None and abs(number) > _LARGEST:
                raise ValueError(f"{shown(str(number))} is beyond every real amount")


def _check_edit(edit: Edit) -> None:
    if edit.value is not None and not is_tidy(edit.value):
        raise ValueError(f'{edit.field} "{shown(edit.value)}" has characters that no name has')
    _check_text(edit.field, edit.value, EDITABLE_FIELDS.get(edit.field, LONGEST_NAME))


def _check_text(field: str, text: str | None, longest: int = LONGEST_NAME) -> None:
    if text is not None and (wrong := wrong_name(text, longest)):
        raise ValueError(f"{field} {wrong}")


def _told_at(facts: RecordFacts) -> Iterator[datetime]:
    """When that was told of which the newest word wins."""
    yield from (fetch.fetched_at for fetch in (facts.billing, facts.run) if fetch is not None)
    yield from (at for edit in facts.edits for at in (edit.at, edit.undone) if at is not None)
    yield from (at for link in facts.links for at in (link.at, link.undone) if at is not None)


def _check_identity(record_id: str, facts: RecordFacts) -> None:
    """Looks whether all facts are of this record.

    Raises:
        ValueError: some are not, or there are none.
    """
    if facts.cost is not None:
        if facts.cost.id != record_id or facts.events or facts.billing or facts.run or facts.links:
            raise ValueError("they are of several records")
        return
    linked = {link.record_id for link in facts.links}
    ids = {event.record_id for event in facts.events if event.request_id is not None or event.digest not in linked}
    ids |= {link.request_id for link in facts.links}
    ids |= {fact.request_id for fact in (facts.billing, facts.run) if fact is not None}
    if not ids:
        raise ValueError("there are none")
    if ids != {record_id}:
        raise ValueError("they are of several records")
