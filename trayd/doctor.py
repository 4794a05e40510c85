"""The doctor: looks at everything that trayd depends on, and says what is wrong and how to mend it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from trayd import __version__
from trayd.errors import TraydError
from trayd.facts import called
from trayd.report_settings import Schedule
from trayd.settings import Paths, Settings, fal_url, load

Finding = dict[str, Any]

#: With less room than this on a disk, the next poll or checkpoint may fail.
_ROOM_BYTES = 16 * 1024 * 1024

#: Of shared costs, so many are looked at, the newest first.
_POOLS_LOOKED_AT = 200


def examine() -> list[Finding]:
    """All findings: ``{"subject", "state": "good|note|bad", "text", "cure"}``."""
    paths = Paths.usual()
    findings = [_finding("trayd", "good", f"{__version__} on Python {sys.version.split()[0]}")]
    try:
        settings = load(paths.settings)
    except TraydError as error:
        return [*findings, _trouble("settings", error)]
    findings.append(_finding("settings", "good", str(paths.settings)))
    paths = paths.with_folders(settings.folders)
    for look in (_folders, _accounts, _ledger, _reports, _rates, _alerts, _desktop):
        try:
            findings.extend(look(paths, settings))
        except TraydError as error:
            findings.append(_trouble(look.__name__.lstrip("_"), error))
    return findings


def _folders(paths: Paths, _settings: Settings) -> Iterator[Finding]:
    for name in ("ledger", "backup", "drop", "log", "run"):
        if (wrong := _unusable(getattr(paths, name))) is not None:
            yield _finding(f"{name} folder", "bad", *wrong)


def _unusable(folder: Path) -> tuple[str, str] | None:
    """Why nothing can be written into a folder, which is made where it is missing, and the cure."""
    existing = next(parent for parent in (folder, *folder.parents) if os.path.lexists(parent))
    if not existing.is_dir():
        return f"{existing} is no folder", "move it away, or choose another place"
    if shutil.disk_usage(existing).free < _ROOM_BYTES:
        return f"the disk of {folder} is full", "make room on it"
    if not os.access(existing, os.W_OK):
        return f"{folder} cannot be written", f"give yourself rights on {existing}"
    return None


def _accounts(_paths: Paths, settings: Settings) -> Iterator[Finding]:
    """Whether fal answers. A running trayd says how it goes with its keys: no other process may have them."""
    from trayd.desk import open_desk

    status: dict[str, Any] = {"daemon": {"running": False}}
    with suppress(TraydError), open_desk() as desk:  # what is wrong with the ledger is looked at by itself
        status = desk.ask("status")
    if status["daemon"]["running"]:
        yield from map(_account_told, status["accounts"])
        return
    yield _finding("fal", "good", f"asked at {fal_url()}")
    yield from _keys(settings)


def _account_told(account: dict[str, Any]) -> Finding:
    """How the running trayd gets on with an account."""
    name, state = account["name"], account["state"]
    subject = f"account {name}"
    problem, _, cure = account["problem"].partition("; ")
    if state == "needs_admin":
        return _without_admin(name)
    if state not in {"ok", "stale"}:
        return _finding(subject, "bad", f"the running trayd says: {problem}", cure)
    if problem:
        return _finding(subject, "note", f"the running trayd says: {problem}", cure)
    if state == "stale":
        since = f"since {account['as_of']}" if account["as_of"] else "yet"
        return _finding(
            subject, "note", f"the running trayd has had no answer of fal {since}", "`trayd refresh` asks now"
        )
    return _finding(subject, "good", f"the running trayd has an Admin key of {account['username']}")


def _without_admin(name: str) -> Finding:
    cure = f"make a key with Admin scope at fal and run `trayd key set {name}`"
    return _finding(f"account {name}", "note", "an API key: no balance and no billed cost", cure)


def _keys(settings: Settings) -> Iterator[Finding]:
    import asyncio

    from trayd.fal.accounts import checked_key
    from trayd.fal.keys import find_key

    for name in settings.account_names():
        subject = f"account {name}"
        try:
            checked = asyncio.run(checked_key(fal_url(), find_key(name)))
        except TraydError as error:
            yield _trouble(subject, error)
            continue
        if checked.scope == "admin":
            yield _finding(subject, "good", f"an Admin key of {checked.username}")
        else:
            yield _without_admin(name)


def _ledger(paths: Paths, _settings: Settings) -> Iterator[Finding]:
    from trayd.desk import open_desk
    from trayd.terminal.show import count

    with open_desk() as desk:
        verified = desk.ask("verify")
        status = desk.ask("status")
        pools = desk.ask("pools", limit=_POOLS_LOOKED_AT)
        budgets = desk.ask("budgets")
    for problem in verified["problems"]:
        yield _finding("ledger", "bad", problem["text"], problem["cure"])
    yield from (_finding("ledger", "note", text) for text in verified["mended"])
    if not verified["problems"]:
        total = status["spent"]["total"]["generations"]
        yield _finding("ledger", "good", f"sound, {count(total, 'generation')}")
    running = status["daemon"]["running"]
    yield _finding("daemon", "good" if running else "note", "running" if running else "not running")
    yield from _backup(paths, Path(status["daemon"]["backup"] or paths.backup))
    yield from _pools(pools)
    yield from _budgets(budgets)
    names = {each["username"]: called(each["name"], each["username"]) for each in status["accounts"]}
    for difference in status["differences"]:
        yield _finding(
            f"account {names.get(difference['account'], difference['account'])}",
            "bad",
            f"fal's total for {difference['endpoint_id']} is {difference['fal']['amount']} "
            f"{difference['fal']['currency']}, the ledger's {difference['ledger']['amount']}",
            "`trayd reconcile` names the requests that explain it and says what to do",
        )
    if status["unmatched"]:
        yield _finding(
            "events",
            "note",
            f"{count(status['unmatched'], 'event')} without a request id left out: fal's billing covers their time",
            "`trayd history --unmatched` lists them and `trayd link ID` settles one; better, let the plug-in that "
            "writes them give request_id",
        )
    if status["drop"]["rejected"]:
        yield _finding(
            "drop folder",
            "note",
            f"{count(status['drop']['rejected'], 'file')} rejected",
            "open drop/rejected: the reason is in the .reason.txt beside each, or in each row of a .rows.csv",
        )


def _pools(pools: list[dict[str, Any]]) -> Iterator[Finding]:
    """Shared costs that nobody shares though their period is over, and weights of projects that there are not."""
    troubled: dict[str, list[dict[str, Any]]] = {}
    for pool in pools:
        if pool["trouble"] and (isinstance(pool["split"], dict) or not pool["goes_on"]):
            troubled.setdefault(pool["description"], []).append(pool)
    for name, costs in troubled.items():
        newest = costs[0]
        earlier = f", and {len(costs) - 1} earlier" if len(costs) > 1 else ""
        yield _finding(
            f"pool {name}",
            "note",
            f"the cost of {newest['date']}{earlier}: {newest['trouble']}",
            "`trayd config edit` changes its split"
            if newest["set_up"]
            else f"give it a project: `trayd tag {newest['id']} --project NAME`",
        )
    if pools and not troubled:
        yield _finding("pools", "good", "each shared cost is divided; `trayd pools` shows them")


def _budgets(budgets: list[dict[str, Any]]) -> Iterator[Finding]:
    """Budgets that never warn, as nothing is of what they are for."""
    for status in budgets:
        if status["trouble"]:
            yield _finding(
                f"budget {status['budget']['name']}",
                "note",
                f"{status['trouble']}; until something is, it never warns",
                "`trayd config edit` changes what it is for",
            )


def _reports(paths: Paths, settings: Settings) -> Iterator[Finding]:
    """What keeps reports from being made, and names in the settings of reports that nothing recorded has."""
    from trayd.desk import open_desk
    from trayd.reports.agency import agency_of

    report = settings.report
    yield from _report_folders(paths, report.schedule)
    clients = {terms.name for terms in report.client}.union(*(schedule.clients for schedule in report.schedule))
    models = {model for terms in report.client for model in terms.rates}
    named = [*(("client", name) for name in sorted(clients)), *(("model", name) for name in sorted(models))]
    if named:
        with open_desk() as desk:
            unknown = [text for scope, name in named for text in desk.ask("unknown-names", **{scope: name})]
        cure = "`trayd config edit` changes it, under [report]"
        yield from (_finding("reports", "note", f"the settings name one, and {text}", cure) for text in unknown)
    yield from _report_templates(paths, settings)
    agency_of(report, paths.settings.parent)


def _report_folders(paths: Paths, schedules: Iterable[Schedule]) -> Iterator[Finding]:
    from trayd.service.report_folders import check_own_folder

    usual = _unusable(paths.reports)
    if usual is not None:
        yield _finding("reports folder", "bad", *usual)
    for schedule in schedules:
        subject, own = f"reports, {schedule.called}", schedule.own_folder
        try:
            if own is not None:
                check_own_folder(own, paths.drop)
        except TraydError as error:
            yield _trouble(subject, error)
            continue
        wrong = usual if own is None else _unusable(own)
        if wrong is None:
            yield _finding(subject, "good", f"made in {own or paths.reports}")
        elif own is not None:
            yield _finding(subject, "bad", *wrong)


def _report_templates(paths: Paths, settings: Settings) -> Iterator[Finding]:
    from trayd.reports.own_templates import templates_folder
    from trayd.reports.template_trial import try_templates

    try:
        folder = templates_folder(settings.report.templates, paths.settings)
        if folder is not None:
            try_templates(folder, settings.number_locale())
            yield _finding("report templates", "good", f"those in {folder} make a page")
    except TraydError as error:
        yield _trouble("report templates", error)


def _rates(_paths: Paths, settings: Settings) -> Iterator[Finding]:
    from trayd.desk import open_desk

    with open_desk() as desk:
        answer = desk.ask("rates")
    for fixed in settings.rates.fixed:
        since = f" since {fixed.since}" if fixed.since else ""
        until = f" until {fixed.until}" if fixed.until else ""
        told = f"1 {fixed.from_} is {fixed.rate:f} {fixed.to}{since}{until}, by the settings"
        yield _finding("exchange rates", "good", told)
    used = [each for each in answer["rates"] if each["used"]]
    if not used:
        yield _finding("exchange rates", "good", f"none needed: all amounts are in {answer['home']}")
        return
    for each in used:
        if each["rate"] is None:
            yield _finding(
                "exchange rates",
                "bad",
                f"none is known for {each['currency']}: amounts in it are left out of the totals",
                "fix one under [[rates.fixed]] in the settings",
            )
    known = [each for each in used if each["source"] in {"ecb", "bundled"}]
    if not known:
        return
    newest = max(each["published"] for each in known)
    cure = _rates_cure(answer)
    if any(each["source"] == "bundled" for each in known):
        yield _finding("exchange rates", "note", f"those that came with trayd are used, up to {newest}", cure)
    elif any(each["last_known"] for each in known):
        yield _finding("exchange rates", "note", f"the newest that are known are of {newest}", cure)
    else:
        yield _finding("exchange rates", "good", f"the European Central Bank's, up to {newest}")


def _rates_cure(answer: dict[str, Any]) -> str:
    """What brings newer rates."""
    if not answer["fetch"]:
        return "set rates.fetch to true, and they are fetched"
    if not answer["url"]:
        return "none are fetched where fal is a stand-in; set TRAYD_RATES_URL to a place of rates, such as its own"
    if answer["trouble"]:
        return f"they could not be fetched: {answer['trouble']}"
    return "they are fetched while trayd runs: start it, or run `trayd refresh`"


def _backup(paths: Paths, used: Path) -> Iterator[Finding]:
    """The mirrors' folder that is in use, which the settings may have left by now."""
    if used != paths.backup:
        yield _finding(
            "backup",
            "note",
            f"the running trayd writes to {used}; {paths.backup} of the settings counts from its next start",
            "start trayd again",
        )
    if paths.ledger.exists() and used.exists() and paths.ledger.stat().st_dev == used.stat().st_dev:
        yield _finding(
            "backup",
            "note",
            f"{used} is on the same disk as the ledger",
            "set folders.backup to another disk, and it survives the loss of this one",
        )


def _alerts(_paths: Paths, _settings: Settings) -> Iterator[Finding]:
    from trayd.desk import open_desk

    with open_desk() as desk:
        hooks = desk.ask("hooks")
        desktop = desk.ask("alerts", limit=0)["desktop"]
    # Only a running daemon knows.
    if desktop is not None:
        yield _notifications(desktop)
    for hook in hooks:
        subject = f"hook {hook['name']}"
        if hook["trouble"]:
            yield _finding(subject, "bad", f"{hook['target']}: {hook['trouble']}", "`trayd alerts test` tries it again")
        else:
            yield _finding(subject, "good", f"{hook['target']}; no failure is known; `trayd alerts test` tries it")


def _notifications(desktop: dict[str, Any]) -> Finding:
    """How it stands with warnings on the desktop, as the running daemon says."""
    subject = "notifications"
    if desktop["off"]:
        return _finding(subject, "note", f"off: {desktop['off']}")
    if not desktop["trouble"]:
        return _finding(subject, "good", "no failure is known; `trayd alerts test` tries them")
    tries = "`trayd alerts test` tries them again"
    if desktop["instead"]:
        return _finding(subject, "note", f"shown by {desktop['instead']}, without buttons: {desktop['trouble']}", tries)
    if sys.platform.startswith("linux"):
        start = "start the desktop's notification service, or one such as dunst"
        tries = f"{start}; {tries}; where there is to be none, set alerts.desktop to false"
    return _finding(subject, "bad", desktop["trouble"], tries)


def _desktop(_paths: Paths, _settings: Settings) -> Iterator[Finding]:
    if not sys.platform.startswith("linux"):
        return
    from trayd.tray.app import NoTrayError, choose_backend

    try:
        choice = choose_backend()
    except NoTrayError as error:
        yield _finding(
            "tray", "note", error.message, f"{error.cure}; alerts go to the log and `trayd status` until then"
        )
    else:
        yield _finding("tray", "note" if choice.note else "good", choice.note or "a panel that shows the icon is there")


def _finding(subject: str, state: str, text: str, cure: str = "") -> Finding:
    return {"subject": subject, "state": state, "text": text, "cure": cure}


def _trouble(subject: str, error: TraydError) -> Finding:
    return _finding(subject, "bad", error.message, error.cure)
