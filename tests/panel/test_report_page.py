"""The page “Reports” over a real socket: what its form offers and leads to, and the files that it lists."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.desktop.harness import wait_until
from tests.panel.served import HOSTILE, Panel, ServedHere, Visitor
from trayd.panel.report_form import named
from trayd.panel.texts import REPORT_POLICY
from trayd.settings import parse


@pytest.fixture
def visitor(here: ServedHere) -> Visitor:
    visitor = here.visitor()
    visitor.enter()
    return visitor


def offered(page: str, field: str) -> list[str]:
    """The values that a field can be given."""
    (found,) = re.findall(
        rf'<select id="{field}".*?</select>|<datalist id="{field}-names">.*?</datalist>', page, re.DOTALL
    )
    return [html.unescape(value) for value in re.findall(r'<option value="(.*?)"', found, re.DOTALL)]


def chosen(page: str, field: str) -> str:
    (found,) = re.findall(rf'<select id="{field}".*?</select>', page, re.DOTALL)
    (value,) = re.findall(r'<option value="([^"]*)" selected', found)
    return html.unescape(value)


def asked(visitor: Visitor, **fields: str) -> httpx.Response:
    return visitor.http.get("/reports/asked", params=fields)


def leads_to(visitor: Visitor, **fields: str) -> dict[str, str]:
    answer = asked(visitor, **fields)
    assert answer.status_code == 303, wrong_in(answer)
    to = urlsplit(answer.headers["location"])
    assert to.path == "/report"
    return {name: values[0] for name, values in parse_qs(to.query, keep_blank_values=True).items()}


def wrong_in(answer: httpx.Response) -> dict[str, str]:
    """What the page says is wrong, by field."""
    found = re.findall(r'<p class="wrong" id="wrong-(\w+)">(.*?)</p>', answer.text, re.DOTALL)
    return {field: html.unescape(re.sub(r"<.*?>", "", text)).strip() for field, text in found}


def file_name(answer: httpx.Response) -> tuple[str, str | None]:
    message = Message()
    message["Content-Disposition"] = answer.headers["content-disposition"]
    return message.get_content_disposition() or "", message.get_filename()


def test_the_form_offers_what_is_recorded(visitor: Visitor) -> None:
    page = visitor.get("/reports").text
    names = {"Northwind", "Näckrosen", "株式会社", "مؤسسة", *HOSTILE}
    assert set(offered(page, "client")) == {"", "-", *map(named, names)}
    assert {"=Spring Campaign", "=春", "-"} <= set(offered(page, "project"))
    assert {"Hero Film", "Social Cut", "動画"} <= set(offered(page, "deliverable"))
    assert {"fal-ai/flux/dev", "acme/whisper-large"} <= set(offered(page, "model"))
    assert offered(page, "account") == ["", "=second", "=studio"]
    assert offered(page, "key") == ["", "-", "=comfy", "=premiere"]
    assert offered(page, "kind") == ["", "internal", "external", "pool"]
    assert offered(page, "period") == ["2025-04", "2025-03", "all", "days", "2025-02", "2025-01"]
    assert {"USD", "EUR", "SEK"} <= set(offered(page, "currency"))
    assert "FLUX.1 [dev]" in page
    assert "Näckrosen: usage statement, costs hidden" in page
    assert "Northwind: with what is charged" in page


def test_what_nobody_fills_in_is_this_month(visitor: Visitor) -> None:
    assert chosen(visitor.get("/reports").text, "period") == "2025-04"
    assert leads_to(visitor) == {"since": "2025-04-01", "until": "2025-04-09"}


@pytest.mark.parametrize(
    ("period", "query"),
    [
        ("", {"since": "2025-04-01", "until": "2025-04-09"}),
        ("2025-03", {"since": "2025-03-01", "until": "2025-03-31"}),
        ("2025-02", {"since": "2025-02-01", "until": "2025-02-28"}),
        ("2025-04", {"since": "2025-04-01", "until": "2025-04-09"}),
        ("2024-02", {"since": "2024-02-01", "until": "2024-02-29"}),
        ("all", {}),
    ],
)
def test_periods_are_those_of_the_menu(visitor: Visitor, period: str, query: dict[str, str]) -> None:
    # Days that stand in a field which is not shown count for nothing.
    assert leads_to(visitor, period=period, since="2020-01-01", until="nonsense") == query


def test_months_begin_where_the_person_is(here: ServedHere, visitor: Visitor) -> None:
    here.here.at = datetime(2025, 4, 30, 22, 30, tzinfo=UTC)  # half past midnight of the first of May in Stockholm
    visitor.enter()
    page = visitor.get("/reports").text
    assert "May 2025 so far" in page
    assert leads_to(visitor) == {"since": "2025-05-01", "until": "2025-05-01"}
    assert offered(page, "period")[:2] == ["2025-05", "2025-04"]


def test_a_form_that_stands_open_over_midnight_asks_for_the_month_that_it_shows(
    here: ServedHere, visitor: Visitor
) -> None:
    before = chosen(visitor.get("/reports").text, "period")
    here.here.at = datetime(2025, 5, 1, 6, tzinfo=UTC)
    visitor.enter()
    assert leads_to(visitor, period=before) == {"since": "2025-04-01", "until": "2025-04-30"}
    assert chosen(asked(visitor, period=before, currency="EUX").text, "period") == before


@pytest.mark.parametrize("client", ["Northwind", "株式会社", *HOSTILE])
def test_every_name_can_be_chosen_whatever_is_in_it(visitor: Visitor, client: str) -> None:
    assert leads_to(visitor, client=named(client), period="all") == {"client": client}


def test_all_that_the_command_line_filters_by_can_be_filled_in(visitor: Visitor) -> None:
    query = leads_to(
        visitor, client="=Northwind", project="-", deliverable=" Hero Film ", model="fal-ai/flux", account="=studio",
        key="=premiere", kind="internal", period="days", since="2025-01-05", until="2025-02-06", currency="sek",
        save="1",
    )  # fmt: skip
    assert query == {
        "client": "Northwind", "project": "", "deliverable": "Hero Film", "model": "fal-ai/flux", "account": "studio",
        "key": "premiere", "kind": "internal", "since": "2025-01-05", "until": "2025-02-06", "currency": "SEK",
        "save": "1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"client": "=Nortwind"}, "client", "Nothing recorded has the client “Nortwind”. Did you mean “Northwind”?"),
        ({"client": "Northwind"}, "client", "This is no client to choose. Choose one of the list."),
        ({"deliverable": "Hero Fim"}, "deliverable", "Nothing recorded has the deliverable “Hero Fim”. Did you mean"),
        ({"model": "fal-ai/flax"}, "model", "Nothing recorded has the model “fal-ai/flax”."),
        ({"model": "x" * 1001}, "model", "Nothing recorded has a model of 1,001 characters. Choose one of the list."),
        ({"account": "=nobody"}, "account", "Nothing recorded has the account “nobody”."),
        ({"kind": "free"}, "kind", "There is no such kind of cost."),
        ({"period": "2025-13"}, "period", "There is no such period."),
        ({"period": "2026-01"}, "period", "There is no such period."),
        ({"period": "9999-12"}, "period", "There is no such period."),
        ({"period": "days"}, "since", "No day is given. Give the first day, the last one, or both."),
        ({"period": "days", "since": "5.3.2025"}, "since", "“5.3.2025” is no date. Write one such as 2026-11-30,"),
        (
            {"period": "days", "since": "1969-12-31"},
            "since",
            "“1969-12-31” is no date. Write one such as 2026-11-30, f",
        ),
        ({"period": "days", "until": "9999-12-31"}, "until", "“9999-12-31” is no date."),
        ({"period": "1969-12"}, "period", "There is no such period."),
        ({"period": "days", "since": "2025-03-02", "until": "2025-03-01"}, "until", "2025-03-01 is before 2025-03-02."),
        ({"currency": "EUX"}, "currency", "“EUX” is no ISO 4217 code. Write one such as EUR."),
    ],
)
def test_what_is_wrong_comes_back_to_its_field(visitor: Visitor, fields: dict[str, str], field: str, said: str) -> None:
    answer = asked(visitor, **{"project": "=Relaunch", **fields})
    assert answer.status_code == 400
    assert list(wrong_in(answer)) == [field]
    assert wrong_in(answer)[field].startswith(said)
    control = re.search(rf'<(?:select|input)[^>]* id="{field}"[^>]*>', answer.text.replace("\n", " "))
    assert control is not None
    assert 'aria-invalid="true" autofocus' in control[0]
    assert f"wrong-{field}" in control[0]
    # What was right stays.
    assert chosen(answer.text, "project") == "=Relaunch"
    assert f'<a href="#{field}">' in answer.text


def test_a_field_that_is_none_is_named(visitor: Visitor) -> None:
    answer = asked(visitor, colour="red")
    assert answer.status_code == 400
    assert "The form has no field &#x27;colour&#x27;." in answer.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("since=yesterday", "--since yesterday: this is no date or time"),
        ("since=2025-02-01&until=2025-01-01", "--since 2025-02-01 is not before --until 2025-01-01"),
        ("colour=red", "Report: there is no argument &#x27;colour&#x27;"),
        ("currency=EUX", "&#x27;EUX&#x27; is no ISO 4217 code"),
        ("kind=free", "kind"),
    ],
)
def test_an_address_that_is_wrong_leads_to_the_form(visitor: Visitor, query: str, said: str) -> None:
    answer = visitor.get(f"/report?{query}")
    assert answer.status_code == 400
    assert said.lower() in answer.text.lower()
    assert 'role="alert"' in answer.text
    assert "<form" in answer.text


def test_what_keeps_a_report_from_being_made_is_told_above_the_form_as_it_was_filled_in(
    here: ServedHere, visitor: Visitor
) -> None:
    text = (here.here.paths.settings).read_text(encoding="utf-8").replace('"logo.svg"', '"gone.svg"')
    here.here.operations.settings = parse(text, "settings.toml")
    answer = visitor.get("/report?client=Northwind&project=&since=2025-02-01")
    assert answer.status_code == 409
    assert "gone.svg" in answer.text
    assert (chosen(answer.text, "client"), chosen(answer.text, "project")) == ("=Northwind", "-")
    assert 'value="2025-02-01"' in answer.text


FILLED_IN = st.fixed_dictionaries(
    {},
    optional={
        "client": st.one_of(st.text(max_size=20), st.sampled_from(HOSTILE).map(named)),
        "project": st.text(max_size=20),
        "deliverable": st.one_of(st.text(max_size=20), st.just("Hero Film")),
        "model": st.text(max_size=20),
        "account": st.text(max_size=20),
        "key": st.text(max_size=20),
        "kind": st.one_of(st.text(max_size=9), st.sampled_from(["", "internal", "external", "pool"])),
        "period": st.one_of(st.text(max_size=9), st.dates().map("{:%Y-%m}".format), st.sampled_from(["all", "days"])),
        "since": st.one_of(st.text(max_size=12), st.dates().map(str), st.datetimes().map(str)),
        "until": st.one_of(st.text(max_size=12), st.dates().map(str)),
        "currency": st.one_of(st.text(max_size=4), st.sampled_from(["EUR", "sek", "XAF"])),
        "save": st.text(max_size=2),
    },
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=FILLED_IN)
def test_whatever_is_filled_in_leads_to_a_report_or_back(visitor: Visitor, fields: dict[str, str]) -> None:
    answer = asked(visitor, **fields)
    if answer.status_code == 303:
        assert visitor.get(answer.headers["location"]).status_code == 200
    else:
        assert answer.status_code == 400
        assert wrong_in(answer)
        assert "<form" in answer.text


ASKED = (
    ["--client", "Northwind", "--since", "2025-01-01", "--until", "2025-04-01"],
    ["--client", "Näckrosen", "--currency", "EUR"],
    ["--client", "", "--kind", "external", "--until", "2025-03-31"],
    ["--model", "fal-ai/flux", "--account", "studio", "--key", "premiere", "--project", "Spring Campaign"],
    ["--client", HOSTILE[2]],
)


@pytest.mark.parametrize("arguments", ASKED)
def test_a_report_is_that_of_the_command_line_byte_for_byte(panel: Panel, arguments: list[str]) -> None:
    visitor = panel.visitor()
    visitor.enter()
    query = {name.removeprefix("--"): value for name, value in zip(arguments[::2], arguments[1::2], strict=True)}

    def both() -> tuple[bytes, bytes]:
        command = [sys.executable, "-m", "trayd", "report", "--out", "-", *arguments]
        told = subprocess.run(command, env=panel.env, capture_output=True, check=True).stdout
        return visitor.http.get("/report", params=query).content, told

    page, told = both()
    if page != told:  # the minute in which they were made is in both
        page, told = both()
    assert page == told
    assert len(page) > 10_000


@pytest.mark.parametrize("path", ["/report?client=Northwind", "/report?client=Northwind&save=1"])
def test_a_report_can_do_nothing_in_the_name_of_the_panel(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    policy = answer.headers["content-security-policy"]
    assert policy == REPORT_POLICY
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    kept = "attachment" if "save" in path else "inline"
    assert file_name(answer) == (kept, "trayd-report-northwind-to-2025-04-09.html")


def test_the_api_sends_its_report_under_the_same_policy(visitor: Visitor) -> None:
    answer = visitor.api("/report?client=Northwind")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == REPORT_POLICY
    assert visitor.api("/export").headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("client", HOSTILE)
def test_a_report_of_any_name_is_saved_under_one_that_any_disk_takes(visitor: Visitor, client: str) -> None:
    answer = visitor.http.get("/report", params={"client": client, "save": "1"})
    disposition, name = file_name(answer)
    assert disposition == "attachment"
    assert name is not None
    assert re.fullmatch(r"trayd-report-[\w-]+-to-2025-04-09\.html", name)
    assert len(name.encode()) < 200
    assert answer.headers["content-disposition"].isascii()


def kept(here: ServedHere, name: str, text: str = "<!doctype html><title>x</title>") -> Path:
    folder = here.here.paths.reports
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def listed(page: str) -> list[str]:
    return [unquote(html.unescape(name)) for name in re.findall(r'href="/reports/kept/([^"]*)"', page)]


def test_before_anything_was_made_the_folder_need_not_be_there(here: ServedHere, visitor: Visitor) -> None:
    here.here.paths = here.here.paths.under(here.here.paths.reports / "nowhere")
    assert "Nothing yet." in visitor.get("/reports").text


NAMES = (
    "trayd-report-2026-10.html",
    "Two\nlines “and” 'quotes' \"more\" & <b>.html",
    "<img src=x onerror=alert(1)>.html",
    "ünï 株式会社 %2e%2e%2f ?a=b#c;.html",
    "back\\slash.html",
    "100 %.csv",
)


@pytest.mark.parametrize("name", NAMES)
def test_what_lies_in_the_folder_opens_by_a_click(here: ServedHere, visitor: Visitor, name: str) -> None:
    kept(here, name, "what is in it")
    page = visitor.get("/reports").text
    assert name in listed(page)
    assert "<img src=x" not in page
    answer = visitor.get(f"/reports/kept/{quote(name, safe='')}")
    assert (answer.status_code, answer.text) == (200, "what is in it")
    assert file_name(answer) == ("inline" if name.endswith(".html") else "attachment", name)
    assert answer.headers["content-disposition"].isascii()
    if name.endswith(".html"):
        assert answer.headers["content-security-policy"] == REPORT_POLICY


def test_the_newest_file_stands_first(here: ServedHere, visitor: Visitor) -> None:
    for number in range(3):
        os.utime(kept(here, f"trayd-report-2024-0{number + 1}.html"), (1e9 + number, 1e9 + number))
    names = [name for name in listed(visitor.get("/reports").text) if name.startswith("trayd-report-2024")]
    assert names == [f"trayd-report-2024-0{number}.html" for number in (3, 2, 1)]


def test_nothing_but_plain_files_of_that_folder_is_anybodys_business(here: ServedHere, visitor: Visitor) -> None:
    folder = kept(here, "plain.html").parent
    secret = here.here.paths.settings.with_name("secret.html")
    secret.write_text("secret")
    (folder / "link.html").symlink_to(secret)
    (folder / "inside.html").symlink_to(folder / "plain.html")
    (folder / "folder.html").mkdir(exist_ok=True)
    (folder / "folder.html" / "deep.html").write_text("secret")
    (folder / "notes.txt").write_text("secret")
    (folder / ".hidden.html").write_text("secret")
    os.mkfifo(folder / "pipe.html")
    with (folder / os.fsdecode(b"not-\xff-text.html")).open("w") as file:
        file.write("secret")
    try:
        assert {*listed(visitor.get("/reports").text)} - {*NAMES} >= {"plain.html"}
        for name in ("link", "inside", "folder", "notes", ".hidden", "pipe", "not-"):
            assert not any(each.startswith(name) for each in listed(visitor.get("/reports").text))
        ways = (
            *("link.html", "inside.html", "folder.html", "folder.html%2Fdeep.html", "folder.html/deep.html"),
            *("notes.txt", ".hidden.html", "pipe.html", "not-%FF-text.html", "not-%EF%BF%BD-text.html"),
            *("../secret.html", "..%2Fsecret.html", "%2e%2e%2fsecret.html", "..%5Csecret.html", "....//secret.html"),
            *(quote(str(secret), safe=""), "plain.html%00.html", "plain.html%00", "%2E%2E", "..", ".", "C:plain.html"),
            *("plain.html:stream.html", "./plain.html", "%2E%2Fplain.html", "x" * 300 + ".html"),
        )
        for way in ways:
            answer = visitor.raw(f"/reports/kept/{way}")
            assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 405")), (way, answer[:200])
            assert b"secret" not in answer
    finally:
        (folder / "pipe.html").unlink()


def test_a_folder_that_cannot_be_looked_at_takes_the_form_with_it_for_no_one(
    here: ServedHere, visitor: Visitor, tmp_path: Path
) -> None:
    (tmp_path / "reports").write_text("a file")
    here.here.paths = here.here.paths.under(tmp_path)
    page = visitor.get("/reports")
    assert page.status_code == 200
    assert f"{tmp_path / 'reports'} cannot be looked at" in page.text
    assert "Open report" in page.text


def test_a_disk_that_does_not_answer_keeps_nobody_from_the_form(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, waiting = threading.Event(), []

    def never(_folder: Path, *_name: str) -> None:
        waiting.append(threading.current_thread())
        gone.wait(20)

    monkeypatch.setattr("trayd.panel.report_pages._FOLDER_S", 0.3)
    monkeypatch.setattr("trayd.panel.report_pages.kept_reports", never)
    monkeypatch.setattr("trayd.panel.report_pages.opened", never)
    page, file = visitor.get("/reports"), visitor.get("/reports/kept/x.html")
    assert len(waiting) == 1
    gone.set()
    monkeypatch.undo()
    wait_until(lambda: "does not answer" not in visitor.get("/reports").text, what="the disk to be back")
    assert page.status_code == 200
    assert "Open report" in page.text
    for answer in (page, file):
        assert "does not answer.</strong>" in answer.text or "does not answer.</h1>" in answer.text
        assert "See whether its disk is connected." in answer.text
    assert file.status_code == 409


def test_of_a_bug_the_log_says_more_than_the_page(
    here: ServedHere, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_query: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(here.here.operations, "report", broken)
    answer = visitor.get("/report")
    assert answer.status_code == 500
    assert "The page could not be made." in answer.text
    assert "the inside" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "the inside" in caplog.text
