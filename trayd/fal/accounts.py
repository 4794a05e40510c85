"""What a key is good for."""

from __future__ import annotations

from typing import Literal

import msgspec

from trayd.errors import KeyScopeError
from trayd.fal.client import FalClient
from trayd.fal.keys import Key


class KeyCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What fal says of a key.

    Attributes:
        scope: ``admin`` for everything; ``api`` for prices and how requests ran, without balance and billed cost.
        username: fal's name of the account; None where the key's scope does not tell it.
        has_credits: false for an account on invoice, which has no balance; None where the scope does not tell it.
    """

    scope: Literal["admin", "api"]
    username: str | None = None
    has_credits: bool | None = None


async def checked_key(base_url: str, key: Key) -> KeyCheck:
    """What a key is good for, asked through a connection of its own.

    Raises:
        FalError: as :func:`check_key`.
    """
    async with FalClient(base_url, key) as client:
        return await check_key(client)


async def check_key(client: FalClient) -> KeyCheck:
    """Asks fal what the client's key is good for.

    Raises:
        KeyRefusedError: fal does not know it.
        AccountLockedError: the key is good, but its account is locked.
        FalError: fal could not be asked.
    """
    try:
        billing = await client.billing()
    except KeyScopeError:
        return KeyCheck(scope="api")
    return KeyCheck(scope="admin", username=billing.username, has_credits=billing.credits is not None)
