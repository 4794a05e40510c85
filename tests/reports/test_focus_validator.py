"""The FOCUS export before the official validator, with the rules that come with it.

One of its 578 rules fails whatever a file holds: ``InvoiceId-C-004-C`` wants every InvoiceId to be null and
``InvoiceId-C-005-C`` wants none to be, both without a condition, for the conditions that the specification has ("when
the charge is associated with an invoice") cannot be told from a file. What is true of fal's charges, no invoice, breaks
the fewest. The tests hold on to just that: they fail as soon as another rule fails, and as soon as this one need not.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.reports.focus_validator import CRITERIA, bundled_rules, validated
from tests.reports.studio import hostile_records, studio
from trayd.insight.pools import PoolCost
from trayd.operations.exporting import ExportQuery
from trayd.reports.focus_export import COLUMNS, focus_lines

NO_INVOICE = frozenset({"InvoiceId-C-005-C"})

# So many rules are looked at and hold, at the least: fewer would mean that something was not looked at.
FEWEST, FEWEST_OF_ALL_CRITERIA = 136, 264

Row = dict[str, str]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A studio's whole ledger, as `trayd export --format focus` writes it."""
    folder = tmp_path_factory.mktemp("focus")
    with studio(folder) as desk:
        text = "".join(desk.operations.export(ExportQuery(format="focus")))
    path = folder / "studio.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def rows_of(export: Path) -> list[Row]:
    with export.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def saved(export: Path, name: str, rows: list[Row]) -> Path:
    """Rows in a file beside the export; the columns are those of the first."""
    path = export.with_name(f"{name}.csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def rules() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(bundled_rules().read_text(encoding="utf-8"))["ModelRules"]
    return told


def test_the_validator_has_nothing_to_say_but_that_there_is_no_invoice(export):
    verdict = validated(export)
    assert verdict.failed == NO_INVOICE
    assert len(verdict.passed) >= FEWEST
    # The rule that holds the two together, and the column's own, are content.
    assert {"InvoiceId-C-004-C", "InvoiceId-C-003-C", "InvoiceId-C-000-O", "CostAndUsage-D-033-O"} <= verdict.passed


def test_nor_where_it_looks_at_tags_prices_and_accounts_as_well(export):
    verdict = validated(export, *CRITERIA)
    assert verdict.failed == NO_INVOICE
    assert len(verdict.passed) >= FEWEST_OF_ALL_CRITERIA
    for rule in ("Tags-C-000-C", "ListUnitPrice-C-000-C", "SkuPriceId-C-000-C", "SubAccountId-C-000-C"):
        assert rule in verdict.passed


def test_nor_of_whatever_records_can_hold(tmp_path):
    remarks: list[str] = []
    path = tmp_path / "any.csv"
    text = "".join(
        focus_lines(
            hostile_records(),
            accounts={"second": "Zweites Büro"},
            models={},
            pool_of=PoolCost.of_month,
            remark=remarks.append,
        )
    )
    path.write_text(text, encoding="utf-8", newline="")
    assert text.count("\n") > 300
    assert len(remarks) == 1
    assert validated(path, *CRITERIA).failed == NO_INVOICE


def test_the_two_rules_on_invoices_leave_no_way_out(export):
    asked = [rules()[f"InvoiceId-C-00{number}-C"]["ValidationCriteria"] for number in (4, 5)]
    column = {"ColumnName": "InvoiceId", "Value": None}
    assert [each["Requirement"] for each in asked] == [
        {"CheckFunction": "CheckValue", **column},
        {"CheckFunction": "CheckNotValue", **column},
    ]
    assert [each["Condition"] for each in asked] == [{}, {}]
    # So it is with an invoice in each row, and without the column.
    rows = rows_of(export)
    everywhere = [{**row, "InvoiceId": f"INV-{number}"} for number, row in enumerate(rows)]
    assert validated(saved(export, "everywhere", everywhere)).failed == {"InvoiceId-C-004-C"}
    absent = [{name: row[name] for name in row if name != "InvoiceId"} for row in rows]
    assert validated(saved(export, "absent", absent)).failed > {
        "CostAndUsage-D-033-O",
        "InvoiceId-C-004-C",
        "InvoiceId-C-005-C",
    }


def test_every_column_without_x_is_one_of_the_specification():
    """The validator passes over columns that it does not know: a slip of the pen would never be seen."""
    known = {rule["Reference"] for rule in rules().values() if rule["EntityType"] == "Column"}
    assert {name for name in COLUMNS if not name.startswith("x_")} <= known


def test_every_row_has_values_of_those_that_are_allowed(export):
    """Of a rule with alternatives the validator is content when one row of a file meets it; here each row has to."""
    looked_at = set()
    for rule in rules().values():
        asked = rule["ValidationCriteria"]["Requirement"]
        values = [item for item in asked.get("Items", ()) if item["CheckFunction"] == "CheckValue"]
        if asked.get("CheckFunction") != "OR" or len(values) < len(asked["Items"]) or rule["Reference"] not in COLUMNS:
            continue
        looked_at.add(rule["Reference"])
        allowed = {item["Value"] for item in values} | {""}
        assert {row[rule["Reference"]] for row in rows_of(export)} <= allowed
    assert looked_at >= {
        *("ChargeCategory", "ChargeFrequency", "PricingCategory", "ServiceCategory", "ServiceSubcategory")
    }


def test_credits_are_sound_by_themselves_as_well(export):
    """For the same reason: beside other rows, they could lean on them."""
    returned = [row for row in rows_of(export) if row["ChargeCategory"] == "Credit"]
    assert len(returned) == 2
    assert validated(saved(export, "credits", returned), *CRITERIA).failed == NO_INVOICE


def test_the_validator_would_have_told(export):
    """The control: what it can see is seen."""
    wrong = {"BillingCurrency": "XYZ", "ChargeFrequency": "Monthly", "ServiceName": "Größe", "Tags": "client=x"}
    failed = validated(saved(export, "wrong", [{**row, **wrong} for row in rows_of(export)]), *CRITERIA).failed
    assert failed > NO_INVOICE
    for column in wrong:
        assert [rule for rule in failed if rule.startswith(f"{column}-")], column
