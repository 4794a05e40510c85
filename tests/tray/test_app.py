from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.texts import clip
from trayd.tray.app import WINDOWS_TOOLTIP


@given(st.text(), st.integers(min_value=1, max_value=200))
def test_a_text_is_cut_to_utf16_units_and_never_within_a_character(text: str, units: int) -> None:
    short = clip(text, units)

    assert len(short.encode("utf-16-le")) // 2 <= units
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("Balance: $48.20", "Balance: $48.20"),
        ("x" * 127, "x" * 127),
        ("x" * 128, "x" * 126 + "…"),
        ("🎬" * 64, "🎬" * 63 + "…"),
    ],
)
def test_the_tooltip_of_windows_holds_127_units(text: str, short: str) -> None:
    assert clip(text, WINDOWS_TOOLTIP) == short
