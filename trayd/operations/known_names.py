"""Names that a person gives, against those that are recorded: a slip of the pen looks like no spending at all."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from trayd.facts import called_as_written, called_names

if TYPE_CHECKING:
    from trayd.forecasting.inputs import LedgerContext
    from trayd.operations.filters import WorkQuery

#: By what work can be named, and what that is called in the heading of sums.
_FIELDS = {
    "client": "client",
    "project": "project",
    "deliverable": "deliverable",
    "model": "endpoint_id",
    "account": "account",
    "key": "key",
}

_MOST_NAMED = 3
#: How much of two names has to be the same for the one to be meant by the other.
_ALIKE = 0.8
_PIECES = re.compile(r"[\s/]+")


class KnownNames:
    """The names that records have; each question is asked once.

    Args:
        context: gives the ledger and the settings.
    """

    def __init__(self, context: LedgerContext) -> None:
        self._context = context
        self._recorded: dict[str, set[str]] = {}

    def trouble(self, scope: str, name: str) -> str:
        """That nothing is of that name, and what may have been meant; empty where something is.

        Args:
            scope: client, project, deliverable, model, account or key.
            name: as the person wrote it; a model stands for all that begin with it up to a slash.
        """
        known = meant = self._of(scope)
        if scope == "account":
            # One that is set up has no records at first, and one that records name may not be set up.
            shown = self._accounts()
            known, meant = {*known, *shown}, {*shown.values(), *(known - shown.keys())}
        under = name.rstrip("/") + "/"
        if name in known or (scope == "model" and any(f"{each}/".startswith(under) for each in known)):
            return ""
        return f"nothing recorded has the {scope} “{name}”{_instead(name, meant)}"

    def account_called(self, written: str | None) -> str | None:
        """What an account is called that the settings name; None where they name none."""
        return None if written is None else called_as_written(written, self._accounts())

    def _accounts(self) -> dict[str, str]:
        accounts = self._context.ledger.accounts()
        return dict(zip(self._context.names, self._context.names, strict=True)) | called_names(accounts.values())

    def _of(self, scope: str) -> set[str]:
        if scope not in self._recorded:
            self._recorded[scope] = recorded_names(self._context, scope)
        return self._recorded[scope]


def recorded_names(context: LedgerContext, scope: str) -> set[str]:
    """The names that records have, of one scope: client, project, deliverable, model, account or key."""
    field = _FIELDS[scope]
    sums = context.books.sums(zone=context.settings.zone(), by=(field,))
    return {name for each in sums if (name := getattr(each.heading, field))}


def unknown_names(context: LedgerContext, query: WorkQuery) -> list[str]:
    """Which of the filters nothing recorded can be of, in words; an empty one asks for what has no such name."""
    known = KnownNames(context)
    given = ((scope, name) for scope in _FIELDS if (name := getattr(query, scope)))
    return [trouble for scope, name in given if (trouble := known.trouble(scope, name))]


def _instead(name: str, known: Collection[str]) -> str:
    """What the person may have meant, the likeliest first; where nothing is like it, what there is."""
    if not known:
        return ""
    if near := _near(name, known)[:_MOST_NAMED]:
        return f"; did you mean {' or '.join(f'“{each}”' for each in near)}?"
    named = sorted(known)[:_MOST_NAMED]
    return f"; known: {', '.join(named)}{'' if len(named) == len(known) else ', …'}"


def _near(name: str, known: Iterable[str]) -> list[str]:
    """Those that have it in them, else those that are written nearly so, or that have a word like it."""
    wanted, names = name.casefold(), sorted(known)
    if having := [each for each in names if wanted in each.casefold()]:
        return having
    by_text: dict[str, list[str]] = {}
    for each in names:
        text = each.casefold()
        for piece in (text, *_PIECES.split(text)):
            # Who writes a name from memory writes its beginning.
            for part in (piece, piece[: len(wanted) + 1]):
                by_text.setdefault(part, []).append(each)
    from difflib import get_close_matches

    found = get_close_matches(wanted, by_text, n=_MOST_NAMED, cutoff=_ALIKE)
    return list(dict.fromkeys(each for text in found for each in by_text[text]))
