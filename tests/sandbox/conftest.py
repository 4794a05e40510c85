from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from trayd.fal.sandbox.options import SandboxOptions
from trayd.fal.sandbox.server import Sandbox, running_sandbox

#: A Tuesday afternoon, when a studio is busy.
NOON = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)


class HandClock:
    """A clock that a test moves by hand."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> None:
        self.moment += timedelta(**span)


class Api:
    """A caller of one sandbox, whose answers hold exact decimals."""

    def __init__(self, sandbox: Sandbox, client: httpx.Client) -> None:
        self.sandbox = sandbox
        self._client = client

    def get(self, path: str, *, key: str | None = None, **params: Any) -> httpx.Response:
        return self.call("GET", path, key=key, params=params)

    def call(self, method: str, path: str, *, key: str | None = None, **how: Any) -> httpx.Response:
        """Calls with the Admin key unless another is given; an empty one sends no header."""
        key = self.sandbox.admin_key if key is None else key
        headers = {"Authorization": f"Key {key}"} if key else {}
        return self._client.request(method, self.sandbox.url + path, headers=headers, **how)

    def json(self, path: str, **params: Any) -> Any:
        answer = self.get(path, **params)
        assert answer.status_code == 200, answer.text
        return exact(answer.content)

    def pages(self, path: str, rows: str, **params: Any) -> Iterator[list[Any]]:
        cursor = None
        while True:
            page = self.json(path, **params, **({"cursor": cursor} if cursor else {}))
            yield page[rows]
            cursor = page["next_cursor"]
            assert page["has_more"] == (cursor is not None)
            if cursor is None:
                return

    def all(self, path: str, rows: str, **params: Any) -> list[Any]:
        return [row for page in self.pages(path, rows, **params) for row in page]

    def events(self, **params: Any) -> list[Any]:
        return self.all("/models/billing-events", "billing_events", limit=10_000, **params)

    def balance(self) -> Decimal:
        return Decimal(self.json("/account/billing", expand="credits")["credits"]["current_balance"])

    def control(self, method: str, what: str, /, **body: Any) -> Any:
        answer = self._client.request(method, f"{self.sandbox.control_url}/{what}", json=body or None)
        assert answer.status_code == 200, answer.text
        return answer.json()


def exact(body: bytes) -> Any:
    """JSON with every number as a Decimal or an int, never a float."""
    return json.loads(body, parse_float=Decimal)


Start = Callable[..., Api]


@contextmanager
def _starting() -> Iterator[Start]:
    with ExitStack() as stack:

        def start(clock: Callable[[], datetime] | None = None, **options: Any) -> Api:
            settings = msgspec.structs.replace(SandboxOptions(), **options)
            sandbox = stack.enter_context(running_sandbox(settings, clock or HandClock()))
            return Api(sandbox, stack.enter_context(httpx.Client(timeout=10)))

        yield start


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts sandboxes that end with the test."""
    with _starting() as start:
        yield start


@pytest.fixture(scope="module")
def past() -> Iterator[Api]:
    """A sandbox with 80 days behind it, whose clock stands still; only to be read."""
    with _starting() as start:
        yield start(days=80, accounts=2)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()
