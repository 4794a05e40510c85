"""The panel's pages as HTML: templates, one style sheet, and a content policy that allows nothing else.

Jinja is loaded with the first page: a daemon that nobody looks at does without it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import HTMLResponse

from trayd.panel.gate import Problem
from trayd.resources import asset

if TYPE_CHECKING:
    from jinja2 import Environment

_STYLE_SHEET = "panel.css"

_COMMANDS = re.compile("`([^`]+)`")


class Section(NamedTuple):
    """A page that the head of every page leads to."""

    name: str
    href: str


SECTIONS = (Section("Reports", "/reports"),)


async def shown(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """The page that a template makes of these values; large ones keep nobody waiting."""
    return _answer(await asyncio.to_thread(rendered, template, **values), status)


async def told(problem: Problem) -> HTMLResponse:
    """The page that tells of a problem."""
    # Loaded apart: importing takes a tenth of a second, and a page as small as this one a millisecond.
    await asyncio.to_thread(_environment)
    return _answer(rendered("problem.html.j2", problem=problem), problem.status)


def rendered(template: str, **values: Any) -> str:
    """The text of the page that a template makes of these values."""
    return _environment().get_template(template).render(**values)


@cache
def policy() -> str:
    """What a page of the panel may do: wear its style sheet, show its own icon, send its forms to where it is from."""
    digest = base64.b64encode(hashlib.sha256(_css().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def sentence(text: str) -> str:
    """The message or the cure of an error, as a sentence; what begins with a name stays as it is."""
    first = text.partition(" ")[0]
    begun = f"{text[:1].upper()}{text[1:]}" if first.isalpha() and first != "trayd" else text
    return begun if not begun or begun[-1] in ".?…" else f"{begun}."


def sentence_html(text: str) -> str:
    """The same as HTML; commands in it look like commands."""
    return _COMMANDS.sub(r"<code>\1</code>", escape(sentence(text)))


def _answer(text: str, status: int) -> HTMLResponse:
    return HTMLResponse(text, status, {"Content-Security-Policy": policy()})


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("trayd.panel"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    icon = base64.b64encode(asset("icons/hicolor/scalable/apps/trayd.svg").read_bytes()).decode()
    css = Markup(_css())  # noqa: S704  # trayd's own file
    environment.filters["sentence"] = sentence
    environment.filters["sentence_html"] = lambda text: Markup(sentence_html(text))  # noqa: S704  # escaped there
    environment.globals.update(css=css, icon=f"data:image/svg+xml;base64,{icon}", sections=SECTIONS)
    return environment


@cache
def _css() -> str:
    return (resources.files("trayd.panel") / "templates" / _STYLE_SHEET).read_text(encoding="utf-8")
