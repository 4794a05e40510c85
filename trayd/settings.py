"""Settings: what the user sets (``settings.toml``) and where everything is kept.

What the program remembers is in the ledger, never here. A missing file means all defaults; an unknown or wrong entry
is refused by name, so that a typing error is never silently a default.
"""

from __future__ import annotations

import os
import tomllib
from datetime import tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from trayd.alert_settings import Alerts, Hook
from trayd.budget_settings import Budget
from trayd.errors import SettingsError
from trayd.money import is_currency
from trayd.pool_settings import Pool, check_overlaps
from trayd.rate_settings import RatesSettings
from trayd.records import DEFAULT_ACCOUNT
from trayd.report_settings import ReportSettings
from trayd.source_settings import Source, check_sources
from trayd.texts import check_names
from trayd.user_paths import user_path

APP_NAME = "trayd"
FAL_URL = "https://api.fal.ai/v1"
RATES_URL = "https://www.ecb.europa.eu/stats/eurofxref"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


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
            if value and not user_path(value).is_absolute():
                raise ValueError(f"folders.{name} is an absolute path, not {value!r}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings file as types.

    Attributes:
        home_currency: the ISO 4217 code that totals are in.
        locale: how numbers and money are written, such as en_US or sv_SE; empty follows the system.
        time_zone: an IANA name such as Europe/Stockholm; empty follows the system.
        store_prompts: whether prompts are kept; off, they are nowhere in ledger, mirror, logs or exports.
        pool: the costs that projects share; a new price of one is a new entry.
        source: how exports of other tools are read, where that is not left to the files.
        budget: how much may be spent on what, in which time.
        hook: where warnings go beside the desktop.
        report: who reports are from, what clients are charged, and reports that make themselves.
    """

    home_currency: str = "USD"
    locale: str = ""
    time_zone: str = ""
    store_prompts: bool = False
    poll: Poll = Poll()
    alerts: Alerts = Alerts()
    account: tuple[Account, ...] = ()
    pool: tuple[Pool, ...] = ()
    source: tuple[Source, ...] = ()
    budget: tuple[Budget, ...] = ()
    hook: tuple[Hook, ...] = ()
    folders: Folders = Folders()
    rates: RatesSettings = RatesSettings()
    report: ReportSettings = ReportSettings()

    def __post_init__(self) -> None:
        if not is_currency(self.home_currency):
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
        check_overlaps(self.pool)
        check_sources(self.source)
        check_names("budget", [budget.name for budget in self.budget])
        check_names("hook", [hook.name for hook in self.hook])

    def account_names(self) -> tuple[str, ...]:
        """The accounts that are set up, in the user's order; without any, the one of the key in the environment."""
        return tuple(account.name for account in self.account) or (DEFAULT_ACCOUNT,)

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
        """As the environment and the system say.

        Raises:
            SettingsError: ``TRAYD_HOME`` is the folder of a user who does not exist.
        """
        home = os.environ.get("TRAYD_HOME")
        if home:
            try:
                return cls.under(user_path(home).absolute())
            except ValueError as error:
                raise SettingsError(f"TRAYD_HOME: {error}") from None
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
            drop=user_path(folders.drop) if folders.drop else self.drop,
            backup=user_path(folders.backup) if folders.backup else self.backup,
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
        from trayd.setting_errors import not_toml

        message, cure = not_toml(error, text)
        raise SettingsError(f"{name}: {message}", cure) from error
    try:
        return msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        from trayd.setting_errors import told

        message, cure = told(error, raw, Settings)
        raise SettingsError(f"{name}: {message}", cure) from error


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
    return _base_url("TRAYD_FAL_URL", FAL_URL, "would send the key unencrypted")


def rates_url(fal: str) -> str | None:
    """Where exchange rates are fetched below: ``TRAYD_RATES_URL`` or the European Central Bank, without a slash.

    Args:
        fal: the base URL of fal's API that is in use. Where that is a stand-in on this machine, its amounts are made
            up, and nobody on the internet is asked for their rates: None, unless ``TRAYD_RATES_URL`` is set.

    Raises:
        SettingsError: it is neither https nor http on loopback, so anybody on the way could change the rates.
    """
    if not os.environ.get("TRAYD_RATES_URL") and urlsplit(fal).hostname in LOOPBACK:
        return None
    return _base_url("TRAYD_RATES_URL", RATES_URL, "would let anybody on the way change the rates")


def _base_url(variable: str, usual: str, danger: str) -> str:
    url = os.environ.get(variable, "").rstrip("/") or usual
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise SettingsError(f"{variable} {url!r} is no address: {error}", f"write one such as {usual}") from error
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return url
    raise SettingsError(f"{variable} {url!r} {danger}", "use https, or http on 127.0.0.1 only")
