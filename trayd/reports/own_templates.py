"""Reports by templates of one's own: made in a process apart, which can neither hang trayd nor take its memory.

A template is a program. The sandbox keeps it from files and from trayd's insides, and cannot keep it from looping for
ever; so it runs in a child, with a deadline, that is fed what the report says as plain data and nothing else.
"""

from __future__ import annotations

import codecs
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

import msgspec

from trayd.errors import TraydError
from trayd.files import write_atomically
from trayd.reports.rendering import MAIN_TEMPLATE, STYLE_SHEET, policy, shipped_file, with_policy
from trayd.texts import clip, tidy
from trayd.user_paths import user_path

#: How long a template may take; trayd's own takes a fifth of it for 100,000 entries.
DEADLINE_S = 30.0

#: How much memory the child may take, in bytes, where the system can be told.
MEMORY = 1024**3

#: How many characters a page may have.
LONGEST_PAGE = 256 * 1024**2

# After the deadline the child has this long to tell at which line it was.
_LAST_WORDS_S = 3.0

# Each look at whether the child has ended.
_PATIENCE_S = 0.02

#: In characters.
_LONGEST_FAULT = 500

_CHUNK = 256 * 1024

_COPY = "`trayd report --copy-templates FOLDER` writes trayd's own there to start from"


class Job(msgspec.Struct, frozen=True):
    """What the child is told before the report.

    Attributes:
        folder: where the templates are.
        deadline_s: seconds from its start.
        memory: in bytes.
        longest: the most characters of a page.
    """

    folder: str
    deadline_s: float = DEADLINE_S
    memory: int = MEMORY
    longest: int = LONGEST_PAGE


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a child says that could not make the page: where, what is wrong there, and the cure."""

    where: str
    wrong: str
    cure: str = ""


def templates_folder(setting: str, settings_file: Path) -> Path | None:
    """The folder that ``report.templates`` names, absolute or beside the settings file; None: trayd's own are used.

    Raises:
        TraydError: there is no such folder, or it holds neither a template nor a style sheet.
    """
    if not setting:
        return None
    folder = settings_file.parent / user_path(setting)
    if not folder.is_dir():
        raise TraydError(f"report.templates: there is no folder {folder}", f"make it, or take the setting out; {_COPY}")
    if not any((folder / name).is_file() for name in (MAIN_TEMPLATE, STYLE_SHEET)):
        raise TraydError(
            f"report.templates: {folder} has neither {MAIN_TEMPLATE} nor {STYLE_SHEET}",
            f"put one there, or take the setting out; {_COPY}",
        )
    return folder


def own_page(report: Any, log: Iterable[Any], job: Job) -> Iterator[str]:
    """The page that the templates in a folder make of a report, in pieces; it is whole before the first with a text.

    Until then the pieces are empty, some hundredths of a second apart: whoever gathers them can do other things, too.

    Args:
        report: what the page says beside the log, as plain data.
        log: its pages, likewise.
        job: the folder, and what its templates may take.

    Raises:
        TraydError: a template cannot be read, is wrong, or takes too long or too much memory; it names file and line.
    """
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as page, tempfile.TemporaryFile() as complaint:
        encoder = msgspec.json.Encoder()
        for value in chain((job, report), log):
            told.write(encoder.encode(value) + b"\n")
            yield ""
        told.seek(0)
        for exit_code in _run(told, page, complaint, job):
            if exit_code is None:
                yield ""
            elif exit_code:
                complaint.seek(0)
                raise _error(exit_code, complaint.read(), job)
        page.seek(0)
        # Markup that slips into a page can do no more than look odd: no script runs, and nothing is asked for.
        yield from with_policy(_pieces(page), policy("'unsafe-inline'"), str(Path(job.folder) / MAIN_TEMPLATE))


def copy_templates(folder: Path) -> tuple[Path, ...]:
    """Writes the templates that come with trayd into that folder; the files.

    Raises:
        TraydError: one of the files is there already, or the folder cannot be written; nothing was changed.
    """
    texts = {folder / MAIN_TEMPLATE: shipped_file(MAIN_TEMPLATE), folder / STYLE_SHEET: shipped_file(STYLE_SHEET)}
    for path in texts:
        if path.exists() or path.is_symlink():
            raise TraydError(f"{path} is there already; nothing was written", "name another folder, or move it away")
    for path, text in texts.items():
        write_atomically(path, [text])
    return tuple(texts)


def _run(told: IO[bytes], page: IO[bytes], complaint: IO[bytes], job: Job) -> Iterator[int | None]:
    """Has a child make the page; its exit code in the end, None until then. It ends with whoever waits for it."""
    command = [sys.executable, "-P", "-m", "trayd.reports.template_process"]
    # No key of fal's, and nothing of trayd's own, is any business of a template.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FAL_", "TRAYD_"))}
    # Windows would show a window where trayd has no terminal; elsewhere there is no such flag.
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    until = time.monotonic() + job.deadline_s + _LAST_WORDS_S
    try:
        child = subprocess.Popen(
            command, stdin=told, stdout=page, stderr=complaint, env=environment, creationflags=flags
        )
    except OSError as error:
        raise TraydError(
            f"the templates in {job.folder} cannot be run ({error.strerror})", "see that this Python can be started"
        ) from error
    with child:
        try:
            while time.monotonic() < until:
                try:
                    yield child.wait(_PATIENCE_S)
                    return
                except subprocess.TimeoutExpired:
                    yield None
        finally:
            child.kill()
    wrong, cure = too_slow(job.deadline_s)
    raise TraydError(f"the templates in {job.folder}: {wrong}", cure)


def _error(exit_code: int, complaint: bytes, job: Job) -> TraydError:
    try:
        fault = msgspec.json.decode(complaint, type=Fault)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return TraydError(
            f"the templates in {job.folder}: the process that makes the page ended (exit code {exit_code})",
            "it may have taken too much memory: look for texts that are repeated",
        )
    # What is wrong can hold a name from somebody else's file, of any length.
    return TraydError(f"{fault.where}: {clip(tidy(fault.wrong), _LONGEST_FAULT)}", fault.cure)


def too_slow(deadline_s: float) -> tuple[str, str]:
    """What is wrong with a template that was not ready in time, and the cure."""
    return f"the page was not ready after {deadline_s:g} seconds", "look for a loop that does not end"


def _pieces(page: IO[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    while chunk := page.read(_CHUNK):
        yield decoder.decode(chunk)
