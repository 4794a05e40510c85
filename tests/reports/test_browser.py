"""The report in a real browser that has no network: what it asks for, says, looks like, prints, and lets one reach."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from tests.insight.samples import NOW, daily, external, generation, rates
from tests.reports.browser import A4, LETTER, Browser, Page
from tests.reports.full_ledger import make, report
from trayd.records import Filters
from trayd.reports.html import report_html
from trayd.reports.request import ReportRequest

#: A report of everything, of a client with markup, of one whose costs are hidden, and of nothing.
REPORTS = {
    "all": ("--currency", "SEK"),
    "charged": ("--client", "Northwind"),
    "hidden": ("--client", "Näckrosen"),
    "empty": ("--client", "Nobody"),
}
REQUEST = ReportRequest(filters=Filters(), converter=rates(), home="USD", locale="en_US", zone=UTC, now=NOW)
#: The phone, the laptop, the wall.
WIDTHS = (320, 1280, 3840)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    home = make(folder / "home")
    return {name: report(home, folder / f"{name}.html", *arguments) for name, arguments in REPORTS.items()}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(params=REPORTS)
def opened(request: pytest.FixtureRequest, browser: Browser, files: dict[str, Path]) -> Iterator[Page]:
    page = browser.page(files[request.param].as_uri())
    yield page
    page.close()


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


class Word(NamedTuple):
    """A word of a printed page, with where it is in points."""

    left: float
    top: float
    right: float
    bottom: float
    text: str


def words(pdf: Path) -> list[list[Word]]:
    """The words of each page."""
    told = subprocess.run(["pdftotext", "-bbox", pdf, "-"], capture_output=True, text=True, check=True).stdout
    word = re.compile(r'<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)</word>')
    return [
        [Word(*map(float, found[:4]), found[4]) for found in word.findall(page)] for page in told.split("<page")[1:]
    ]


def size(pdf: Path) -> tuple[int, int, int]:
    """How many pages there are, and how wide and high in points."""
    told = subprocess.run(["pdfinfo", pdf], capture_output=True, text=True, check=True).stdout
    [pages] = re.findall(r"Pages: +(\d+)", told)
    [(width, height)] = re.findall(r"Page size: +([\d.]+) x ([\d.]+) pts", told)
    return int(pages), round(float(width)), round(float(height))


@pytest.mark.parametrize(("paper", "points"), [(A4, (595, 842)), (LETTER, (612, 792))])
def test_it_prints_to_clean_pages(
    opened: Page, tmp_path: Path, paper: tuple[float, float], points: tuple[int, int]
) -> None:
    pdf = tmp_path / "report.pdf"
    pdf.write_bytes(opened.pdf(paper))
    pages, width, height = size(pdf)
    assert (abs(width - points[0]), abs(height - points[1])) <= (1, 1)
    printed = words(pdf)
    assert len(printed) == pages
    for number, page in enumerate(printed, 1):
        # Each says which of how many it is, and none holds a few words alone.
        assert " ".join(word.text for word in page).count(f"{number} / {pages}") == 1
        assert len(page) > 10, number
        for word in page:
            assert word.left >= 30, word
            assert word.right <= width - 30, word
            assert word.top >= 30, word
            assert word.bottom <= height - 20, word


def test_all_that_is_open_is_printed(opened: Page, tmp_path: Path) -> None:
    pdf = tmp_path / "report.pdf"
    pdf.write_bytes(opened.pdf(A4))
    opened.show_all(720, medium="print")
    # A long word is broken where its line ends: figures are not.
    figure = re.compile(r"[\d,]+\.\d+")
    printed = Counter(figure.findall(" ".join(word.text for page in words(pdf) for word in page)))
    missing = Counter(figure.findall(opened.text)) - printed
    assert not missing


@pytest.mark.parametrize("height", [9.0, 9.5, 10.0, 10.5, 11.0, 11.69])
def test_no_heading_is_alone_at_the_foot_of_a_page(
    browser: Browser, files: dict[str, Path], tmp_path: Path, height: float
) -> None:
    page = browser.page(files["charged"].as_uri())
    pdf = tmp_path / "report.pdf"
    pdf.write_bytes(page.pdf((A4[0], height)))
    headed = page.evaluate("""
        [...document.querySelectorAll('main > section > h2')]
            .map(heading => [heading, heading.parentElement.querySelector('tbody tr')])
            .filter(([heading, row]) => row && row.checkVisibility())
            .map(([heading, row]) => [heading.innerText, row.cells[0].innerText.split(/\\s/)[0]])
    """)
    page.close()
    assert len(headed) >= 4
    printed = [" ".join(word.text for word in one) for one in words(pdf)]
    for heading, first in headed:
        [after] = [f" {text}".partition(f" {heading} ")[2] for text in printed if f" {heading} " in f" {text}"]
        assert first in after, heading


def test_what_is_folded_is_printed_where_it_is_small(browser: Browser, tmp_path: Path) -> None:
    """The rates of each day, and the days of a month; the days of a quarter are said to be left out."""
    days = {f"2026-11-{day:02}": f"1.1{day:02}1" for day in range(1, 29)}
    costs = [external("2.00", day, currency="EUR") for day in days]
    long_ago = external("2.00", "2026-09-01")
    request = msgspec.structs.replace(REQUEST, converter=daily(EUR=days))
    source, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    printed = []
    for of in (costs, [long_ago, *costs]):
        source.write_text("".join(report_html(of, request)), encoding="utf-8")
        page = browser.page(source.as_uri())
        pdf.write_bytes(page.pdf(A4))
        page.close()
        printed.append(" ".join(word.text for one in words(pdf) for word in one))
    small, large = printed
    for rate in days.values():
        assert rate in small
        assert rate in large
    assert "not printed" not in small
    assert "Cost by day as a table Closed, and so not printed." in large


@pytest.mark.parametrize("paper", [A4, LETTER])
def test_the_days_of_rates_are_each_on_one_line_of_paper(
    browser: Browser, tmp_path: Path, paper: tuple[float, float]
) -> None:
    """September has the longest name, and a small currency the longest rate; neither runs into what is beside it."""
    days = {f"2026-09-{day:02}": f"0.00123456{day}" for day in range(11, 31)}
    costs = [external("2000", day, currency="JPY") for day in days]
    request = msgspec.structs.replace(REQUEST, converter=daily(JPY=days))
    source, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    source.write_text("".join(report_html(costs, request)), encoding="utf-8")
    page = browser.page(source.as_uri())
    pdf.write_bytes(page.pdf(paper))
    page.close()
    first = words(pdf)[0]
    dates = [number for number, word in enumerate(first) if word.text == "September"]
    assert len(dates) >= 2 * len(days)
    for number in dates:
        month, day, year = first[number : number + 3]
        assert (day.top, year.top) == (month.top, month.top)
        assert year.text.startswith("2026")
    for word in first:
        beside = [each for each in first if each is not word and abs(each.top - word.top) < 1]
        assert not any(each.left < word.left < each.right for each in beside), word


def test_a_long_log_is_folded_and_says_so_on_paper(browser: Browser, tmp_path: Path) -> None:
    records = [generation("1.00", timestamp=NOW - timedelta(minutes=10 * number)) for number in range(12_000)]
    source, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    source.write_text("".join(report_html(records, REQUEST)), encoding="utf-8")
    page = browser.page(source.as_uri())
    months = page.evaluate("document.querySelectorAll('details.month').length")
    assert months == 4
    assert page.evaluate("document.querySelectorAll('details.month[open]').length") == 0
    pdf.write_bytes(page.pdf(A4))
    printed = " ".join(word.text for one in words(pdf) for word in one)
    assert size(pdf)[0] <= 4
    # And the table of the chart.
    assert printed.count("not printed") == months + 1
    page.look(1280)
    page.evaluate("document.querySelector('details.month > summary').focus()")
    page.press("Enter")
    assert page.evaluate("document.querySelector('details.month table.log').checkVisibility()")
    page.close()
