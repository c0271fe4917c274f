"""What no client would send to `/mcp`, over raw sockets: refused in words, without a traceback or a long log line."""

import asyncio
import json
import re
from typing import Any

import pytest

from tests.databases import rows
from tests.eventually import eventually
from tests.raw_mcp import ACCEPT, messages_in, raw_mcp
from tests.raw_sse import call, request
from tests.site import Site

WAIT = 60.0
LONGEST_LINE = 1_000
PING = json.dumps(request("ping")).encode()


def nested(depth: int) -> bytes:
    return b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"


BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "no JSON": (b"{", 400),
    "no UTF-8": (b'{"jsonrpc": "2.0", "id": "\xff", "method": "ping"}', 400),
    "a byte order mark": (b"\xef\xbb\xbf" + PING, 400),
    "members twice": (b'{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "ping"}', 400),
    "NaN": (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"a": NaN}}', 400),
    "half a surrogate pair": (b'{"jsonrpc": "2.0", "id": "\\ud800", "method": "ping"}', 400),
    "deep": (nested(200), 400),
    "very deep": (nested(10_000), 400),
    "a batch": (b"[" + PING + b"]", 400),
    "an empty batch": (b"[]", 400),
    "a number": (b"1", 400),
    "null": (b"null", 400),
    "another version of JSON-RPC": (b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}', 400),
    "an id that is null": (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', 400),
    "an id that is a fraction": (b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}', 400),
    "an id that is true": (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', 400),
    "an id that is an object": (b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}', 400),
    "a huge id": (json.dumps(request("ping", request_id="x" * 10_000)).encode(), 400),
    "a huge number as id": (b'{"jsonrpc": "2.0", "id": ' + b"9" * 5_000 + b', "method": "ping"}', 400),
    "a huge method": (json.dumps(request("x" * 10_000)).encode(), 400),
    "params that are a list": (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]}', 400),
    "neither result nor error": (b'{"jsonrpc": "2.0", "id": 1}', 400),
    "a result and an error": (b'{"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}}', 400),
    "too large": (b" " * 100_001, 413),
    "a reply to nobody": (b'{"jsonrpc": "2.0", "id": "nobody|x", "result": {}}', 202),
    "a reply with an odd error": (b'{"jsonrpc": "2.0", "id": 7, "error": {"message": {"a": 1}}}', 202),
    "a cancellation of nothing": (b'{"jsonrpc": "2.0", "method": "notifications/cancelled"}', 202),
    "a cancellation of an object": (
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": {}}}', 202,
    ),
    "an unknown notification": (b'{"jsonrpc": "2.0", "method": "notifications/\\u2028\\u001b[2J"}', 202),
    "a notification that is odd": (
        b'{"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": []}}', 202,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_makes_no_sense_gets_an_answer_that_says_so(site: Site, name: str) -> None:
    body, status = BODIES[name]
    async with raw_mcp(site) as session:
        response = await session.send(body=body)
        assert response.status_code == status, response.text
        if status == 400:
            assert response.json()["error"]["message"]
        assert (await session.request("ping"))["result"] == {}
    assert_quiet(site)


REQUESTS: dict[str, Any] = {
    "an unknown method": request("no/such/method"),
    "a notification as a request": request("notifications/cancelled", {"requestId": 1}),
    "a method of the server": request("sampling/createMessage", {"messages": [], "maxTokens": 1}),
    "a method of clients": request("roots/list"),
    "a call without params": request("tools/call"),
    "a call of a number": request("tools/call", {"name": 5}),
    "arguments that are a list": request("tools/call", {"name": "echo", "arguments": [1]}),
    "a tool with a huge name": request("tools/call", {"name": "x" * 50_000, "arguments": {}}),
    "a tool with odd characters": request("tools/call", {"name": "\x00\x1b[2J\u2028", "arguments": {}}),
    "a cursor": request("tools/list", {"cursor": "x"}),
    "a level that is none": request("logging/setLevel", {"level": "loud"}),
    "a token that is an object": request("tools/call", {"name": "count_up", "_meta": {"progressToken": {}}}),
    "_meta that is a list": request("tools/call", {"name": "echo", "arguments": {"text": "x"}, "_meta": [1]}),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_that_makes_no_sense_is_answered_with_an_error(site: Site, name: str) -> None:
    async with raw_mcp(site) as session:
        response = await session.send(body=REQUESTS[name])
        assert response.status_code == 200, response.text
        [answer] = messages_in(response)
        assert answer["id"] == 1
        assert "error" in answer or answer["result"]["isError"], answer
        assert (await session.request("ping"))["result"] == {}
    assert_quiet(site)


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "text/plain, application/json"]
)
async def test_a_body_that_does_not_say_it_is_json_is_refused(site: Site, kind: str | None) -> None:
    async with raw_mcp(site) as session:
        assert (await session.send(body=request("ping"), headers={"Content-Type": kind})).status_code == 415


async def spoken(site: Site, *lines: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """What a raw connection answers to a head of these lines until it closes, or has answered in whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        common = {"Host": "127.0.0.1", "Accept": ACCEPT, **site.headers(), **(headers or {})}
        head = [*lines, *(f"{name}: {value}" for name, value in common.items()), "Connection: close", "", ""]
        writer.write("\r\n".join(head).encode("latin-1") + body)
        await writer.drain()
        async with asyncio.timeout(WAIT):
            return await reader.read()
    finally:
        writer.close()


def status_of(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    assert found is not None, answer[:200]
    return int(found[1])


POST = ("POST /mcp HTTP/1.1", "Content-Type: application/json", f"Content-Length: {len(PING)}")
HEADS: dict[str, tuple[tuple[str, ...], set[int]]] = {
    "a session id of spaces": ((*POST, "Mcp-Session-Id:    "), {400, 404}),
    "a session id of a tab": ((*POST, "Mcp-Session-Id: \t"), {400, 404}),
    "a session id of control characters": ((*POST, "Mcp-Session-Id: a\x01\x7fb"), {400, 404}),
    "a session id with bytes beyond ASCII": ((*POST, "Mcp-Session-Id: \xe9\xff"), {400, 404}),
    "a session id of 15,000 characters": ((*POST, "Mcp-Session-Id: " + "x" * 15_000), {400, 404}),
    "a session id of 60,000 characters": ((*POST, "Mcp-Session-Id: " + "x" * 60_000), {400, 404, 431}),
    "two session ids": ((*POST, "Mcp-Session-Id: a", "Mcp-Session-Id: b"), {400}),
    "a hundred session ids": ((*POST, *["Mcp-Session-Id: a"] * 100), {400}),
    "a version of control characters": ((*POST, "MCP-Protocol-Version: \x01"), {400}),
    "two versions": ((*POST, "MCP-Protocol-Version: 2025-11-25", "MCP-Protocol-Version: 2025-06-18"), {400}),
    "versions of both eras": ((*POST, "MCP-Protocol-Version: 2025-11-25", "MCP-Protocol-Version: 2026-07-28"), {400}),
    "an old HTTP": (("POST /mcp HTTP/1.0", *POST[1:]), {400}),
    "another path below": (("POST /mcp/x HTTP/1.1", *POST[1:]), {404}),
    "an id in the query": (("POST /mcp?session_id=0 HTTP/1.1", *POST[1:]), {400}),
    "a last event": (("GET /mcp HTTP/1.1", "Last-Event-ID: " + "9" * 10_000, "Mcp-Session-Id: x"), {404}),
    "a method that is none": (("\x01\x02 /mcp HTTP/1.1", "Content-Length: 0"), {400}),
}


@pytest.mark.parametrize("name", HEADS)
async def test_a_head_that_makes_no_sense_is_refused(site: Site, name: str) -> None:
    lines, statuses = HEADS[name]
    answer = await spoken(site, *lines, body=PING if lines[0].startswith("POST") else b"")
    assert answer == b"" or status_of(answer) in statuses, answer[:300]
    assert_quiet(site)


@pytest.mark.parametrize("accept", ["", ",", ";q=1", "*", "json", "application/json;q=", "\xff", "a/b," * 3_000])
async def test_an_odd_accept_header_is_read_or_refused(site: Site, accept: str) -> None:
    async with raw_mcp(site) as session:
        response = await session.send(body=request("ping"), headers={"Accept": accept})
        assert response.status_code in (200, 406)
    assert_quiet(site)


async def test_a_client_that_leaves_in_the_middle_of_its_body_disturbs_nobody(site: Site) -> None:
    async with raw_mcp(site) as session:
        for sent in (b"", PING[:10]):
            _, writer = await asyncio.open_connection("127.0.0.1", site.port)
            headers = {"Host": "127.0.0.1", **session.headers, "Mcp-Session-Id": session.session_id}
            head = ["POST /mcp HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
            writer.write("\r\n".join([*head, f"Content-Length: {len(PING)}", "", ""]).encode() + sent)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        assert (await session.request("ping"))["result"] == {}
    assert_quiet(site)


async def test_requests_sent_at_once_on_one_connection_are_answered_in_order(site: Site) -> None:
    async with raw_mcp(site) as session:
        headers = {"Host": "127.0.0.1", **session.headers, "Mcp-Session-Id": session.session_id}
        lines = ["POST /mcp HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        bodies = [json.dumps(call("echo", number, text=f"text-{number}")).encode() for number in range(20)]
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        for body in bodies:
            writer.write("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body)
        async with asyncio.timeout(WAIT):
            heard = b""
            while b"text-19" not in heard:
                chunk = await reader.read(65_536)
                assert chunk, heard
                heard += chunk
        writer.close()
    assert re.findall(rb'"text": ?"(text-\d+)"', heard) == [b"text-%d" % number for number in range(20)]


async def test_a_reader_that_does_not_read_is_cut_off_and_its_call_goes_on(site: Site) -> None:
    """Its log messages would fill the memory; what the limit of a queue allows is all that is kept."""
    async with raw_mcp(site, "deaf") as session:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1_024)
        body = json.dumps(call("count_up", 7, to=60_000)).encode()
        headers = {"Host": "127.0.0.1", **session.headers, "Mcp-Session-Id": session.session_id}
        lines = ["POST /mcp HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body)
        await writer.drain()
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        assert (await session.request("ping", request_id=8))["result"] == {}
        query = "SELECT outcome, undelivered FROM authz_app_callrecord WHERE subject = 'deaf'"
        await eventually(lambda: rows(site.database_url, query), equals=[("ok", 1)])
        assert (await session.request("ping", request_id=7))["result"] == {}
        writer.close()
    assert_quiet(site)


def assert_quiet(site: Site) -> None:
    site.assert_no_traceback()
    assert max(map(len, site.lines)) < LONGEST_LINE
    assert not [line for line in site.lines if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", line)]
