"""Clients that run in a browser: pages of allowed origins get in, and no others learn anything."""

import httpx2
import pytest

from tests.raw_sse import INITIALIZE
from tests.site import Site
from tests.tools_app.transports.conftest import ONE

pytestmark = pytest.mark.parametrize("site", [ONE], indirect=True)

ASKING = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,mcp-session-id"}


def own_origin(site: Site) -> dict[str, str]:
    return {"Origin": site.public_url}


@pytest.mark.parametrize("path", ["/sse", "/messages/", "/mcp"])
def test_a_page_of_this_site_is_told_what_it_may_send(site: Site, path: str) -> None:
    answer = httpx2.options(site.url + path, headers={**own_origin(site), **ASKING})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == site.public_url
    assert answer.headers["access-control-allow-methods"] == "GET, POST, DELETE"
    assert answer.headers["access-control-allow-headers"] == "authorization,mcp-session-id"
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("names", ["x" * 2000, "a\tb", "a;b", "é"])
def test_header_names_that_are_none_are_not_repeated(site: Site, names: str) -> None:
    asking = [*own_origin(site).items(), ("Access-Control-Request-Method", "POST")]
    answer = httpx2.options(
        f"{site.url}/sse", headers=[*asking, ("Access-Control-Request-Headers", names.encode("latin-1"))]
    )
    assert answer.status_code == 204
    assert "access-control-allow-headers" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", ""])
def test_a_page_of_another_site_learns_nothing(site: Site, origin: str) -> None:
    for headers in ({"Origin": origin, **ASKING}, {"Origin": origin, **site.headers()}):
        answer = httpx2.options(f"{site.url}/sse", headers=headers)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_preflight_without_an_origin_needs_a_token_like_any_request(site: Site) -> None:
    assert httpx2.options(f"{site.url}/sse", headers=ASKING).status_code == 401
    assert httpx2.options(f"{site.url}/sse", headers=own_origin(site)).status_code == 401


@pytest.mark.parametrize("path", ["/sse", "/mcp"])
def test_the_page_can_read_where_to_log_in(site: Site, path: str) -> None:
    answer = httpx2.get(site.url + path, headers=own_origin(site))
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == site.public_url
    assert "WWW-Authenticate" in answer.headers["access-control-expose-headers"]


def test_the_page_can_read_the_stream(site: Site) -> None:
    with httpx2.stream("GET", f"{site.url}/sse", headers={**site.headers(), **own_origin(site)}) as answer:
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == site.public_url


def test_the_page_can_read_the_answer_and_its_session(site: Site) -> None:
    initialize = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}
    headers = {**site.headers(), **own_origin(site), "Accept": "application/json, text/event-stream"}
    answer = httpx2.post(f"{site.url}/mcp", headers=headers, json=initialize)
    assert answer.status_code == 200
    assert answer.headers["mcp-session-id"]
    assert answer.headers["access-control-allow-origin"] == site.public_url
    assert "Mcp-Session-Id" in answer.headers["access-control-expose-headers"]


def test_without_an_origin_nothing_is_said_of_it(site: Site) -> None:
    answer = httpx2.get(f"{site.url}/sse")
    assert "access-control-allow-origin" not in answer.headers
