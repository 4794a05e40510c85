"""Saving tips in words: what was done, what it cost, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from trayd.insight.tip_counts import Made, Project
from trayd.insight.tip_rules import Found, TipKind

_NAMED = 2

_TITLES = {
    TipKind.CHEAPER_MODEL: "{other} instead of {model}",
    TipKind.SMALLER_MODEL: "{other} instead of {model}",
    TipKind.SOUND: "{model} without sound",
    TipKind.RESOLUTION: "{model} in {usual}p",
    TipKind.LENGTH: "Shorter videos by {model}",
    TipKind.BILLED_FAILURES: "Failed requests that were billed",
    TipKind.LICENCE: "The licence of {model}",
}

_TEXTS = {
    TipKind.CHEAPER_MODEL: (
        "{where}: {generations} by {model} cost {cost}. For the same work {others} made by {other}; at what those cost "
        "you, these would have cost {saving} less. Quality may differ."
    ),
    TipKind.SMALLER_MODEL: (
        "{where}: {generations} by {model} cost {cost}. At the list price of {other} they would have cost {saving} "
        "less. Quality may differ."
    ),
    TipKind.SOUND: (
        "{where}: {videos} by {model} with sound cost {cost}. At what yours of the same length cost without it, they "
        "would have cost {saving} less. For the same deliverables {others} made without sound, or as sound apart."
    ),
    TipKind.RESOLUTION: (
        "{where}: {generations} by {model} in 1440 lines or more cost {cost}. For the same work {others} asked for in "
        "{usual}p or close to it; in that these would have cost {saving} less."
    ),
    TipKind.LENGTH: (
        "{where}: {videos} by {model} were at least twice as long as the usual {usual} s, and cost {cost}. At that "
        "length they would have cost {saving} less."
    ),
    TipKind.BILLED_FAILURES: (
        "{where}: {requests} that failed cost {cost}. fal charges nothing for errors of its servers, but may charge "
        "for what a model refuses after it has begun (422)."
    ),
    TipKind.LICENCE: (
        "{where}: {generations} by {model} for clients cost {cost}. fal lists its licence as research: what it makes "
        "may not be for work that is paid for."
    ),
}

_ADVICE = {
    TipKind.CHEAPER_MODEL: "Try {instead} for drafts, and keep {endpoint} for what is delivered.",
    TipKind.SMALLER_MODEL: "Try {instead} for drafts, and keep {endpoint} for what is delivered.",
    TipKind.SOUND: "Switch sound off (generate_audio: false) where voices and music are added later.",
    TipKind.RESOLUTION: "Make drafts in {usual}p, and only the take that is kept in more.",
    TipKind.LENGTH: "Make drafts short, and lengthen the take that is kept.",
    TipKind.BILLED_FAILURES: (
        "Check inputs (formats, sizes, limits of the model) before they are sent, and do not repeat what was refused."
    ),
    TipKind.LICENCE: "Read the licence on the page of {endpoint} before its work is billed to a client.",
}


def words(
    found: Found, places: Sequence[Made], *, model: str, other: str, records: int, cost: str, saving: str
) -> tuple[str, str, str]:
    """A title, a text and an advice.

    Args:
        found: what a rule found.
        places: where the records concerned were made, the dearest first.
        model: the name of the model that it is about.
        other: that of the one to try.
        records: how many are concerned.
        cost: what they cost.
        saving: what would have been saved.
    """
    told = {
        "model": model,
        "other": other,
        "endpoint": found.model,
        "instead": found.instead,
        "where": _where(places),
        "generations": _count(records, "generation"),
        "videos": _count(records, "video"),
        "requests": _count(records, "request"),
        "others": f"{found.with_other:,} {'was' if found.with_other == 1 else 'were'}",
        "usual": "" if found.usual is None else f"{found.usual:f}",
        "cost": cost,
        "saving": saving,
    }
    title, text, advice = (each[found.kind].format(**told) for each in (_TITLES, _TEXTS, _ADVICE))
    return title, text, advice


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _where(places: Sequence[Made]) -> str:
    names = list(dict.fromkeys(label(made.project) for made in places))
    named, more = names[:_NAMED], len(names) - _NAMED
    if more > 0:
        return f"{', '.join(named)} and {more} more"
    return " and ".join(named)


def label(project: Project) -> str:
    """A project with its client, as people call it."""
    return " / ".join(tag for tag in project if tag) or "Without a project"
