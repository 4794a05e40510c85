"""What has no cost, and so no place among costs: counted, and told in words."""

from __future__ import annotations

from collections import Counter

from trayd.records import Counting

#: Why a record has no cost.
REASONS = {
    Counting.UNKNOWN: "without a price so far",
    Counting.PENDING: "still running",
    Counting.FAILED: "failed and not billed so far",
    Counting.UNMATCHED: "unmatched (`trayd history --unmatched`)",
}


def told_without_cost(found: Counter[Counting], became: str) -> str:
    """One sentence on how many records have no cost, and why; empty where all have one.

    Args:
        found: how many there are of each.
        became: what was made of them.
    """
    if not found.total():
        return ""
    reasons = ", ".join(f"{found[counting]} {reason}" for counting, reason in REASONS.items() if found[counting])
    what = "1 record has no cost and is" if found.total() == 1 else f"{found.total()} records have no cost and are"
    return f"{what} {became}: {reasons}"
