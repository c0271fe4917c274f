"""What users met in messages: their answers, their errors, and what they were told when something was refused."""

import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests import raw_modern
from tests.conftest import copy_sqlite
from tests.databases import outcome_of, rows, rule_for_everybody
from tests.eventually import wait_until
from tests.issuer import Issuer
from tests.raw_mcp import ACCEPT, messages_in, raw_mcp
from tests.raw_modern import MODERN
from tests.raw_sse import RawSession, call, raw_session
from tests.site import Site

PING = {"jsonrpc": "2.0", "id": 7, "method": "ping"}


@pytest.fixture(scope="module")
def site(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site where everybody may use everything but `weather_tool`."""
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    limits = {"MAX_BODY_BYTES": "200000", "AUDIT_SEAL_SECONDS": "1"}
    with Site(database_url, issuer, CONTACT="ops@example.com", **limits) as running:
        for kind in ("tool", "resource", "prompt"):
            rule_for_everybody(database_url, "*", kind=kind)
        rule_for_everybody(database_url, "weather_tool", effect="deny")
        yield running
        running.assert_no_traceback()


# Ask(method or body, params, id): the answer to a message.
Ask = Callable[..., Awaitable[dict[str, Any]]]
Way = Callable[[Site], AbstractAsyncContextManager[Ask]]


def body_of(message: Any, params: Any, request_id: Any) -> bytes:
    if isinstance(message, bytes):
        return message
    if message.startswith("{"):
        return message.encode()  # type: ignore[no-any-return]
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "method": message, "params": params or {}}).encode()


@asynccontextmanager
async def over_sse(site: Site) -> AsyncIterator[Ask]:
    """A session over HTTP+SSE."""
    async with raw_session(site) as session:

        async def ask(message: Any, params: Any = None, request_id: Any = "x") -> dict[str, Any]:
            response = await session.post(body_of(message, params, request_id))
            assert response.status_code == 202, response.text
            return await session.message()

        yield ask


@asynccontextmanager
async def at_mcp(site: Site) -> AsyncIterator[Ask]:
    """A session over Streamable HTTP."""
    async with raw_mcp(site) as session:

        async def ask(message: Any, params: Any = None, request_id: Any = "x") -> dict[str, Any]:
            return messages_in(await session.send(body=body_of(message, params, request_id)))[-1]

        yield ask


@asynccontextmanager
async def at_mcp_of_2026(site: Site) -> AsyncIterator[Ask]:
    """Streamable HTTP without sessions."""

    async def ask(message: Any, params: Any = None, request_id: Any = "x") -> dict[str, Any]:
        if isinstance(message, bytes) or message.startswith("{"):
            return messages_in(raw_modern.post(site, body_of(message, 0, 0)))[-1]
        body = raw_modern.message(message, params, request_id)
        return messages_in(raw_modern.post(site, body))[-1]

    yield ask


WAYS = [over_sse, at_mcp, at_mcp_of_2026]


def post(site: Site, path: str = "/mcp", body: Any = PING, headers: Any = None, **more: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", "Accept": ACCEPT, **(site.headers() if headers is None else headers)}
    return httpx2.post(f"{site.url}{path}", content=content, headers={**sent, **more}, timeout=60)


# Integers


LONGEST = 10**1_000 - 1
INTEGERS = [2**53 + 1, 2**63, -(2**63) - 1, 2**64, 2**70, 10**400 + 7, 1 - LONGEST, LONGEST - 1]


@pytest.mark.parametrize("number", INTEGERS, ids=lambda number: f"{len(str(number))} digits")
@pytest.mark.parametrize("way", WAYS)
async def test_an_integer_of_any_size_reaches_the_tool_and_comes_back_exactly(
    site: Site, way: Way, number: int
) -> None:
    """2**63 was refused under no id, on HTTP+SSE with nothing at all; 2**70 was no result."""
    async with way(site) as ask:
        answer = await ask("tools/call", {"name": "next_number", "arguments": {"number": number}})
    result = answer["result"]
    assert result["structuredContent"] == {"result": number + 1}
    assert result["content"][0]["text"] == str(number + 1)
    query = "SELECT arguments FROM authz_app_callrecord WHERE tool = 'next_number' ORDER BY id DESC LIMIT 1"
    assert json.loads(rows(site.database_url, query)[0][0]) == {"number": number}


@pytest.mark.parametrize("digits", [1_001, 4_300, 4_301, 100_000])
@pytest.mark.parametrize("way", WAYS)
async def test_a_longer_integer_is_refused_in_a_sentence_under_the_request_s_id(
    site: Site, way: Way, digits: int
) -> None:
    params = {"name": "next_number", "arguments": {"number": "N"}}
    body = json.dumps({"jsonrpc": "2.0", "id": "ID", "method": "tools/call", "params": params})
    async with way(site) as ask:
        for request_id in ('"a"', "77", str(2**64)):
            answer = await ask(body.replace('"ID"', request_id).replace('"N"', "9" * digits))
            assert answer["id"] == json.loads(request_id)
            assert "an integer has 1,000 digits at most" in answer["error"]["message"]
        assert "result" in await ask("tools/list")  # The session goes on.


IDS = [0, -1, 2**53 + 1, 2**64, LONGEST, "", "a" * 256, "\u00e9\u4e16", "1"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_message_is_answered_under_its_id_whatever_that_is(site: Site, way: Way) -> None:
    async with way(site) as ask:
        for request_id in IDS:
            answer = await ask("tools/list", {}, request_id)
            assert answer["id"] == request_id
            assert "result" in answer


@pytest.mark.parametrize(
    "body",
    [
        '{"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"a": 1e999}}',
        '{"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"a": NaN}}',
        '{"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"a": 1, "a": 2}}',
        '{"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"a": "\\ud800"}}',
        '{"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"a": ' + "[" * 200 + "]" * 200 + "}}",
        '{"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"a": ' + "[" * 5_000 + "]" * 5_000 + "}}",
        b'{"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"a": "\xff"}}',
        b'\xef\xbb\xbf{"jsonrpc": "2.0", "id": 7, "method": "tools/list"}',
        '{"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": [1]}',
        '{"jsonrpc": "2.0", "id": 7, "method": 5}',
        '{"jsonrpc": "2.0", "id": 7, "method": ""}',
        '{"jsonrpc": "1.0", "id": 7, "method": "tools/list"}',
        '{"id": 7, "method": "tools/list"}',
        '{"jsonrpc": "2.0", "id": 7}',
    ],
)
@pytest.mark.parametrize("way", WAYS)
async def test_a_message_that_cannot_be_taken_is_answered_under_the_id_that_can_be_read(
    site: Site, way: Way, body: str | bytes
) -> None:
    async with way(site) as ask:
        answer = await ask(body)
        assert answer["id"] == 7
        assert answer["error"]["code"] in (-32700, -32600)
        assert len(answer["error"]["message"].split()) > 3
        assert "result" in await ask("tools/list")


@pytest.mark.parametrize(
    ("request_id", "answered"),
    [("1.5", 1.5), ("1.0", 1.0), ("null", None), ("true", None), ("{}", None), ("[1]", None)],
)
@pytest.mark.parametrize("way", [at_mcp, at_mcp_of_2026])
async def test_an_id_that_is_none_is_refused_in_a_sentence(
    site: Site, way: Way, request_id: str, answered: Any
) -> None:
    async with way(site) as ask:
        answer = await ask(f'{{"jsonrpc": "2.0", "id": {request_id}, "method": "tools/list"}}')
    assert answer["id"] == answered
    assert '"id" must be a string or an integer' in answer["error"]["message"]


# What is sent in place of an access token


KEYS = [
    "sk-live-4242qqaabbxxccyydd",
    "Token sk-live-4242qqaabbxxccyydd",
    "Basic c2stbGl2ZS00MjQyYWFhYQ==",
    "Bearer sk-live-4242qqaa bbxxccyydd",
    "bearer sk-live-4242qqaabb,xxccyydd",
    "Bearer sk-live-4242qqaabbxxccyydd",
    "Bearer:sk-live-4242qqaabbxxccyydd",
    "Bearersk-live-4242qqaabbxxccyydd",
    "sk-live-4242\xe9qqaabbxxccyydd",
    "sk-live-4242qqaabbxxccyydd Bearer",
    '"sk-live-4242qqaabbxxccyydd"',
    "apikey=sk-live-4242qqaabbxxccyydd",
]


@pytest.mark.parametrize("path", ["/mcp", "/sse", "/messages/"])
@pytest.mark.parametrize("key", KEYS)
def test_a_key_in_the_authorization_header_is_repeated_nowhere(site: Site, key: str, path: str) -> None:
    """A raw key was taken for the scheme, and the scheme was repeated in the answer and in the log."""
    response = post(site, path, headers={"Authorization": key.encode("latin-1")})
    assert response.status_code in (400, 401)
    said = f"{response.headers} {response.text} {site.log}".lower()
    assert not [part for part in ("sk-live", "qqaa", "yydd", "c2stbgl2", "basic", "apikey") if part in said]
    assert "token" in response.text


def test_two_keys_are_repeated_nowhere(site: Site) -> None:
    headers = [("Authorization", KEYS[0]), ("Authorization", KEYS[1]), ("MCP-Protocol-Version", KEYS[0])]
    response = httpx2.post(f"{site.url}/mcp", json=PING, headers=headers)
    assert response.status_code == 400
    assert "sk-live" not in f"{response.headers} {response.text} {site.log}"


def test_a_key_in_another_header_is_repeated_nowhere(site: Site) -> None:
    for name in ("MCP-Protocol-Version", "Mcp-Session-Id", "Mcp-Method", "Mcp-Name", "Content-Type", "Origin"):
        response = post(site, **{name: KEYS[0]})
        assert response.status_code >= 400, name
        assert "sk-live" not in f"{response.headers} {response.text} {site.log}", name


# What a refusal on the way in says


@pytest.mark.parametrize("mode", ["legacy", MODERN])
@pytest.mark.parametrize(
    ("token", "says"),
    [("opaque", "This is an opaque token, not a signed JWT."), ("expired", "The token expired")],
)
async def test_a_client_shows_why_its_token_is_refused(site: Site, mode: str, token: str, says: str) -> None:
    """The body of a 401 was no JSON-RPC, and clients on the Python SDK showed "Server returned an error response"."""
    bearer = {"Authorization": f"Bearer {site.token(exp=1) if token == 'expired' else token}"}
    async with httpx2.AsyncClient(headers=bearer, timeout=60) as http:
        with pytest.RaisesGroup(pytest.RaisesExc(MCPError, match=says), flatten_subgroups=True, allow_unwrapped=True):
            async with Client(streamable_http_client(f"{site.url}/mcp", http_client=http), mode=mode) as client:
                await client.list_tools()


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {"Authorization": ""}, 400),
        ("POST", {"Authorization": "Bearer x"}, 401),
        ("GET", {"Authorization": "Bearer x"}, 401),
        ("GET", {}, 405),
        ("PUT", {}, 405),
        ("GET", {"MCP-Protocol-Version": MODERN}, 405),
        ("POST", {"Content-Type": "text/plain"}, 415),
        ("POST", {"Content-Encoding": "gzip"}, 415),
        ("POST", {"Accept": "text/html"}, 406),
        ("POST", {"Accept": "text/html", "MCP-Protocol-Version": MODERN}, 406),
        ("POST", {"Accept": "application/json", "MCP-Protocol-Version": MODERN}, 406),
        ("POST", {"Mcp-Session-Id": "0" * 32}, 404),
        ("POST", {}, 400),
        ("DELETE", {}, 400),
        ("POST", {"Host": "other.example.com"}, 421),
        ("POST", {"Origin": "https://other.example.com"}, 403),
    ],
)
def test_every_refusal_at_mcp_is_a_json_rpc_error(
    site: Site, method: str, headers: dict[str, str], status: int
) -> None:
    sent = {**site.headers(), "Content-Type": "application/json", "Accept": ACCEPT, **headers}
    response = httpx2.request(method, f"{site.url}/mcp", content=json.dumps(PING), headers=sent, timeout=60)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    refusal = response.json()
    assert refusal["jsonrpc"] == "2.0"
    assert "id" in refusal
    assert isinstance(refusal["error"]["code"], int)
    assert len(refusal["error"]["message"].split()) > 3 or status == 406
    assert ("www-authenticate" in response.headers) == (status in (400, 401) and "Authorization" in headers)


def test_http_sse_answers_a_refused_token_as_before(site: Site) -> None:
    refused = post(site, "/messages/", headers={"Authorization": "Bearer x"}).json()
    assert refused.keys() == {"error", "error_description"}


@pytest.mark.parametrize("path", ["/mcp", "/messages/?session_id=" + "0" * 32])
@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip"])
def test_a_compressed_body_is_refused_in_a_sentence(site: Site, path: str, coding: str) -> None:
    response = post(site, path, gzip.compress(json.dumps(PING).encode()), **{"Content-Encoding": coding})
    assert response.status_code == 415
    assert "Send it as it is, without Content-Encoding." in response.text


def test_a_body_that_says_it_is_not_compressed_is_read(site: Site) -> None:
    assert post(site, **{"Content-Encoding": "identity"}).json()["error"]["data"] == {"error": "no_session_id"}


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json", "*/*"])
def test_a_stream_without_a_session_is_not_allowed(site: Site, accept: str) -> None:
    """It was answered with 400, where the specification has 405 for a stream that is not there."""
    response = httpx2.get(f"{site.url}/mcp", headers={**site.headers(), "Accept": accept})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert "POST an initialize request" in response.json()["error"]["message"]


# What is told about a refused call, and what is recorded of it


NEWEST = "SELECT kind, tool, decision, reason, outcome, error FROM authz_app_callrecord WHERE id = ?"


def recorded(site: Site, error: dict[str, Any]) -> tuple[Any, ...]:
    """The record that an error names."""
    record = error["data"]["record"]
    assert error["message"].endswith(f"Record {record}.")
    return wait_until(lambda: settled(rows(site.database_url, NEWEST, [record.replace("-", "")])))


def settled(found: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    return found[0] if found and (found[0][2] == "denied" or found[0][4]) else ()


async def test_a_call_in_a_session_that_was_never_initialized_is_told_what_to_do(site: Site) -> None:
    """EventSource opens a stream again by itself: a new session, where each call was an invalid request parameter."""
    async with RawSession(site, site.headers("eve")) as session:
        answer = await session.request("tools/call", {"name": "echo", "arguments": {"text": "x"}}, 5)
        assert "never initialized: send initialize first" in answer["error"]["message"]
        assert "EventSource" in answer["error"]["message"]
        kind, tool, decision, _, outcome, error = recorded(site, answer["error"])
        assert (kind, tool, decision, outcome) == ("tool", "echo", "allowed", "not_run")
        assert "never initialized" in error
        listed = await session.request("tools/list", {}, 6)
        assert "never initialized" in listed["error"]["message"]
        assert (await session.request("ping", None, 7))["result"] == {}
        await session.initialize()
        answer = await session.request("tools/call", {"name": "echo", "arguments": {"text": "x"}}, 8)
        assert answer["result"]["content"][0]["text"] == "x"


SECRET = "hunter2-in-a-parameter"
MALFORMED = [
    ("tools/call", {}, "params.name is missing", ("tool", "")),
    ("tools/call", {"name": 5}, "params.name must be a valid string", ("tool", "")),
    ("tools/call", {"name": [SECRET]}, "params.name must be a valid string", ("tool", "")),
    (
        "tools/call",
        {"name": "echo", "arguments": [SECRET]},
        "params.arguments must be a",
        ("tool", "echo"),
    ),
    ("tools/call", {"name": "echo", "arguments": SECRET}, "params.arguments must be", ("tool", "echo")),
    ("resources/read", {}, "params.uri is missing", ("resource", "")),
    ("resources/read", {"uri": 5}, "params.uri must be", ("resource", "")),
    ("prompts/get", {"arguments": {}}, "params.name is missing", ("prompt", "")),
    ("prompts/get", {"name": "poem", "arguments": {"topic": 5}}, "params.arguments.topic must be", ("prompt", "poem")),
    ("completion/complete", {"ref": {"type": SECRET}}, "is missing", ("completion", "")),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "poem"}}, "is missing", ("completion", "poem")),
]


@pytest.mark.parametrize(("method", "params", "says", "known"), MALFORMED, ids=[str(row[:2]) for row in MALFORMED])
@pytest.mark.parametrize("way", WAYS)
async def test_a_call_whose_parameters_are_malformed_is_told_where_and_recorded(
    site: Site, way: Way, method: str, params: dict[str, Any], says: str, known: tuple[str, str]
) -> None:
    """It was "Invalid request parameters" with no data, and no record."""
    async with way(site) as ask:
        answer = await ask(method, params)
    error = answer["error"]
    # In 2026 the name is in a header too, which says a text.
    assert (error["code"] == -32602 and says in error["message"]) or error["code"] == -32020
    assert SECRET not in json.dumps(error)
    found = recorded(site, error)
    assert found[:2] == known
    assert found[4] == ("not_run" if found[2] == "allowed" else "")
    assert SECRET not in found[5]


@pytest.mark.parametrize("way", WAYS)
async def test_other_malformed_requests_are_told_where(site: Site, way: Way) -> None:
    async with way(site) as ask:
        error = (await ask("tools/list", {"cursor": 5}))["error"]
        assert "params.cursor must be a valid string" in error["message"]
        assert "record" not in error["data"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_method_that_is_not_served_is_named_with_those_that_are(site: Site, way: Way) -> None:
    async with way(site) as ask:
        odd = ("a\u202eb\x07",) if way is not at_mcp_of_2026 else ()  # No header has such a name.
        for method in ("tools/run", "tasks/list", "x" * 256, "password=hunter2-hunter2", *odd):
            error = (await ask(method))["error"]
            assert error["code"] == -32601
            assert "is no method that is served here" in error["message"]
            assert "tools/call" in error["message"]
            assert "\x07" not in error["message"]
            assert "hunter2" not in json.dumps(error)
            assert len(error["message"]) < 500


async def test_a_subscription_in_a_version_without_them_is_recorded(site: Site) -> None:
    async with at_mcp_of_2026(site) as ask:
        error = (await ask("resources/subscribe", {"uri": "notes://welcome"}))["error"]
    assert error["code"] == -32601
    assert recorded(site, error)[:2] == ("resource", "welcome")


CALL = {"name": "echo", "arguments": {"text": "x"}}


@pytest.mark.parametrize(
    ("message", "headers", "status", "code", "says"),
    [
        ({"params": CALL}, {}, 400, -32602, "_meta"),
        ({}, {"Mcp-Method": "tools/list"}, 400, -32020, "Send the same in both"),
        ({}, {"Mcp-Name": "other"}, 400, -32020, "Send the same in both"),
        ({}, {"MCP-Protocol-Version": "2025-11-25"}, 400, -32020, "MCP-Protocol-Version header must name"),
        ({}, {"Accept": "application/json"}, 406, -32600, "Send Accept"),
    ],
)
def test_a_call_of_2026_that_contradicts_itself_is_recorded(
    site: Site, message: dict[str, Any], headers: dict[str, str], status: int, code: int, says: str
) -> None:
    body = {**raw_modern.message("tools/call", CALL), **message}
    named = {name.replace("-", "_"): value for name, value in headers.items()}
    response = raw_modern.post(site, body, **named)
    error = response.json()["error"]
    assert (response.status_code, response.json()["id"], error["code"]) == (status, 1, code)
    assert says in error["message"]
    assert recorded(site, error)[:5] == ("tool", "echo", "allowed", "allowed", "not_run")


def test_a_call_in_a_version_that_is_not_served_is_told_which_are(site: Site) -> None:
    for version in ("2031-01-01", "1999-01-01", "sk-live-4242"):
        body = raw_modern.message("tools/call", CALL, protocolVersion=version)
        response = raw_modern.post(site, body, MCP_Protocol_Version=version)
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (400, -32022)
        assert "Send one of: 2026-07-28, 2025-11-25" in error["message"]
        assert "sk-live" not in response.text
        recorded(site, error)


@pytest.mark.parametrize("path", ["/mcp", "/messages/?session_id=" + "0" * 32])
def test_a_call_in_no_session_is_recorded(site: Site, path: str) -> None:
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": CALL}
    headers = {**site.headers(f"lost at {path}"), "Mcp-Session-Id": "0" * 32}
    response = post(site, path, body, headers)
    assert response.status_code == 404
    assert "There is no such MCP session." in response.text
    assert path != "/mcp" or response.json()["id"] == 7
    query = "SELECT tool, decision, outcome FROM authz_app_callrecord WHERE subject = ?"
    wait_until(lambda: rows(site.database_url, query, [f"lost at {path}"]), equals=[("echo", "allowed", "not_run")])


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_that_is_no_message_is_recorded_as_far_as_it_can_be_read(site: Site, way: Way) -> None:
    params = {"name": "echo", "arguments": {"text": "N", "password": SECRET}}
    body = json.dumps({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": params})
    async with way(site) as ask:
        error = (await ask(body.replace('"N"', "9" * 1_001)))["error"]
    assert recorded(site, error)[:2] == ("tool", "echo")
    query = "SELECT arguments FROM authz_app_callrecord WHERE id = ?"
    kept = rows(site.database_url, query, [error["data"]["record"].replace("-", "")])[0][0]
    assert json.loads(kept) == {"text": "... (1001 characters)", "password": "[redacted]"}


async def test_a_call_under_an_id_that_is_in_use_is_recorded(site: Site) -> None:
    async with raw_mcp(site, "twice") as session, session.sent(body=call("wait", 7)) as waiting:
        await outcome_of(site.database_url, "twice", "")
        error = messages_in(await session.send(body=call("echo", 7, text="x")))[-1]["error"]
        assert "A request with this id is being answered already." in error["message"]
        assert recorded(site, error)[:5] == ("tool", "echo", "allowed", "allowed", "not_run")
        await session.cancel(7)
        await waiting.ended()


async def test_records_of_refused_calls_are_sealed_like_all_others(site: Site) -> None:
    async with at_mcp(site) as ask:
        recorded(site, (await ask("tools/call", {"name": "echo", "arguments": 5}))["error"])
    wait_until(lambda: rows(site.database_url, "SELECT 1 FROM authz_app_callrecord WHERE seal > 0 AND tool = 'echo'"))
    verified = site.manage("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
