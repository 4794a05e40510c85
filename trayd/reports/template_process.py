"""The child in which a template of one's own runs: ``python -m trayd.reports.template_process``.

It reads a job, the report and its log from standard input, a line of JSON each, and writes the page to standard output
as UTF-8. What goes wrong is one JSON object on standard error, and the exit code is 1.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import IO, Any

import msgspec
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateSyntaxError,
    nodes,
)
from jinja2.filters import do_indent
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from trayd.reports.context import ReportContext
from trayd.reports.log import LogPage
from trayd.reports.own_templates import Fault, Job
from trayd.reports.page_foot import page_foot
from trayd.reports.rendering import (
    MAIN_TEMPLATE,
    PARTS_PER_PIECE,
    STYLE_SHEET,
    own_values,
    shipped_file,
    shipped_templates,
)
from trayd.reports.template_faults import DeadlineError, EncodingError, TooLongError, fault

#: Before the name of one that comes with trayd, where the folder has one of the same name.
SHIPPED = "trayd"


class _Missing(StrictUndefined):
    """A name that is not there, told with those that are."""

    @property
    def _undefined_message(self) -> str:
        name, owner = self._undefined_name, self._undefined_obj
        if self._undefined_hint:
            return self._undefined_hint
        fields = getattr(type(owner), "__struct_fields__", None) or getattr(owner, "_fields", None)
        if fields:
            return f"there is no {name!r} in {type(owner).__name__}; it has {', '.join(fields)}"
        return f"there is no {name!r}"


class _Folder(FileSystemLoader):
    """The user's templates."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._folder = folder

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        try:
            return super().get_source(environment, template)
        except UnicodeDecodeError as error:
            raise EncodingError(self._folder / template, error) from error


class _Escaping(BaseLoader):
    """Templates that cannot switch escaping off: a model's name is never markup, whoever made it up."""

    def __init__(self, loader: BaseLoader) -> None:
        self._loader = loader

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, path, uptodate = self._loader.get_source(environment, template)
        for node in environment.parse(source, template, path).find_all(nodes.EvalContextModifier):
            raise TemplateSyntaxError("escaping cannot be switched off", node.lineno, template, path)
        return source, path, uptodate


class _Sandbox(ImmutableSandboxedEnvironment):
    """Where the templates of that folder run, with trayd's own behind them."""

    def __init__(self, folder: Path) -> None:
        shipped = shipped_templates()
        loaders = [_Folder(folder), shipped, PrefixLoader({SHIPPED: shipped})]
        super().__init__(
            loader=_Escaping(ChoiceLoader(loaders)),
            autoescape=True,
            undefined=_Missing,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # The only filters that take what they are given for markup.
        del self.filters["safe"]
        self.filters["indent"] = _indented

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Nothing that makes markup of a text: replacing letters of what is escaped is not escaped again."""
        if attr == "translate" and isinstance(obj, Markup):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def join_path(self, template: str, parent: str) -> str:
        """A template that extends its own name means trayd's."""
        return f"{SHIPPED}/{template}" if template == parent else template


def _indented(text: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:  # noqa: FBT002  # Jinja's
    """Jinja's filter of that name, with an indentation that is a text escaped like any other."""
    return do_indent(text, escape(width) if isinstance(width, str) else width, first, blank)


def main(told: IO[bytes], page: IO[bytes]) -> Fault | None:
    """Makes the page; what kept it from being made."""
    job = msgspec.json.decode(told.readline(), type=Job)
    folder = Path(job.folder)
    _limit(job)
    try:
        report = msgspec.json.decode(told.readline(), type=ReportContext)
        log = tuple(map(msgspec.json.Decoder(LogPage).decode, told))
        _write(folder, {"report": report, "log": log}, page, job.longest)
    except Exception as error:  # noqa: BLE001  # a template can raise whatever Python can
        return fault(error, job)
    return None


def _limit(job: Job) -> None:
    """Has the system end what takes too much; where it has no such thing, whoever started the child ends it."""
    if sys.platform == "win32":
        return
    import resource

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise DeadlineError

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, job.deadline_s)
    # macOS knows this limit and does not hold it.
    resource.setrlimit(resource.RLIMIT_AS, (job.memory, job.memory))


def _write(folder: Path, values: Mapping[str, Any], page: IO[bytes], longest: int) -> None:
    own_style = folder / STYLE_SHEET
    try:
        css = own_style.read_text(encoding="utf-8") if own_style.is_file() else shipped_file(STYLE_SHEET)
    except UnicodeDecodeError as error:
        raise EncodingError(own_style, error) from error
    told = own_values(page_foot(values["report"]) + css)
    stream = _Sandbox(folder).get_template(MAIN_TEMPLATE).stream(**values, **told)
    stream.enable_buffering(PARTS_PER_PIECE)
    for piece in stream:
        longest -= len(piece)
        if longest < 0:
            raise TooLongError
        page.write(piece.encode())
    page.flush()


if __name__ == "__main__":
    _fault_found = main(sys.stdin.buffer, sys.stdout.buffer)
    if _fault_found is not None:
        sys.stderr.buffer.write(msgspec.json.encode(_fault_found))
        sys.stderr.flush()
        sys.exit(1)
