"""Known sources: they name a file's tool and say what cannot be worked out; no file needs one."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from tests.intake.corpus import Case, cases
from tests.intake.samples import read_costs
from trayd.intake import header
from trayd.intake.choosing import FIELDS
from trayd.intake.columns import comparable
from trayd.intake.costs import Costs
from trayd.intake.rejection import RefusedError
from trayd.intake.sources import RowsWith, SourcePreset, known_sources, recognise
from trayd.intake.understanding import Answers
from trayd.intake.vocabulary import vocabulary
from trayd.money import Money

CONTENT = "When,What,In,Out,State\n03/04/2026,a,1,12,done\n04/04/2026,b,1,13,undone\n05/04/2026,back,1,-3,done\n"
MINE = SourcePreset(
    name="Mine",
    header=("when", "WHAT", "Out"),
    columns={"amount": "Out"},
    date_order="dmy",
    currency="CHF",
    spending="positive",
    leave_out=(RowsWith(column="State", values=("UNDONE",), reason="undone"),),
    refund=(RowsWith(column="What", values=("Back",)),),
)


def read(*sources: SourcePreset, **answers) -> Costs:
    return read_costs("x.csv", CONTENT.encode(), home_currency="USD", sources=sources, answers=Answers(**answers))


# What a shop earned, less fees that were spent: only who knows the file knows which of its rows are costs.
ASKED_WITHOUT_PRESET = {"stripe-balance.csv"}


def known_case(case: Case) -> bool:
    try:
        return case.expected.refused is None and case.read().understanding.known
    except RefusedError:
        return False


@pytest.mark.parametrize("source", known_sources(), ids=lambda source: f"{source.name}: {source.header[0]}")
def test_every_known_source_is_recognised_by_its_own_header_and_names_columns_of_it(source):
    assert recognise(source.header, known_sources()) is source
    assert recognise([name.upper() for name in source.header], known_sources()) is source
    assert recognise(source.header[1:], [source]) is None
    there = {comparable(name) for name in source.header}
    assert len(there) == len(source.header)
    assert set(source.columns) <= set(FIELDS)
    named = [*source.columns.values(), *(rows.column for rows in (*source.leave_out, *source.refund))]
    assert {comparable(name) for name in named} <= there


@pytest.mark.parametrize("case", [case for case in cases() if known_case(case)], ids=lambda case: case.name)
def test_a_known_export_is_read_the_same_without_its_preset(case, monkeypatch):
    known = case.read()
    monkeypatch.setattr(header, "known_sources", lambda: ())
    if case.name in ASKED_WITHOUT_PRESET:
        with pytest.raises(RefusedError, match="--spending"):
            case.read()
        return
    unknown = case.read()
    assert [(cost.line, cost.date, cost.amount) for cost in unknown.costs] == [
        (cost.line, cost.date, cost.amount) for cost in known.costs
    ]
    assert [row.line for row in unknown.named] == [row.line for row in known.named]


def test_a_source_of_a_persons_own_says_what_the_file_does_not():
    file = read(MINE)
    assert [(cost.source, str(cost.date), cost.amount) for cost in file.costs] == [
        ("Mine", "2026-04-03", Money.of("12", "CHF")),
        ("Mine", "2026-04-05", Money.of("-3", "CHF")),
    ]
    assert [row.reason for row in file.named if row.line == 3] == ["undone"]
    assert (file.understanding.source, file.understanding.known) == ("Mine", True)


def test_answers_win_over_a_source():
    file = read(MINE, date_order="mdy", currency="SEK", source="Other")
    assert (file.costs[0].source, str(file.costs[0].date), file.costs[0].amount.currency) == (
        "Other",
        "2026-03-04",
        "SEK",
    )


def test_a_persons_own_source_wins_over_the_one_that_comes_with_trayd():
    content = b"date,product,sku,model,applied_cost_per_quantity,gross_amount,discount_amount,net_amount\n"
    content += b"2026-11-03,copilot,p,m,1,2,1,1\n"
    header = tuple(content.decode().splitlines()[0].split(","))
    mine = SourcePreset(name="Ours", header=header, alone=True, columns={"amount": "gross_amount"})
    file = read_costs("x.csv", content, home_currency="USD", sources=(mine,))
    assert (file.costs[0].source, file.costs[0].amount) == ("Ours", Money.of("2"))


def test_a_person_may_say_which_of_their_sources_a_file_comes_from():
    content = b"Day;Text;Money\n03/04/2026;a;5\n"
    mine = SourcePreset(name="Mine", header=("Never", "There"), columns={"amount": "Money"}, date_order="mdy")
    (cost,) = read_costs("x.csv", content, home_currency="USD", sources=(mine,), answers=Answers(source="Mine")).costs
    assert (cost.source, str(cost.date)) == ("Mine", "2026-03-04")


def test_a_preset_with_a_wrong_entry_is_refused():
    for wrong in ({"spending": "up"}, {"date_order": "ydm"}, {"colums": {}}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"name": "a", "header": ["b"], **wrong}, SourcePreset)


def test_the_vocabulary_says_nothing_twice():
    words = vocabulary()
    assert words.meaning(("amount",)) == ("amount", 1, True)
    ranks = [words.meaning((name,)) for name in ("kaufdatum", "buchungsdatum", "wertstellung", "monat")]
    assert all(first and second and first.rank < second.rank for first, second in pairwise(ranks))
