"""Changes the settings file without losing the user's comments, and never leaves an invalid one behind."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError

from trayd.errors import SettingsError
from trayd.files import write_atomically
from trayd.settings import Account, Settings, parse
from trayd.source_settings import Source

#: What a new settings file says: every setting, commented out, at its default.
TEMPLATE = """\
# Settings of trayd. Each line that begins with # shows a default; remove the # to change it.
# `trayd config set KEY VALUE` changes a value here too. The running daemon takes changes over by itself.

#home_currency = "USD"
#locale = ""                # such as "sv_SE"; empty follows the system
#time_zone = ""             # such as "Europe/Stockholm"; empty follows the system
#store_prompts = false      # true keeps prompts in the ledger, and so in exports

# Costs that projects share, such as a monthly plan: a [[pool]] for each, like this one.
#   [[pool]]
#   name = "Midjourney Standard"
#   amount = 30.00
#   currency = "USD"         # without it, the home currency
#   period = "month"         # or week, quarter, year, once
#   from = 2026-01-15        # charged on the 15th of each month
#   to = 2026-12-31          # without it, there is no end
#   split = "spend"          # or "equal", or weights such as { "Spring Campaign" = 2, "Northwind/Relaunch" = 1 }

# How exports of other tools are read, where a file alone cannot tell: a [[source]] for each, like this one.
# `trayd import --remember` writes them.
#   [[source]]
#   name = "My Bank"         # its costs bear this name
#   header = ["Booked", "Text", "Sum"]   # all columns of its files
#   columns = { amount = "Sum" }         # which column is which, where names do not say
#   date_order = "dmy"       # or mdy, ymd
#   decimal = "comma"        # or point
#   currency = "EUR"         # of amounts that tell none
#   spending = "negative"    # money spent stands below zero; or positive

# How much may be spent on what: a [[budget]] for each, like this one.
#   [[budget]]
#   name = "Northwind"
#   amount = 500.00
#   currency = "USD"         # without it, the home currency
#   period = "month"         # or day, week, total
#   client = "Northwind"     # or account, project, model, key, or several of them; none is everything
#   at = [50, 80, 100]       # percent spent; one warning each
#   forecast_at = [100]      # percent that it is expected to come to; [] for none

# Where warnings go beside the desktop: a [[hook]] for each, like these two.
#   [[hook]]
#   name = "log"
#   command = ["/usr/bin/logger", "--tag", "trayd"]   # gets the warning as JSON on its standard input
#   [[hook]]
#   name = "chat"
#   url = "https://hooks.example.com/trayd"           # gets it posted
#   rules = ["balance", "budget"]                     # without it, all
#   format = "slack"         # or discord, teams, ntfy, trayd; without it, what its host is known to take
#   timeout_s = 10           # how long it may take, 0.1 to 300 seconds

[poll]
#interval_s = 120           # seconds between two looks at fal
#backfill_days = 30         # how far back the first poll reads
#overlap_hours = 72         # how far each later poll looks back for rows that came late

[alerts]
#balance_below = [20.00, 5.00]   # US dollars
#expensive_generation = 5.00     # US dollars; 0 switches it off
#expensive_together = 8.00       # US dollars, for jobs that were submitted together; 0 switches it off
#run_out_within_days = 7         # the balance is expected to last no longer; 0 switches it off
#credits_expire_within_days = [30, 7]
#estimate_off_percent = 25       # bills differ from estimates by so much; 0 switches it off
#estimate_off_amount = 1.00      # US dollars, and by so much at least
#stale_after_minutes = 60        # fal could not be asked for so long; 0 switches it off
#off = []                        # rules that never warn, such as ["anomaly", "backfill"]
#desktop = true                  # false: warnings go to the log and the status only
#most_per_hour = 6               # more notifications wait and come as one
#anomaly = { at_least_percent = 50 }   # more than usual on a day, and worth $10.00, or at_least in your currency

# Quiet hours, without which there are none; what came up is told together when they end.
#   [alerts.quiet_hours]
#   from = "22:00"
#   to = "07:00"
#   days = ["mon", "tue", "wed", "thu", "fri"]   # without it, every evening
#   critical = true          # critical warnings come through

[report]
#name = ""                  # who reports are from, such as "Northlight Studio"
#address = ""               # lines below it, with \\n between them
#note = ""                  # lines at the end, such as terms of payment
#logo = ""                  # a picture (PNG, JPEG, WebP or SVG): an absolute path, or beside this file
#templates = ""             # a folder with templates of your own, likewise

# What a client is charged, in reports for that client: a [[report.client]] for each, like this one.
#   [[report.client]]
#   name = "Northwind"
#   markup_percent = 20      # on top of what it cost
#   rate = 2.50              # or so much for each generation, in the home currency
#   rates = { "fal-ai/veo3" = 6.00 }     # and for single models
#   hide_costs = true        # the report says only what is charged

# Reports that make themselves when a week or a month is over: a [[report.schedule]] for each, like this one.
#   [[report.schedule]]
#   every = "month"          # or week, from Monday on
#   name = "monthly"         # what messages call it
#   clients = ["Northwind"]  # without it, each client that has entries
#   folder = "/home/me/To send"          # an absolute path; without it, the usual place
#   formats = ["html"]       # or csv, focus, json, ledger, or several of them
#   currency = "EUR"         # of totals; without it, the home currency
#   after_days = 2           # so long after its end, for fal bills late; 0 to 14

[rates]
#fetch = true               # false: the last exchange rates, and those that came with trayd, are used on
# Your own exchange rates are [[rates.fixed]] entries with from, to, rate, and if need be since and until.

[folders]
#drop = ""                  # an absolute path; empty is the usual place
#backup = ""                # the same; another disk makes the backup survive this one
"""

_HEADER = re.compile(r"\[+([^\[\]]+)\]")


def set_value(path: Path, key: str, text: str) -> Settings:
    """Sets one value; ``key`` is dotted (``alerts.desktop``), ``text`` a TOML value or a bare word.

    Where the file shows its default as a comment, the value takes that line: at the end of its table it would stand
    below the examples there, and belong to one of these as soon as its # is removed.

    Raises:
        SettingsError: there is no such setting, or the value is not valid for it; the file is unchanged.
    """
    if not all(key.split(".")):
        raise SettingsError(f"there is no setting {key!r}", "see `trayd config show`")
    *tables, last = names = key.split(".")
    document = _with_default_shown(_read(path), names)
    table: Any = document
    for name in tables:
        if name not in table:
            table[name] = tomlkit.table()
        table = table[name]
        if not hasattr(table, "keys"):
            raise SettingsError(f"there is no setting {key!r}", "see `trayd config show`")
    table[last] = _value(text)
    try:
        return _write(path, document, f"{key} = {text}")
    except SettingsError as error:
        if not error.message.endswith(" is missing"):
            raise
        # One after the other they cannot be set: the file is never left without what belongs together.
        whole = f"{{ {last} = {table[last].as_string()}, … }}"
        cure = f"set all of it at once: `trayd config set {'.'.join(tables)} '{whole}'`"
        raise SettingsError(error.message, cure) from error


def _missing(document: tomlkit.TOMLDocument, names: Sequence[str]) -> Sequence[str]:
    """The names, one within the other, up to the first one that is not in the file; none where all are."""
    table: Any = document
    for depth, name in enumerate(names):
        if not hasattr(table, "keys") or name not in table:
            return names[: depth + 1]
        table = table[name]
    return ()


def _with_default_shown(document: tomlkit.TOMLDocument, names: Sequence[str]) -> tomlkit.TOMLDocument:
    """The file with the # taken from the default of a setting that is missing, where a comment shows it."""
    *tables, last = _missing(document, names) or ("",)
    lines = tomlkit.dumps(document).splitlines(keepends=True)
    table = ""
    for place, line in enumerate(lines):
        if header := _HEADER.match(line):
            table = header[1]
        elif last and table == ".".join(tables) and line.startswith(f"#{last} = "):
            lines[place] = line.removeprefix("#")
            # A person may have written something else there.
            with suppress(ParseError):
                return tomlkit.parse("".join(lines))
            break
    return document


def checked_name(name: str) -> None:
    """Looks whether an account can have this name, before a key is asked for.

    Raises:
        SettingsError: it cannot.
    """
    try:
        msgspec.convert({"name": name}, Account)
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"{name!r} cannot be the name of an account", "take 1 to 64 characters without a space at either end"
        ) from error


def add_account(path: Path, name: str) -> Settings:
    """Adds an ``[[account]]`` of that name.

    Raises:
        SettingsError: the name is taken or not valid; the file is unchanged.
    """
    document = _read(path)
    accounts: Any = document.get("account")
    if accounts is None:
        accounts = tomlkit.aot()
        document.append("account", accounts)
    accounts.append(tomlkit.item({"name": name}))
    return _write(path, document)


def remove_account(path: Path, name: str) -> Settings:
    """Takes the ``[[account]]`` of that name out; its records stay in the ledger.

    Raises:
        SettingsError: there is no such account.
    """
    document = _read(path)
    accounts: Any = document.get("account", [])
    kept = [account for account in accounts if account.get("name") != name]
    if len(kept) == len(accounts):
        raise SettingsError(f"there is no account {name!r} in {path}", "see what stands there: `trayd config show`")
    document.remove("account")
    if kept:
        again = tomlkit.aot()
        for account in kept:
            again.append(account)
        document.append("account", again)
    return _write(path, document)


def remember_source(path: Path, source: Source) -> Settings:
    """Adds a ``[[source]]``; where there is one for the same files, that one says it as well from now on.

    Raises:
        SettingsError: the settings cannot be read or written; the file is unchanged.
    """
    document = _read(path)
    sources: Any = document.get("source")
    if sources is None:
        sources = tomlkit.aot()
        document.append("source", sources)
    entry = next((known for known in sources if _same_files(known, source)), None)
    if entry is None:
        sources.append(tomlkit.table())
        entry = sources[-1]
        entry.trivia.indent = "\n"  # an empty line before it
    for name, value in msgspec.to_builtins(source).items():
        entry[name] = _inline({**entry.get(name, {}), **value}) if isinstance(value, dict) else value
    return _write(path, document)


def _same_files(known: Any, source: Source) -> bool:
    header = {str(name).casefold() for name in known.get("header", ())}
    if header or source.header:
        return header == set(map(str.casefold, source.header))
    return bool(known.get("name") == source.name)


def _inline(value: dict[str, str]) -> Any:
    table = tomlkit.inline_table()
    table.update(value)
    return table


def make_template(path: Path) -> None:
    """Writes the commented defaults where there is no settings file yet."""
    if not path.exists():
        write_atomically(path, [TEMPLATE], private=True)


def _read(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8") if path.exists() else TEMPLATE)
    except (OSError, UnicodeDecodeError, ParseError) as error:
        raise SettingsError(f"{path}: the settings cannot be read ({error})", "mend the file by hand") from error


def _write(path: Path, document: tomlkit.TOMLDocument, change: str = "") -> Settings:
    text = tomlkit.dumps(document)
    if change:
        parse(path.read_text(encoding="utf-8") if path.exists() else "", str(path))  # else an old fault bears its name
    settings = parse(text, change or str(path))
    write_atomically(path, [text], private=True)
    return settings


def _value(text: str) -> Any:
    try:
        # tomlkit takes more for a value than others read again, such as 22:00.
        tomllib.loads(f"value = {text}")
        return tomlkit.value(text)
    except (tomllib.TOMLDecodeError, TOMLKitError):
        return tomlkit.string(text)
