"""Reports that take longer: what is told while they are made, what goes wrong, and who leaves before the end."""

from __future__ import annotations

import html
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.desktop.harness import wait_until
from tests.panel.served import Panel, ServedHere, Visitor, daemon, hostile_home
from trayd.errors import TraydError
from trayd.operations.documents import Document
from trayd.operations.operations import Operations

#: As a browser says that a person waits before a window.
IN_WINDOW = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}

#: Goes on until it is ended.
ENDLESS = (
    "<!doctype html><html lang=en><head>{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
)


class Slowly:
    """Has reports made by a test: piece by piece, as it says."""

    def __init__(self, operations: Operations) -> None:
        self.go = threading.Event()
        self.asked = 0
        self.wrong: Exception | None = None
        self._whole: Callable[..., Document] = operations.report
        operations.report = self  # type: ignore[method-assign,assignment]

    def __call__(self, query: object) -> Document:
        whole = self._whole(query)
        document = Document(whole.name, whole.media_type)

        def pieces() -> Iterator[str]:
            document.progress(2000, 10_000)
            while not self.go.is_set():
                time.sleep(0.03)
                self.asked += 1
                yield ""
            document.progress(10_000, 10_000)
            time.sleep(0.6)
            if self.wrong is not None:
                raise self.wrong
            yield from whole

        document.consist_of(pieces())
        return document


@pytest.fixture
def slowly(here: ServedHere) -> Slowly:
    return Slowly(here.here.operations)


@pytest.fixture
def visitor(here: ServedHere) -> Visitor:
    visitor = here.visitor()
    visitor.enter()
    return visitor


def told(visitor: Visitor, path: str, slowly: Slowly) -> str:
    """All that the page says until it is at its end."""
    text = ""
    with visitor.http.stream("GET", path, headers=IN_WINDOW) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        for piece in answer.iter_text():
            text += piece
            if "2,000 of 10,000 entries" in text:
                slowly.go.set()
    return text


def shown_until_broken_off(visitor: Visitor, path: str) -> str:
    """What a window shows whose connection ends in the middle."""
    text = ""
    with visitor.http.stream("GET", path, headers=IN_WINDOW) as answer, suppress(httpx.RemoteProtocolError):
        for piece in answer.iter_text():
            text += piece
    return text


def leads_to(page: str) -> str:
    (address,) = re.findall(r'<meta http-equiv="refresh" content="0; url=([^"]+)">', page)
    return html.unescape(address)


def test_who_waits_is_told_how_far_it_is_and_led_to_the_report(visitor: Visitor, slowly: Slowly) -> None:
    page = told(visitor, "/report?client=Northwind&project=", slowly)
    steps = re.findall(r"<p>(.*?)</p>", page.partition('class="steps"')[2], re.DOTALL)
    assert "The ledger is being read." in steps[0]
    assert 'value="2000" max="10000"' in steps[1]
    assert "10,000 entries, being laid out" in steps[-3]
    assert "It is made." in steps[-2]
    assert page.rstrip().endswith("</html>")
    made = leads_to(page)
    assert made.startswith("/report?client=Northwind&project=&made=")
    report = visitor.http.get(made, headers=IN_WINDOW)
    assert "<h1>Northwind</h1>" in report.text
    assert report.headers["content-security-policy"].startswith("sandbox ")


def test_it_is_fetched_once_and_else_made_anew(visitor: Visitor, slowly: Slowly) -> None:
    made = leads_to(told(visitor, "/report?client=Northwind", slowly))
    first = visitor.http.get(made, headers=IN_WINDOW).text
    again = told(visitor, made, slowly)
    assert "It is made." in again
    assert leads_to(again) != made
    assert visitor.http.get(leads_to(again), headers=IN_WINDOW).text == first


def test_what_is_to_be_saved_is_saved_and_the_page_stays(visitor: Visitor, slowly: Slowly) -> None:
    page = told(visitor, "/report?client=Northwind&save=1", slowly)
    assert "your browser saves it" in page
    assert '<a href="/reports">Back to the reports</a>' in page
    assert visitor.http.get(leads_to(page)).headers["content-disposition"].startswith("attachment; ")


def test_whatever_is_no_window_gets_the_report_and_nothing_else(visitor: Visitor, slowly: Slowly) -> None:
    slowly.go.set()
    assert visitor.get("/report?client=Northwind").text.startswith('<!doctype html>\n<html lang="en">\n<head>\n<meta')
    assert "<h1>Northwind</h1>" in visitor.get("/report?client=Northwind").text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (TraydError("report.html.j2 line 3: there is no <b>", "mend it"), ("no &lt;b&gt;.</strong> Mend it.",)),
        (
            RuntimeError("a bug"),
            ("The page could not be made.</strong> See trayd&#x27;s log, and <code>trayd doctor</code>.",),
        ),
    ],
)
def test_what_goes_wrong_halfway_is_told_on_the_page(
    visitor: Visitor, slowly: Slowly, wrong: Exception, said: tuple[str, ...]
) -> None:
    slowly.wrong = wrong
    page = told(visitor, "/report?client=Northwind", slowly)
    assert all(each in page for each in said)
    assert "a bug" not in page
    assert "refresh" not in page


def test_who_closes_the_page_ends_the_work(visitor: Visitor, slowly: Slowly) -> None:
    with visitor.http.stream("GET", "/report?client=Northwind", headers=IN_WINDOW) as answer:
        pieces = answer.iter_text()
        while "2,000 of 10,000" not in next(pieces):
            pass

    def rests() -> bool:
        before = slowly.asked
        time.sleep(0.5)
        return slowly.asked == before

    wait_until(rests, what="the end of the work")
    assert not slowly.go.is_set()


def test_the_pages_are_there_while_a_report_is_made(visitor: Visitor, slowly: Slowly) -> None:
    with visitor.http.stream("GET", "/report?client=Northwind", headers=IN_WINDOW) as answer:
        pieces = answer.iter_text()
        next(pieces)
        begun = time.monotonic()
        assert visitor.get("/reports").status_code == 200
        assert time.monotonic() - begun < 5
        slowly.go.set()
        assert "It is made." in "".join(pieces)


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Panel]:
    """A daemon whose reports are never ready."""
    home = hostile_home(tmp_path)
    (home / "own").mkdir()
    (home / "own" / "report.html.j2").write_text(ENDLESS)
    settings = home / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("[report]\n", '[report]\ntemplates = "own"\n', 1))
    with daemon(home) as panel:
        yield panel


def children(panel: Panel) -> list[str]:
    tasks = Path(f"/proc/{panel.daemon.process.pid}/task").iterdir()
    return [child for task in tasks for child in (task / "children").read_text().split()]


@pytest.mark.skipif(sys.platform != "linux", reason="which processes a process has started stands in /proc")
@pytest.mark.parametrize("before", ["nothing has come", "a step has come"])
def test_who_leaves_ends_a_template_of_ones_own_that_runs(hanging: Panel, before: str) -> None:
    """Also at once, as who reloads twice: nothing goes on for a minute that nobody waits for."""
    visitor = hanging.visitor()
    visitor.enter()
    if before == "nothing has come":
        with suppress(httpx.ReadTimeout):
            visitor.http.get("/report", headers=IN_WINDOW, timeout=0.1)
    else:
        with visitor.http.stream("GET", "/report", headers=IN_WINDOW) as answer:
            next(answer.iter_text())
            wait_until(lambda: children(hanging), what="the template's process")
    time.sleep(1)
    wait_until(lambda: not children(hanging), timeout=10, what="the end of the template's process")


def test_who_waits_when_trayd_ends_is_told_so(hanging: Panel) -> None:
    visitor = hanging.visitor()
    visitor.enter()
    with ThreadPoolExecutor() as threads:
        program = threads.submit(visitor.api, "/report")
        page = threads.submit(visitor.get, "/report")
        window = threads.submit(shown_until_broken_off, visitor, "/report")
        time.sleep(2)
        assert not any(each.done() for each in (program, page, window))
        hanging.daemon.end()
    assert (program.result().status_code, page.result().status_code) == (503, 503)
    assert program.result().json()["error"] == {
        "message": "trayd was ended before the answer was ready",
        "cure": "start it with `trayd run`, and ask again",
        "exit_code": 1,
    }
    for text in (page.result().text, window.result()):
        assert "trayd was ended before the answer was ready." in text
        assert "Start it with <code>trayd run</code>, and ask again." in text
    hanging.daemon = hanging._started()
