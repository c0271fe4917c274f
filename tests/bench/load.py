"""Load on one server: sessions that call as fast as they are answered."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager

from tests.bench.errors import BenchFailed
from tests.bench.session import Route, Session
from tests.bench.wire import Post, connect_post

_PATIENCE = 60.0
_OPENING_AT_A_TIME = 20


class Load:
    """Open sessions on a server. ``calls`` counts what was answered, by the server's name."""

    def __init__(self, route: Route, calls: Counter[str]) -> None:
        self.route = route
        self._calls = calls
        self._sessions: list[Session] = []

    async def open(self, tokens: Sequence[str]) -> None:
        """Open a session for each token."""
        for start in range(0, len(tokens), _OPENING_AT_A_TIME):
            some = [Session(self.route, token) for token in tokens[start : start + _OPENING_AT_A_TIME]]
            self._sessions += some
            async with patience(self.route.name, "open its sessions"):
                await _all(*(session.open() for session in some))

    async def run(self, seconds: float, in_flight: int) -> list[float]:
        """Keep this many calls in flight in each session; returns the latency of every call, in seconds.

        Each session makes at least that many calls.
        """
        slots = [session for session in self._sessions for _ in range(in_flight)]
        posts = [await connect_post(self.route.name, self.route.post_port) for _ in slots]
        latencies: list[float] = []
        until = time.perf_counter() + seconds
        try:
            async with patience(self.route.name, "answer all calls"):
                await _all(
                    *(_call_until(until, session, post, latencies) for session, post in zip(slots, posts, strict=True))
                )
        finally:
            for post in posts:
                post.close()
            self._calls[self.route.name] += len(latencies)
        return latencies

    def close(self) -> None:
        for session in self._sessions:
            session.close()
        self._sessions.clear()


async def _call_until(until: float, session: Session, post: Post, latencies: list[float]) -> None:
    latencies.append(await session.call(post))
    while time.perf_counter() < until:
        latencies.append(await session.call(post))


async def _all(*work: Awaitable[object]) -> None:
    """Wait for all, or for the first that fails."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def patience(name: str, what: str) -> AsyncIterator[None]:
    """Say it in a sentence when a server takes too long."""
    try:
        async with asyncio.timeout(_PATIENCE):
            yield
    except TimeoutError:
        raise BenchFailed(f"{name} did not {what} within {_PATIENCE:g} s.") from None
    except ConnectionError as error:
        raise BenchFailed(f"{name} cannot be reached: {error}.") from error


@asynccontextmanager
async def load(route: Route, tokens: Sequence[str], calls: Counter[str]) -> AsyncIterator[Load]:
    """Load with a session for each token, closed in the end."""
    running = Load(route, calls)
    try:
        await running.open(tokens)
        yield running
    finally:
        running.close()
        # What was closed is told to the transports in the loop's next turn.
        await asyncio.sleep(0.05)
