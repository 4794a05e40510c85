"""Things that happen once, and are not kept in the ledger as a state."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import msgspec

from trayd.alert_settings import Alerts
from trayd.alerts.rules.finding import About, Finding, Step
from trayd.episodes import Episode
from trayd.money import Money


class FileRejected(msgspec.Struct, frozen=True):
    """A dropped file, or the folder, needs a person: ``title`` says what it is, ``reason`` names line, column and cure.

    ``at`` is UTC.
    """

    name: str
    title: str
    reason: str
    at: datetime


class BackfillDone(msgspec.Struct, frozen=True):
    """The first poll of an account, by the ledger's name for it, is complete; ``found`` says as text what was there."""

    account: str
    found: str


class ReportMade(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduled report has been made.

    Attributes:
        schedule: what the schedule is called.
        client: whom it is for; None: for nobody in particular, of everything.
        period: that it is of, as episodes name it: ``2026-11``, ``2026-W47``.
        first: the first civil day of that, and ``last`` its last one.
        files: their names, which are in ``folder``.
        cost: what the work of that time cost; None where that is not all known, or not to be told.
        is_hidden: whether it is not to be told.
        billed: whether fal's bills of that time were all in.
        remarks: what else a person has to know of the files, in sentences.
    """

    schedule: str
    client: str | None
    period: str
    first: date
    last: date
    files: tuple[str, ...]
    folder: str
    cost: Money | None
    billed: bool
    is_hidden: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def scope(self) -> str:
        """What its episode is about."""
        return f"{self.schedule}/{self.client or ''}"


Happened = FileRejected | BackfillDone | ReportMade


def event(happened: Happened, limits: Alerts) -> Finding:
    """The finding for something that happened; without steps where the person does not want to hear of its kind.

    That a report was made is kept all the same, so that it is made once.
    """
    about, silent = About(), False
    match happened:
        case FileRejected():
            rule, scope = "file", f"{happened.name}@{happened.at.isoformat()}"
        case BackfillDone():
            rule, scope, about = "backfill", happened.account, About(account=happened.account)
        case ReportMade():
            rule, scope = "report", happened.scope
            paths = tuple(str(Path(happened.folder, name)) for name in happened.files)
            about = About(amount=happened.cost, client=happened.client, files=paths)
            silent = rule in limits.off
    steps = () if rule in limits.off and not silent else (Step("", True, True),)
    period = happened.period if isinstance(happened, ReportMade) else ""
    return Finding(
        rule=rule,
        scope=scope,
        period=period,
        subject=happened,
        steps=steps,
        once=True,
        silent=silent,
        about=about,
    )


def reports_made(episodes: Iterable[Episode], schedule: str) -> dict[str, set[str | None]]:
    """Whom reports were made for by the schedule of that name, by the period that they are of."""
    made: dict[str, set[str | None]] = {}
    for episode in episodes:
        name, slash, client = episode.scope.partition("/")
        if episode.rule == "report" and slash and name == schedule:
            made.setdefault(episode.period, set()).add(client or None)
    return made
