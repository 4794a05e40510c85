"""The options that say which records are meant, everywhere the same."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from trayd.desk import Desk

F = TypeVar("F", bound=Callable[..., Any])
Option = Callable[[Any], Any]

_TAGS = ("client", "project", "deliverable")
_WHOSE = (
    click.option("--model", help="Only this endpoint, or all that start with it up to a slash."),
    click.option("--account", help="Only this account."),
    click.option("--key", help="Only this API key, or this member of the team."),
)
_OTHERS = (
    click.option("--kind", type=click.Choice(["internal", "external", "pool"]), help="Only this kind of cost."),
    click.option("--since", metavar="TIME", help="From this date or RFC 3339 time on."),
    click.option("--until", metavar="TIME", help="Up to this date, all of it, or up to this RFC 3339 time."),
)


def filter_options(command: F) -> F:
    """Gives the command the filters."""
    return _decorated(command, "", (*_WHOSE, *_OTHERS))


def work_options(command: F) -> F:
    """Gives a command that looks at generations of a time of its own the filters that say whose they are."""
    return _decorated(command, "", _WHOSE)


def where_options(command: F) -> F:
    """Gives a command the filters where ``--client`` and its like mean something else: they are ``--where-client``."""
    return _decorated(command, "where-", (*_WHOSE, *_OTHERS))


def warn_of_unknown(desk: Desk, query: Mapping[str, Any]) -> None:
    """Says on stderr which names in the filters nothing recorded has: a slip of the pen looks like no spending."""
    named = {name: query[name] for name in (*_TAGS, "model", "account", "key") if query.get(name)}
    for line in desk.ask("unknown-names", **named) if named else ():
        click.echo(line, err=True)


def _decorated(command: F, prefix: str, others: Iterable[Option]) -> F:
    tags = [click.option(f"--{prefix}{tag}", help=f"Only this {tag}; empty: those without.") for tag in _TAGS]
    return functools.reduce(lambda decorated, option: option(decorated), reversed([*tags, *others]), command)
