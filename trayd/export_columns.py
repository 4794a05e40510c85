"""The columns of tables that trayd exports: who writes them and who knows them again when one is dropped needs both."""

from __future__ import annotations

#: The columns of the CSV export, in their order; the log's JSON has the same names.
COLUMNS = (
    "timestamp",
    "model",
    "operation",
    "kind",
    "source",
    "estimated_cost",
    "actual_cost",
    "cost",
    "currency",
    "client",
    "project",
    "deliverable",
    "duration_s",
    "units",
    "unit",
    "request_id",
    "account",
    "description",
    "category",
    "note",
)

#: The columns behind them where a currency was asked for.
CONVERTED_COLUMNS = ("converted_cost", "converted_currency", "exchange_rate", "rate_date")

#: The column of the FOCUS export that no other tool writes.
FOCUS_ID_COLUMN = "x_TraydId"
