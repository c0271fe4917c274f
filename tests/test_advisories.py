"""Attacks, each tried on the paths that a stranger reaches: `GET /sse` and `POST /messages/`.

None may get further than its answer, make a 500 or a traceback, or show a token in the log.
"""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import copy_sqlite
from tests.databases import rule_for_everybody
from tests.forgeries import FORGERIES
from tests.issuer import Issuer
from tests.raw_sse import RawSession, call, raw_session, request
from tests.site import Site

SESSION = "0123456789abcdef0123456789abcdef"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.fixture(scope="module")
def site(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    running = Site(
        copy_sqlite(migrated_sqlite, directory), issuer, MAX_BODY_BYTES="100000", MAX_SESSIONS_PER_CLIENT="3"
    )
    with running:
        rule_for_everybody(running.database_url, "*")
        yield running
        running.assert_no_traceback()
        assert "eyJ" not in running.log


@pytest.mark.parametrize("path", ["/sse", "/messages/"])
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_gets_no_further_than_401(site: Site, issuer: Issuer, forgery: str, path: str) -> None:
    token = FORGERIES[forgery](issuer, site.audience)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if path == "/sse":
        response = httpx2.get(site.url + path, headers=headers)
    else:
        response = httpx2.post(f"{site.url}{path}?session_id={SESSION}", headers=headers, json=PING)
    assert response.status_code == 401, response.text
    assert response.headers["www-authenticate"].startswith('Bearer error="invalid_token", error_description="')
    assert "/.well-known/oauth-protected-resource" in response.headers["www-authenticate"]
    assert response.json()["error"] == "invalid_token"


@pytest.mark.parametrize("path", ["/sse", "/messages/"])
def test_no_token_is_challenged_without_an_error(site: Site, path: str) -> None:
    response = httpx2.request("GET" if path == "/sse" else "POST", site.url + path)
    assert response.status_code == 401
    assert "error=" not in response.headers["www-authenticate"]


def test_two_tokens_are_refused(site: Site) -> None:
    token = site.token()
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    assert httpx2.get(f"{site.url}/sse", headers=headers).status_code == 400


def test_a_token_in_the_query_string_is_not_accepted(site: Site) -> None:
    assert httpx2.get(f"{site.url}/sse?access_token={site.token()}").status_code == 401


async def test_a_session_does_not_exist_for_another_subject(site: Site) -> None:
    async with raw_session(site, "victim") as session:
        response = await session.post(call("echo", text="x"), site.headers("mallory"))
        assert response.status_code == 404
        assert (await session.request("ping"))["result"] == {}


async def test_a_session_does_not_exist_for_another_application_of_its_subject(site: Site) -> None:
    async with raw_session(site, "victim", azp="one") as session:
        assert (await session.post(PING, site.headers("victim", azp="other"))).status_code == 404


async def test_a_foreign_session_is_refused_in_the_same_words_as_none(site: Site) -> None:
    async with raw_session(site, "victim") as session:
        foreign = await session.post(PING, site.headers("mallory"))
        none = await session.post(PING, site.headers("mallory"), f"/messages/?session_id={SESSION}")
    assert (foreign.status_code, foreign.content) == (none.status_code, none.content)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?session_id=",
        f"?session_id={SESSION}&session_id={SESSION}",
        f"?session_id={SESSION.upper()}",
        f"?session_id={SESSION}0",
        "?session_id=../../etc/passwd",
        "?session_id=%00" + SESSION[3:],
        "?session_id=%0d%0aInjected:%20line",
        "?" + "&".join(f"a{number}=1" for number in range(200)),
        "?session_id=" + "a" * 5_000,
    ],
)
def test_a_malformed_session_id_is_refused(site: Site, query: str) -> None:
    response = httpx2.post(f"{site.url}/messages/{query}", headers=site.headers(), json=PING)
    assert response.status_code == 400


def test_a_guessed_session_id_is_not_found(site: Site) -> None:
    response = httpx2.post(f"{site.url}/messages/?session_id={SESSION}", headers=site.headers(), json=PING)
    assert response.status_code == 404


BODIES = {
    "not JSON": b"{",
    "empty": b"",
    "a number": b"5",
    "null": b"null",
    "a batch": b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]',
    "duplicate member": b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}',
    "NaN": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":NaN}}',
    "infinite": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1e999}}',
    "huge integer": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":' + b"9" * 5_000 + b"}}",
    "invalid UTF-8": b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}',
    "UTF-16": '{"jsonrpc":"2.0","id":1,"method":"ping"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"ping"}',
    "lone surrogate": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\\ud800"}}',
    "nested too deeply": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":' + b"[" * 100 + b"]" * 100 + b"}}",
    "nested absurdly": b"[" * 90_000,
    "id true": b'{"jsonrpc":"2.0","id":true,"method":"ping"}',
    "id null": b'{"jsonrpc":"2.0","id":null,"method":"ping"}',
    "id an object": b'{"jsonrpc":"2.0","id":{},"method":"ping"}',
    "id huge": b'{"jsonrpc":"2.0","id":"' + b"x" * 1_000 + b'","method":"ping"}',
    "method a number": b'{"jsonrpc":"2.0","id":1,"method":5}',
    "params a list": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}',
    "version 1": b'{"jsonrpc":"1.0","id":1,"method":"ping"}',
    "no method": b'{"jsonrpc":"2.0","id":1}',
}


@pytest.mark.parametrize("body", BODIES)
async def test_a_body_that_is_not_a_message_is_refused_and_the_session_goes_on(site: Site, body: str) -> None:
    async with raw_session(site) as session:
        response = await session.post(BODIES[body])
        if response.status_code == 202:  # Its id can be read: there it is waited for.
            answer = await session.message()
            assert answer["id"] in (1, "x" * 1_000)
        else:
            assert response.status_code == 400
            answer = response.json()
            assert answer["id"] is None
        assert answer["error"]["code"] in (-32700, -32600)
        assert (await session.request("ping"))["result"] == {}


def test_a_body_over_the_limit_is_refused(site: Site) -> None:
    response = httpx2.post(
        f"{site.url}/messages/?session_id={SESSION}",
        headers=site.headers() | {"Content-Type": "application/json"},
        content=b" " * 100_001,
    )
    assert response.status_code == 413


async def test_odd_requests_are_answered_as_json_rpc_errors(site: Site) -> None:
    odd = [
        request("tools/call", None),
        request("tools/call", {}),
        request("tools/call", {"name": 5}),
        request("tools/call", {"name": "echo", "arguments": []}),
        request("tools/call", {"name": "x" * 50_000}),
        request("tools/call", {"name": "e\x00cho", "arguments": {"text": "\x00"}}),
        request("tools/list", {"cursor": "x"}),
        request("no/such/method", {}),
        request("initialize", {"protocolVersion": 5}),
        request("logging/setLevel", {"level": "loud"}),
        request("tools/list", {"_meta": {"io.modelcontextprotocol/protocolVersion": "1999-01-01"}}),
        request("tools/list", {"_meta": {"io.modelcontextprotocol/protocolVersion": 5}}),
        request("tools/list", {"_meta": {"progressToken": {}}}),
    ]
    async with raw_session(site, "odd") as session:
        for number, message in enumerate(odd, start=100):
            answer = await session.request(message["method"], message.get("params"), number)
            assert ("error" in answer) or message["method"] == "tools/list", message
            assert "Traceback" not in json.dumps(answer)
        assert (await session.request("ping"))["result"] == {}


async def test_odd_notifications_and_replies_are_taken_without_harm(site: Site) -> None:
    odd: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "method": "notifications/cancelled"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": {}}},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": True}},
        {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": "x"}},
        {"jsonrpc": "2.0", "method": "no/such/notification", "params": {"a": 1}},
        {"jsonrpc": "2.0", "id": "somebody|else", "result": {}},
        {"jsonrpc": "2.0", "id": 5, "error": {"code": "x", "message": 5}},
    ]
    async with raw_session(site) as session:
        for message in odd:
            assert (await session.post(message)).status_code == 202
        assert (await session.request("ping"))["result"] == {}


async def test_a_reply_from_another_session_answers_nothing(site: Site) -> None:
    async with raw_session_that_can_be_asked(site, "asked") as asked, raw_session(site, "mallory") as other:
        await asked.post(call("greet", 7))
        question = await asked.message()
        assert question["method"] == "elicitation/create"
        forged = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"name": "Eve"}}}
        await other.post(forged)
        await asked.post({**forged, "result": {"action": "accept", "content": {"name": "Ada"}}})
        answer = await asked.message()
    assert answer["result"]["content"][0]["text"] == "Hello Ada!"


def raw_session_that_can_be_asked(site: Site, subject: str) -> Any:
    class Asked(RawSession):
        async def __aenter__(self) -> "Asked":
            await super().__aenter__()
            params = {
                "protocolVersion": "2025-06-18",
                "capabilities": {"elicitation": {}},
                "clientInfo": {"name": "asked", "version": "1"},
            }
            await self.request("initialize", params, "initialize")
            return self

    return Asked(site, site.headers(subject))


async def test_more_sessions_than_a_client_may_have_are_refused(site: Site) -> None:
    async with raw_session(site, "many"), raw_session(site, "many"), raw_session(site, "many"):
        response = await asyncio.to_thread(httpx2.get, f"{site.url}/sse", headers=site.headers("many"))
    assert response.status_code == 429
    assert response.headers["retry-after"]


async def test_client_software_cannot_forge_log_lines(site: Site) -> None:
    async with RawSession(site, site.headers("forger")) as session:
        info = {"name": "evil\n2026-01-01 INFO root: all is well\x1b[2J", "version": "\u2028" * 3}
        params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info}
        await session.request("initialize", params)
        await session.request("tools/call", {"name": "no\nsuch\r\ntool\x1b", "arguments": {}}, 2)
    assert not [line for line in site.lines if line.startswith("2026-01-01") or "\x1b" in line]


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
def test_another_site_s_page_cannot_call(site: Site, name: str, value: str, status: int) -> None:
    assert httpx2.get(f"{site.url}/sse", headers=site.headers() | {name: value}).status_code == status


METADATA = "/.well-known/oauth-protected-resource"


@pytest.mark.parametrize("path", ["/sse", "/mcp"])
@pytest.mark.parametrize(
    "forged",
    [
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "1"},
        {"Forwarded": "host=evil.example;proto=https", "X-Original-URL": "/evil", "X-Rewrite-URL": "/evil"},
        {"Host": "127.0.0.1:4711"},
        {"Origin": "https://evil.example"},
        {"X-Forwarded-Prefix": "/evil", "X-Script-Name": "/evil", "SCRIPT-NAME": "/evil"},
    ],
    ids=lambda forged: next(iter(forged)),
)
def test_no_header_leads_a_login_astray(site: Site, path: str, forged: dict[str, str]) -> None:
    """Whoever bends the metadata or the challenge sends people, and their tokens, to a server of their own."""
    challenge = httpx2.get(site.url + path, headers={**forged, "Origin": site.public_url}).headers["www-authenticate"]
    assert challenge == f'Bearer resource_metadata="{site.public_url}{METADATA}{path}"'
    metadata = httpx2.get(f"{site.url}{METADATA}{path}", headers=forged).json()
    assert metadata["resource"] == f"{site.public_url}{path}"
    assert "evil" not in json.dumps(metadata)
    assert ":4711" not in json.dumps(metadata)


@pytest.mark.parametrize(
    "path", ["/mcp/x", "/mcp/%2e%2e/sse", "//evil.example/mcp", "/%2e%2e/mcp", "/mcp%0d%0aX-Evil:%201"]
)
def test_the_metadata_of_a_path_that_is_no_endpoint_does_not_exist(site: Site, path: str) -> None:
    answer = httpx2.get(f"{site.url}{METADATA}{path}")
    assert answer.status_code == 404
    assert "x-evil" not in answer.headers
    assert "evil.example" not in answer.text


def test_metadata_is_not_served_under_another_host(site: Site) -> None:
    assert httpx2.get(f"{site.url}{METADATA}/mcp", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_on_sse_are_not_allowed(site: Site, method: str) -> None:
    response = httpx2.request(method, f"{site.url}/sse", headers=site.headers())
    assert response.status_code == 405
    assert response.headers["allow"] == "GET"


def test_another_content_type_is_refused(site: Site) -> None:
    response = httpx2.post(
        f"{site.url}/messages/?session_id={SESSION}",
        headers=site.headers() | {"Content-Type": "text/plain"},
        content=json.dumps(PING).encode(),
    )
    assert response.status_code == 415


GET = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
POST = b"POST /messages/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
RAW = {
    "WebSocket": b"GET /sse HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "two hosts": GET % b"/sse" + b"Host: evil\r\n\r\n",
    "no host": b"GET /sse HTTP/1.0\r\n\r\n",
    "token not ASCII": GET % b"/sse" + b"Authorization: Bearer \xff\xfe\r\n\r\n",
    "another scheme": GET % b"/sse" + b"Authorization: Basic YTpi\r\n\r\n",
    "path not ASCII": GET % b"/\xff\xfe" + b"\r\n",
    "path encoded NUL": GET % b"/sse%00" + b"\r\n",
    "path with line breaks": GET % b"/%0d%0aforged" + b"\r\n",
    "length negative": POST + b"Content-Length: -5\r\n\r\n",
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("raw", RAW)
def test_a_malformed_request_is_answered_or_cut_off_without_harm(site: Site, raw: str) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as connection:
        connection.sendall(RAW[raw])
        answer = connection.recv(4096)
    status = answer.split(b" ", 2)[1] if answer else b"cut off"
    assert status[:1] in (b"4", b"c"), answer
