"""The commands by which a person says what records are about: tags, links."""

from __future__ import annotations

from typing import Any

import click

from trayd.commands.answers import json_option, print_answer
from trayd.commands.filters import warn_of_unknown, where_options
from trayd.errors import UsageError

_EXAMPLES = """\b
trayd tag 764cabcf-b745-4b3e-ae38-1200304cf45b --client Northwind
trayd tag --since 2026-11-01 --where-client "" --client Northwind --project Spring
trayd tag --undo
"""


@click.command(epilog=_EXAMPLES)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--client", help="Set the client; empty clears it.")
@click.option("--project", help="Set the project; empty clears it.")
@click.option("--deliverable", help="Set the deliverable; empty clears it.")
@click.option("--note", help="Set the note; empty clears it.")
@where_options
@click.option("--dry-run", is_flag=True, help="Only show what would be changed.")
@click.option("--undo", is_flag=True, help="Take the last tagging back, or the one of this NUMBER.")
@click.option("--list", "as_list", is_flag=True, help="List the taggings that can be taken back.")
@json_option
def tag(ids: tuple[str, ...], undo: bool, as_list: bool, as_json: bool, **query: Any) -> None:
    """Set client, project, deliverable or note of records.

    The records are named by their ids (trayd history --ids), or found by the filters: --model, --account, --key,
    --kind, --since, --until and --where-client, --where-project, --where-deliverable; an empty text finds those
    without.
    """
    if undo or as_list:
        if (undo and as_list) or any(query.values()):
            raise UsageError("--undo and --list go with no other option", "leave the others out")
        if as_list and ids:
            raise UsageError("--list takes no id", "leave it out")
        _list(as_json) if as_list else _undo(ids, as_json)
        return
    import msgspec

    from trayd.desk import open_desk
    from trayd.records import EDITABLE_FIELDS
    from trayd.terminal.tags import tagged_view

    body = msgspec.json.encode(ids) if ids else b""
    query["dry_run"] = query["dry_run"] or None
    with open_desk() as desk:
        answer = desk.ask("tag", body, **query)
        where = {name.removeprefix("where_"): value for name, value in query.items() if name not in EDITABLE_FIELDS}
        warn_of_unknown(desk, where)
    print_answer(answer, as_json, lambda style: tagged_view(answer, style))


def _list(as_json: bool) -> None:
    from trayd.desk import open_desk
    from trayd.terminal.tags import taggings_view

    with open_desk() as desk:
        answer = desk.ask("taggings")
    print_answer(answer, as_json, lambda style: taggings_view(answer, style))


def _undo(numbers: tuple[str, ...], as_json: bool) -> None:
    from trayd.desk import open_desk
    from trayd.terminal.tags import untagged_view

    if len(numbers) > 1 or not all(number.isdecimal() for number in numbers):
        raise UsageError(
            f"--undo takes one number of a tagging, not {' '.join(numbers)}", "`trayd tag --list` shows the numbers"
        )
    with open_desk() as desk:
        answer = desk.ask("untag", number=int(numbers[0]) if numbers else None)
    print_answer(answer, as_json, lambda style: untagged_view(answer, style))


@click.command()
@click.argument("event_id", metavar="ID")
@click.argument("request_id", metavar="[REQUEST_ID]", required=False)
@click.option("--force", is_flag=True, help="Also to a request that fal has not told of, or one of another endpoint.")
@click.option("--undo", is_flag=True, help="Take a wrong link back: the event is a record of its own again.")
@json_option
def link(event_id: str, request_id: str | None, force: bool, undo: bool, as_json: bool) -> None:
    """Settle an unmatched event: it is part of that request.

    An event without a request id is left out of the totals where fal's billing covers its time, so that nothing
    counts twice. trayd history --unmatched lists such events; without REQUEST_ID the likely requests are listed.
    """
    from trayd.desk import open_desk
    from trayd.terminal.tags import candidates_view

    if undo and (request_id is not None or force):
        raise UsageError("--undo takes the id of the event alone", "leave the rest out")
    if force and request_id is None:
        raise UsageError("--force goes with a REQUEST_ID", "name the request")
    with open_desk() as desk:
        if undo:
            answer = desk.ask("unlink", id=event_id)
            said = f"{event_id} is a record of its own again, and no part of {answer['request_id']}"
        elif request_id is None:
            answer = desk.ask("likely", id=event_id)
        else:
            answer = desk.ask("link", id=event_id, request_id=request_id, force=force or None)
            said = f"{event_id} is part of {request_id}" + (
                f"; `trayd link --undo {event_id}` takes it back" if answer["changed"] else " already"
            )
    listing = request_id is None and not undo
    print_answer(answer, as_json, lambda style: candidates_view(answer, event_id, style) if listing else said)
