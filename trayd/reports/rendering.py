"""The page of a report: what its template makes of it, under a content policy that no template can leave out."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from itertools import chain
from typing import TYPE_CHECKING, Any

from trayd import __version__
from trayd.errors import TraydError
from trayd.reports.page_foot import page_foot

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

#: The template that a report starts from.
MAIN_TEMPLATE = "report.html.j2"

#: What its style sheet is called, beside it.
STYLE_SHEET = "report.css"

#: Jinja hands out each expression by itself; so many of them make a piece: no more than one page of the log.
PARTS_PER_PIECE = 10

# A policy holds for what follows it alone: nothing but comments may stand before it, and no attribute that runs.
# To a browser a comment that begins with > or -> is over at once.
_COMMENTS = r"(?:\s|<!--(?!-?>)(?:(?!--!?>).)*-->)*"
_ATTRIBUTES = r"""(?:\s+(?:lang|dir|class|id|prefix)\s*=\s*(?:"[^"<>]*"|'[^'<>]*'))*\s*"""
_HEAD = re.compile(
    rf"\ufeff?{_COMMENTS}<!doctype html>{_COMMENTS}<html{_ATTRIBUTES}>{_COMMENTS}<head{_ATTRIBUTES}>",
    re.IGNORECASE | re.DOTALL,
)

# https://html.spec.whatwg.org/multipage/parsing.html#preprocessing-the-input-stream
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")

_LONGEST_HEAD = 64 * 1024


def shipped_page(values: Mapping[str, Any]) -> Iterator[str]:
    """The page that the template that comes with trayd makes of these values, in pieces.

    Args:
        values: what the template is told: ``report`` and ``log``.
    """
    css = page_foot(values["report"]) + shipped_file(STYLE_SHEET)
    stream = _shipped_environment().get_template(MAIN_TEMPLATE).stream(**values, **own_values(css))
    stream.enable_buffering(PARTS_PER_PIECE)
    return with_policy(stream, policy(f"'{_hash(css)}'"), MAIN_TEMPLATE)


def own_values(css: str) -> dict[str, Any]:
    """What a template is told of trayd itself: its style sheet and its version."""
    from markupsafe import Markup

    # A style sheet is no text of a record: it is trayd's, or that of whoever wrote the template.
    return {"css": Markup(css), "version": __version__}  # noqa: S704


def policy(style: str) -> str:
    """The content policy of a page whose styles come from that source: no script, no request, pictures within it."""
    return f"default-src 'none'; style-src {style}; img-src data:; font-src data:; base-uri 'none'; form-action 'none'"


def with_policy(pieces: Iterable[str], policy: str, template: str) -> Iterator[str]:
    """The page with its encoding and that policy as the first that its head says.

    Controls that HTML has no place for, which names in other programs' files can hold, are shown as what they are not.

    Raises:
        TraydError: the page does not begin with a head; ``template`` is who made it.
    """
    rest = (_CONTROLS.sub("\ufffd", piece) for piece in pieces)
    start = ""
    found = None
    for piece in rest:
        start += piece
        found = _HEAD.match(start)
        if found or len(start) > _LONGEST_HEAD:
            break
    if found is None:
        raise TraydError(
            f"{template}: the page does not begin with <!doctype html>, <html lang=…> and <head>, "
            "so trayd's content policy has no place in it",
            "begin the page with these three, with nothing but comments between them",
        )
    metas = f'\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return chain((start[: found.end()], metas, start[found.end() :]), rest)


@cache
def shipped_file(name: str) -> str:
    """The text of a template or style sheet that comes with trayd."""
    return (resources.files("trayd.reports") / "templates" / name).read_text(encoding="utf-8")


def shipped_templates() -> BaseLoader:
    """Finds the templates that come with trayd."""
    from jinja2 import PackageLoader

    return PackageLoader("trayd.reports")


@cache
def _shipped_environment() -> Environment:
    from jinja2 import Environment, StrictUndefined

    return Environment(
        loader=shipped_templates(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _hash(css: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()}"
