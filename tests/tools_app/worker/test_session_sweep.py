"""What ended while nobody could write it is found by whichever worker is there."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from authz_app.models import OpenSession
from tests.tools_app.connected import OWNER
from tools_app.models import WorkerPresence
from tools_app.sessions.memory import MemorySessionStore
from tools_app.sessions.session import IDLE, WITHOUT_TOKEN, McpSessionState
from tools_app.worker import session_sweep
from tools_app.worker.session_sweep import DIED, LEFT, LOST, SessionSweep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
ME = "here"
Closed = list[tuple[str, str]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let so many seconds pass."""
    passed = [0.0]
    monotonic = time.monotonic
    monkeypatch.setattr(session_sweep.time, "monotonic", lambda: monotonic() + passed[0])

    def let_pass(seconds: float) -> None:
        passed[0] += seconds

    return let_pass


def entered(key: str, holder: str, ago: float = 60.0, transport: str = "sse") -> None:
    texts = dict.fromkeys(("client_name", "issuer", "subject", "oauth_client_id", "address"), "x")
    OpenSession.objects.create(
        mcp_session=key, opened_at=time.time() - ago, holder=holder, transport=transport, client_id=1, **texts
    )


def worker_seen(name: str, ago: float) -> None:
    at = Now() - timedelta(seconds=ago)
    WorkerPresence.objects.create(name=name, alone=False, started_at=at, seen_at=at)


def sweeping(store: Any, shared: bool = True) -> tuple[SessionSweep, Closed]:
    closed: Closed = []
    close = lambda key, session, why: closed.append((key, why))  # noqa: E731
    return SessionSweep(store, ME, shared=shared, idle=900, drain=30, close=close), closed


async def test_sessions_of_a_worker_that_died_are_closed_and_forgotten(clock: Callable[[float], None]) -> None:
    store = MemorySessionStore(900)
    await store.open(McpSessionState("k", OWNER, "dead", time.time() + 60), 5)
    await in_thread(
        lambda: (entered("k", "dead"), entered("a", "alive"), worker_seen("dead", 50), worker_seen("alive", 5))
    )
    await store.open(McpSessionState("a", OWNER, "alive", time.time() + 60), 5)
    sweep, closed = sweeping(store)
    await sweep.look()
    assert closed == []  # The other workers may only just be coming back, with the database.
    clock(31)
    await sweep.look()
    assert closed == [("k", DIED)]
    assert [session.key for session in await store.listed()] == ["a"]


async def test_a_worker_that_left_has_a_while_to_write_it_itself(clock: Callable[[float], None]) -> None:
    store = MemorySessionStore(900)
    await store.open(McpSessionState("k", OWNER, "left", time.time() + 60), 5)
    await in_thread(lambda: entered("k", "left"))
    sweep, closed = sweeping(store)
    clock(100)
    await sweep.look()
    clock(59)
    await sweep.look()
    assert closed == []
    clock(2)
    await sweep.look()
    assert closed == [("k", LEFT)]


async def test_what_the_store_has_lost_is_closed_when_nobody_else_has_by_the_next_look() -> None:
    await in_thread(
        lambda: (
            entered("mine", ME),
            entered("used", "", ago=100, transport="streamable"),
            entered("idle", "", ago=1_000, transport="streamable"),
        )
    )
    sweep, closed = sweeping(MemorySessionStore(900))
    await sweep.look()
    assert closed == []
    await sweep.look()
    assert sorted(closed) == [("idle", IDLE), ("mine", LOST), ("used", LOST)]


async def test_a_session_that_was_without_a_valid_token_for_too_long_is_closed_at_once() -> None:
    store = MemorySessionStore(900)
    await store.open(McpSessionState("k", OWNER, "", time.time() - 1, transport="streamable"), 5)
    await in_thread(lambda: entered("k", ME, transport="streamable"))
    sweep, closed = sweeping(store, shared=False)
    await sweep.look()
    assert closed == [("k", WITHOUT_TOKEN)]


async def test_what_is_in_another_worker_s_memory_is_its_own_affair() -> None:
    await in_thread(lambda: (entered("k", "other"), worker_seen("other", 5)))
    sweep, closed = sweeping(MemorySessionStore(900), shared=False)
    for _ in range(3):
        await sweep.look()
    assert closed == []


async def in_thread(work: Callable[[], object]) -> None:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    await asyncio.to_thread(run)
