"""The main job: the real daemon against the real sandbox, on a real desktop, as a person uses it."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.desktop.harness import Desktop, TrayItem, wait_until
from tests.end_to_end.support import Home, SandboxProcess

pytestmark = pytest.mark.desktop

SETTINGS = """\
time_zone = "UTC"
locale = "en_US"
[poll]
interval_s = 1
"""


@pytest.fixture
def home(tmp_path: Path, sandbox: SandboxProcess, desktop: Desktop) -> Home:
    home = Home(tmp_path / "trayd", sandbox, desktop.env)
    home.settings(SETTINGS)
    # What "opens" a page here: a program that writes down what it was asked to open.
    opener = tmp_path / "opener"
    opener.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path / "opened.txt"}\n')
    opener.chmod(0o755)
    home.env["BROWSER"] = str(opener)
    return home


def labels(item: TrayItem) -> list[str]:
    return [entry.label for entry in item.menu().walk()]


def test_a_day_with_trayd(home: Home, sandbox: SandboxProcess, desktop: Desktop, tmp_path: Path) -> None:
    sandbox.control("balance", amount="31.40")
    with home.started() as daemon:
        # The icon is in the panel, with the balance in menu and tooltip.
        item = desktop.item("trayd")
        wait_until(lambda: any("$31.40" in label for label in labels(item)), what="the balance in the menu")
        assert item.pixmaps
        assert "31.40" in item.tooltip

        # The first poll has read thirty days, and told so once.
        told = desktop.notification("trayd has read your history", timeout=30)
        rows = sandbox.billing_rows(days=30)
        assert f"{len({row['request_id'] for row in rows}):,} billed generations" in told.body
        assert "since" in told.body

        # A job runs: the numbers change after Refresh is clicked, and one this dear is warned of.
        before = home.json("status")["spent"]["24h"]
        sandbox.control("jobs", endpoint_id="fal-ai/veo3", cost="6.25")
        item.click("Refresh")
        wait_until(
            lambda: home.json("status")["spent"]["24h"]["generations"] == before["generations"] + 1,
            what="the new generation",
        )
        after = home.json("status")["spent"]["24h"]
        assert Decimal(after["cost"]["amount"]) - Decimal(before["cost"]["amount"]) == Decimal("6.25")
        warning = desktop.notification("Expensive generation: \\$6.25")
        assert "limit" in warning.body
        wait_until(lambda: any("$6.25" in label for label in labels(item)), what="the job in the menu")

        # The balance falls under both thresholds: one warning, for the graver.
        sandbox.control("balance", amount="4.20")
        item.click("Refresh")
        desktop.notification("Balance under \\$5.00")
        wait_until(lambda: item.get("Status") == "NeedsAttention", what="the icon to ask for attention")

        # A CSV of another tool's costs and an event for the job are dropped.
        request_id = home.json("history", "--limit", "1", "--kind", "internal")[0]["request_id"]
        today = datetime.now(UTC).date()
        home.put(
            "tools.csv",
            f"date,description,amount,category,source\n{today},Standard plan,30.00,image,Midjourney\n"
            f"{today},Voice,12.5O,voice,ElevenLabs\n",
        )
        home.put(
            "job.json",
            json.dumps(
                {
                    "trayd": 1,
                    "type": "generation",
                    "request_id": request_id,
                    "endpoint_id": "fal-ai/veo3",
                    "time": datetime.now(UTC).isoformat(),
                    "client": "Northwind",
                    "project": "Spring Campaign",
                    "deliverable": "Hero Film",
                }
            ),
        )
        wait_until(lambda: home.json("history", "--kind", "external"), what="the external cost")
        wait_until(lambda: home.json("history", "--client", "Northwind"), what="the tagged job")
        tagged = home.json("history", "--client", "Northwind")
        assert [(one["request_id"], one["deliverable"], one["cost"]) for one in tagged] == [
            (request_id, "Hero Film", {"amount": "6.25", "currency": "USD"})
        ]
        reason = home.drop / "rejected" / "tools.csv.rows.csv"
        assert '"12.5O" is not an amount' in reason.read_text().replace('""', '"')
        desktop.notification("tools.csv")
        wait_until(lambda: not list(home.drop.glob("*.*")), what="the drop folder to be empty")
        assert {file.name for file in (home.drop / "done").rglob("*.*")} == {"tools.csv", "job.json"}

        # Build report: it is written and opened.
        item.click("Everything")
        opened = tmp_path / "opened.txt"
        wait_until(opened.exists, what="the report to be opened")
        report = next((home.folder / "reports").glob("*.html"))
        assert report.as_uri() in opened.read_text()
        text = report.read_text()
        assert "Northwind" in text
        assert "Standard plan" in text
        item.click("Open panel")
        wait_until(lambda: "/enter/" in opened.read_text(), what="the panel")
        (link,) = re.findall(r"http://127\.0\.0\.1:\d+/enter/[\w-]+", opened.read_text())
        assert httpx.get(link, trust_env=False).status_code == 200
        item.click("Open fal dashboard")
        wait_until(lambda: "https://fal.ai/dashboard/usage" in opened.read_text(), what="the dashboard")
        item.click("Add credits")
        wait_until(lambda: "https://fal.ai/dashboard/billing" in opened.read_text(), what="the billing page")

        # Export: every record, once, with what fal has billed.
        item.click("Export CSV…")
        exported = wait_until(lambda: next((home.folder / "reports").glob("*.csv"), None), what="the export")
        with exported.open(newline="") as file:
            lines = [row for row in csv.DictReader(file) if row["kind"] == "internal"]
        assert_every_record_once(lines, sandbox)

        item.click("Quit")
        assert daemon.process.wait(20) == 0
    assert not (home.folder / "run" / "trayd.json").exists()
    log = (home.folder / "log" / "trayd.log").read_text()
    assert "Traceback" not in log
    assert sandbox.key not in log
    assert sandbox.key not in daemon.output


def assert_every_record_once(lines: list[dict[str, str]], sandbox: SandboxProcess) -> None:
    """The export's rows are fal's billed requests: each once, at what it was billed."""
    billed: dict[str, Decimal] = {}
    for row in sandbox.billing_rows():
        nanos = Decimal(str(row["cost_estimate_nano_usd"]))
        billed[row["request_id"]] = billed.get(row["request_id"], Decimal(0)) + nanos / 10**9
    ids = [line["request_id"] for line in lines]
    assert len(ids) == len(set(ids))
    known = {line["request_id"]: Decimal(line["actual_cost"]) for line in lines if line["actual_cost"]}
    pending = {line["request_id"] for line in lines if not line["actual_cost"]}
    assert set(billed) <= set(ids)
    assert {one: known[one] for one in billed if one not in pending} == {
        one: cost for one, cost in billed.items() if one not in pending
    }
    # What has no price yet is a row that fal has not priced, or a job that was not billed.
    assert all(billed.get(one, 0) == 0 for one in pending)


def exported(home: Home) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(home.run("export", "--kind", "internal").stdout)))


def test_pausing_holds_alerts_back_and_resuming_tells_them(
    home: Home, sandbox: SandboxProcess, desktop: Desktop
) -> None:
    sandbox.control("balance", amount="50")
    with home.started():
        item = desktop.item("trayd")
        desktop.notification("trayd has read your history", timeout=30)
        item.click("For 1 hour")
        wait_until(lambda: any("paused" in label for label in labels(item)), what="the menu to say so")
        sandbox.control("balance", amount="12")
        item.click("Refresh")
        wait_until(lambda: home.json("status")["alerts"], what="the alert in the status")
        assert not [one for one in desktop.notifications() if "Balance" in one.summary]
        resume = next(label for label in labels(item) if re.search("resume", label))
        item.click(resume)
        desktop.notification("Balance under \\$20.00")

        # What the notification says and offers is in the menu, for as long as it lasts.
        below = next(entry for entry in item.menu().walk() if entry.label.startswith("Balance under $20.00"))
        told = [child.label for child in below.children if not child.separator]
        assert "has $12.00 left." in told[0]
        assert told[-3:] == ["Add credits", "Open dashboard", "Snooze for 1 hour"]
        item.click("Snooze for 1 hour")
        wait_until(lambda: any("Snoozed until" in label for label in labels(item)), what="the menu to say so")
        assert [alert["rule"] for alert in home.json("status")["alerts"] if alert["snoozed_until"]] == ["balance"]
