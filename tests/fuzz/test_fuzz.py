"""A few seconds of what ``make fuzz`` does for minutes."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from tests.fuzz.damage import damaged
from tests.fuzz.exports import Export, exports
from tests.fuzz.properties import an_export_is_read_as_written, anything_is_read_or_refused

A_FEW = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@A_FEW
@given(exports())
def test_a_well_written_export_is_read_as_it_was_written_or_asked_about(export: Export) -> None:
    an_export_is_read_as_written(export)


@A_FEW
@given(damaged())
def test_whatever_became_of_a_file_nothing_in_it_is_lost(file: tuple[str, bytes]) -> None:
    anything_is_read_or_refused(*file)
