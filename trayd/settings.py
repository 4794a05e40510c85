"""Settings: what the user sets (``settings.toml``) and where everything is kept.

What the program remembers is in the ledger, never here. A missing file means all defaults; an unknown or wrong entry
is refused by name, so that a typing error is never silently a default.
"""

from __future__ import annotations

import os
import re
import tomllib
from datetime import tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from trayd.errors import SettingsError

APP_NAME = "trayd"
FAL_URL = "https://api.fal.ai/v1"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

#: msgspec's names of types, as people say them.
_KINDS = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "array": "a list such as [20.00, 5.00]",
    "object": "a table",
    "decimal": "an amount",
}


class Poll(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fal is asked.

    Attributes:
        interval_s: seconds between polls.
        backfill_days: how far back the first poll reads.
        overlap_hours: how far before its watermark each later poll starts, because billing rows can arrive late. It
            is at least 48, the time after which a failed request without a charge counts as free.
    """

    interval_s: Annotated[float, Meta(ge=0.2, le=86_400)] = 120.0
    backfill_days: Annotated[int, Meta(ge=1, le=3650)] = 30
    overlap_hours: Annotated[int, Meta(ge=48, le=1920)] = 72


class Alerts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When trayd warns.

    Attributes:
        balance_below: thresholds of the balance in US dollars; one warning for each that is crossed.
        expensive_generation: a generation that costs this many US dollars or more is told; 0 switches it off.
        desktop: whether warnings go to the desktop; they always go to the log.
    """

    balance_below: tuple[Decimal, ...] = (Decimal("20.00"), Decimal("5.00"))
    expensive_generation: Decimal = Decimal("5.00")
    desktop: bool = True

    def __post_init__(self) -> None:
        if any(not level.is_finite() or level <= 0 for level in self.balance_below):
            raise ValueError("alerts.balance_below takes amounts above zero, such as [20.00, 5.00]")
        if not self.expensive_generation.is_finite() or self.expensive_generation < 0:
            raise ValueError("alerts.expensive_generation is an amount of zero or more")


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fal account by the name that the user gives it; its key is in the keyring under that name."""

    name: Annotated[str, Meta(pattern=r"^\S(.{0,62}\S)?$")]


class Folders(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Folders other than the usual ones, as absolute paths; empty means the usual one."""

    drop: str = ""
    backup: str = ""

    def __post_init__(self) -> None:
        for name in ("drop", "backup"):
            value = getattr(self, name)
            if value and not Path(value).expanduser().is_absolute():
                raise ValueError(f"folders.{name} is an absolute path, not {value!r}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings file as types.

    Attributes:
        home_currency: the ISO 4217 code that totals are in.
        locale: how numbers and money are written, such as en_US or sv_SE; empty follows the system.
        time_zone: an IANA name such as Europe/Stockholm; empty follows the system.
        store_prompts: whether prompts are kept; off, they are nowhere in ledger, mirror, logs or exports.
    """

    home_currency: str = "USD"
    locale: str = ""
    time_zone: str = ""
    store_prompts: bool = False
    poll: Poll = Poll()
    alerts: Alerts = Alerts()
    account: tuple[Account, ...] = ()
    folders: Folders = Folders()

    def __post_init__(self) -> None:
        if self.home_currency != "USD" and not _is_currency(self.home_currency):
            raise ValueError(f"home_currency {self.home_currency!r} is no ISO 4217 code such as USD or EUR")
        if self.locale and not _is_locale(self.locale):
            raise ValueError(f"locale {self.locale!r} is not known; write one such as en_US or sv_SE")
        if self.time_zone:
            try:
                ZoneInfo(self.time_zone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError(f"time_zone {self.time_zone!r} is no IANA time zone such as Europe/Paris") from None
        names = [account.name for account in self.account]
        if len(names) != len(set(names)):
            raise ValueError("two [[account]] entries have one name; give each its own")

    def zone(self) -> tzinfo:
        """The user's time zone.

        Raises:
            SettingsError: it is not set, and what the system says (TZ=CET-1CEST) names none.
        """
        if self.time_zone:
            return ZoneInfo(self.time_zone)
        import tzlocal

        try:
            return tzlocal.get_localzone()
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise SettingsError(
                f"the system's time zone has no name that trayd knows ({error})",
                "set it: `trayd config set time_zone Europe/Paris`",
            ) from error

    def number_locale(self) -> str:
        """The locale that money and numbers are written in; en_US where the system has none that is known."""
        from babel import Locale, UnknownLocaleError, default_locale

        for name in (self.locale, default_locale("LC_MONETARY") or "", "en_US"):
            try:
                if name and name != "en_US_POSIX":
                    return str(Locale.parse(name))
            except (UnknownLocaleError, ValueError):
                continue
        return "en_US"


class Paths(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything is kept: under ``TRAYD_HOME``, else where the system keeps such things."""

    settings: Path
    ledger: Path
    backup: Path
    drop: Path
    log: Path
    run: Path
    cache: Path
    reports: Path

    @classmethod
    def under(cls, home: Path) -> Paths:
        """Everything under one folder."""
        return cls(
            settings=home / "settings.toml",
            ledger=home / "ledger",
            backup=home / "backup",
            drop=home / "drop",
            log=home / "log",
            run=home / "run",
            cache=home / "cache",
            reports=home / "reports",
        )

    @classmethod
    def usual(cls) -> Paths:
        """As the environment and the system say."""
        home = os.environ.get("TRAYD_HOME")
        if home:
            return cls.under(Path(home).expanduser().absolute())
        from platformdirs import PlatformDirs

        dirs = PlatformDirs(APP_NAME, appauthor=False)
        data, state = dirs.user_data_path, dirs.user_state_path
        return cls(
            settings=dirs.user_config_path / "settings.toml",
            ledger=data / "ledger",
            backup=state / "backup",
            drop=dirs.user_documents_path / "trayd drop",
            log=dirs.user_log_path,
            run=state / "run",
            cache=dirs.user_cache_path,
            reports=dirs.user_documents_path / "trayd",
        )

    def with_folders(self, folders: Folders) -> Paths:
        """The same with the folders that the user has set."""
        return msgspec.structs.replace(
            self,
            drop=Path(folders.drop).expanduser() if folders.drop else self.drop,
            backup=Path(folders.backup).expanduser() if folders.backup else self.backup,
        )


def load(path: Path) -> Settings:
    """The settings in that file; all defaults where there is none.

    Raises:
        SettingsError: it cannot be read, is not TOML, or an entry is not valid.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise SettingsError(
            f"{path}: the settings cannot be read ({error.strerror})", "mend the path or its rights"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{path}: the settings cannot be read: this is no UTF-8 text", "save it as UTF-8"
        ) from error
    return parse(text, str(path))


def parse(text: str, name: str) -> Settings:
    """The settings in that TOML text; ``name`` is what messages call it.

    Raises:
        SettingsError: it is not TOML, or an entry is not valid.
    """
    try:
        # Amounts written as TOML numbers stay exact.
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name}: this is not TOML: {error}", "correct that line") from error
    try:
        return msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{name}: {_said(str(error))}", "correct it; `trayd config show` lists all") from error


def _said(text: str) -> str:
    """What msgspec says of a wrong entry, in the words and by the names of the settings file."""
    what, _, place = text.partition(" - at `$")
    place = place.removesuffix("`").lstrip(".")
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", what):
        return f"there is no setting {'.'.join(filter(None, (place, unknown[1])))!r}"
    if not what.startswith(("Expected", "Invalid")):
        return what  # our own words, which name the setting
    for kind, words in _KINDS.items():
        what = what.replace(f"`{kind}`", words)
    return f"{place}: {what[0].lower()}{what[1:]}"


def _is_currency(code: str) -> bool:
    from babel.numbers import is_currency

    return is_currency(code)


def _is_locale(name: str) -> bool:
    from babel import Locale, UnknownLocaleError

    try:
        Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return False
    return True


def fal_url() -> str:
    """The base URL of fal's Platform API: ``TRAYD_FAL_URL`` or the real one, without a slash at the end.

    Raises:
        SettingsError: it is neither https nor http on loopback, so a key would travel in the open.
    """
    url = os.environ.get("TRAYD_FAL_URL", "").rstrip("/") or FAL_URL
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise SettingsError(f"TRAYD_FAL_URL {url!r} is no address: {error}", f"write one such as {FAL_URL}") from error
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return url
    raise SettingsError(f"TRAYD_FAL_URL {url!r} would send the key unencrypted", "use https, or http on 127.0.0.1 only")
