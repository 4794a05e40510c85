"""What kept a template of one's own from making a page: where, what is wrong there, and the cure."""

from __future__ import annotations

from pathlib import Path

from jinja2 import TemplateNotFound, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError

from trayd.reports.own_templates import Fault, Job, too_slow

#: Of the files that are templates, the user's and trayd's.
_SUFFIX = ".j2"

_DOCS = "docs/report-templates.md lists what a template is told"


class DeadlineError(Exception):
    """The time is up."""


class TooLongError(Exception):
    """The page has become too long."""


class EncodingError(Exception):
    """A file of the folder is no UTF-8 text.

    Attributes:
        path: which one.
        line: where, from 1.
    """

    def __init__(self, path: Path, cause: UnicodeDecodeError) -> None:
        super().__init__(str(cause))
        self.path = path
        self.line = cause.object.count(b"\n", 0, cause.start) + 1


def fault(error: Exception, job: Job) -> Fault:
    """The error in words, with the line of the template that was under way."""
    wrong, cure = _of_limits(error, job) or _of_files(error, job) or _of_jinja(error)
    if isinstance(error, TemplateSyntaxError):
        # Known before the template runs: no line of it is on the way here.
        return Fault(f"{error.filename or error.name}, line {error.lineno}", wrong, cure)
    if isinstance(error, EncodingError):
        return Fault(f"{error.path}, line {error.line}", wrong, cure)
    if isinstance(error, OSError) and error.filename is not None:
        return Fault(str(error.filename), wrong, cure)
    return Fault(_place(error, job.folder), wrong, cure)


def _of_limits(error: Exception, job: Job) -> tuple[str, str] | None:
    match error:
        case DeadlineError():
            return too_slow(job.deadline_s)
        case TooLongError():
            return f"the page has more than {job.longest} characters", "look for a loop that does not end"
        case MemoryError():
            return f"the page takes more than {job.memory >> 20} MB of memory", "look for texts that are repeated"
        case RecursionError():
            return "it includes, extends or calls itself without end", "take out what leads back to it"
    return None


def _of_files(error: Exception, job: Job) -> tuple[str, str] | None:
    match error:
        case EncodingError() | UnicodeError():
            return "it is no UTF-8 text", "save it as UTF-8"
        case TemplateNotFound():
            return f"there is no template {error.name!r} in {job.folder}, nor does trayd have one", "correct its name"
        case OSError():
            return f"it cannot be read ({error.strerror})", "give yourself the right to read it"
    return None


def _of_jinja(error: Exception) -> tuple[str, str]:
    match error:
        case TemplateSyntaxError() if error.message and "'safe'" in error.message:
            return "there is no filter 'safe': every text is escaped", "take it out, and write markup in the template"
        case TemplateSyntaxError():
            told = (error.message or "this is no Jinja").removesuffix(".")
            return told, "correct the line; Jinja's language is described at https://jinja.palletsprojects.com"
        case UndefinedError():
            return str(error), _DOCS
        case SecurityError():
            return str(error).removesuffix("."), f"use what a template is told, and nothing behind it; {_DOCS}"
        case _:
            return f"{type(error).__name__}: {error}", "correct the expression on that line"


def _place(error: Exception, folder: str) -> str:
    """Which line of which template was under way, as far as that is known."""
    frame = error.__traceback__
    place = f"the templates in {folder}"
    while frame is not None:
        # Jinja writes the lines of templates into the traceback in the place of those of the code made from them.
        path = frame.tb_frame.f_code.co_filename
        if path.endswith(_SUFFIX) or Path(path).is_relative_to(folder):
            place = f"{path}, line {frame.tb_lineno}"
        frame = frame.tb_next
    return place
