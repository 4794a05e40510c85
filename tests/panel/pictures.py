"""Pictures of the panel: light, dark, on a phone, and with what is wrong in its form."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from tests.desktop.harness import wait_until
from tests.reports.browser import Browser, Page

_WIDE, _PHONE = 1280, 390

_WRONG = {"period": "days", "since": "2026-11-20", "until": "2026-11-10", "currency": "EUX"}


def panel_pictures(out: Path, folder: Path, link: str, client: str) -> list[Path]:
    """Takes them of the page “Reports”.

    Args:
        out: where they go.
        folder: for what the browser needs.
        link: opens the panel.
        client: that is written in a wrong way.
    """
    with Browser(folder / "panel-profile", loopback=True) as browser:
        page = browser.page(link)
        wait_until(lambda: page.evaluate("location.pathname") == "/reports", what="the panel")
        page.call("Emulation.setScrollbarsHidden", hidden=True)
        taken = [
            _taken(page, out / "panel-reports-light.png", _WIDE, "light"),
            _taken(page, out / "panel-reports-dark.png", _WIDE, "dark"),
            _taken(page, out / "panel-reports-phone.png", _PHONE, "light"),
        ]
        wrong = urlencode({**_WRONG, "client": f"={client[:-2]}"})
        page.call("Page.navigate", url=f"{page.evaluate('location.origin')}/reports/asked?{wrong}")
        wait_until(lambda: page.evaluate("document.querySelector('[autofocus]') !== null"), what="what is wrong")
        return [*taken, _taken(page, out / "panel-reports-wrong.png", _WIDE, "light")]


def _taken(page: Page, path: Path, width: int, scheme: str) -> Path:
    page.show_all(width, scheme)
    path.write_bytes(page.picture())
    return path
