"""Every text of every warning, in ``texts.txt``: to be read by a person, and compared by the test.

``python -m tests.alerts.test_texts`` writes that file anew; what is different is for a person to look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trayd.alert_settings import RULE_NAMES, Alerts
from trayd.alerts.delivery import fitted
from trayd.alerts.notice import Notice
from trayd.alerts.rules import BackfillDone, FileRejected, Finding, ReportMade
from trayd.alerts.rules.accounts import NoAnswer
from trayd.alerts.rules.balances import CreditsExpire, RunningOut
from trayd.alerts.rules.bills import EstimateOff
from trayd.alerts.rules.budgets import BudgetExpected, BudgetSpent
from trayd.alerts.rules.days import UnusualDay
from trayd.alerts.rules.finding import Step
from trayd.alerts.rules.jobs import Group
from trayd.alerts.rules.ledger import Damaged, Mended, TotalsDiffer, Unwritable
from trayd.alerts.rules.reports import REFUSED, ReportsRefused
from trayd.alerts.words import actions_of, words
from trayd.alerts.words.writing import TEXT, TITLE
from trayd.budget_settings import Budget
from trayd.facts import AccountFact, called_names
from trayd.insight.anomalies import Anomaly, Explanation
from trayd.insight.budgets import BudgetStatus
from trayd.insight.forecast import Burn, RunOut
from trayd.intake.rejection import printable
from trayd.money import Money
from trayd.records import BalanceReading, Counting, Estimate, Generation
from trayd.terminal.show import Style
from trayd.texts import units_of

FILE = Path(__file__).parent / "texts.txt"
TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = (date(2026, 11, 1), date(2026, 11, 30))
WEEK = (date(2026, 11, 16), date(2026, 11, 22))
LIMITS = Alerts()
#: Someone gave an account that fal calls acme-5 the name films.
CALLED = called_names([AccountFact(name="films", username="acme-5", state="ok")])
KLING = "fal-ai/kling-video/v3/pro/text-to-video"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One warning: its rule, what its words are made from, and the levels that it has, of which it stands at one."""

    rule: str
    what: str
    subject: Any
    levels: tuple[str, ...] = ("",)
    step: int = 0
    locale: str = "en_US"

    def told(self) -> Notice:
        steps = tuple(Step(level, reached=True, held=True) for level in self.levels)
        finding = Finding(rule=self.rule, scope="x", subject=self.subject, steps=steps)
        said = words(finding, self.step, LIMITS, self.locale, CALLED)
        actions = actions_of(self.rule, self.levels[self.step])
        return Notice(episodes=("x",), title=said.title, body=said.text, urgency=said.urgency, actions=actions)


def balance(left: str, account: str = "default", step: int = 0, **more: Any) -> Case:
    reading = BalanceReading(account, NOW, Money.of(left))
    return Case(rule="balance", what=f"{left} left", subject=reading, levels=("20.00", "5.00"), step=step, **more)


def lasts(days: int, account: str = "default", **more: Any) -> Case:
    day = TODAY + days * DAY
    burn = Burn(per_day=Money.of("6.10"), low=Money.of(4), high=Money.of(9), days=21)
    end = RunOut(day=day, earliest=max(day - DAY, TODAY), latest=None if days > 40 else day + 2 * DAY)
    running = RunningOut(account=account, balance=Money.of("40"), burn=burn, run_out=end, today=TODAY)
    return Case(rule="run_out", what=f"days: {days}", subject=running, **more)


def expires(days: int, unused: str = "38", account: str = "default") -> Case:
    expire = CreditsExpire(
        account=account,
        expires=TODAY + days * DAY,
        days=days,
        unused=Money.of(unused),
        bought=date(2025, 12, 1),
        today=TODAY,
    )
    return Case(rule="expiry", what=f"days: {days}", subject=expire)


def budget(what: str, share: int = 82, step: int = 1, amount: int = 500, **of: Any) -> Case:
    """So many percent of a budget; ``over``, ``days``, ``locale`` and what a status has beside what a budget has."""
    over, days, locale = of.pop("over", False), of.pop("days", MONTH), of.pop("locale", "en_US")
    expected, status = of.pop("expected", None), {}
    for field in ("unpriced", "left_out"):
        if field in of:
            status[field] = of.pop(field)
    one = Budget(**{"name": "Northwind", "amount": Decimal(amount)} | of)
    currency = one.currency or "USD"
    limit = Money.of(amount, currency)
    money = {} if expected is None else {"expected": Money.of(Decimal(amount * expected) / 100, currency)}
    stands = BudgetStatus(
        budget=one,
        period="2026-11",
        since=NOW,
        until=NOW,
        limit=limit,
        spent=Money.of(Decimal(amount * share) / 100, currency),
        share=Decimal(share),
        **status,
        **money,
    )
    subject = BudgetSpent(status=stands, days=days, over=over, today=TODAY)
    return Case(rule="budget", what=what, subject=subject, levels=("50", "80", "100"), step=step, locale=locale)


def expected(what: str, **of: Any) -> Case:
    known = budget(what, share=64, **of).subject
    status = msgspec.structs.replace(
        known.status,
        expected=Money.of(590),
        low=Money.of(520),
        high=Money.of("671.20"),
        expected_share=Decimal(118),
    )
    subject = BudgetExpected(status=status, days=known.days, over=False, today=TODAY)
    return Case(rule="budget_forecast", what=what, subject=subject, levels=("100",))


def job(what: str, **of: Any) -> Case:
    given = {
        "id": "r",
        "request_id": "r",
        "account": "default",
        "endpoint_id": KLING,
        "display_name": "Kling Video v3 Pro",
        "timestamp": NOW,
        "estimate": Estimate(Money.of("6.40"), NOW),
        "counting": Counting.ESTIMATE,
    }
    return Case(rule="expensive", what=what, subject=Generation(**(given | of)))


def together(what: str, jobs: int, *, models: dict[str, int], tags: tuple[str, ...] = (), **more: Any) -> Case:
    given = {"cost": Money.of("9.12"), "estimated": False, "own_warning": 0, "first": NOW, "last": NOW}
    group = Group(jobs=jobs, models=models, tags=tags, **(given | more))
    return Case(rule="together", what=what, subject=group)


def day(what: str, cost: str = "84.20", step: int = 0, day: date = TODAY, **of: Any) -> Case:
    explained = of.pop("explained", ("project", "Spring Campaign", 0.85))
    dimension, key, share = explained or ("", None, 0.0)
    explanation = Explanation(dimension=dimension, key=key, cost=Money.of(cost), usual=Money.of(0), share=share)
    anomaly = Anomaly(
        day=day,
        running=True,
        cost=Money.of(cost, of.get("currency", "USD")),
        usual=Money.of(22, of.get("currency", "USD")),
        excess=Money.of(Decimal(cost) - 22, of.get("currency", "USD")),
        percent=float((Decimal(cost) - 22) / 22 * 100),
        score=6.0,
        compared=20,
        explained=(explanation,) if explained else (),
    )
    subject = UnusualDay(anomaly, TODAY)
    levels = ("unusual", "doubled")
    return Case(rule="anomaly", what=what, subject=subject, levels=levels, step=step, locale=of.get("locale", "en_US"))


def off(what: str, jobs: int, estimated: str, actual: str, model: str = "Kling Video v3 Pro") -> Case:
    subject = EstimateOff(model=model, jobs=jobs, estimated=Money.of(estimated), actual=Money.of(actual))
    return Case(rule="estimate", what=what, subject=subject)


def account(state: str, problem: str, name: str = "studio") -> Case:
    fact = AccountFact(name=name, state=state, problem=problem, as_of=NOW)
    return Case(rule="account", what=state, subject=fact, levels=(state,))


def silent(what: str, since: datetime | None, problem: str, left: Money | None) -> Case:
    subject = NoAnswer(
        account="default", problem=problem, since=since, tried_since=NOW - 2 * DAY, now=NOW, balance=left
    )
    return Case(rule="stale", what=what, subject=subject)


def ledger(what: str, subject: object) -> Case:
    return Case(rule="ledger", what=what, subject=subject)


def made(what: str, *, client: str | None = "Northwind", period: str = "2026-10", **more: Any) -> Case:
    first, last = {
        "2026-10": (date(2026, 10, 1), date(2026, 10, 31)),
        "2026-W46": (date(2026, 11, 9), date(2026, 11, 15)),
        "2026-W53": (date(2026, 12, 28), date(2027, 1, 3)),
    }[period]
    report: dict[str, Any] = {
        "schedule": "monthly",
        "client": client,
        "period": period,
        "first": first,
        "last": last,
        "files": ("trayd-report-northwind-2026-10.html",),
        "folder": "/home/ada/Documents/trayd",
        "cost": Money.of("412.30"),
        "billed": True,
        **more,
    }
    return Case(rule="report", what=what, subject=ReportMade(**report))


def refused(schedule: str, problem: str) -> Case:
    subject = ReportsRefused(schedule, problem)
    return Case(rule="report", what="cannot be made", subject=subject, levels=(REFUSED,))


def differ(models: int, requests: int) -> Case:
    subject = TotalsDiffer(
        account="default", ledger=Money.of("47.10"), fal=Money.of("48.20"), models=models, requests=requests
    )
    return ledger(f"totals of {models}, explained by {requests}", subject)


KEYS = "https://fal.ai/dashboard/keys"
PREMIERE = 'costs.csv line 14: "12.5O" is not an amount (column "Total"); correct it and drop the file again'

CASES = (
    balance("14.32"),
    balance("4.32", step=1),
    balance("14.32", account="northwind"),
    balance("1234.5", account="north-light-studio", locale="sv_SE"),
    balance("-0.42", step=1, locale="de_DE"),
    balance("0", step=1),
    lasts(0),
    lasts(1),
    lasts(5, account="northwind"),
    lasts(6, locale="de_DE"),
    lasts(45),
    expires(30),
    expires(1, "1234.5"),
    expires(0, account="northwind"),
    budget("a client's month"),
    budget("used up", share=104, step=2),
    budget("with a project, and an outlook", client="Northwind", project="Spring Campaign", expected=110),
    budget("one job without a price", unpriced=1),
    budget("much is left out", unpriced=1204, left_out=(Money.of(5, "SEK"), Money.of(1200, "JPY"))),
    budget("crowns", currency="SEK", amount=12_500, locale="sv_SE"),
    budget("yen, which have no decimals", currency="JPY", amount=90_000, locale="ja_JP"),
    budget("euros, as Germans write them", currency="EUR", amount=1_500, locale="de_DE"),
    budget("a week of a model", period="week", days=WEEK, model=KLING),
    budget("a day of a key", period="day", days=(TODAY, TODAY), key="Premiere panel"),
    budget("a day last year", period="day", days=(date(2025, 12, 31),) * 2, over=True, share=100, step=2),
    budget("a month that is over", days=(date(2026, 10, 1), date(2026, 10, 31)), over=True),
    budget("an account, in total", period="total", days=None, account="northwind"),
    budget("everything, in total", period="total", days=None, share=121, step=2),
    budget("a key, in total", period="total", days=None, key="Premiere panel"),
    budget("a name that no shell takes as it is", client="Black & White"),
    expected("a month"),
    expected("a week of a project", period="week", days=WEEK, project="Spring Campaign"),
    job("by its estimate, without a project"),
    job(
        "by its bill", counting=Counting.ACTUAL, actual=Money.of("12.5"), client="Northwind", project="Spring Campaign"
    ),
    job("with a deliverable", client="Northwind", project="Spring Campaign", deliverable="Hero Film"),
    job("a model without a name", display_name=None),
    together("two", 2, models={"Veo 3": 2}),
    together(
        "many models", 1204, estimated=True, models={"Veo 3": 1000, KLING: 200, "Flux": 4}, tags=("Northwind", "Spring")
    ),
    together("one of them is expensive by itself", 3, models={"Veo 3": 3}, own_warning=1),
    together("most of them are", 12, cost=Money.of("60"), models={"Veo 3": 12}, tags=("Northwind",), own_warning=8),
    day("a project explains it"),
    day("doubled", cost="1170", step=1),
    day("yesterday, and nothing explains it", day=TODAY - DAY, explained=None),
    day("untagged work explains it", explained=("project", None, 0.62)),
    day("a model explains it", explained=("model", KLING, 1.3)),
    day("in yen", cost="12500", currency="JPY", locale="ja_JP"),
    off("over", 8, "4", "6"),
    off("under, one job", 1, "4", "2.5"),
    off("nothing was expected", 3, "0", "1.8"),
    account("bad_key", f"fal does not know this key (401); set a good one from {KEYS}"),
    account("bad_key", f"fal does not know this key (401); set a good one from {KEYS}", "default"),
    account(
        "needs_admin", f"this key lacks the Admin scope, which balance and billing need (403); make a key at {KEYS}"
    ),
    account(
        "locked", "fal has locked the account (Exhausted balance); add credits at https://fal.ai/dashboard/billing"
    ),
    account("no_key", "the keyring is locked; unlock it, or set FAL_ADMIN_KEY"),
    silent(
        "for hours",
        NOW - timedelta(hours=2),
        "no connection to api.fal.ai (connection refused); check the network connection; trayd asks again by itself",
        Money.of("48.2"),
    ),
    silent("for days, on invoice", NOW - 2 * DAY, "", None),
    silent(
        "never reached", None, "fal has a problem of its own (500); nothing to do: trayd asks again by itself", None
    ),
    silent(
        "with fal's own words",
        NOW - timedelta(hours=2),
        "api.fal.ai/v1/account/billing: fal has a problem of its own (500): An unexpected error occurred while the "
        "request was looked at; nothing to do: trayd asks again by itself",
        Money.of("425.7"),
    ),
    Case(
        rule="file",
        what="refused",
        subject=FileRejected(
            "costs.csv", "costs.csv was not taken in", f"{PREMIERE}. It is in /home/ada/trayd/drop/rejected.", NOW
        ),
    ),
    ledger("full", Unwritable("/home/ada/trayd/ledger: there is no room on the disk; make room")),
    ledger("mended", Mended("ledger/2026-11.json was damaged and has been rebuilt from backup/2026-11.jsonl")),
    ledger("damaged", Damaged(("backup/2026-10.jsonl line 4 is damaged",))),
    ledger("damaged in several places", Damaged(("backup/2026-10.jsonl line 4 is damaged", "b", "c"))),
    differ(1, 1),
    differ(3, 0),
    Case(
        rule="backfill", what="the first look", subject=BackfillDone("default", "612 generations, $48.20, since 22 Oct")
    ),
    made("of a month"),
    made("of a week in two formats, in two years", period="2026-W53", files=("r.html", "r.csv"), cost=None),
    made("of everything, before the bills", client=None, period="2026-W46", billed=False),
    made("with a remark", remarks=("3 records without a cost are not in it.",)),
    refused(
        "monthly", "there is no folder /mnt/r; make it, connect its disk, or name another one in [[report.schedule]]"
    ),
)


def table() -> str:
    """All of it, as the file has it."""
    return "".join(_lines(case) for case in CASES)


def _lines(case: Case) -> str:
    told = case.told()
    buttons = " ".join(f"[{label}]" for label, _ in fitted(told, "linux").actions)
    locale = "" if case.locale == "en_US" else f", {case.locale}"
    return (
        f"{case.rule}: {case.what}{locale}; {told.urgency}\n    {told.title}\n    {told.body}\n    {buttons}".rstrip()
        + "\n\n"
    )


def test_the_texts_are_those_that_a_person_has_read() -> None:
    assert table() == FILE.read_text(encoding="utf-8"), "look at the difference; then python -m tests.alerts.test_texts"


def test_every_rule_has_its_texts() -> None:
    assert {case.rule for case in CASES} == set(RULE_NAMES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}, {case.what}")
def test_windows_shows_each_of_them_whole(case: Case) -> None:
    told = case.told()

    assert units_of(told.title) <= TITLE
    assert units_of(told.body) <= TEXT
    assert (fitted(told, "win32").title, fitted(told, "win32").body) == (told.title, told.body)


NAMES = {
    "long": "Northwind Spring Campaign in all of Europe, Asia and both Americas " * 4,
    "one long word": "x" * 250,
    "Chinese": "北風春季宣傳活動" * 30,
    "emoji": "🎬🚀" * 100,
    "Hebrew": "מסע פרסום אביב " * 20,
    "lines": "North\nwind\r\n\tSpring\x00\x1b[31m",
    "markup": '<b>North & "wind"</b> `$(x)` ' * 8,
    "direction": "North\u202ewind\u2066 2026",
}


def named(name: str) -> Iterator[Case]:
    """Every warning that a name from outside can be in, with that name wherever one can be."""
    tags = {"client": name, "project": name, "deliverable": name}
    yield balance("4.32", account=name)
    yield lasts(5, account=name)
    yield expires(30, account=name)
    whose = {"client": name, "project": name, "model": name, "account": name}
    for days, period in ((MONTH, "month"), (WEEK, "week"), (None, "total")):
        yield budget("x", days=days, period=period, unpriced=1204, expected=200, **whose)
        yield budget("x", days=days, period=period, key=name)
    yield expected("x", **whose)
    yield job("x", display_name=name, **tags)
    yield job("x", display_name=name, counting=Counting.ACTUAL, actual=Money.of("6.4"), **tags)
    yield together("x", 12, estimated=True, models={name: 7, f"{name}2": 3, "c": 2}, tags=(name,) * 3, own_warning=8)
    for dimension in ("project", "client", "model", "key"):
        yield day("x", explained=(dimension, name, 0.85))
    yield off("x", 8, "4", "6", model=name)
    yield account("locked", "fal has locked the account; add credits", name)
    yield msgspec.structs.replace(differ(3, 2), subject=msgspec.structs.replace(differ(3, 2).subject, account=name))
    yield made("x", client=name)
    yield made("x", client=name, files=(f"{name}.html", "x.csv"), folder=f"/{name}", billed=False, remarks=(name,))
    yield refused(name, f"there is no folder /{name}; make it")
    # As the drop folder names it.
    file = printable(name)
    yield Case(
        rule="file",
        what="x",
        subject=FileRejected(
            file, f"2 rows of {file} could not be recorded", f"{file} line 14: no amount; correct it.", NOW
        ),
    )


CURES = (
    "nothing to do: trayd asks again by itself",
    "check the network connection; trayd asks again by itself",
    "check the system's clock and whether a proxy or antivirus breaks up encrypted connections",
    "make room",
)


@pytest.mark.parametrize("cure", CURES)
@pytest.mark.parametrize("length", [10, 27, 40, 200])
@pytest.mark.parametrize("between", [" ", "; "])
def test_however_long_a_problem_is_its_cure_stays(length: int, between: str, cure: str) -> None:
    problem = f"fal has a problem of its own (500): {between.join(['oops'] * length)}; {cure}"

    for case in (silent("x", NOW - timedelta(hours=2), problem, Money.of("425.7")), ledger("x", Unwritable(problem))):
        body = case.told().body

        assert f"; {cure}." in body, body
        assert "fal has a problem" in body
        assert units_of(body) <= TEXT


@pytest.mark.parametrize("share", [0.8795, 0.575, 0.285, 0.994, 0.3])
def test_a_share_is_the_same_figure_as_in_the_terminal(share: float) -> None:
    told = day("x", explained=("model", KLING, share)).told()
    assert f" {Style('en_US', UTC).percent(share)} of that is model" in told.body


def test_only_of_a_budget_is_the_percentage_rounded_down() -> None:
    almost = budget("x").subject
    almost = msgspec.structs.replace(almost, status=msgspec.structs.replace(almost.status, share=Decimal("99.9")))
    told = msgspec.structs.replace(budget("x"), subject=almost).told()
    assert told.title == "99% of budget “Northwind” spent"

    assert "$1.50 (38%) less" in off("x", 1, "4", "2.5").told().body


# A job's text does not say whose it is.
OF_AN_ACCOUNT = [
    case for case in CASES if hasattr(case.subject, "account") and not isinstance(case.subject, Generation)
]


@pytest.mark.parametrize("case", OF_AN_ACCOUNT, ids=lambda case: f"{case.rule} {case.what}")
def test_an_account_is_called_by_the_name_that_the_user_gave_it(case: Case) -> None:
    told = msgspec.structs.replace(case, subject=msgspec.structs.replace(case.subject, account="acme-5")).told()
    assert "acme-5" not in told.title + told.body
    assert "films" in told.title + told.body


@pytest.mark.parametrize(("name", "told"), [("default", "northwind"), ("films", "films")])
@pytest.mark.parametrize("by_username", [True, False])
def test_a_budget_is_by_the_account_that_is_called_so_everywhere(name: str, told: str, by_username: bool) -> None:
    names = called_names([AccountFact(name=name, username="northwind", state="ok")])
    case = budget("x", account="northwind" if by_username else name)
    finding = Finding(rule="budget", scope="x", subject=case.subject, steps=(Step("50", reached=True, held=True),))
    assert f" by account {told}. " in words(finding, 0, LIMITS, "en_US", names).text


def test_an_account_that_is_called_as_fal_calls_another_one_keeps_its_name() -> None:
    # What the ledger has of acme is the studio's; the account that the settings call acme is another one.
    studio = AccountFact(name="studio", username="acme", state="ok")
    acme = AccountFact(name="acme", username="acme-films", state="bad_key", problem="fal does not know this key (401)")
    finding = Finding(rule="account", scope="acme", subject=acme, steps=(Step("bad_key", reached=True, held=True),))

    told = words(finding, 0, LIMITS, "en_US", called_names([studio, acme]))

    assert told.title == "fal refuses the key (acme)"
    assert told.text.startswith("fal account acme: fal does not know this key (401). ")
    assert told.text.endswith("`trayd key set acme`. Until then trayd learns nothing new of it.")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_whatever_a_name_is_the_figures_stay_and_the_text_fits(name: str) -> None:
    plain = [case.told() for case in named("Northwind")]
    for usual, case in zip(plain, named(name), strict=True):
        told = fitted(case.told(), "win32")

        assert units_of(told.title) <= TITLE
        assert units_of(told.body) <= TEXT
        assert "\n" not in told.title + told.body
        # The first amount of the usual text, which is what it is about, and that of the headline.
        for before, after in ((usual.title, told.title), (usual.body, told.body)):
            for figure in re.findall(r"\$[\d.,]*\d|\d+%", before)[:1]:
                assert figure in after, (case, told)
        # What to do stands at the end.
        assert told.body.endswith((usual.body[-12:], ".")), told.body


if __name__ == "__main__":
    FILE.write_text(table(), encoding="utf-8")
