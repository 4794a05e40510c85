"""What counts in totals: pure rules over one generation and how far its account's billing has been read."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from trayd.facts import Coverage
from trayd.records import Counting, Generation, Status

#: Billing rows can be late; a failed request without one is free only when billing has been read this far beyond it.
LATE_BILLING = timedelta(hours=48)

_INSTANT = timedelta(microseconds=1)


class Standing(StrEnum):
    """How a generation would count by its own facts, before it is known how far billing has been read."""

    ACTUAL = "actual"
    ESTIMATE = "estimate"
    PENDING = "pending"
    UNKNOWN = "unknown"
    ENDED = "ended"  #: failed or cancelled, and not in billing: free once billing has been read far enough

    @classmethod
    def of(cls, generation: Generation, *, billed: bool) -> Standing:
        """The standing of a merged record; ``billed`` says whether billing lists it, be it without a price yet."""
        if generation.actual is not None:
            return cls.ACTUAL
        match generation.status:
            case Status.SUBMITTED:
                return cls.PENDING
            case Status.COMPLETED:
                return cls.UNKNOWN if generation.estimate is None else cls.ESTIMATE
            case Status.FAILED | Status.CANCELLED:
                return cls.UNKNOWN if billed else cls.ENDED


_COUNTS_AS = {
    Standing.ACTUAL: Counting.ACTUAL,
    Standing.ESTIMATE: Counting.ESTIMATE,
    Standing.PENDING: Counting.PENDING,
    Standing.UNKNOWN: Counting.UNKNOWN,
}


def counting(
    standing: Standing, *, when: datetime, loose: bool, coverage: Coverage | None, others: tuple[Coverage, ...] = ()
) -> Counting:
    """How a generation enters the totals.

    Args:
        standing: what its own facts say.
        when: its time (UTC).
        loose: it has no request id.
        coverage: the stretch of its account's billing that has been read; None where none has.
        others: other bills that a loose one, which names no account, may be in.
    """
    if loose and any(bill.since <= when < bill.until for bill in (coverage, *others) if bill is not None):
        return Counting.UNMATCHED
    if standing is not Standing.ENDED:
        return _COUNTS_AS[standing]
    free = coverage is not None and coverage.since <= when and coverage.until >= when + LATE_BILLING
    return Counting.FREE if free else Counting.FAILED


def ways(standing: Standing, *, loose: bool) -> set[Counting]:
    """All that :func:`counting` can say of such a generation, however far billing has been read."""
    own = {Counting.FREE, Counting.FAILED} if standing is Standing.ENDED else {_COUNTS_AS[standing]}
    return own | {Counting.UNMATCHED} if loose else own


def turns(standing: Standing, *, loose: bool, coverage: Coverage | None, others: tuple[Coverage, ...]) -> set[datetime]:
    """The instants at which :func:`counting` of such generations can be another one than just before."""
    found: set[datetime] = set()
    for bill in (coverage, *others):
        if bill is not None and loose:
            found |= {bill.since, bill.until}
    if coverage is not None and standing is Standing.ENDED:
        found |= {coverage.since, coverage.until - LATE_BILLING + _INSTANT}
    return found
