"""The answers about models and the requests made of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import UNSET

from trayd.fal.sandbox.account import Account
from trayd.fal.sandbox.catalogue import Endpoint, catalogue
from trayd.fal.sandbox.jobs import Job
from trayd.fal.sandbox.money_answers import JobFilter, known
from trayd.fal.sandbox.query import DAY, Query
from trayd.fal.sandbox.wire import Metadata, Model, Models, RequestItem, RequestItems

_MODELS_PAGE = 50
_MODELS_MOST = 100
_REQUESTS_PAGE = 50
_REQUESTS_MOST = 100
_REQUEST_REACH = 90 * DAY
_STATUSES = {"success": range(200, 400), "user_error": range(400, 500), "error": range(500, 600)}

_FIRST_MODEL = datetime(2024, 6, 1, 9, tzinfo=UTC)
_MODEL_DAYS = 700


def models(query: Query, account: Account | None, names: Mapping[str, str]) -> Models:
    """``GET /models``: a list, named endpoints, or a search; the account is None without a key.

    ``names`` holds the display names that were changed.
    """
    parts = query.expand(("openapi-3.0", "enterprise_status"))
    page = query.page(_MODELS_PAGE, _MODELS_MOST)
    status = query.choice("status", ("active", "deprecated"))
    ids = query.ids("endpoint_id")
    found = [
        msgspec.structs.replace(endpoint, name=names[endpoint.id]) if endpoint.id in names else endpoint
        for endpoint in (known(ids) if ids else catalogue().values())
    ]
    words = (query.text("q") or "").lower().split()
    category = query.text("category")
    rows = [
        endpoint
        for endpoint in found
        if (category is None or (endpoint.operation == category and endpoint.name is not None))
        and status != "deprecated"
        and all(word in f"{endpoint.id} {endpoint.name or ''} {endpoint.operation}".lower() for word in words)
    ]
    shown, next_cursor = page.cut(rows)
    return Models([_model(row, parts, account) for row in shown], next_cursor, next_cursor is not None)


def _model(endpoint: Endpoint, parts: frozenset[str], account: Account | None) -> Model:
    return Model(
        endpoint_id=endpoint.id,
        metadata=UNSET if endpoint.name is None else _metadata(endpoint, endpoint.name, account),
        openapi={"openapi": "3.0.4", "info": {"title": endpoint.name or endpoint.id, "version": "1"}, "paths": {}}
        if "openapi-3.0" in parts
        else UNSET,
        enterprise_status=("ready" if endpoint.license == "commercial" else "pending")
        if "enterprise_status" in parts
        else UNSET,
    )


def _metadata(endpoint: Endpoint, name: str, account: Account | None) -> Metadata:
    number = zlib.crc32(endpoint.id.encode())
    born = _FIRST_MODEL + timedelta(days=number % _MODEL_DAYS, milliseconds=number % 86_399_999)
    group = endpoint.id.split("/")[1]
    return Metadata(
        display_name=name,
        category=endpoint.operation,
        description=f"{name}: {endpoint.operation.replace('-', ' ')}",
        status="active",
        tags=(),
        updated_at=_stamp(born + timedelta(days=number % 60)),
        is_favorited=None if account is None else number % 9 == 0,
        thumbnail_url=f"https://media.sandbox.invalid/{endpoint.id.replace('/', '-')}.jpg",
        model_url=f"https://fal.run/{endpoint.id}",
        date=_stamp(born),
        license_type=endpoint.license or UNSET,
        group={"key": group, "label": endpoint.operation.replace("-", " ").capitalize()} if number % 3 else UNSET,
        kind="training" if endpoint.operation == "training" else "inference",
        duration_estimate=round(endpoint.seconds / 60, 2) if endpoint.seconds else UNSET,
    )


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def requests(query: Query, account: Account, now: datetime, at: datetime) -> RequestItems:
    """``GET /models/requests/by-endpoint``: the newest or the longest first; running ones have no end yet."""
    known(query.ids("endpoint_id", required=True))
    request_id = query.uuid("request_id")
    start, end = query.window(now, reach=_REQUEST_REACH if request_id else DAY)
    page = query.page(_REQUESTS_PAGE, _REQUESTS_MOST, strict=True)
    parts = query.expand(("payloads",))
    status = query.choice("status", tuple(_STATUSES))
    sort_by = query.choice("sort_by", ("ended_at", "duration"))
    wanted = JobFilter(query)
    rows = [
        job
        for job in account.jobs(start, end)
        if wanted.takes(job) and job.sent_at <= at and (status is None or job.status_at(at) in _STATUSES[status])
    ]
    if sort_by == "duration":
        rows.sort(key=lambda job: job.queue_s + job.run_s if job.ended_at <= at else 0, reverse=True)
    else:
        rows.sort(key=lambda job: (job.ended_at > at, job.ended_at), reverse=True)
    shown, next_cursor = page.cut(rows)
    return RequestItems(next_cursor, next_cursor is not None, [_item(job, parts, at) for job in shown])


def _item(job: Job, parts: frozenset[str], at: datetime) -> RequestItem:
    ended = job.ended_at <= at
    payloads = "payloads" in parts
    return RequestItem(
        request_id=job.request_id,
        endpoint_id=job.endpoint.id,
        started_at=min(job.started_at, at),
        sent_at=job.sent_at,
        ended_at=job.ended_at if ended else None,
        status_code=job.status_at(at),
        duration=round(job.queue_s + job.run_s, 3) if ended else None,
        json_input=job_input(job) if payloads else UNSET,
        json_output=job_output(job) if payloads and ended else UNSET,
    )


_SUBJECTS = ("a lighthouse in heavy fog", "hands folding paper", "a night market after rain", "an empty tram at dawn")
_LOOKS = ("soft window light, 35 mm", "hard noon sun, long shadows", "ink and wash", "studio still on grey paper")


def job_input(job: Job) -> dict[str, Any]:
    """What was asked of the model, the prompt included."""
    number = int(job.request_id[-8:], 16)
    payload: dict[str, Any] = {
        "prompt": f"{_SUBJECTS[number % len(_SUBJECTS)]}, {_LOOKS[number // 7 % len(_LOOKS)]}",
        "seed": number,
    }
    if job.endpoint.operation.endswith("-to-video"):
        payload |= {"duration": "5", "resolution": "1080p" if number % 3 else "720p"}
    elif job.endpoint.operation.endswith("-to-image"):
        payload |= {"image_size": "landscape_16_9" if number % 2 else "square_hd", "num_images": 1}
    return payload


def job_output(job: Job) -> dict[str, Any]:
    """What the model answered."""
    if job.status_code in _STATUSES["user_error"]:
        return {"detail": "Input should be a valid value"}
    if job.status_code in _STATUSES["error"]:
        return {"detail": "Internal Server Error"}
    return {"seed": int(job.request_id[-8:], 16), "url": f"https://media.sandbox.invalid/{job.request_id}"}
