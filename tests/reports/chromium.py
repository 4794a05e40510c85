"""A real browser that opens a page and tells what the page asked for and complained about."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# The browser itself would call home; every name but the test's own server leads nowhere.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


@dataclass(frozen=True)
class Visit:
    """What a visit of a page left behind.

    Attributes:
        dom: the page as the browser understood it.
        console: what it wrote to its console.
        asked: the addresses that the page itself wanted, beyond its own.
    """

    dom: str
    console: list[str]
    asked: set[str]


def run(folder: Path, url: str, *flags: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("chromium")
    assert program, "these tests need chromium (apt install chromium)"
    profile = folder / "profile"
    arguments = [program, *FLAGS, f"--user-data-dir={profile}", *flags, url]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True)


def visit(folder: Path, url: str) -> Visit:
    """Opens the page and waits until it has loaded."""
    log = folder / "net.json"
    done = run(folder, url, "--enable-logging=stderr", f"--log-net-log={log}", "--dump-dom")
    origin = "/".join(url.split("/")[:3])
    events = json.loads(log.read_text())["events"]
    requests = [event["params"] for event in events if "initiator" in event.get("params", {})]
    return Visit(
        dom=done.stdout,
        console=re.findall(r"CONSOLE.*", done.stderr),
        asked={request["url"] for request in requests if request["initiator"] == origin and "url" in request},
    )


@contextmanager
def served(text: str) -> Iterator[tuple[str, list[str]]]:
    """Serves the page on loopback; gives its address and the list of the paths that were asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200 if self.path == "/report.html" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            if self.path == "/report.html":
                self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/report.html", paths
        finally:
            server.shutdown()
            thread.join()
