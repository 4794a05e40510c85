"""The report on paper, as a browser prints it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.insight.samples import NOW, daily, external, generation, rates
from tests.reports.browser import A4, LETTER, Browser, Page
from tests.reports.making import report_html
from tests.reports.printed import size, words
from trayd.money import Money
from trayd.records import Estimate, Filters
from trayd.report_settings import ClientTerms
from trayd.reports.request import ReportRequest

REQUEST = ReportRequest(filters=Filters(), converter=rates(), home="USD", locale="en_US", zone=UTC, now=NOW)


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
        # Each says which of how many it is and whose, and none holds a few words alone.
        text = " ".join(word.text for word in page)
        assert text.count(f"{number} / {pages}") == 1
        assert text.count("Studio Nord & Söhne · ") == 1
        assert text.count(" · January 1, 2025 to April 1, 2025") == 1
        assert len(page) > 30, number
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


def texts(pdf: Path) -> list[str]:
    """What stands on each page."""
    return [f" {' '.join(word.text for word in page)} " for page in words(pdf)]


@pytest.mark.parametrize("height", [9.0, 9.5, 10.0, 10.5, 11.0, 11.69])
def test_no_heading_and_no_row_of_a_table_is_alone(
    browser: Browser, files: dict[str, Path], tmp_path: Path, height: float
) -> None:
    """A heading stands with the first two rows of what it heads, a sum with what it is of."""
    page = browser.page(files["charged"].as_uri())
    pdf = tmp_path / "report.pdf"
    pdf.write_bytes(page.pdf((A4[0], height)))
    headed = page.evaluate("""
        [...document.querySelectorAll('main section > h2')]
            .map(heading => [heading, [...heading.parentElement.querySelectorAll('tbody tr')].slice(0, 2)])
            .filter(([heading, rows]) => rows.length && rows[0].checkVisibility())
            .map(([heading, rows]) => [heading.innerText, rows.map(row => row.cells[0].innerText.split(/\\s/)[0])])
    """)
    ends = page.evaluate("""
        [...document.querySelectorAll('.figures, .bars')].filter(table => table.checkVisibility())
            .map(table => [...table.rows].slice(-2).map(row => row.innerText.split(/\\s+/).join(' ').trim()))
    """)
    page.close()
    assert len(headed) >= 8
    printed = texts(pdf)
    for heading, rows in headed:
        [after] = [text.partition(f" {heading} ")[2] for text in printed if f" {heading} " in text]
        assert all(row in after for row in rows), heading
    assert len(ends) >= 8
    for before, last in ends:
        figures = [row.rpartition(" ")[2] for row in (before, last)]
        assert any(all(f" {figure} " in text for figure in figures) for text in printed), last


@pytest.mark.parametrize("paper", [A4, LETTER])
def test_no_page_is_left_half_empty(browser: Browser, tmp_path: Path, paper: tuple[float, float]) -> None:
    """Charts and tables go on from page to page between their rows, under heads that are there again."""
    records = [
        generation(
            f"{1 + number / 7:.3f}", timestamp=NOW - timedelta(hours=1.7 * number), operation=f"kind-{number % 9}",
            endpoint_id=f"acme/model-{number % 23}", deliverable=f"Film {number % 11}", key=f"box {number % 8}",
        )
        for number in range(400)
    ]  # fmt: skip
    source, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    source.write_text("".join(report_html(records, REQUEST)), encoding="utf-8")
    page = browser.page(source.as_uri())
    pdf.write_bytes(page.pdf(paper))
    page.close()
    printed, height = words(pdf), size(pdf)[2]
    assert len(printed) > 8
    for number, of_page in enumerate(printed[:-1], 1):
        # Above the foot.
        lowest = max(word.bottom for word in of_page if word.bottom < height - 50)
        assert lowest > 0.75 * height, number
    of_log = [text for text in texts(pdf) if " Actual $" in text]
    assert len(of_log) > 4
    assert all(" Parameters " in text for text in of_log)


def test_long_figures_do_not_run_into_each_other(browser: Browser, tmp_path: Path) -> None:
    """Of a year's render farm in nanos, with what is charged for it beside it: the widest that a log can be."""
    cost = Estimate(Money.of("125568.536988071"), NOW)
    records = [generation("137685.155560466", estimate=cost, client="Northwind") for _ in range(30)]
    terms = ClientTerms(name="Northwind", markup_percent=Decimal("17.5"))
    request = msgspec.structs.replace(REQUEST, filters=Filters(client="Northwind"), terms=terms)
    source, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    source.write_text("".join(report_html(records, request)), encoding="utf-8")
    page = browser.page(source.as_uri())
    pdf.write_bytes(page.pdf(A4))
    page.close()
    printed, width = words(pdf), size(pdf)[1]
    assert sum(word.text == "$137,685.155560466" for of_page in printed for word in of_page) == 60
    for of_page in printed:
        for word in of_page:
            assert word.right <= width - 30, word
            beside = [each for each in of_page if each is not word and abs(each.bottom - word.bottom) < 2]
            assert not any(each.left < word.left < each.right - 1 for each in beside), word


def test_bars_have_their_figures_on_paper(browser: Browser, files: dict[str, Path]) -> None:
    """A bar without a number is no figure: the share that it draws is printed as well."""
    page = browser.page(files["charged"].as_uri())
    page.look(720, medium="print")
    rows = page.evaluate("""
        [...document.querySelectorAll('.bars tbody tr')].map(row => {
            const [bar, share] = [row.querySelector('svg'), row.querySelector('.share')];
            return [bar.clientWidth, share.checkVisibility(), share.innerText];
        })
    """)
    page.close()
    assert len(rows) > 12
    assert all(width > 100 and visible for width, visible, _ in rows)
    assert sum(text.endswith("%") for *_, text in rows) > 12


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
    assert "Combined" in [word.text for word in words(pdf)[0]]
    [(page_of_rates, head)] = [(page, word) for page in words(pdf) for word in page if word.text == "Entries"][:1]
    end = next((word.top for word in page_of_rates if word.text == "Generation"), 9e9)
    lines = [word for word in page_of_rates if head.top < word.top < end]
    dates = [number for number, word in enumerate(lines) if word.text == "September"]
    assert len(dates) >= 2 * len(days)
    for number in dates:
        month, day, year = lines[number : number + 3]
        assert (day.top, year.top) == (month.top, month.top)
        assert year.text.startswith("2026")
    for word in lines:
        beside = [each for each in lines if each is not word and abs(each.top - word.top) < 1]
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
