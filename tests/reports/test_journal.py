"""The journal, read by hledger and by ledger for real: their balances against sums of the records."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tracemalloc
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import repeat
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.insight.samples import NOW, daily, external, generation, rates
from tests.reports.studio import NASTY, hostile_records, studio
from trayd.money import EXACT, Money, nanos_of
from trayd.operations.exporting import ExportQuery
from trayd.operations.records import UsageQuery
from trayd.records import Counting, ExternalCost, Filters, Kind
from trayd.reports.journal_export import account_part, amount_text, journal_lines

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def journal_of(records, converter=None, zone=UTC, accounts=None, remarks=None, filters=None):
    pieces = journal_lines(
        records,
        filters=filters or Filters(),
        accounts=accounts or {},
        converter=converter or rates(),
        zone=zone,
        now=NOW,
        remark=(remarks if remarks is not None else []).append,
    )
    return "".join(pieces)


def saved(folder: Path, text: str) -> Path:
    path = folder / "trayd.journal"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def run(program: str, file: Path, *arguments: str) -> str:
    assert shutil.which(program), f"these tests need {program} (apt install {program})"
    # No settings of whoever runs the tests; hledger reads a file in the encoding of the locale.
    environment = {"PATH": os.environ["PATH"], "HOME": str(file.parent), "LC_ALL": "C.UTF-8"}
    command = [program, "-f", str(file), *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[:2000]
    return done.stdout


def hledger_balances(file: Path, *arguments: str) -> Counter[tuple[str, str]]:
    """The balance of each account in each currency, in nanos; exact, for hledger gives out mantissa and exponent."""
    accounts, _total = json.loads(run("hledger", file, "balance", "-O", "json", "--no-total", "-E", *arguments))
    found: Counter[tuple[str, str]] = Counter()
    for name, _, _, amounts in accounts:
        for amount in amounts:
            quantity = amount["aquantity"]
            found[name, amount["acommodity"]] += nanos_of(
                Decimal(quantity["decimalMantissa"]).scaleb(-quantity["decimalPlaces"], EXACT)
            )
    return found


def ledger_balances(file: Path) -> Counter[tuple[str, str]]:
    form = "%(account)\t%(quantity(scrub(display_amount)))\t%(commodity(scrub(display_amount)))\n"
    found: Counter[tuple[str, str]] = Counter()
    for line in run("ledger", file, "--strict", "--pedantic", "register", "-F", form).splitlines():
        account, quantity, commodity = line.split("\t")
        found[account, commodity] += nanos_of(quantity)
    return found


def wanted(records) -> Counter[tuple[str, str]]:
    """The balances of both sides, added up here."""
    sums: Counter[tuple[str, str]] = Counter()
    for record in records:
        if record.cost is None or record.counting is Counting.FREE:
            continue
        client, project = account_part(record.client, "(no client)"), account_part(record.project, "(no project)")
        if isinstance(record, ExternalCost):
            paid = f"liabilities:external:{account_part(record.source, '(no name)')}"
        else:
            paid = f"assets:fal:{account_part(record.account, '(no name)')}"
        sums[f"expenses:AI:{client}:{project}", record.cost.currency] += record.cost.nanos
        sums[paid, record.cost.currency] -= record.cost.nanos
    return sums


def not_zero(sums: Counter[tuple[str, str]]) -> dict[tuple[str, str], int]:
    return {place: nanos for place, nanos in sums.items() if nanos}


def test_an_entry():
    record = generation(
        "1.120000001",
        display_name="Kling 3 Pro",
        endpoint_id="fal-ai/kling-video/v3/pro/text-to-video",
        timestamp=datetime(2026, 11, 20, 23, 3, 11, tzinfo=UTC),
        client="Northwind",
        project="Spring Campaign",
        deliverable="Hero Film",
        note="second take, final",
    )
    assert journal_of([record], zone=STOCKHOLM, accounts={"acme-studio": "Studio North"}).split("tag note\n")[1] == (
        "\n"
        "commodity USD\n"
        "    format 1000.000000000 USD\n"
        "\n"
        "account expenses:AI:Northwind:Spring Campaign\n"
        "\n"
        "account assets:fal:Studio North\n"
        "\n"
        "2026-11-21 * fal.ai | Kling 3 Pro\n"
        "    ; id: r1\n"
        "    ; kind: internal\n"
        "    ; deliverable: Hero Film\n"
        "    ; model: fal-ai/kling-video/v3/pro/text-to-video\n"
        "    ; time: 2026-11-20T23:03:11Z\n"
        "    ; note: second take; final\n"
        "    expenses:AI:Northwind:Spring Campaign                    1.120000001 USD\n"
        "    assets:fal:Studio North                                 -1.120000001 USD\n"
    )


def test_the_journal_says_what_it_is_a_part_of(tmp_path):
    assert "\n; Taken in: everything.\n" in journal_of([])
    filters = Filters(
        client="A\n2026-01-01 B",
        project="",
        kind=Kind.EXTERNAL,
        since=datetime(2026, 10, 31, 23, tzinfo=UTC),
        until=datetime(2026, 11, 30, 23, tzinfo=UTC),
    )
    text = journal_of([external()], zone=STOCKHOLM, filters=filters)
    told = "client A 2026-01-01 B, project (none), kind external, from 2026-11-01 00:00, before 2026-12-01 00:00"
    assert f"\n; Taken in: {told}.\n" in text
    run("hledger", saved(tmp_path, text), "check", "--strict")


def test_what_is_estimated_is_pending_and_what_has_no_cost_a_comment(tmp_path):
    remarks: list[str] = []
    text = journal_of(
        [
            generation("0.50", id="a", counting=Counting.ESTIMATE),
            generation(None, id="b"),
            generation("2.00", id="c", counting=Counting.PENDING),
            generation("2.00", id="d", counting=Counting.UNMATCHED),
            generation("2.00", id="e", counting=Counting.FAILED),
            generation("2.00", id="f", counting=Counting.FREE),
        ],
        remarks=remarks,
    )
    assert "2026-11-20 ! fal.ai | fal-ai/flux/dev\n    ; id: a\n" in text
    assert "    ; basis: estimate\n" in text
    told = "2026-11-20 fal.ai | fal-ai/flux/dev"
    assert f"\n; {told}: without a price so far (b)\n" in text
    assert f"\n; {told}: still running (c)\n" in text
    assert f"\n; {told}: free, for it failed (f)\n" in text
    [remark] = remarks
    assert remark == (
        "4 records have no cost and are noted in comments: 1 without a price so far, 1 still running, "
        "1 failed and not billed so far, 1 unmatched (`trayd history --unmatched`)"
    )
    assert f"\n; {remark}\n" in text
    assert not_zero(hledger_balances(saved(tmp_path, text))) == {
        ("expenses:AI:(no client):(no project)", "USD"): 500_000_000,
        ("assets:fal:acme-studio", "USD"): -500_000_000,
    }


def test_a_ledger_with_all_that_there_is_has_the_same_balances_in_both_programs(tmp_path):
    with studio(tmp_path) as desk:
        operations = desk.operations
        document = operations.export(ExportQuery(format="ledger"))
        file = saved(tmp_path, "".join(document))
        records = list(operations.books.records(zone=operations.settings.zone()))
        total = operations.usage(UsageQuery(since="2026-10-01", until="2026-11-30")).total
    assert (document.name[-8:], document.media_type) == (".journal", "text/plain")
    run("hledger", file, "check", "--strict")
    sums = wanted(replace(each, account="Studio North") if hasattr(each, "account") else each for each in records)
    assert {each.kind for each in records} == set(Kind)
    assert {currency for _, currency in not_zero(sums)} == {"USD", "EUR", "SEK"}
    assert not_zero(hledger_balances(file)) == not_zero(sums)
    assert not_zero(ledger_balances(file)) == not_zero(sums)
    # In one currency at the rates of the days: to the nano what trayd itself says.
    accounts, _ = json.loads(
        run("hledger", file, "balance", "expenses:AI", "-O", "json", "--no-total", "--value=then,USD")
    )
    exact = [amount["aquantity"] for _, _, _, amounts in accounts for amount in amounts]
    converted = sum(Decimal(each["decimalMantissa"]).scaleb(-each["decimalPlaces"], EXACT) for each in exact)
    assert {each[3][0]["acommodity"] for each in accounts} == {"USD"}
    assert nanos_of(converted) == total.cost.nanos


def test_balances_by_client_and_by_project(tmp_path):
    records = [
        generation("1.000000001", id="a", client="Northwind", project="Spring"),
        generation("2.000000001", id="b", client="Northwind", project="Relaunch"),
        external("30.00", client="Northwind", project="Spring"),
        external("0.10", client="Contoso", kind=Kind.POOL),
    ]
    file = saved(tmp_path, journal_of(records))
    assert not_zero(hledger_balances(file, "expenses:AI", "--depth", "3")) == {
        ("expenses:AI:Northwind", "USD"): 33_000_000_002,
        ("expenses:AI:Contoso", "USD"): 100_000_000,
    }
    assert (
        hledger_balances(file, "expenses:AI:Northwind:Spring")["expenses:AI:Northwind:Spring", "USD"] == 31_000_000_001
    )


def test_whatever_is_in_a_name_the_sums_stay_the_same(tmp_path):
    records = hostile_records()
    assert len(records) > 500
    file = saved(tmp_path, journal_of(records, rates(EUR=None, SEK=None)))
    run("hledger", file, "check", "--strict")
    assert not_zero(hledger_balances(file)) == not_zero(wanted(records))
    assert not_zero(ledger_balances(file)) == not_zero(wanted(records))


@pytest.mark.parametrize("name", NASTY)
def test_no_name_makes_an_account_of_two_or_none(name):
    part = account_part(name, "(none)")
    assert part
    assert part == " ".join(part.split())
    assert ":" not in part
    assert part.isprintable()


def test_whatever_is_in_a_name_payees_and_tags_are_read_as_they_were_meant(tmp_path):
    def line(text):
        return " ".join("".join(mark if mark.isprintable() else " " for mark in text or "").split())

    def clipped(text, longest):
        return text if len(text.encode()) <= longest else text.encode()[: longest - 3].decode(errors="ignore") + "…"

    def payee(record):
        who = record.source if isinstance(record, ExternalCost) else "fal.ai"
        what = record.description if isinstance(record, ExternalCost) else record.display_name or record.endpoint_id
        who, what = (clipped(line(text).translate({ord(";"): ",", ord("|"): "/"}), 1000) for text in (who, what))
        return f"{who.lstrip('(*! ') or 'unnamed'} | {what or 'unnamed'}"

    def tags(record):
        known = {"id": record.id, "kind": record.kind, "deliverable": record.deliverable, "note": record.note}
        if isinstance(record, ExternalCost):
            known["category"] = record.category
        else:
            known |= {"model": record.endpoint_id, "key": record.key}
            known["time"] = f"{record.timestamp:%Y-%m-%dT%H:%M:%SZ}"
            known["basis"] = "estimate" if record.counting is Counting.ESTIMATE else None
        return {name: clipped(line(value).replace(",", ";"), 4000) for name, value in known.items() if line(value)}

    records = [each for each in hostile_records() if each.cost is not None and each.counting is not Counting.FREE]
    records.append(external("1.00", source="\u00a0(code) x", description="y"))
    records.sort(key=lambda each: each.timestamp.date())
    file = saved(tmp_path, journal_of(records))
    entries = json.loads(run("hledger", file, "print", "-O", "json"))
    assert [entry["tdescription"] for entry in entries] == [payee(record) for record in records]
    assert [dict(entry["ttags"]) for entry in entries] == [tags(record) for record in records]
    assert not [entry for entry in entries if entry["tcode"] or any(posting["ptags"] for posting in entry["tpostings"])]
    assert [entry["tstatus"] for entry in entries] == [
        "Cleared" if record.confirmed else "Pending" for record in records
    ]
    form = "%(payee)\t%(tag('id'))\t%(tag('note'))\n"
    assert run("ledger", file, "register", "-F", form, "^expenses").splitlines() == [
        "\t".join((payee(record), tags(record).get("id", ""), tags(record).get("note", "")))
        for record in records
        if record.cost.nanos  # ledger shows no amount of zero
    ]


def test_a_cost_of_nothing_needs_no_rate(tmp_path):
    remarks: list[str] = []
    text = journal_of([external("0.00", "2026-11-18", currency="KPW")], remarks=remarks)
    assert remarks == []
    run("hledger", saved(tmp_path, text), "check", "--strict")


def test_amounts_in_other_currencies_come_with_the_rate_of_their_day_once(tmp_path):
    converter = daily(EUR={"2026-11-18": "1.08", "2026-11-20": "1.1" + "3" * 58})
    remarks: list[str] = []
    records = [
        external("10.00", "2026-11-18", currency="EUR"),
        external("5.00", "2026-11-18", currency="EUR", id="x2"),
        external("7.00", "2026-11-19", currency="EUR", id="x3"),
        external("3.000000001", "2026-11-20", currency="EUR", id="x4"),
    ]
    text = journal_of(records, converter, remarks=remarks)
    assert [line for line in text.splitlines() if line.startswith("P ")] == [
        "P 2026-11-18 EUR 1.080000 USD",
        f"P 2026-11-20 EUR 1.1{'3' * 58} USD",
    ]
    assert remarks == [
        (
            "no rate of EUR into USD is known of 2026-11-19: 7.00 EUR is in no total of trayd's in USD; "
            "here what is asked for in USD takes the last rate before"
        )
    ]
    file = saved(tmp_path, text)
    run("hledger", file, "check", "--strict")
    # hledger takes the last rate before a day without one.
    of_days = {"2026-11-18": "1.08", "2026-11-19": "1.08", "2026-11-20": f"1.1{'3' * 58}"}
    for day, rate in of_days.items():
        amount = sum(each.amount.nanos for each in records if each.date.isoformat() == day)
        exact = EXACT.multiply(Decimal(amount).scaleb(-9), Decimal(rate))
        found = hledger_balances(file, "expenses:AI", "--value=then,USD", f"date:{day}")
        assert found["expenses:AI:(no client):(no project)", "USD"] == nanos_of(exact)


def test_both_programs_would_have_told(tmp_path):
    """The control: an amount that was changed is found, and so is an account that nobody declared."""
    text = journal_of([generation("1.00", client="Northwind")])
    with pytest.raises(AssertionError, match="could not balance"):
        run("hledger", saved(tmp_path, text.replace("   1.000000000", "   1.000000001")), "balance")
    with pytest.raises(AssertionError, match="undeclared"):
        run("hledger", saved(tmp_path, text.replace("account assets", "account other")), "check", "--strict")
    with pytest.raises(AssertionError, match="Unknown account"):
        run("ledger", saved(tmp_path, text.replace("account assets", "account other")), "--pedantic", "balance")


def test_long_names_stay_apart():
    one, other = (account_part(f"{'é' * 250}{end}", "(none)") for end in "ab")
    assert one != other
    assert len(one.encode()) <= 255


@given(st.integers(-(10**30), 10**30))
def test_amounts_come_back(nanos):
    assert Decimal(amount_text(nanos)) == Money(nanos).amount


def test_memory_does_not_grow_with_the_history():
    one = generation("1.12", note="take " * 20)
    pieces = journal_lines(
        repeat(one, 20_000),
        filters=Filters(),
        accounts={},
        converter=rates(),
        zone=UTC,
        now=NOW,
        remark=lambda _told: None,
    )
    tracemalloc.start()
    written = sum(len(piece) for piece in pieces)
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert highest < written / 8


def test_entries_stand_in_the_order_of_their_days():
    records = [generation("1.00", id=f"r{n}", timestamp=NOW + timedelta(hours=n)) for n in range(60)]
    days = [line[:10] for line in journal_of(records, zone=STOCKHOLM).splitlines() if line.startswith("2026")]
    assert len(days) == 60
    assert days == sorted(days)
