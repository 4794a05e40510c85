"""What the log has of an account that cannot be asked: once why, and once that it is in order again."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from msgspec import structs

from tests.fal.conftest import SECRET, still_sandbox
from trayd.daemon import Daemon
from trayd.settings import Paths, Settings


async def test_why_an_account_cannot_be_asked_is_in_the_log_once_and_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "trayd.daemon")
    monkeypatch.setenv("FAL_ADMIN_KEY", SECRET)
    settings = Settings()
    settings = structs.replace(settings, alerts=structs.replace(settings.alerts, desktop=False))
    with still_sandbox(days=1, per_day=2) as sandbox:
        daemon = Daemon(Paths.under(tmp_path), settings, url=sandbox.url)
        async with daemon._open(None):
            for locked in (False, True, True, True, False, False, True):
                sandbox.world.accounts[0].locked = locked
                await daemon.refresh()
            await daemon._polling.aclose()

    locked_now = "account default: fal has locked the account"
    told = [text.partition(" (")[0] for text in caplog.messages if text.startswith("account default")]
    assert told == [locked_now, "account default: in order again", locked_now]
