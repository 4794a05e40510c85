"""The outward shape of values: what ``--json`` prints and the HTTP API answers.

Inside, money is integer nanos and times are datetimes. Outside, an amount is a decimal string with its currency and a
time is RFC 3339 in UTC, so that no reader loses a digit to a float or an hour to a zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from trayd.money import Money


def plain(value: Any) -> Any:
    """The value as JSON's own types; a struct becomes an object of its fields, UTC times end in ``Z``.

    Raises:
        TypeError: there is no outward shape for a value of that type.
    """
    if isinstance(value, Money):
        return {"amount": value.text(), "currency": value.currency}
    if isinstance(value, msgspec.Struct):
        names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        shape = ((outward, getattr(value, name)) for name, outward in names)
        return {outward: plain(item) for outward, item in shape if item is not msgspec.UNSET}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return f"{value:f}"  # never in powers of ten
    return msgspec.to_builtins(value)
