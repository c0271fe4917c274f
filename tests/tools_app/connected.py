"""Workers of one site inside a test's own process, over a real Redis: each with its own connections and address."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from time import time
from typing import Any

from authz_app.policy.principal import Principal
from tests.callers import caller_for
from tools_app.sessions.session import McpSessionState
from tools_app.streams.event_stream import EventStream
from tools_app.streams.open_streams import SessionStream
from tools_app.worker.worker import Worker

WAIT = 60.0
OWNER = ("https://issuer.example/", "alice", "app")
# Connect(prefix, url): what is made inside connects to the site of this prefix, through the Redis at this URL.
Connect = Callable[..., AbstractContextManager[None]]
Join = Callable[..., Awaitable[Worker]]


def a_session(key: str = "k", channel: str = "", owner: tuple[str, str, str] = OWNER) -> McpSessionState:
    return McpSessionState(key, owner, "worker", round(time()) + 60.0, channel=channel)


async def opened(
    worker: Worker, key: str = "k", owner: tuple[str, str, str] = OWNER
) -> tuple[McpSessionState, SessionStream]:
    """A session whose stream is on this worker."""
    session = a_session(key, worker.workers.channel, owner)
    assert await worker.sessions.open(session, 10)
    caller = caller_for(Principal(*owner, frozenset(), int(session.expires_at)))
    there = SessionStream(key, caller, EventStream(1_000_000, 60), session.expires_at)
    worker.watch.add(there)
    return session, there


async def expired(worker: Worker, key: str = "k", ago: float = 1.0) -> tuple[McpSessionState, SessionStream]:
    """A session whose stream is on this worker, and whose latest token has expired."""
    session, there = await opened(worker, key)
    await worker.sessions.delete(key)
    session = replace(session, expires_at=time() - ago)
    assert await worker.sessions.open(session, 10)
    there.expires_at = session.expires_at
    return session, there


async def read(there: SessionStream, messages: int) -> list[bytes]:
    """The next so many messages of a stream, as they were sent."""
    sent: list[bytes] = []
    async with asyncio.timeout(WAIT):
        while len(sent) < messages:
            chunk = await there.stream.next()
            assert chunk is not None, f"The stream ended: {there.stream.ended}"
            sent += [line.removeprefix(b"data: ") for line in chunk.splitlines() if line.startswith(b"data: ")]
    assert len(sent) == messages, sent
    return sent


async def in_flight(worker: Worker, key: str, request_id: int | str) -> "asyncio.Task[Any]":
    """A request that this worker answers until it is cancelled."""
    task = worker.tasks.spawn(asyncio.Event().wait())
    worker.in_flight.add(key, request_id, task)
    return task
