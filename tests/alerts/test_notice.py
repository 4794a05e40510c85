from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tests.alerts.story import Story, job
from trayd.alerts.fallback import for_plyer_on_linux
from trayd.alerts.notice import clean, notice_of
from trayd.texts import clip

WINDOWS_TITLE, WINDOWS_BODY = 63, 255


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@given(text=st.text(st.characters(codec="utf-8"), max_size=80), units=st.integers(1, 70))
def test_a_text_is_cut_by_utf16_units_and_never_within_a_character(text: str, units: int) -> None:
    cut = clip(text, units)

    assert utf16(cut) <= units
    assert cut == text if utf16(text) <= units else cut.endswith("…")
    assert text.startswith(cut.removesuffix("…"))


@given(text=st.text())
def test_what_is_shown_can_be_sent_everywhere(text: str) -> None:
    shown = clean(text)

    shown.encode("utf-8")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)


def test_the_usual_warnings_fit_windows_whole() -> None:
    story = Story()
    story.balance("18.42")
    story.balance("4.32")
    story.jobs(job("1234.56", client="Northwind", project="Spring Campaign", deliverable="Hero Film"))
    story.jobs(job("6.40", id="untagged", request_id="untagged"))

    for episode in story.told:
        notice = notice_of(episode)
        assert utf16(notice.title) <= WINDOWS_TITLE
        assert utf16(notice.body) <= WINDOWS_BODY


@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=30))
def test_no_text_breaks_out_of_the_quotes_that_the_portal_s_way_puts_around_it(text: str) -> None:
    title, body = for_plyer_on_linux(text, text, by_notify_send=False)

    assert "'" not in title + body


def test_notify_send_gets_neither_an_option_nor_an_escape() -> None:
    assert for_plyer_on_linux("-t", "-b\\n", by_notify_send=True) == (" -t", " -b\\\\n")
