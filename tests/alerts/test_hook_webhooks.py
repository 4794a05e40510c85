"""Webhooks against a real server: what is sent, what is tried again, and what never leaves trayd or reaches its log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import msgspec
import pytest
import trustme

import trayd
from tests.alerts.webhooks import Answer, WebhookServer
from trayd.alert_settings import Hook
from trayd.alerts.hook_webhook import RetryPolicy
from trayd.alerts.hooks import Hooks, told_of
from trayd.episodes import Episode, Urgency
from trayd.http_client import tls
from trayd.money import Money

SECRET = "T0AAAA/B0BBBB/s3cretS3cret"
SINCE = datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)
LOW = Episode(
    id="balance:northwind",
    rule="balance",
    scope="northwind",
    since=SINCE,
    title="Balance under $5.00",
    text="fal account northwind has $4.32 left. Add credits now.",
    level="5.00",
    urgency=Urgency.CRITICAL,
    amount=Money.of("4.32"),
    account="northwind",
)
QUICK = RetryPolicy(attempts=3, first_wait_s=0.05, longest_wait_s=1.5)

Serve = Callable[..., WebhookServer]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as servers:

        def start(*answers: Answer, authority: trustme.CA | None = None) -> WebhookServer:
            return servers.enter_context(WebhookServer(*answers, authority=authority).running())

        yield start


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """An authority that this machine trusts."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    tls.cache_clear()
    yield authority
    tls.cache_clear()


@pytest.fixture
def hooks() -> Hooks:
    return Hooks(QUICK)


@pytest.fixture(autouse=True)
def _secret_stays_secret(caplog: pytest.LogCaptureFixture, hooks: Hooks) -> Iterator[None]:
    """Whatever happens: the address is in no line of the log, at the finest level, and in no trouble that is shown."""
    for name in ("httpx", "httpcore"):  # as the daemon has them
        caplog.set_level(logging.WARNING, logger=name)
    caplog.set_level(logging.DEBUG)
    yield
    told = caplog.text + repr(hooks.troubles)
    assert not re.search("s3cret|B0BBBB|T0AAAA", told)


def hook(server: WebhookServer, **more: object) -> Hook:
    return Hook(name="chat", url=f"{server.url}/services/{SECRET}?token=s3cret", **more)  # type: ignore[arg-type]


async def test_the_warning_arrives_whole_over_tls(serve: Serve, trusted: trustme.CA, hooks: Hooks) -> None:
    server = serve(authority=trusted)

    assert await hooks.carry(hook(server), LOW, "opened")

    (sent,) = server.sent
    assert sent.path == f"/services/{SECRET}?token=s3cret"
    assert sent.json == {
        "trayd": 1,
        "event": "opened",
        "id": "balance:northwind",
        "rule": "balance",
        "scope": "northwind",
        "period": "",
        "level": "5.00",
        "urgency": "critical",
        "since": "2026-11-20T14:03:11Z",
        "at": "2026-11-20T14:03:11Z",
        "resolved": None,
        "title": "Balance under $5.00",
        "text": "fal account northwind has $4.32 left. Add credits now.",
        "amount": {"amount": "4.32", "currency": "USD"},
        "account": "northwind",
        "client": None,
        "project": None,
        "files": [],
    }
    assert sent.headers["user-agent"] == f"trayd/{trayd.__version__}"
    assert sent.headers["content-type"] == "application/json"
    assert hooks.troubles == {}


async def test_a_certificate_that_nobody_vouches_for_gets_nothing(
    serve: Serve, authority: trustme.CA, hooks: Hooks
) -> None:
    tls.cache_clear()
    server = serve(authority=authority)

    assert not await hooks.carry(hook(server), LOW, "opened")

    assert server.sent == []
    assert "the TLS certificate of localhost is not trusted" in hooks.troubles["chat"]


async def test_a_server_that_stumbles_is_asked_again_and_knows_it_for_the_same_event(
    serve: Serve, hooks: Hooks
) -> None:
    server = serve(Answer(500), Answer(503))

    assert await hooks.carry(hook(server), LOW, "opened")
    assert await hooks.carry(hook(server), LOW, "resolved")

    keys = [sent.headers["idempotency-key"] for sent in server.sent]
    assert len(keys) == 4
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)
    assert hooks.troubles == {}


async def test_the_same_event_has_the_same_key_in_another_process(serve: Serve) -> None:
    server = serve()
    for hooks in (Hooks(QUICK), Hooks(QUICK)):
        await hooks.carry(hook(server), LOW, "opened")

    first, second = server.sent
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


async def test_a_server_that_lasts_in_its_trouble_is_left_for_later(
    serve: Serve, hooks: Hooks, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(*(Answer(502) for _ in range(6)))

    assert not await hooks.carry(hook(server), LOW, "opened")
    assert not await hooks.carry(hook(server), LOW, "opened")
    assert await hooks.carry(hook(server), LOW, "opened")

    assert len(server.sent) == 7
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert told == [
        "hook 'chat': localhost has a problem of its own (502 Bad Gateway); trayd tries again by itself",
        "hook 'chat' works again",
    ]


async def test_a_short_silence_that_is_asked_for_is_kept(serve: Serve, hooks: Hooks) -> None:
    server = serve(Answer(429, {"Retry-After": "1"}))

    assert await hooks.carry(hook(server), LOW, "opened")

    first, second = server.sent
    assert second.at - first.at >= 1.0


async def test_a_long_silence_is_kept_across_calls(serve: Serve, hooks: Hooks) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server = serve(Answer(429, {"Retry-After": until}))

    assert not await hooks.carry(hook(server), LOW, "opened")
    assert not await hooks.carry(hook(server), LOW, "opened")

    assert len(server.sent) == 1
    # Another address owes that server nothing.
    hooks.forget([hook(server, timeout_s=5)])
    assert await hooks.carry(hook(server, timeout_s=5), LOW, "opened")


@pytest.mark.parametrize("after", ["soon", "-5", "nan", "", "1e999"])
async def test_nonsense_in_retry_after_does_no_harm(serve: Serve, hooks: Hooks, after: str) -> None:
    server = serve(Answer(429, {"Retry-After": after}))

    assert await hooks.carry(hook(server), LOW, "opened")


@pytest.mark.parametrize(("status", "said"), [(400, "400 Bad Request"), (404, "404 Not Found"), (410, "410 Gone")])
async def test_a_refusal_is_final(serve: Serve, hooks: Hooks, status: int, said: str) -> None:
    server = serve(Answer(status, body=f"no such hook: /services/{SECRET}".encode()))

    assert await hooks.carry(hook(server), LOW, "opened")

    assert len(server.sent) == 1
    assert hooks.troubles == {"chat": f"localhost refuses it ({said}); check the url of this hook in the settings"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_anywhere(serve: Serve, hooks: Hooks, status: int) -> None:
    elsewhere = serve()
    server = serve(Answer(status, {"Location": f"http://127.0.0.1:{elsewhere.port}/s3cret"}))

    assert await hooks.carry(hook(server), LOW, "opened")

    assert elsewhere.sent == []
    assert f"localhost redirects to 127.0.0.1 ({status}), where nothing was sent" in hooks.troubles["chat"]


async def test_a_server_that_takes_its_time_is_cut_off(serve: Serve) -> None:
    hooks = Hooks(RetryPolicy(attempts=1))
    server = serve(Answer(silence_s=30))
    began = time.monotonic()

    assert not await hooks.carry(hook(server, timeout_s=0.5), LOW, "opened")

    assert time.monotonic() - began < 15
    assert "localhost does not answer within 0.5 s" in hooks.troubles["chat"]


async def test_a_server_that_says_what_it_thinks_drop_by_drop_is_cut_off_as_well() -> None:
    hooks = Hooks(RetryPolicy(attempts=1))
    left = asyncio.Event()

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            for letter in "HTTP/1.1 200 OK\r\nX-Long: " + 1000 * "x":
                writer.write(letter.encode())
                await writer.drain()
                await asyncio.sleep(0.02)
        writer.close()
        left.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        began = time.monotonic()
        chat = Hook(name="chat", url=f"http://127.0.0.1:{port}/{SECRET}", timeout_s=0.7)
        assert not await hooks.carry(chat, LOW, "opened")
        assert time.monotonic() - began < 10
        await left.wait()

    assert "127.0.0.1 does not answer within 0.7 s" in hooks.troubles["chat"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(drip=True, body=b"x" * 300),
        Answer(headers={"Content-Length": "5000"}),
        Answer(headers={"Content-Encoding": "gzip"}),
    ],
    ids=["drop by drop", "broken off", "not what it says"],
)
async def test_one_that_has_said_that_it_took_it_is_not_sent_it_again(
    serve: Serve, hooks: Hooks, answer: Answer
) -> None:
    server = serve(answer)
    began = time.monotonic()

    assert await hooks.carry(hook(server, timeout_s=0.5), LOW, "opened")

    assert time.monotonic() - began < 15
    assert len(server.sent) == 1
    assert hooks.troubles == {}


@pytest.mark.parametrize("status", [408, 425])
async def test_one_that_had_no_time_is_asked_again(serve: Serve, hooks: Hooks, status: int) -> None:
    server = serve(Answer(status))

    assert await hooks.carry(hook(server), LOW, "opened")

    assert len(server.sent) == 2


async def test_a_proxy_that_cannot_be_used_is_named_and_the_warning_waits(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks://user:s3cret@127.0.0.1:9")
    chat = Hook(name="chat", url=f"https://chat.invalid/{SECRET}")

    assert not await hooks.carry(chat, LOW, "opened")

    assert hooks.troubles["chat"].startswith("ALL_PROXY (socks://): no kind of proxy that trayd can use; set it")
    # A test is sent once.
    assert "tries again" not in await hooks.try_out(chat)


async def test_a_host_that_can_be_no_name_is_told_by_a_test_as_well(hooks: Hooks) -> None:
    chat = Hook(name="chat", url=f"https://xn--/{SECRET}")

    assert (await hooks.try_out(chat)).startswith("its url cannot be used; check the url of this hook")


async def test_a_level_that_is_reached_a_second_time_is_another_event(serve: Serve, hooks: Hooks) -> None:
    server = serve()
    for hours in (1, 1, 3):
        graver = msgspec.structs.replace(LOW, reached=SINCE + timedelta(hours=hours))
        assert await hooks.carry(hook(server), graver, "escalated")

    keys = [sent.headers["idempotency-key"] for sent in server.sent]
    assert keys[0] == keys[1] != keys[2]
    assert server.sent[2].json["at"] == "2026-11-20T17:03:11Z"


async def test_a_hook_that_hangs_holds_up_no_other_and_not_the_loop(serve: Serve) -> None:
    hooks = Hooks(RetryPolicy(attempts=1))
    hanging, well = serve(Answer(silence_s=30)), serve()
    other = Hook(name="other", url=well.url)
    stuck = asyncio.create_task(hooks.carry(hook(hanging, timeout_s=2), LOW, "opened"))

    assert await hooks.carry(other, LOW, "opened")

    assert not stuck.done()
    assert await stuck is False


async def test_an_endless_answer_is_not_read_to_its_end(serve: Serve, hooks: Hooks) -> None:
    server = serve(Answer(body=b"x" * 20_000_000))
    began = time.monotonic()

    assert await hooks.carry(hook(server), LOW, "opened")

    assert time.monotonic() - began < 10


async def test_nobody_there_is_for_later(hooks: Hooks) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    assert not await hooks.carry(Hook(name="chat", url=f"http://127.0.0.1:{port}/{SECRET}"), LOW, "opened")

    assert hooks.troubles["chat"] == (
        "no connection to 127.0.0.1 (connection refused); see whether what listens there runs; "
        "trayd tries again by itself"
    )


async def test_a_name_that_does_not_exist_is_told_by_the_name_alone(hooks: Hooks) -> None:
    assert not await hooks.carry(Hook(name="chat", url=f"https://hooks.invalid/{SECRET}"), LOW, "opened")

    assert "the name hooks.invalid cannot be resolved (DNS)" in hooks.troubles["chat"]


async def test_trying_out_sends_a_test_and_says_what_is_wrong_at_once(serve: Serve, hooks: Hooks) -> None:
    server = serve(Answer(503), Answer(200))

    assert "503 Service Unavailable" in await hooks.try_out(hook(server))
    assert await hooks.try_out(hook(server)) == ""

    second = server.sent[1]
    assert second.json["event"] == "test"
    assert (second.json["rule"], second.json["urgency"]) == ("test", "low")
    assert hooks.troubles == {}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"https://hooks.slack.com/services/{SECRET}", "hooks.slack.com (slack)"),
        (f"https://user:s3cret@example.com:8443/{SECRET}", "example.com (trayd)"),
        (f"https://ntfy.sh/{SECRET}", "ntfy.sh (ntfy)"),
    ],
)
def test_what_is_shown_of_an_address_is_its_host(url: str, told: str) -> None:
    assert told_of(Hook(name="chat", url=url)) == told


@pytest.mark.parametrize(
    "url",
    [
        f"http://hooks.slack.com/{SECRET}",
        f"hooks.slack.com/{SECRET}",
        f"ftp://user:s3cret@x/{SECRET}",
        f"https:///{SECRET}",
        f"http://chat.example.com#{SECRET}",
        f"http://chat.example.com\\{SECRET}",
        f"http://chat.example.com?{SECRET}",
    ],
)
def test_an_address_that_is_refused_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="the url is an https address") as caught:
        Hook(name="chat", url=url)

    assert not re.search("s3cret|B0BBBB", str(caught.value))
