"""Attacks on Streamable HTTP, in both of its eras: those of `test_advisories`, on `/mcp`."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import copy_sqlite
from tests.databases import rows, rule_for_everybody
from tests.forgeries import FORGERIES
from tests.issuer import Issuer
from tests.raw_modern import MODERN, PREFIX, WAIT, call, headers_for, message, post
from tests.raw_sse import INITIALIZE, request
from tests.site import Site
from tests.test_advisories import BODIES

HANDSHAKE = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
ERAS = {"2026-07-28": headers_for({"method": "ping"}), "handshake": HANDSHAKE}


@pytest.fixture(scope="module")
def site(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    running = Site(copy_sqlite(migrated_sqlite, directory), issuer, MAX_BODY_BYTES="100000")
    with running:
        rule_for_everybody(running.database_url, "*")
        yield running
        running.assert_no_traceback()
        assert "eyJ" not in running.log


def opened(site: Site, subject: str, **claims: Any) -> dict[str, str]:
    """The headers of a session of the handshake era."""
    headers = HANDSHAKE | site.headers(subject, **claims)
    response = httpx2.post(f"{site.url}/mcp", json=request("initialize", INITIALIZE), headers=headers)
    assert response.status_code == 200, response.text
    return headers | {"Mcp-Session-Id": response.headers["mcp-session-id"]}


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_gets_no_further_than_401(site: Site, issuer: Issuer, forgery: str, method: str) -> None:
    token = FORGERIES[forgery](issuer, site.audience)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    response = httpx2.request(method, f"{site.url}/mcp", headers=headers, json=message("ping"))
    assert response.status_code == 401, response.text
    assert response.headers["www-authenticate"].startswith('Bearer error="invalid_token", error_description="')
    assert "/.well-known/oauth-protected-resource/mcp" in response.headers["www-authenticate"]


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_no_token_is_challenged_without_an_error(site: Site, method: str) -> None:
    response = httpx2.request(method, f"{site.url}/mcp")
    assert response.status_code == 401
    assert "error=" not in response.headers["www-authenticate"]


def test_a_token_in_the_query_string_is_not_accepted(site: Site) -> None:
    for method in ("GET", "POST"):
        response = httpx2.request(method, f"{site.url}/mcp?access_token={site.token()}", headers=HANDSHAKE)
        assert response.status_code == 401


def test_two_tokens_are_refused(site: Site) -> None:
    token = site.token()
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    assert httpx2.post(f"{site.url}/mcp", headers=headers).status_code == 400


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_is_not_a_message_is_refused(site: Site, era: str, body: str) -> None:
    response = httpx2.post(f"{site.url}/mcp", content=BODIES[body], headers=ERAS[era] | site.headers())
    assert response.status_code == 400
    assert response.json()["error"]["code"] in (-32700, -32600)


@pytest.mark.parametrize("era", ERAS)
def test_a_body_over_the_limit_is_refused(site: Site, era: str) -> None:
    response = httpx2.post(f"{site.url}/mcp", content=b" " * 100_001, headers=ERAS[era] | site.headers())
    assert response.status_code == 413


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_another_content_type_is_refused(site: Site, era: str, content_type: str) -> None:
    headers = ERAS[era] | site.headers() | {"Content-Type": content_type}
    assert httpx2.post(f"{site.url}/mcp", json=message("ping"), headers=headers).status_code == 415


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Host", "evil.example", 421),
        ("Host", "127.0.0.1.evil.example", 421),
        ("Origin", "https://evil.example", 403),
        ("Origin", "null", 403),
        ("Origin", "http://[", 403),
    ],
)
def test_another_site_s_page_cannot_call(site: Site, era: str, name: str, value: str, status: int) -> None:
    headers = ERAS[era] | site.headers() | {name: value}
    assert httpx2.post(f"{site.url}/mcp", json=message("ping"), headers=headers).status_code == status


def test_a_session_does_not_exist_for_anybody_else(site: Site) -> None:
    theirs = opened(site, "victim", azp="one")
    for other in (site.headers("mallory", azp="one"), site.headers("victim", azp="other")):
        for method in ("POST", "GET", "DELETE"):
            answer = httpx2.request(method, f"{site.url}/mcp", json=request("ping"), headers=theirs | other)
            none = httpx2.request(
                method, f"{site.url}/mcp", json=request("ping"), headers=theirs | other | {"Mcp-Session-Id": "f" * 32}
            )
            assert answer.status_code == 404
            assert (answer.content, [*answer.headers]) == (none.content, [*none.headers])
    assert httpx2.post(f"{site.url}/mcp", json=request("ping"), headers=theirs).status_code == 200


@pytest.mark.parametrize("session_id", ["", "x", "../../etc/passwd", "f" * 5_000, "é", "%0d%0aInjected: line"])
def test_a_malformed_session_id_is_refused(site: Site, session_id: str) -> None:
    headers = [*(HANDSHAKE | site.headers()).items(), (b"Mcp-Session-Id", session_id.encode())]
    response = httpx2.post(f"{site.url}/mcp", json=request("ping"), headers=headers)
    assert response.status_code in (400, 404)


def test_a_session_of_one_transport_is_none_of_the_other(site: Site) -> None:
    session_id = opened(site, "alice")["Mcp-Session-Id"]
    response = httpx2.post(
        f"{site.url}/messages/?session_id={session_id}", json=request("ping"), headers=HANDSHAKE | site.headers()
    )
    assert response.status_code in (400, 404)


ODD = [
    message("tools/call"),
    message("tools/call", {"name": 5}),
    message("tools/call", {"name": "echo", "arguments": []}),
    message("tools/call", {"name": "x" * 50_000}),
    call("e\x00cho", {"text": "\x00"}),
    message("tools/list", {"cursor": "x"}),
    message("no/such/method"),
    message("initialize", INITIALIZE),
    message("logging/setLevel", {"level": "loud"}),
    message("tools/list", protocolVersion=5),
    message("tools/list", clientInfo=5),
    message("tools/list", clientCapabilities=[]),
    message("tools/list", progressToken={}),
    message("tools/list", logLevel="loud"),
    message("subscriptions/listen"),
    message("subscriptions/listen", {"notifications": 5}),
    message("tools/call", {"name": "echo", "arguments": {"text": "x"}, "requestState": 5}),
    message("tools/call", {"name": "echo", "arguments": {"text": "x"}, "requestState": "v1.AAAA"}),
    message("tools/call", {"name": "echo", "arguments": {"text": "x"}, "inputResponses": 5}),
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: json.dumps(odd)[:60])
def test_an_odd_request_is_answered_as_a_json_rpc_error(site: Site, odd: dict[str, Any]) -> None:
    headers = {name: re.sub(r"[^\x20-\x7e]", "?", value)[:9_000] for name, value in headers_for(odd).items()}
    response = httpx2.post(f"{site.url}/mcp", json=odd, headers=headers | site.headers("odd"), timeout=WAIT)
    assert response.status_code in (400, 404)
    assert "Traceback" not in response.text
    assert response.json()["error"]["code"] in (-32601, -32602, -32020)


def test_client_software_cannot_forge_log_lines_or_columns(site: Site) -> None:
    info = {"name": "evil\n2026-01-01 INFO root: all is well\x1b[2J" + "x" * 5_000, "version": "\u2028" * 3}
    assert post(site, call("echo", {"text": "x"}, clientInfo=info), site.headers("forger")).status_code == 200
    assert not [line for line in site.lines if line.startswith("2026-01-01") or "\x1b" in line]
    found = rows(site.database_url, "SELECT client_software FROM authz_app_callrecord WHERE subject = 'forger'")
    assert all(len(software) <= 200 and software.isprintable() for (software,) in found)


def test_more_requests_than_a_client_may_have_in_flight_are_refused(
    issuer: Issuer, fresh_sqlite: str, start_site: Any
) -> None:
    site = start_site(fresh_sqlite, MAX_SESSIONS_PER_CLIENT="2")
    rule_for_everybody(fresh_sqlite, "*")
    body = json.dumps(message("subscriptions/listen", {"notifications": {"toolsListChanged": True}})).encode()
    token = site.token("many")
    lines = [
        b"POST /mcp HTTP/1.1",
        b"Host: 127.0.0.1",
        b"Authorization: Bearer " + token.encode(),
        *(f"{name}: {value}".encode() for name, value in headers_for({"method": "subscriptions/listen"}).items()),
        b"Content-Length: " + str(len(body)).encode(),
    ]
    sent = b"\r\n".join(lines) + b"\r\n\r\n" + body
    with (
        socket.create_connection(("127.0.0.1", site.port), timeout=WAIT) as one,
        socket.create_connection(("127.0.0.1", site.port), timeout=WAIT) as two,
    ):
        for connection in (one, two):
            connection.sendall(sent)
            assert b"200" in connection.recv(4096)
        refused = post(site, message("tools/list"), {"Authorization": f"Bearer {token}"})
        assert refused.status_code == 429
        assert refused.headers["retry-after"]
        assert post(site, message("tools/list"), site.headers("another")).status_code == 200


def test_an_envelope_does_not_make_a_request_of_the_other_era(site: Site) -> None:
    theirs = opened(site, "alice")
    sent = theirs | {"MCP-Protocol-Version": "2025-11-25"}
    response = httpx2.post(f"{site.url}/mcp", json=call("echo", {"text": "x"}), headers=sent)
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32020)
    unnamed = httpx2.post(
        f"{site.url}/mcp", json=request("tools/list"), headers=theirs | {"MCP-Protocol-Version": MODERN}
    )
    assert (unnamed.status_code, unnamed.json()["error"]["code"]) == (400, -32602)
    assert PREFIX in unnamed.text
