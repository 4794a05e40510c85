"""Templates of one's own: what they may replace, what they cannot do, and how they are told what is wrong."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, timedelta
from errno import EACCES
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateError
from jinja2.exceptions import SecurityError
from markupsafe import Markup

from tests.insight.samples import NOW, external, generation, rates
from tests.reports.browser import Browser
from tests.reports.full_ledger import trayd
from tests.reports.making import report_html
from trayd.errors import TraydError
from trayd.records import Filters
from trayd.reports.context import contents, report_context
from trayd.reports.log import LogPage, log_pages
from trayd.reports.own_templates import Job, copy_templates, own_page, templates_folder
from trayd.reports.rendering import with_policy
from trayd.reports.request import ReportRequest
from trayd.reports.template_faults import fault
from trayd.reports.template_process import _Sandbox
from trayd.reports.template_trial import try_templates
from trayd.reports.words import Words

RECORDS = (
    generation("1.12", client="Northwind", deliverable="Hero Film"),
    generation("0.50", timestamp=NOW - timedelta(days=40)),
    external("30.00", "2026-11-05"),
)
PAGE = '<!doctype html>\n<html lang="en">\n<head>\n<title>x</title>\n</head>\n<body>\n%s\n</body>\n</html>\n'
HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}"


REQUEST = ReportRequest(filters=Filters(), converter=rates(), home="USD", locale="en_US", zone=UTC, now=NOW)


def made(folder: Path | None) -> str:
    return "".join(report_html(RECORDS, msgspec.structs.replace(REQUEST, templates=folder)))


def pieces(job: Job) -> Iterator[str]:
    """The page as :func:`report_html` has it made, with limits of the test's own."""
    words, made_of = Words("en_US"), contents(RECORDS, REQUEST)
    return own_page(report_context(made_of, REQUEST, words), log_pages(made_of, REQUEST, words), job)


def body(folder: Path, template: str) -> str:
    """What a template makes that has this in its body, on line 7."""
    (folder / "report.html.j2").write_text(PAGE % template, encoding="utf-8")
    return made(folder).partition("<body>\n")[2].rpartition("</body>")[0].removesuffix("\n")


def wrong(folder: Path, template: str, **limits: Any) -> TraydError:
    """What is told of such a template."""
    (folder / "report.html.j2").write_text(PAGE % template, encoding="utf-8")
    with pytest.raises(TraydError) as told:
        list(pieces(Job(str(folder), **limits)))
    return told.value


def test_a_template_of_ones_own_takes_the_place_of_trayds(tmp_path):
    assert body(tmp_path, "{{ report.title }}: {{ report.kpis[2].value }}") == "AI costs: $31.62"


def test_it_can_go_through_the_log_more_than_once(tmp_path):
    template = "{{ log | length }}{% for _ in range(2) %}{% for page in log %} {{ page.title }}{% endfor %}{% endfor %}"
    assert body(tmp_path, template) == "2" + " October 2026 November 2026" * 2


def test_it_can_replace_a_block_of_trayds(tmp_path):
    """A template that extends its own name means trayd's."""
    (tmp_path / "report.html.j2").write_text(
        '{% extends "report.html.j2" %}{% block footer %}<footer>Studio Nord</footer>{% endblock %}', encoding="utf-8"
    )
    page = made(tmp_path)
    assert "<footer>Studio Nord</footer>" in page
    assert "Made by trayd" not in page
    assert "Combined total" in page


def test_trayds_own_can_be_had_from_any_template(tmp_path):
    (tmp_path / "studio.html.j2").write_text('{% extends "trayd/report.html.j2" %}', encoding="utf-8")
    (tmp_path / "report.html.j2").write_text(
        '{% extends "studio.html.j2" %}{% block summary %}ours{% endblock %}', encoding="utf-8"
    )
    page = made(tmp_path)
    assert "ours" in page
    assert "Combined total" not in page


def test_what_is_included_is_looked_for_beside_it(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "seal.svg").write_text("<svg><title>Seal</title></svg>", encoding="utf-8")
    assert body(tmp_path, '{% include "parts/seal.svg" %}') == "<svg><title>Seal</title></svg>"


def test_a_style_sheet_alone_is_enough(tmp_path):
    (tmp_path / "report.css").write_text("body { color: #123456 }", encoding="utf-8")
    page = made(tmp_path)
    assert "\nbody { color: #123456 }</style>" in page
    assert "Combined total" in page


def test_a_copy_of_trayds_makes_the_same_page(tmp_path):
    """So trayd's own uses nothing that one's own cannot have."""
    copied = copy_templates(tmp_path / "mine")
    assert {path.name for path in copied} == {"report.html.j2", "report.css"}
    style = re.compile("style-src '[^']*'")
    assert style.sub("", made(tmp_path / "mine")) == style.sub("", made(None))


def test_templates_are_never_copied_over_others(tmp_path):
    (tmp_path / "report.css").write_text("mine", encoding="utf-8")
    with pytest.raises(TraydError, match=r"report\.css is there already; nothing was written"):
        copy_templates(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.css"]


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ report.title }", "unexpected '}'"),
        ("{% if %}", "Expected an expression, got 'end of statement block'"),
        ("{{ reprot.title }}", "there is no 'reprot'"),
        ("{{ report.titel }}", "there is no 'titel' in ReportContext; it has kind, agency, title, "),
        ("{{ report.kpis[0].cost }}", "there is no 'cost' in Kpi; it has id, label, value"),
        ("{% include 'seal.svg' %}", "there is no template 'seal.svg' in "),
        ("{% include '../secret' %}", "there is no template '../secret' in "),
        ("{% include '/etc/passwd' %}", "there is no template '/etc/passwd' in "),
        ("{{ report.title | safe }}", "there is no filter 'safe': every text is escaped"),
        ("{% autoescape false %}{% endautoescape %}", "escaping cannot be switched off"),
        ("{{ report.__class__ }}", "access to attribute '__class__' of 'ReportContext' object is unsafe"),
        ("{{ report['__class__'] }}", "access to attribute '__class__' of 'ReportContext' object is unsafe"),
        ("{{ '{0.__class__}'.format(report) }}", "access to attribute '__class__' of "),
        ("{{ cycler.__init__.__globals__ }}", "access to attribute '__init__' of 'type' object is unsafe"),
        ("{{ 1 / 0 }}", "ZeroDivisionError: division by zero"),
        ("{{ range(10 ** 9) | list }}", "OverflowError: Range too big."),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "it includes, extends or calls itself without end"),
        ("{% include 'report.html.j2' %}{{ report.none }}", "there is no 'none' in ReportContext"),
        ("{{ 'x' * 10 ** 10 }}", "the page takes more than 1024 MB of memory"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path, template, told):
    error = wrong(tmp_path, template)
    assert f"{tmp_path}/report.html.j2, line 7: {told}" in error.message
    assert error.cure


def test_what_is_wrong_is_told_in_a_line_whatever_a_name_holds(tmp_path):
    error = wrong(tmp_path, r"{{ report['\x1b]0;title\x07' ~ 'x' * 100000] }}")
    assert len(error.message) < 800
    assert error.message.isprintable()


def test_a_wrong_file_that_is_included_is_named(tmp_path):
    (tmp_path / "part.html").write_text("\n\n{{ 1 + '1' }}", encoding="utf-8")
    assert f"{tmp_path}/part.html, line 3: TypeError" in wrong(tmp_path, "{% include 'part.html' %}").message


@pytest.mark.parametrize("name", ["report.html.j2", "part.html", "report.css"])
def test_a_file_that_is_no_text_is_told_with_its_line(tmp_path, name):
    (tmp_path / "report.html.j2").write_text(PAGE % "{% include 'part.html' %}", encoding="utf-8")
    (tmp_path / "part.html").write_text("Anbei", encoding="utf-8")
    (tmp_path / name).write_bytes("Anbei:\nMit freundlichen Grüßen".encode("latin-1"))
    with pytest.raises(TraydError) as told:
        made(tmp_path)
    assert told.value.message == f"{tmp_path / name}, line 2: it is no UTF-8 text"
    assert told.value.cure == "save it as UTF-8"


def test_a_file_that_may_not_be_read_is_named():
    told = fault(
        PermissionError(EACCES, "Permission denied", "/home/me/templates/report.css"), Job("/home/me/templates")
    )
    assert (told.where, told.wrong) == ("/home/me/templates/report.css", "it cannot be read (Permission denied)")


def test_a_template_that_does_not_end_is_ended(tmp_path):
    endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    begun = time.monotonic()
    error = wrong(tmp_path, endless, deadline_s=0.5)
    assert "report.html.j2, line 7: the page was not ready after 0.5 seconds" in error.message
    assert time.monotonic() - begun < 10


def test_a_page_that_does_not_end_is_ended(tmp_path):
    error = wrong(tmp_path, "{% for i in range(99999) %}{{ 'x' * 99 }}{% endfor %}", longest=10**6)
    assert "the page has more than 1000000 characters" in error.message


def test_the_log_is_written_page_by_page(tmp_path):
    """Who is on the ledger's thread gets away between two pages, and has one of them in memory."""
    (tmp_path / "report.html.j2").write_text(PAGE % "", encoding="utf-8")
    words, made_of, taken = Words("en_US"), contents(RECORDS, REQUEST), []

    def pages() -> Iterator[LogPage]:
        for number in range(9):
            taken.append(number)
            yield from log_pages(made_of, REQUEST, words)

    page = own_page(report_context(made_of, REQUEST, words), pages(), Job(str(tmp_path)))
    for steps in range(1, 5):
        assert next(page) == ""
        assert len(taken) <= steps
    page.close()


def children() -> set[int]:
    """The processes that this one has started."""
    listed = (thread / "children" for thread in Path(f"/proc/{os.getpid()}/task").iterdir())
    return {int(pid) for path in listed for pid in path.read_text().split()}


def test_a_child_ends_with_who_waits_for_it_and_knows_no_key(tmp_path, monkeypatch):
    monkeypatch.setenv("FAL_ADMIN_KEY", "a-secret")
    monkeypatch.setenv("TRAYD_HOME", str(tmp_path))
    endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    (tmp_path / "report.html.j2").write_text(PAGE % endless, encoding="utf-8")
    before = children()
    with closing(pieces(Job(str(tmp_path)))) as waiting:
        assert [next(waiting) for _ in range(12)] == [""] * 12
        [child] = children() - before
        environment = Path(f"/proc/{child}/environ").read_bytes()
        assert b"PATH=" in environment
        assert b"a-secret" not in environment
        assert b"TRAYD_" not in environment
    assert children() == before


def rendered(sandbox, expression):
    """What the expression comes to; empty where it is none."""
    try:
        return sandbox.from_string("{{ " + expression + " }}").render(x=HOSTILE)
    except (TemplateError, SecurityError, TypeError, ValueError, AttributeError, LookupError, AssertionError):
        return ""


def test_no_filter_and_no_method_makes_markup_of_a_text(tmp_path):
    """Whatever a record is called: a template's author may try all that there is, on texts and on what is escaped."""
    sandbox = _Sandbox(tmp_path)
    texts = ("x", "(x | e)", "('a {a} %s' | e)", "[x, x | e]")
    given = ("x", "'a', x", "x, 'a'", "'a' | e, x", "{97: x}", "[x]", "3, x", "a=x", "'a', x, 1", "3, True, x")
    filters = [f"{text} | {name}" for name in sandbox.filters for text in texts]
    filters += [f"{text} | {name}({what})" for name in sandbox.filters for text in texts for what in given]
    methods = [f"{text}.{name}" for name in dir(Markup) if not name.startswith("_") for text in texts]
    expressions = [*filters, *(f"{method}({what})" for method in methods for what in ("", *given))]
    expressions += [f"{text} {sign} {other}" for text in texts for other in texts for sign in "+~%*"]
    found = {expression: rendered(sandbox, f"[{expression}] | join") for expression in expressions}
    found |= {expression: rendered(sandbox, expression) for expression in expressions}
    assert sum(map(bool, found.values())) > 500
    for expression, text in found.items():
        assert "<script" not in text, expression
        assert "<img" not in text, expression


@pytest.mark.parametrize(
    "begins",
    [
        "<p>A page without a head</p>",
        "<html><head>",
        "<!doctype html><html><script>alert(1)</script><head>",
        "<!doctype html><html onclick='alert(1)'><head>",
        "<!doctype html><html lang='\"><script>'><head>",
        "<!doctype html><html lang=en onload=alert(1)><head>",
        "<!doctype html><!-- --!><script>alert(1)</script> --><html><head>",
        "<!--><script>alert(1)</script>--><!doctype html><html><head>",
        "<!doctype html><!--><script>alert(1)</script>--><html><head>",
        "<!doctype html><!---><script>alert(1)</script>--><html><head>",
        '<!doctype html><html lang="en"><!--><script>alert(1)</script>--><head>',
        "<!doctype html><html><body><head>",
        "",
    ],
)
def test_a_page_in_which_the_policy_would_come_late_is_refused(begins):
    with pytest.raises(TraydError, match=r"mine\.j2: the page does not begin with <!doctype html>"):
        "".join(with_policy([begins], "p", "mine.j2"))


@pytest.mark.parametrize(
    "begins",
    [
        "<!doctype html><html><head>",
        "\n<!-- ours -->\n<!DOCTYPE HTML>\n<html lang=\"de\" class='a b'>\n<!-- head > -->\n<HEAD>",
        '\ufeff<!doctype html><html lang = "en" dir="ltr" ><head >',
    ],
)
@given(cut=st.integers(0, 200))
def test_the_policy_is_the_first_that_a_head_says(begins, cut):
    text = f"{begins}<title>x</title>" + "y" * 100
    page = "".join(with_policy([text[:cut], text[cut:]], "p", "mine.j2"))
    meta = '\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="p">'
    assert page == text.replace("<title>", f"{meta}<title>")


def test_a_head_that_does_not_come_is_not_waited_for():
    def endless():
        while True:
            yield "x" * 1000

    with pytest.raises(TraydError):
        with_policy(endless(), "p", "mine.j2")


def test_markup_that_its_author_wrote_cannot_run_or_ask(tmp_path):
    """The policy holds where a browser reads it: nothing runs, and nothing is asked for."""
    attack = """
    <script>document.title = 'ran'</script>
    <img src="picture.png" onerror="document.title = 'ran'">
    <img src="data:image/gif;base64,R0lGODdhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=">
    <link rel="stylesheet" href="other.css"><iframe src="other.html"></iframe><object data="other.svg"></object>
    <style>p { background: url(picture.png); color: rgb(1, 2, 3) }</style><p id="p" onclick="document.title='ran'">x</p>
    """
    body(tmp_path, attack)
    page = tmp_path / "page.html"
    page.write_text(made(tmp_path), encoding="utf-8")
    for name in ("picture.png", "other.css", "other.html", "other.svg"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    with Browser(tmp_path / "profile") as browser:
        opened = browser.page(page.as_uri())
        opened.evaluate("document.querySelector('#p').click()")
        assert opened.evaluate("document.title") == "x"
        assert opened.evaluate("getComputedStyle(document.querySelector('#p')).color") == "rgb(1, 2, 3)"
        assert opened.evaluate("[...document.images].map(i => i.naturalWidth).join()") == "0,1"
        assert {url for url in opened.asked if opened.got(url)} == {page.as_uri()}
        assert len(opened.complaints) >= 5


def test_the_folder_is_absolute_or_beside_the_settings_file(tmp_path):
    settings_file = tmp_path / "settings.toml"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "report.css").write_text("", encoding="utf-8")
    assert templates_folder("", settings_file) is None
    assert templates_folder("mine", settings_file) == tmp_path / "mine"
    assert templates_folder(str(tmp_path / "mine"), Path("/elsewhere/settings.toml")) == tmp_path / "mine"
    with pytest.raises(TraydError, match=r"there is no folder .*/yours; make it, or take the setting out"):
        templates_folder("yours", settings_file)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TraydError, match=r"has neither report\.html\.j2 nor report\.css"):
        templates_folder("empty", settings_file)


def test_the_command_line_uses_them_and_writes_nothing_where_they_are_wrong(tmp_path):
    trayd(tmp_path, "report", "--copy-templates", str(tmp_path / "mine"))
    trayd(tmp_path, "config", "set", "report.templates", "mine")
    out = tmp_path / "report.html"
    trayd(tmp_path, "report", "--out", str(out))
    assert "style-src 'unsafe-inline'" in out.read_text(encoding="utf-8")
    out.unlink()
    template = tmp_path / "mine" / "report.html.j2"
    template.write_text(template.read_text(encoding="utf-8") + "{{ oops }}", encoding="utf-8")
    done = trayd(tmp_path, "report", "--out", str(out), check=False)
    assert done.returncode == 1
    assert "there is no 'oops'" in done.stderr
    assert not list(tmp_path.glob("*report.html*"))


class TestTrial:
    """What the doctor does with templates of one's own."""

    def test_trayds_own_is_in_order(self, tmp_path):
        copy_templates(tmp_path)
        try_templates(tmp_path, "de_DE")

    @pytest.mark.parametrize(
        ("template", "told"),
        [
            ("{{ report.title }", "unexpected '}'"),
            ("{% if report.shows_charges %}{{ nothing }}{% endif %}", "there is no 'nothing'"),
            ("{% for page in log %}{% for row in page.rows %}{{ nothing }}{% endfor %}{% endfor %}", "no 'nothing'"),
            *(
                (f"{{% if not report.shows_charges and report.{part} %}}{{{{ nothing }}}}{{% endif %}}", "no 'nothing'")
                for part in ("rates", "over_time", "accuracy", "pools", "warnings", "licences", "agency.note")
            ),
        ],
    )
    def test_what_is_wrong_is_told_by_file_and_line_also_where_few_reports_come_to(self, tmp_path, template, told):
        (tmp_path / "report.html.j2").write_text(PAGE % template, encoding="utf-8")
        with pytest.raises(TraydError, match=re.escape(f"{tmp_path / 'report.html.j2'}, line 7: ")) as wrong:
            try_templates(tmp_path, "en_US")
        assert told in wrong.value.message

    @pytest.mark.parametrize("part", ["pools.title", "rates.title", "over_time.unit"])
    def test_what_is_not_in_every_report_is_missed(self, tmp_path, part):
        (tmp_path / "report.html.j2").write_text(PAGE % f"{{{{ report.{part} }}}}", encoding="utf-8")
        with pytest.raises(TraydError, match=r"line 7: there is no '(title|unit)'"):
            try_templates(tmp_path, "en_US")

    def test_one_that_does_not_end_is_given_up_soon(self, tmp_path):
        endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
        (tmp_path / "report.html.j2").write_text(PAGE % endless, encoding="utf-8")
        begun = time.monotonic()
        with pytest.raises(TraydError, match="not ready after 5 seconds"):
            try_templates(tmp_path, "en_US")
        assert time.monotonic() - begun < 20
