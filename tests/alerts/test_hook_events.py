"""What hooks are handed, against the schema that is shipped; and how chats get it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from trayd.alert_settings import Hook
from trayd.alerts.hook_events import encoded, event_of, idempotency_key, trial_event
from trayd.alerts.hook_formats import format_of, post_of
from trayd.alerts.hook_schema import FILE, hook_schema, hook_schema_text
from trayd.episodes import Episode, Urgency
from trayd.money import Money

SINCE = datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)
OVER = Episode(
    id="budget:Northwind:2026-11",
    rule="budget",
    scope="Northwind",
    period="2026-11",
    since=SINCE,
    level="100",
    title="Budget Northwind used up",
    text="Northwind has spent $512.40 of $500.00 in November. Ask <@here> & @everyone first.",
    urgency=Urgency.CRITICAL,
    amount=Money.of("512.4"),
    client="Northwind",
)
VALIDATOR = Draft202012Validator(hook_schema(), format_checker=FormatChecker())


def errors(event: Any) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(event)]


def posted(format_: str, event: str = "opened", url: str = "https://chat.example.com/a/b?c=d") -> tuple[str, Any]:
    post = post_of(Hook(name="chat", url=url, format=format_), event_of(OVER, event))  # type: ignore[arg-type]
    return post.url, json.loads(post.body)


def test_the_schema_that_is_shipped_is_the_schema_of_the_type():
    assert FILE.read_text(encoding="utf-8") == hook_schema_text(), "run python -m trayd.alerts.hook_schema"
    Draft202012Validator.check_schema(hook_schema())


@pytest.mark.parametrize("event", ["opened", "escalated", "resolved"])
def test_the_schema_admits_what_is_sent(event):
    sent = json.loads(encoded(event_of(OVER, event)))

    assert errors(sent) == []
    assert sent["amount"] == {"amount": "512.40", "currency": "USD"}
    assert errors(json.loads(encoded(trial_event(SINCE)))) == []


@pytest.mark.parametrize(
    "change",
    [{"trayd": 2}, {"event": "closed"}, {"urgency": "high"}, {"since": "yesterday"}, {"amount": {"amount": 5}}],
)
def test_the_schema_refuses_what_is_never_sent(change):
    assert errors(json.loads(encoded(event_of(OVER, "opened"))) | change)


@pytest.mark.parametrize("name", ["trayd", "resolved", "amount", "project"])
def test_each_field_is_always_there(name):
    sent = json.loads(encoded(event_of(OVER, "opened")))
    del sent[name]

    assert errors(sent)


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_any_name_of_a_file_or_project_can_be_sent(scope, title):
    episode = msgspec.structs.replace(OVER, scope=scope, id=f"file:{scope}", title=title, project=scope)

    event = event_of(episode, "opened")

    assert errors(json.loads(encoded(event))) == []
    assert len(idempotency_key(event)) == 32
    for form in ("slack", "discord", "teams", "ntfy"):
        assert json.loads(post_of(Hook(name="x", url="https://x/t", format=form), event).body)


def test_a_text_that_is_endless_ends():
    sent = json.loads(encoded(event_of(msgspec.structs.replace(OVER, text="word " * 10_000), "opened")))

    assert len(sent["text"]) <= 3000
    assert sent["text"].endswith("…")


@pytest.mark.parametrize(
    ("host", "form"),
    [
        ("hooks.slack.com", "slack"),
        ("discord.com", "discord"),
        ("ptb.discord.com", "discord"),
        ("ntfy.sh", "ntfy"),
        ("contoso.webhook.office.com", "teams"),
        ("prod-12.westeurope.logic.azure.com", "teams"),
        ("default1234.56.environment.api.powerplatform.com", "teams"),
        ("notdiscord.com", "trayd"),
        ("discord.com.example.org", "trayd"),
    ],
)
def test_the_form_is_known_by_the_host(host, form):
    assert format_of(Hook(name="chat", url=f"https://{host}/x")) == form
    assert format_of(Hook(name="chat", url=f"https://{host}/x", format="trayd")) == "trayd"


def test_slack_gets_a_message_that_calls_nobody():
    url, message = posted("slack")

    assert url == "https://chat.example.com/a/b?c=d"
    assert message == {
        "text": "*Budget Northwind used up*\n"
        "Northwind has spent $512.40 of $500.00 in November. Ask &lt;@here&gt; &amp; @everyone first."
    }


def test_discord_gets_a_message_that_calls_nobody():
    _, message = posted("discord")

    assert message["content"].startswith("**Budget Northwind used up**\nNorthwind has spent $512.40")
    assert message["allowed_mentions"] == {"parse": []}


def test_discord_gets_no_more_than_it_takes():
    long = msgspec.structs.replace(OVER, text="🎬" * 3000)
    post = post_of(Hook(name="chat", url="https://discord.com/api/webhooks/1/x"), event_of(long, "opened"))

    assert len(json.loads(post.body)["content"].encode("utf-16-le")) // 2 <= 2000


def test_ntfy_gets_no_more_bytes_than_it_takes():
    endless = msgspec.structs.replace(OVER, text="北" * 5000)
    post = post_of(Hook(name="phone", url="https://ntfy.sh/topic"), event_of(endless, "opened"))

    assert len(json.loads(post.body)["message"].encode()) <= 4096


def test_teams_gets_a_card():
    _, message = posted("teams")

    (attachment,) = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert [block["text"] for block in attachment["content"]["body"]] == [OVER.title, OVER.text]


def test_teams_makes_no_link_of_a_name():
    event = event_of(msgspec.structs.replace(OVER, text="It is for [pay here](https://evil.example)."), "opened")
    post = post_of(Hook(name="chat", url="https://x.logic.azure.com/a"), event)

    _, text = json.loads(post.body)["attachments"][0]["content"]["body"]
    assert text["text"] == "It is for [pay here] (https://evil.example)."


def test_ntfy_gets_its_topic_in_the_message_and_an_urgency_that_rings():
    url, message = posted("ntfy", url="https://push.example.com:8443/sub/my-topic?auth=s3cret")

    assert url == "https://push.example.com:8443/sub/?auth=s3cret"
    assert message == {
        "topic": "my-topic",
        "title": OVER.title,
        "message": OVER.text,
        "priority": 5,
        "tags": ["rotating_light"],
    }


@pytest.mark.parametrize("form", ["slack", "discord", "teams", "ntfy"])
def test_what_is_over_is_told_as_over_and_advises_nothing(form):
    body = json.dumps(posted(form, "resolved")[1])

    assert "Resolved: Budget Northwind used up" in body
    assert "Ask" not in body


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": "https://x", "format": "irc"}, "the format of an url is one of trayd, slack, discord, teams, ntfy"),
        ({"command": ("/bin/true",), "format": "slack"}, "a command has none"),
        ({"url": "https://ntfy.example.com/", "format": "ntfy"}, "the url ends in the name of a topic"),
    ],
)
def test_a_form_that_cannot_be_is_refused(settings, told):
    with pytest.raises(ValueError, match=told):
        Hook(name="chat", **settings)


def test_an_argument_that_no_program_can_get_is_refused():
    with pytest.raises(ValueError, match="no program takes a NUL character"):
        Hook(name="log", command=("/usr/bin/logger", "a\0b"))
