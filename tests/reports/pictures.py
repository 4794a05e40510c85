"""Pictures of reports: light, dark, on a phone, on paper, and one that a client gets whose costs are hidden."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.reports.browser import A4, Browser
from tests.reports.printed import size

_WIDE, _PHONE = 1280, 390
#: Of paper, in a picture.
_PAGES = 3


def report_pictures(out: Path, folder: Path, whole: Path, statement: Path) -> list[Path]:
    """Takes them of two reports.

    Args:
        out: where they go.
        folder: for what the browser needs.
        whole: of everything.
        statement: of a client.
    """
    looks = (
        ("report-light.png", whole, _WIDE, 1800, "light"),
        ("report-dark.png", whole, _WIDE, 1800, "dark"),
        ("report-phone.png", whole, _PHONE, 1600, "light"),
        ("report-statement.png", statement, _WIDE, 1800, "light"),
    )
    taken = []
    with Browser(folder / "profile") as browser:
        for name, page, width, height, scheme in looks:
            opened = browser.page(page.as_uri())
            opened.call("Emulation.setScrollbarsHidden", hidden=True)
            opened.look(width, height, scheme)
            (out / name).write_bytes(opened.picture())
            taken.append(out / name)
            opened.close()
        printed = []
        for page in (whole, statement):
            pdf = (folder / page.stem).with_suffix(".pdf")
            pdf.write_bytes(browser.page(page.as_uri()).pdf(A4))
            printed.append(pdf)
    first, last = printed
    return [
        *taken,
        _printed(out / "report-print.png", first, 1),
        _printed(out / "report-print-log.png", last, size(last)[0] - _PAGES + 1),
    ]


def _printed(picture: Path, pdf: Path, first: int) -> Path:
    """Some pages beside each other from the first one on, as they lie on a desk."""
    pages = pdf.with_suffix("")
    subprocess.run(
        ["pdftoppm", "-r", "70", "-f", str(first), "-l", str(first + _PAGES - 1), "-png", pdf, pages], check=True
    )
    subprocess.run(
        ["montage", *sorted(pages.parent.glob(f"{pages.name}-*.png")), "-tile", f"{_PAGES}x1", "-geometry", "+14+14",
         "-background", "#8a9099", picture],
        check=True,
    )  # fmt: skip
    return picture
