"""Who a report is from: the agency of the settings, with its logo as a part of the page."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from xml.parsers import expat

from trayd.errors import SettingsError
from trayd.report_settings import ReportSettings
from trayd.reports.request import Agency
from trayd.user_paths import user_path

_LARGEST_LOGO = 512 * 1024
# A picture can be small as a file and take gigabytes to show.
_MOST_PIXELS = 16_000_000
_CURE = "correct `logo` under [report] in the settings (`trayd config edit`)"

_SVG = "http://www.w3.org/2000/svg"

# By the first bytes of their files: PNG (ISO/IEC 15948, 5.2), JPEG (ISO/IEC 10918-1, B.1.1.3).
_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG"}


def agency_of(settings: ReportSettings, folder: Path) -> Agency:
    """The agency as a report shows it.

    Args:
        settings: what it says of itself.
        folder: of the settings file; a logo stands beside it where its path is not absolute.

    Raises:
        SettingsError: the logo is not there, cannot be read, is too large, or is no picture that browsers show.
    """
    return Agency(
        name=settings.name.strip(),
        address=_lines(settings.address),
        note=_lines(settings.note),
        logo=_data_uri(folder / user_path(settings.logo)) if settings.logo else "",
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _data_uri(path: Path) -> str:
    try:
        if not path.is_file():
            raise SettingsError(f"report.logo: there is no file {path}", f"put it there, or {_CURE}")
        with path.open("rb") as file:
            content = file.read(_LARGEST_LOGO + 1)
    except OSError as error:
        raise SettingsError(f"report.logo: {path} cannot be read: {error.strerror}", _CURE) from error
    if len(content) > _LARGEST_LOGO:
        raise SettingsError(
            f"report.logo: {path} is larger than {_LARGEST_LOGO // 1024} kB, and would be in every report",
            "save it smaller: a logo of 600 pixels is shown sharp everywhere",
        )
    return f"data:{_media_type(path, content)};base64,{base64.b64encode(content).decode()}"


def _media_type(path: Path, content: bytes) -> str:
    """What the file is by its content, whatever it is called."""
    form = next((form for signature, form in _SIGNATURES.items() if content.startswith(signature)), None)
    # RIFF, a length, and what is in it (RFC 9649, 2.3).
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        form = "WEBP"
    if form is not None:
        _refuse_damaged(path, content, form)
        return f"image/{form.lower()}"
    if _is_svg(path, content):
        return "image/svg+xml"
    raise SettingsError(
        f"report.logo: {path} is no picture that every browser shows", f"save it as PNG, JPEG, WebP or SVG, or {_CURE}"
    )


def _refuse_damaged(path: Path, content: bytes, form: str) -> None:
    """A browser shows the sign of a broken picture for what cannot be read to its end."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=[form]) as picture:
            pixels = picture.width * picture.height
            if pixels <= _MOST_PIXELS:
                picture.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        pixels = _MOST_PIXELS + 1
    except Exception as error:  # what Pillow raises for a damaged file depends on where the damage is
        raise SettingsError(
            f"report.logo: {path} is damaged: it begins like a picture ({form}) and cannot be shown", "save it anew"
        ) from error
    if pixels > _MOST_PIXELS:
        raise SettingsError(
            f"report.logo: {path} has more than {_MOST_PIXELS // 1_000_000} million pixels",
            "save it smaller: a logo of 600 pixels is shown sharp everywhere",
        )


def _is_svg(path: Path, content: bytes) -> bool:
    """Whether it is an XML document whose root is ``svg``: within an ``img`` it runs nothing and asks for nothing."""
    roots: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, _attributes: roots.append(name)
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        if roots[:1] == [f"{_SVG} svg"]:
            raise SettingsError(f"report.logo: {path} is damaged: {error}", "save it anew") from error
        return False
    if roots[0] == "svg":
        raise SettingsError(
            f'report.logo: {path} does not say that it is SVG: its first element has no xmlns="{_SVG}"', "save it anew"
        )
    return roots[0] == f"{_SVG} svg"
