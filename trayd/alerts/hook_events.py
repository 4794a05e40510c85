"""What hooks are handed: one warning as JSON. Pure.

The type is the contract with people's own scripts and servers; ``assets/hook.schema.json`` is made from it. Fields may
be added to version 1, and none changes its meaning.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from trayd.alerts.notice import clean
from trayd.episodes import Episode, Urgency
from trayd.money import Money
from trayd.texts import clip

#: The version of the form; a number for readers to check.
VERSION: Final = 1

#: UTF-16 units of what is there for people: more is a rule's mistake, and no command or server needs to cope with it.
LONGEST_TITLE = 300
LONGEST_TEXT = 3000

EventName = Literal["opened", "escalated", "resolved", "test"]
Timestamp = Annotated[datetime, Meta(tz=True)]


class Amount(msgspec.Struct, frozen=True):
    """An amount of money: a decimal number as text, so that no reader loses a digit, and an ISO 4217 currency."""

    amount: Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]


class HookEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A warning that has just opened, become graver, or ended; each field is always there."""

    trayd: Annotated[Literal[1], Meta(description="The version of this form.")] = VERSION
    event: Annotated[
        EventName,
        Meta(description="escalated: it has become graver; resolved: it is over; test: a person asked for one."),
    ]
    id: Annotated[
        str, Meta(description="Of the warning, from its opening to its end. With since, it tells two of them apart.")
    ]
    rule: Annotated[
        str, Meta(description="What is warned of, by the names of the settings.", examples=["balance", "budget"])
    ]
    scope: Annotated[str, Meta(description="What it is about: an account, a budget, a request id, a file.")]
    period: Annotated[
        str, Meta(description="The stretch of time that it is about; empty: none.", examples=["2026-11", "2026-W47"])
    ]
    level: Annotated[str, Meta(description="The threshold that was crossed; empty: none.", examples=["5.00", "80"])]
    urgency: Annotated[Urgency, Meta(description="How grave it is.")]
    since: Annotated[Timestamp, Meta(description="When it began, in UTC.")]
    at: Annotated[Timestamp, Meta(description="When this event of it happened, in UTC.")]
    resolved: Annotated[
        Timestamp | None,
        Meta(description="When it ended, in UTC; null while it lasts. The same as since: it happened, and is over."),
    ]
    title: Annotated[str, Meta(description="One line for people.")]
    text: Annotated[str, Meta(description="For people: what, how much, for which project, and what to do.")]
    amount: Annotated[Amount | None, Meta(description="How much, where it is about an amount.")]
    account: Annotated[str | None, Meta(description="The fal account that it is about, if it is about one.")]
    client: Annotated[str | None, Meta(description="The client that it is about, if it is about one.")]
    project: Annotated[str | None, Meta(description="The project that it is about, if it is about one.")]
    files: Annotated[
        tuple[str, ...], Meta(description="What was made, as absolute paths: scheduled reports. Else empty.")
    ] = ()


def event_of(episode: Episode, event: EventName) -> HookEvent:
    """The event of that name in the life of the episode."""
    return HookEvent(
        event=event,
        id=_whole(episode.id),
        rule=episode.rule,
        scope=_whole(episode.scope),
        period=episode.period,
        level=episode.level,
        urgency=episode.urgency,
        since=episode.since,
        at=happened(episode, event),
        resolved=episode.resolved,
        title=clip(clean(episode.title), LONGEST_TITLE),
        text=clip(clean(episode.text), LONGEST_TEXT),
        amount=_amount(episode.amount),
        account=episode.account and _whole(episode.account),
        client=episode.client and _whole(episode.client),
        project=episode.project and _whole(episode.project),
        files=tuple(map(_whole, episode.files)),
    )


def happened(episode: Episode, event: EventName) -> datetime:
    """When the event of that name did, in the life of the episode (UTC)."""
    if event == "resolved" and episode.resolved is not None:
        return episode.resolved
    return episode.reached or episode.since


def trial_event(now: datetime) -> HookEvent:
    """What a hook is tried out with: it warns of nothing."""
    return HookEvent(
        event="test",
        id="test",
        rule="test",
        scope="",
        period="",
        level="",
        urgency=Urgency.LOW,
        since=now,
        at=now,
        resolved=now,
        title="A test of trayd",
        text="This is how warnings reach you here. Nothing is wrong.",
        amount=None,
        account=None,
        client=None,
        project=None,
    )


def encoded(event: HookEvent) -> bytes:
    """The event as JSON, with all of its fields; times end in ``Z``."""
    return msgspec.json.encode(event)


def idempotency_key(event: HookEvent) -> str:
    """The same for the same event however often it is sent, and another for every other one."""
    # A level can be reached a second time while the warning lasts.
    parts = (event.id, event.since.isoformat(), event.event, event.level, event.at.isoformat())
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _whole(text: str) -> str:
    """The text without halves of surrogate pairs, which a file name can have and JSON cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _amount(money: Money | None) -> Amount | None:
    return None if money is None else Amount(money.text(), money.currency)
