"""The panel in a real browser: how it opens, what it looks like, what it asks for, what it keeps others from."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from msgspec import structs

from tests.desktop.harness import wait_until
from tests.panel.served import HOSTILE, Panel, ServedHere
from tests.panel.test_making import Slowly
from tests.reports.browser import Browser, Page
from trayd.errors import TraydError
from trayd.panel.report_form import named

#: The phone, the laptop, the wall.
WIDTHS = (320, 1280, 3840)

WRONG = "/reports/asked?period=days&since=2025-02-02&until=2025-01-01&deliverable=Hero+Flm&currency=EUX"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile"), loopback=True) as running:
        yield running


@pytest.fixture
def page(browser: Browser, panel: Panel) -> Iterator[Page]:
    """Reports, opened by a link as a person does it."""
    browser.call("Storage.clearCookies")
    page = browser.page(panel.visitor().link())
    wait_until(lambda: is_at(page, "/reports"), what="the page behind the link")
    yield page
    page.close()


def now(page: Page, expression: str) -> Any:
    """What the expression comes to; None while the page is on its way to another one."""
    try:
        return page.evaluate(expression)
    except AssertionError:
        return None


def shown(page: Page) -> str:
    return str(now(page, "document.body.innerText"))


def is_at(page: Page, path: str) -> bool:
    return bool(now(page, "location.pathname + ' ' + document.readyState") == f"{path} complete")


def goes(page: Page, path: str) -> None:
    page.browser.events.clear()
    page.call("Page.navigate", url=path)
    page.browser.until("Page.loadEventFired", page.session)


def opened(browser: Browser, before: set[str]) -> Page:
    """The tab that a click has opened."""

    def found() -> str | None:
        told = browser.call("Target.getTargets")["targetInfos"]
        return next((each["targetId"] for each in told if each["targetId"] not in before), None)

    target = wait_until(found, what="a new tab")
    session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    page = Page(browser, target, session)
    for domain in ("Page", "Runtime", "Log", "Network"):
        page.call(f"{domain}.enable")
    wait_until(lambda: is_at(page, "/report"), what="its page")
    return page


def targets(browser: Browser) -> set[str]:
    return {each["targetId"] for each in browser.call("Target.getTargets")["targetInfos"]}


def cookies(page: Page) -> list[dict[str, Any]]:
    return list(page.call("Network.getCookies")["cookies"])


def refused(page: Page) -> list[str]:
    """What the console says, but for the statuses of answers, which are meant."""
    texts = (str(each.get("entry", each)) for each in page.complaints)
    return [text for text in texts if "the server responded with a status of" not in text]


def test_the_link_leads_to_the_page_and_stays_nowhere(page: Page, panel: Panel) -> None:
    url, _ = panel.where()
    entries = [each["url"] for each in page.call("Page.getNavigationHistory")["entries"]]
    assert entries == ["about:blank", f"{url}/reports"]
    (cookie,) = cookies(page)
    assert cookie["httpOnly"]
    assert cookie["session"]
    assert cookie["sameSite"] == "Strict"
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("document.referrer") == ""
    assert page.evaluate("document.title") == "Reports · trayd"


def test_it_asks_nobody_else_for_anything_and_complains_of_nothing(page: Page, panel: Panel) -> None:
    url, _ = panel.where()
    asked = "/reports/asked?client=%3DNorthwind&period=all"
    for path, end in (("/nothing", "/nothing"), ("/", "/reports"), (WRONG, "/reports/asked"), (asked, "/report")):
        page.call("Page.navigate", url=f"{url}{path}")
        wait_until(partial(is_at, page, end), what="the page")
    assert {asked.partition("/")[0] for asked in page.asked} == {"http:"}
    assert all(asked.startswith(f"{url}/") for asked in page.asked)
    assert refused(page) == []
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")


def test_a_link_on_another_sites_page_opens_the_panel_as_well(browser: Browser, panel: Panel, tmp_path: Path) -> None:
    """As in a mail or a terminal in the browser: a strict cookie is not sent along at first, and yet it works."""
    browser.call("Storage.clearCookies")
    foreign = tmp_path / "page.html"
    foreign.write_text(f'<a href="{panel.visitor().link()}">open</a>')
    page = browser.page(foreign.as_uri())
    page.evaluate("document.querySelector('a').click()")
    wait_until(lambda: is_at(page, "/reports"), what="the panel")
    assert "Build a report" in page.text
    page.close()


def test_a_browser_that_was_not_let_in_is_told_how(browser: Browser, panel: Panel) -> None:
    browser.call("Storage.clearCookies")
    page = browser.page(f"{panel.where()[0]}/reports")
    assert "This browser has not been let in" in page.text
    assert "trayd open panel" in page.text
    assert page.axe() == ([], [])
    assert refused(page) == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", ["/reports", WRONG, "/nothing"])
def test_it_is_within_reach_of_everybody(page: Page, panel: Panel, path: str, width: int, scheme: str) -> None:
    goes(page, f"{panel.where()[0]}{path}")
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    page.show_all(width, scheme)
    assert page.overflow <= 0
    assert page.axe() == ([], [])
    page.evaluate("[...document.querySelectorAll('select')].forEach(each => each.value = each.options[1].value)")
    assert page.overflow <= 0


def test_the_keyboard_alone_fills_in_the_form_and_opens_the_report(page: Page, browser: Browser) -> None:
    page.look(1280)
    before, places = targets(browser), []
    for _ in range(10):
        page.press("Tab")
        focused = page.focused
        assert focused is not None
        assert focused["seen"]
        assert focused["marked"]
        places.append(page.evaluate("document.activeElement.name || document.activeElement.innerText"))
        if places[-1] == "client":
            typed(page, "Northwind")
        if places[-1] == "period":
            typed(page, "Everything")
        if places[-1] == "Open report":
            break
    assert places == ["Reports", "client", "project", "deliverable", "period", "More", "Open report"]
    page.press("Enter")
    report = opened(browser, before)
    assert report.evaluate("location.search") == "?client=Northwind"
    assert "AI cost report" in report.evaluate("document.title")
    assert refused(report) == []
    report.close()


def typed(page: Page, text: str) -> None:
    """Chooses by the first letters, as selects are chosen from."""
    for letter in text:
        page.call("Input.dispatchKeyEvent", type="char", text=letter, key=letter)


def test_days_are_asked_for_where_they_count(page: Page) -> None:
    shown = "getComputedStyle(document.querySelector('.days')).display !== 'none'"
    choose = "document.querySelector('#period').value = '{}'"
    assert page.evaluate(shown) is False
    page.evaluate(choose.format("days"))
    assert page.evaluate(shown) is True
    assert page.evaluate("getComputedStyle(document.querySelector('.only-without-has')).display") == "none"
    page.evaluate(choose.format("all"))
    assert page.evaluate(shown) is False


def test_it_needs_no_script(browser: Browser, panel: Panel) -> None:
    browser.call("Storage.clearCookies")
    page = browser.page(panel.visitor().link(), scripts=False)
    wait_until(lambda: is_at(page, "/reports"), what="the page behind the link")
    goes(page, f"{panel.where()[0]}{WRONG}")
    wait_until(lambda: now(page, "document.activeElement.id") == "deliverable", what="the first of what is wrong")
    assert page.evaluate("document.querySelectorAll('[aria-invalid]').length") == 3
    goes(page, f"{panel.where()[0]}/reports/asked?client=%3DNorthwind&period=all")
    assert page.evaluate("location.pathname") == "/report"
    assert "Summary" in page.text
    page.close()


def test_a_report_is_saved_under_its_name(page: Page, browser: Browser, tmp_path: Path) -> None:
    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.evaluate("document.querySelector('#client').value = '=Northwind'")
    page.evaluate("document.querySelector('#period').value = '2025-02'")
    page.evaluate("document.querySelector('button[name=save]').click()")
    path = tmp_path / "trayd-report-northwind-2025-02.html"
    wait_until(path.exists, what="the file")
    assert "<h1>Northwind</h1>" in path.read_text(encoding="utf-8")
    assert is_at(page, "/reports")


@pytest.mark.parametrize("client", HOSTILE)
def test_every_name_can_be_chosen_and_none_does_anything(page: Page, client: str) -> None:
    page.evaluate(f"document.querySelector('#client').value = {json.dumps(named(client))}")
    page.evaluate("document.querySelector('#period').value = 'all'")
    page.evaluate("document.querySelectorAll('button')[0].removeAttribute('formtarget')")
    page.browser.events.clear()
    page.evaluate("document.querySelectorAll('button')[0].click()")
    wait_until(lambda: is_at(page, "/report"), what="the report")
    assert page.evaluate("new URLSearchParams(location.search).get('client')") == client
    assert page.evaluate("document.title").startswith("AI cost report")
    assert refused(page) == []


def test_a_report_that_takes_longer_tells_how_far_it_is_and_is_shown_in_its_place(
    browser: Browser, here: ServedHere
) -> None:
    slowly = Slowly(here.here.operations)
    page = browser.page(here.visitor().link(), scripts=False)
    wait_until(lambda: is_at(page, "/reports"), what="the panel")
    page.look(1280, 700)
    page.call("Page.navigate", url=f"{here.where()[0]}/report?client=Northwind")
    steps = "document.querySelector('.steps')?.innerText?.trim() ?? ''"
    # One step is shown, and it is the last one, while the page is still being sent.
    wait_until(lambda: now(page, steps) == "2,000 of 10,000 entries", what="the step")
    assert page.evaluate("document.readyState") == "loading"
    assert page.evaluate("document.querySelectorAll('.steps p').length") == 2
    assert page.evaluate("document.querySelector('.steps p:last-child progress').value") == 2000
    slowly.go.set()
    wait_until(lambda: is_at(page, "/report") and "Summary" in shown(page), what="the report")
    entries = [urlsplit(each["url"]) for each in page.call("Page.getNavigationHistory")["entries"]]
    assert [each.path for each in entries] == ["blank", "/reports", "/report"]
    assert refused(page) == []
    page.close()


def test_the_page_that_tells_how_far_it_is_is_within_reach_of_everybody(browser: Browser, here: ServedHere) -> None:
    slowly = Slowly(here.here.operations)
    slowly.wrong = TraydError("report.html.j2 line 3: there is no 'clint'", "write one of those that are there")
    page = browser.page(here.visitor().link())
    wait_until(lambda: is_at(page, "/reports"), what="the panel")
    page.call("Page.navigate", url=f"{here.where()[0]}/report?client=Northwind")
    wait_until(lambda: "2,000 of" in shown(page), what="a step")
    slowly.go.set()
    wait_until(lambda: is_at(page, "/report") and "there is no 'clint'." in shown(page), what="what went wrong")
    for width in WIDTHS:
        page.look(width)
        assert page.overflow <= 0
        assert page.axe() == ([], [])
    page.close()


OWN = """<!doctype html>
<html lang="en">
<head><title>before</title><style>p { color: rgb(1, 2, 3) }</style></head>
<body><p style="font-style: italic" onclick="document.title = 'taken'">{{ report.title }}</p>
<script>document.title = "taken"</script><img src="/reports" alt=""><form action="/reports"><button>send</button></form>
</body></html>"""


def test_a_template_of_ones_own_has_its_styles_and_runs_nothing(
    browser: Browser, here: ServedHere, tmp_path: Path
) -> None:
    (tmp_path / "report.html.j2").write_text(OWN)
    before = here.here.operations.settings
    report = structs.replace(before.report, templates=str(tmp_path))
    here.here.operations.settings = structs.replace(before, report=report)
    page = browser.page(here.visitor().link())
    wait_until(lambda: is_at(page, "/reports"), what="the panel")
    goes(page, f"{here.where()[0]}/report?client=Northwind")
    wait_until(lambda: is_at(page, "/report") and "Northwind" in shown(page), what="the report")
    page.evaluate("document.querySelector('p').click()")
    page.evaluate("document.querySelector('button').click()")
    assert page.evaluate("document.title") == "before"
    assert page.evaluate("self.origin") == "null"
    style = "(({color, fontStyle}) => color + fontStyle)(getComputedStyle(document.querySelector('p')))"
    assert page.evaluate(style) == "rgb(1, 2, 3)italic"
    assert is_at(page, "/report")
    assert not page.got(f"{here.where()[0]}/reports")
    page.close()


FOREIGN = """<!doctype html><title>before</title><style>body { color: red }</style>
<script>document.title = "taken"</script><img src="/reports"><iframe src="/reports"></iframe>
<form action="/reports"><button>send</button></form><a href="/reports">reports</a>
<p onclick="document.title = 'taken'">text</p>"""


def test_a_foreign_page_in_the_folder_can_do_nothing_in_the_panels_name(page: Page, panel: Panel) -> None:
    folder = panel.home / "reports"
    folder.mkdir(exist_ok=True)
    (folder / "foreign.html").write_text(FOREIGN)
    goes(page, f"{panel.where()[0]}/reports/kept/foreign.html")
    page.evaluate("document.querySelector('p').click()")
    assert page.evaluate("document.title") == "before"
    assert page.evaluate("self.origin") == "null"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(255, 0, 0)"
    # Frame, picture, script and handler: each is refused, and nothing came of them.
    assert len(refused(page)) >= 4
    assert not page.got(f"{panel.where()[0]}/reports")


class Neighbour(BaseHTTPRequestHandler):
    """Another server on this computer: to a browser the same site as the panel."""

    target = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(
            f"""<!doctype html><a href="{self.target}/reports">panel</a><iframe src="{self.target}/reports"></iframe>
            <script>
            window.told = fetch("{self.target}/reports", {{credentials: "include"}}).then(a => a.text(), e => e.name);
            window.sent = fetch("{self.target}/api/v1/panel-link",
                {{credentials: "include", method: "POST", mode: "no-cors"}}).then(a => a.type, e => e.name);
            </script>""".encode()
        )

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Tells nobody."""


@pytest.fixture
def neighbour(panel: Panel) -> Iterator[str]:
    handler = type("Handler", (Neighbour,), {"target": panel.where()[0]})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_another_server_on_this_computer_gets_nothing_of_the_panel(page: Page, neighbour: str) -> None:
    goes(page, neighbour)
    assert page.evaluate("told") == "TypeError"
    assert page.evaluate("sent") in {"opaque", "TypeError"}
    framed = page.call("Page.getFrameTree")["frameTree"]["childFrames"][0]["frame"]
    assert framed.get("unreachableUrl") or framed["url"].startswith("chrome-error:")
    page.browser.events.clear()
    page.evaluate("document.querySelector('a').click()")
    wait_until(lambda: is_at(page, "/reports"), what="the page behind the link")
    assert "Another site's page leads here." in page.text
    assert "Build a report" not in page.text


def test_colours_and_letters_are_the_reports() -> None:
    folder = Path(__file__).parents[2] / "trayd"
    panel, report = (
        dict(re.findall(r"(--\w+): ([^;]+);", (folder / path).read_text(encoding="utf-8").partition("}")[0]))
        for path in ("panel/templates/panel.css", "reports/templates/report.css")
    )
    shared = panel.keys() & report.keys()
    assert {"--paper", "--ink", "--soft", "--rule", "--accent", "--warn", "--serif", "--sans"} <= shared
    assert {name: panel[name] for name in shared} == {name: report[name] for name in shared}
