"""Plain-text accounting: the history as a journal that hledger and ledger read.

A cost goes from where it is paid to whom it is for: from ``assets:fal:ACCOUNT``, credits that were bought before, or
``liabilities:external:TOOL``, what others bill, to ``expenses:AI:CLIENT:PROJECT``. Both amounts are written out, to the
nano, so that a damaged line is found. Every account, commodity and price stands before the first entry that needs it:
the journal is written as the records come in, and both programs take it in their strict modes.

Syntax: https://hledger.org/hledger.html#journal and https://ledger-cli.org/doc/ledger3.html; what is written here is
what both read alike.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from itertools import islice

import msgspec

from trayd.money import NANOS_PER_UNIT
from trayd.rates import Converter, RateSource
from trayd.records import Counting, ExternalCost, Filters, Record
from trayd.reports.kept import kept
from trayd.reports.without_cost import REASONS, told_without_cost
from trayd.reports.without_rate import WithoutRate

_ENTRIES_PER_PIECE = 500
_NO_CLIENT, _NO_PROJECT, _NO_NAME = "(no client)", "(no project)", "(no name)"
_UNNAMED = "unnamed"

# What is known of an entry beside its account: the client and the project are in that.
_TAGS = ("id", "kind", "deliverable", "model", "time", "key", "basis", "category", "note")

# Of the columns that most names and amounts fit into.
_WIDTH, _DIGITS = 48, 18

# In UTF-8; ledger 3 ends with an error at 256 bytes between two colons (account.cc).
_LONGEST_PART, _KEPT_OF_LONG = 255, 240

# Likewise at lines of more than 4,096 bytes (textual.cc): a tag has one for itself, other texts share theirs.
_LONGEST_TAG, _LONGEST_SHARED = 4000, 1000

# Three digits after the point could be read as thousands.
_FEWEST_DECIMALS = 6


def journal_lines(
    records: Iterable[Record],
    *,
    filters: Filters,
    accounts: Mapping[str, str],
    converter: Converter,
    zone: tzinfo,
    now: datetime,
    remark: Callable[[str], None],
) -> Iterator[str]:
    """The records as a journal, some hundred entries at a time, in the order in which they come.

    Args:
        records: those without a cost become comments; so do those that were free.
        filters: those that they were chosen by, which the journal tells.
        accounts: what accounts are called, by the ledger's names.
        converter: the rates of amounts in other currencies; they become ``P`` directives.
        zone: whose days entries are dated by.
        now: when it is made (UTC).
        remark: is told at the end how many have no cost, and of which amounts no rate is known.
    """
    journal = _Journal(accounts, converter, zone)
    yield (
        f"; trayd's history, written {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC.\n"
        f"; Taken in: {_taken_in(filters, zone)}.\n"
        "; By client and project:\n"
        ";     hledger balance expenses:AI --tree\n"
        f"; The same in {converter.currency}, at the rates of the days:\n"
        f";     hledger balance expenses:AI --tree --value=then,{converter.currency}\n\n"
        + "".join(f"tag {name}\n" for name in _TAGS)
    )
    source = iter(records)
    while some := list(islice(source, _ENTRIES_PER_PIECE)):
        yield "".join(map(journal.entry, some))
    for sentence in journal.remarks():
        yield f"\n; {sentence}\n"
        remark(sentence)


def _taken_in(filters: Filters, zone: tzinfo) -> str:
    """The filters in words on one line: whoever reads the journal later has to know what it is a part of."""
    tags = msgspec.to_builtins(filters)
    chosen = [
        f"{name} {_clipped(_one_line(value), _LONGEST_PART) or '(none)'}"
        for name, value in tags.items()
        if name not in {"since", "until"}
    ]
    if filters.since is not None:
        chosen.append(f"from {filters.since.astimezone(zone):%Y-%m-%d %H:%M}")
    if filters.until is not None:
        chosen.append(f"before {filters.until.astimezone(zone):%Y-%m-%d %H:%M}")
    return ", ".join(chosen) or "everything"


class _Journal:
    """Writes entries, and before each what it is the first to need."""

    def __init__(self, accounts: Mapping[str, str], converter: Converter, zone: tzinfo) -> None:
        self._called = accounts
        self._converter = converter
        self._zone = zone
        self._declared: set[str] = set()
        self._priced: set[tuple[str, date]] = set()
        self._without_cost: Counter[Counting] = Counter()
        self._without_rate = WithoutRate(converter.currency)
        # Currencies that have had a rate so far, and those that have had one before a day without.
        self._rated: set[str] = set()
        self._stale: set[str] = set()

    def remarks(self) -> Iterator[str]:
        """What a person has to know of the whole."""
        if left_out := told_without_cost(self._without_cost, "noted in comments"):
            yield left_out
        yield from self._without_rate.told(self._became)

    def _became(self, currency: str) -> str:
        home = self._converter.currency
        if currency in self._stale:
            return f"is in no total of trayd's in {home}; here what is asked for in {home} takes the last rate before"
        return f"is in no total of trayd's in {home}, and stays in {currency} here"

    def entry(self, record: Record) -> str:
        """The record as an entry, or as a comment where it has no cost."""
        cost = record.cost
        if cost is None:
            self._without_cost[record.counting] += 1
            return self._comment(record, REASONS[record.counting])
        if record.counting is Counting.FREE:
            return self._comment(record, "free, for it failed")
        debit = f"expenses:AI:{account_part(record.client, _NO_CLIENT)}:{account_part(record.project, _NO_PROJECT)}"
        credit = self._paid_from(record)
        day, currency = self._day(record), cost.currency
        if cost.nanos and currency != self._converter.currency and self._converter.rate(currency, day) is None:
            self._without_rate.add(cost, day)
            self._stale |= {currency} & self._rated
        return "".join(
            (
                *self._declarations(currency, day, debit, credit),
                f"\n{day} {'*' if record.confirmed else '!'} {_payee(record)}\n",
                *(f"    ; {name}: {value}\n" for name, value in zip(_TAGS, _tag_values(record), strict=True) if value),
                f"    {debit:<{_WIDTH}}  {amount_text(cost.nanos):>{_DIGITS}} {currency}\n",
                f"    {credit:<{_WIDTH}}  {amount_text(-cost.nanos):>{_DIGITS}} {currency}\n",
            )
        )

    def _comment(self, record: Record, why: str) -> str:
        record_id = _clipped(_tag_value(record.id), _LONGEST_SHARED)
        return f"\n; {self._day(record)} {_payee(record)}: {why} ({record_id})\n"

    def _paid_from(self, record: Record) -> str:
        if isinstance(record, ExternalCost):
            return f"liabilities:external:{account_part(record.source, _NO_NAME)}"
        return f"assets:fal:{account_part(self._called.get(record.account, record.account), _NO_NAME)}"

    def _day(self, record: Record) -> date:
        if isinstance(record, ExternalCost):
            return record.date
        return record.timestamp.astimezone(self._zone).date()

    def _declarations(self, currency: str, day: date, *accounts: str) -> Iterator[str]:
        if currency not in self._declared:
            self._declared.add(currency)
            yield f"\ncommodity {currency}\n    format 1000.000000000 {currency}\n"
        for account in accounts:
            if account not in self._declared:
                self._declared.add(account)
                yield f"\naccount {account}\n"
        if currency != self._converter.currency and (currency, day) not in self._priced:
            self._priced.add((currency, day))
            yield self._price(currency, day)

    def _price(self, currency: str, day: date) -> str:
        rate = self._converter.rate(currency, day)
        if rate is None:
            return ""
        self._rated.add(currency)
        home = self._converter.currency
        into = "".join(self._declarations(home, day))
        whence = "fixed in the settings" if rate.source is RateSource.SETTINGS else f"published for {rate.published}"
        return f"{into}\n; {whence}:\nP {day} {currency} {_rate_text(rate.factor)} {home}\n"


def _tag_values(record: Record) -> tuple[str, ...]:
    """The values of :data:`_TAGS`; empty where there is none."""
    about = _tag_value(record.id), record.kind, _tag_value(record.deliverable)
    if isinstance(record, ExternalCost):
        return (*about, "", "", "", "", _tag_value(record.category), _tag_value(record.note))
    return (
        *about,
        _tag_value(record.endpoint_id),
        f"{record.timestamp.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        _tag_value(record.key),
        "estimate" if record.counting is Counting.ESTIMATE else "",
        "",
        _tag_value(record.note),
    )


def _payee(record: Record) -> str:
    """``WHO | WHAT``, which hledger tells apart."""
    if isinstance(record, ExternalCost):
        # In front a bracket begins a code, and these marks say how far an entry is cleared.
        return f"{_payee_part(record.source).lstrip('(*! ') or _UNNAMED} | {_payee_part(record.description)}"
    return f"fal.ai | {_payee_part(record.display_name or record.endpoint_id)}"


@kept(1024)
def account_part(name: str | None, instead: str) -> str:
    """A name as a part of an account's name.

    Two blanks end an account's name and a colon divides it. The one is collapsed, the other becomes the sign for a
    ratio, which looks like it. What is too long for ledger ends in a mark of the whole, so that no two become one.

    Args:
        name: of a client, a project, an account, a tool.
        instead: where there is none.
    """
    part = _one_line(name or "").replace(":", "∶") or instead  # noqa: RUF001 - just because it looks like a colon
    data = part.encode()
    if len(data) <= _LONGEST_PART:
        return part
    return f"{data[:_KEPT_OF_LONG].decode(errors='ignore').rstrip()}… {hashlib.sha256(data).hexdigest()[:8]}"


@kept(1024)
def _payee_part(text: str) -> str:
    # A semicolon begins a comment.
    return _clipped(_one_line(text).replace(";", ",").replace("|", "/"), _LONGEST_SHARED) or _UNNAMED


def _tag_value(text: str | None) -> str:
    # A comma ends the value of a tag.
    return _clipped(_one_line(text).replace(",", ";"), _LONGEST_TAG) if text else ""


def _one_line(text: str) -> str:
    """The text on one line, with single blanks, without characters that cannot be seen."""
    if not text.isprintable():
        text = "".join(mark if mark.isprintable() else " " for mark in text)
    return " ".join(text.split())


def _clipped(text: str, longest: int) -> str:
    """The text in so many bytes of UTF-8 at most; what had to go is a mark."""
    data = text.encode()
    return text if len(data) <= longest else f"{data[: longest - 3].decode(errors='ignore').rstrip()}…"


def amount_text(nanos: int) -> str:
    """The amount with all nine digits after the point, which both programs read as such: ``1.120000001``."""
    whole, fraction = divmod(abs(nanos), NANOS_PER_UNIT)
    return f"{'-' if nanos < 0 else ''}{whole}.{fraction:09d}"


@kept(1024)
def _rate_text(factor: Decimal) -> str:
    whole, _, fraction = f"{factor:f}".partition(".")
    return f"{whole}.{fraction.ljust(_FEWEST_DECIMALS, '0')}"
