"""The FOCUS 1.2 export: the history as a Cost and Usage dataset (https://focus.finops.org/focus-specification/v1-2/).

Each record that has a cost is a row. ``ListCost`` and ``ContractedCost`` are exactly price times quantity;
``BilledCost`` and ``EffectiveCost`` are what was charged, in whole nanos. A record without a cost cannot be a row:
``BilledCost`` may not be empty, and zero would be a lie.

Rows go out as they come in, so that memory does not grow with the history.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from itertools import islice
from math import ceil
from operator import itemgetter
from typing import NamedTuple

import msgspec

from trayd.export_columns import FOCUS_ID_COLUMN
from trayd.facts import ModelFact
from trayd.insight.pools import PoolCost
from trayd.money import Money, nanos_of
from trayd.records import Counting, ExternalCost, Generation, Kind, Record
from trayd.reports.focus_text import (
    ascii_id,
    ascii_text,
    decimal_text,
    id_of,
    is_plain,
    moment_text,
    month_text,
    name_of,
    plain_text,
    unit_name,
)
from trayd.reports.formula_cells import text_cell
from trayd.reports.kept import kept
from trayd.reports.without_cost import told_without_cost

#: The columns, in their order: those of the specification that trayd has something to say in, then its own.
COLUMNS = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountStatus",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
    FOCUS_ID_COLUMN,
    "x_Category",
    "x_CostBasis",
    "x_Description",
    "x_Kind",
    "x_Model",
    "x_Note",
    "x_Operation",
    "x_RequestId",
    "x_Source",
    "x_Unit",
)

_ROWS_PER_PIECE = 200
_FAL, _EXTERNAL = "fal.ai", "external"
# Exact products of numbers that can be written out: three of them of sixty digits at most.
_WIDE = Context(prec=200)
_ZERO, _ONE, _HUNDRED = Decimal(0), Decimal(1), Decimal(100)
_PERCENT = Decimal("0.01")
_REQUESTS = "Requests"
_CHARGES = "Charges"
_LONGEST_RUN_S = 366 * 86_400.0

#: On what a generation's cost rests.
_BASES = {Counting.ACTUAL: "Billed", Counting.ESTIMATE: "Estimated", Counting.FREE: "Free"}

# One category for all that has one name: rows of a service that differ in it are refused.
_SERVICE = {"ServiceCategory": "AI and Machine Learning", "ServiceSubcategory": "Generative AI"}

_Row = Mapping[str, str | None]

# A row begins as this, so that each column is there when they are put into their order.
_EMPTY: _Row = dict.fromkeys(COLUMNS)
_in_order = itemgetter(*COLUMNS)


class Priced(NamedTuple):
    """What a charge is counted and priced in; list and contracted cost are the exact products.

    Attributes:
        quantity: of ``unit``; ``list_price`` and ``contracted_price`` are for one.
    """

    quantity: Decimal
    unit: str
    list_price: Decimal
    contracted_price: Decimal

    @property
    def list_cost(self) -> Decimal:
        """Before the discount."""
        return _WIDE.multiply(self.quantity, self.list_price)

    @property
    def contracted_cost(self) -> Decimal:
        """After it."""
        return _WIDE.multiply(self.quantity, self.contracted_price)


def focus_lines(
    records: Iterable[Record],
    *,
    accounts: Mapping[str, str],
    models: Mapping[str, ModelFact],
    pool_of: Callable[[ExternalCost], PoolCost],
    remark: Callable[[str], None],
) -> Iterator[str]:
    """The records as CSV, header first, some hundred rows at a time, in the order in which they come.

    Args:
        records: those without a cost (no price yet, still running, failed, unmatched) are left out.
        accounts: what accounts are called, by the ledger's names.
        models: by endpoint id; for the list price of what is estimated so far.
        pool_of: the period that a shared cost, or a share of one, is for.
        remark: is told at the end how many were left out, and why.
    """
    without_cost: Counter[Counting] = Counter()
    rows = _rows(records, accounts, models, pool_of, without_cost)
    piece = io.StringIO(newline="")
    writer = csv.writer(piece)
    writer.writerow(COLUMNS)
    while True:
        writer.writerows(map(_in_order, islice(rows, _ROWS_PER_PIECE)))
        text = piece.getvalue()
        if not text:
            break
        yield text
        piece.seek(0)
        piece.truncate()
    if left_out := told_without_cost(without_cost, "left out"):
        remark(left_out)


def _rows(
    records: Iterable[Record],
    accounts: Mapping[str, str],
    models: Mapping[str, ModelFact],
    pool_of: Callable[[ExternalCost], PoolCost],
    without_cost: Counter[Counting],
) -> Iterator[_Row]:
    for record in records:
        cost = record.cost
        if cost is None:
            without_cost[record.counting] += 1
        elif isinstance(record, ExternalCost):
            yield _external(record, pool_of(record) if record.kind is Kind.POOL else None)
        else:
            yield _generation(record, cost, accounts, models)


def _generation(record: Generation, cost: Money, accounts: Mapping[str, str], models: Mapping[str, ModelFact]) -> _Row:
    priced = priced_as(record, cost, models.get(record.endpoint_id))
    quantity, unit = _consumed(record, priced)
    start = record.timestamp.astimezone(UTC)
    name = ascii_text(record.display_name or record.endpoint_id)
    return {
        **_EMPTY,
        **_fal_account(record.account, accounts.get(record.account, record.account)),
        **_sub_account(record.account, record.key),
        **_period(start, start + timedelta(seconds=min(record.duration_s or 0.0, _LONGEST_RUN_S))),
        **(_usage(cost, priced) if cost.nanos >= 0 else _credit(cost)),
        **({"ConsumedQuantity": quantity, "ConsumedUnit": unit} if cost.nanos >= 0 else {}),
        **(_sku(id_of(record.endpoint_id, _FAL), priced) if cost.nanos >= 0 else {}),
        "ChargeDescription": f"Model run: {name}, {quantity} {unit}",
        "ChargeFrequency": "Usage-Based",
        "Tags": _tags(record),
        FOCUS_ID_COLUMN: text_cell(record.id),
        "x_CostBasis": _BASES[record.counting],
        "x_Kind": record.kind,
        "x_Model": text_cell(record.endpoint_id),
        "x_Note": text_cell(record.note),
        "x_Operation": text_cell(record.operation),
        "x_RequestId": text_cell(record.request_id),
        "x_Source": text_cell(record.source),
        "x_Unit": text_cell(record.unit),
    }


def priced_as(record: Generation, cost: Money, model: ModelFact | None) -> Priced:
    """How a generation's cost comes about: its units at their price, where that gives the cost to the nano.

    What fal has billed in several rows of different prices, and what was estimated as a whole, has no such price: it is
    one request at its cost, so that quantity times price is the cost in every row.

    Args:
        record: the generation.
        cost: what it counts in totals.
        model: its list price, for one that is not billed yet.
    """
    units, price = record.units, record.unit_price
    if price is None and model is not None and model.currency == cost.currency:
        price = model.unit_price
    if units is not None and price is not None:
        priced = _by_units(units, price, record.percent_discount or _ZERO, record.unit, cost.nanos)
        if priced is not None:
            return priced
    return Priced(_ONE, _REQUESTS, cost.amount, cost.amount)


@kept(1024)
def _by_units(units: Decimal, price: Decimal, discount: Decimal, unit: str | None, nanos: int) -> Priced | None:
    """None where that price does not come to so many nanos."""
    left = _WIDE.subtract(_HUNDRED, discount)
    if not all(map(is_plain, (units, price, left))):
        return None
    contracted = _WIDE.multiply(price, _WIDE.multiply(left, _PERCENT)) if discount else price
    priced = Priced(units, unit_name(unit), price, contracted)
    return priced if nanos_of(priced.contracted_cost) == nanos else None


def _external(record: ExternalCost, pool: PoolCost | None) -> _Row:
    cost, source = record.amount, name_of(record.source, "Source")
    whole = Priced(_ONE, _CHARGES, cost.amount, cost.amount)
    start = record.timestamp
    return {
        **_EMPTY,
        **_tool(record.source, source),
        **_period(start, start + timedelta(days=1)),
        **(_days(pool.since, pool.until) if pool is not None else {}),
        **(_usage(cost, whole) if cost.nanos >= 0 else _credit(cost)),
        **({"ConsumedQuantity": "1.0", "ConsumedUnit": _CHARGES} if cost.nanos >= 0 else {}),
        **(_sku(f"{_EXTERNAL}/{ascii_id(record.source)}", whole) if cost.nanos >= 0 else {}),
        "ChargeDescription": plain_text(record.description, "Charge"),
        "ChargeFrequency": "Recurring" if pool is not None and pool.recurs else "One-Time",
        "Tags": _tags(record),
        FOCUS_ID_COLUMN: text_cell(record.id),
        "x_Category": text_cell(record.category),
        "x_CostBasis": "Imported" if record.file else "Settings",
        "x_Description": text_cell(record.description),
        "x_Kind": record.kind,
        "x_Note": text_cell(record.note),
        "x_Source": text_cell(record.source),
    }


@kept(512)
def _usage(cost: Money, priced: Priced) -> _Row:
    amount = decimal_text(cost.amount)
    list_price, contracted_price = decimal_text(priced.list_price), decimal_text(priced.contracted_price)
    return {
        "BilledCost": amount,
        "BillingCurrency": cost.currency,
        "ChargeCategory": "Usage",
        "ContractedCost": decimal_text(priced.contracted_cost),
        "ContractedUnitPrice": contracted_price,
        "EffectiveCost": amount,
        "ListCost": decimal_text(priced.list_cost),
        "ListUnitPrice": list_price,
        "PricingCategory": "Standard",
        "PricingCurrency": cost.currency,
        "PricingCurrencyContractedUnitPrice": contracted_price,
        "PricingCurrencyEffectiveCost": amount,
        "PricingCurrencyListUnitPrice": list_price,
        "PricingQuantity": decimal_text(priced.quantity),
        "PricingUnit": priced.unit,
    }


def _credit(cost: Money) -> _Row:
    """Money that came back. Unit prices are never below zero, so a credit has none, and no quantity."""
    amount = decimal_text(cost.amount)
    return {
        "BilledCost": amount,
        "BillingCurrency": cost.currency,
        "ChargeCategory": "Credit",
        "ContractedCost": amount,
        "EffectiveCost": amount,
        "ListCost": amount,
        "PricingCurrency": cost.currency,
        "PricingCurrencyEffectiveCost": amount,
    }


def _consumed(record: Generation, priced: Priced) -> tuple[str, str]:
    """What was made: fal's units also where they do not explain the cost."""
    if record.units is None or not is_plain(record.units):
        return decimal_text(priced.quantity), priced.unit
    return decimal_text(record.units), unit_name(record.unit)


def _sku(sku: str, priced: Priced) -> _Row:
    return {"SkuId": sku, "SkuMeter": f"Billed {priced.unit}", "SkuPriceId": f"{sku}/{priced.unit}"}


@kept(256)
def _fal_account(account: str, called: str) -> _Row:
    return {
        "BillingAccountId": f"{_FAL}/{ascii_id(account)}",
        "BillingAccountName": name_of(called, "Account"),
        "BillingAccountType": "fal.ai Account",
        "InvoiceIssuerName": _FAL,
        "ProviderName": _FAL,
        "PublisherName": _FAL,
        "ServiceName": "fal.ai Model APIs",
        **_SERVICE,
    }


@kept(256)
def _tool(source: str, name: str) -> _Row:
    return {
        "BillingAccountId": f"{_EXTERNAL}/{ascii_id(source)}",
        "BillingAccountName": name,
        "BillingAccountType": "External Tool",
        "InvoiceIssuerName": name,
        "ProviderName": name,
        "PublisherName": name,
        "ServiceName": name,
        **_SERVICE,
    }


@kept(1024)
def _sub_account(account: str, key: str | None) -> _Row:
    if not key:
        return {}
    return {
        "SubAccountId": f"{_FAL}/{ascii_id(account)}/{ascii_id(key)}",
        "SubAccountName": name_of(key, "Key"),
        "SubAccountType": "API Key",
    }


def _period(start: datetime, end: datetime) -> _Row:
    """When it was charged for, from one second to another, and the month whose bill it is on: fal's are UTC's."""
    first = start.replace(microsecond=0)
    seconds = max(1, ceil((end - first).total_seconds()))
    month_start, month_end = month_text(first.year, first.month)
    return {
        "BillingPeriodEnd": month_end,
        "BillingPeriodStart": month_start,
        "ChargePeriodEnd": moment_text(first + timedelta(seconds=seconds)),
        "ChargePeriodStart": moment_text(first),
    }


def _days(since: date, until: date) -> _Row:
    """What is charged for whole days; it is on the bill of the month of its own date, also where these are more."""
    starts, ends = (moment_text(datetime.combine(day, time(), UTC)) for day in (since, until))
    return {"ChargePeriodEnd": ends, "ChargePeriodStart": starts}


def _tags(record: Record) -> str | None:
    """Tags as FOCUS has them (1.2, "Key-Value Format"): a flat JSON object; none where nothing is tagged.

    A semicolon is escaped: a program that takes it for a delimiter would cut there, and might run what follows.
    """
    tags = {"client": record.client, "project": record.project, "deliverable": record.deliverable}
    given = {name: value for name, value in tags.items() if value}
    return msgspec.json.encode(given).decode().replace(";", "\\u003b") if given else None
