"""Where keys are kept: in the system keyring, or in the environment where there is none. Never in a file of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from trayd.errors import KeyMissingError, KeyRefusedError, KeyringError
from trayd.records import DEFAULT_ACCOUNT

#: The keyring's service; the user of an entry is the account's name.
SERVICE = "trayd"

#: The environment variables of the account ``default``, the first that is set wins.
VARIABLES = ("FAL_ADMIN_KEY", "FAL_KEY")

KEYS_PAGE = "https://fal.ai/dashboard/keys"

_COPY_AGAIN = f"copy it again from {KEYS_PAGE}"


class Key:
    """A secret that does not show itself: not in a log, a repr or a traceback's variables.

    Raises:
        KeyRefusedError: the text cannot be a key: it is empty or has characters that no header carries.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        text = text.strip()
        # As fal's documentation writes the header, and as people copy it.
        text = text.removeprefix("Key ").strip()
        if not text:
            raise KeyRefusedError("the key is empty", _COPY_AGAIN)
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise KeyRefusedError("this is not a fal key: a key has no spaces or special characters", _COPY_AGAIN)
        self._text = text

    def __repr__(self) -> str:
        return "Key(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def reveal(self) -> str:
        """The key itself, for the one header that carries it and for the keyring."""
        return self._text

    def redact(self, text: str) -> str:
        """The text without the key, should somebody have quoted it."""
        return text.replace(self._text, "…")


def find_key(account: str) -> Key:
    """The key of an account: the keyring's, else for the account ``default`` the environment's. May block.

    Raises:
        KeyMissingError: there is none.
        KeyringError: the keyring cannot be read, and the environment has none.
        KeyRefusedError: what is kept there cannot be a key.
    """
    failure: KeyringError | None = None
    try:
        if kept := _from_keyring(account):
            return Key(kept)
    except KeyringError as error:
        failure = error
    if account == DEFAULT_ACCOUNT:
        for variable in VARIABLES:
            if text := os.environ.get(variable, "").strip():
                return Key(text)
    if failure is not None:
        raise failure
    command = "trayd key set" if account == DEFAULT_ACCOUNT else f"trayd key set {account}"
    raise KeyMissingError(
        f"there is no key for the account {account!r}",
        f"make one with the Admin scope at {KEYS_PAGE} and set it with `{command}`",
    )


def store_key(account: str, key: Key) -> None:
    """Puts the key into the system keyring, in place of the one that was there. May block.

    Raises:
        KeyringError: there is no keyring, it refuses, or it does not keep what it is given, as the null keyring does.
    """
    import keyring

    with _translated(account):
        keyring.set_password(SERVICE, account, key.reveal())
    if _from_keyring(account) != key.reveal():
        raise KeyringError("the system keyring took the key and did not keep it", _way_out(account))


def remove_key(account: str) -> bool:
    """Takes the key out of the system keyring; whether there was one. May block.

    Raises:
        KeyringError: there is no keyring, or it refuses.
    """
    import keyring

    if _from_keyring(account) is None:
        return False
    with _translated(account):
        keyring.delete_password(SERVICE, account)
    return True


def _from_keyring(account: str) -> str | None:
    with _translated(account):
        import keyring

        return keyring.get_password(SERVICE, account)


def _way_out(account: str) -> str:
    if account == DEFAULT_ACCOUNT:
        return f"set the key in the environment instead: {VARIABLES[0]} serves the account {DEFAULT_ACCOUNT!r}"
    # No variable serves another account.
    return "start a keyring service such as GNOME Keyring or KWallet, or choose a backend with PYTHON_KEYRING_BACKEND"


@contextmanager
def _translated(account: str) -> Iterator[None]:
    from keyring.errors import KeyringLocked, NoKeyringError

    try:
        yield
    except NoKeyringError:
        raise KeyringError("this system has no keyring to keep a key in", _way_out(account)) from None
    except KeyringLocked:
        way_out = f", or {_way_out(account)}" if account == DEFAULT_ACCOUNT else ""
        raise KeyringError("the system keyring is locked", f"unlock it and try again{way_out}") from None
    except Exception as error:  # noqa: BLE001  (a backend raises whatever its platform does)
        # Only the name of the failure: a backend's text may quote what it was given.
        raise KeyringError(f"the system keyring failed ({type(error).__name__})", _way_out(account)) from None
