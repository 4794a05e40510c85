"""What people see in the terminal is what there is, letter for letter."""

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec import structs
from rich.console import Console

from tests.insight.recount import Recount
from tests.insight.samples import NOW, ecb, external, generation, rates
from trayd.episodes import UNTIL_RESUMED
from trayd.insight.forecast import MonthEnd
from trayd.insight.status import AccountStatus, AlertStatus, DaemonStatus, Spent, Status
from trayd.insight.usage import usage
from trayd.insight.windows import parse_window
from trayd.money import Money
from trayd.records import Filters
from trayd.shapes import plain
from trayd.terminal.alerts import alerts_view
from trayd.terminal.pools import pools_view
from trayd.terminal.saving import credits_view
from trayd.terminal.show import Style, console, new_table, status_view
from trayd.terminal.usage import usage_view


@pytest.mark.parametrize("name", ["FLUX.1 [dev]", "[red]Sale[/red]", ":smile: Studio", "[/] [link=http://x]"])
def test_names_are_printed_as_they_are(name, capsys):
    table = new_table("model")
    table.add_row(name)
    console().print(table)
    assert name in capsys.readouterr().out


def shown(view, capsys):
    console().print(view)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


IN_KRONOR = Style("en_US", UTC)


def usage_of(of, by="project"):
    converter = rates("SEK", USD=ecb("10.5"), EUR=ecb("11.25", last_known=True))
    window = parse_window("30d", NOW, UTC)
    made = usage(Recount(of), filters=Filters(), window=window, by=by, zone=UTC, converter=converter)
    return usage_view(plain(made), IN_KRONOR, by)


def test_the_usage_says_at_which_rates_its_amounts_were_converted(capsys):
    of = [generation("1.00", project="Film"), external("20", "2026-11-03", currency="EUR", project="Spring")]
    assert shown(usage_of(of), capsys) == [
        "2026-10-21 14:00 to 2026-11-20 14:00",
        "235.5 kr for 1 generation, 7.8 kr a day",
        "project      cost  generations  share",
        "Spring   225.0 kr            0  95.5%",
        "Film      10.5 kr            1   4.5%",
        "• €20.00 converted at the last known rate, of 18 Nov 2026",
        "• $1.00 converted at the ECB's rate of 18 Nov 2026",
    ]


def test_a_cost_without_a_rate_or_a_price_is_never_shown_as_zero(capsys):
    of = [
        external("3.00", "2026-11-03", currency="AUD", project="Spring"),
        generation(None, project="Film"),
        generation("1.00", project="Film"),
    ]
    assert [line.split("  ")[0] + "|" + line.split("  ")[-1] for line in shown(usage_of(of), capsys)[2:5]] == [
        "project|not in the cost",
        "Film|1 without a price",
        "Spring|A$3.00 without a rate",
    ]
    told = shown(usage_of(of), capsys)
    assert told[1] == "10.5 kr for 2 generations, 0.4 kr a day"
    assert told[4].split()[:2] == ["Spring", "unknown"]
    assert told[5:] == [
        "• 1 generation has no price yet: not in the totals",
        "• $1.00 converted at the ECB's rate of 18 Nov 2026",
        "• A$3.00 left out of the totals: no exchange rate is known for AUD on 3 Nov 2026; set one under [rates]",
    ]
    assert shown(usage_of(of[1:2]), capsys)[1] == "unknown for 1 generation"


def test_weekdays_and_hours_are_shown_in_full_with_their_averages_as_bars(capsys):
    at = {"timestamp": datetime(2026, 11, 17, 9, 30, tzinfo=UTC)}
    of = [generation("3.00", **at), generation("1.00", **at), external("2.00", "2026-11-18")]
    told = shown(usage_of(of, "weekday"), capsys)
    assert told[2] == "Generations alone: 21.0 kr each on average, most on Tuesdays (10.5 kr on average)", (
        "the averages below are of other tools' costs as well"
    )
    assert [line.split("  ")[0] for line in told[4:]][:7] == [
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    ]  # fmt: skip
    tuesday, wednesday = told[5], told[6]
    assert tuesday.endswith("10.5 kr  " + "█" * 24)
    assert wednesday.endswith("4.8 kr  " + "█" * 10 + "▉"), "the window cuts one of its five Wednesdays"
    assert told[4].endswith("0.0 kr")
    told = shown(usage_of(of, "hour"), capsys)
    assert told[2] == "Generations alone: 21.0 kr each on average, most from 09:00 to 10:00 (100% of it)"
    assert [line[:5] for line in told[4:28]] == [f"{hour:02d}:00" for hour in range(24)]
    assert told[13].endswith("█" * 24)
    assert told[28].startswith("(no hour)")


def test_counts_and_shares_are_written_as_amounts_are():
    swede = Style("sv_SE", UTC)
    assert (swede.count(1204, "generation"), swede.count(1, "generation")) == ("1\u00a0204 generations", "1 generation")
    assert (swede.percent(0.955, 1), swede.percent(1.45), swede.percent(0.05, 1, signed=True)) == (
        "95,5\u00a0%",
        "145\u00a0%",
        "+5,0\u00a0%",
    )
    assert IN_KRONOR.percent(-0.052, 1, signed=True) == "-5.2%"


def test_bars_take_the_room_that_figures_leave(capsys):
    of = [generation("3.00", timestamp=NOW - timedelta(days=days)) for days in (1, 2, 3)]
    narrow = Console(width=60)
    narrow.print(usage_of(of, "day"))
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("2026-") and " to " not in line]
    assert len(told) == 3
    assert {line.count("█") for line in told} == {told[0].count("█")} != {24}


def test_where_no_breakdown_was_asked_for_both_peaks_are_told(capsys):
    at = {"timestamp": datetime(2026, 11, 17, 9, 30, tzinfo=UTC)}
    told = shown(usage_of([generation("3.00", **at), generation("1.00", **at)], None), capsys)
    assert told[2] == (
        "Generations: 21.0 kr each on average, most on Tuesdays (10.5 kr on average), from 09:00 to 10:00 (100% of it)"
    )


def test_the_status_tells_how_long_balances_last_the_month_and_what_is_open(capsys):
    dollars = {name: Money.of(amount) for name, amount in (("spent", "812"), ("to_come", "0"), ("expected", "1090"))}
    account = AccountStatus(
        name="studio",
        username=None,
        balance=Money.of("48"),
        as_of=NOW,
        state="ok",
        run_out=date(2026, 12, 3),
        run_out_range=(date(2026, 12, 1), None),
    )
    open_one = AlertStatus(id="a", rule="balance", state="open", since=NOW, text="$48 are left.", title="Balance low")
    made = Status(
        accounts=(account, structs.replace(account, name="other")),
        spent=dict.fromkeys(("24h", "7d", "30d", "total"), Spent(cost=Money.of("1"))),
        month=MonthEnd(month="2026-11", low=Money.of("950"), high=Money.of("1240"), **dollars),
        alerts=(
            open_one,
            structs.replace(open_one, snoozed_until=NOW + timedelta(hours=1)),
            structs.replace(open_one, state="resolved", title="Gone"),
        ),
        daemon=DaemonStatus(running=True),
    )
    told = shown(status_view(plain(made), IN_KRONOR), capsys)
    assert told[1].endswith("ok, lasts until 3 Dec"), "of several accounts the forecast tells the range"
    assert "• November: $812.00 so far, about $1,090.00 by its end (between $950.00 and $1,240.00)" in told
    assert told[-7:] == [
        "",
        "! Balance low",
        "  $48 are left.",
        "  since 2026-11-20 14:00",
        "! Balance low",
        "  $48 are left.",
        "  since 2026-11-20 14:00, snoozed until 2026-11-20 15:00",
    ]
    # Nobody looks at the figures while no daemon runs.
    alone = shown(status_view(plain(structs.replace(made, daemon=DaemonStatus())), IN_KRONOR), capsys)
    assert alone[-4] == "  since 2026-11-20 14:00; the figures are not of now"


@pytest.mark.parametrize(
    ("latest", "told"), [(date(2027, 1, 6), "(1 Dec to 6 Jan 2027)"), (None, "(1 Dec to more than a year)")]
)
def test_of_a_single_account_the_status_tells_how_sure_the_day_is(latest, told, capsys):
    account = AccountStatus(
        name="studio",
        username=None,
        balance=Money.of("48"),
        as_of=NOW,
        state="ok",
        run_out=date(2026, 12, 3),
        run_out_range=(date(2026, 12, 1), latest),
    )
    spending = dict.fromkeys(("24h", "7d", "30d", "total"), Spent(cost=Money.of("1")))
    first = shown(status_view(plain(Status(accounts=(account,), spent=spending)), IN_KRONOR), capsys)[1]
    assert first.replace("\u00a0", " ").endswith(f"ok, lasts until 3 Dec {told}")


@pytest.mark.parametrize(
    ("until", "told"),
    [
        (NOW + timedelta(hours=2), "• alerts are paused until 2026-11-20 16:00"),
        (UNTIL_RESUMED, "• alerts are paused until `trayd alerts resume`"),
    ],
)
def test_the_status_tells_how_a_pause_ends(until, told, capsys):
    spending = dict.fromkeys(("24h", "7d", "30d", "total"), Spent(cost=Money.of("1")))
    assert told in shown(status_view(plain(Status(accounts=(), spent=spending, paused_until=until)), IN_KRONOR), capsys)


def test_what_is_over_fits_eighty_columns_with_times_and_ids_whole(capsys):
    long_id = "together:01a1f482-0e0f-7846-b058-2385b6ccb256"
    over = {"since": "2026-11-20T14:00:00Z", "resolved": "2026-11-20T15:00:00Z", "state": "over", "id": long_id}
    told = {"title": "5 jobs submitted together: $8.09", "rule": "together", "waits_for": "", "snoozed_until": None}
    answer = {"paused_until": None, "quiet_until": None, "desktop": None, "alerts": [over | told], "left_out": 0}
    Console(width=80).print(alerts_view(answer, IN_KRONOR))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[-2:] == [
        "2026-11-20 14:00     5 jobs submitted together: $8.09",
        f"to 2026-11-20 15:00  {long_id}",
    ]


@pytest.mark.parametrize(
    ("unpriced", "head"), [(0, "spent cost generations"), (3, "spent cost generations without a price")]
)
def test_the_status_has_a_column_for_missing_prices_where_some_are_missing(unpriced, head, capsys):
    spending = dict.fromkeys(("24h", "7d", "30d", "total"), Spent(cost=Money.of("1"), generations=9, unpriced=unpriced))
    told = shown(status_view(plain(Status(accounts=(), spent=spending)), IN_KRONOR), capsys)
    assert head in [" ".join(line.split()) for line in told]


def test_each_share_of_a_shared_cost_stands_beside_who_bears_it_also_in_a_narrow_terminal(capsys):
    who = [
        ("Northwind International Pictures", "Spring Campaign 2026"),
        ("Halden & Co", "Product Launch"),
        ("Kite", ""),
    ]
    shares = [
        {
            "client": client,
            "project": project or None,
            "amount": {"amount": f"{number}1.50", "currency": "USD"},
            "share": 0.25,
        }
        for number, (client, project) in enumerate(who, start=1)
    ]
    pool = {
        "date": "2026-11-15",
        "description": "Adobe Creative Cloud",
        "amount": {"amount": "64.50", "currency": "USD"},
        "period": {"from": "2026-11-15", "to": "2026-12-14"},
        "client": None,
        "project": None,
        "split": "spend",
        "goes_on": True,
        "shares": shares,
        "trouble": "",
    }
    Console(width=80).print(pools_view([pool, {**pool, "shares": []}], IN_KRONOR))
    lines = capsys.readouterr().out.splitlines()
    for amount, begin in (("$11.50", "Northwind"), ("$21.50", "Halden"), ("$31.50", "Kite")):
        (line,) = (each for each in lines if amount in each)
        assert begin in line
    assert any("(nobody" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_credits_that_were_never_seen_to_be_bought_have_no_amount_and_a_word_on_where_they_may_be_from(capsys):
    left = {"amount": "279.94", "currency": "USD"}
    lot = {
        "origin": "unknown",
        "bought_after": None,
        "bought_by": "2026-11-20T12:00:00Z",
        "amount": left,
        "likely": None,
        "estimated": True,
        "left": left,
        "expires": None,
        "gone": None,
        "days": None,
        "unused": None,
    }
    told = shown(
        credits_view(
            [{"account": "default", "name": "default", "balance": left, "per_day": None, "lots": [lot]}], IN_KRONOR
        ),
        capsys,
    )
    assert "~" not in "".join(told)
    assert told[2].split("  ") == ["", "", "not known, or a year ago", "not known", "$279.94", "not known"]
    assert any("credits of unknown age" in line for line in told)
