from __future__ import annotations

import re
from datetime import UTC, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts.story import START, Story, job
from trayd.alerts.delivery import fitted
from trayd.alerts.digest import digest
from trayd.alerts.fallback import for_plyer_on_linux
from trayd.alerts.notice import clean, notice_of, summary
from trayd.alerts.rules import FileRejected
from trayd.alerts.words.upkeep import rejected
from trayd.alerts.words.writing import name
from trayd.episodes import Episode, Urgency
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


@pytest.mark.parametrize(
    ("text", "units", "shown"),
    [
        ("it has $1,234.56 left", 13, "it has…"),
        ("det är 1\u00a0234,56\u00a0kr kvar", 12, "det är…"),
        ("¥1,234,567", 6, "…"),
        ("費用$1,234.56", 7, "費用…"),
        ("Northwind Spring Campaign", 20, "Northwind Spring…"),
        ("Northwindspringcampaign", 10, "Northwind…"),
        ("two words", 4, "two…"),
    ],
)
def test_a_text_is_cut_between_words_and_never_within_an_amount(text: str, units: int, shown: str) -> None:
    assert clip(text, units) == shown


def episode(title: str, text: str = "", urgency: Urgency = Urgency.NORMAL, **more: Any) -> Episode:
    name = more.pop("id", title)
    return Episode(id=name, rule="budget", scope=name, since=START, title=title, text=text, urgency=urgency, **more)


LONG = "100% of budget “Northwind Spring Campaign in West Europe” spent"


def test_a_digest_never_cuts_the_figure_off_its_headline() -> None:
    alone = digest([episode(LONG, "It is spent.")], START, UTC)
    short = digest([episode("Balance under $5.00")], START, UTC)

    assert utf16(LONG) == WINDOWS_TITLE
    assert alone.title == LONG
    assert short.title == "While it was quiet: Balance under $5.00"


def test_a_digest_tells_since_when_an_alert_is_at_the_level_that_it_names() -> None:
    graver = episode("Balance under $5.00", reached=START + timedelta(minutes=2))
    told = digest([graver, episode("other")], START, UTC)

    assert told.body.startswith("Balance under $5.00 (since 09:02)")


def test_a_digest_knows_what_of_it_there_is_to_snooze() -> None:
    told = digest(
        [episode("over", resolved=START + timedelta(hours=1)), episode("lasts"), episode("happened")], START, UTC
    )

    assert told.episodes == ("lasts", "happened", "over")
    assert told.over == ("over",)


def test_where_there_is_little_room_several_warnings_are_told_by_their_headlines() -> None:
    several = [episode(f"Budget {number}: 80% spent", 200 * "x", id=str(number)) for number in range(30)]

    for notice in (summary(several), digest(several, START, UTC)):
        shown = fitted(notice, "win32")
        first, *others, last = shown.body.splitlines()
        assert first == "Budget 0: 80% spent"
        assert others[-1] == f"Budget {len(others)}: 80% spent"
        assert last == f"and {29 - len(others)} more: trayd alerts names them"
        assert utf16(shown.body) <= WINDOWS_BODY
        assert fitted(notice, "linux").body.startswith(notice.body[:200])


def test_a_summary_whose_first_headline_is_long_says_how_many_there_are() -> None:
    mixed = [episode(LONG, "It is spent.", Urgency.CRITICAL), msgspec.structs.replace(episode("A file"), rule="file")]

    assert summary(mixed).title == "2 warnings"
    assert summary(mixed).body.splitlines() == ["It is spent.", "A file"]


@given(titles=st.lists(st.text(min_size=1), min_size=2, max_size=40), text=st.text())
def test_whatever_names_come_from_outside_windows_takes_the_notice(titles: list[str], text: str) -> None:
    several = [episode(title, text, id=str(place)) for place, title in enumerate(titles)]

    for notice in (notice_of(several[0]), summary(several), digest(several, START, UTC)):
        shown = fitted(notice, "win32")
        assert utf16(shown.title) <= WINDOWS_TITLE
        assert utf16(shown.body) <= WINDOWS_BODY


@pytest.mark.parametrize(
    ("given_name", "written"),
    [
        ("Spring\u202e Campaign", "Spring Campaign"),
        ("שלב 2026", "\u2068שלב 2026\u2069"),
        ("مشروع 2026", "\u2068مشروع 2026\u2069"),
        (40 * "ש", "\u2068" + 29 * "ש" + "…\u2069"),
        ("a\nb\tc", "a b c"),
        ("🎬" * 30, "🎬" * 15 + "…"),
    ],
)
def test_a_name_from_outside_leaves_the_rest_of_the_text_as_it_is(given_name: str, written: str) -> None:
    assert name(given_name, 32) == written


def test_the_name_of_a_file_can_be_as_long_as_it_likes() -> None:
    long = f"{80 * 'Northwind '}.csv"
    title = f"2 rows of {long} could not be recorded"
    told = rejected(FileRejected(long, title, f"{long} line 3: no amount; correct it.", START), None)  # type: ignore[arg-type]

    assert told.title.startswith("2 rows of Northwind")
    assert told.title.endswith("… could not be recorded")
    assert utf16(told.title) <= WINDOWS_TITLE
    assert told.text.endswith("… line 3: no amount; correct it.")
