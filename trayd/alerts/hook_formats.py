"""How a warning is written for those who take it by a webhook: as trayd's own JSON, or as a chat's message. Pure.

Sources: the message formats of Slack's incoming webhooks (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks),
Discord's (https://docs.discord.com/developers/resources/webhook#execute-webhook), Teams' workflows, which take adaptive
cards, and ntfy's publishing as JSON (https://docs.ntfy.sh/publish/#publish-as-json).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec

from trayd.alert_settings import Hook
from trayd.alerts.hook_events import HookEvent, encoded
from trayd.episodes import Urgency
from trayd.texts import clip

# Hosts whose form is known, and what their addresses end in or are.
_BY_HOST = (
    ("hooks.slack.com", "slack"),
    ("hooks.slack-gov.com", "slack"),
    ("discord.com", "discord"),
    ("discordapp.com", "discord"),
    ("ntfy.sh", "ntfy"),
    ("webhook.office.com", "teams"),
    ("logic.azure.com", "teams"),
    ("api.powerplatform.com", "teams"),
)

# Discord refuses a message of more than 2,000 characters; Slack advises against more than 4,000; ntfy takes 4,096
# bytes, of which a UTF-16 unit is three at most.
_LONGEST = {"discord": 2000, "slack": 3500, "ntfy": 1300}

_NTFY_PRIORITY = {Urgency.LOW: 2, Urgency.NORMAL: 3, Urgency.CRITICAL: 5}
_NTFY_TAG = {Urgency.NORMAL: "warning", Urgency.CRITICAL: "rotating_light"}


class Post(msgspec.Struct, frozen=True):
    """What is posted, and where: JSON to an address."""

    url: str
    body: bytes


def format_of(hook: Hook) -> str:
    """The form that a webhook is written in: what the settings say, else what its host is known to take."""
    if hook.format:
        return hook.format
    host = (urlsplit(hook.url).hostname or "").lower()
    return next((form for known, form in _BY_HOST if host == known or host.endswith(f".{known}")), "trayd")


def post_of(hook: Hook, event: HookEvent) -> Post:
    """The event as it is posted to the hook's address."""
    form = format_of(hook)
    if form == "ntfy":
        return _ntfy(hook.url, event)
    return Post(hook.url, encoded(event) if form == "trayd" else msgspec.json.encode(_MESSAGES[form](event)))


def _headline(event: HookEvent) -> str:
    return f"Resolved: {event.title}" if event.event == "resolved" else event.title


def _text(event: HookEvent) -> str:
    # What a warning advises is void once it is over.
    return "" if event.event == "resolved" else event.text


def _slack(event: HookEvent) -> dict[str, Any]:
    headline, text = (_escaped(part) for part in (_headline(event), _text(event)))
    return {"text": clip(f"*{headline}*\n{text}".strip(), _LONGEST["slack"])}


def _escaped(text: str) -> str:
    """Slack reads ``<!channel>`` as a call to everybody, and names of files and projects come from outside."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _discord(event: HookEvent) -> dict[str, Any]:
    content = clip(f"**{_headline(event)}**\n{_text(event)}".strip(), _LONGEST["discord"])
    # A project that is called @everyone calls nobody.
    return {"content": content, "username": "trayd", "allowed_mentions": {"parse": []}}


def _teams(event: HookEvent) -> dict[str, Any]:
    blocks = [{"type": "TextBlock", "text": _unmarked(_headline(event)), "weight": "Bolder", "wrap": True}]
    if text := _text(event):
        blocks.append({"type": "TextBlock", "text": _unmarked(text), "wrap": True})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        ],
    }


def _unmarked(text: str) -> str:
    """A TextBlock reads Markdown, in which a project's name could be a link to somewhere."""
    return text.replace("](", "] (")


def _ntfy(url: str, event: HookEvent) -> Post:
    """JSON goes to the server's root, with the topic in it; so titles may have any character."""
    parts = urlsplit(url)
    root, _, topic = parts.path.rstrip("/").rpartition("/")
    message: dict[str, Any] = {
        "topic": unquote(topic),
        "title": _headline(event),
        "message": clip(_text(event), _LONGEST["ntfy"]) or "This is over.",
        "priority": _NTFY_PRIORITY[Urgency.LOW if event.event == "resolved" else event.urgency],
    }
    tag = "white_check_mark" if event.event == "resolved" else _NTFY_TAG.get(event.urgency)
    if tag:
        message["tags"] = [tag]
    return Post(urlunsplit((parts.scheme, parts.netloc, f"{root}/", parts.query, "")), msgspec.json.encode(message))


_MESSAGES: dict[str, Callable[[HookEvent], dict[str, Any]]] = {"slack": _slack, "discord": _discord, "teams": _teams}
