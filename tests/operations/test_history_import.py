"""What an export is refused for, what of one is left out, and what a person is told of it."""

from __future__ import annotations

import json
import tempfile
import tomllib
from decimal import Decimal
from itertools import pairwise, permutations
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.making import (
    DAY,
    HOUR,
    KLING,
    NOON,
    account,
    billing,
    cost,
    covers,
    edit,
    estimate,
    event,
    model,
    row,
)
from tests.ledger.making import run as ran
from tests.operations.histories import API, NOW, SETTINGS, home
from trayd.alert_settings import Alerts
from trayd.facts import AccountFact, Batch, Link
from trayd.insight.pools import whole_id
from trayd.money import Money
from trayd.operations import history_import
from trayd.operations.importing import ImportQuery, import_data
from trayd.operations.records import UsageQuery
from trayd.pool_settings import Pool
from trayd.rate_settings import FixedRate, RatesSettings
from trayd.records import Counting, Kind, Status
from trayd.settings import Settings

SPOKEN = "a lighthouse in a storm, oil on canvas, with far too many gulls"

POOL = Pool(
    name="Figma",
    amount=Decimal("30.00"),
    since=NOON.date().replace(day=1),
    split={"Spring": Decimal(2), 'A "B"': Decimal(1)},
)


def fill(ledger, days=20):
    """A client's week: billed, told only, failed and free, unmatched, linked, edited, and costs from elsewhere."""
    ledger.add(Batch(accounts=(account("studio", "acme"),), models=(model("Kling", NOON - 5 * DAY), model("Kling 3"))))
    ledger.add(
        Batch(
            events=(
                event("e1", "r1", client="Northwind", project="Spring", estimate=estimate("1.20")),
                event("e2", "r2", NOON + HOUR, client="Contoso", estimate=estimate("0.30"), account="studio"),
                event("e3", "r3", status=Status.FAILED, account="studio"),
                event("loose", None, NOON + 2 * HOUR, client="Northwind", estimate=estimate("0.70"), account="studio"),
                event("e5", None, NOON + 3 * HOUR, client="Northwind", estimate=estimate("0.50"), account="studio"),
            ),
            billing=(billing("r1", row("1.12"), row(None)), billing("r4", row("2.00", NOON + DAY), key="render-box")),
            runs=(ran("r4", duration_s=4.5),),
            costs=(cost("c1", amount="20.00", client="Northwind"), cost("shared", amount="9.00", kind=Kind.POOL)),
        )
    )
    ledger.add(Batch(links=(Link(record_id="e5", request_id="r4", at=NOON + DAY),)))
    ledger.add(Batch(edits=(edit("r4", "project", "Relaunch"), edit("c1", "note", "Zoë’s card"))))
    ledger.add(Batch(coverage=(covers("acme", NOON - DAY, NOON + days * DAY),)))


@pytest.fixture
def first(tmp_path):
    with home(tmp_path / "a") as one:
        fill(one.ledger)
        yield one


@pytest.fixture
def second(tmp_path):
    with home(tmp_path / "b") as one:
        yield one


#: Averages hang on since when an account's bills are known.
QUESTIONS = [UsageQuery(window="2026-11-01..2026-11-30", by=by) for by in ("client", "account", "day")]


def reasons(answer):
    return [row.reason for row in answer.rejected]


def edited(data, change):
    document = json.loads(data)
    change(document)
    return json.dumps(document, indent=1).encode()


class TestWhole:
    def test_every_state_comes_back(self, first, second):
        answer = second.imports(first.exported())
        assert answer.rejected == ()
        assert answer.notes == ()
        assert second.known == first.known
        states = {record.id: record.counting for record in second.ledger.records()}
        assert states["r3"] is Counting.FREE
        assert states["loose"] is Counting.UNMATCHED
        assert second.ledger.link_of("e5").request_id == "r4"
        assert second.ledger.get("e5").id == "r4"
        assert {record.display_name for record in second.ledger.records() if record.kind is Kind.INTERNAL} == {
            "Kling 3"
        }

    def test_other_programs_may_have_written_it_anew(self, first, second):
        data = first.exported()
        for form in (
            json.dumps(json.loads(data), indent=4, ensure_ascii=True),
            json.dumps(dict(reversed(json.loads(data).items())), sort_keys=True, ensure_ascii=False),
        ):
            for encoding in ("utf-8-sig", "utf-16"):
                answer = second.imports(form.encode(encoding))
                assert answer.rejected == ()
        assert second.known == first.known

    def test_a_dry_run_records_nothing_and_says_what_would_be(self, first, second):
        answer = second.imports(first.exported(), dry_run=True)
        assert (answer.recorded, answer.duplicates, answer.rejected) == (7, 0, ())
        assert [item.id for item in answer.sample][:2] == ["c1", "shared"]
        assert list(second.ledger.records()) == []
        assert second.ledger.accounts() == {}
        second.imports(first.exported())
        assert second.imports(first.exported(), dry_run=True).duplicates == 7

    def test_a_link_that_was_taken_back_since_is_taken_back_here_and_what_was_said_of_the_event_stays(
        self, first, second
    ):
        second.imports(first.exported())
        assert second.ledger.get("e5").id == "r4"
        link = first.ledger.link_of("e5")
        first.ledger.add(Batch(links=(msgspec.structs.replace(link, undone=NOON + 2 * DAY),)))
        first.ledger.add(Batch(edits=(edit("e5", "project", "Autumn", NOON + 3 * DAY),)))
        second.imports(first.exported())
        assert second.known == first.known
        assert second.ledger.get("e5").project == "Autumn"
        newer = msgspec.structs.replace(link, at=NOON + 4 * DAY)
        second.ledger.add(Batch(links=(newer,)))
        second.imports(first.exported())
        assert second.ledger.get("e5").id == "r4", "the newest word is that they belong together"

    def test_an_empty_history_is_one_as_well(self, tmp_path, second):
        with home(tmp_path / "nothing") as nothing:
            answer = second.imports(nothing.exported())
        assert (answer.recorded, answer.duplicates, answer.rejected) == (0, 0, ())

    def test_bills_go_on_from_where_they_were_read_to(self, first, second):
        fill(second.ledger, days=5)
        second.imports(first.exported())
        assert second.ledger.coverage("acme").until == NOON + 20 * DAY
        first.imports(second.exported())
        assert first.ledger.coverage("acme").until == NOON + 20 * DAY

    def test_bills_that_nobody_read_in_between_are_not_claimed_and_what_they_would_settle_is_left_out(
        self, first, second
    ):
        second.ledger.add(Batch(coverage=(covers("acme", NOON - 90 * DAY, NOON - 60 * DAY),)))
        answer = second.imports(first.exported())
        assert second.ledger.coverage("acme").until == NOON - 60 * DAY
        assert second.ledger.get("loose") is None
        assert [note.partition(":")[0] for note in answer.notes] == ["left out 1 unmatched event"]

    def test_parts_in_any_order_come_to_no_more_than_the_whole(self, first, tmp_path):
        late = event("late", None, NOON + 10 * DAY, estimate=estimate("5.00"), account="studio")
        first.ledger.add(Batch(events=(late,)))
        times = [{"until": "2026-11-09"}, {"since": "2026-11-10", "until": "2026-11-15"}, {"since": "2026-11-16"}]
        parts = [first.exported(**time) for time in times]
        costs = sum(record.cost.nanos for record in first.ledger.records() if record.cost is not None)
        for order in permutations(range(3)):
            with home(tmp_path / "".join(map(str, order))) as other:
                told = [note for part in order for note in other.imports(parts[part]).notes]
                found = sum(record.cost.nanos for record in other.ledger.records() if record.cost is not None)
                assert found == costs, order
                missing = other.known != first.known
                assert missing == bool(told), order
                for part in order:
                    other.imports(parts[part])
                assert other.known == first.known, order

    def test_bills_of_the_future_are_not_known_whatever_a_clock_said(self, first, second):
        def change(document):
            for each in document["coverage"]:
                each.update(until="2099-01-01T00:00:00Z", fetched_at="2099-01-01T00:00:00Z")

        second.imports(edited(first.exported(), change))
        known = second.ledger.coverage("acme")
        assert (known.until, known.fetched_at) == (NOW, NOW)

    def test_a_name_that_is_another_account_s_here_does_not_take_its_records(self, first, second):
        second.ledger.add(Batch(accounts=(account("studio", "bolt"),)))
        second.imports(first.exported())
        assert {record.account for record in second.ledger.records() if record.kind is Kind.INTERNAL} == {"acme"}
        assert second.ledger.accounts()["studio"].username == "bolt"
        assert second.ledger.coverage("acme").until == NOON + 20 * DAY
        assert second.ledger.coverage("bolt") is None

    @pytest.mark.parametrize("state", ["no_key", "offline", "needs_admin"])
    def test_an_account_that_fal_has_not_named_here_is_the_one_of_that_name_there(self, first, second, state):
        second.ledger.add(Batch(accounts=(AccountFact(name="studio", state=state, problem="no key"),)))
        second.imports(first.exported())
        assert second.known == first.known
        for query in QUESTIONS:
            assert second.operations.usage(query) == first.operations.usage(query)
        ours = second.ledger.accounts()["studio"]
        assert (ours.username, ours.state, ours.problem) == ("acme", state, "no key")

    def test_what_is_taken_in_by_hand_is_no_news(self, tmp_path, first):
        now = NOON + DAY
        with home(tmp_path / "b", Settings(time_zone="UTC", alerts=Alerts()), now=now) as second:
            first.ledger.add(Batch(events=(event("dear", "dear", now - HOUR, estimate=estimate("900.00")),)))
            second.imports(first.exported())
            assert [episode.told for episode in second.ledger.episodes().values()] != []
            assert all(episode.resolved for episode in second.ledger.episodes().values())


class TestRefused:
    def test_of_another_api(self, tmp_path, first):
        with home(tmp_path / "b", api="http://127.0.0.1:8808") as second:
            answer = second.imports(first.exported())
            assert reasons(answer) == [
                (
                    f"it holds the history of {API}, and this ledger that of http://127.0.0.1:8808; "
                    "set TRAYD_HOME to another folder for it, and TRAYD_FAL_URL to its own address"
                )
            ]
            assert answer.rejected[0].column == "base_url"
            assert list(second.ledger.records()) == []

    @pytest.mark.parametrize("version", [0, 2, 17])
    def test_of_another_version(self, first, second, version):
        data = first.exported().replace(b'{"trayd":1', b'{"trayd":%d' % version, 1)
        (reason,) = reasons(second.imports(data))
        assert f"this export is of version {version}, and this trayd reads version 1" in reason
        assert list(second.ledger.records()) == []

    def test_cut_off_anywhere(self, first, second):
        data = first.exported()
        for at in (*range(60, len(data) - 2, 397), len(data) - 2):
            answer = second.imports(data[:at])
            assert len(answer.rejected) == 1, at
            assert "make the export again" in answer.rejected[0].reason
        assert list(second.ledger.records()) == []

    def test_cut_off_and_closed_again(self, first, second):
        def cut(document):
            document["records"] = document["records"][:-1]

        (reason,) = reasons(second.imports(edited(first.exported(), cut)))
        assert reason.startswith("its totals tell of 8 records, and it has 7; make the export again")
        assert list(second.ledger.records()) == []

    def test_a_record_for_another(self, first, second):
        def change(document):
            document["records"][-1] = document["records"][0]

        (reason,) = reasons(second.imports(edited(first.exported(), change)))
        assert reason.startswith("the record c1 is in it twice: it was changed")
        assert list(second.ledger.records()) == []

    def test_totals_of_other_records(self, first, second):
        def change(document):
            document["totals"]["cost"][0]["amount"] = "50.50"

        (reason,) = reasons(second.imports(edited(first.exported(), change)))
        assert reason.startswith("its totals tell of 50.50 USD, and its records come to 32.50 USD: it was changed")
        assert list(second.ledger.records()) == []

    def test_a_cost_that_was_changed_is_rejected_by_its_record(self, first, second):
        def change(document):
            for record in document["records"]:
                if record["id"] == "c1":
                    record["cost"]["amount"] = record["actual_cost"]["amount"] = "19.00"

        answer = second.imports(edited(first.exported(), change))
        (row,) = answer.rejected
        assert row.column == "actual_cost"
        assert row.line is not None
        assert "the record c1 says 19.00 USD here, and its facts say 20.00 USD" in row.reason
        assert answer.recorded == 5
        assert second.ledger.get("c1") is None
        assert second.ledger.coverage("acme") is None
        assert second.ledger.get("loose") is None, "nobody knows here whether fal has billed it"
        assert any("how far fal's bills have been read is not taken from it" in note for note in answer.notes)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda record: record.update(client="Acme"), "says Acme here, and its facts say Northwind"),
            (lambda record: record.update(id="other"), "they are of several records"),
            (lambda record: record["facts"].pop("cost"), "there are none"),
            (lambda record: record["facts"]["cost"].update(date="today"), "cannot be read"),
            (lambda record: record["facts"]["cost"].update(amount={"nanos": 10**19}), "and its facts say"),
            (lambda record: record.update(timestamp="2026-13-01T00:00:00Z"), "cannot be read"),
            (lambda record: record["cost"].update(amount="1e3x"), "cannot be read"),
        ],
    )
    def test_records_that_were_changed_are_named(self, first, second, change, said):
        def every(document):
            change(next(record for record in document["records"] if record["id"] == "c1"))

        answer = second.imports(edited(first.exported(), every))
        assert [said in reason for reason in reasons(answer)] == [True], reasons(answer)
        assert answer.recorded == 5
        assert second.ledger.get("c1") is None

    def test_the_line_is_the_one_in_the_file(self, first, second):
        data = first.exported()
        line = next(number for number, text in enumerate(data.split(b"\n"), 1) if text.startswith(b'{"id":"r1"'))
        lines = data.split(b"\n")
        lines[line - 1] = lines[line - 1].replace(b'"client":"Northwind"', b'"client":"X"', 1)
        answer = second.imports(b"\n".join(lines))
        assert [row.line for row in answer.rejected] == [line]

    def test_a_link_that_was_made_otherwise_here_is_named_and_the_rest_is_taken_in(self, first, second):
        fill(second.ledger)
        second.ledger.add(Batch(links=(Link(record_id="e5", request_id="r4", at=NOON + DAY, undone=NOON + 2 * DAY),)))
        second.ledger.add(Batch(links=(Link(record_id="e5", request_id="r2", at=NOON + 3 * DAY),)))
        answer = second.imports(first.exported())
        (reason,) = reasons(answer)
        lines = first.exported().split(b"\n")
        assert lines[answer.rejected[0].line - 1].startswith(b'{"id":"r4"')
        assert "the record r4 cannot be taken in: e5 is linked to r2 already" in reason
        assert "trayd link --undo e5" in reason


@pytest.mark.parametrize("time", ["2026-11-10T12:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize(
    ("name", "field"), [("coverage", "since"), ("coverage", "until"), ("models", "seen_at"), ("accounts", "tried_at")]
)
def test_what_stands_before_the_records_is_looked_at_as_well(first, second, name, field, time):
    def change(document):
        document[name][0][field] = time

    (reason,) = reasons(second.imports(edited(first.exported(), change)))
    assert f"this is no whole export of trayd ({name}: {field} {time[:10]}" in reason
    assert list(second.ledger.records()) == []


@pytest.mark.parametrize(
    ("name", "field"),
    [
        *(("accounts", field) for field in ("name", "username")),
        *(("models", field) for field in ("endpoint_id", "display_name", "operation", "unit")),
        ("coverage", "account"),
    ],
)
def test_names_before_the_records_are_no_longer_than_names_can_be(first, second, name, field):
    def change(document, length):
        document[name][0][field] = "x" * length

    (reason,) = reasons(second.imports(edited(first.exported(), lambda document: change(document, 2001))))
    assert f"this is no whole export of trayd ({name}: {field} is longer than 2000 characters)" in reason
    assert list(second.ledger.records()) == []
    assert second.imports(edited(first.exported(), lambda document: change(document, 2000))).rejected == ()


@pytest.mark.parametrize("zone", ["UTC; touch /tmp/x", "$(touch /tmp/x)", "`id`", "Europe", "../UTC", "x" * 1900])
def test_what_is_told_of_its_settings_is_no_command_of_a_stranger(first, second, zone):
    data = edited(first.exported(), lambda document: document.update(time_zone=zone))
    (note,) = second.imports(data).notes
    assert note.startswith("its time zone was ")
    assert note.endswith("can differ; no zone of that name is known here")
    assert note.isprintable()
    assert len(note) < 300


@pytest.mark.parametrize("code", ["USD; touch /tmp/x", "$(id)", "usd", "", "XQQ"])
@pytest.mark.parametrize("field", ["home_currency", "currency"])
def test_a_currency_of_its_settings_is_one(first, second, field, code):
    answer = second.imports(edited(first.exported(), lambda document: document.update({field: code})))
    (reason,) = reasons(answer)
    assert reason.startswith(f'this is no whole export of trayd ({field}: "{code}" is no currency); make the export')
    assert second.ledger.accounts() == {}


@pytest.mark.parametrize("name", ["cost", "total", "unconverted", "by_kind"])
@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [("1.00", "usd", '"usd" is no currency'), ("1e9", "USD", "'1e9' is no amount"), ("1,00", "USD", "is no amount")],
)
def test_the_totals_are_amounts(first, second, name, amount, currency, said):
    told = {"amount": amount, "currency": currency}

    def change(document):
        document["totals"][name] = {"total": told, "by_kind": {"internal": told}}.get(name, [told])

    (reason,) = reasons(second.imports(edited(first.exported(), change)))
    assert reason.startswith("this is no whole export of trayd (totals: ")
    assert said in reason


OBEYED = "\x1b]0;pwned\x07"


def at(*path):
    """Sets what stands at that place of a document."""

    def change(document, value):
        inner = document
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        at("made_by"),
        at("base_url"),
        at("time_zone"),
        at("home_currency"),
        at("accounts", 0, "name"),
        at("accounts", 0, "username"),
        at("models", 0, "display_name"),
        at("models", 0, "operation"),
        at("coverage", 0, "account"),
        at("filters", "client"),
        at("filters", "kind"),
        at("made_at"),
        at("coverage", 0, "since"),
        at("records", 0, "facts", "cost", "kind"),
        at("records", 0, "facts", "cost", "date"),
        lambda document, text: document.update(
            pools=[{"name": text, "amount": "3.00", "from": "2026-11-01", "split": {"Spring": 1}}]
        ),
        lambda document, text: document.update(
            pools=[{"name": "Figma", "amount": "3.00", "from": "2026-11-01", "split": {text: 1}}]
        ),
        lambda document, text: document.update(
            links=[{"record_id": "e9", "request_id": text, "at": "2026-11-10T12:00:00Z", "undone": None}]
        ),
        at("totals", "cost", 0, "currency"),
        at("totals", "cost", 0, "amount"),
        at("totals", "total", "currency"),
        at("totals", "by_kind", "internal", "amount"),
        at("records", 0, "id"),
        at("records", 0, "source"),
        at("records", 0, "status"),
        at("records", 0, "cost", "currency"),
        at("records", 0, "cost", "amount"),
        at("records", 0, "facts", "cost", "description"),
    ],
)
def test_what_a_terminal_would_obey_is_neither_kept_nor_said(first, second, change):
    answer = second.imports(edited(first.exported(), lambda document: change(document, f"x{OBEYED}" + "x" * 900)))
    assert answer.rejected
    assert all(reason.isprintable() and len(reason) < 500 for reason in reasons(answer))
    assert all(note.isprintable() for note in answer.notes)
    assert not any("pwned" in repr(kept) for kept in (second.ledger.accounts(), second.ledger.models(), *second.known))


def places(value, path=()):
    """Where something stands in a document, all the way down."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from places(part, (*path, name))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-10T12:00:00", "USD", "-0.00", "1e999"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_anywhere_in_it_is_taken_in_or_told(first, data):
    document = first.document()
    path = data.draw(st.sampled_from([place for place in places(document) if place not in {(), ("type",)}]))
    value = data.draw(values)
    inner = document
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    with tempfile.TemporaryDirectory() as folder, home(Path(folder)) as second:
        answer = second.imports(json.dumps(document).encode())
        list(second.ledger.records())
        assert second.ledger.verify() == []
        if len(answer.rejected) == 1 and answer.rejected[0].line is None:
            assert list(second.ledger.records()) == []
        else:
            assert answer.recorded + answer.duplicates + len(answer.rejected) >= 6


class TestPart:
    def test_one_client_s_part_is_right_and_says_what_it_cannot_have(self, first, second):
        answer = second.imports(first.exported(client="Northwind"))
        assert answer.rejected == ()
        assert {record.id for record in second.ledger.records()} == {"r1", "r4", "c1", "shared"}, (
            "all that share it are Northwind's"
        )
        assert second.ledger.coverage("acme") is None, "others' bills of that time are not in it"
        notes = " ".join(answer.notes)
        assert "left out 1 unmatched event" in notes
        assert "it is a part of a history" in notes

    def test_a_shared_cost_is_whole_or_not_there(self, tmp_path, first):
        first.ledger.add(
            Batch(events=(event("e9", "r9", client="Contoso", project="Launch", estimate=estimate("1.00")),))
        )
        with home(tmp_path / "b") as second, home(tmp_path / "c") as third:
            whole = first.document()
            shares = [record for record in whole["records"] if record.get("share_of") == "shared"]
            assert len(shares) > 1
            assert [("facts" in share) for share in shares] == [True, *[False] * (len(shares) - 1)]
            assert sum(Decimal(share["cost"]["amount"]) for share in shares) == 9
            second.imports(first.exported())
            assert second.known == first.known
            answer = third.imports(first.exported(client="Contoso"))
            assert third.ledger.get("shared") is None
            assert any("left out 1 share of costs" in note for note in answer.notes)

    def test_of_some_days_all_is_there_and_so_is_how_far_bills_were_read_then(self, first, second):
        answer = second.imports(first.exported(since="2026-11-11", until="2026-11-20"))
        assert answer.notes == ()
        assert {record.id for record in second.ledger.records()} == {"r4"}
        covered = second.ledger.coverage("acme")
        assert (covered.since.isoformat(), covered.until.isoformat()) == (
            "2026-11-11T00:00:00+00:00",
            "2026-11-21T00:00:00+00:00",
        )

    @pytest.mark.parametrize("order", [1, -1])
    def test_a_history_in_parts_by_time_is_the_whole_history(self, first, second, order):
        ends = [None, "2026-11-08", "2026-11-10T13:00:00Z", "2026-11-11", None]
        parts = [
            first.exported(**{name: end for name, end in (("since", since), ("until", until)) if end})
            for since, until in pairwise(ends)
        ]
        for part in parts[::order]:
            second.imports(part)
        assert second.known == first.known


class TestSettings:
    def test_shared_costs_of_the_settings_are_told_as_they_have_to_stand_in_yours(self, tmp_path, second):
        with home(tmp_path / "a", msgspec.structs.replace(SETTINGS, pool=(POOL,), home_currency="EUR")) as first:
            fill(first.ledger)
            data = first.exported()
            figma = [record for record in json.loads(data)["records"] if record["description"] == "Figma"]
            assert figma
            assert all("facts" not in record for record in figma)
            answer = second.imports(data)
            assert answer.rejected == ()
            pools = next(note for note in answer.notes if "[[pool]]" in note)
            told = tomllib.loads(pools.partition("\n")[2], parse_float=Decimal)
            assert msgspec.convert(told["pool"][0], Pool, strict=False) == POOL
            assert any("its home currency was EUR, yours is USD" in note for note in answer.notes)
        with home(tmp_path / "c", msgspec.structs.replace(SETTINGS, pool=(POOL,), home_currency="EUR")) as third:
            answer = third.imports(data)
            assert answer.notes == ()
            assert third.document()["totals"] == json.loads(data)["totals"]

    def test_fixed_rates_are_told(self, tmp_path, second):
        fixed = FixedRate(from_="SEK", to="USD", rate=Decimal("0.0925"), since=NOON.date())
        with home(tmp_path / "a", msgspec.structs.replace(SETTINGS, rates=RatesSettings(fixed=(fixed,)))) as first:
            first.ledger.add(Batch(costs=(msgspec.structs.replace(cost("k"), amount=Money.of("100", "SEK")),)))
            document = first.document()
            assert document["totals"]["total"] == {"amount": "9.25", "currency": "USD"}
            assert document["rates_used"][0]["rate"] == "0.0925"
            answer = second.imports(first.exported())
            note, both = answer.notes
            assert "the export comes to 9.25 USD, and at the rates that are known here to " in both
            told = tomllib.loads(note.partition("\n")[2], parse_float=Decimal)
            assert msgspec.convert(told["rates"]["fixed"][0], FixedRate, strict=False) == fixed


class TestPrompts:
    @pytest.fixture
    def spoken(self, tmp_path):
        keeps = msgspec.structs.replace(SETTINGS, store_prompts=True)
        with home(tmp_path / "a", keeps) as one:
            said = {"prompt": SPOKEN, "seed": 7}
            one.ledger.add(
                Batch(
                    events=(event("e1", "r1", parameters=said, extra={"story": SPOKEN}),),
                    runs=(ran("r2", parameters=said),),
                )
            )
            yield one

    def test_an_export_has_none_of_a_time_at_which_they_were_kept(self, spoken):
        assert SPOKEN in spoken.exported().decode()
        spoken.operations.settings = SETTINGS
        data = spoken.exported().decode()
        assert "lighthouse" not in data
        assert '"seed":7' in data

    def test_an_import_keeps_none_where_none_are_kept(self, spoken, second, tmp_path):
        data = spoken.exported()
        second.imports(data)
        assert second.ledger.get("r1").parameters == {"seed": 7}
        second.ledger.checkpoint()
        for file in (tmp_path / "b").rglob("*.json*"):
            assert b"lighthouse" not in file.read_bytes()
        with home(tmp_path / "c", msgspec.structs.replace(SETTINGS, store_prompts=True)) as third:
            third.imports(data)
            assert third.known == spoken.known


def test_shares_are_known_by_their_whole(first):
    first.ledger.add(Batch(events=(event("e9", "r9", client="Contoso", project="Launch", estimate=estimate("1.00")),)))
    for record in first.document()["records"]:
        assert record.get("share_of", record["id"]) == whole_id(record["id"])


def test_nothing_of_a_daemon_s_own_is_in_it(first):
    document = first.document()
    assert document["type"] == "export"
    assert document["made_at"] == NOW.isoformat().replace("+00:00", "Z")
    assert set(document["accounts"][0]) == {"name", "state", "username"}
    assert KLING in {each["endpoint_id"] for each in document["models"]}


def test_who_writes_in_between_is_no_difference_between_export_and_ledger(first, second, monkeypatch):
    monkeypatch.setattr(history_import, "_RECORDS", 2)
    query = ImportQuery(name="history.json")
    steps = import_data(second.ledger, query, first.exported(), settings=SETTINGS, now=NOW)
    answer = None
    told = []
    while answer is None:
        try:
            step = next(steps)
        except StopIteration as end:
            answer = end.value
        else:
            told.append(step.done)
            if step.done == 5:
                second.ledger.add(Batch(costs=(cost("polled", amount="3.00"),)))
    assert answer.notes == ()
    assert told == sorted(told)
    assert told[-1] == len(first.document()["records"])
    assert second.ledger.get("polled") is not None
    assert second.ledger.get("r1") is not None


def in_other_currencies(tmp_path, here):
    there = RatesSettings(fixed=(FixedRate(from_="SEK", to="USD", rate=Decimal("0.10")),))
    first_settings = msgspec.structs.replace(SETTINGS, rates=there)
    with home(tmp_path / "a", first_settings) as first:
        fill(first.ledger)
        kronor = msgspec.structs.replace(cost("kr"), amount=Money.of("200.00", "SEK"))
        first.ledger.add(Batch(costs=(kronor,)))
        assert first.document()["totals"]["total"]["amount"] == "52.50"
        data = first.exported()
    with home(tmp_path / "b", msgspec.structs.replace(SETTINGS, rates=here)) as second:
        answer = second.imports(data)
        assert answer.rejected == ()
        assert second.imports(data, dry_run=True).notes == answer.notes
        return [note for note in answer.notes if "other exchange rates" in note]


def test_rates_that_are_others_here_are_told_with_both_totals(tmp_path):
    here = RatesSettings(fixed=(FixedRate(from_="SEK", to="USD", rate=Decimal("0.20")),))
    (note,) = in_other_currencies(tmp_path, here)
    assert note == (
        "it was made with other exchange rates: the export comes to 52.50 USD, "
        "and at the rates that are known here to 72.50 USD"
    )


def test_the_same_rates_are_not_worth_a_word(tmp_path):
    here = RatesSettings(fixed=(FixedRate(from_="SEK", to="USD", rate=Decimal("0.10")),))
    assert in_other_currencies(tmp_path, here) == []


def test_what_has_no_rate_here_is_named(tmp_path):
    with home(tmp_path / "a", SETTINGS) as first:
        first.ledger.add(Batch(costs=(msgspec.structs.replace(cost("won"), amount=Money.of("5.00", "KPW")), cost())))
        assert first.document()["totals"]["total"]["amount"] == "20.00"
        first.operations.settings = msgspec.structs.replace(
            SETTINGS, rates=RatesSettings(fixed=(FixedRate(from_="KPW", to="USD", rate=Decimal(2)),))
        )
        data = first.exported()
    with home(tmp_path / "b") as second:
        assert any(
            note.endswith(
                "the export comes to 30.00 USD, and at the rates that are known here to 20.00 USD, "
                "without KPW, of which no rate is known here"
            )
            for note in second.imports(data).notes
        )
