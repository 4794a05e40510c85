"""A command after an update, while the trayd that runs is still the one of before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from trayd.desk import RemoteDesk
from trayd.errors import DaemonError, UsageError
from trayd.panel.address import API_ROOT, Address

# What the API of the first trayd took, and answered with: whole texts, whatever the command accepts.
KNOWN = {"export": {"format", "client"}, "report": {"client"}}


class _Older(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = urlsplit(self.path)
        operation = path.path.removeprefix(f"{API_ROOT}/")
        unknown = sorted(set(parse_qs(path.query)) - KNOWN.get(operation, set()))
        kind, text, status = "text/html; charset=utf-8", "<!doctype html>\n<title>x</title>\n", 200
        if unknown:
            error = f'{{"message": "{operation}: there is no argument {unknown[0]}", "cure": "leave it out", '
            kind, text, status = "application/json", f'{{"error": {error}"exit_code": 2}}}}', 400
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def desk() -> Iterator[RemoteDesk]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Older) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with closing(RemoteDesk(Address(pid=1, url=f"http://127.0.0.1:{server.server_port}", token="t"))) as desk:
                yield desk
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("operation", ["report", "export"])
def test_a_text_that_it_tells_otherwise_is_said_to_be_of_another_version(desk: RemoteDesk, operation: str) -> None:
    with pytest.raises(DaemonError, match="the running trayd is of another version than this command") as refused:
        "".join(desk.text(operation, client="Northwind"))
    assert "start it again" in (refused.value.cure or "")


def test_so_is_an_answer_that_is_no_data(desk: RemoteDesk) -> None:
    with pytest.raises(DaemonError, match="of another version"):
        desk.ask("status")


def test_options_that_nobody_gave_are_not_asked_of_it(desk: RemoteDesk) -> None:
    """It would say that there are none of that name, to a person who has named none."""
    with pytest.raises(DaemonError, match="of another version"):
        desk.text("export", format="csv", delimiter="comma", decimal="point", bom=False, currency=None)


def test_options_that_were_given_are_and_it_says_that_it_has_none(desk: RemoteDesk) -> None:
    with pytest.raises(UsageError, match="there is no argument decimal"):
        desk.text("export", format="csv", delimiter="semicolon", decimal="comma")
