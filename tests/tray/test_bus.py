from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from dbus_fast import Message

from tests.desktop.harness import Desktop
from trayd.tray.bus import connect


async def test_more_than_the_socket_holds_is_sent_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Desktop(tmp_path, panel=False, notifications=False) as desktop:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.env["DBUS_SESSION_BUS_ADDRESS"])
        bus = await connect()
        reader = await connect()
        arrived = []
        done = asyncio.Event()

        def count(message: Message) -> None:
            if message.member == "Picture":
                arrived.append(len(message.body[0]))
                if len(arrived) == 30:
                    done.set()

        reader.add_message_handler(count)
        await reader.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=["type='signal',interface='trayd.Test'"],
            )
        )
        # All at once, before the loop turns: some ten times what a socket takes.
        sent = [bus.send(Message.new_signal("/", "trayd.Test", "Picture", "ay", [bytes(100_000)])) for _ in range(30)]
        await asyncio.gather(*sent)
        async with asyncio.timeout(20):
            await done.wait()
        assert arrived == [100_000] * 30
        assert bus.connected
        for each in (bus, reader):
            each.disconnect()
