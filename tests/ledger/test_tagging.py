"""Tags that a person sets on one or many records, and takes back."""

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.faults import FaultyDisk
from tests.ledger.making import DAY, FLUX, HOUR, NOON, billing, cost, crash, edit, event, opened, row
from trayd.errors import LedgerError, UsageError
from trayd.facts import Batch, Link, UserEdit
from trayd.ledger import changes, merge
from trayd.ledger.merge import NOTHING, fold
from trayd.operations.tagging import TagQuery, UntagQuery, tag, untag
from trayd.records import Kind

MONTH = 30 * DAY


def undone(made: UserEdit, at=NOON + DAY) -> UserEdit:
    return msgspec.structs.replace(made, undone=at)


def of(*edits):
    known = merge.with_event(NOTHING, event(client="from the event"))
    for each in edits:
        known = merge.with_edit(known, each)
    return fold("r1", known)


class TestEdits:
    first, second = edit("r1", "client", "first", NOON), edit("r1", "client", "second", NOON + HOUR)

    def test_the_newest_that_is_not_taken_back_shows(self):
        assert of(self.first, self.second).client == "second"
        assert of(self.first, self.second, undone(self.second)).client == "first"
        assert of(self.first, self.second, undone(self.first)).client == "second"

    def test_without_any_what_the_sources_say_shows_again(self):
        assert of(self.first, undone(self.first)).client == "from the event"
        assert of(edit("r1", "client", None)).client is None

    def test_taken_back_is_taken_back_whichever_was_heard_of_first(self):
        assert of(undone(self.first), self.first).client == of(self.first, undone(self.first)).client
        assert of(undone(self.first), self.first).client == "from the event"

    def test_the_same_value_set_again_later_is_another_edit(self):
        again = edit("r1", "client", "first", NOON + HOUR)
        assert of(self.first, undone(self.first), again).client == "first"

    def test_other_fields_stay_as_they_are(self):
        noted = edit("r1", "note", "paid", NOON)
        assert of(self.first, noted, undone(self.first)).note == "paid"


times = st.integers(0, 3).map(lambda hours: NOON + hours * HOUR)
edits = st.builds(
    UserEdit,
    record_id=st.sampled_from(["r1", "c1"]),
    field=st.sampled_from(["client", "note"]),
    value=st.none() | st.sampled_from(["a", "b"]),
    at=times,
    undone=st.none() | times,
)


def expected(said, field):
    """What the rule says of a field, worked out from all that was ever said."""
    back = {(each.at, each.value) for each in said if each.field == field and each.undone is not None}
    valid = {(each.at, each.value) for each in said if each.field == field} - back
    if not valid:
        return "from the source"
    return max(valid, key=lambda each: (each[0], each[1] is not None, each[1] or ""))[1]


@given(st.lists(edits, max_size=8), st.data())
def test_edits_and_what_is_taken_back_know_no_order_and_no_repetition(said, data):
    def facts(sequence):
        known = NOTHING
        for each in sequence:
            known = merge.with_edit(known, each)
        return known

    shuffled = data.draw(
        st.permutations([*said, *data.draw(st.lists(st.sampled_from(said), max_size=4))]) if said else st.just([])
    )
    cut = data.draw(st.integers(0, len(shuffled)))
    assert facts(shuffled) == facts(said)
    assert merge.join(facts(shuffled[:cut]), facts(shuffled[cut:])) == facts(said)


INTERRUPTIONS = ["crash", "restart", "checkpoint"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(edits | st.sampled_from(INTERRUPTIONS), max_size=12))
def test_a_record_is_what_was_said_of_it_across_crashes_and_restarts(steps):
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ledger = opened(home)
        source = {"client": "from the source", "note": "from the source"}
        ledger.add(Batch(events=(event("e1", "r1", **source),), costs=(cost("c1", **source),)))
        for step in steps:
            if isinstance(step, UserEdit):
                ledger.add(Batch(edits=(step,)))
            elif step == "checkpoint":
                ledger.checkpoint()
            else:
                crash(ledger) if step == "crash" else ledger.close()
                ledger = opened(home)
        said = [step for step in steps if isinstance(step, UserEdit)]
        for record_id in ("r1", "c1"):
            record = ledger.get(record_id)
            about = [each for each in said if each.record_id == record_id]
            assert record.client == expected(about, "client")
            assert record.note == expected(about, "note")
        assert ledger.verify() == []
        ledger.close()


@pytest.fixture
def filled(ledger):
    """Three generations in three months, two of them Northwind's by their events, and two costs from outside."""
    ledger.add(
        Batch(
            events=(
                event("e1", "r1", NOON, client="Northwind", project="Spring"),
                event("e2", "r2", NOON - MONTH, client="Northwind"),
                event("e3", "r3", NOON - 2 * MONTH, endpoint_id=FLUX),
            ),
            costs=(cost("c1"), cost("p1", NOON - MONTH, kind=Kind.POOL)),
        )
    )
    return ledger


def set_to(ledger, *ids, at=NOON, **said):
    return tag(ledger, TagQuery(**said), ids, lambda where: ledger.records(where.filters(UTC), zone=UTC), at)


def take_back(ledger, number=None, at=NOON + DAY):
    return untag(ledger, UntagQuery(number=number), at)


def clients(ledger):
    return {record.id: record.client for record in ledger.records()}


class TestTagging:
    def test_one_record(self, filled):
        done = set_to(filled, "r3", client="Contoso", note="by hand")
        assert (done.changed, done.unchanged, done.number) == (1, 0, 1)
        assert (filled.get("r3").client, filled.get("r3").note) == ("Contoso", "by hand")

    def test_many_of_any_kind_in_one_write(self, filled):
        before = filled.version
        assert set_to(filled, "r1", "r3", "c1", "p1", "r1", project="Autumn").changed == 4
        assert filled.version == before + 1
        assert [filled.get(each).project for each in ("r1", "r2", "r3", "c1", "p1")] == [
            "Autumn",
            None,
            "Autumn",
            "Autumn",
            "Autumn",
        ]

    def test_an_empty_text_clears(self, filled):
        assert set_to(filled, "r1", client="").values == {"client": None}
        assert filled.get("r1").client is None

    def test_what_has_it_already_is_left_alone_and_told(self, filled):
        done = set_to(filled, "r1", "r3", client="Northwind")
        assert (done.changed, done.unchanged) == (1, 1)
        again = set_to(filled, "r1", "r3", client="Northwind")
        assert (again.changed, again.unchanged, again.number) == (0, 2, None)

    @pytest.mark.parametrize(
        ("where", "found"),
        [
            ({"where_client": "Northwind"}, {"r1", "r2"}),
            ({"where_client": ""}, {"r3", "c1", "p1"}),
            ({"where_project": "Spring"}, {"r1"}),
            ({"model": FLUX}, {"r3"}),
            ({"kind": Kind.POOL}, {"p1"}),
            ({"since": "2026-11-01"}, {"r1", "c1"}),
            ({"where_client": "Northwind", "until": "2026-10-31"}, {"r2"}),
        ],
    )
    def test_by_filter(self, filled, where, found):
        assert set_to(filled, deliverable="Hero", **where).changed == len(found)
        assert {record.id for record in filled.records() if record.deliverable == "Hero"} == found

    def test_the_filter_may_be_about_what_is_set(self, filled):
        assert set_to(filled, where_client="Northwind", client="Northwind Ltd").changed == 2
        assert clients(filled) == {"r1": "Northwind Ltd", "r2": "Northwind Ltd", "r3": None, "c1": None, "p1": None}

    def test_a_dry_run_shows_and_changes_nothing(self, filled):
        version = filled.version
        done = set_to(filled, where_client="Northwind", client="Contoso", dry_run=True)
        assert (done.changed, done.number, [item.id for item in done.records]) == (2, None, ["r1", "r2"])
        assert filled.version == version

    def test_an_unknown_id_is_named_and_nothing_is_changed(self, filled):
        with pytest.raises(LedgerError, match=r"there is no record nope; nothing was changed"):
            set_to(filled, "r1", "nope", client="Contoso")
        assert filled.get("r1").client == "Northwind"
        assert filled.taggings() == ()

    def test_the_old_id_of_a_linked_event_names_its_request(self, filled):
        filled.add(Batch(events=(event("lost", None),)))
        filled.add(Batch(links=(Link(record_id="lost", request_id="r3", at=NOON),)))
        assert set_to(filled, "lost", "r3", client="Contoso").changed == 1
        assert filled.get("r3").client == "Contoso"

    @pytest.mark.parametrize(
        ("ids", "said", "wrong"),
        [
            (("r1",), {}, "nothing to set"),
            ((), {"client": "x"}, "no records are named"),
            (("r1",), {"client": "x", "model": FLUX}, "do not go together"),
            (("r1",), {"client": 201 * "x"}, "longer than 200"),
            ((), {"client": "x", "since": "yesterday"}, "yesterday"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, filled, ids, said, wrong):
        with pytest.raises(UsageError, match=wrong):
            set_to(filled, *ids, **said)

    def test_a_tag_holds_though_the_clock_was_set_back(self, filled):
        set_to(filled, "r1", client="first", at=NOON + DAY)
        set_to(filled, "r1", client="second", at=NOON)
        assert filled.get("r1").client == "second"


class TestTakingBack:
    def test_the_last_tagging_then_the_one_before(self, filled):
        before = clients(filled)
        set_to(filled, "r1", "r2", "r3", client="first")
        set_to(filled, "r2", "c1", client="second", at=NOON + HOUR)
        done = take_back(filled)
        assert (done.number, done.changed, done.kept, done.left) == (2, 2, 0, 1)
        assert clients(filled) == {**before, "r1": "first", "r2": "first", "r3": "first"}
        done = take_back(filled)
        assert (done.number, done.changed, done.left) == (1, 3, 0)
        assert clients(filled) == before
        with pytest.raises(LedgerError, match="no tagging to take back"):
            take_back(filled)

    def test_what_was_tagged_anew_since_then_stays_and_is_told(self, filled):
        set_to(filled, "r1", "r2", client="first", project="Autumn")
        set_to(filled, "r2", client="second", at=NOON + HOUR)
        done = take_back(filled, 1)
        assert (done.changed, done.kept) == (2, 1)
        assert (filled.get("r1").client, filled.get("r1").project) == ("Northwind", "Spring")
        assert (filled.get("r2").client, filled.get("r2").project) == ("second", None)
        take_back(filled)
        assert filled.get("r2").client == "Northwind", "and the one below it is taken back, too"

    def test_one_that_is_taken_back_stays_so(self, filled):
        set_to(filled, "r1", client="first")
        take_back(filled, 1)
        with pytest.raises(LedgerError, match="taken back already"):
            take_back(filled, 1)
        with pytest.raises(LedgerError, match="there is no tagging 7"):
            take_back(filled, 7)

    def test_after_a_restart(self, tmp_path):
        ledger = opened(tmp_path)
        ledger.add(Batch(events=(event("e1", "r1", NOON - 5 * MONTH, client="Northwind"),)))
        set_to(ledger, "r1", client="Contoso")
        ledger.close()
        ledger = opened(tmp_path)
        assert take_back(ledger).changed == 1
        assert ledger.get("r1").client == "Northwind"
        ledger.close()

    def test_it_finds_an_event_that_has_moved_to_its_request_since(self, filled):
        filled.add(Batch(events=(event("lost", None, NOON - 3 * MONTH),)))
        set_to(filled, "lost", client="Contoso")
        filled.add(Batch(links=(Link(record_id="lost", request_id="r3", at=NOON),)))
        assert filled.get("r3").client == "Contoso"
        assert take_back(filled).changed == 1
        assert filled.get("r3").client is None

    def test_a_hundred_can_be_taken_back(self, filled, monkeypatch):
        monkeypatch.setattr(changes, "TAGGINGS_KEPT", 3)
        for number in range(5):
            set_to(filled, "r1", note=str(number), at=NOON + number * HOUR)
        assert [each.number for each in filled.taggings()] == [3, 4, 5]
        for _ in range(3):
            take_back(filled)
        assert filled.get("r1").note == "1"
        with pytest.raises(LedgerError, match="no tagging to take back"):
            take_back(filled)


class DyingDisk(FaultyDisk):
    """Nothing more reaches it from the n-th call on, as when the process was killed there."""

    def goes_wrong(self, call):
        self.made += 1
        self.calls.append(call)
        return self.at is not None and self.made >= self.at


@pytest.mark.parametrize("taken_back", [False, True])
def test_killed_at_any_call_it_can_be_taken_back_whole(tmp_path, taken_back):
    """A tagging is in several files: one that was made or taken back in part is taken back with all its records."""
    before = {"r1": "Northwind", "r2": "Northwind", "r3": None}
    for call in range(1, 40):
        home = tmp_path / str(call)
        ledger = opened(home)
        ledger.add(
            Batch(
                events=(
                    event("e1", "r1", NOON, client="Northwind"),
                    event("e2", "r2", NOON - MONTH, client="Northwind"),
                    event("e3", "r3", NOON - 2 * MONTH),
                )
            )
        )
        if taken_back:
            set_to(ledger, "r1", "r2", "r3", client="Contoso")
        ledger.close()
        disk = DyingDisk()
        ledger = opened(home, disk)
        disk.at = disk.made + call
        survived = True
        try:
            take_back(ledger) if taken_back else set_to(ledger, "r1", "r2", "r3", client="Contoso")
        except LedgerError:
            survived = False
        crash(ledger)
        ledger = opened(home)
        if any(each.undone is None for each in ledger.taggings()):
            take_back(ledger, at=NOON + 2 * DAY)
        assert clients(ledger) == before
        assert ledger.verify() == []
        ledger.close()
        if survived:
            break
    else:
        pytest.fail("it never came to its end")
    assert call > 5


def test_hand_edits_of_a_file_are_edits_like_others(tmp_path):
    ledger = opened(tmp_path)
    ledger.add(Batch(billing=(billing("r1", row()),)))
    set_to(ledger, "r1", client="Contoso", at=NOON - DAY)
    ledger.close()
    file = tmp_path / "ledger" / "2026-11.json"
    file.write_text(file.read_text().replace('"client":"Contoso"', '"client":"Fabrikam"', 1))
    ledger = opened(tmp_path)
    assert ledger.get("r1").client == "Fabrikam"
    done = take_back(ledger)
    assert (done.changed, done.kept) == (0, 1)
    assert ledger.get("r1").client == "Fabrikam"
    ledger.close()


def test_a_hand_edit_from_a_clock_that_ran_ahead_does_not_outlast_later_tags(tmp_path):
    ledger = opened(tmp_path)
    ledger.add(Batch(billing=(billing("r1", row()),), edits=(edit("r1", "client", "Contoso"),)))
    ledger.close()
    file = tmp_path / "ledger" / "2026-11.json"
    file.write_text(file.read_text().replace('"client":"Contoso"', '"client":"Fabrikam"', 1))
    now = datetime.now(UTC)
    os.utime(file, 2 * ((now + 10 * DAY).timestamp(),))
    ledger = opened(tmp_path)
    assert ledger.get("r1").client == "Fabrikam"
    set_to(ledger, "r1", client="Northwind", at=now + HOUR)
    assert ledger.get("r1").client == "Northwind"
    ledger.close()


def test_two_taggings_of_one_moment_are_told_apart(filled):
    set_to(filled, "r1", note="one", at=NOON)
    set_to(filled, "r3", note="two", at=NOON)
    first, second = filled.taggings()
    assert second.at - first.at == timedelta(microseconds=1)
    take_back(filled)
    assert (filled.get("r1").note, filled.get("r3").note) == ("one", None)
