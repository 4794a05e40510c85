"""What a JSON export is made of, beside the records: all that decides what they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from trayd import __version__
from trayd.facts import Coverage, EventFact, FileTaken, Link, ModelFact, RunFact
from trayd.intake.rejection import printable
from trayd.ledger.merge import RecordFacts
from trayd.prompts import without_prompts
from trayd.records import Filters, Generation, Record, Recorded
from trayd.reports.json_export import TYPE, VERSION, FixedRates, Head, History
from trayd.reports.open_shares import OpenShares
from trayd.texts import is_tidy, tidy

if TYPE_CHECKING:
    from trayd.operations.operations import Operations
    from trayd.pool_settings import Pool
    from trayd.rates import Converter

# Where neither is in the facts there is nothing that could hold a prompt.
_FREE_FIELDS = (b'"parameters":', b'"extra":')


def history(
    operations: Operations,
    recorded: Iterable[Recorded],
    filters: Filters,
    *,
    converter: Converter,
    converts: bool,
    shares: OpenShares,
    zone: tzinfo,
    now: datetime,
) -> History:
    """All of it, around these records.

    Args:
        operations: the ledger and the settings.
        recorded: the records that the filters admit, oldest first.
        filters: what was asked for.
        converter: the rates into the currency that was asked for, else into the home currency.
        converts: whether one was asked for.
        shares: tells which shares of shared costs are not final.
        zone: the user's.
        now: the time (UTC).
    """
    ledger, settings = operations.ledger, operations.settings
    rest = _rest_of_part(operations, filters, zone) if filters.is_part else _rest(operations)
    head = Head(
        trayd=VERSION,
        type=TYPE,
        made_at=now,
        made_by=f"trayd {__version__}",
        base_url=ledger.base_url(),
        home_currency=settings.home_currency,
        time_zone=str(zone),
        currency=converter.currency,
        filters=filters,
        accounts=tuple(
            msgspec.structs.replace(fact, problem="", as_of=None, tried_at=None) for fact in ledger.accounts().values()
        ),
        coverage=rest.coverage,
        links=rest.links,
        models=tuple(map(_on_one_line, rest.models)),
        statements=tuple(map(_named, ledger.statements())) if filters == Filters() else (),
        pools=rest.pools,
        rates=FixedRates(fixed=settings.rates.fixed),
    )
    kept = recorded if settings.store_prompts else _without_prompts(recorded)
    return History(
        head=head,
        recorded=_with_keys_on_one_line(kept),
        converter=converter,
        converts=converts,
        shares=shares,
        zone=zone,
    )


def _named(statement: FileTaken) -> FileTaken:
    """The same with a name that can be read everywhere: a file's can have any character."""
    return msgspec.structs.replace(statement, name=printable(statement.name))


def _on_one_line(model: ModelFact) -> ModelFact:
    """The same with a name as models are called since; before, one could have characters that no import takes."""
    name = model.display_name
    return model if name is None or is_tidy(name) else msgspec.structs.replace(model, display_name=tidy(name) or None)


def _with_keys_on_one_line(recorded: Iterable[Recorded]) -> Iterator[Recorded]:
    """The same with keys as they are called since, likewise."""
    for each in recorded:
        record, facts = each
        if isinstance(record, Generation) and record.key is not None and not _is_tidy(record.key):
            key, told = tidy(record.key) or None, _decode(facts)
            billing = told.billing and msgspec.structs.replace(told.billing, key=key)
            told = msgspec.structs.replace(told, billing=billing)
            yield Recorded(msgspec.structs.replace(record, key=key), _encode(told))
        else:
            yield each


class _Rest(NamedTuple):
    """What stands before the records, and may be of others' work."""

    coverage: tuple[Coverage, ...] = ()
    links: tuple[Link, ...] = ()
    models: tuple[ModelFact, ...] = ()
    pools: tuple[Pool, ...] = ()


def _rest(operations: Operations) -> _Rest:
    ledger = operations.ledger
    return _Rest(
        coverage=ledger.coverages(),
        links=ledger.undone_links(),
        models=ledger.model_readings(),
        pools=operations.settings.pool,
    )


def _rest_of_part(operations: Operations, filters: Filters, zone: tzinfo) -> _Rest:
    """That of a part's own records. Who is given the work of one client is told nothing of others'.

    No bills, for others of that time are not in it; no shared costs as the settings divide them, for their weights
    name other projects.
    """
    ledger = operations.ledger
    meant = {each.heading.endpoint_id for each in operations.books.sums(filters, zone=zone, by=("endpoint_id",))}
    return _Rest(
        links=tuple(link for link in ledger.undone_links() if _is_meant(ledger.get(link.record_id), filters, zone)),
        models=tuple(model for model in ledger.model_readings() if model.endpoint_id in meant),
    )


def _is_meant(record: Record | None, filters: Filters, zone: tzinfo) -> bool:
    return record is not None and filters.admits(record, zone)


def _without_prompts(recorded: Iterable[Recorded]) -> Iterator[Recorded]:
    """The same without prompts that are left of a time at which the user had them kept."""
    for each in recorded:
        record, facts = each
        if isinstance(record, Generation) and any(field in facts for field in _FREE_FIELDS):
            shown = msgspec.structs.replace(record, parameters=without_prompts(record.parameters))
            yield Recorded(shown, _encode(facts_without_prompts(_decode(facts))))
        else:
            yield each


def facts_without_prompts(facts: RecordFacts) -> RecordFacts:
    """The facts without prompts and free text in parameters and other fields."""
    run = facts.run
    return msgspec.structs.replace(
        facts,
        events=tuple(map(_event_without, facts.events)),
        run=run and _run_without(run),
    )


def _event_without(event: EventFact) -> EventFact:
    if not event.parameters and not event.extra:
        return event
    return msgspec.structs.replace(
        event, parameters=without_prompts(event.parameters), extra=without_prompts(event.extra)
    )


def _run_without(run: RunFact) -> RunFact:
    return msgspec.structs.replace(run, parameters=without_prompts(run.parameters)) if run.parameters else run


_is_tidy = lru_cache(maxsize=512)(is_tidy)  # keys are few, and come with every record
_decode = msgspec.json.Decoder(RecordFacts).decode
_encode = msgspec.json.Encoder(order="deterministic").encode
