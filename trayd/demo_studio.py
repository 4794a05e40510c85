"""The made-up studio of the demo: what it orders beside what chance brings, and what its people and plug-ins drop.

Chance makes no story: two jobs over the limit, a balance that runs low and two saving tips are to be seen whatever the
date. So the story is a script, and what a plug-in would know of it (client, project, parameters) stands beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from trayd.fal.sandbox.jobs import Job
from trayd.fal.sandbox.options import SandboxOptions, ScriptedJob
from trayd.fal.sandbox.world import World
from trayd.money import Money, price

_OK = 200

# The daemon's first poll reads so far back, and knows nothing before.
_PAST = timedelta(days=30)
_DAY_S = 86_400.0
_ONE_SECOND = 0.00001  # about that in days, so that they are on one day

# How far off people are who guess how much they will need.
_GUESSES = (Decimal("0.95"), Decimal(1), Decimal(1), Decimal("1.1"))

# Longer than a plug-in's file takes to be taken in, so that a bill finds its project.
_BILLED_AFTER_S = 4.0


class Work(msgspec.Struct, frozen=True):
    """What something is made for."""

    client: str
    project: str
    deliverable: str


HERO = Work("Northwind", "Spring Campaign", "Hero Film")
SOCIAL = Work("Northwind", "Spring Campaign", "Social Cut")
VISUALS = Work("Halden & Co", "Product Launch", "Key Visuals")
REEL = Work("Halden & Co", "Product Launch", "BTS Reel")
ANIMATIC = Work("Lumen Studio", "Title Sequence", "Animatic")
LYRICS = Work("Kite Records", "Lyric Video", "First Cut")

# What chance brings is for one of these; the lyric video is the story's alone, so that its budget goes by the script.
_WORKS = (HERO, SOCIAL, VISUALS, REEL, ANIMATIC)


class Scene(msgspec.Struct, frozen=True):
    """A job of the script, and what the plug-in that orders it knows."""

    job: ScriptedJob
    work: Work
    parameters: Mapping[str, Any] = {}


def _past(
    days: Iterable[float], endpoint_id: str, units: str, work: Work, parameters: Mapping[str, Any]
) -> Iterator[Scene]:
    for ago in days:
        yield Scene(ScriptedJob(-ago * _DAY_S, endpoint_id, Decimal(units)), work, parameters)


_SOUND = {"generate_audio": True, "duration": "8s"}
_SILENT = {"generate_audio": False, "duration": "8s"}
_IN_2160P = {"resolution": "2160p", "duration": 6}
_IN_1080P = {"resolution": "1080p", "duration": 6}

#: One job over $5 that takes the balance under $20, one that takes a budget over 80 %, one more over $5, one that takes
#: the balance under $5; a top-up follows from that. Before it: takes in 2160p beside takes in 1080p, videos with sound
#: beside videos without, a day on which far more was spent than usual, and a sound by a model for research only.
STORY: tuple[Scene, ...] = (
    Scene(ScriptedJob(10, "fal-ai/kling-video/o3/4k/text-to-video", Decimal(15), _BILLED_AFTER_S), HERO),
    Scene(ScriptedJob(22, "fal-ai/veo3/fast", Decimal(8), _BILLED_AFTER_S), LYRICS, _SOUND),
    Scene(ScriptedJob(35, "fal-ai/veo3", Decimal(16), _BILLED_AFTER_S), REEL),
    Scene(ScriptedJob(50, "fal-ai/sync-lipsync/v2", Decimal("1.6")), SOCIAL),
    *_past((4, 6, 8.5, 13), "fal-ai/ltx-2/text-to-video", "24", HERO, _IN_2160P),
    *_past((3, 5, 7, 8, 11, 12), "fal-ai/ltx-2/text-to-video", "6", HERO, _IN_1080P),
    *_past((3.2, 5.2, 7.2, 10, 14, 15), "fal-ai/veo3/fast", "8", LYRICS, _SOUND),
    *_past((4.2, 6.2, 11.2, 16), "fal-ai/veo3/fast", "5.5", LYRICS, _SILENT),
    *_past((9 - take * _ONE_SECOND for take in range(9)), "fal-ai/kling-video/o3/4k/text-to-video", "11", ANIMATIC, {}),
    *_past((2.5,), "fal-ai/mmaudio-v2", "8", REEL, {"duration": 8}),
)

#: What is spent on the story's own project until now is three quarters of it.
LYRICS_BUDGET = Decimal(14)

#: A job every three seconds beside the story.
DEMO = SandboxOptions(speed=720, balance=Decimal("23.60"), script=tuple(scene.job for scene in STORY))

_OTHER_TOOLS = (
    (3, "Midjourney", "Standard plan", "30.00", "USD", "image"),
    (12, "ElevenLabs", "Voice-over", "22.00", "EUR", "voice"),
    (21, "Epidemic Sound", "Music licence", "189.00", "SEK", "audio"),
)


class DemoStudio:
    """What the studio writes into the drop folder, as time goes by.

    Args:
        world: the sandbox's.
        drop: the drop folder.
    """

    def __init__(self, world: World, drop: Path) -> None:
        self._world = world
        self._drop = drop
        self._told: dict[str, str] = {}
        self._files = 0
        scenes = zip(world.scripted, STORY, strict=False)
        self._scenes = {job.request_id: scene for job, scene in scenes}

    def begin(self) -> None:
        """Events for all of the past, and what other tools cost."""
        self._write("jsonl", self._news(self._world.start - _PAST + timedelta(hours=1)))
        start = self._world.start.date()
        rows = (
            f"{start - timedelta(days=ago)},{tool}: {text},{amount},{currency},{kind},{tool}\n"
            for ago, tool, text, amount, currency, kind in _OTHER_TOOLS
        )
        self._place("other-tools.csv", "date,description,amount,currency,category,source\n" + "".join(rows))

    def go_on(self) -> None:
        """An event for each job that was sent, or has ended, since the last time."""
        for event in self._news(self._world.start):
            self._write("json", [event])

    def _news(self, since: datetime) -> list[dict[str, Any]]:
        with self._world.lock:
            now = self._world.advance()
            jobs = self._world.account().jobs(since, now + timedelta(milliseconds=1))
        known = [(job, _status(job, now)) for job in jobs]
        news = [(job, status) for job, status in known if self._told.get(job.request_id) != status]
        self._told.update((job.request_id, status) for job, status in news)
        return [self._event(job, status) for job, status in news]

    def _event(self, job: Job, status: str) -> dict[str, Any]:
        """What a plug-in knows of a job; its estimate is by the list price, which discounts and detours are not in."""
        scene = self._scenes.get(job.request_id)
        work = scene.work if scene else _WORKS[int(job.request_id.replace("-", ""), 16) % len(_WORKS)]
        return {
            "trayd": 1,
            "type": "generation",
            "request_id": job.request_id,
            "endpoint_id": job.endpoint.id,
            "time": f"{job.sent_at:%Y-%m-%dT%H:%M:%S.%f}Z",
            "status": status,
            "parameters": dict(scene.parameters) if scene else {},
            "source": "premiere",
            **msgspec.structs.asdict(work),
            **_estimate(job, Decimal(1) if scene else _guess(job)),
        }

    def _write(self, suffix: str, events: list[dict[str, Any]]) -> None:
        self._files += 1
        text = "".join(json.dumps(event) + "\n" for event in events)
        self._place(f"premiere-{self._files:04d}.{suffix}", text)

    def _place(self, name: str, text: str) -> None:
        """As a well-behaved plug-in does it: written elsewhere, then renamed in."""
        self._drop.mkdir(parents=True, exist_ok=True)
        part = self._drop / f".{name}.part"
        part.write_text(text, encoding="utf-8")
        part.rename(self._drop / name)


def _status(job: Job, now: datetime) -> str:
    code = job.status_at(now)
    if code is None:
        return "submitted"
    return "completed" if code == _OK else "failed"


def _guess(job: Job) -> Decimal:
    return _GUESSES[int(job.request_id[-2:], 16) % len(_GUESSES)]


def _estimate(job: Job, guess: Decimal) -> dict[str, Any]:
    if not job.charges:
        return {}
    units = sum((charge.units for charge in job.charges), Decimal(0))
    amount = Money(price(job.charges[0].unit_price, units * guess)).amount
    return {
        "units": f"{units:f}",
        "unit": (job.endpoint.unit or "").strip(),
        "estimate": {"amount": f"{amount:f}", "currency": "USD"},
    }
