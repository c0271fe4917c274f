"""A blocked client is told so, whichever comes first: the end of its sessions, or the decision of what it asks for.

The order is made, not waited for: an administrator's transaction keeps the record of a call from being committed (on
SQLite there is one writer), and the session is ended as any worker's watch ends it.

Covers: tools_app.transports.admission
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from authz_app.models import CallRecord, Client, Rule
from authz_app.policy.principal import Principal
from tests.eventually import eventually
from tests.raw_modern import call as modern_call, headers_for
from tests.raw_sse import INITIALIZE, call, request
from tests.tools_app.connected import OWNER, WAIT
from tools_app.sessions.session import BLOCKED, session_key
from tools_app.streams import watch
from tools_app.transports.app import _transport
from tools_app.worker.process import process_worker
from tools_app.worker.worker import Worker

pytestmark = pytest.mark.django_db(transaction=True)

PING = request("ping", request_id=2)
CALL = call("echo", 2, text="x")


class Request:
    """One HTTP request of alice's, and what is sent back."""

    def __init__(self, path: str, body: Any = None, query: str = "", **headers: str) -> None:
        given = {"host": "testserver", "content_type": "application/json", **headers}
        self.scope = {
            "type": "http",
            "method": "GET" if body is None else "POST",
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
            "client": ["127.0.0.1", 5],
            "principal": Principal(*OWNER, frozenset(), 2**40),
        }
        self._body: bytes | None = b"" if body is None else json.dumps(body).encode()
        self.sent: list[Any] = []
        self.task = asyncio.ensure_future(_transport(self.scope, self._receive, self._send))

    async def _receive(self) -> Any:
        body, self._body = self._body, None
        if body is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": body, "more_body": False}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    async def answered(self) -> "Request":
        async with asyncio.timeout(WAIT):
            await self.task
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def text(self) -> str:
        return b"".join(message["body"] for message in self.sent[1:]).decode()


@pytest.fixture
async def here(settings: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Worker]:
    """This process's worker, whose watch does not look by itself; and alice, who may call everything."""
    monkeypatch.setattr(watch, "_WATCH_EVERY", 3_600)
    settings.AUDIT_TIMEOUT = WAIT
    await asyncio.to_thread(_made)
    await process_worker().dependencies.policy.refreshed()  # Reading it takes a transaction, too.
    yield process_worker()
    await process_worker().drain(0.0)
    process_worker.cache_clear()


def _made() -> None:
    Client.objects.create(issuer=OWNER[0], subject=OWNER[1], status="active")
    Rule.objects.create(tools="*", applies_to="every")
    connection.close()


@contextmanager
def writing(status: str) -> Iterator[threading.Event]:
    """Give alice this status in a transaction that ends when the event is set. Until then no record is committed."""
    begun, end = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            Client.objects.update(status=status, notes="written")
            begun.set()
            assert end.wait(WAIT)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    assert begun.wait(WAIT)
    try:
        yield end
    finally:
        end.set()
        thread.join()


async def block() -> None:
    with writing("blocked"):
        pass


async def records(here: Worker, *fields: str) -> list[Any]:
    """What was recorded, as soon as all of it is: by default the kinds and the reasons."""

    def read() -> list[Any]:
        assert here.dependencies.audit.flush(WAIT)
        found = list(CallRecord.objects.order_by("at", "id").values_list(*(fields or ("kind", "reason"))))
        connection.close()
        return found

    return await asyncio.to_thread(read)


async def recorded(here: Worker) -> None:
    """Wait until there is a record."""
    async with asyncio.timeout(WAIT):
        while not await records(here):
            pass


async def session_at_mcp() -> str:
    opened = await Request("/mcp", request("initialize", INITIALIZE)).answered()
    return opened.headers[b"mcp-session-id"].decode()


def key_at_mcp(session_id: str) -> str:
    return session_key(f"streamable {session_id}")


def assert_told(response: Request) -> None:
    assert response.status == 403, response.text
    assert "Your client is blocked here. Record " in response.text
    assert b"www-authenticate" not in response.headers


@pytest.mark.parametrize("asked", [CALL, PING], ids=["call", "ping"])
async def test_its_request_comes_before_the_end_of_its_session(here: Worker, asked: Any) -> None:
    session_id = await session_at_mcp()
    await block()
    assert_told(await Request("/mcp", asked, mcp_session_id=session_id).answered())
    assert [session.key for session in await here.sessions.listed()] == []
    assert [reason for _, reason in await records(here)] == ["client_blocked"]


@pytest.mark.parametrize("asked", [CALL, PING], ids=["call", "ping"])
async def test_its_session_ends_before_its_request(here: Worker, asked: Any) -> None:
    session_id = await session_at_mcp()
    await block()
    await here.lifetime.end(key_at_mcp(session_id), BLOCKED)
    assert_told(await Request("/mcp", asked, mcp_session_id=session_id).answered())
    assert [reason for _, reason in await records(here)] == ["client_blocked"]


async def test_it_is_told_so_although_its_request_is_a_duplicate(here: Worker) -> None:
    session_id = await session_at_mcp()
    first = Request("/mcp", call("wait", 2), mcp_session_id=session_id)
    await recorded(here)
    await block()
    assert_told(await Request("/mcp", CALL, mcp_session_id=session_id).answered())
    assert "session was ended" in (await first.answered()).text
    assert await records(here) == [("tool", "allowed"), ("tool", "client_blocked")]


@pytest.mark.parametrize("times", [1, 2])
async def test_its_session_ends_while_its_call_is_being_decided(here: Worker, times: int) -> None:
    """Each worker that sees that a client is blocked ends its sessions."""
    session_id = await session_at_mcp()
    key = key_at_mcp(session_id)
    with writing("blocked") as commit:
        response = Request("/mcp", CALL, mcp_session_id=session_id)
        await eventually(lambda: here.in_flight.has(key, 2))
        for _ in range(times):
            await here.lifetime.end(key, BLOCKED)
        commit.set()
        assert_told(await response.answered())
    assert await records(here) == [("tool", "client_blocked")]


async def test_its_session_ends_while_its_call_runs_that_began_before(here: Worker) -> None:
    """What was allowed is no denial: it is cancelled with its session, and its record says so."""
    session_id = await session_at_mcp()
    key = key_at_mcp(session_id)
    response = Request("/mcp", call("wait", 2), mcp_session_id=session_id)
    await eventually(lambda: here.in_flight.has(key, 2))
    await recorded(here)
    await block()
    await here.lifetime.end(key, BLOCKED)
    await response.answered()
    assert response.status == 200
    assert "session was ended" in response.text
    assert await records(here, "reason", "outcome") == [("allowed", "cancelled")]


async def test_a_call_that_is_allowed_while_its_session_ends_does_not_run(here: Worker) -> None:
    session_id = await session_at_mcp()
    key = key_at_mcp(session_id)
    with writing("active") as commit:
        response = Request("/mcp", call("crash", 2), mcp_session_id=session_id)
        await eventually(lambda: here.in_flight.has(key, 2))
        await here.lifetime.end(key, "an administrator ended it")
        commit.set()
        await response.answered()
    assert "session was ended" in response.text
    assert await records(here, "reason", "outcome") == [("allowed", "cancelled")]


async def test_a_request_of_2026_is_being_decided_when_its_client_is_blocked(here: Worker) -> None:
    body = modern_call("echo", {"text": "x"})
    headers = {name.lower().replace("-", "_"): value for name, value in headers_for(body).items()}
    with writing("blocked") as commit:
        response = Request("/mcp", body, **headers)
        await eventually(lambda: here.in_flight.count("\n".join(OWNER)))
        commit.set()
        assert_told(await response.answered())
    assert await records(here) == [("tool", "client_blocked")]


async def sse_session() -> tuple[Request, str]:
    """The stream of an initialized session over HTTP+SSE, and the query of its messages."""
    stream = Request("/sse")
    await eventually(lambda: "session_id" in stream.text)
    query = stream.text.partition("?")[2].split()[0]
    assert (await Request("/messages/", request("initialize", INITIALIZE), query).answered()).status == 202
    await eventually(lambda: "protocolVersion" in stream.text)
    return stream, query


def sse_key(query: str) -> str:
    return session_key(query.removeprefix("session_id="))


async def test_over_sse_a_blocked_client_is_told_on_its_stream_while_that_is_open(here: Worker) -> None:
    stream, query = await sse_session()
    await block()
    assert (await Request("/messages/", CALL, query).answered()).status == 202
    await eventually(lambda: "Your client is blocked here. Record " in stream.text)
    here.streams.end(sse_key(query), BLOCKED)
    await stream.answered()
    assert await records(here) == [("tool", "client_blocked")]


@pytest.mark.parametrize("asked", [CALL, PING], ids=["call", "ping"])
async def test_over_sse_a_blocked_client_is_told_by_403_when_its_stream_has_ended(here: Worker, asked: Any) -> None:
    stream, query = await sse_session()
    await block()
    here.streams.end(sse_key(query), BLOCKED)
    assert_told(await Request("/messages/", asked, query).answered())
    await stream.answered()
    assert_told(await Request("/messages/", asked, query).answered())
    assert [reason for _, reason in await records(here)] == ["client_blocked"] * 2


async def test_over_sse_a_call_is_recorded_although_its_session_ends_while_it_is_being_decided(here: Worker) -> None:
    stream, query = await sse_session()
    with writing("blocked") as commit:
        assert (await Request("/messages/", CALL, query).answered()).status == 202
        await here.lifetime.end(sse_key(query), BLOCKED)
        await stream.answered()
        commit.set()
        await eventually(lambda: not here.in_flight.count(sse_key(query)))
    assert await records(here) == [("tool", "client_blocked")]
