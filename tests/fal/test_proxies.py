"""The proxy that the system names is used, and one that cannot be is told as what it is."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from urllib.parse import urlsplit

import pytest

from tests.fal.conftest import QUICK
from trayd.errors import FalUnreachableError, RatesError
from trayd.fal.client import FalClient
from trayd.fal.keys import Key
from trayd.fal.sandbox.server import Sandbox
from trayd.service.ecb import Document, Validators, fetch


@asynccontextmanager
async def socks_proxy(to: str) -> AsyncIterator[tuple[str, list[str]]]:
    """A SOCKS5 proxy (RFC 1928) on loopback that leads every host to one server; its address, and the hosts asked."""
    target, asked = urlsplit(to), []
    relays: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\x05\x00")
        *_, kind, length = await reader.readexactly(5)
        assert kind == 3, "the proxy is to resolve the name"
        asked.append((await reader.readexactly(length)).decode())
        await reader.readexactly(2)
        there = await asyncio.open_connection(target.hostname, target.port)
        writer.write(b"\x05\x00\x00\x01" + bytes(4) + struct.pack(">H", 0))
        for pair in ((reader, there[1]), (there[0], writer)):
            task = asyncio.create_task(relay(*pair))
            relays.add(task)
            task.add_done_callback(relays.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"socks5://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()
        for task in relays:
            task.cancel()
        await asyncio.gather(*relays, return_exceptions=True)
        await server.wait_closed()


async def test_fal_is_asked_through_a_socks_proxy(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    async with socks_proxy(sandbox.url) as (proxy, asked):
        monkeypatch.setenv("ALL_PROXY", proxy)
        there = urlsplit(sandbox.url)
        async with FalClient(f"http://fal.test{there.path}", Key(sandbox.admin_key), retry_policy=QUICK) as client:
            billing = await client.billing()
    assert asked == ["fal.test"]
    assert billing.credits is not None


@pytest.mark.parametrize("proxy", ["socks://user:hidden@127.0.0.1:9", "ftp://user:hidden@127.0.0.1:9"])
async def test_a_proxy_of_a_kind_that_is_not_known_is_named_without_its_password(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(FalUnreachableError) as unreachable:
        FalClient("https://fal.test/v1", Key("made-up"), retry_policy=QUICK)
    with pytest.raises(RatesError) as rates:
        await fetch("https://rates.test", Document.NEWEST, Validators(), date(2026, 11, 20))
    for error in (unreachable.value, rates.value):
        assert "ALL_PROXY" in str(error)
        assert proxy.partition(":")[0] in str(error)
        assert "http://" in error.cure
        assert "hidden" not in str(error)


async def test_this_machine_is_asked_without_a_proxy(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:9")
    async with FalClient(sandbox.url, Key(sandbox.admin_key), retry_policy=QUICK) as client:
        assert (await client.billing()).credits is not None
