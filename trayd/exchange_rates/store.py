"""Where exchange rates are kept: one CSV a year in the cache, and the table that comes with trayd.

A cache may be deleted: what is needed of it is fetched again. A file in it that is not what was written there is moved
aside under a name that says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from trayd.exchange_rates.merging import Merged, merged
from trayd.exchange_rates.tables import Sheet, SheetTable
from trayd.files import write_atomically
from trayd.rates import Rates
from trayd.resources import asset
from trayd.settings import LOOPBACK, Paths, Settings

logger = logging.getLogger(__name__)

BUNDLED = "rates.csv"

#: Christmas and Easter leave four days without rates.
_LONGEST_GAP = timedelta(days=10)

#: Of older years the bundled table has the ends of the months only.
_BUNDLED_GAP = timedelta(days=38)

_YEAR = re.compile(r"(\d{4})\.csv")
_CHECKSUM = re.compile(r"# sha256 of what follows: ([0-9a-f]{64})")
_SAYS = "# Euro reference rates of the European Central Bank, kept by trayd: what one euro was in each currency.\n"
_NOTES = "fetched.json"


class Fetched(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is remembered of a file that was fetched.

    Attributes:
        first: the first day that it told; ``last`` the last.
        etag: its name for the version that was fetched; ``modified`` when that was made, both as the server told.
    """

    first: date
    last: date
    etag: str | None = None
    modified: str | None = None


class RateStore:
    """The rates that were fetched, on disk.

    Args:
        folder: of the rates of one source.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def years(self) -> list[int]:
        """The years that there are rates of."""
        try:
            names = [entry.name for entry in self.folder.iterdir()]
        except OSError:
            return []
        return sorted(int(found[1]) for name in names if (found := _YEAR.fullmatch(name)))

    def sheet(self, year: int) -> Sheet | None:
        """The rates of a year; None where there are none, or none that can be read. A damaged file is moved aside."""
        path = self._path(year)
        try:
            text = path.read_text(encoding="utf-8")
            return _checked(text, year)
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("%s cannot be read (%s): its exchange rates are missing", path, error.strerror)
        except ValueError as error:
            self._move_aside(path, str(error))
        return None

    def table(self) -> SheetTable:
        """Its rates, to be looked up."""
        return SheetTable(self.years, self.sheet, longest_gap=_LONGEST_GAP)

    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Changes when anything in the folder does."""
        try:
            found = [(entry.name, entry.stat()) for entry in self.folder.iterdir()]
        except OSError:
            return ()
        return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in found))

    def take(self, told: Sheet, name: str, *, etag: str | None, modified: str | None) -> Merged:
        """Keeps newly fetched rates beside those that are known.

        Args:
            told: the rates.
            name: of the file that they came in.
            etag: the server's name for this version of it.
            modified: when that was made, as the server told.

        Raises:
            RatesError: they contradict what is known; nothing was changed.
            TraydError: the folder cannot be written.
        """
        self._discard_unfinished()
        years = told.years()
        result = merged({year: self.sheet(year) for year in (years[0] - 1, *years)}, told)
        # From the oldest on: cut short, what is missing is at the end or a whole year, and is missed at the next look.
        for year, sheet in sorted(result.sheets.items()):
            text = sheet.text()
            digest = hashlib.sha256(text.encode()).hexdigest()
            write_atomically(self._path(year), [_SAYS, f"# sha256 of what follows: {digest}\n", text])
        # Last: whoever reads it may rely on the rates being there.
        notes = self.notes() | {name: Fetched(first=result.first, last=result.last, etag=etag, modified=modified)}
        write_atomically(self.folder / _NOTES, [msgspec.json.encode(notes).decode(), "\n"])
        return result

    def notes(self) -> dict[str, Fetched]:
        """What is remembered of each file that was fetched; nothing where that cannot be read."""
        try:
            return msgspec.json.decode((self.folder / _NOTES).read_bytes(), type=dict[str, Fetched])
        except (OSError, msgspec.DecodeError):
            return {}

    def _discard_unfinished(self) -> None:
        """Takes away what was being written when a run was killed; whoever writes here is the only one."""
        for path in (*self.folder.glob(".*.csv.*"), *self.folder.glob(f".{_NOTES}.*")):
            with contextlib.suppress(OSError):
                path.unlink()

    def _path(self, year: int) -> Path:
        return self.folder / f"{year}.csv"

    def _move_aside(self, path: Path, why: str) -> None:
        try:
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            aside = path.with_name(f"{path.name}.damaged-{written:%Y%m%dT%H%M%S}")
            path.replace(aside)
        except OSError as error:
            logger.warning("%s is damaged (%s) and cannot be moved aside (%s)", path, why, error.strerror)
        else:
            logger.warning("%s is damaged (%s): it is now %s, and its rates are fetched again", path, why, aside.name)


def open_rates(paths: Paths, settings: Settings, url: str | None, clock: Callable[[], datetime]) -> Rates:
    """All rates that are known; nothing is read before one is asked for.

    Args:
        paths: where everything is kept.
        settings: for the user's own rates.
        url: where rates are fetched; those of one source are not used for another.
        clock: the time (UTC).
    """
    return Rates(store_of(paths, url).table(), bundled_table(), fixed=settings.rates.fixed, clock=clock)


def store_of(paths: Paths, url: str | None) -> RateStore:
    """Where the rates of a source are kept: a stand-in on this machine never mixes with the real one."""
    folder = paths.cache / "rates"
    host = urlsplit(url or "").hostname
    return RateStore(folder / "loopback" if host in LOOPBACK else folder)


def bundled_table() -> SheetTable:
    """The rates that come with trayd."""
    return SheetTable(lambda: [0], lambda _year: _bundled(), longest_gap=_BUNDLED_GAP)


def _bundled() -> Sheet | None:
    path = asset(BUNDLED)
    try:
        return Sheet.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        logger.error("%s cannot be read (%s): install trayd anew", path, error)  # noqa: TRY400 - no bug
        return None


def _checked(text: str, year: int) -> Sheet:
    first, _, rest = text.partition("\n")
    second, _, table = rest.partition("\n")
    found = _CHECKSUM.fullmatch(second)
    if not first.startswith("#") or found is None:
        raise ValueError("it does not say its checksum")
    if hashlib.sha256(table.encode()).hexdigest() != found[1]:
        raise ValueError("it is not what was written")
    sheet = Sheet.parse(table)
    if sheet.years() != [year]:
        raise ValueError(f"it is not of {year}")
    return sheet
