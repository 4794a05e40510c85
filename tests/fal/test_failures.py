"""Everything that can go wrong with a call is told as what it is, and the key never travels or shows."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import logging
import ssl
import time
import traceback
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.fal.conftest import QUICK, SECRET, http, raw_server
from trayd.errors import (
    AccountLockedError,
    FalAnswerError,
    FalError,
    FalRequestError,
    FalThrottledError,
    FalUnreachableError,
    KeyRefusedError,
    KeyScopeError,
)
from trayd.fal import transport
from trayd.fal.client import FalClient
from trayd.fal.keys import Key
from trayd.fal.sandbox.faults import Fault
from trayd.fal.sandbox.server import Sandbox
from trayd.fal.transport import RetryPolicy


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever any library logs at any level, the key is not in it."""
    caplog.set_level(logging.DEBUG)
    yield
    assert SECRET not in caplog.text


async def refusal(url: str, retry_policy: RetryPolicy = QUICK) -> FalError:
    """The error of a call, after a look for the key in it, its causes and all variables of the stack."""
    async with FalClient(url, Key(SECRET), retry_policy=retry_policy) as client:
        assert SECRET not in repr(client)
        with pytest.raises(FalError) as caught:
            await client.billing()
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    assert SECRET not in "".join(shown)
    assert SECRET not in repr(caught.value)
    assert caught.value.cure
    return caught.value


@pytest.mark.parametrize(
    ("status", "message", "kind", "told"),
    [
        (400, "Invalid cursor", FalRequestError, "refuses the question (400): Invalid cursor"),
        (401, "Authentication required", KeyRefusedError, "does not know this key"),
        (403, "Access denied", KeyScopeError, "lacks the Admin scope"),
        (
            403,
            "User is locked. Reason: Exhausted balance.",
            AccountLockedError,
            "locked the account (Exhausted balance)",
        ),
        (404, "Resource not found", FalRequestError, "(404): Resource not found"),
        (422, "start must be before end", FalRequestError, "(422): start must be before end"),
        (429, "Rate limit exceeded", FalThrottledError, "asks for fewer calls (429)"),
        (500, "An unexpected error occurred", FalUnreachableError, "a problem of its own (500)"),
        (503, "Service unavailable", FalUnreachableError, "(503): Service unavailable"),
        (401, f"Invalid key {SECRET}", KeyRefusedError, "does not know this key"),
        (500, f"panic: key {SECRET}\x1b[31m\n", FalUnreachableError, "panic: key …"),
    ],
)
async def test_a_refusal_is_told_as_what_it_is(
    sandbox: Sandbox, status: int, message: str, kind: type[FalError], told: str
) -> None:
    sandbox.faults.inject(Fault(status=status, message=message, times=10))
    error = await refusal(sandbox.url)
    assert type(error) is kind
    assert told in str(error)
    assert "\x1b" not in str(error)


async def test_what_passes_is_tried_again(sandbox: Sandbox, client: FalClient) -> None:
    for fault in (Fault(status=500), Fault("cut")):
        sandbox.faults.inject(fault)
    await client.billing()
    assert len(sandbox.calls) == 3


async def test_what_does_not_pass_is_not_tried_again(sandbox: Sandbox) -> None:
    for status in (400, 401, 403, 404, 422, 501):
        sandbox.calls.clear()
        sandbox.faults.inject(Fault(status=status))
        await refusal(sandbox.url)
        assert [call.status for call in sandbox.calls] == [status]


async def test_tries_are_counted_out(sandbox: Sandbox) -> None:
    sandbox.faults.inject(Fault(status=503, times=10))
    await refusal(sandbox.url)
    assert len(sandbox.calls) == QUICK.attempts


async def test_retry_after_in_seconds_is_waited_for(sandbox: Sandbox, client: FalClient) -> None:
    sandbox.faults.inject(Fault(status=429, retry_after="1"))
    began = time.monotonic()
    await client.billing()
    assert 1.0 <= time.monotonic() - began < 2.0


async def test_retry_after_as_a_date_is_waited_for(sandbox: Sandbox, client: FalClient) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
    sandbox.faults.inject(Fault(status=503, retry_after=format_datetime(later, usegmt=True)))
    began = time.monotonic()
    await client.billing()
    assert 0.9 <= time.monotonic() - began < 3.5


async def test_a_long_silence_is_kept_by_all_later_calls_without_asking(sandbox: Sandbox, client: FalClient) -> None:
    sandbox.faults.inject(Fault(status=429, retry_after="600"))
    with pytest.raises(FalThrottledError) as first:
        await client.billing()
    assert first.value.retry_after == 600
    with pytest.raises(FalThrottledError, match="silence") as second:
        await client.pricing(["fal-ai/flux/dev"])
    assert second.value.retry_after is not None
    assert 590 < second.value.retry_after <= 600
    assert len(sandbox.calls) == 1


async def test_calls_of_one_client_share_a_short_silence(sandbox: Sandbox, client: FalClient) -> None:
    sandbox.faults.inject(Fault(status=429, path="/account/billing", retry_after="1"))
    first = asyncio.create_task(client.billing())
    await asyncio.sleep(0.2)
    began = time.monotonic()
    await client.pricing(["fal-ai/flux/dev"])
    assert time.monotonic() - began >= 0.6
    await first


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("cut", times=9), "broke off in the middle"),
        (Fault("garbage", times=9), "not valid JSON"),
        (Fault("html", status=200, times=9), "a web page came in place of fal's answer"),
    ],
)
async def test_an_answer_that_is_not_fals_is_told_so(sandbox: Sandbox, fault: Fault, told: str) -> None:
    sandbox.faults.inject(fault)
    error = await refusal(sandbox.url)
    assert isinstance(error, FalAnswerError)
    assert told in str(error)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "empty"),
        (b'{"user": "studio"}', "missing required field `username`"),
        (b'{"username": "studio", "credits": {"current_balance": true}}', "Expected `decimal`"),
        (b'{"username": "studio", "credits": {"current_balance": 1e999999}}', "beyond every real amount"),
        (b'{"username": "studio", "credits": {"current_balance": NaN}}', "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"null", "not in fal's form"),
    ],
)
async def test_json_of_another_form_is_told_so(body: bytes, told: str) -> None:
    async with raw_server(http(body)) as server:
        error = await refusal(server.url)
    assert isinstance(error, FalAnswerError)
    assert told in str(error)


async def test_the_key_does_not_follow_a_redirect() -> None:
    async with raw_server(http(b"{}")) as elsewhere:
        moved = http(b"", f"Location: http://{elsewhere.host}/v1/account/billing", status="302 Found")
        async with raw_server(moved) as server:
            error = await refusal(server.url)
    assert isinstance(error, FalAnswerError)
    assert f"redirects to {elsewhere.host}" in str(error)
    assert elsewhere.requests == []
    assert len(server.requests) == 1


async def test_silence_is_a_time_out() -> None:
    async def say_nothing(_writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    began = time.monotonic()
    async with raw_server(say_nothing) as server:
        error = await refusal(server.url)
    assert isinstance(error, FalUnreachableError)
    assert "does not answer (time-out)" in str(error)
    assert error.connected
    assert time.monotonic() - began < QUICK.attempts * QUICK.read_s + 1


async def test_an_answer_that_drips_ends_with_the_patience() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(http(b"", "Content-Length: 1000"))
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.1)

    retry_policy = RetryPolicy(attempts=2, total_s=0.6, connect_s=1, read_s=5, first_wait_s=0.01)
    began = time.monotonic()
    async with raw_server(drip) as server:
        error = await refusal(server.url, retry_policy)
    assert "time-out" in str(error)
    assert time.monotonic() - began < 3


async def test_an_answer_that_swells_beyond_the_bound_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LARGEST_BODY", 1024 * 1024)
    bomb = gzip.compress(bytes(3 * 1024 * 1024))
    async with raw_server(http(bomb, "Content-Encoding: gzip")) as server:
        error = await refusal(server.url)
    assert isinstance(error, FalAnswerError)
    assert "larger than 1 MB" in str(error)


async def test_broken_compression_is_told_so() -> None:
    async with raw_server(http(b"not gzip at all", "Content-Encoding: gzip")) as server:
        error = await refusal(server.url)
    assert "compressed in a broken way" in str(error)


async def test_nobody_listening_is_a_refused_connection() -> None:
    async with raw_server(b"") as server:
        pass
    error = await refusal(server.url)
    assert isinstance(error, FalUnreachableError)
    assert not error.connected
    assert "connection refused" in str(error)


async def test_a_name_that_does_not_resolve_is_dns() -> None:
    error = await refusal("https://fal.invalid/v1")
    assert isinstance(error, FalUnreachableError)
    assert "the name fal.invalid cannot be resolved (DNS)" in str(error)


async def test_a_certificate_that_nobody_vouches_for_is_told_and_no_key_is_sent(tmp_path: Path) -> None:
    async with raw_server(http(b"{}"), ssl=_self_signed(tmp_path)) as server:
        error = await refusal(f"https://{server.host}/v1")
    assert isinstance(error, FalUnreachableError)
    assert "TLS certificate" in str(error)
    assert "not trusted" in str(error)
    assert server.requests == []


async def test_a_server_that_speaks_no_tls_is_told_so() -> None:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ready\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        error = await refusal(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    assert "no TLS connection" in str(error)


async def test_a_proxy_has_no_part_in_calls_on_this_machine(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(http(b"{}")) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.host}")
        async with FalClient(sandbox.url, Key(sandbox.admin_key), retry_policy=QUICK) as client:
            await client.billing()
    assert proxy.requests == []


def _self_signed(folder: Path) -> ssl.SSLContext:
    x509 = pytest.importorskip("cryptography.x509", reason="makes the certificate")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "self-signed.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
