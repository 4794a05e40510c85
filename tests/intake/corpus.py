"""The files in ``tests/data/costs``, each with what a careful bookkeeper would write down from it.

Beside ``NAME`` lie ``NAME.expected.json`` and, where the same file is read again with an answer that settles it,
``NAME.WHAT.expected.json``. What an expectation says:

- ``rows``: the lines that rows begin on, blank ones left away; each must be accounted for.
- ``recorded``: line, date, amount, currency, and what else must be on the record. A ``description`` is exact where the
  file has one column for it; behind a ``~`` it must be part of what was recorded, which may join several columns.
- ``rejected``: lines that must be rejected, and the column that is to blame where only one can be.
- ``left_out``: lines that cost nothing. ``total``: lines that are sums of others. ``not_recorded``: lines that may be
  either rejected or named.
- ``source``: part of the source's name. ``csv`` for files of no known tool.
- ``refused``: patterns that the refusal of the whole file must fit, regardless of case.
- ``home_currency`` (USD where it is not said) and ``answers``: what the person has set and said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

import msgspec

from tests.intake.samples import read_costs
from trayd.intake.costs import Costs
from trayd.intake.rejection import RefusedError
from trayd.intake.understanding import Answers, RowKind
from trayd.records import ExternalCost

FOLDER = Path(__file__).parent.parent / "data" / "costs"

_END = ".expected.json"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    line: int
    date: str
    amount: Decimal
    currency: str
    description: str | None = None
    category: str | None = None
    source: str | None = None
    kind: str | None = None
    client: str | None = None
    project: str | None = None
    deliverable: str | None = None
    note: str | None = None


class Rejected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    line: int
    column: str | None = None


class Refused(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    says: list[str]
    line: int | None = None


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file: str | None = None
    rows: str = ""
    home_currency: str = "USD"
    answers: Answers = Answers()
    source: str | None = None
    recorded: list[Record] = []
    rejected: list[Rejected] = []
    left_out: list[int] = []
    total: list[int] = []
    not_recorded: list[int] = []
    refused: Refused | None = None


class Case(msgspec.Struct, frozen=True):
    name: str
    file: str
    expected: Expected

    @property
    def data(self) -> bytes:
        return (FOLDER / self.file).read_bytes()

    def read(self) -> Costs:
        """What trayd makes of the file; raises RefusedError."""
        return read_costs(
            self.file, self.data, home_currency=self.expected.home_currency, answers=self.expected.answers
        )


@cache
def cases() -> tuple[Case, ...]:
    found = []
    for path in sorted(FOLDER.glob(f"*{_END}")):
        name = path.name.removesuffix(_END)
        expected = msgspec.json.decode(path.read_bytes(), type=Expected)
        found.append(Case(name, expected.file or name, expected))
    return tuple(found)


def files() -> list[Path]:
    return sorted(path for path in FOLDER.iterdir() if not path.name.endswith(_END))


def lines(spans: str) -> Iterator[int]:
    """``4-6, 9``: 4, 5, 6, 9."""
    for span in filter(None, spans.split(", ")):
        first, _, last = span.partition("-")
        yield from range(int(first), int(last or first) + 1)


def refusal(costs: Costs | RefusedError, file: str) -> str | None:
    """The message a person gets where nothing of the file is recorded."""
    if isinstance(costs, RefusedError):
        return costs.rejection.text(file)
    if costs.costs:
        return None
    told = [row.rejection.text(file) for row in costs.rejected]
    told += [f"line {row.line}: {row.reason}" for row in costs.named if row.what is RowKind.LEFT_OUT]
    return "\n".join(["nothing to record", *told])


def as_written_down(expected: Expected, costs: Costs) -> tuple[list[str], list[str]]:
    """What was expected and what was read, line by line, so that a failure shows both side by side."""
    wanted = {record.line: record for record in expected.recorded}
    return (
        sorted([*map(_text, expected.recorded), *(f"{row.line:4} rejected" for row in expected.rejected)]),
        sorted(
            [
                *(_text(_seen(cost, wanted.get(cost.line))) for cost in costs.costs),
                *(
                    f"{row.rejection.line or 0:4} rejected"
                    for row in costs.rejected
                    if row.rejection.line not in expected.not_recorded
                ),
            ]
        ),
    )


def accounted_for(costs: Costs) -> Counter[int]:
    """How often each line was recorded, rejected or named: once each, where nothing is lost or told twice."""
    return Counter(
        [
            *(cost.line for cost in costs.costs),
            *(row.rejection.line or 0 for row in costs.rejected),
            *(row.line for row in costs.named),
        ]
    )


def named(costs: Costs, what: RowKind) -> list[int]:
    return [row.line for row in costs.named if row.what is what]


def _seen(cost: ExternalCost, wanted: Record | None) -> Record:
    """The cost as an expectation of it would be written, with no more than the expectation says."""
    description = " ".join(cost.description.split())
    if wanted is not None:
        if wanted.description is None:
            description = None
        elif wanted.description.startswith("~") and wanted.description[1:] in description:
            description = wanted.description
    more = {
        field: None if wanted is not None and getattr(wanted, field) is None else getattr(cost, field)
        for field in ("category", "source", "client", "project", "deliverable", "note")
    }
    return Record(
        line=cost.line,
        date=cost.date.isoformat(),
        amount=cost.amount.amount,
        currency=cost.amount.currency,
        description=description,
        kind=None if wanted is not None and wanted.kind is None else cost.kind.value,
        **more,
    )


def _text(record: Record) -> str:
    more = " ".join(
        f"{field}={value!r}"
        for field in ("description", "category", "source", "kind", "client", "project", "deliverable", "note")
        if (value := getattr(record, field)) is not None
    )
    return f"{record.line:4} {record.date} {record.amount.normalize():f} {record.currency} {more}"


def fits(pattern: str, message: str) -> bool:
    return re.search(pattern, message, re.IGNORECASE) is not None
