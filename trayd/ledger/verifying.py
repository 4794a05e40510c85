"""Looking through a ledger: all files are read again and compared with each other, with memory, and with a recount."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from trayd.errors import LedgerDamagedError
from trayd.ledger.month import Month
from trayd.ledger.months import Months
from trayd.ledger.rollup_files import Derived, hashed
from trayd.ledger.rollups import Rollup, of_all_time
from trayd.ledger.state import State
from trayd.ledger.tables import Row, facts_of, row_of
from trayd.records import Record
from trayd.steps import Step, Steps

#: So many records of a month are named for one kind of problem.
_TOLD_OF_A_KIND = 10


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not sound.

    Attributes:
        pair: the name of the pair that it is in: ``2026-11``, ``state``.
        record: the record's id, where it is about one.
        text: what is wrong, with the file's name.
        cure: what to do about it.
    """

    pair: str
    record: str | None = None
    text: str
    cure: str

    def __str__(self) -> str:
        return f"{self.text}; {self.cure}"


def verify(
    state: State, months: Months, present: Callable[[Row], Record], version: Callable[[], int]
) -> Steps[list[Problem]]:
    """Reads all files again and compares them with each other and with memory: one month in each step.

    The ledger may change between two steps.

    Args:
        state: the state pair.
        months: all months; they are opened one after the other.
        present: makes the record that is shown out of a row.
        version: counts the ledger's changes; asked in each step.

    Returns:
        The problems found, none when all is sound.
    """
    found = _Problems()
    problems = found.told
    problems += [_problem("state", text) for text in state.verify()]
    problems += [_problem(name, text) for name, text in state.past.verify()]
    seen: dict[str, Path] = {}
    names = months.names()
    # Letting one month go lets go of what is derived of others, which is to be looked at as well. Once the ledger has
    # changed, only what is in memory still is known to be of the month as it is.
    held, at = {name: derived for name in names if (derived := months.derived(name)) is not None}, version()
    for number, name in enumerate(names):
        yield Step(number, len(names))
        unchanged = version() == at
        derived = months.derived(name) or (held.get(name) if unchanged else None)
        try:
            month = months.open(name)
        except LedgerDamagedError as error:
            problems.append(Problem(pair=name, text=error.message, cure=_cure(name)))
            continue
        _verify_month(months, month, derived or month.derived, present, seen, found)
        months.release()
    yield Step(len(names), len(names))
    return problems


def _verify_month(
    months: Months,
    month: Month,
    derived: Derived,
    present: Callable[[Row], Record],
    seen: dict[str, Path],
    found: _Problems,
) -> None:
    name, problems = month.name, found.told
    problems += [_problem(name, text) for text in month.pair.verify()]
    for record_id, row in month.rows.items():
        if not _is_sound(record_id, row, present):
            text = f"{month.pair.file}: the record {record_id} is not what its facts make"
            found.tell("are not what their facts make", _problem(name, text, record_id))
        if record_id in seen:
            text = f"{month.pair.file}: the record {record_id} stands in {seen[record_id]} too"
            cure = "restore a backup; until then it is counted twice"
            found.tell("stand elsewhere too", Problem(pair=name, record=record_id, text=text, cure=cure))
    recount = Rollup.of(month.rows.values())
    kept = months.kept_sums(name)
    if not derived.is_of(recount) or (kept is not None and dict(kept) != dict(of_all_time(recount.totals))):
        problems.append(_problem(name, f"{month.pair.file}: the sums of {name} are not those of a recount"))
    if not all(map(derived.index.may_hold, map(hashed, month.rows))):
        problems.append(_problem(name, f"{month.pair.file}: the index of {name} lacks some of its records"))
    found.tell_rest(month.pair.file)
    seen |= dict.fromkeys(month.rows, month.pair.file)


class _Problems:
    """Problems in order, of those of a month that are of one kind only the first: the others have the same cure."""

    def __init__(self) -> None:
        self.told: list[Problem] = []
        self._of_month: dict[str, list[Problem]] = {}

    def tell(self, kind: str, problem: Problem) -> None:
        """Tells of one record; what the records of its kind do is said of them all."""
        alike = self._of_month.setdefault(kind, [])
        alike.append(problem)
        if len(alike) <= _TOLD_OF_A_KIND:
            self.told.append(problem)

    def tell_rest(self, file: Path) -> None:
        """Ends a month: says how many more there are of each kind."""
        for kind, alike in self._of_month.items():
            more = len(alike) - _TOLD_OF_A_KIND
            if more > 0:
                text = f"{file}: and {more} more record{'' if more == 1 else 's'} that {kind}"
                self.told.append(Problem(pair=alike[0].pair, text=text, cure=alike[0].cure))
        self._of_month.clear()


def _problem(pair: str, text: str, record: str | None = None) -> Problem:
    return Problem(pair=pair, record=record, text=text, cure=_cure(pair))


def _cure(pair: str) -> str:
    return f"run `trayd ledger rebuild {pair}`; what it replaces is kept"


def _is_sound(record_id: str, row: Row, present: Callable[[Row], Record]) -> bool:
    again = row_of(record_id, facts_of(row))
    return present(again) == present(row) and again.billed == row.billed
