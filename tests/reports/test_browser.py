"""The report in a real browser that has no network: what it asks for, says, looks like, prints, and lets one reach."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.reports.browser import Browser, Page
from tests.reports.conftest import REPORTS

#: The phone, the laptop, the wall.
WIDTHS = (320, 1280, 3840)


def test_it_asks_for_nothing_and_complains_of_nothing(opened: Page) -> None:
    opened.look(1280)
    opened.show_all(1280)
    assert opened.asked == [opened.evaluate("location.href")]
    assert opened.complaints == []
    # The logo, which is no more than a picture here, whatever else its file holds.
    assert opened.evaluate("[...document.images].map(image => image.naturalWidth).join()") == "120"


def test_the_browser_would_have_told(browser: Browser, tmp_path: Path) -> None:
    """The control: a page that asks for another file, and complains, is seen to do so."""
    page = tmp_path / "page.html"
    page.write_text("<img src=picture.png><script>console.error('no')</script>", encoding="utf-8")
    opened = browser.page(page.as_uri())
    assert opened.asked == [page.as_uri(), (tmp_path / "picture.png").as_uri()]
    assert len(opened.complaints) == 2


def test_the_browser_has_no_network(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<script>fetch('http://127.0.0.1:9/').catch(e => document.title = e.name)</script>")
    opened = browser.page(page.as_uri())
    assert opened.evaluate("navigator.onLine") is False


@pytest.mark.parametrize("name", REPORTS)
def test_without_scripts_it_says_the_same(browser: Browser, files: dict[str, Path], name: str) -> None:
    texts = []
    for scripts in (True, False):
        page = browser.page(files[name].as_uri(), scripts=scripts)
        page.show_all(1280)
        texts.append(page.text)
    assert texts[0] == texts[1]
    assert "Combined total" in texts[0] or name == "hidden"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened: Page, scheme: str) -> None:
    for width in WIDTHS:
        opened.show_all(width, scheme)
        violations, unsure = opened.axe()
        assert violations == [], width
        # Axe cannot tell what is behind the letters of a drawing (the page itself, with an outline in its colour), nor
        # of what a narrow window shows only once a table is scrolled; a wider one has shown it.
        shown = [each for each in unsure if not opened.is_scrolled_away(each.target)]
        assert {(each.rule, each.html[:5]) for each in shown} <= {("color-contrast", "<text")}, width


def test_axe_would_have_told(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<title>x</title><p style='color:#ccc;background:#fff'>pale", encoding="utf-8")
    violations, _ = browser.page(page.as_uri()).axe()
    assert {each.rule for each in violations} >= {"color-contrast", "html-has-lang"}


def test_nothing_is_wider_than_the_window(opened: Page) -> None:
    for width in (*WIDTHS, 768):
        opened.show_all(width)
        assert opened.overflow <= 0, width


def test_light_and_dark_are_two_looks(opened: Page) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    opened.look(1280, scheme="light")
    light = opened.evaluate(background)
    opened.look(1280, scheme="dark")
    assert (light, opened.evaluate(background)) == ("rgb(255, 255, 255)", "rgb(18, 20, 25)")


def test_without_its_style_sheet_bars_are_still_bars(browser: Browser, files: dict[str, Path], tmp_path: Path) -> None:
    """Mail programs and reader views take styles away; a bar is not to become a block of black then."""
    bare = tmp_path / "bare.html"
    text = files["all"].read_text(encoding="utf-8")
    bare.write_text(re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL), encoding="utf-8")
    page = browser.page(bare.as_uri())
    page.look(1280)
    heights = page.evaluate("[...document.querySelectorAll('.bars svg')].map(bar => bar.clientHeight)")
    assert heights
    assert max(heights) <= 12
    assert page.evaluate("getComputedStyle(document.querySelector('.bars .track')).fill") == "none"


@pytest.mark.parametrize("width", [320, 1280])
def test_the_keyboard_reaches_all_that_can_be_used_and_shows_where_it_is(opened: Page, width: int) -> None:
    opened.look(width)
    expected = opened.evaluate("""
        [...document.querySelectorAll('a[href], summary, [tabindex="0"]')].filter(e => e.checkVisibility()).length
    """)
    places = []
    for _ in range(expected + 1):
        opened.press("Tab")
        places.append(opened.focused)
    assert [place for place in places[:expected] if not (place and place["seen"] and place["marked"])] == []
    assert places[expected] is None


def test_what_is_folded_opens_by_keyboard(browser: Browser, files: dict[str, Path]) -> None:
    page = browser.page(files["all"].as_uri())
    page.look(1280)
    closed = "document.querySelectorAll('details:not([open])').length"
    before = page.evaluate(closed)
    page.evaluate("document.querySelector('details:not([open]) > summary').focus()")
    page.press("Enter")
    assert page.evaluate(closed) == before - 1
