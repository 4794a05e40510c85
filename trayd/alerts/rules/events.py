"""Things that happen once, and are not kept in the ledger as a state."""

from __future__ import annotations

from datetime import datetime

import msgspec

from trayd.alert_settings import Alerts
from trayd.alerts.rules.finding import About, Finding, Step


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


def event(happened: FileRejected | BackfillDone, limits: Alerts) -> Finding:
    """The finding for something that happened; without steps where the person does not want to hear of its kind."""
    about = About()
    match happened:
        case FileRejected():
            rule, scope = "file", f"{happened.name}@{happened.at.isoformat()}"
        case BackfillDone():
            rule, scope, about = "backfill", happened.account, About(account=happened.account)
    steps = () if rule in limits.off else (Step("", True, True),)
    return Finding(rule=rule, scope=scope, subject=happened, steps=steps, once=True, about=about)
