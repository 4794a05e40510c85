"""Of which time fal's bills are known, of the accounts that a question is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trayd.records import Filters, Kind
from trayd.reports.missing_bills import KnownBills

if TYPE_CHECKING:
    from trayd.operations.operations import Operations


def known_bills(operations: Operations, filters: Filters) -> KnownBills | None:
    """The stretch of time of which the bills of each account that is asked for, and set up, were read.

    None where none of them ever were, or costs of other tools alone are asked for: then there is nothing to miss.
    """
    if filters.kind not in {None, Kind.INTERNAL}:
        return None
    accounts, found = operations.ledger.accounts(), []
    for name in operations.names:
        fact = accounts.get(name)
        username = fact.username if fact else None
        if filters.account is None or filters.account in {name, username}:
            found.append(operations.ledger.coverage(username or name))
    read = [coverage for coverage in found if coverage is not None]
    if not read:
        return None
    return KnownBills(max(each.since for each in read), min(each.until for each in read))
