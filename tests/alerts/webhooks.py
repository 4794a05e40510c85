"""A server for webhooks, real down to TLS, that answers as a test tells it to and keeps what it was sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme


@dataclass
class Answer:
    """One answer: its status, headers and body; ``silence_s`` before it, ``drip`` has it come a byte at a time."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    silence_s: float = 0.0
    drip: bool = False


@dataclass(frozen=True)
class Sent:
    """What came: when (monotonic), where to, with which headers, and the JSON."""

    at: float
    path: str
    headers: dict[str, str]
    json: Any


class WebhookServer:
    """Answers one after the other of ``answers``, then 200 for ever."""

    def __init__(self, *answers: Answer, authority: trustme.CA | None = None) -> None:
        self.answers = list(answers)
        self.sent: list[Sent] = []
        self._over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.sent.append(Sent(time.monotonic(), self.path, headers, json.loads(body)))
                outer.answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its own name
                """Keeps quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        # A client that gives up in the middle is what several tests are about.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.port = self._server.server_address[1]
        scheme = "http"
        if authority is not None:
            import ssl

            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("localhost").configure_cert(context)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            scheme = "https"
        self.url = f"{scheme}://localhost:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        answer = self.answers.pop(0) if self.answers else Answer()
        self._over.wait(answer.silence_s)
        if self._over.is_set():
            return
        handler.send_response(answer.status)
        for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        for byte in answer.body if answer.drip else ():
            handler.wfile.write(bytes([byte]))
            if self._over.wait(0.1):
                return
        if not answer.drip:
            handler.wfile.write(answer.body)

    @contextmanager
    def running(self) -> Iterator[WebhookServer]:
        self._thread.start()
        try:
            yield self
        finally:
            self._over.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
