"""Texts and numbers as FOCUS has them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.insight.samples import texts
from trayd.reports.focus_text import (
    ascii_id,
    ascii_text,
    decimal_text,
    id_of,
    month_text,
    name_of,
    plain_text,
    unit_name,
)


@given(texts, texts)
@example("睡蓮", "北京")
@example("Café", "Cafe")
@example("a", "a ")
@example("2026", "fal.ai/2026")
def test_ids_of_two_texts_are_two(one, other):
    assume(one != other)
    assert ascii_id(one) != ascii_id(other)
    assert id_of(one, "fal.ai") != id_of(other, "fal.ai")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Zoë & Søn – Größe “XL”", 'Zoe & Son - Grosse "XL"'),
        ("  two\n lines\t", "two lines"),
        ("睡蓮", "??"),
        ("12 €", "12 EUR"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_texts_in_ascii(text, plain):
    assert ascii_text(text) == plain


@pytest.mark.parametrize(
    ("text", "name"),
    [("Zoë", "Zoe"), ("2026", "Key 2026"), ("", "Key"), ("null", "Key null"), ("睡蓮", "Key ??-311c91")],
)
def test_names(text, name):
    assert name_of(text, "Key") == name


def test_a_description_has_no_mark():
    assert plain_text("睡蓮", "Charge") == "Charge ??"


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        ("seconds", "Seconds"),
        ("compute seconds", "Compute Seconds"),
        ("1000 characters ", "1000 Characters"),
        ("1m tokens", "1000000 Tokens"),
        ("5K images", "5000 Images"),
        ("16 frames", "16 Frames"),
        ("megapixels", "Megapixels"),
        ("mégapixels", "Megapixels"),
        ("videos / 5s", "Units"),
        ("1", "Units"),
        ("", "Units"),
        (None, "Units"),
        ("=cmd()", "Cmd"),
    ],
)
def test_units_are_in_the_grammar_of_the_specification(unit, name):
    assert unit_name(unit) == name


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
@example(Decimal("1E+3"))
@example(Decimal("8.000"))
@example(Decimal("1E-30"))
def test_decimals_are_exact_and_have_a_point(number):
    text = decimal_text(number)
    assert Decimal(text) == number
    whole, point, fraction = text.removeprefix("-").partition(".")
    assert point
    assert whole.isdigit()
    assert fraction.isdigit()


def test_months():
    assert month_text(2026, 12) == ("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z")
    assert month_text(2027, 1) == ("2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z")
