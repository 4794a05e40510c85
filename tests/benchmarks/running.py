"""The daemon and the command line: how soon they are there, and what the daemon takes while it sits in the tray."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx

from tests.benchmarks import work
from tests.benchmarks.harness import Row, Samples, Workshop, at_most, figure, in_turn, ratio, timed
from tests.desktop.harness import Desktop, wait_until
from tests.end_to_end.support import Home, Program, SandboxProcess
from tests.reports.browser import Browser, Page

_SETTLE_S = 15.0
_IDLE_S = 60.0
_ROUNDS = 1000
_GROWTH_S = 60.0
#: A month that was read leaves memory a minute later.
_UNREAD_S = 75.0
_MIB = 2**20

_TRAYD = Path(sys.executable).with_name("trayd")


def _run(home: Home, *command: str | Path) -> float:
    return timed(lambda: subprocess.run(command, env=home.env, stdout=subprocess.DEVNULL, check=True))


def start(workshop: Workshop) -> Iterator[Row]:
    """The icon, the version, the status."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(SandboxProcess("--days", "0", "--per-day", "0"))
        desktop = stack.enter_context(Desktop(workshop.empty("start-desktop")))
        home = Home(workshop.ledger("start-up", months=1, each=30_000), sandbox, desktop.env)

        icons = []
        for _ in range(6):
            began = time.perf_counter()
            with home.daemon():
                desktop.item(timeout=20)
                icons.append(time.perf_counter() - began)
        icon = Samples(tuple(icons[1:]))
        yield at_most("icon on the bus, from `trayd run` with 30k records", icon.median, 1.0, icon.text(), "≤ 1.0 s")

        taken = in_turn(
            {
                "trayd": lambda: _run(home, _TRAYD, "--version"),
                "python": lambda: _run(home, sys.executable, "-c", "pass"),
            },
            20,
        )
        times = ratio(taken["trayd"], taken["python"])
        yield at_most(
            "`trayd --version`, × `python -c pass`",
            times,
            2,
            f"{times:.2f} ({taken['trayd'].text()} against {taken['python'].text()})",
        )
        alone = Samples(tuple(_run(home, _TRAYD, "status") for _ in range(6))[1:])
        yield at_most("`trayd status` without a daemon, 30k records", alone.median, 0.5, alone.text(), "≤ 0.5 s")
        with home.started("--headless"):
            asked = Samples(tuple(_run(home, _TRAYD, "status") for _ in range(6))[1:])
        yield at_most("`trayd status` from the daemon, 30k records", asked.median, 0.5, asked.text(), "≤ 0.5 s")


def idle(workshop: Workshop) -> Iterator[Row]:
    """With icon, API and watcher: a minute of nothing, then as many polls, menus and answers as fit."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(SandboxProcess("--days", "0", "--per-day", "0"))
        sandbox.control("freeze", frozen=True)
        desktop = stack.enter_context(Desktop(workshop.empty("idle-desktop")))
        home = Home(workshop.ledger("idle", months=1, each=30_000), sandbox, desktop.env)
        daemon = stack.enter_context(home.started())
        item = desktop.item(timeout=20)
        time.sleep(_SETTLE_S)
        before = _cpu_s(daemon)
        time.sleep(_IDLE_S)
        share = (_cpu_s(daemon) - before) / _IDLE_S
        memory = work.pss(daemon.process.pid)
        yield at_most(
            "idle daemon with icon, 30k records: memory (PSS)", memory / _MIB, 60, work.mib(memory), "≤ 60 MiB"
        )
        yield at_most("idle daemon with icon, 30k records: CPU over 60 s", share, 0.001, f"{share:.2%}", "≤ 0.1 %")

        http = stack.enter_context(_api(home))
        sizes = []
        rounds = 0
        end = time.monotonic() + _GROWTH_S
        while rounds < _ROUNDS and time.monotonic() < end:
            http.post("/refresh").raise_for_status()
            http.get("/status").raise_for_status()
            http.get("/history").raise_for_status()
            item.menu()
            rounds += 1
            sizes.append(work.pss(daemon.process.pid))
        # What is taken once is taken in the first half.
        grown = sizes[-1] - sizes[len(sizes) // 2]
        time.sleep(_UNREAD_S)
        left = work.pss(daemon.process.pid)
        yield at_most(
            f"growth over the second half of {rounds:,} polls, menus, status and history answers",
            grown / _MIB,
            0.5,
            f"{grown / _MIB:+.2f} MiB (from {work.mib(memory)} to {work.mib(sizes[-1])} with the month in memory, "
            f"{work.mib(left)} once it has left)",
            "none (≤ 0.5 MiB)",
        )


def history(workshop: Workshop) -> Iterator[Row]:
    """The first page of the history over the HTTP API."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(SandboxProcess("--days", "0", "--per-day", "0"))
        home = Home(workshop.ledger("history", months=1, each=100_000), sandbox)
        stack.enter_context(home.started("--headless"))
        http = stack.enter_context(_api(home))
        taken = Samples(
            tuple(timed(lambda: http.get("/history", params={"limit": 50}).raise_for_status()) for _ in range(21))[1:]
        )
        yield at_most(
            "history of 100k records, first page over the HTTP API",
            taken.median,
            0.050,
            f"{taken.text()}, worst {figure(taken.worst * 1000)} ms",
            "≤ 50 ms",
        )


def panel(workshop: Workshop) -> Iterator[Row]:
    """The panel's page of reports: at the server, in Chromium, and again and again."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(SandboxProcess("--days", "0", "--per-day", "0"))
        home = Home(workshop.ledger("panel", months=1, each=100_000), sandbox)
        daemon = stack.enter_context(home.started("--headless"))
        programs = stack.enter_context(_api(home))
        link = programs.post("/panel-link").raise_for_status().json()["url"]
        page = link.partition("/enter/")[0] + "/reports"
        person = stack.enter_context(httpx.Client(trust_env=False, timeout=60))
        person.get(link).raise_for_status()
        taken = Samples(tuple(timed(lambda: person.get(page).raise_for_status()) for _ in range(41))[1:])
        yield at_most(
            "panel, page of reports with 100k records, at the server",
            taken.median,
            0.050,
            f"{taken.text()}, worst {figure(taken.worst * 1000)} ms",
            "≤ 50 ms",
        )
        browser = stack.enter_context(Browser(workshop.empty("panel-profile"), loopback=True))
        opened = browser.page(programs.post("/panel-link").raise_for_status().json()["url"])
        paints = Samples(tuple(_first_paint(opened, page) for _ in range(11))[1:])
        yield at_most("panel, the same: first paint in Chromium", paints.median, 0.300, paints.text(), "≤ 300 ms")

        sizes = []
        for _ in range(_ROUNDS):
            person.get(page).raise_for_status()
            sizes.append(work.pss(daemon.process.pid))
        grown = sizes[-1] - sizes[len(sizes) // 2]
        yield at_most(
            f"panel: growth over the second half of {_ROUNDS:,} views",
            grown / _MIB,
            0.5,
            f"{grown / _MIB:+.2f} MiB (at {work.mib(sizes[-1])})",
            "none (≤ 0.5 MiB)",
        )


def _first_paint(opened: Page, url: str) -> float:
    """Seconds from asking for the page until something of it is seen."""
    opened.browser.events.clear()
    opened.call("Page.navigate", url=url)
    opened.browser.until("Page.loadEventFired", opened.session)
    painted = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
    return float(wait_until(lambda: opened.evaluate(painted), what="the first paint")) / 1000


def _cpu_s(daemon: Program) -> float:
    """The processor time of a process so far; clock_getcpuclockid(3) makes its clock's number like this."""
    return time.clock_gettime((~daemon.process.pid << 3) | 2)


def _api(home: Home) -> httpx.Client:
    running = json.loads((home.folder / "run" / "trayd.json").read_text())
    return httpx.Client(
        base_url=f"{running['url']}/api/v1",
        headers={"Authorization": f"Bearer {running['token']}"},
        trust_env=False,
        timeout=60,
    )
