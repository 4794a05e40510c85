"""What accounts of an export are called in the ledger that it is taken to: one name can be two accounts."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trayd.facts import AccountFact
from trayd.ledger.store import Ledger
from trayd.records import DEFAULT_ACCOUNT
from trayd.reports.json_export import Head


def accounts_of(head: Head, ledger: Ledger) -> tuple[dict[str, str], tuple[AccountFact, ...]]:
    """What names of accounts in the export have to be called here, and the accounts of which it tells something new.

    A name that is another account's here is replaced by fal's own name. One that fal has not told the account of here
    is of the account that it was of there. What names no account is of the only one that it could be of there.
    """
    ours = ledger.accounts()
    usernames = {fact.username for fact in ours.values()} - {None}
    names: dict[str, str] = {}
    new: list[AccountFact] = []
    for fact in head.accounts:
        known = ours.get(fact.name)
        if known is None and fact.username is None:
            new.append(fact)
        elif fact.username is None or (known is not None and known.username == fact.username):
            continue
        elif fact.username not in usernames and (known is None or known.username is None):
            # Until it is reached from here nothing more is known of it.
            here = known or msgspec.structs.replace(fact, state="no_key")
            new.append(msgspec.structs.replace(here, username=fact.username, has_credits=fact.has_credits))
        else:
            names[fact.name] = fact.username
    only = _only_account(head.accounts)
    if only is not None and (_is_account(ours.get(DEFAULT_ACCOUNT)) or usernames - {only}):
        names[DEFAULT_ACCOUNT] = only
    return names, tuple(new)


def _only_account(accounts: Iterable[AccountFact]) -> str | None:
    """Fal's name of the account that records which name none are of; None where ``default`` is one, or there are more.

    The same as :meth:`trayd.ledger.state.State.account_of`.
    """
    by_name = {fact.name: fact for fact in accounts}
    usernames = {fact.username for fact in by_name.values() if fact.username}
    return usernames.pop() if len(usernames) == 1 and not _is_account(by_name.get(DEFAULT_ACCOUNT)) else None


def _is_account(default: AccountFact | None) -> bool:
    return default is not None and (default.username is not None or default.state != "no_key")
