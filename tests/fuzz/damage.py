"""What happens to files: cut, flipped, doubled, swapped, filled with rubbish."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.intake.corpus import files

_RUBBISH = (
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b'"',
    b'""',
    b";;;;;;",
    b",,,",
    b"\r",
    b"\n\n",
    b"\t",
    b"=1+1",
    b"'",
    b"\\",
    b"\xe2\x80",
    b"1,234",
    b"(",
    b"-",
    b"03/04/2026",
    b"99999999999999999999999999",
    b"1e999",
    b"nan",
    b"Total",
    b"\x1a",
    b"\x0c",
    b"sep=|\n",
    b"\xc2\xa0",
    b"\xf0\x9f\x92\xb8",
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A file of the corpus with one to six things done to it; its name, which tells how it would be read."""
    path = draw(st.sampled_from(files()))
    data = path.read_bytes()[:20_000]
    for _ in range(draw(st.integers(1, 6))):
        data = draw(_hurt(data))
    return path.name, data


@st.composite
def _hurt(draw: st.DrawFn, data: bytes) -> bytes:
    if draw(st.booleans()):
        return draw(_rows_hurt(data))
    at = draw(st.integers(0, max(len(data) - 1, 0)))
    what = draw(st.sampled_from(["flip", "insert", "cut", "drop quotes", "other file"]))
    before, after = data[:at], data[at:]
    if what == "flip":
        after = bytes([after[0] ^ draw(st.integers(1, 255))]) + after[1:] if after else after
    elif what == "insert":
        after = draw(st.one_of(st.sampled_from(_RUBBISH), st.binary(max_size=12))) + after
    elif what == "cut":
        after = b""
    elif what == "drop quotes":
        before = before.replace(b'"', b"")
    else:
        after = draw(st.sampled_from(files())).read_bytes()[:4_000]
    return before + after


@st.composite
def _rows_hurt(draw: st.DrawFn, data: bytes) -> bytes:
    rows = data.splitlines(keepends=True)
    if len(rows) < 2:
        return data
    row = draw(st.integers(0, len(rows) - 1))
    what = draw(st.sampled_from(["double", "lose", "swap cells"]))
    if what == "double":
        rows.insert(draw(st.integers(0, len(rows))), rows[row])
    elif what == "lose":
        del rows[row]
    else:
        delimiter = draw(st.sampled_from([b",", b";", b"\t", b"|"]))
        cells = rows[row].split(delimiter)
        if len(cells) < 40:
            rows[row] = delimiter.join(draw(st.permutations(cells)))
    return b"".join(rows)
