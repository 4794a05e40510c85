"""Credits are told by the names that the user gave to accounts, in the user's order."""

from datetime import UTC, date, datetime

from trayd.insight.credits import Credits
from trayd.money import Money
from trayd.operations.credits import listed_credits


def test_accounts_come_in_the_users_order_and_under_the_users_names():
    at = datetime(2026, 11, 20, tzinfo=UTC)
    found = [Credits(account=name, balance=Money(1), at=at, lots=()) for name in ("acme-5", "bolt-1", "zed")]
    told = listed_credits(found, names={"bolt-1": "films", "acme-5": "studio"}, today=date(2026, 11, 20), per_day={})
    assert [(each.name, each.account) for each in told] == [("films", "bolt-1"), ("studio", "acme-5"), ("zed", "zed")]
