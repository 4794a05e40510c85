"""The commands that set trayd up: accounts, keys, settings."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from trayd.commands.answers import json_option, print_answer
from trayd.errors import DeclinedError, KeyringError, SettingsError, TraydError, UsageError
from trayd.records import DEFAULT_ACCOUNT
from trayd.settings import Paths, fal_url, load

if TYPE_CHECKING:
    from trayd.fal.keys import Key


@click.group()
def account() -> None:
    """Several fal accounts, polled independently."""


@account.command("add")
@click.argument("name")
@json_option
def account_add(name: str, as_json: bool) -> None:
    """Add an account and its key; the key is asked for, or read from stdin when that is no terminal."""
    from trayd.settings_file import add_account, checked_name

    path = Paths.usual().settings
    checked_name(name)
    if name in {each.name for each in load(path).account}:
        raise UsageError(f"there is an account {name!r} already", f"use `trayd key set {name}` to change its key")
    checked = _check_and_keep(name, new=True)
    if name != DEFAULT_ACCOUNT and not load(path).account and _has_key(DEFAULT_ACCOUNT):
        # It stood for itself while it was the only one, and is polled on beside the new one.
        add_account(path, DEFAULT_ACCOUNT)
    add_account(path, name)
    print_answer(checked, as_json, lambda _style: _told(checked))


@account.command("list")
@json_option
def account_list(as_json: bool) -> None:
    """The accounts, and where their keys are."""
    from trayd.fal.keys import find_key
    from trayd.terminal.show import listing

    rows = []
    for name in load(Paths.usual().settings).account_names():
        try:
            find_key(name)
        except TraydError as error:
            rows.append({"name": name, "key": str(error)})
        else:
            rows.append({"name": name, "key": "there is one"})
    print_answer(rows, as_json, lambda _style: listing(rows))


@account.command("remove")
@click.argument("name")
def account_remove(name: str) -> None:
    """Stop polling an account and forget its key. Its records stay."""
    from trayd.fal.keys import remove_key
    from trayd.settings_file import remove_account

    path = Paths.usual().settings
    names = [each.name for each in load(path).account]
    if not names and name == DEFAULT_ACCOUNT:
        raise UsageError(
            f"{name!r} is the account that stands for itself while there is no other",
            "forget its key with `trayd key remove`, or add another account first",
        )
    if name not in names:
        raise UsageError(f"there is no account {name!r}", f"there are: {', '.join(names) or DEFAULT_ACCOUNT}")
    remove_account(path, name)
    click.echo(f"{name} is no longer polled; its records stay")
    try:
        remove_key(name)
    except KeyringError as error:
        click.echo(f"its key was not looked for: {error.message}", err=True)


@click.group()
def key() -> None:
    """The keys of the accounts, in the system's keyring."""


@key.command("set")
@click.argument("name", default=DEFAULT_ACCOUNT)
@json_option
def key_set(name: str, as_json: bool) -> None:
    """Keep a key for an account; it is asked for, or read from stdin when that is no terminal."""
    _known(name)
    checked = _check_and_keep(name)
    print_answer(checked, as_json, lambda _style: _told(checked))


@key.command("test")
@click.argument("name", default=DEFAULT_ACCOUNT)
@json_option
def key_test(name: str, as_json: bool) -> None:
    """Ask fal what the account's key may do."""
    from trayd.fal.keys import find_key

    _known(name)
    checked = _check(name, find_key(name))
    print_answer(checked, as_json, lambda _style: _told(checked))


@key.command("remove")
@click.argument("name", default=DEFAULT_ACCOUNT)
def key_remove(name: str) -> None:
    """Forget the key of an account."""
    from trayd.fal.keys import remove_key

    remove_key(name)
    click.echo(f"the key of {name} is forgotten")


@click.group()
def config() -> None:
    """The settings file."""


@config.command("path")
def config_path() -> None:
    """Where the settings file is."""
    click.echo(str(Paths.usual().settings))


@config.command("show")
@json_option
def config_show(as_json: bool) -> None:
    """All settings as they are in force."""
    from trayd.shapes import plain
    from trayd.terminal.show import settings_view

    settings = plain(load(Paths.usual().settings))
    print_answer(settings, as_json, lambda _style: settings_view(settings))


@config.command("set", context_settings={"ignore_unknown_options": True})  # -5 is a value
@click.argument("name")
@click.argument("value")
def config_set(name: str, value: str) -> None:
    """Set one value, such as `alerts.balance_below "[30, 10]"`."""
    from trayd.settings_file import set_value

    try:
        set_value(Paths.usual().settings, name, value)
    except SettingsError as error:
        raise UsageError(f"{error.message}; nothing was changed", error.cure) from error
    how = (
        "counts from trayd's next start" if name.startswith("folders.") else "a running daemon takes it over by itself"
    )
    click.echo(f"{name} is set; {how}")


@config.command("edit")
def config_edit() -> None:
    """Open the settings file in your editor, and check it afterwards."""
    from trayd.settings_file import make_template

    path = Paths.usual().settings
    make_template(path)
    click.edit(filename=str(path))
    load(path)
    click.echo("the settings are valid")


def _check_and_keep(name: str, *, new: bool = False) -> dict[str, Any]:
    from trayd.fal.keys import Key, store_key

    if sys.stdin.isatty():
        given = click.prompt(f"Key for {name} (it is not shown)", hide_input=True)
    else:
        given = sys.stdin.readline()
    if not given.strip():
        raise DeclinedError("no key was given; nothing was changed", "paste the key, or pipe it in")
    key = Key(given)
    checked = _check(name, key)
    twin = _account_of(checked["username"]) if new else None
    if twin is not None:
        raise UsageError(
            f"this key is of {checked['username']}, which is polled as {twin!r} already",
            f"use `trayd key set {twin}` to change that account's key",
        )
    store_key(name, key)
    return checked


def _known(name: str) -> None:
    names = load(Paths.usual().settings).account_names()
    if name not in names:
        raise UsageError(
            f"there is no account {name!r}", f"there are: {', '.join(names)}; add it with `trayd account add {name}`"
        )


def _has_key(name: str) -> bool:
    from trayd.fal.keys import find_key

    try:
        find_key(name)
    except TraydError:
        return False
    return True


def _account_of(username: str | None) -> str | None:
    """The name that the user gave to the account of that username, by its key or by what was polled before."""
    from trayd.desk import open_desk
    from trayd.fal.keys import find_key

    if username is None:
        return None
    with open_desk() as desk:
        polled = {each["name"]: each["username"] for each in desk.ask("status")["accounts"]}
    for name in load(Paths.usual().settings).account_names():
        known = polled.get(name)
        if known is None:
            try:
                known = _check(name, find_key(name))["username"]
            except TraydError:
                continue
        if known == username:
            return name
    return None


def _check(name: str, key: Key) -> dict[str, Any]:
    import asyncio

    from trayd.fal.accounts import checked_key
    from trayd.shapes import plain

    checked: dict[str, Any] = plain(asyncio.run(checked_key(fal_url(), key)))
    return {"account": name, **checked}


def _told(checked: dict[str, Any]) -> str:
    scope = {"admin": "an Admin key", "api": "an API key: balance and billed cost need an Admin key"}
    owner = f" of {checked['username']}" if checked["username"] else ""
    return f"{checked['account']}: {scope[checked['scope']]}{owner}"
