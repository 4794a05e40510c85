from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.intake.samples import NOW, SAMPLE, event, messages, read
from trayd.facts import EventFact, ModelFact
from trayd.intake.take import Understood, rejected_rows_csv
from trayd.money import Money
from trayd.records import Estimate, Status

PROMPT = "A red fox walks slowly through deep snow at dusk, cinematic"


def only(content: str | bytes, **more: Any) -> EventFact:
    file = read("event.json", content, **more)
    assert messages(file) == []
    (fact,) = file.events
    return fact


def refusal(content: str | bytes) -> str:
    (message,) = messages(read("event.json", content))
    return message


def test_every_field_of_an_event_arrives():
    fact = only(event())
    assert fact == EventFact(
        digest=fact.digest,
        time=datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC),
        endpoint_id="fal-ai/kling-video/v3/pro/text-to-video",
        request_id="764cabcf-b745-4b3e-ae38-1200304cf45b",
        account="default",
        status=Status.COMPLETED,
        duration_s=41.7,
        units=Decimal(8),
        unit="second",
        estimate=Estimate(Money(1_120_000_000), datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)),
        client="Northwind",
        project="Spring Campaign",
        deliverable="Hero Film",
        source="premiere",
        parameters={"resolution": "1080p", "duration": "8"},
    )


def test_four_fields_are_enough():
    fact = only('{"trayd": 1, "type": "generation", "endpoint_id": "fal-ai/flux/dev", "time": "2026-11-20T14:03:11Z"}')
    assert (fact.status, fact.account, fact.request_id) == (Status.COMPLETED, "default", None)
    assert fact.record_id == fact.digest


def test_nulls_and_blank_texts_are_as_good_as_missing():
    fact = only(event(request_id="", status=None, client="  ", estimate=None, units=None, parameters=None))
    assert (fact.request_id, fact.status, fact.client, fact.estimate) == (None, Status.COMPLETED, None, None)


@pytest.mark.parametrize("missing", ["trayd", "type", "endpoint_id", "time"])
def test_a_required_field_that_is_missing_is_named(missing):
    assert refusal(event(**{missing: ...})).startswith(f'event.json line 1: the field "{missing}" is missing')


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"time": "2026-11-20T14:03:11"}, '"2026-11-20T14:03:11" has no time zone (column "time"); add Z'),
        ({"time": "yesterday"}, '"yesterday" is not a time (column "time"); write it like'),
        ({"time": 1763647391}, '"1763647391" is not a time (column "time")'),
        ({"time": "0001-01-01T00:00:00+05:00"}, "is too far from today"),
        ({"status": "done"}, '"done" is not a status (column "status"); use submitted, completed, failed, cancelled'),
        ({"units": -1}, '"-1" is not a number of zero or more (column "units")'),
        ({"units": "NaN"}, '"NaN" is not a number of zero or more (column "units")'),
        ({"units": "eight"}, '"eight" is not valid here (column "units")'),
        ({"duration_s": -0.5}, '"-0.5" is below 0 (column "duration_s")'),
        ({"estimate": {"amount": "-1"}}, '"-1" is not a number of zero or more (column "estimate.amount")'),
        ({"estimate": {"amount": "1", "currency": "XYZ"}}, '"XYZ" is no currency (column "estimate.currency")'),
        ({"estimate": 1.12}, '"1.12" is not an object in braces (column "estimate")'),
        ({"client": 7}, '"7" is not a text (column "client")'),
        ({"client": "x" * 201}, "is longer than 200 characters"),
        ({"trayd": 2}, "this event is of version 2, and this trayd reads version 1"),
        ({"type": "render"}, '"render" is no type of event that this trayd knows'),
        ({"mine": json.loads("[" * 60 + "]" * 60)}, "its fields are nested too deeply"),
        ({"parameters": {"curve": list(range(20_000))}}, "parameters and other fields take"),
    ],
)
def test_what_is_wrong_with_an_event_is_told_with_field_and_cure(change, told):
    assert told in refusal(event(**change))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"trayd": 1,\n "type": }', "event.json line 2: this is not JSON: expecting value at character 10"),
        ("", "event.json: the file is empty"),
        ("[]", "event.json: there is nothing in it to record"),
        ("42", "event.json line 1: this is not an event; write one JSON object in braces"),
        (event(duration_s=float("nan")), "this is not JSON: a number in it is NaN"),
        ('{"a": ' + "[" * 100_000, "this is nested too deeply"),
        (event().encode("latin-1").replace(b"Northwind", b"N\xf6rd"), "this is not UTF-8"),
    ],
)
def test_a_file_that_is_no_event_is_refused_with_the_place(content, told):
    assert told in refusal(content)


def test_a_number_too_large_for_any_money_does_not_hang_the_reader():
    assert "more digits than any real amount" in refusal(event().replace('"units": 8', '"units": 1e99999'))
    assert "too large" in refusal(event().replace('"units": 8', '"units": 1e999999999'))
    assert "too large" in refusal(event().replace('"units": 8', '"mine": 1e999999999'))


def test_amounts_keep_every_digit():
    fact = only(event().replace('"units": 8', '"units": 0.00006944444').replace('"1.12"', "0.1234567894"))
    assert fact.units == Decimal("0.00006944444")
    assert fact.estimate
    assert fact.estimate.amount == Money(123_456_789)


def test_an_event_without_an_estimate_is_priced_by_its_units():
    model = ModelFact(endpoint_id=SAMPLE["endpoint_id"], seen_at=NOW, unit="seconds", unit_price=Decimal("0.14"))
    models = {model.endpoint_id: model}
    assert only(event(estimate=...), models=models).estimate == Estimate(Money(1_120_000_000), NOW)
    assert only(event(estimate=..., unit="minute"), models=models).estimate is None
    assert only(event(estimate=..., endpoint_id="fal-ai/unheard-of"), models=models).estimate is None


def test_the_same_event_is_one_fact_however_it_is_written():
    digest = only(event()).digest
    shuffled = json.dumps(dict(reversed(SAMPLE.items())), indent=2).replace('"units": 8', '"units": 8.0')
    assert only(shuffled).digest == digest
    assert only(shuffled.encode("utf-16")).digest == digest
    assert only(event(client="Southwind")).digest != digest
    assert only(event(), store_prompts=True).digest == digest


def test_unknown_fields_are_kept():
    assert only(event(shot="SC010", take=3, rate=0.5)).extra == {"shot": "SC010", "take": 3, "rate": 0.5}


def test_prompts_are_dropped_wherever_they_stand():
    told = event(
        prompt=PROMPT,
        caption="fox",
        remark=PROMPT,
        parameters={
            "prompt": "short",
            "negativePrompt": "blurry",
            "text_to_speak": "hello",
            "messages": [{"role": "user", "content": "hi"}],
            "multi": [{"prompt": PROMPT, "duration": 5}],
            "style": PROMPT,
            "scenes": [PROMPT, "SC010"],
            "japanese": "雪の中を歩く赤い狐" * 6,
            "seed": 4,
            "prompt_strength": 0.8,
            "enable_prompt_expansion": True,
            "image_url": "https://example.org/a-rather-long-name-of-a-picture-in-a-folder.png",
            "mask": "data:image/png;base64,iVBORw0KGgo=",
        },
    )
    fact = only(told)
    assert fact.parameters == {
        "multi": [{"duration": 5}],
        "scenes": ["SC010"],
        "seed": 4,
        "prompt_strength": 0.8,
        "enable_prompt_expansion": True,
        "image_url": "https://example.org/a-rather-long-name-of-a-picture-in-a-folder.png",
    }
    assert fact.extra == {}
    kept = only(told, store_prompts=True)
    assert kept.parameters["prompt"] == "short"
    assert kept.extra["remark"] == PROMPT


@given(st.text(min_size=41), st.lists(st.sampled_from(["a", "style", "shots", "x"]), min_size=1, max_size=4))
def test_free_text_never_gets_through_at_any_depth(text, path):
    value: Any = f"{text} {text}"
    for name in path:
        value = {name: [value]}
    fact = only(event(parameters=value, mine=value))
    assert text not in msgspec.json.encode(fact.parameters).decode()
    assert text not in msgspec.json.encode(fact.extra).decode()


def test_one_bad_line_among_good_ones_is_rejected_alone():
    lines = [
        event(request_id="a"),
        "",
        '{"trayd": 1, "type":',
        event(request_id="b", time="now"),
        event(request_id="c"),
    ]
    file = read("log.jsonl", "\r\n".join(lines))
    assert [fact.request_id for fact in file.events] == ["a", "c"]
    assert [(rejection.line, rejection.column) for rejection in file.rejected] == [(3, None), (4, "time")]


def test_a_line_that_is_not_utf8_is_rejected_alone():
    file = read(
        "log.jsonl", event(request_id="a").encode() + b'\n{"client": "N\xf6rd"}\n' + event(request_id="b").encode()
    )
    assert [fact.request_id for fact in file.events] == ["a", "b"]
    assert messages(file) == ["log.jsonl line 2: this is not UTF-8; save the file as UTF-8 and try again"]


def test_a_list_of_events_is_taken_one_by_one_with_their_lines():
    file = read("events.json", f"[{event(request_id='a')},\n\n{event(status='gone')},\n{event(request_id='b')}]")
    assert [fact.request_id for fact in file.events] == ["a", "b"]
    assert [rejection.line for rejection in file.rejected] == [3]


def test_messages_do_not_quote_prompts():
    broken = event(parameters={"prompt": PROMPT})[:-1]
    assert PROMPT not in refusal(broken)
    assert PROMPT not in refusal(event(parameters={"prompt": PROMPT}, status="done"))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_a_file_holds_is_recorded_or_rejected_with_a_reason(data):
    for name in ("x.json", "x.jsonl"):
        file = read(name, data)
        assert file.events or messages(file)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from([*SAMPLE, "mine"]),
)
def test_any_value_in_any_field_is_taken_or_refused_by_a_message(value, field):
    file = read("x.json", event(**{field: value}))
    assert file.events or messages(file)


def corrected(file: Understood, wrong: str, right: str) -> str:
    """The table of a file's rejected lines, as a person saves it who has corrected them."""
    return rejected_rows_csv(file).replace(wrong, right)


def test_lines_that_were_rejected_are_read_from_their_table_once_they_are_corrected():
    file = read("log.jsonl", f"{event(request_id='a')}\n{event(request_id='b', time='now')}\n{{oops\n")
    table = corrected(file, '""now""', '""2026-11-20T14:03:11Z""')
    again = read("log.jsonl.rows.csv", table)
    assert [fact.request_id for fact in again.events] == ["b"]
    assert [rejection.line for rejection in again.rejected] == [3], "which is still wrong, and where it stands now"
    assert again.events[0] == only(event(request_id="b"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("divider", [",", ";", "\t"])
def test_the_table_of_rejected_lines_is_read_as_spreadsheets_save_it(encoding, divider):
    file = read("log.jsonl", f"{event(request_id='a')}\n{event(request_id='b', client='Café', status='gone')}\n")
    rows = list(csv.reader(io.StringIO(corrected(file, "gone", "failed"))))
    out = io.StringIO()
    csv.writer(out, delimiter=divider, quoting=csv.QUOTE_ALL).writerows(rows)
    (fact,) = read("rows.csv", out.getvalue().encode(encoding)).events
    assert (fact.status, fact.client) == (Status.FAILED, "Café")


def test_an_export_of_a_whole_history_is_no_event_and_the_way_in_is_named():
    for text in ('{"trayd":1,"type":"export","records":[\n\n],"totals":{}}', '{"type": "export", "trayd": 1}'):
        said = refusal(text)
        assert said.endswith(
            'this is an export of a whole history (column "type"); take it in with `trayd import FILE`'
        )
