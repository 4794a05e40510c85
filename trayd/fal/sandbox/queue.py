"""A small stand-in of fal's inference hosts: a request sent here becomes a job of the account, and costs.

``/queue/<endpoint>`` takes part of ``queue.fal.run``, ``/run/<endpoint>`` of ``fal.run``. Nothing is generated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trayd.fal.sandbox.access import LOCKED, find_account
from trayd.fal.sandbox.account import Account
from trayd.fal.sandbox.catalogue import Endpoint, catalogue
from trayd.fal.sandbox.jobs import Job
from trayd.fal.sandbox.model_answers import job_output
from trayd.fal.sandbox.world import World


def queue_routes(world: World) -> list[Route]:
    """The routes of both hosts."""
    queue = _Queue(world)
    return [
        Route("/queue/{app:path}/requests/{request_id}/status", queue.status, methods=["GET"]),
        Route("/queue/{app:path}/requests/{request_id}/cancel", queue.cancel, methods=["PUT"]),
        Route("/queue/{app:path}/requests/{request_id}", queue.result, methods=["GET"]),
        Route("/queue/{endpoint:path}", queue.submit, methods=["POST"]),
        Route("/run/{endpoint:path}", queue.run, methods=["POST"]),
    ]


class _DeniedError(Exception):
    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def _answers(
    handler: Callable[[_Queue, Request], Awaitable[Response]],
) -> Callable[[_Queue, Request], Awaitable[Response]]:
    async def handle(self: _Queue, request: Request) -> Response:
        try:
            return await handler(self, request)
        except _DeniedError as denied:
            return _json({"detail": denied.detail}, denied.status)

    return handle


class _Queue:
    def __init__(self, world: World) -> None:
        self._world = world

    @_answers
    async def submit(self, request: Request) -> Response:
        """Takes a request and says where to ask for it."""
        job = self._take(request)
        place = f"{request.base_url}queue/{'/'.join(job.endpoint.id.split('/')[:2])}/requests/{job.request_id}"
        return _json(
            {
                "status": "IN_QUEUE",
                "request_id": job.request_id,
                "response_url": place,
                "status_url": f"{place}/status",
                "cancel_url": f"{place}/cancel",
                "queue_position": 0,
            },
            headers=_headers(job),
        )

    @_answers
    async def status(self, request: Request) -> Response:
        """How far a request is."""
        job = self._find(request)
        moment = self._world.advance()
        state = "IN_QUEUE" if moment < job.started_at else "IN_PROGRESS" if moment < job.ended_at else "COMPLETED"
        return _json(
            {"status": state, "request_id": job.request_id}, 200 if state == "COMPLETED" else 202, _headers(job)
        )

    @_answers
    async def result(self, request: Request) -> Response:
        """What came of a request."""
        job = self._find(request)
        if self._world.advance() < job.ended_at:
            raise _DeniedError(400, "Request is still in progress")
        return self._output(job)

    @_answers
    async def cancel(self, request: Request) -> Response:
        """Nothing waits long enough here to be cancelled."""
        self._find(request)
        return _json({"status": "ALREADY_COMPLETED"}, 400)

    @_answers
    async def run(self, request: Request) -> Response:
        """Takes a request and answers when it is done."""
        job = self._take(request)
        await asyncio.sleep(max((job.ended_at - self._world.now) / timedelta(seconds=1), 0))
        return self._output(job)

    def _output(self, job: Job) -> Response:
        return _json(job_output(job), job.status_code, _headers(job) | _units(job))

    def _take(self, request: Request) -> Job:
        account = self._account(request)
        endpoint = self._endpoint(request)
        with self._world.lock:
            self._world.advance()
            if account.locked or account.exhausted:
                raise _DeniedError(403, LOCKED)
            return self._world.submit(endpoint, account)

    def _find(self, request: Request) -> Job:
        job = self._account(request).job(request.path_params["request_id"])
        if job is None:
            raise _DeniedError(404, "Request not found")
        return job

    def _account(self, request: Request) -> Account:
        account, _ = find_account(self._world, request)
        if account is None:
            raise _DeniedError(401, "Cannot access application without a valid key")
        return account

    def _endpoint(self, request: Request) -> Endpoint:
        endpoint = catalogue().get(request.path_params["endpoint"])
        if endpoint is None or endpoint.price is None:
            raise _DeniedError(404, f"Application {request.path_params['endpoint']!r} not found")
        return endpoint


def _headers(job: Job) -> dict[str, str]:
    return {"x-fal-request-id": job.request_id}


def _units(job: Job) -> dict[str, str]:
    return {"x-fal-billable-units": str(sum(charge.units for charge in job.charges))} if job.charges else {}


def _json(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")
