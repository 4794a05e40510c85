"""What stands at the foot of each printed page, whatever names are in it."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from tests.reports.test_context import made
from trayd.records import Filters
from trayd.reports.page_foot import page_foot
from trayd.reports.request import Agency

RULE = re.compile(r'@page \{ @bottom-left \{ content: "((?:[A-Za-z0-9 ]|\\[0-9a-f]{1,6} )*)"; \} \}\n')


def told(agency: str, client: str) -> str:
    """As a browser reads it: a number stands for its letter, and the space after it for nothing."""
    foot = page_foot(made([], agency=Agency(name=agency), filters=Filters(client=client)))
    found = RULE.fullmatch(foot)
    assert found, foot
    return re.sub(r"\\([0-9a-f]{1,6}) ", lambda number: chr(int(number[1], 16)), found[1])


def test_it_says_who_what_and_when():
    assert told("Söhne & Co", "Northwind") == "Söhne & Co · Northwind · To November 20, 2026"


@example('"; } } </style><script>alert(1)</script>')
@example("\\\\")
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_no_name_ends_the_text_that_it_is_in(name):
    assert told(name, name) == f"{name} · {name} · To November 20, 2026"


def test_a_long_one_is_cut_so_that_it_has_room():
    assert len(told("x" * 200, "y")) == 150
