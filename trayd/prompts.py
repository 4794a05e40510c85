"""The promise about prompts: what a person wrote for a model is not kept unless they have switched it on.

trayd cannot know every model's input, so it goes by names that inputs with prompts have, and by what free text looks
like. It errs towards dropping: a setting lost from the history is a smaller harm than a prompt kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

#: A longer text is free text, unless it is one token such as a URL or a file name.
FREE_TEXT_CHARACTERS = 40

# A token is kept up to this length; longer ones are data (a picture in base64), not a parameter.
_TOKEN_CHARACTERS = 500

_TOKEN = re.compile(r"[!-~]+")
_DATA_URI = re.compile(r"\s*data:", re.IGNORECASE)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

# A name with one of these words in it holds what a person wrote: prompt, negative_prompt, genText, lyrics_prompt.
_PROMPT_WORDS = frozenset({
    "prompt", "prompts", "text", "texts", "lyric", "lyrics", "caption", "captions", "message", "messages",
    "instruction", "instructions", "script", "transcript", "dialogue", "subtitle", "subtitles", "description",
    "story", "speech", "question",
})  # fmt: skip
# These do where they are the whole name and hold a text.
_PROMPT_NAMES = frozenset({"content", "input", "query", "tags", "topic", "title"})

# Any value of that name is one; only a text is.
_PROMPT, _PROMPT_TEXT = "prompt", "prompt text"


def without_prompts(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without prompts, free text and embedded files, at any depth; numbers and short settings stay."""
    return {name: _kept(value) for name, value in fields.items() if not _is_dropped(name, value)}


def without_embedded_files(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without ``data:`` URIs: a file in a field is neither a parameter nor a prompt."""
    return {name: _without_files(value) for name, value in fields.items() if not _is_file(value)}


def _without_files(value: Any) -> Any:
    if isinstance(value, dict):
        return without_embedded_files(value)
    if isinstance(value, list):
        return [_without_files(item) for item in value if not _is_file(item)]
    return value


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        return without_prompts(value)
    if isinstance(value, list):
        return [_kept(item) for item in value if not (_is_free_text(item) or _is_file(item))]
    return value


def _is_dropped(name: str, value: Any) -> bool:
    if not isinstance(value, str | list | dict):
        return False
    meaning = _meaning(name)
    if meaning == _PROMPT:
        return True
    return isinstance(value, str) and (meaning == _PROMPT_TEXT or _is_free_text(value) or _is_file(value))


@lru_cache(maxsize=4096)
def _meaning(name: str) -> str:
    """What the name of a field says of its value. The same names come with every event of a model."""
    if not _PROMPT_WORDS.isdisjoint(word.lower() for word in _WORDS.findall(name)):
        return _PROMPT
    return _PROMPT_TEXT if name.lower() in _PROMPT_NAMES else ""


def _is_free_text(value: Any) -> bool:
    if not isinstance(value, str) or len(value) <= FREE_TEXT_CHARACTERS:
        return False
    return len(value) > _TOKEN_CHARACTERS or not _TOKEN.fullmatch(value)


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and _DATA_URI.match(value) is not None
