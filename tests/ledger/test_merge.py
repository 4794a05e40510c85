"""One record out of what all sources say of it: the rules, one by one."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.making import DAY, FLUX, HOUR, KLING, NOON, billing, cost, edit, estimate, event, row, run
from trayd.facts import EventFact, Link
from trayd.ledger import merge
from trayd.ledger.merge import NOTHING, RecordFacts, fold, join
from trayd.money import Money
from trayd.records import Generation, Status


def of(*facts, record_id="r1") -> Generation:
    known = NOTHING
    ways = {
        "EventFact": merge.with_event,
        "BillingFact": merge.with_billing,
        "RunFact": merge.with_run,
        "UserEdit": merge.with_edit,
        "ExternalCost": merge.with_cost,
        "Link": merge.with_link,
    }
    for fact in facts:
        known = ways[type(fact).__name__](known, fact)
    return fold(record_id, known)


def test_an_event_and_a_billing_row_with_one_request_id_are_one_record():
    record = of(event(client="Northwind", estimate=estimate("1.00")), billing("r1", row("1.12")))
    assert record.client == "Northwind"
    assert record.estimate == estimate("1.00")
    assert record.actual == Money.of("1.12")


def test_the_account_is_billings():
    assert of(event(account="default"), billing(account="acme")).account == "acme"


def test_the_timestamp_is_billings_then_the_run_listings_then_the_events():
    told, ran = event(time=NOON), run(sent_at=NOON + HOUR)
    billed = billing("r1", row(at=NOON + 2 * HOUR))
    assert of(told).timestamp == NOON
    assert of(told, ran).timestamp == NOON + HOUR
    assert of(told, ran, billed).timestamp == NOON + 2 * HOUR


def test_the_actual_is_the_sum_of_all_billing_rows_of_the_request():
    record = of(billing("r1", row("1.12", units="8"), row("0.28", units="2")))
    assert record.actual == Money.of("1.40")
    assert record.units == Decimal(10)
    assert record.unit_price == Decimal("0.14")


def test_one_row_without_a_total_leaves_the_actual_unknown():
    assert of(billing("r1", row("1.12"), row(None))).actual is None


def test_rows_at_different_unit_prices_have_no_common_quantity():
    record = of(billing("r1", row("1.12", price="0.14"), row("0.20", price="0.20")))
    assert record.units is None
    assert record.unit_price is None
    assert record.actual == Money.of("1.32")


def test_a_newer_fetch_replaces_the_whole_set_of_rows():
    older = billing("r1", row("1.12"), row("0.28"), fetched=NOON)
    newer = billing("r1", row("0.90"), fetched=NOON + HOUR)
    assert of(older, newer).actual == of(newer, older).actual == Money.of("0.90")


def test_of_two_events_the_one_that_tells_of_the_end_wins_whichever_came_first():
    end = event("a", status=Status.COMPLETED, duration_s=41.7, time=NOON)
    start = event("b", status=Status.SUBMITTED, duration_s=1.0, time=NOON + HOUR, client="Northwind")
    for record in (of(start, end), of(end, start)):
        assert record.status is Status.COMPLETED
        assert record.duration_s == 41.7
        assert record.client == "Northwind", "a field that the greater version does not tell stays"


def test_of_events_of_one_rank_the_later_wins():
    assert of(event("a", time=NOON + HOUR, project="new"), event("b", time=NOON, project="old")).project == "new"


def test_of_events_of_one_rank_and_time_the_same_one_wins_whichever_came_first():
    one, other = event("a", project="of a"), event("b", project="of b")
    assert of(one, other).project == of(other, one).project == "of b"


def test_of_two_fetches_of_one_moment_the_same_one_wins_whichever_came_first():
    one, other = billing("r1", row("1.12")), billing("r1", row("0.90"))
    assert of(one, other).actual == of(other, one).actual


def test_quantities_and_prices_are_exact_decimals_and_only_the_amount_is_in_nanos():
    fetch = billing("r1", *(row("0.000069444", units="8.439999999999998", price="0.00006944444") for _ in range(3)))
    known = merge.with_billing(NOTHING, fetch)
    record = fold("r1", msgspec.json.decode(msgspec.json.encode(known), type=RecordFacts))
    assert str(record.units) == "25.319999999999994"
    assert str(record.unit_price) == "0.00006944444"
    assert record.actual == Money(208_332)


def test_an_estimate_keeps_the_time_it_was_made_at():
    record = of(event(estimate=estimate("1.00", NOON + HOUR)), billing("r1", row("1.12"), fetched=NOON + DAY))
    assert record.estimate.at == NOON + HOUR


def test_parameters_and_unknown_fields_are_merged_by_name():
    record = of(
        event("a", parameters={"resolution": "720p", "seed": 1}, extra={"shot": 1}),
        event("b", time=NOON + HOUR, parameters={"resolution": "1080p"}, extra={"take": 2}),
    )
    assert record.parameters == {"resolution": "1080p", "seed": 1}
    assert record.extra == {"shot": 1, "take": 2}


def test_the_end_that_fal_lists_beats_the_events():
    assert of(event(status=Status.COMPLETED), run(status=Status.FAILED)).status is Status.FAILED


def test_a_listing_from_while_it_ran_does_not_undo_the_end():
    assert of(event(status=Status.COMPLETED), run(status=Status.SUBMITTED)).status is Status.COMPLETED


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ([billing()], Status.COMPLETED),
        ([billing(), event(status=Status.SUBMITTED)], Status.COMPLETED),
        ([billing(), run(status=Status.SUBMITTED)], Status.COMPLETED),
        ([billing(), event(status=Status.FAILED)], Status.FAILED),
        ([billing(), run(status=Status.CANCELLED)], Status.CANCELLED),
    ],
)
def test_a_charge_means_that_it_ran_unless_someone_tells_otherwise(facts, status):
    assert of(*facts).status is status


def test_a_persons_edit_beats_everything_and_the_newest_counts():
    facts = [
        event(client="Northwind"),
        edit("r1", "client", "Contoso", NOON),
        edit("r1", "client", "Fabrikam", NOON + HOUR),
    ]
    assert of(*facts).client == of(*reversed(facts)).client == "Fabrikam"


def test_an_edit_to_nothing_clears_the_field_for_good():
    assert of(event(client="Northwind"), edit("r1", "client", None), event("e2", client="Late")).client is None


def test_edits_of_different_fields_stand_beside_each_other():
    record = of(cost(client="Northwind"), edit("c1", "project", "Spring"), edit("c1", "note", "paid"), record_id="c1")
    assert (record.client, record.project, record.note) == ("Northwind", "Spring", "paid")


def test_the_source_is_the_first_tool_that_told_of_it():
    assert of(billing()).source == "fal"
    assert of(event(source="premiere"), billing()).source == "premiere"
    assert of(event(source=None)).source == "event"


def test_an_event_read_twice_keeps_its_first_estimate():
    first, again = event(estimate=estimate("1.00", NOON)), event(estimate=estimate("2.00", NOON + DAY))
    assert of(first, again).estimate == of(again, first).estimate == estimate("1.00", NOON)


def test_a_linked_event_is_part_of_its_request():
    record = of(event("old", request_id=None), Link(record_id="old", request_id="r1", at=NOON))
    assert record.request_id == "r1"


# The join, over everything that can be said.

times = st.integers(0, 4).map(lambda hours: NOON + hours * HOUR)
texts = st.sampled_from(["", "a", "b"])
statuses = st.sampled_from(Status)
events = st.builds(
    event,
    st.sampled_from(["e1", "e2", "e3"]),
    st.just("r1"),
    times,
    status=statuses,
    endpoint_id=st.sampled_from([KLING, FLUX]),
    client=st.none() | texts,
    duration_s=st.none() | st.floats(0, 100),
    estimate=st.none() | st.builds(estimate, st.sampled_from(["1", "2.5"]), times),
    parameters=st.dictionaries(texts, st.integers(0, 2), max_size=2),
    source=st.none() | texts,
)
rows = st.builds(
    row,
    st.none() | st.sampled_from(["0", "1.12", "0.28"]),
    times,
    st.none() | st.sampled_from(["1", "8.439999999999998"]),
    st.none() | st.sampled_from(["0.14", "0.00006944444"]),
    endpoint_id=st.sampled_from([KLING, FLUX]),
)
fetches = st.builds(
    lambda rows, fetched, account: billing("r1", *rows, fetched=fetched, account=account),
    st.lists(rows, min_size=1, max_size=3),
    times,
    st.sampled_from(["acme", "beta"]),
)
runs = st.builds(run, st.just("r1"), statuses, times, sent_at=times, duration_s=st.none() | st.floats(0, 100))
edits = st.builds(edit, st.just("r1"), st.sampled_from(["client", "note"]), st.none() | texts, times)
links = st.builds(Link, record_id=texts, request_id=st.just("r1"), at=times)


def known_of(events, fetches, runs, edits, links) -> RecordFacts:
    known = NOTHING
    for facts, way in (
        (events, merge.with_event),
        (fetches, merge.with_billing),
        (runs, merge.with_run),
        (edits, merge.with_edit),
        (links, merge.with_link),
    ):
        for fact in facts:
            known = way(known, fact)
    return known


def some(strategy, least=0):
    return st.lists(strategy, min_size=least, max_size=3)


knowledge = st.builds(known_of, some(events, 1), some(fetches), some(runs), some(edits), some(links))


@given(knowledge, knowledge, knowledge)
def test_joining_knows_no_order_no_grouping_and_no_repetition(one, two, three):
    assert join(one, two) == join(two, one)
    assert join(join(one, two), three) == join(one, join(two, three))
    assert join(one, one) == one
    assert join(join(one, two), two) == join(one, two)


@given(knowledge)
def test_what_is_known_survives_being_written_and_read(known):
    again = msgspec.json.decode(msgspec.json.encode(known), type=RecordFacts)
    assert again == known
    assert fold("r1", again) == fold("r1", known)


said = {
    "account": texts,
    "status": st.sampled_from(Status),
    "duration_s": st.floats(0, 100),
    "units": st.just(Decimal("8.4")),
    "unit": texts,
    "estimate": st.just(estimate("1.12")),
    "client": texts,
    "project": texts,
    "deliverable": texts,
    "note": texts,
    "source": texts,
    "parameters": st.dictionaries(texts, st.integers()),
    "extra": st.dictionaries(texts, st.integers()),
}


@given(st.fixed_dictionaries({}, optional=said))
def test_an_event_alone_makes_what_it_makes_beside_an_edit_that_was_taken_back(said):
    alone, edited = event(**said), edit("r1", "client", "x")
    assert of(alone) == of(alone, msgspec.structs.replace(edited, undone=NOON + HOUR))


def test_everything_that_an_event_can_say_is_tried_there():
    assert {*said, "digest", "time", "endpoint_id", "request_id"} == {*EventFact.__struct_fields__}


@given(st.permutations([event("a", project="x"), billing(), run(), edit("r1", "client", "y"), event("b", source="z")]))
def test_the_record_is_the_same_in_every_order(facts):
    assert of(*facts) == of(
        event("a", project="x"), billing(), run(), edit("r1", "client", "y"), event("b", source="z")
    )


def test_a_billed_quantity_is_not_told_in_the_events_unit():
    said = event(units=Decimal(8), unit="second")
    assert (of(said).units, of(said).unit) == (Decimal(8), "second")
    record = of(said, billing("r1", row(units="0.25")))
    assert (record.units, record.unit) == (Decimal("0.25"), None)
