"""The agency of the settings, and its logo."""

import base64
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from trayd.errors import SettingsError
from trayd.report_settings import ReportSettings
from trayd.reports.agency import agency_of

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'


def picture(form, width=40, height=30):
    kept = io.BytesIO()
    Image.new("L", (width, height), "navy").save(kept, form)
    return kept.getvalue()


def logo(folder, content, name="logo"):
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return agency_of(ReportSettings(logo=name), folder).logo


def test_lines_are_told_without_those_that_say_nothing(tmp_path):
    settings = ReportSettings(name=" Studio Nord ", address="Hafenstraße 1\n\n  Hamburg ", note="Thank you.")
    agency = agency_of(settings, tmp_path)
    assert (agency.name, agency.address, agency.note, agency.logo) == (
        "Studio Nord",
        ("Hafenstraße 1", "Hamburg"),
        ("Thank you.",),
        "",
    )


@pytest.mark.parametrize(("form", "media_type"), [("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "webp")])
def test_a_picture_is_known_by_its_content_whatever_it_is_called(tmp_path, form, media_type):
    content = picture(form)
    kind, _, data = logo(tmp_path, content, "logo.txt").partition(";base64,")
    assert kind == f"data:image/{media_type}"
    assert base64.b64decode(data) == content


@pytest.mark.parametrize(
    "text",
    [
        SVG,
        f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- a <html> comment -->\n{SVG}',
        '<s:svg xmlns:s="http://www.w3.org/2000/svg"/>',
        f'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">{SVG}',
    ],
)
def test_svg_is_known_by_its_root(tmp_path, text):
    assert logo(tmp_path, text).startswith("data:image/svg+xml;base64,")


def test_a_path_can_be_absolute(tmp_path):
    path = tmp_path / "elsewhere.png"
    path.write_bytes(picture("PNG"))
    assert agency_of(ReportSettings(logo=str(path)), tmp_path / "home").logo.startswith("data:image/png")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no picture"),
        (b"GIF89a", "is no picture"),
        ("<html><svg xmlns='http://www.w3.org/2000/svg'/></html>", "is no picture"),
        ("<svg viewBox='0 0 1 1'/>", "no xmlns"),
        (SVG.replace("/>", ">"), "is damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(512 * 1024), "larger than 512 kB"),
        (b"\x89PNG\r\n\x1a\njunk", "is damaged"),
        (picture("PNG", 20_000, 10_000), "more than 16 million pixels"),
        (picture("PNG", 5_000, 5_000), "more than 16 million pixels"),
    ],
)
def test_what_is_no_logo_is_refused_by_name_with_a_cure(tmp_path, content, message):
    with pytest.raises(SettingsError, match=message) as refused:
        logo(tmp_path, content)
    assert str(tmp_path / "logo") in refused.value.message
    assert refused.value.cure


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_picture_that_was_cut_off_is_refused_wherever_it_was_cut(tmp_path, form):
    whole = picture(form)
    signature = 12 if form == "WEBP" else 8
    for length in range(signature, len(whole) * 3 // 4, 7):
        with pytest.raises(SettingsError, match="is damaged"):
            logo(tmp_path, whole[:length])


@given(st.sampled_from(["PNG", "JPEG", "WEBP"]), st.data())
def test_whatever_is_damaged_within_a_picture_it_is_taken_or_refused_by_name(tmp_path_factory, form, data):
    content = bytearray(picture(form))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.getbasetemp()
    try:
        told = logo(folder, bytes(content))
    except SettingsError as refused:
        told = refused.message
    assert told.startswith(("data:image/", f"report.logo: {folder / 'logo'} "))


def test_one_that_is_not_there_is_named(tmp_path):
    for missing in ("gone.png", "."):
        with pytest.raises(SettingsError, match="there is no file"):
            agency_of(ReportSettings(logo=missing), tmp_path)
