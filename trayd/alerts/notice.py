"""A notice: an episode as it is put before the person, and how several become one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trayd.alerts.rules.reports import REFUSED
from trayd.alerts.words import TITLE, actions_of
from trayd.episodes import Episode, Urgency
from trayd.texts import clip, units_of, without_controls

_LISTED = 4
_BUTTONS = 2

#: What several warnings of one rule are called.
_CALLED = {
    "balance": "balances are low",
    "budget": "budgets are being used up",
    "budget_forecast": "budgets are expected to be used up",
    "expensive": "expensive generations",
    "together": "groups of jobs were expensive",
    "anomaly": "days of unusual spending",
    "run_out": "balances will run out",
    "estimate": "models are billed off their estimates",
    "expiry": "purchases of credits will expire",
    "account": "accounts need you",
    "stale": "accounts get no answer from fal",
    "file": "files were not, or not wholly, taken in",
    "ledger": "warnings of the ledger",
    "backfill": "accounts have been read",
    "report": "reports are ready",
}

#: And those of a level that says something else.
_CALLED_AT = {("report", REFUSED): "schedules of reports are held up"}


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown.

    Attributes:
        episodes: ids of the episodes that it tells of.
        over: those of them that have ended, of which there is nothing to snooze.
        titles: of several, each by its headline, for where the body is too long.
        actions: the buttons, the likeliest first: what is on it, and the action that it asks for.
    """

    episodes: tuple[str, ...]
    title: str
    body: str
    over: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    urgency: Urgency = Urgency.NORMAL
    actions: tuple[tuple[str, str], ...] = ()


def notice_of(episode: Episode) -> Notice:
    """The notice of one episode."""
    return Notice(
        episodes=(episode.id,),
        title=episode.title,
        body=episode.text,
        urgency=episode.urgency,
        actions=actions_of(episode.rule, episode.level, episode.scope),
    )


def summary(episodes: Sequence[Episode]) -> Notice:
    """One notice for several episodes: the gravest in full, or how many there are when they are all of a kind."""
    gravest = sorted(episodes, key=lambda episode: -episode.urgency.gravity)
    first, *others = gravest[:_LISTED]
    more = len(episodes) - 1
    if len({_called(episode) for episode in episodes}) == 1:
        title = f"{len(episodes)} {_called(first)}"
        lines = [_in_a_list(episode) for episode in (first, *others)]
    else:
        title = f"{first.title}, and {more} more warning{'s' if more > 1 else ''}"
        if units_of(title) > TITLE:
            title = f"{len(episodes)} warnings"
        lines = [first.text, *(episode.title for episode in others)]
    more -= len(others)
    if more:
        lines.append(and_more(more))
    actions: dict[str, str] = {}
    for episode in gravest:
        for label, action in actions_of(episode.rule, episode.level, episode.scope):
            # Two buttons of one name are told apart by nobody.
            actions.setdefault(label, action)
    return Notice(
        episodes=tuple(episode.id for episode in episodes),
        title=title,
        body="\n".join(lines),
        titles=tuple(episode.title for episode in gravest),
        urgency=gravest[0].urgency,
        actions=tuple(actions.items())[:_BUTTONS],
    )


def _called(episode: Episode) -> str:
    return _CALLED_AT.get((episode.rule, episode.level)) or _CALLED[episode.rule]


def _in_a_list(episode: Episode) -> str:
    # Of reports that are ready, whose they are; the button leads to them.
    return episode.title if episode.rule == "report" and episode.level != REFUSED else episode.text


def and_more(number: int) -> str:
    """The line that ends a list which is not whole."""
    return f"and {number} more: trayd alerts names them"


def body_within(notice: Notice, units: int) -> str:
    """The body in at most that many UTF-16 units: of several warnings as many headlines as there is room for."""
    body = clean(notice.body)
    if units_of(body) <= units or not notice.titles:
        return clip(body, units)
    titles = [clean(title) for title in notice.titles]
    for number in range(len(titles), 0, -1):
        left_out = len(titles) - number
        text = "\n".join([*titles[:number], *([and_more(left_out)] if left_out else [])])
        if units_of(text) <= units:
            return text
    return clip(titles[0], units)


def clean(text: str) -> str:
    """The text without what notification services choke on: control characters and halves of surrogate pairs.

    Names of files, models and projects come from outside; D-Bus takes no NUL, and Windows' XML no control character.
    """
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return without_controls(whole, " ").replace("\t", " ").strip()
