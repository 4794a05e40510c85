from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.intake.rejection import RefusedError
from trayd.intake.text import read_text

STATEMENT = "Datum;Empfänger;Betrag\r\n03.11.2026;Bücher für Zoë;12,50 €\r\n"


def text_of(data: bytes) -> str:
    return "".join(read_text(data).lines())


def refusal(data: bytes) -> str:
    with pytest.raises(RefusedError) as refused:
        read_text(data)
    return refused.value.rejection.text("costs.csv")


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (STATEMENT.encode(), "UTF-8"),
        (STATEMENT.encode("utf-8-sig"), "UTF-8"),
        (STATEMENT.encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + STATEMENT.encode("utf-16-be"), "UTF-16"),
        (STATEMENT.encode("utf-16-le"), "UTF-16"),
        (STATEMENT.encode("utf-16-be"), "UTF-16"),
        (STATEMENT.encode("utf-32"), "UTF-32"),
        (b"\x00\x00\xfe\xff" + STATEMENT.encode("utf-32-be"), "UTF-32"),
        (STATEMENT.encode("cp1252"), "Windows-1252"),
    ],
)
def test_the_encoding_is_found_with_and_without_a_mark(data, encoding):
    assert text_of(data) == STATEMENT
    assert read_text(data).encoding == encoding


def test_latin_1_is_read_as_windows_1252_which_it_is_a_part_of():
    plain = STATEMENT.replace("€", "EUR")
    assert text_of(plain.encode("latin-1")) == plain


def test_bytes_that_windows_1252_has_no_character_for_are_kept_as_latin_1_has_them():
    assert text_of(b"a;b\n\x81;12,50 \x80\n") == "a;b\n\x81;12,50 €\n"


@pytest.mark.parametrize(
    "words",
    [
        "Berlin–Paris;John’s “best”;100 %…;Foo™ © 2026\n",
        "Škoda;žlutý;ÅNGSTRÖM;Œuvre;MÜNCHEN;Ÿ\n",
        "one Müller only\n",
        "5 €;£3;§ 4;½\n",
    ],
)
def test_what_windows_wrote_is_read_as_such(words):
    assert text_of(words.encode("cp1252")) == words


@given(st.text(st.sampled_from("abcXYZ äöüßéèàçñåøœÄÖÜÉÅ 0123;,.€£’–\n"), max_size=200))
def test_western_text_never_becomes_other_text_in_utf_8_or_windows_1252(text):
    assert text_of(text.encode()) == text
    windows = text.encode("cp1252")
    # Where its bytes could be letters in UTF-8, nobody can tell.
    if windows.decode("utf-8", "ignore").isascii():
        assert text_of(windows) == text


def test_one_damaged_byte_spoils_no_other_character_and_is_told():
    good = "name;amount\nZoë;1\nMüller;2\n".encode()
    text = read_text(good + b"caf\xe9;3\n")
    assert "".join(text.lines()) == "name;amount\nZoë;1\nMüller;2\ncaf\N{REPLACEMENT CHARACTER};3\n"
    assert text.encoding == "UTF-8 (damaged on line 4)"


def test_a_text_that_was_cut_in_the_middle_of_a_character_is_still_utf_8():
    text = read_text("name;amount\nZoë;1\nMü".encode()[:-1])
    assert "".join(text.lines()) == "name;amount\nZoë;1\nM\N{REPLACEMENT CHARACTER}"
    assert text.encoding == "UTF-8 (damaged on line 3)"


def test_damage_is_found_beyond_the_first_piece_and_where_pieces_meet():
    filler = "é" * (1 << 19)
    text = read_text(f"x{filler}\n{filler}\n".encode() + b"\xff\n")
    assert text.encoding == "UTF-8 (damaged on line 3)"
    assert "".join(text.lines()) == f"x{filler}\n{filler}\n\N{REPLACEMENT CHARACTER}\n"
    whole = f"x{filler}{filler}".encode()
    assert read_text(whole).encoding == "UTF-8"


def test_a_mark_that_promises_too_much_is_told_with_the_line():
    assert refusal(STATEMENT.encode("utf-16") + b"\x00\xd8") == (
        "costs.csv line 3: the file says that it is UTF-16 and is not; save the file as UTF-8 and try again"
    )


def test_a_file_that_was_not_written_to_its_end_is_refused():
    assert refusal(STATEMENT.encode() + bytes(4096)) == (
        "costs.csv line 3: there are zero bytes in it: it is not text, or it was not written to its end; "
        "export it again as CSV and try again"
    )


def test_what_is_no_text_is_refused():
    assert "it is not text" in refusal(bytes(range(1, 256)) * 20)


def test_lines_end_as_on_any_system_and_are_read_again_and_again():
    text = read_text(b"a\rb\nc\r\nd\x0be\xc2\x85f\xe2\x80\xa8")
    assert list(text.lines()) == list(text.lines()) == ["a\r", "b\n", "c\r\n", "d\x0be\x85f\u2028"]
