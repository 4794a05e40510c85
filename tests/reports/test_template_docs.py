"""The documents of templates: every name there is one, every one is there, and the examples work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from tests.reports.full_ledger import make, report, trayd
from trayd.reports.context import ReportContext
from trayd.reports.log import LogPage
from trayd.reports.rendering import own_values, shipped_file
from trayd.reports.tables import Table

DOCS = Path(__file__).parents[2] / "docs" / "report-templates.md"
TABLES = ("report.rates", "report.rate_days", "report.accuracy", "report.pools", "report.licences")


def names(kind: Any, name: str) -> Iterator[str]:
    """What is below a name, down to what is no list and has no parts."""
    if get_origin(kind) is UnionType:
        [kind] = [part for part in get_args(kind) if part is not NoneType]
    if get_origin(kind) is tuple:
        yield from names(get_args(kind)[0], f"{name}[]")
    elif kind is not Table and (hasattr(kind, "__struct_fields__") or hasattr(kind, "_fields")):
        for field, of in get_type_hints(kind).items():
            yield from names(of, f"{name}.{field}")
    else:
        yield name


def table_names() -> set[str]:
    return {name for field, kind in get_type_hints(Table).items() for name in names(kind, f"table.{field}")}


def documented() -> list[str]:
    told = DOCS.read_text(encoding="utf-8").partition("## What a template is told")[2]
    return re.findall(r"^\| `([a-z_.\[\]]+)` \|", told, re.MULTILINE)


def test_all_that_a_template_is_told_is_documented_and_nothing_else() -> None:
    told = [*names(ReportContext, "report"), *names(tuple[LogPage, ...], "log"), *own_values(""), "log[].html"]
    assert sorted(documented()) == sorted([*told, *table_names()])
    assert {name for name in told if name in TABLES} == set(TABLES)


def test_all_blocks_are_documented_in_their_order() -> None:
    blocks = re.findall(r"{% block (\w+) %}", shipped_file("report.html.j2"))
    told = DOCS.read_text(encoding="utf-8").partition("The blocks, in the order of the page: ")[2].partition(". ")[0]
    assert re.findall(r"`(\w+)`", told) == blocks


def printing(name: str) -> str:
    """A template that writes each value of that name; a table is of each of them in turn."""
    if name.startswith("table."):
        return "".join(
            f"{{% if {table} %}}{printing(name.replace('table', table, 1))}{{% endif %}}" for table in TABLES
        )
    parts, begin, end, at = name.split("[]"), "", "", ""
    for depth, part in enumerate(parts):
        at += part
        if depth < len(parts) - 1:
            begin += f"{{% for v{depth} in {at} %}}"
            end += "{% endfor %}"
            at = f"v{depth}"
    return f"{begin}[{{{{ {at} }}}}]{end}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = make(tmp_path_factory.mktemp("documents"))
    trayd(home, "config", "set", "report.templates", "mine")
    return home


def made(home: Path, template: str) -> str:
    (home / "mine").mkdir(exist_ok=True)
    (home / "mine" / "report.html.j2").write_text(template, encoding="utf-8")
    return report(home, home / "report.html", "--client", "Northwind", "--currency", "SEK").read_text(encoding="utf-8")


def test_every_documented_name_can_be_written(home: Path) -> None:
    template = "<!doctype html><html lang='en'><head><title>x</title></head><body>{}</body></html>"
    lines = [f"<pre>{name} {printing(name)}</pre>\n" for name in documented()]
    page = made(home, template.format("".join(lines)))
    silent = re.findall(r"<pre>(\S+) </pre>", page)
    # Tables that have no row for a sum, and none that is long, in this report.
    assert set(silent) <= {"table.total[].text", "table.total[].detail"}


@pytest.mark.parametrize("number", [0, 1])
def test_the_examples_work(home: Path, number: int) -> None:
    examples = re.findall(r"```jinja\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 2
    page = made(home, examples[number])
    expected = ("VAT DE123456789", "<h2>January 2025</h2>")[number]
    assert expected in page
    assert "Northwind" in page
