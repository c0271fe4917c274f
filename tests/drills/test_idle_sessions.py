"""Drill 5: many idle sessions on one worker, and what is left when they are gone.

That a reader that never reads is cut off before memory grows, tests/tools_app/serving/test_server.py shows.
"""

import asyncio
import json
import resource
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import psutil
import pytest

from tests.conftest import need
from tests.databases import rule_for_everybody
from tests.drills.sizes import HEARTBEAT, SLACK, size
from tests.eventually import eventually
from tests.raw_sse import INITIALIZE, raw_session, request
from tests.site import Site

SESSIONS = size(200, 2_000)
PINGS = size(1, 3)
# Connections of one session at once: the server's and the caller's, and some for everything else.
_DESCRIPTORS = 2 * 2 * SESSIONS + 500
_AT_ONCE = 20
# What one more crowd may leave behind, per session and at all: fragments, and what is kept on purpose.
_LEFT_PER_SESSION = 2_000
_LEFT = 4_000_000


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Let this process, and those that it starts, have enough file descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need(f"A limit of {_DESCRIPTORS} file descriptors", hard == resource.RLIM_INFINITY or hard >= _DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, _DESCRIPTORS), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Idle:
    """A session that its client opens, initializes and leaves alone; its stream is one bare connection."""

    def __init__(self, site: Site, token: str) -> None:
        self._site = site
        self._token = token
        self._ready = asyncio.Event()
        self.pings = 0

    async def open(self) -> "Idle":
        reader, self._writer = await self._sent("GET", "/sse", b"")
        self._reading = asyncio.create_task(self._read(reader))
        async with asyncio.timeout(HEARTBEAT + SLACK):
            await self._ready.wait()
        return self

    async def _sent(self, method: str, path: str, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send a request on a connection of its own."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._site.port)
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self._token}\r\n"
        kind = f"Connection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}{kind if body else ''}\r\n".encode() + body)
        return reader, writer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        async for line in reader:
            if line.startswith(b": ping"):
                self.pings += 1
            elif line.startswith(b"data: /messages/"):
                await self._initialize(line.removeprefix(b"data: ").strip().decode())
            elif line.startswith(b"data: {"):
                self._ready.set()

    async def _initialize(self, endpoint: str) -> None:
        reader, writer = await self._sent("POST", endpoint, json.dumps(request("initialize", INITIALIZE, 0)).encode())
        assert b" 202 " in await reader.readline()
        writer.close()

    def close(self) -> None:
        self._reading.cancel()
        self._writer.transport.abort()


@asynccontextmanager
async def crowd(site: Site) -> AsyncIterator[list[Idle]]:
    """So many idle sessions, gone when the block ends."""
    room, token = asyncio.Semaphore(_AT_ONCE), site.token("crowd")

    async def opened() -> Idle:
        async with room:
            return await Idle(site, token).open()

    sessions = await asyncio.gather(*(opened() for _ in range(SESSIONS)))
    yield sessions
    for session in sessions:
        session.close()


# What the thread that seals records holds while it looks, and SQLite keeps for it.
_OTHERS = 3


async def until(seen: Callable[[], bool], seconds: float) -> None:
    await eventually(seen, within=seconds)


async def open_one(site: Site) -> float:
    """Seconds until a new session answers."""
    started = time.monotonic()
    async with raw_session(site):
        return time.monotonic() - started


@pytest.mark.usefixtures("many_descriptors")
@pytest.mark.timeout(size(200, 900))
async def test_idle_sessions_are_kept_alive_and_leave_nothing_behind(
    fresh_sqlite: str, start_site: Callable[..., Site]
) -> None:
    rule_for_everybody(fresh_sqlite, "*")
    site = start_site(fresh_sqlite, MAX_SESSIONS_PER_CLIENT=str(2 * SESSIONS))
    process = psutil.Process(site.pid)
    await open_one(site)
    empty = process.memory_info().rss
    # The presence of this worker, and its audit, have opened what they need by now.
    descriptors = await settled(process)
    async with crowd(site) as sessions:
        await until(lambda: all(session.pings >= PINGS for session in sessions), PINGS * HEARTBEAT + SLACK)
        new = sorted([await open_one(site) for _ in range(5)])
        full = process.memory_info().rss
    assert new[2] < 1.0, new
    await until(lambda: process.num_fds() <= descriptors + _OTHERS, SLACK)
    first = process.memory_info().rss
    async with crowd(site):
        pass
    await until(lambda: process.num_fds() <= descriptors + _OTHERS, SLACK)
    left = process.memory_info().rss - first
    assert left < _LEFT + SESSIONS * _LEFT_PER_SESSION, left
    site.assert_no_traceback()
    print(
        f"{SESSIONS} idle sessions: {(full - empty) / SESSIONS / 1000:.0f} kB each; a new one opened in"
        f" {new[2] * 1000:.0f} ms (at most {new[-1] * 1000:.0f}); RSS empty {empty / 1e6:.0f} MB, full"
        f" {full / 1e6:.0f} MB, after they closed {first / 1e6:.0f} MB, and {left / 1e6:+.1f} MB after a second crowd;"
        f" {descriptors} file descriptors before and after"
    )


async def settled(process: psutil.Process) -> int:
    """The number of file descriptors, once it stays the same for three seconds."""
    seen = [0] * 60
    async with asyncio.timeout(HEARTBEAT + SLACK):
        while len(set(seen)) > 1 or not seen[0]:
            seen = [*seen[1:], process.num_fds()]
            await asyncio.sleep(0.05)
    return seen[0]
