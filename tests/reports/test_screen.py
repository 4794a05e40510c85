"""Figures on the screen: each whole, on one line, and where a person can get to, in a window of any size."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.insight.samples import NOW, ecb, external, generation, rates
from tests.reports.browser import Browser, Page
from tests.reports.making import report_html
from trayd.money import Money
from trayd.records import Counting, Estimate, Filters, Record
from trayd.report_settings import ClientTerms
from trayd.reports.request import ReportRequest

WIDTHS = (320, 360, 768, 800, 1024, 1280, 1920)

#: What ends in a third of a cent, what fal takes for a single picture, a day of a render farm, and a year of one.
AMOUNTS = {
    "ordinary": ("19.166666666", "0.05", "13646.959922127"),
    "millions": ("1234567.123456789", "-0.05", "7654321.987654321"),
}
TERMS = {
    "costs": None,
    "charges": ClientTerms(name="Northwind", markup_percent=Decimal("17.5")),
    "hidden": ClientTerms(name="Northwind", markup_percent=Decimal("17.5"), hide_costs=True),
}
CURRENCIES = {"USD": rates(), "SEK": rates("SEK", USD=ecb("10.4217"), EUR=ecb("11.0213"))}

# A figure is never broken, never leaves its cell, and is seen or lies where a part of the page says it can be scrolled.
_ILL = r"""
(() => {
    for (const folded of document.querySelectorAll('details')) folded.open = true;
    const ill = [], window_ = document.documentElement.clientWidth;
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let seen = 0;
    while (texts.nextNode()) {
        const text = texts.currentNode, holder = text.parentElement;
        if (!holder.checkVisibility() || getComputedStyle(holder.closest('thead') || holder).position === 'absolute')
            continue;
        const cell = holder.closest('td, th, .kpis > div, dd, p, li, summary, .lead') || holder;
        const place = cell.getBoundingClientRect();
        const scroller = holder.closest('.scroll');
        for (const figure of text.data.matchAll(/[-\u2212]?[^\s\d]{0,2}\d[\d,]*\.\d+/g)) {
            seen += 1;
            const range = document.createRange();
            range.setStart(text, figure.index);
            range.setEnd(text, figure.index + figure[0].length);
            const box = range.getBoundingClientRect();
            const tell = wrong => ill.push([wrong, figure[0], cell.tagName, holder.closest('[class]').className]);
            if (new Set([...range.getClientRects()].map(line => Math.round(line.top))).size > 1) tell('broken');
            if (box.left < place.left - .5 || box.right > place.right + .5) tell('out of its place');
            const away = scroller && scroller.scrollWidth > scroller.clientWidth;
            const end = away ? scroller.getBoundingClientRect().left + scroller.scrollWidth : window_;
            if (box.left < 0 || box.right > end + .5) tell('out of sight');
        }
    }
    // Tables of figures alone have cells that begin where the one before ends: no cell reaches into another.
    for (const row of document.querySelectorAll('tr')) {
        const cells = [...row.cells].filter(cell => cell.checkVisibility()).map(cell => cell.getBoundingClientRect());
        for (const one of cells) for (const two of cells)
            if (one !== two && one.left < two.right - 1 && two.left < one.right - 1
                && one.top < two.bottom - 1 && two.top < one.bottom - 1) ill.push(['on another', row.innerText]);
    }
    return {seen, ill};
})()
"""
_SHADES = """
(async () => {
    const part = document.querySelector('.page');
    const shade = async at => {
        part.scrollLeft = at;
        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        return getComputedStyle(part).boxShadow;
    };
    const more = part.scrollWidth - part.clientWidth;
    return {more, start: await shade(0), end: await shade(more)};
})()
"""


def records(amounts: tuple[str, ...]) -> list[Record]:
    """Billed, estimated, pending, imported; a cost that is to be converted, one without a rate, one without a price."""
    made: list[Record] = []
    for number in range(24):
        amount = amounts[number % len(amounts)]
        made.append(
            generation(
                amount,
                id=f"r{number}",
                request_id=f"764cabcf-b745-4b3e-ae38-{number:012}",
                timestamp=NOW - timedelta(hours=7.3 * number),
                estimate=Estimate(Money.of(amount), NOW) if number % 3 else None,
                display_name="Kling 3.0 Pro",
                endpoint_id="fal-ai/kling-video/v3/pro/text-to-video",
                units=Decimal(8),
                unit="seconds",
                parameters={"resolution": "1080p", "duration": "8", "aspect_ratio": "16:9"},
                client="Northwind",
                project="Spring Campaign",
                deliverable=f"Film {number % 4}",
                key=f"box {number % 3}",
            )
        )
    made.append(generation(amounts[0], id="e1", request_id="e1", client="Northwind", counting=Counting.ESTIMATE))
    made.append(generation(amounts[0], id="e2", request_id="e2", client="Northwind", counting=Counting.PENDING))
    made.append(generation(None, id="e3", request_id="e3", client="Northwind"))
    for number, (amount, currency) in enumerate((each, into) for each in amounts for into in ("USD", "EUR", "KWD")):
        made.append(
            external(amount, f"2026-11-{number + 1:02}", id=f"x{number}", currency=currency, client="Northwind")
        )
    return made


@pytest.fixture(params=[(size, terms, home) for size in AMOUNTS for terms in TERMS for home in CURRENCIES], ids=str)
def shown(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> Iterator[Page]:
    size, terms, home = request.param
    asked = ReportRequest(
        filters=Filters(client="Northwind"),
        converter=CURRENCIES[home],
        home=home,
        locale="en_US",
        zone=UTC,
        now=NOW,
        terms=TERMS[terms],
    )
    source = tmp_path / "report.html"
    source.write_text("".join(report_html(records(AMOUNTS[size]), asked)), encoding="utf-8")
    page = browser.page(source.as_uri())
    yield page
    page.close()


def ill(page: Page) -> list[Any]:
    """What is wrong with the figures that the page shows."""
    told = page.evaluate(_ILL)
    assert told["seen"] > 60
    return list(told["ill"])


def test_every_figure_is_whole_and_in_its_place(shown: Page) -> None:
    for width in WIDTHS:
        for scheme in ("light", "dark") if width in {320, 1280} else ("light",):
            shown.show_all(width, scheme)
            # A window that is not as tall as its page has a scroll bar, which leaves less room.
            shown.look(width, scheme=scheme)
            assert ill(shown) == [], (width, scheme)
        assert shown.overflow == 0, width
    shown.show_all(800, "dark")
    assert shown.axe()[0] == []


def page_of(browser: Browser, folder: Path, amounts: tuple[str, ...], terms: ClientTerms | None) -> Page:
    """A report in dollars."""
    asked = ReportRequest(
        filters=Filters(client="Northwind"),
        converter=rates(),
        home="USD",
        locale="en_US",
        zone=UTC,
        now=NOW,
        terms=terms,
    )
    source = folder / "report.html"
    source.write_text("".join(report_html(records(amounts), asked)), encoding="utf-8")
    return browser.page(source.as_uri())


def test_a_log_that_is_wider_than_the_window_shows_it(browser: Browser, tmp_path: Path) -> None:
    """A shade at the edge that has more behind it; its scroll bar is below thousands of lines."""
    page = page_of(browser, tmp_path, AMOUNTS["millions"], TERMS["charges"])
    page.show_all(800)
    wide = page.evaluate(_SHADES)
    assert wide["more"] > 100
    assert " -20px 0px 16px" in wide["start"]
    assert " 20px 0px 16px" in wide["end"]
    page.close()


def test_a_log_of_ordinary_amounts_fits_a_laptop(browser: Browser, tmp_path: Path) -> None:
    page = page_of(browser, tmp_path, AMOUNTS["ordinary"], TERMS["charges"])
    for width in (1280, 1920):
        page.show_all(width)
        fits = page.evaluate(_SHADES)
        assert (fits["more"], fits["start"]) == (0, "none"), width
    page.close()


def test_on_a_phone_nothing_is_said_of_a_charge_that_there_is_not(browser: Browser, tmp_path: Path) -> None:
    page = page_of(browser, tmp_path, AMOUNTS["ordinary"], TERMS["charges"])
    page.show_all(320)
    empty, others = page.evaluate("""
        [true, false].map(empty => [...document.querySelectorAll('.charged td:last-child')]
            .filter(cell => (cell.innerText.trim() === '') === empty)
            .map(cell => cell.checkVisibility()))
    """)
    assert set(empty) == {False}
    assert set(others) == {True}
    page.close()
