"""Reports as they are sent, and a browser to open them in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reports.browser import Browser, Page
from tests.reports.full_ledger import make, report

#: A report of everything, of a client with markup, of one whose costs are hidden, and of nothing.
REPORTS = {
    "all": ("--currency", "SEK"),
    "charged": ("--client", "Northwind"),
    "hidden": ("--client", "Näckrosen"),
    "empty": ("--client", "Nobody"),
}


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
