from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from trayd.alerts.words import actions_of
from trayd.episodes import UNTIL_RESUMED, Urgency
from trayd.insight.conversion import RateUse
from trayd.insight.forecast import MonthEnd
from trayd.insight.status import AccountStatus, AlertStatus, Spent, Status
from trayd.insight.tally import Pending
from trayd.money import Money
from trayd.rates import RateSource
from trayd.records import Counting, DropStatus, Estimate, Generation
from trayd.records import Status as Outcome
from trayd.tray.model import IconState, MenuItem, TrayView
from trayd.tray.view import tray_view

NOW = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
THRESHOLDS = (Decimal(20), Decimal(5))


def account(balance: str | None = "48.20", state: str = "ok", name: str = "default", **more: Any) -> AccountStatus:
    return AccountStatus(
        name=name,
        username=more.pop("username", None),
        balance=None if balance is None else Money.of(balance),
        as_of=more.pop("as_of", NOW),
        state=state,
        **more,
    )


def spent(cost: str = "3.10", generations: int = 12, **more: Any) -> Spent:
    return Spent(cost=Money.of(cost), generations=generations, **more)


def status(*accounts: AccountStatus, **more: Any) -> Status:
    spending = more.pop("spent", {"24h": spent(), "7d": spent("21.40", 90), "30d": spent("88.00", 612)})
    return Status(accounts=accounts or (account(),), spent=spending, **more)


def generation(counting: Counting, **more: Any) -> Generation:
    return Generation(
        id="1",
        account="default",
        endpoint_id="fal-ai/kling-video/v3/pro/text-to-video",
        timestamp=more.pop("timestamp", NOW),
        display_name=more.pop("display_name", "Kling 3.0 Pro"),
        counting=counting,
        **more,
    )


def view(standing: Status | None = None, *recent: Generation) -> TrayView:
    return tray_view(standing or status(), recent, now=NOW, zone=STOCKHOLM, thresholds=THRESHOLDS, buttons=actions_of)


def labels(shown: TrayView) -> list[str]:
    return [item.label for item in shown.menu if not item.separator]


def item(shown: TrayView, item_id: str) -> MenuItem:
    return next(each for top in shown.menu for each in top.walk() if each.id == item_id)


def test_the_menu_reads_from_balance_to_quit() -> None:
    done = generation(Counting.ACTUAL, actual=Money.of("1.12"))

    assert labels(view(status(), done)) == [
        "Balance: $48.20",
        "Last 24 hours: $3.10",
        "Last 7 days: $21.40",
        "Last 30 days: $88.00",
        "15:03  Kling 3.0 Pro: $1.12",
        "Open panel",
        "Refresh",
        "Open fal dashboard",
        "Add credits",
        "Export CSV…",
        "Build report",
        "Open drop folder",
        "No alerts",
        "Pause alerts",
        "Quit",
    ]


def test_every_entry_that_can_be_chosen_says_what_it_asks_for() -> None:
    actions = [each.action for top in view().menu for each in top.walk() if each.action]

    assert actions == [
        "open:billing",
        *["open:dashboard"] * 3,
        "open:panel",
        "refresh",
        "open:dashboard",
        "open:billing",
        "export",
        "report:2026-11",
        "report:2026-10",
        "report",
        "open:drop",
        "pause:1h",
        "pause:tomorrow",
        "pause:on",
        "quit",
    ]


def offered(*clients: str, now: datetime = NOW) -> MenuItem:
    shown = tray_view(status(), (), now=now, zone=STOCKHOLM, clients=clients)
    ids = [each.id for top in shown.menu for each in top.walk()]
    assert len(ids) == len(set(ids))
    return item(shown, "report")


def test_reports_of_this_month_the_last_and_all_of_it_are_offered() -> None:
    assert [(each.label, each.action) for each in offered().children] == [
        ("November so far", "report:2026-11"),
        ("October", "report:2026-10"),
        ("Everything", "report"),
    ]
    # In Stockholm it is January by then.
    new_year = offered(now=datetime(2026, 12, 31, 23, tzinfo=UTC))
    assert [each.action for each in new_year.children] == ["report:2027-01", "report:2026-12", "report"]


def test_reports_are_offered_of_the_clients_with_the_most_work() -> None:
    shown = offered("Northwind", "A:B " * 20, *(f"client {number}" for number in range(6)))

    northwind, long, *_, last = shown.children[4:]
    assert shown.children[3].separator
    assert [(each.label, each.action) for each in northwind.children] == [
        ("November so far", "report:2026-11:Northwind"),
        ("October", "report:2026-10:Northwind"),
        ("Everything", "report::Northwind"),
    ]
    assert len(long.label) <= 36
    assert long.children[0].action == f"report:2026-11:{'A:B ' * 20}"
    assert (last.label, last.enabled) == ("2 more clients: trayd report --client", False)
    assert len(shown.children) == 4 + 6 + 1


def test_ids_are_unique_and_stay_when_the_texts_change() -> None:
    before = view(status(), generation(Counting.PENDING))
    after = view(status(account("12.00")), generation(Counting.ACTUAL, actual=Money.of("9.99")))

    ids = [each.id for top in before.menu for each in top.walk()]
    assert len(ids) == len(set(ids))
    assert ids == [each.id for top in after.menu for each in top.walk()]


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (generation(Counting.ACTUAL, actual=Money.of("1.12")), "$1.12"),
        (generation(Counting.ACTUAL, actual=Money.of("0.0031")), "$0.0031"),
        (generation(Counting.ESTIMATE, estimate=Estimate(Money.of("0.9"), NOW)), "about $0.90"),
        (generation(Counting.PENDING, status=Outcome.SUBMITTED), "pending"),
        (generation(Counting.UNKNOWN), "no price yet"),
        (generation(Counting.UNKNOWN, status=Outcome.FAILED), "failed, no price yet"),
        (generation(Counting.FAILED, status=Outcome.FAILED), "failed, not billed so far"),
        (generation(Counting.FREE, status=Outcome.FAILED), "failed, no charge"),
        (generation(Counting.UNMATCHED), "not matched to fal's billing"),
    ],
)
def test_a_generation_without_a_price_never_shows_as_zero(record: Generation, text: str) -> None:
    assert item(view(status(), record), "recent 0").label == f"15:03  Kling 3.0 Pro: {text}"


def test_only_the_last_four_generations_are_listed() -> None:
    shown = view(status(), *[generation(Counting.PENDING)] * 6)

    assert sum(each.id.startswith("recent") for each in shown.menu) == 4


def test_without_generations_the_menu_says_so_in_grey() -> None:
    empty = item(view(), "recent 0")

    assert (empty.label, empty.enabled) == ("No generations yet", False)


def test_times_are_the_users_and_say_the_day_when_it_is_not_today() -> None:
    def when(moment: datetime) -> str:
        return item(view(status(), generation(Counting.PENDING, timestamp=moment)), "recent 0").label.split("  ")[0]

    # 23:30 UTC on the 19th is past midnight on the 20th in Stockholm.
    assert when(datetime(2026, 11, 19, 23, 30, tzinfo=UTC)) == "00:30"
    assert when(datetime(2026, 11, 19, 12, 0, tzinfo=UTC)) == "Thu 13:00"
    assert when(datetime(2026, 10, 2, 12, 0, tzinfo=UTC)) == "2 Oct"
    assert when(datetime(2025, 10, 2, 12, 0, tzinfo=UTC)) == "2 Oct 2025"


def test_a_long_model_name_is_cut() -> None:
    label = item(view(status(), generation(Counting.PENDING, display_name="x" * 80)), "recent 0").label

    assert label.endswith("x…: pending")
    assert len(label) < 60


def test_unknown_costs_are_counted_beside_the_total_and_never_as_zero() -> None:
    spending = {
        "24h": spent("0", 3, unpriced=3),
        "7d": spent("21.40", 90, unpriced=3),
        "30d": spent("88", 612, left_out=(Money.of("4", "EUR"),)),
    }

    shown = labels(view(status(spent=spending)))

    assert "Last 24 hours: 3 without a price" in shown
    assert "Last 7 days: $21.40 + 3 without a price" in shown
    assert "Last 30 days: $88.00 + €4.00 without a rate" in shown


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("ok", "Balance: none, fal sends invoices"),
        ("needs_admin", "Balance: needs an Admin key"),
        ("no_key", "Balance: there is no key yet"),
        ("bad_key", "Balance: fal refuses the key"),
        ("offline", "Balance: not known, fal does not answer"),
    ],
)
def test_a_balance_that_is_not_known_says_why(state: str, text: str) -> None:
    assert labels(view(status(account(None, state))))[0] == text


def test_several_accounts_have_a_line_each_with_their_name() -> None:
    shown = labels(view(status(account(name="northwind"), account("7.00", name="studio", run_out=date(2026, 12, 3)))))

    assert shown[:2] == ["Balance of northwind: $48.20", "Balance of studio: $7.00, lasts until 3 Dec"]


def test_an_account_without_a_name_of_the_users_has_the_one_that_fal_gave_it() -> None:
    shown = labels(view(status(account(username="acme-5"), account("7.00", name="studio", username="northwind"))))
    assert shown[:2] == ["Balance of acme-5: $48.20", "Balance of studio: $7.00"]


def test_without_an_account_the_menu_says_what_to_do_and_the_icon_is_stale() -> None:
    bare = tray_view(msgspec.structs.replace(status(), accounts=()), (), now=NOW, zone=UTC)

    assert labels(bare)[0] == "No fal account yet: add a key"
    assert (bare.look.state, bare.look.level) == (IconState.STALE, None)


@pytest.mark.parametrize(
    ("accounts", "state"),
    [
        ([account("48.20")], IconState.OK),
        ([account("20.00")], IconState.OK),
        ([account("19.99")], IconState.LOW),
        ([account("4.99")], IconState.CRITICAL),
        ([account("0.00")], IconState.CRITICAL),
        ([account("-1.00")], IconState.CRITICAL),
        ([account("48.20", "locked")], IconState.CRITICAL),
        ([account("48.20", "stale")], IconState.STALE),
        ([account("48.20", "offline")], IconState.OFFLINE),
        ([account(None, "bad_key")], IconState.STALE),
        ([account(None, "needs_admin")], IconState.OK),
        ([account("48.20"), account("19.00", name="b")], IconState.LOW),
        ([account("48.20", "offline"), account("48.20", "stale", name="b")], IconState.OFFLINE),
        # Money first: a balance that was low does not recover by not being asked for.
        ([account("4.00", "offline")], IconState.CRITICAL),
    ],
)
def test_the_icon_shows_the_worst_of_all_accounts(accounts: list[AccountStatus], state: IconState) -> None:
    assert view(status(*accounts)).look.state is state


def test_the_level_is_that_of_the_emptiest_account_and_full_at_four_times_the_highest_threshold() -> None:
    def level(*balances: str | None) -> float | None:
        return view(status(*(account(each, name=str(place)) for place, each in enumerate(balances)))).look.level

    assert level("40.00") == 0.5
    assert level("80.00") == level("500.00") == 1.0
    assert level("80.00", "20.00") == 0.25
    assert level("-3.00") == 0.0
    assert level(None) is None


def test_a_cent_less_does_not_draw_another_icon() -> None:
    assert view(status(account("48.20"))).look == view(status(account("48.19"))).look


def test_a_pause_is_shown_until_its_end_and_offers_the_way_back() -> None:
    paused = view(status(paused_until=NOW + timedelta(hours=1)))
    endless = view(status(paused_until=UNTIL_RESUMED))
    over = view(status(paused_until=NOW - timedelta(minutes=1)))

    assert item(paused, "resume") == MenuItem(
        id="resume", label="Alerts paused until 16:03: resume", action="pause:off", checked=True
    )
    assert item(endless, "resume").label == "Alerts paused: resume"
    assert [child.label for child in item(over, "pause").children] == [
        "For 1 hour",
        "Until tomorrow",
        "Until I resume them",
    ]


def test_the_tooltip_holds_balance_spending_and_what_runs() -> None:
    assert view(status(pending=Pending(generations=1))).tooltip.split("\n") == [
        "Balance: $48.20",
        "24 hours: $3.10 (12 generations)",
        "1 generation running",
    ]


@pytest.mark.parametrize(
    ("state", "age", "line"),
    [
        ("stale", timedelta(minutes=1), "Figures are 1 minute old"),
        ("stale", timedelta(hours=3), "Figures are 3 hours old"),
        ("offline", timedelta(days=4), "fal has not answered for 4 days"),
    ],
)
def test_old_figures_carry_their_age(state: str, age: timedelta, line: str) -> None:
    shown = view(status(account("48.20", state, as_of=NOW - age)))

    assert shown.tooltip.split("\n")[-1] == line
    assert labels(shown)[0].startswith("Balance: $48.20 at ")


def test_counts_are_written_as_amounts_are() -> None:
    day = {"24h": spent("3.10", 1204, unpriced=1001)}
    shown = tray_view(status(spent=day), (), now=NOW, zone=STOCKHOLM, locale="sv_SE")

    assert shown.tooltip.split("\n")[1].replace("\u00a0", " ") == (
        "24 hours: 3,10 US$ + 1 001 without a price (1 204 generations)"
    )


def test_rejected_files_are_counted_at_the_drop_folder() -> None:
    assert item(view(status(drop=DropStatus(rejected=2))), "drop").label == "Open drop folder (2 rejected)"


def test_of_many_accounts_the_menu_and_the_tooltip_show_those_that_stand_worst() -> None:
    many = [account(f"{50 + number}.00", name=f"a{number}") for number in range(10)]
    many[8] = account("7.00", name="a8", run_out=date(2026, 12, 3))
    many[9] = account(None, "locked", name="a9")
    shown = view(status(*many))

    assert labels(shown)[:7] == [
        *(f"Balance of a{number}: ${50 + number}.00" for number in range(4)),
        "Balance of a8: $7.00, lasts until 3 Dec",
        "Balance of a9: locked by fal",
        "4 more accounts",
    ]
    assert next(each.label for each in item(shown, "more accounts").children) == "Balance of a4: $54.00"
    assert shown.tooltip.split("\n")[:4] == [
        "Balance of a0: $50.00",
        "Balance of a8: $7.00, lasts until 3 Dec",
        "Balance of a9: locked by fal",
        "and 7 more accounts",
    ]


def test_old_exchange_rates_are_said_where_the_menu_has_amounts_made_with_them() -> None:
    used = RateUse(
        currency="SEK",
        amount=Money.of("300", "SEK"),
        first=date(2026, 11, 19),
        last=date(2026, 11, 20),
        published=date(2026, 11, 18),
        source=RateSource.ECB,
        last_known=True,
    )
    current = msgspec.structs.replace(used, last_known=False)

    def tooltip(**rates: RateUse) -> list[str]:
        spending = {window: spent(rates=(rates[f"of_{window}"],)) for window in ("24h", "7d", "30d", "total")}
        return view(status(spent=spending)).tooltip.splitlines()

    assert "Exchange rates of 18 Nov, the last known" in tooltip(of_24h=current, of_7d=used, of_30d=used, of_total=used)
    assert not any("Exchange" in line for line in tooltip(of_24h=current, of_7d=current, of_30d=current, of_total=used))


def alert(number: int = 1, **fields: Any) -> AlertStatus:
    defaults: dict[str, Any] = {
        "rule": "balance",
        "state": "open",
        "since": NOW,
        "text": "$4.20 are left.",
        "title": f"Balance low {number}",
    }
    return AlertStatus(id=f"balance:studio:{number}", **(defaults | fields))


def alerts_of(*alerts: AlertStatus) -> MenuItem:
    [entry] = [
        item for item in view(msgspec.structs.replace(status(account()), alerts=alerts)).menu if item.id == "alerts"
    ]
    return entry


def test_each_open_alert_has_its_text_its_buttons_and_a_snooze_below_it() -> None:
    long = "fal account studio has $4.20 left. Add credits now: when they are used up, fal locks it and jobs fail."
    entry = alerts_of(alert(1, text=long), alert(2, rule="stale"), alert(3, state="resolved"))
    assert entry.label == "Alerts (2)"
    assert [child.label for child in entry.children] == ["Balance low 1", "Balance low 2"]
    first, second = ([(each.label, each.action) for each in child.children] for child in entry.children)
    assert first == [
        ("fal account studio has $4.20 left. Add credits now: when they", None),
        ("are used up, fal locks it and jobs fail.", None),
        ("", None),
        ("Add credits", "open:billing"),
        ("Open dashboard", "open:dashboard"),
        ("Snooze for 1 hour", "snooze:balance:studio:1"),
    ]
    assert second[2:] == [("Snooze for 1 hour", "snooze:balance:studio:2")]


@pytest.mark.parametrize(
    ("rule", "level", "action"),
    [("account", "locked", "open:billing"), ("account", "bad_key", "open:keys"), ("file", "1", "open:drop")],
)
def test_what_can_be_done_about_an_alert_is_what_its_notification_offers(rule: str, level: str, action: str) -> None:
    [entry] = alerts_of(alert(rule=rule, level=level)).children
    assert next(each.action for each in entry.children if each.action) == action


def test_a_snoozed_alert_says_until_when() -> None:
    [entry] = alerts_of(alert(snoozed_until=NOW + timedelta(minutes=30))).children
    assert (entry.children[-1].label, entry.children[-1].enabled) == ("Snoozed until 15:33", False)


def test_many_alerts_do_not_fill_the_screen_and_the_gravest_is_among_those_shown() -> None:
    entry = alerts_of(*(alert(number) for number in range(7)), alert(7, urgency=Urgency.CRITICAL))
    assert entry.label == "Alerts (8)"
    assert [child.label for child in entry.children] == [
        "Balance low 7",
        *(f"Balance low {number}" for number in range(4)),
        "3 more alerts: trayd alerts",
    ]


def test_the_tooltip_names_the_gravest_alert() -> None:
    def lines(*alerts: AlertStatus) -> list[str]:
        return view(msgspec.structs.replace(status(account()), alerts=alerts)).tooltip.split("\n")[:2]

    assert lines(alert(1), alert(2, state="resolved")) == ["Balance: $48.20", "Balance low 1"]
    several = lines(alert(1), alert(2, urgency=Urgency.CRITICAL), alert(3))
    assert several == ["Balance: $48.20", "Balance low 2, and 2 more alerts"]


def test_without_alerts_the_entry_stays_where_it_is() -> None:
    assert (alerts_of().label, alerts_of().enabled, alerts_of().children) == ("No alerts", False, ())


def test_alerts_leave_the_icon_to_the_balance() -> None:
    loud = msgspec.structs.replace(status(account()), alerts=(alert(),))
    assert view(loud).look == view(status(account())).look


def test_the_month_is_told_with_what_it_comes_to() -> None:
    dollars = {name: Money.of(amount) for name, amount in (("spent", "812"), ("to_come", "0"), ("expected", "1090"))}
    month = MonthEnd(month="2026-11", low=Money.of("950"), high=Money.of("1240"), **dollars)
    shown = labels(view(msgspec.structs.replace(status(account()), month=month)))
    assert "November: $812.00 so far, about $1,090.00 by its end" in shown
