from __future__ import annotations

from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.backends.null import Keyring as NullKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from trayd.errors import KeyMissingError, KeyRefusedError, KeyringError
from trayd.fal.keys import SERVICE, Key, find_key, remove_key, store_key


class MemoryKeyring(KeyringBackend):
    """A keyring like the system's, kept in memory."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError("no such password")


class LockedKeyring(MemoryKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked(f"{service} {username}")


class TalkativeKeyring(MemoryKeyring):
    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"{service}: cannot keep {username}={password}")


@pytest.fixture(autouse=True)
def no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FAL_ADMIN_KEY", "FAL_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def backend() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    memory = MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def test_a_key_is_kept_in_the_system_keyring_under_the_accounts_name(backend: MemoryKeyring) -> None:
    store_key("studio", Key("made-up"))
    assert backend.entries == {(SERVICE, "studio"): "made-up"}
    assert find_key("studio") == Key("made-up")
    assert remove_key("studio")
    assert not remove_key("studio")
    with pytest.raises(KeyMissingError, match=r"no key for the account 'studio'.*`trayd key set studio`"):
        find_key("studio")
    with pytest.raises(KeyMissingError, match=r"no key for the account 'default'.*`trayd key set`"):
        find_key("default")


def test_the_environment_serves_the_default_account_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "api")
    assert find_key("default") == Key("api")
    monkeypatch.setenv("FAL_ADMIN_KEY", "admin")
    assert find_key("default") == Key("admin")
    with pytest.raises(KeyMissingError):
        find_key("studio")


def test_the_keyring_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_ADMIN_KEY", "environment")
    store_key("default", Key("keyring"))
    assert find_key("default") == Key("keyring")


def test_without_a_keyring_the_environment_is_named_as_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring.set_keyring(NoKeyring())
    with pytest.raises(KeyringError, match=r"no keyring.*FAL_ADMIN_KEY"):
        find_key("default")
    with pytest.raises(KeyringError, match=r"no keyring.*FAL_ADMIN_KEY"):
        store_key("default", Key("made-up"))
    monkeypatch.setenv("FAL_ADMIN_KEY", "environment")
    assert find_key("default") == Key("environment")


def test_an_account_that_no_variable_serves_is_sent_to_a_keyring() -> None:
    keyring.set_keyring(NoKeyring())
    for ask in (find_key, remove_key, lambda name: store_key(name, Key("made-up"))):
        with pytest.raises(KeyringError, match=r"no keyring.*PYTHON_KEYRING_BACKEND") as caught:
            ask("studio")
        assert "FAL_" not in str(caught.value)


@pytest.mark.parametrize(("account", "cure"), [("default", "FAL_ADMIN_KEY"), ("studio", "PYTHON_KEYRING_BACKEND")])
def test_a_keyring_that_forgets_what_it_is_given_is_told(account: str, cure: str) -> None:
    keyring.set_keyring(NullKeyring())
    with pytest.raises(KeyringError, match=f"did not keep it; .*{cure}") as caught:
        store_key(account, Key("made-up-secret"))
    assert "made-up-secret" not in str(caught.value)


def test_a_locked_keyring_is_told_so() -> None:
    keyring.set_keyring(LockedKeyring())
    with pytest.raises(KeyringError, match="locked; unlock it"):
        find_key("studio")


def test_what_a_keyring_says_when_it_fails_is_not_repeated() -> None:
    keyring.set_keyring(TalkativeKeyring())
    with pytest.raises(KeyringError, match="RuntimeError") as caught:
        store_key("studio", Key("made-up-secret"))
    assert "made-up-secret" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("pasted", ["abc:def", " abc:def\n", "Key abc:def"])
def test_a_key_is_taken_as_people_copy_it(pasted: str) -> None:
    assert Key(pasted).reveal() == "abc:def"


@pytest.mark.parametrize("wrong", ["", "   ", "abc def", "abc\r\nX-Evil: 1", "clé", "abc\x00"])
def test_what_cannot_be_a_key_is_refused_without_repeating_it(wrong: str) -> None:
    with pytest.raises(KeyRefusedError, match="copy it again") as caught:
        Key(wrong)
    assert not wrong.strip() or wrong not in str(caught.value)


def test_a_key_does_not_show_itself() -> None:
    key = Key("made-up-secret")
    assert "secret" not in f"{key} {key!r} {[key]}"
    assert key.redact("Invalid key made-up-secret!") == "Invalid key …!"
