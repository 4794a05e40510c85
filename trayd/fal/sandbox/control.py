"""The sandbox's own controls, under ``/_sandbox/``; fal has nothing like them.

For tests that run the sandbox as a process of its own. Bodies and answers are JSON, amounts decimal strings.

==================  ====================================================================================
``GET state``       the accounts with balance and number of jobs, whether the simulation is frozen
``GET calls``       the last calls of the Platform API and of the exchange rates: method, path with query, status
``POST balance``    ``{"amount", "account"?}`` sets the credits, in dollars
``POST topup``      ``{"amount", "account"?}`` adds credits that were bought
``POST lock``       ``{"locked", "account"?}`` has fal lock the account, or unlock it
``POST jobs``       ``{"endpoint_id", "units"?, "cost"?, "age_s"?, "key"?, "account"?}`` adds a job that is billed
                    already
``POST hide``       ``{"request_id", "hidden"?}`` leaves a request out of billing events; usage still counts it
``POST rename``     ``{"endpoint_id", "name"}`` changes a display name
``POST rates``      ``{"day", "currency", "rate"}`` tells another rate of a day, or none where it is empty
``POST freeze``     ``{"frozen"}`` stops the simulation, or lets it go on
``POST faults``     a ``Fault``: what goes wrong with the next calls
``DELETE faults``   takes back all faults
==================  ====================================================================================
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trayd.errors import UsageError
from trayd.fal.sandbox.calls import Call
from trayd.fal.sandbox.faults import Fault, Faults
from trayd.fal.sandbox.rates import Rates
from trayd.fal.sandbox.world import World
from trayd.money import Money

Question = TypeVar("Question", bound=msgspec.Struct)


class Balance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the credits."""

    amount: Decimal
    account: str | None = None


class TopUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Adds credits."""

    amount: Decimal
    account: str | None = None


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Locks an account."""

    locked: bool
    account: str | None = None


class AddJob(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Adds a job that is billed already."""

    endpoint_id: str
    units: Decimal = Decimal(1)
    cost: Decimal | None = None
    age_s: float = 0
    key: str | None = None
    account: str | None = None


class Hide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Leaves a request out of billing events."""

    request_id: str
    hidden: bool = True


class Rename(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Changes a display name."""

    endpoint_id: str
    name: str


class ChangeRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tells another exchange rate of a day."""

    day: date
    currency: str
    rate: str


class Freeze(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stops the simulation."""

    frozen: bool


def control_routes(world: World, rates: Rates, faults: Faults, calls: deque[Call]) -> list[Route]:
    """The routes of the controls."""
    control = _Control(world, rates, faults, calls)
    return [
        Route("/_sandbox/state", control.read_state),
        Route("/_sandbox/calls", control.read_calls),
        Route("/_sandbox/balance", _taking(Balance, control.balance), methods=["POST"]),
        Route("/_sandbox/topup", _taking(TopUp, control.top_up), methods=["POST"]),
        Route("/_sandbox/lock", _taking(Lock, control.lock), methods=["POST"]),
        Route("/_sandbox/jobs", _taking(AddJob, control.jobs), methods=["POST"]),
        Route("/_sandbox/hide", _taking(Hide, control.hide), methods=["POST"]),
        Route("/_sandbox/rename", _taking(Rename, control.rename), methods=["POST"]),
        Route("/_sandbox/rates", _taking(ChangeRate, control.rates), methods=["POST"]),
        Route("/_sandbox/freeze", _taking(Freeze, control.freeze), methods=["POST"]),
        Route("/_sandbox/faults", _taking(Fault, control.inject), methods=["POST"]),
        Route("/_sandbox/faults", control.clear_faults, methods=["DELETE"]),
    ]


class _Control:
    def __init__(self, world: World, rates: Rates, faults: Faults, calls: deque[Call]) -> None:
        self._world = world
        self._rates = rates
        self._faults = faults
        self._calls = calls

    async def read_state(self, _request: Request) -> Response:
        return _json(self._state())

    async def read_calls(self, _request: Request) -> Response:
        return _json(list(self._calls))

    async def clear_faults(self, _request: Request) -> Response:
        self._faults.clear()
        return _json({"injected": None})

    def _state(self) -> object:
        self._world.advance()
        return {
            "frozen": self._world.frozen,
            "accounts": [
                {"username": account.username, "balance": Money(account.credits).text(), "jobs": account.count}
                for account in self._world.accounts
            ],
        }

    def balance(self, body: Balance) -> object:
        self._world.set_balance(body.amount, body.account)
        return self._state()

    def top_up(self, body: TopUp) -> object:
        self._world.top_up(body.amount, body.account)
        return self._state()

    def lock(self, body: Lock) -> object:
        self._world.lock_account(locked=body.locked, username=body.account)
        return {"locked": body.locked}

    def jobs(self, body: AddJob) -> object:
        job = self._world.add_job(
            body.endpoint_id,
            units=body.units,
            cost=body.cost,
            age_s=body.age_s,
            key=body.key,
            username=body.account,
        )
        return {"request_id": job.request_id, "cost": Money(job.charges[0].total).text()}

    def hide(self, body: Hide) -> object:
        self._world.hide(body.request_id, hidden=body.hidden)
        return {"hidden": body.hidden}

    def rename(self, body: Rename) -> object:
        self._world.rename(body.endpoint_id, body.name)
        return {"name": body.name}

    def rates(self, body: ChangeRate) -> object:
        self._rates.change(body.day, body.currency, body.rate)
        return {"rates": self._rates.row(body.day)}

    def freeze(self, body: Freeze) -> object:
        (self._world.freeze if body.frozen else self._world.resume)()
        return self._state()

    def inject(self, body: Fault) -> object:
        self._faults.inject(body)
        return {"injected": body}


def _taking(kind: type[Question], act: Callable[[Question], object]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            question = msgspec.json.decode(await request.body(), type=kind)
        except msgspec.DecodeError as error:
            raise UsageError(f"{request.url.path}: {error}", "see the sandbox's controls") from None
        return _json(act(question))

    return handle


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
