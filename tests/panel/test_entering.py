"""Who is let in to the panel's pages, and who is not: over a real socket."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from tests.panel.served import Panel, ServedHere, Visitor
from trayd.panel.sessions import COOKIE_LASTS, LINK_LASTS

PAGES = ("/", "/reports", "/reports/asked", "/report", "/reports/kept/x.html", "/nothing")
A_SECOND = timedelta(seconds=1)


@pytest.fixture
def visitor(here: ServedHere) -> Visitor:
    return here.visitor()


def test_a_link_opens_the_panel_once(visitor: Visitor) -> None:
    link = visitor.link()
    assert link.startswith(f"{visitor.url}/enter/")
    first, again = visitor.http.get(link), httpx.get(link, trust_env=False)
    assert (first.status_code, again.status_code) == (200, 403)
    assert visitor.get("/reports").status_code == 200
    assert "This link was used before, or is older than a minute." in again.text
    assert "run <code>trayd open panel</code>" in again.text
    assert "set-cookie" not in again.headers


def test_the_page_behind_the_link_leads_on_without_its_secret(visitor: Visitor) -> None:
    answer = visitor.http.get(visitor.link())
    assert answer.url.path.removeprefix("/enter/") not in answer.text
    assert '<meta http-equiv="refresh" content="0; url=/reports">' in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


def test_the_cookie_is_for_this_port_and_out_of_reach_for_scripts_and_other_sites(visitor: Visitor) -> None:
    said = visitor.http.get(visitor.link()).headers["set-cookie"]
    name, _, rest = said.partition("=")
    assert name == f"trayd-{visitor.url.rpartition(':')[2]}"
    value, *attributes = rest.split("; ")
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=strict"]
    assert len(value) >= 43  # 256 bits


def test_a_link_is_good_for_a_minute(here: ServedHere, visitor: Visitor) -> None:
    in_time, late = visitor.link(), visitor.link()
    here.here.at += LINK_LASTS
    assert httpx.get(in_time, trust_env=False).status_code == 200
    here.here.at += A_SECOND
    assert httpx.get(late, trust_env=False).status_code == 403


def test_a_link_of_a_clock_that_was_set_back_is_good_no_more(here: ServedHere, visitor: Visitor) -> None:
    link = visitor.link()
    here.here.at -= A_SECOND
    assert httpx.get(link, trust_env=False).status_code == 403


def test_a_cookie_lasts_for_as_long_as_pages_are_opened_with_it(here: ServedHere, visitor: Visitor) -> None:
    visitor.enter()
    for _ in range(3):
        here.here.at += COOKIE_LASTS
        assert visitor.get("/reports").status_code == 200
    here.here.at += COOKIE_LASTS + A_SECOND
    assert visitor.get("/reports").status_code == 403
    assert visitor.get("/reports").status_code == 403


def test_no_more_links_and_cookies_are_kept_than_a_person_needs(visitor: Visitor) -> None:
    oldest, *_, newest = [visitor.link() for _ in range(80)]
    assert httpx.get(oldest, trust_env=False).status_code == 403
    assert httpx.get(newest, trust_env=False).status_code == 200


@pytest.mark.parametrize("ahead", ["prefetch", "prefetch;prerender"])
def test_who_looks_ahead_does_not_use_the_link_up(visitor: Visitor, ahead: str) -> None:
    link = visitor.link()
    assert visitor.http.get(link, headers={"Sec-Purpose": ahead}).status_code == 204
    assert visitor.http.head(link).status_code == 204
    assert visitor.http.get(link).status_code == 200


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("cookie", [None, "", "wrong", "é", "x" * 10_000])
def test_without_the_cookie_a_page_says_how_to_get_in(visitor: Visitor, page: str, cookie: str | None) -> None:
    name = f"trayd-{visitor.url.rpartition(':')[2]}"
    sent = {} if cookie is None else {"Cookie": f"{name}={cookie}".encode()}
    answer = visitor.http.get(page, headers=sent)
    assert answer.status_code == 403
    assert "This browser has not been let in" in answer.text
    assert "Northwind" not in answer.text


@pytest.mark.parametrize("page", PAGES)
def test_the_token_opens_no_page(visitor: Visitor, page: str) -> None:
    assert visitor.get(page, Authorization=f"Bearer {visitor.token}").status_code == 403
    assert visitor.http.get(page, params={"token": visitor.token}).status_code == 403


@pytest.mark.parametrize("path", ["/status", "/history", "/export", "/report", "/openapi.json", "/nothing"])
def test_the_cookie_opens_nothing_of_the_api(visitor: Visitor, path: str) -> None:
    cookie = visitor.enter()
    assert visitor.get(f"/api/v1{path}").status_code == 401
    assert visitor.get(f"/api/v1{path}", Authorization=f"Bearer {cookie}").status_code == 401
    assert visitor.http.post("/api/v1/panel-link").status_code == 401


def test_links_are_for_who_has_the_token_and_made_by_orders_alone(visitor: Visitor) -> None:
    assert httpx.post(f"{visitor.url}/api/v1/panel-link", trust_env=False).status_code == 401
    assert visitor.api("/panel-link").status_code == 405


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example:80", ""])
@pytest.mark.parametrize("page", ["/reports", "/enter/"])
def test_another_host_name_is_not_served(visitor: Visitor, host: str, page: str) -> None:
    """A page of a foreign name that leads to this machine (DNS rebinding) sees nothing."""
    visitor.enter()
    link = visitor.link()
    target = link.removeprefix(visitor.url) if page == "/enter/" else page
    answer = visitor.get(target, Host=host)
    assert answer.status_code == 421
    assert "set-cookie" not in answer.headers
    assert visitor.http.get(link).status_code == 200  # nobody used it


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "file://"])
def test_pages_of_other_origins_are_not_let_in(visitor: Visitor, origin: str) -> None:
    visitor.enter()
    assert visitor.get("/reports", Origin=origin).status_code == 403


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_what_another_site_asks_for_is_not_shown(visitor: Visitor, site: str, status: int) -> None:
    """Another port of 127.0.0.1 is the same site to a browser, which sends the cookie along."""
    visitor.enter()
    answer = visitor.http.get("/reports", headers={"Sec-Fetch-Site": site})
    assert answer.status_code == status
    assert ("Northwind" in answer.text) == (status == 200)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_pages_are_only_read(visitor: Visitor, method: str) -> None:
    visitor.enter()
    for page in ("/reports", "/report", "/reports/asked"):
        answer = visitor.http.request(method, page)
        assert (answer.status_code, {*answer.headers["allow"].split(", ")}) == (405, {"GET", "HEAD"})
        assert "Pages are only read." in answer.text


def test_every_page_forbids_all_that_it_does_not_need(visitor: Visitor) -> None:
    refused = visitor.get("/reports")
    entered = visitor.http.get(visitor.link())
    for answer in (
        refused,
        entered,
        visitor.get("/reports"),
        visitor.get("/nothing"),
        visitor.get("/reports/asked?x=1"),
    ):
        policy = answer.headers["content-security-policy"]
        assert re.fullmatch(
            r"default-src 'none'; style-src 'sha256-[\w+/]+='; img-src data:; form-action 'self'; "
            r"base-uri 'none'; frame-ancestors 'none'",
            policy,
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert "<script" not in answer.text
        assert " style=" not in answer.text


def test_nothing_outlives_the_daemon(panel: Panel) -> None:
    before = panel.visitor()
    cookie, link = before.enter(), before.link()
    panel.restart()
    after = panel.visitor()
    name = f"trayd-{after.url.rpartition(':')[2]}"
    assert after.get("/reports", Cookie=f"{name}={cookie}").status_code == 403
    assert after.http.get(link.replace(before.url, after.url)).status_code == 403


@pytest.mark.parametrize("path", ["/reports/asked?deliverable=", "/report?deliverable=", "/enter/", "/reports/kept/"])
def test_oversized_questions_are_refused_and_harm_nothing(visitor: Visitor, path: str) -> None:
    visitor.enter()
    assert visitor.get(f"{path}{'x' * 30_000}").status_code in {200, 400, 403, 404}
    assert visitor.raw(f"{path}{'x' * 5_000_000}")[:12] in {b"", b"HTTP/1.1 400", b"HTTP/1.1 431"}
    assert visitor.get("/reports").status_code == 200
