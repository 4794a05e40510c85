"""The log's rows as markup."""

from datetime import UTC, datetime
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from tests.insight.samples import texts
from trayd.records import Generation
from trayd.reports.log import LogPage, LogRow, parameters_told

hostile = texts | st.sampled_from(
    ["</td></table><script>alert(1)</script>", "&lt;b&gt;", "\"'>", "<!--", "]]>", "{{ 7*7 }}"]
)
OURS = {"when": "2026-11-20 14:00:00", "duration": "41.7 s"}
rows = st.builds(
    LogRow,
    **{name: st.just(text) for name, text in OURS.items()},
    **{name: st.just("") | hostile for name in LogRow._fields if name not in {*OURS, "confirmed"}},
    confirmed=st.booleans(),
)


class Cells(HTMLParser):
    """The cells of each row: what they say, line by line, and every element."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.tags = [], set()
        self.feed(f"<table><tbody>{html}</table>")
        self.close()

    def handle_starttag(self, tag, attributes):
        assert not attributes
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag == "td":
            self.rows[-1].append([""])
        elif tag == "p":
            self.rows[-1][-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1][-1] += data


def page(of, *, costs, charges):
    return LogPage(
        title="November 2026",
        summary="",
        first=True,
        last=True,
        open=True,
        shows_costs=costs,
        shows_charges=charges,
        rows=tuple(of),
    )


def lines(*texts):
    first, *more = texts
    return [first, *(text for text in more if text)]


@given(st.lists(rows, min_size=1, max_size=3), st.booleans(), st.booleans())
def test_whatever_a_record_says_is_text_in_its_own_cell(of, costs, charges):
    read = Cells(page(of, costs=costs, charges=charges).html)
    assert read.tags <= {"table", "tbody", "tr", "td", "p", "b", "i"}
    for number, (row, cells) in enumerate(zip(of, read.rows, strict=True), start=1):
        expected = [
            lines(row.when, row.duration),
            lines(row.name, row.detail, row.request_id),
            lines(row.parameters, row.note),
            lines(row.tags, row.who),
            *([lines(row.estimate)] if costs else []),
            lines(row.actual),
            lines(row.cost, row.converted),
            *([lines(row.charge)] if charges else []),
        ]
        # Rows are apart by a line end, which belongs to the last cell.
        if number < len(of):
            expected[-1][-1] += "\n"
        assert cells == expected


def test_what_does_not_apply_takes_no_room():
    row = LogRow(**{name: "" for name in LogRow._fields if name != "confirmed"}, confirmed=False)
    assert page([row], costs=True, charges=False).html == "<tr><td><td><td><td><td><td><i></i><td>"


def test_a_prompt_that_was_kept_is_in_no_report():
    job = Generation(
        id="r1",
        account="northwind",
        endpoint_id="fal-ai/flux/dev",
        timestamp=datetime(2026, 11, 20, 14, tzinfo=UTC),
        parameters={
            "prompt": "SECRET product",
            "negative_prompt": "blurry",
            "style": "a long free text that says what SECRET thing the picture is to show",
            "aspect_ratio": "16:9",
        },
    )

    assert parameters_told(job) == "aspect ratio 16:9"
