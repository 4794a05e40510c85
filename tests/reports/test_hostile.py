"""Whatever a record is called: it came from a file of somebody else's, and a report of it is opened by a client."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.reports.browser import Browser
from tests.reports.full_ledger import trayd

#: Each beginning apart from the others, so that one cannot hide what another one does.
HOSTILE = {
    "markup": "<script>document.title='ran'</script><img src=http://127.0.0.1:9/x onerror=\"document.title='ran'\">",
    "end of it all": "</td></table></details></section></main></body></html><meta http-equiv=refresh content=0;url=x>",
    "end of a title": "</title></style></textarea><svg onload=document.title='ran'><style>*{display:none}</style>",
    "an attribute": "\" onmouseover=document.title='ran' style='position:fixed;inset:0' x=\"",
    "a template": "{{ 7*7 }}{% include '/etc/passwd' %}${7*7}#{7*7}<%= 7*7 %>",
    "a comment": "<!-- --!> ]]> <![CDATA[ <?php -->",
    "entities": "&lt;script&gt; &#60;img&#62; &amp;amp; &nbsp",
    "right to left": "\u202egpj.lave\u202c \u2066\u2067 مؤسسة \u200f",
    "controls": "a\tb\x0bc\x1b[31md\x7fe\x85f\u2028g\ufeffh",
    "a null": "before\x00after",
    "half a pair": "half \ud83d pair",
    "combining": "Z" + "\u0335\u0321" * 80,
    "long": "W" * 10_000,
    "long words": "word " * 2_000,
    "a formula": '=HYPERLINK("http://127.0.0.1:9/","x")',
    "astral": "\U0001f1f8\U0001f1ea\U0001f468\u200d\U0001f469\u200d\U0001f467",
}
EVENT_FIELDS = ("request_id", "endpoint_id", "unit", "client", "project", "deliverable", "note", "source", "account")
COST_COLUMNS = ("description", "category", "source", "client", "project", "deliverable", "note")
MARKUP_TAGS = {"script", "iframe", "object", "embed", "form", "input", "base", "a", "textarea", "img"}


class Elements(HTMLParser):
    """Every element and attribute of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.commands: list[str | None] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.commands += [value for name, value in attrs if name == "http-equiv"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every hostile text in every field that a file can bring in, imported as a person does."""
    home = tmp_path_factory.mktemp("hostile")
    files = []
    for number, (name, text) in enumerate(HOSTILE.items()):
        plain = {"trayd": 1, "type": "generation", "endpoint_id": "fal-ai/flux/dev", "units": 1, "unit": "images"}
        events = [
            plain
            | {"time": f"2025-01-{number + 1:02}T10:{place:02}:00Z", "estimate": {"amount": "1", "currency": "USD"}}
            | {field: text, "parameters": {"resolution": "1080p"}}
            for place, field in enumerate(EVENT_FIELDS)
        ]
        events.append(plain | {"time": f"2025-01-{number + 1:02}T11:00:00Z", "parameters": {text: text, "size": text}})
        file = home / f"{number}.jsonl"
        file.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
        table = home / f"{number}.csv"
        rows = ["date,amount,currency," + ",".join(COST_COLUMNS)]
        for column in COST_COLUMNS:
            cells = {"description": f"{name} {column}", "source": "tool"} | {column: text}
            quoted = ('"' + cells.get(head, "").replace('"', '""') + '"' for head in COST_COLUMNS)
            rows.append(f"2025-02-{number + 1:02},1.00,USD," + ",".join(quoted))
        table.write_bytes("\r\n".join(rows).encode("utf-8", "surrogatepass"))
        files += [str(file), str(table)]
    # What cannot be recorded is rejected: half a pair of UTF-16 is no text.
    told = json.loads(trayd(home, "import", "--json", *files, check=False).stdout)
    assert sum(each["recorded"] for each in told) > 200
    agency = HOSTILE["markup"][:64]
    trayd(home, "config", "set", "report.name", agency)
    return home


@pytest.fixture(scope="module")
def pages(home: Path) -> dict[str, Path]:
    whole = home / "report.html"
    trayd(home, "report", "--out", str(whole), "--since", "2025-01-01", "--until", "2025-12-31")
    made = {"all": whole}
    for name in ("markup", "end of a title", "an attribute", "a template", "right to left"):
        made[name] = home / f"{name}.html"
        trayd(home, "report", "--out", str(made[name]), "--client", HOSTILE[name])
    mine = home / "mine"
    trayd(home, "report", "--copy-templates", str(mine))
    trayd(home, "config", "set", "report.templates", str(mine))
    made["own template"] = home / "own.html"
    trayd(home, "report", "--out", str(made["own template"]))
    return made


def test_no_text_becomes_markup(pages: dict[str, Path]) -> None:
    for name, path in pages.items():
        page = path.read_text(encoding="utf-8")
        elements = Elements(page)
        assert not elements.tags & MARKUP_TAGS, name
        assert not {attribute for attribute in elements.attributes if attribute.startswith("on")}, name
        assert ">49" not in page, name
        assert elements.commands == ["Content-Security-Policy"], name


def test_no_character_is_left_that_a_page_cannot_have(pages: dict[str, Path]) -> None:
    """https://infra.spec.whatwg.org/#control, less what is white space there."""
    for name, path in pages.items():
        found = re.findall("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]", path.read_text(encoding="utf-8"))
        assert not found, (name, set(found))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.mark.parametrize("name", ["all", "markup", "end of a title", "right to left", "own template"])
def test_a_browser_shows_it_as_text(browser: Browser, pages: dict[str, Path], name: str) -> None:
    page = browser.page(pages[name].as_uri())
    page.show_all(1280)
    assert page.asked == [pages[name].as_uri()]
    assert page.complaints == []
    assert page.evaluate("document.title").startswith("AI cost report")
    assert page.evaluate("document.body.lastElementChild.tagName") == "FOOTER"
    text = page.text
    assert "{{ 7*7 }}" in text or name not in {"all", "own template"}
    assert "<script>document.title='ran'</script>" in text
    violations, _ = page.axe()
    assert violations == []
    for width in (320, 1280):
        page.show_all(width)
        assert page.overflow <= 0, width
    page.close()
