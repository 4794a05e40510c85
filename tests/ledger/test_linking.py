"""Events without a request id: linked to their request by a person, and taken back where that was a mistake."""

import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.making import (
    DAY,
    FLUX,
    HOUR,
    KLING,
    NOON,
    billing,
    cost,
    covers,
    crash,
    edit,
    estimate,
    event,
    opened,
    row,
    run,
)
from tests.ledger.test_tagging import DyingDisk
from trayd.errors import LedgerError
from trayd.facts import Batch, Link
from trayd.ledger import merge
from trayd.ledger.merge import NOTHING
from trayd.operations.linking import EventQuery, LinkQuery, likely, link, unlink
from trayd.records import Counting

LOST = event("lost", None, NOON - 20 * DAY, client="Northwind", estimate=estimate("1.00"))


@pytest.fixture
def filled(ledger):
    """An unmatched event, and requests that fal has billed."""
    ledger.add(
        Batch(
            events=(LOST, event("own", "r2", NOON - 20 * DAY)),
            billing=(
                billing("r1", row(at=NOON - 20 * DAY + HOUR)),
                billing("r2", row(at=NOON - 20 * DAY)),
                billing("r3", row(at=NOON - 20 * DAY - 3 * HOUR)),
                billing("r4", row(at=NOON - 20 * DAY, endpoint_id=FLUX)),
                billing("r5", row(at=NOON - 5 * DAY)),
                billing("r6", row(at=NOON - 20 * DAY), account="other"),
            ),
            costs=(cost("c1"),),
            coverage=(covers("default", NOON - 30 * DAY, NOON), covers("acme", NOON - 30 * DAY, NOON)),
        )
    )
    assert ledger.get("lost").counting is Counting.UNMATCHED
    return ledger


def linked(ledger, to="r1", which="lost", at=NOON, **said):
    return link(ledger, LinkQuery(id=which, request_id=to, **said), at)


def unlinked(ledger, which="lost", at=NOON + HOUR):
    return unlink(ledger, EventQuery(id=which), at)


class TestLinking:
    def test_the_event_becomes_part_of_its_request(self, filled):
        assert linked(filled).changed
        record = filled.get("r1")
        assert (record.client, record.counting) == ("Northwind", Counting.ACTUAL)
        assert filled.get("lost") == record
        assert not linked(filled).changed, "the same again changes nothing"

    @pytest.mark.parametrize(
        ("which", "to", "said"),
        [
            ("nope", "r1", "there is no record nope"),
            ("r2", "r1", "r2 has a request id already, r2"),
            ("c1", "r1", "c1 is a cost from outside fal"),
            ("lost", "r9", "no request r9 is known"),
            ("lost", "r4", "the request r4 of fal-ai/flux/dev"),
        ],
    )
    def test_what_does_not_go_together_is_refused_and_nothing_is_changed(self, filled, which, to, said):
        before = list(filled.records())
        with pytest.raises(LedgerError, match=said) as refused:
            linked(filled, to, which)
        assert refused.value.cure
        assert list(filled.records()) == before
        assert filled.link_of(which) is None

    def test_an_event_linked_elsewhere_is_told_where(self, filled):
        linked(filled)
        with pytest.raises(LedgerError, match="lost is linked to r1 already; take that back first"):
            linked(filled, "r3")

    @pytest.mark.parametrize("to", ["c1", "lost2", "lost"])
    def test_what_is_no_request_is_refused_even_by_force(self, filled, to):
        filled.add(Batch(events=(event("lost2", None, NOON - 20 * DAY),)))
        with pytest.raises(LedgerError, match=r"is a cost from outside|is an event without a request id"):
            linked(filled, to, force=True)
        assert filled.get("lost").request_id is None

    def test_to_a_request_that_fal_has_yet_to_bill_by_force(self, filled):
        assert linked(filled, "r9", force=True).changed
        assert filled.get("r9").counting is Counting.ESTIMATE
        filled.add(Batch(billing=(billing("r9", row(at=NOON - 20 * DAY)),)))
        assert filled.get("lost").counting is Counting.ACTUAL

    def test_to_another_endpoint_by_force(self, filled):
        linked(filled, "r4", force=True)
        assert (filled.get("r4").endpoint_id, filled.get("r4").client) == (FLUX, "Northwind")


class TestLikely:
    def test_requests_of_the_endpoint_without_an_event_the_nearest_first(self, filled):
        found = likely(filled, EventQuery(id="lost"))
        assert [each.request_id for each in found] == ["r6", "r1", "r3"]
        assert [each.apart_s for each in found] == [0, -3600, 3 * 3600]
        linked(filled)
        filled.add(Batch(events=(event("lost2", None, NOON - 20 * DAY),)))
        assert [each.request_id for each in likely(filled, EventQuery(id="lost2"))] == ["r6", "r3"]

    def test_an_event_that_names_its_account_is_no_other_accounts(self, filled):
        filled.add(Batch(events=(event("mine", None, NOON - 20 * DAY, account="acme"),)))
        assert [each.request_id for each in likely(filled, EventQuery(id="mine"))] == ["r1", "r3"]

    @pytest.mark.parametrize("which", ["r1", "c1", "nope"])
    def test_only_of_events_without_a_request_id(self, filled, which):
        with pytest.raises(LedgerError):
            likely(filled, EventQuery(id=which))


class TestTakingBack:
    def test_the_event_is_a_record_of_its_own_again(self, filled):
        before = {record.id: record for record in filled.records()}
        linked(filled)
        assert unlinked(filled).request_id == "r1"
        assert {record.id: record for record in filled.records()} == before
        assert filled.verify() == []

    def test_it_can_be_linked_rightly_then(self, filled):
        linked(filled)
        unlinked(filled)
        assert linked(filled, "r3", at=NOON).changed, "also where the clock was set back"
        assert filled.get("lost").id == "r3"
        assert filled.get("r1").client is None

    def test_what_is_not_linked_is_told(self, filled):
        with pytest.raises(LedgerError, match="lost is not linked"):
            unlinked(filled)
        with pytest.raises(LedgerError, match="there is no record nope"):
            unlinked(filled, "nope")
        linked(filled)
        unlinked(filled)
        with pytest.raises(LedgerError, match="lost is not linked"):
            unlinked(filled)

    def test_what_was_said_of_either_goes_with_it(self, filled):
        filled.add(Batch(edits=(edit("lost", "project", "Spring"), edit("r1", "deliverable", "Hero"))))
        linked(filled)
        filled.add(Batch(edits=(edit("lost", "note", "of the event"), edit("r1", "client", "Contoso"))))
        record = filled.get("r1")
        assert (record.client, record.project, record.deliverable, record.note) == (
            "Contoso",
            "Spring",
            "Hero",
            "of the event",
        )
        unlinked(filled)
        event_, request = filled.get("lost"), filled.get("r1")
        assert (event_.client, event_.project, event_.deliverable, event_.note) == (
            "Northwind",
            "Spring",
            None,
            "of the event",
        )
        assert (request.client, request.project, request.deliverable, request.note) == ("Contoso", None, "Hero", None)

    def test_of_a_request_that_nobody_else_has_told_of_nothing_is_left(self, filled):
        linked(filled, "r9", force=True)
        filled.add(Batch(edits=(edit("r9", "note", "mine"),)))
        unlinked(filled)
        assert filled.get("r9") is None
        assert filled.get("lost").note == "mine"
        assert filled.verify() == []

    def test_the_event_coming_again_is_known_and_stays_its_own(self, filled):
        linked(filled)
        unlinked(filled)
        assert filled.add(Batch(events=(LOST,))).known == 1
        assert filled.get("r1").client is None

    def test_an_older_word_of_the_link_does_not_bring_it_back(self, filled):
        linked(filled)
        unlinked(filled)
        assert filled.add(Batch(links=(Link(record_id="lost", request_id="r1", at=NOON),))).known == 1
        assert filled.get("lost").request_id is None


class TestLinkedAsItComes:
    """An event and the word that it belongs to a request, in one batch, as an export tells them."""

    TOGETHER = Batch(
        events=(LOST, event("own", "r1", NOON)),
        billing=(billing("r1", row(at=NOON - 20 * DAY + HOUR)),),
        links=(Link(record_id="lost", request_id="r1", at=NOON),),
        edits=(edit("lost", "note", "kept"), edit("r1", "project", "Spring")),
    )

    def test_it_is_part_of_its_request_from_the_start(self, ledger):
        assert ledger.add(self.TOGETHER).created == ("r1",)
        (record,) = ledger.records()
        assert (record.id, record.client, record.note, record.project) == ("r1", "Northwind", "kept", "Spring")
        assert ledger.get("lost") == record
        assert ledger.add(self.TOGETHER).created == ledger.add(self.TOGETHER).changed == ()
        assert list(ledger.records()) == [record]
        unlinked(ledger)
        assert ledger.get("lost").note == "kept"
        assert ledger.get("r1").client is None
        assert ledger.verify() == []

    def test_one_that_is_a_record_already_moves(self, ledger):
        ledger.add(Batch(events=(LOST,)))
        ledger.add(self.TOGETHER)
        assert [record.id for record in ledger.records()] == ["r1"]
        assert ledger.get("lost").note == "kept"

    def test_without_the_event_there_is_nothing_to_link(self, ledger):
        for batch in (
            msgspec.structs.replace(self.TOGETHER, events=()),
            msgspec.structs.replace(self.TOGETHER, events=(event("lost", "r1"),)),
        ):
            with pytest.raises(LedgerError, match="there is no record lost"):
                ledger.add(batch)
        assert list(ledger.records()) == []

    def test_two_requests_cannot_have_it_and_nothing_of_the_batch_is_there(self, ledger):
        twice = (*self.TOGETHER.links, Link(record_id="lost", request_id="r2", at=NOON))
        with pytest.raises(LedgerError, match="lost is linked to r1 already"):
            ledger.add(msgspec.structs.replace(self.TOGETHER, links=twice))
        assert list(ledger.records()) == []
        assert ledger.link_of("lost") is None

    def test_killed_at_any_call_it_is_all_there_or_nothing_and_told_again_it_is_there(self, tmp_path):
        """At no time is the event a record of its own, whose estimate would count beside the bill."""
        for call in range(1, 40):
            home = tmp_path / str(call)
            opened(home).close()
            disk = DyingDisk()
            ledger = opened(home, disk)
            disk.at = disk.made + call
            survived = True
            try:
                ledger.add(self.TOGETHER)
            except LedgerError:
                survived = False
            crash(ledger)
            ledger = opened(home)
            assert [record.id for record in ledger.records()] in ([], ["r1"])
            ledger.add(self.TOGETHER)
            assert [(record.id, record.note) for record in ledger.records()] == [("r1", "kept")]
            (facts,) = (msgspec.json.decode(each.facts) for each in ledger.recorded())
            assert [link["record_id"] for link in facts["links"]] == ["lost"]
            unlinked(ledger)
            assert {record.id for record in ledger.records()} == {"lost", "r1"}
            assert ledger.verify() == []
            ledger.close()
            if survived:
                break
        else:
            pytest.fail("it never came to its end")
        assert call > 3


@pytest.mark.parametrize("to", ["r1", "r9"])
def test_killed_at_any_call_an_event_is_in_one_place(tmp_path, to):
    """In its own record or in that of its request, whole, and the next start brings to its end what had begun."""
    for call in range(1, 40):
        home = tmp_path / str(call)
        ledger = opened(home)
        ledger.add(Batch(events=(LOST,), billing=(billing("r1", row(at=NOON + 35 * DAY)),)))
        linked(ledger, to, force=True)
        ledger.add(Batch(edits=(edit("lost", "note", "kept"),)))
        ledger.close()
        disk = DyingDisk()
        ledger = opened(home, disk)
        disk.at = disk.made + call
        survived = True
        try:
            unlinked(ledger)
        except LedgerError:
            survived = False
        crash(ledger)
        ledger = opened(home)
        holders = [record.id for record in ledger.records() if record.client == "Northwind"]
        assert holders in (["lost"], [to])
        assert ledger.get("lost").note == "kept"
        if holders == [to]:
            unlinked(ledger)
        assert ledger.get("lost").request_id is None
        assert {record.id for record in ledger.records()} == {"lost", "r1"}
        assert ledger.verify() == []
        ledger.close()
        if survived:
            break
    else:
        pytest.fail("it never came to its end")
    assert call > 5


def test_killed_while_links_across_each_others_months_are_taken_back(tmp_path):
    """An event is safe in its own month before its request lets go of it, in whatever order months are written."""
    early = event("early", None, NOON - 20 * DAY, client="Northwind")
    late = event("late", None, NOON + 20 * DAY, client="Contoso")
    for call in range(1, 40):
        home = tmp_path / str(call)
        ledger = opened(home)
        ledger.add(
            Batch(
                events=(early, late),
                billing=(billing("r1", row(at=NOON + 20 * DAY)), billing("r2", row(at=NOON - 20 * DAY))),
            )
        )
        linked(ledger, "r1", "early")
        linked(ledger, "r2", "late")
        ledger.close()
        disk = DyingDisk()
        ledger = opened(home, disk)
        disk.at = disk.made + call
        survived = True
        try:
            back = [msgspec.structs.replace(ledger.link_of(each), undone=NOON + HOUR) for each in ("early", "late")]
            ledger.add(Batch(links=tuple(back)))
        except LedgerError:
            survived = False
        crash(ledger)
        ledger = opened(home)
        clients = sorted(record.client for record in ledger.records() if record.client)
        assert clients == ["Contoso", "Northwind"]
        assert ledger.verify() == []
        ledger.close()
        if survived:
            break
    else:
        pytest.fail("it never came to its end")


requests = st.sampled_from(["r1", "r2"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("link"), requests),
        st.tuples(st.just("unlink"), st.none()),
        st.tuples(st.just("event"), st.none()),
        st.tuples(st.just("bill"), requests),
        st.tuples(st.just("run"), requests),
        st.tuples(st.just("tag the event"), st.sampled_from("ab")),
        st.tuples(st.just("restart"), st.sampled_from(["crash", "close"])),
    ),
    max_size=14,
)

TELLS = {
    "event": lambda _, _at: Batch(events=(LOST,)),
    "bill": lambda which, at: Batch(billing=(billing(which, row(at=NOON + 40 * DAY), fetched=at),)),
    "run": lambda which, at: Batch(runs=(run(which, fetched=at, sent_at=NOON - 50 * DAY),)),
    "tag the event": lambda which, at: Batch(edits=(edit("lost", "project", which, at),)),
}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_whatever_comes_between_links_the_event_is_whole_and_in_one_place(steps):
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ledger = opened(home)
        ledger.add(Batch(events=(LOST,)))
        goes_to, tagged, told = None, None, set()
        for number, (what, which) in enumerate(steps):
            at = NOON + number * HOUR
            if what == "link" and goes_to is None:
                linked(ledger, which, force=True, at=at)
                goes_to = which
            elif what == "unlink" and goes_to is not None:
                unlinked(ledger, at=at)
                goes_to = None
            elif what in TELLS:
                ledger.add(TELLS[what](which, at))
                told |= {which} & {"r1", "r2"}
                tagged = which if what == "tag the event" else tagged
            elif what == "restart":
                crash(ledger) if which == "crash" else ledger.close()
                ledger = opened(home)
        assert {record.id for record in ledger.records()} == told | {goes_to or "lost"}
        for record in ledger.records():
            mine = record.id == (goes_to or "lost")
            assert (record.client, record.project) == (("Northwind", tagged) if mine else (None, None))
        assert ledger.get("lost").id == (goes_to or "lost")
        assert ledger.verify() == []
        ledger.close()


def test_parting_undoes_joining():
    mine = merge.with_edit(merge.with_event(NOTHING, LOST), edit("lost", "note", "mine"))
    both = edit("r1", "client", "tagged together")
    mine = merge.with_edit(mine, msgspec.structs.replace(both, record_id="lost"))
    request = merge.with_edit(merge.with_billing(NOTHING, billing("r1")), both)
    request = merge.with_event(request, event("other", "r1", endpoint_id=KLING))
    together = merge.with_link(
        merge.join(request, merge.brought(mine, "lost")), Link(record_id="lost", request_id="r1", at=NOON)
    )
    assert merge.parted(together, "lost") == (request, mine)
