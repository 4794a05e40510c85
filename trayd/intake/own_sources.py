"""The user's own ``[[source]]`` as presets: by themselves, or said of a source that trayd knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from trayd.intake.sources import SourcePreset, known_sources
from trayd.source_settings import Source


def presets(sources: Iterable[Source]) -> tuple[SourcePreset, ...]:
    """What the user has said of sources.

    Where an entry bears the name of a source that trayd knows, what it does not say is as it is there. One with a
    header of its own stands for files with just these columns: date, text and amount alone are in those of many.
    """
    return tuple(preset for source in sources for preset in _presets(source))


def _presets(source: Source) -> Iterator[SourcePreset]:
    said = msgspec.to_builtins(source)
    same = [known for known in known_sources() if known.name.casefold() == source.name.casefold()]
    for known in same[:1] if source.header else same:
        columns = {**known.columns, **source.columns}
        alone = {"alone": bool(source.header)}
        yield msgspec.convert({**msgspec.to_builtins(known), **said, "columns": columns, **alone}, SourcePreset)
    if not same:
        yield msgspec.convert({"header": (), "alone": True, **said}, SourcePreset)
