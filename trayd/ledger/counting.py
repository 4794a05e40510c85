"""What counts in totals: pure rules over one generation and how far its account's billing has been read."""

from __future__ import annotations

from datetime import timedelta

from trayd.facts import Coverage
from trayd.records import Counting, Generation, Status

#: Billing rows can be late; a failed request without one is free only when billing has been read this far beyond it.
LATE_BILLING = timedelta(hours=48)


def counting(generation: Generation, *, billed: bool, coverage: Coverage | None) -> Counting:
    """How a generation enters the totals.

    Args:
        generation: the merged record; what its ``counting`` says is not looked at.
        billed: whether billing lists the request, be it without a price yet.
        coverage: the stretch of its account's billing that has been read; None where none has.
    """
    when = generation.timestamp
    covered = coverage is not None and coverage.since <= when
    if generation.request_id is None and covered and coverage is not None and when < coverage.until:
        return Counting.UNMATCHED
    if generation.actual is not None:
        return Counting.ACTUAL
    match generation.status:
        case Status.SUBMITTED:
            return Counting.PENDING
        case Status.COMPLETED:
            return Counting.UNKNOWN if generation.estimate is None else Counting.ESTIMATE
        case Status.FAILED | Status.CANCELLED:
            free = covered and not billed and coverage is not None and coverage.until >= when + LATE_BILLING
            return Counting.FREE if free else Counting.UNKNOWN
