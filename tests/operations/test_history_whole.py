"""An export comes in whole: nothing of it is lost without a word, and nothing counts twice on the way."""

from __future__ import annotations

import json
from collections import Counter

import msgspec
import pytest

from tests.ledger.making import (
    DAY,
    HOUR,
    KLING,
    NOON,
    account,
    billing,
    cost,
    covers,
    crash,
    edit,
    estimate,
    event,
    model,
    opened,
    row,
)
from tests.ledger.test_tagging import DyingDisk
from tests.operations.histories import API, NOW, SETTINGS, Home, home
from tests.operations.test_history_import import POOL, edited, fill, reasons
from trayd.errors import LedgerFullError
from trayd.facts import Batch, Link
from trayd.operations import history_import
from trayd.operations.importing import ImportQuery, import_data
from trayd.records import Counting, Kind


@pytest.fixture
def first(tmp_path):
    with home(tmp_path / "a") as one:
        fill(one.ledger)
        yield one


@pytest.fixture
def second(tmp_path):
    with home(tmp_path / "b") as one:
        yield one


def totals(ledger):
    """What counts, by currency, as every total has it."""
    found = Counter()
    for each in ledger.sums():
        if each.heading.counting in {Counting.ACTUAL, Counting.ESTIMATE}:
            found[each.heading.currency] += each.nanos
    return +found


class TestFactsThatWereTakenOut:
    def test_of_all_records(self, first, second):
        def strip(document):
            for record in document["records"]:
                record.pop("facts", None)

        answer = second.imports(edited(first.exported(), strip))
        assert (answer.recorded, answer.duplicates) == (0, 0)
        assert len(answer.rejected) == len(first.document()["records"])
        assert all("are missing" in reason and "make the export again" in reason for reason in reasons(answer))
        lines = [row.line for row in answer.rejected]
        assert lines == sorted(lines)
        assert second.ledger.coverages() == (), "fal is still asked for these bills"

    @pytest.mark.parametrize("record_id", ["r1", "r3", "loose", "c1"])
    def test_of_one(self, first, second, record_id):
        def strip(document):
            next(record for record in document["records"] if record["id"] == record_id).pop("facts")

        data = edited(first.exported(), strip)
        for query in ({"dry_run": True}, {}):
            answer = second.imports(data, **query)
            (reason,) = reasons(answer)
            assert reason.startswith(f"the facts of the record {record_id} are missing, and they are what is taken in")
            assert answer.rejected[0].line is not None
        assert second.ledger.coverages() == ()
        assert second.ledger.get(record_id) is None

    def test_of_a_cost_that_several_share(self, first, second):
        shared_by_three(first)

        def strip(document):
            for record in document["records"]:
                if record.get("share_of") == "shared":
                    record.pop("facts", None)

        answer = second.imports(edited(first.exported(), strip))
        assert len(answer.rejected) == 3
        assert all("are missing" in reason for reason in reasons(answer))
        assert second.ledger.get("shared") is None

    def test_costs_of_the_settings_have_none_and_nobody_misses_them(self, tmp_path, second):
        with home(tmp_path / "c", msgspec.structs.replace(SETTINGS, pool=(POOL,))) as one:
            fill(one.ledger)
            for query in ({}, {"client": "Northwind"}, {"since": "2026-11-01"}, {"kind": Kind.POOL}):
                bare = [record for record in one.document(**query)["records"] if "facts" not in record]
                assert bare, query
                answer = second.imports(one.exported(**query))
                assert answer.rejected == (), query
                lost = any("share" in note and "left out" in note for note in answer.notes)
                assert not lost or set(query) - {"since"}, query

    def test_of_what_says_that_it_is_a_share(self, first, second):
        def change(document):
            for record in document["records"]:
                if record["id"] in {"c1", "r1"}:
                    record.update(share_of=record["id"])
                    if record["id"] == "r1":
                        record.pop("facts")

        answer = second.imports(edited(first.exported(), change))
        told = sorted(reason.partition(",")[0].partition(";")[0] for reason in reasons(answer))
        assert told == ["the facts of the record r1 are missing", "the facts of the share c1 are of no shared cost"]

    def test_a_made_up_share_of_a_cost_that_is_nowhere(self, first, second):
        def change(document):
            shared_out = {"id": "x", "timestamp": "2026-11-10T00:00:00Z", "kind": "pool", "share_of": "nowhere"}
            document["records"].append(shared_out | {"counting": "actual"})
            document["totals"]["records"] += 1

        (reason,) = reasons(second.imports(edited(first.exported(), change)))
        assert reason.startswith("the facts of the record x are missing")


def shared_by_three(one):
    one.ledger.add(Batch(events=(event("e9", "r9", client="Contoso", project="Launch", estimate=estimate("1.00")),)))


@pytest.mark.parametrize("time", ["2026-11-01T00:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("with_facts", [True, False])
def test_times_that_are_compared_with_nothing_are_looked_at(first, second, time, with_facts):
    shared_by_three(first)

    def change(document):
        document["time_zone"] = "America/New_York"
        for record in document["records"]:
            if "share_of" in record and ("facts" in record) is with_facts:
                record.update(timestamp=time)

    answer = second.imports(edited(first.exported(), change))
    assert any(f"timestamp {time[:10]}" in reason for reason in reasons(answer)), reasons(answer)
    assert second.ledger.verify() == []


class TestHowItCounts:
    """A line's cost follows from its facts and from how it counts; a changed one is told by itself."""

    @pytest.mark.parametrize(
        ("record_id", "change", "said"),
        [
            ("r4", {"cost": {"amount": "2.92", "currency": "USD"}}, "says 2.92 USD here, and its facts say 2.00 USD"),
            ("r4", {"cost": None}, "says nothing here, and its facts say 2.00 USD"),
            ("r3", {"cost": {"amount": "1.00", "currency": "USD"}}, "says 1.00 USD here, and its facts say 0.00 USD"),
            ("r3", {"counting": "actual"}, "says actual here, and its facts say failed"),
            ("r4", {"counting": "estimate"}, "says estimate here, and its facts say actual"),
            ("r2", {"counting": "unmatched", "cost": None}, "says unmatched here, and its facts say estimate"),
            ("loose", {"counting": "unknown"}, "says unknown here, and its facts say estimate"),
            ("c1", {"counting": "free"}, "says free here, and its facts say actual"),
        ],
    )
    def test_changed_by_hand_the_totals_as_well(self, first, second, record_id, change, said):
        def every(document):
            record = next(record for record in document["records"] if record["id"] == record_id)
            record.update(change)

        (reason,) = reasons(second.imports(edited(first.exported(), every)))
        assert said in reason


def test_where_the_ledger_comes_to_something_else_both_are_told(first, second):
    """The last net under an import: how far bills were read was changed, and how an event counts with it."""

    def change(document):
        loose = next(record for record in document["records"] if record["id"] == "loose")
        loose.update(counting="estimate", cost={"amount": "0.70", "currency": "USD"})
        document["totals"]["cost"] = [{"amount": "33.20", "currency": "USD"}]
        document["totals"]["total"] = {"amount": "33.20", "currency": "USD"}

    data = edited(first.exported(), change)
    told = "the ledger comes to 32.50 USD now, and the export to 33.20: it was changed after it was made, or else"
    (note,) = second.imports(data).notes
    assert note.startswith(told)
    assert second.imports(data).notes == (), "it is not alone in the ledger any more"


class TestRefusedByTheLedger:
    """A record that cannot be taken in is not there at all; what hangs on its bill is left out with it."""

    @pytest.mark.parametrize("at", [NOON, NOON + 2 * DAY])
    def test_an_event_that_is_linked_elsewhere_here(self, first, second, at):
        second.ledger.add(
            Batch(
                accounts=(account("studio", "acme"),),
                events=(event("e5", None, NOON + 3 * HOUR, estimate=estimate("0.50"), account="studio"),),
                billing=(billing("r9", row("3.00")),),
            )
        )
        second.ledger.add(Batch(links=(Link(record_id="e5", request_id="r9", at=at),)))
        answer = second.imports(first.exported())
        (reason,) = reasons(answer)
        assert "the record r4 cannot be taken in: e5 is linked to r9 already" in reason
        assert "`trayd link --undo e5`" in reason
        assert second.ledger.get("r4") is None
        assert second.ledger.get("e5").id == "r9"
        assert second.ledger.coverage("acme") is None, "one of the bills is missing"
        assert (answer.recorded, answer.duplicates) == (5, 0)
        assert second.ledger.get("loose") is None, "nobody knows here whether fal has billed it"
        assert any(note.startswith("left out 1 unmatched event") for note in answer.notes)
        assert totals(second.ledger)["USD"] == totals(first.ledger)["USD"] - 2_000_000_000 + 3_000_000_000
        undone = msgspec.structs.replace(second.ledger.link_of("e5"), undone=NOON + 3 * DAY)
        second.ledger.add(Batch(links=(undone,)))
        answer = second.imports(first.exported())
        assert answer.rejected == ()
        assert second.ledger.get("r4").project == "Relaunch"
        assert second.ledger.get("loose").counting is Counting.UNMATCHED

    def test_the_id_of_a_cost_here(self, first, second):
        second.ledger.add(Batch(costs=(cost("r4", amount="1.00"),)))
        answer = second.imports(first.exported())
        (reason,) = reasons(answer)
        assert "the record r4 cannot be taken in: r4 is a cost from outside fal" in reason
        assert second.ledger.get("r4").kind is Kind.EXTERNAL
        assert second.ledger.get("r4").project is None, "what was said of the other is not said of it"
        assert second.ledger.get("loose") is None
        assert second.ledger.link_of("e5") is None


@pytest.mark.parametrize("here", [("default", "bolt"), ("mine", "bolt")])
def test_what_names_no_account_is_of_the_one_that_it_was_of_there(tmp_path, second, here):
    """Taken for another account's here it would count beside what the right one was billed."""
    with home(tmp_path / "c") as one:
        one.ledger.add(
            Batch(
                accounts=(account("studio", "acme"),),
                events=(
                    event("e1", "r1", estimate=estimate("0.20")),
                    event("loose", None, NOON + HOUR, estimate=estimate("0.70")),
                ),
                billing=(billing("r2", row("0.70", NOON + HOUR)),),
                coverage=(covers("acme", NOON - DAY, NOON + 20 * DAY),),
            )
        )
        second.ledger.add(Batch(accounts=(account(*here),)))
        answer = second.imports(one.exported())
        assert (answer.rejected, answer.notes) == ((), ())
        assert second.known == one.known
        assert {record.account for record in second.ledger.records()} == {"acme"}


def test_a_link_that_was_taken_back_is_only_followed_where_its_event_has_a_place(first, second):
    """Of a part nobody knows whether fal has billed the event; loose here, it would count beside that."""
    second.imports(first.exported(client="Northwind"))
    assert second.ledger.get("e5").id == "r4"
    before = totals(second.ledger)
    link = first.ledger.link_of("e5")
    first.ledger.add(Batch(links=(msgspec.structs.replace(link, undone=NOON + 2 * DAY),)))
    second.imports(first.exported(client="Northwind"))
    assert totals(second.ledger) == before
    assert second.ledger.get("e5").id == "r4"
    second.imports(first.exported())
    assert second.known == first.known


def test_at_no_moment_of_an_import_more_is_counted_than_in_the_export(first, second, monkeypatch):
    monkeypatch.setattr(history_import, "_RECORDS", 1)
    most = totals(first.ledger)["USD"]
    seen = set()
    steps = import_data(second.ledger, ImportQuery(name="x.json"), first.exported(), settings=SETTINGS, now=NOW)
    for _ in steps:
        seen.add(totals(second.ledger)["USD"])
    assert max(seen) == most == totals(second.ledger)["USD"]
    assert len(seen) > 4


@pytest.mark.parametrize("records", [1, 500])
def test_killed_at_any_write_nothing_is_counted_twice_and_taken_in_again_it_is_whole(
    first, tmp_path, monkeypatch, records
):
    monkeypatch.setattr(history_import, "_RECORDS", records)
    first.ledger.add(Batch(events=(event("dear", "r7", NOON + HOUR, estimate=estimate("9.00"), endpoint_id=KLING),)))
    first.ledger.add(Batch(edits=(edit("e5", "deliverable", "Teaser", NOON + DAY),)))
    data, most = first.exported(), totals(first.ledger)
    below = 0
    for call in range(1, 200):
        path = tmp_path / str(call)
        opened(path, base_url=API).close()
        disk = DyingDisk()
        ledger = opened(path, disk, API)
        disk.at = disk.made + call
        survived = True
        try:
            Home(path, ledger, SETTINGS, NOW).imports(data)
        except LedgerFullError:
            survived = False
        crash(ledger)
        with home(path) as again:
            left = totals(again.ledger)
            assert left <= most, call
            below += left < most
            assert {record.id for record in again.ledger.records()}.isdisjoint({"e5"}), call
            for record in again.ledger.records():
                assert record.id != "r4" or (record.project, record.deliverable) == ("Relaunch", "Teaser"), call
            answer = again.imports(data)
            assert (answer.rejected, answer.notes) == ((), ()), call
            assert again.known == first.known, call
            assert again.ledger.verify() == [], call
        if survived:
            break
    else:
        pytest.fail("it never came to its end")
    assert below > 3


STATEMENT = b"date,description,amount,category\n2026-11-01,Runway,12.00,video\n2026-11-02,Luma,30.00,video\n"


def test_names_that_fal_told_before_they_were_kept_on_one_line_come_back(first, second):
    """Whatever stands in a ledger, an export of it is one that trayd takes in."""
    first.ledger.add(
        Batch(
            models=(model("Odd\x7f\x1b[2J Model", NOON, "fal-ai/odd"), model("\x07", NOON + HOUR, "fal-ai/odd")),
            billing=(
                billing("r8", row("1.00", endpoint_id="fal-ai/odd"), key="render\r\n box\x1b"),
                billing("r9", row("1.00", endpoint_id="fal-ai/odd"), key="\x07"),
            ),
        )
    )
    answer = second.imports(first.exported())
    assert (answer.rejected, answer.notes) == ((), ())
    assert (second.ledger.get("r8").key, second.ledger.get("r9").key) == ("render box", None)
    assert second.ledger.get("r8").display_name == "Odd [2J Model"
    assert totals(second.ledger) == totals(first.ledger)


class TestStatements:
    """The id of a row hangs on what the settings said of its file, so the file itself has to stay known."""

    def test_one_that_came_along_is_known_whatever_the_home_currency_is_here(self, first, tmp_path):
        first.imports(STATEMENT, name="c\x1b\n.csv")
        data = first.exported()
        with home(tmp_path / "c", msgspec.structs.replace(SETTINGS, home_currency="EUR")) as third:
            third.imports(data)
            before = third.known
            assert third.imports(STATEMENT, name="c.csv").recorded == 0
            assert third.known == before
            assert third.document()["statements"] == json.loads(data)["statements"]
            assert [file["name"] for file in json.loads(data)["statements"]] == ["c\\x1b\\n.csv"]

    def test_where_something_is_left_out_or_missing_it_is_not_known(self, first, tmp_path):
        first.imports(STATEMENT, name="c.csv")
        assert first.document(since="2026-11-02")["statements"] == []
        assert first.document(kind=Kind.EXTERNAL)["statements"] == []

        def strip(document):
            next(record for record in document["records"] if record["description"] == "Luma").pop("facts")

        with home(tmp_path / "c") as third:
            third.imports(edited(first.exported(), strip))
            assert third.imports(STATEMENT, name="c.csv").recorded == 1


def test_events_that_count_there_by_their_estimates_do_so_here(tmp_path, second):
    with home(tmp_path / "c") as one:
        one.ledger.add(Batch(events=(event("loose", None, estimate=estimate("0.70")),)))
        answer = second.imports(one.exported())
        assert (answer.recorded, answer.notes) == (1, ())
        assert totals(second.ledger) == {"USD": 700_000_000}
        assert second.known == one.known


def test_an_event_that_waits_comes_with_a_part_as_well_where_its_bills_are_known(first, second):
    second.imports(first.exported())
    first.ledger.add(Batch(edits=(edit("loose", "note", "look at this one", NOON + 2 * DAY),)))
    answer = second.imports(first.exported(client="Northwind"))
    assert second.ledger.get("loose").note == "look at this one"
    assert not any("unmatched" in note for note in answer.notes)
    assert second.known == first.known


def test_an_export_that_says_of_its_events_that_they_wait_is_believed_by_nothing_else(first, second):
    """Where nobody has read bills here, an event that waited there is left out, whatever the head says."""
    data = edited(first.exported(), lambda document: document.update(coverage=[]))
    answer = second.imports(data)
    assert second.ledger.get("loose") is None
    assert any(note.startswith("left out 1 unmatched event") for note in answer.notes)
    assert json.loads(data)["totals"]["cost"] == [{"amount": "32.50", "currency": "USD"}]
    assert totals(second.ledger) == {"USD": 32_500_000_000}
