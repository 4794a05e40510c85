"""Whose key a call carries."""

from __future__ import annotations

from starlette.requests import Request

from trayd.fal.sandbox.account import Account
from trayd.fal.sandbox.world import World

LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."


def find_account(world: World, request: Request) -> tuple[Account | None, bool]:
    """The account that the call's key belongs to, and whether the key has the Admin scope."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "key" and key:
        for account in world.accounts:
            if key in (account.keys.admin_key, account.keys.spare_admin_key):
                return account, True
            if key == account.keys.api_key:
                return account, False
    return None, False
