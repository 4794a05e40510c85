"""The filters as a person writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.desk import NOW, opened_desk
from trayd.errors import UsageError
from trayd.operations.exporting import ExportQuery
from trayd.operations.records import HistoryQuery


@pytest.mark.parametrize("name", ["model", "account", "key"])
def test_an_empty_name_is_no_clean_nothing(tmp_path: Path, name: str) -> None:
    with opened_desk(tmp_path) as desk:
        for ask in (
            lambda: desk.operations.export(ExportQuery(**{name: ""})),
            lambda: desk.operations.history(HistoryQuery(**{name: ""})),
        ):
            with pytest.raises(UsageError, match=f"--{name} is empty, which is no {name}"):
                ask()


@pytest.mark.parametrize("tag", ["client", "project", "deliverable"])
def test_an_empty_tag_means_what_has_none(tmp_path: Path, tag: str) -> None:
    with opened_desk(tmp_path) as desk:
        desk.spends("1.00", NOW, **{tag: "Northwind"})
        desk.spends("2.00", NOW, note="of nobody")
        desk.spends("3.00", NOW)
        assert {item.id for item in desk.operations.history(HistoryQuery(**{tag: ""}))} == {"r2", "r3"}
