"""Plays the scenario: the sandbox's accounts, the drop folder, the settings, and a daemon that comes and goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from tests.alerts.replay.host import Answer, Order
from tests.alerts.replay.scenario import Happening, Moment, Scenario, line_of_time
from trayd.alerts.hook_events import HookEvent
from trayd.alerts.notice import Notice
from trayd.episodes import Episode
from trayd.fal.sandbox.faults import Fault
from trayd.fal.sandbox.options import SandboxOptions
from trayd.fal.sandbox.server import Sandbox, running_sandbox
from trayd.money import Money

ROOT = Path(__file__).parents[3]
_FOREVER = 1_000_000

#: Dates that read two ways: a person has to say which.
_STATEMENT = (
    "date,description,amount,currency\n03/04/2026,Licence {number},12.00,USD\n05/06/2026,Plan,{number}.00,USD\n"
)


#: Writes down each warning that it is handed, a line each.
_HOOK = """

[[hook]]
name = "notebook"
command = ["/usr/bin/env", "sh", "-c", "cat >> '{path}'"]
"""


class Change(NamedTuple):
    """An alert that has changed, seen at ``at`` (the studio's clock)."""

    at: datetime
    before: Episode | None
    after: Episode


class Shown(NamedTuple):
    """A notice that came up at ``at`` (the studio's clock)."""

    at: datetime
    notice: Notice


class Studio:
    """The scenario as it is being played.

    Attributes:
        now: the time (UTC), of fal and of the daemon.
        changes: of alerts, in their order; ``shown`` likewise.
    """

    def __init__(self, scenario: Scenario, home: Path) -> None:
        self._scenario = scenario
        self._home = home
        self._zone = ZoneInfo(scenario.zone)
        self._line = line_of_time(scenario)
        self._sandbox: Sandbox
        self._process: subprocess.Popen[str] | None = None
        self._asleep = False
        self._episodes: dict[str, Episode] = {}
        self._numbers = 0
        # How far the laptop's clock is off.
        self._off = timedelta()
        self.now = self._line[0].at
        self.changes: list[Change] = []
        self.shown: list[Shown] = []

    def play(self) -> None:
        """From its beginning to its end."""
        self._home.mkdir()
        hook = _HOOK.format(path=self._hooked)
        (self._home / "settings.toml").write_text(self._scenario.settings + hook, encoding="utf-8")
        options = SandboxOptions(days=0, per_day=0, balance=self._scenario.opening_balance, top_up=Money(0).amount)
        with running_sandbox(options, lambda: self.now) as self._sandbox:
            try:
                for happening in self._line:
                    self.now = happening.at
                    self._step(happening)
            finally:
                self._end(kill=True)

    def _step(self, happening: Happening) -> None:
        if happening.moment is not None:
            self._happen(happening.moment)
        elif self._process is not None and not self._asleep:
            self._order(Order(self._clock))

    def _happen(self, moment: Moment) -> None:
        match moment.do:
            case "start" | "kill" | "quit" | "sleep" | "wake":
                self._change_of_power(moment)
            case "clock":
                self._off = timedelta(hours=moment.hours)
            case "snooze":
                self._order(Order(self._clock, "perform", action=f"snooze:{moment.alert}"))
            case "pause":
                self._order(Order(self._clock, "perform", action=f"pause:{moment.hours}h"))
            case "drop":
                self._drop_statements(moment)
            case "settings":
                with (self._home / "settings.toml").open("a", encoding="utf-8") as file:
                    file.write(moment.text)
            case _:
                self._happen_at_fal(moment)

    def _change_of_power(self, moment: Moment) -> None:
        match moment.do:
            case "start":
                self._start()
            case "kill" if moment.when == "telling":
                self._order(Order(self._clock, "dying"))
            case "kill" | "quit":
                self._end(kill=moment.do == "kill")
            case _:
                self._asleep = moment.do == "sleep"

    def _happen_at_fal(self, moment: Moment) -> None:
        world, faults = self._sandbox.world, self._sandbox.faults
        match moment.do:
            case "job":
                self._job(moment)
            case "credits" | "expire":
                assert moment.amount is not None
                world.top_up(moment.amount if moment.do == "credits" else -moment.amount)
            case "lock" | "unlock":
                world.lock_account(locked=moment.do == "lock")
            case "refuse":
                faults.inject(Fault(status=401, times=_FOREVER, message="Authentication required"))
            case "offline":
                faults.inject(Fault(status=503, times=_FOREVER, message="Service unavailable"))
            case "well":
                faults.clear()
            case _:
                raise AssertionError(f"the scenario says {moment.do!r}")

    def _job(self, moment: Moment) -> None:
        endpoint_id = self._scenario.models[moment.model]
        job = self._sandbox.world.add_job(endpoint_id, cost=moment.cost, key=moment.key, age_s=moment.late * 3600)
        if moment.project is None and moment.estimate is None:
            return
        expected = moment.cost if moment.estimate is None else moment.estimate
        event = {
            "trayd": 1,
            "type": "generation",
            "request_id": job.request_id,
            "endpoint_id": endpoint_id,
            "time": job.sent_at.isoformat(),
            "estimate": {"amount": str(expected), "currency": "USD"},
            "client": moment.client,
            "project": moment.project,
            "deliverable": moment.deliverable,
            "source": "plug-in",
        }
        if self._drops:
            self._drop(f"{job.request_id}.json", json.dumps({name: each for name, each in event.items() if each}))

    @property
    def _drops(self) -> bool:
        """Whether trayd has a drop folder by now; the plug-in was installed with it."""
        return (self._home / "drop").is_dir()

    def _drop_statements(self, moment: Moment) -> None:
        stem, _, suffix = moment.name.rpartition(".")
        for number in range(moment.times):
            self._numbers += 1
            name = f"{stem}-{number + 1}.{suffix}" if moment.times > 1 else moment.name
            self._drop(name, _STATEMENT.format(number=self._numbers))

    def _drop(self, name: str, text: str) -> None:
        part = self._home / "drop" / f".{name}.part"
        part.write_text(text, encoding="utf-8")
        part.rename(part.with_name(name))

    def _start(self) -> None:
        assert self._process is None, f"{self.now}: it runs already"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.alerts.replay.host", self._home, self._sandbox.url],
            cwd=ROOT,
            env={
                **os.environ,
                "TRAYD_HOME": str(self._home),
                "TRAYD_FAL_URL": self._sandbox.url,
                "TRAYD_RATES_URL": self._sandbox.rates_url,
                "FAL_ADMIN_KEY": self._sandbox.admin_key,
                "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ask(msgspec.json.encode((self._episodes, self._clock)))

    def _order(self, order: Order) -> None:
        self._ask(msgspec.json.encode(order))

    def _ask(self, line: bytes) -> None:
        process = self._process
        assert process is not None, f"{self.now}: it does not run"
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line.decode() + "\n")
        process.stdin.flush()
        said = process.stdout.readline()
        if said:
            self._hear(msgspec.json.decode(said, type=Answer))
        else:
            # Killed while it was telling; what it had stored is there at the next start.
            assert process.wait() == -9, f"{self._local}: the daemon ended with {process.returncode}"
            self._end(kill=True)

    def _hear(self, answer: Answer) -> None:
        for episode in answer.episodes:
            self.changes.append(Change(self._local, self._episodes.get(episode.instance), episode))
            self._episodes[episode.instance] = episode
        self.shown += [Shown(self._local, notice) for notice in answer.shown]

    @property
    def hooked(self) -> list[HookEvent]:
        """What the hook wrote down, in its order."""
        return [msgspec.json.decode(line, type=HookEvent) for line in self._hooked.read_text().splitlines()]

    @property
    def _hooked(self) -> Path:
        return self._home.parent / "hooked.jsonl"

    @property
    def _clock(self) -> datetime:
        """The time as the laptop has it."""
        return self.now + self._off

    @property
    def _local(self) -> datetime:
        return self.now.astimezone(self._zone).replace(tzinfo=None)

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        if kill:
            process.kill()
        process.stdin.close()
        code = process.wait(20)
        process.stdout.close()
        assert kill or code == 0
