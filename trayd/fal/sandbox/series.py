"""The answers that divide time: usage and analytics."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from trayd.fal.sandbox.account import Account
from trayd.fal.sandbox.buckets import Buckets, buckets
from trayd.fal.sandbox.jobs import Charge, Job
from trayd.fal.sandbox.money_answers import JobFilter, auth_method, known
from trayd.fal.sandbox.query import Query, invalid
from trayd.fal.sandbox.studio import Caller
from trayd.fal.sandbox.wire import Bucket, Series, UsageRow, dollars, plain

_PAGE = 50
_MOST = 1000
_VIEWS = ("time_series", "summary")
_AUTH = ("auth_method", "auth_method_structured")

Entry = TypeVar("Entry")
Rows = Callable[[Iterable[Entry]], list[Any]]


def _series(
    query: Query,
    views: frozenset[str],
    stretches: Buckets,
    entries: Sequence[tuple[datetime, Entry]],
    rows: Rows[Entry],
) -> Series:
    """Divides dated entries into the buckets of one page; empty buckets stay."""
    summary = rows(entry for _, entry in entries) if "summary" in views else UNSET
    if "time_series" not in views:
        return Series(None, False, summary=summary)
    shown, next_cursor = query.page(_PAGE, _MOST).cut(range(len(stretches.begins)))
    by_bucket: dict[int, list[Entry]] = defaultdict(list)
    for moment, entry in entries:
        by_bucket[stretches.index(moment)].append(entry)
    series = [Bucket(stretches.label(index), rows(by_bucket[index])) for index in shown]
    return Series(next_cursor, next_cursor is not None, series, summary)


class _UsageKey(msgspec.Struct, frozen=True):
    endpoint_id: str
    unit: str
    unit_price: Decimal
    percent_discount: Decimal | None
    caller: Caller | None


def usage(query: Query, account: Account, now: datetime, at: datetime) -> Series:
    """``GET /models/usage``: what is priced and listed, by endpoint, price and discount."""
    stretches = buckets(query, now)
    parts = query.expand((*_VIEWS, *_AUTH), default=("time_series",))
    if not parts & set(_VIEWS):
        raise invalid("expand must include time_series or summary")
    wanted = JobFilter(query)
    entries = [
        (job.sent_at, (job, charge))
        for job, charge in account.charges(stretches.start, stretches.end, at)
        if wanted.takes(job)
    ]
    return _series(query, parts, stretches, entries, lambda charges: _usage_rows(charges, parts))


def _usage_rows(charges: Iterable[tuple[Job, Charge]], parts: frozenset[str]) -> list[UsageRow]:
    with_caller = bool(parts & set(_AUTH))
    groups: dict[_UsageKey, list[Charge]] = defaultdict(list)
    for job, charge in charges:
        caller = job.caller if with_caller else None
        unit = job.endpoint.unit or ""
        groups[_UsageKey(job.endpoint.id, unit, charge.unit_price, charge.percent_discount, caller)].append(charge)
    rows = []
    for key, group in groups.items():
        subtotal = sum(charge.subtotal for charge in group)
        total = sum(charge.total for charge in group)
        rows.append(
            UsageRow(
                endpoint_id=key.endpoint_id,
                unit=key.unit,
                quantity=plain(sum((charge.units for charge in group), Decimal(0))),
                unit_price=key.unit_price,
                percent_discount=key.percent_discount,
                cost_subtotal=dollars(subtotal),
                cost_discount=dollars(subtotal - total),
                cost_total=dollars(total),
                cost=dollars(total),
                auth_method=key.caller.detail if key.caller and "auth_method" in parts else UNSET,
                auth_method_structured=auth_method(key.caller)
                if key.caller and "auth_method_structured" in parts
                else UNSET,
            )
        )
    return rows


# The statuses that each count counts; None is a request that still runs.
_COUNTS: dict[str, Container[int | None]] = {
    "request_count": (None, *range(100, 600)),
    "success_count": range(200, 400),
    "user_error_count": range(400, 500),
    "error_count": range(500, 600),
    "startup_error_count": (),
    "connection_error_count": (503,),
    "timeout_error_count": (504,),
    "runtime_error_count": (500,),
}
_PERCENTILES = {
    **{f"p{rank}_prepare_duration": (rank, "prepare") for rank in (50, 75, 90, 95, 99)},
    **{f"p{rank}_duration": (rank, "run") for rank in (25, 50, 75, 90, 95, 99)},
    **{f"p{rank}_cold_boot_duration": (rank, "cold") for rank in (50, 75, 90)},
}
_SUMS = ("cold_boot_count", "total_billable_duration")
_METRICS = (*_COUNTS, *_PERCENTILES, *_SUMS)
_COLD_BOOT_S = 1.0


def analytics(query: Query, account: Account, now: datetime, at: datetime) -> Series:
    """``GET /models/analytics``: counts and latencies of named endpoints."""
    known(query.ids("endpoint_id", required=True))
    stretches = buckets(query, now)
    parts = query.expand((*_VIEWS, *_METRICS), default=("time_series", "request_count"))
    metrics = parts & set(_METRICS)
    if not metrics or not parts & set(_VIEWS):
        raise invalid("expand must include time_series or summary, and at least one metric")
    wanted = JobFilter(query)
    entries = [(job.sent_at, job) for job in account.jobs(stretches.start, min(stretches.end, at)) if wanted.takes(job)]
    return _series(query, parts, stretches, entries, lambda jobs: _analytics_rows(jobs, metrics, at))


def _analytics_rows(jobs: Iterable[Job], metrics: frozenset[str], at: datetime) -> list[dict[str, Any]]:
    by_endpoint: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        by_endpoint[job.endpoint.id].append(job)
    return [{"endpoint_id": name, **_measures(group, metrics, at)} for name, group in by_endpoint.items()]


def _measures(jobs: Sequence[Job], metrics: frozenset[str], at: datetime) -> dict[str, float]:
    ended = [job for job in jobs if job.ended_at <= at]
    statuses = Counter(job.status_at(at) for job in jobs)
    samples = {
        "prepare": sorted(job.queue_s for job in ended),
        "run": sorted(job.run_s for job in ended),
        "cold": sorted(job.queue_s for job in ended if job.queue_s > _COLD_BOOT_S),
    }
    measures: dict[str, float] = {}
    for metric in sorted(metrics):
        if metric in _COUNTS:
            measures[metric] = sum(count for code, count in statuses.items() if code in _COUNTS[metric])
        elif metric in _PERCENTILES:
            rank, sample = _PERCENTILES[metric]
            if samples[sample]:
                measures[metric] = _percentile(samples[sample], rank)
        elif metric == "cold_boot_count":
            measures[metric] = len(samples["cold"])
        else:
            measures[metric] = round(sum(job.run_s for job in ended if job.charges), 3)
    return measures


def _percentile(sample: Sequence[float], rank: int) -> float:
    """The value at that rank of a sorted sample (nearest rank)."""
    return sample[max(-(-rank * len(sample) // 100) - 1, 0)]
