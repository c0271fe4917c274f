"""Clients that call without pause while the server is broken under them, and remember what became of each request."""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.drills.sizes import HEARTBEAT, SLACK
from tests.eventually import eventually
from tests.raw_sse import INITIALIZE, request
from tests.site import SiteAddress

# Longer than any drill lets a request wait.
_PATIENCE = 4 * HEARTBEAT + SLACK
_PAUSE = 0.1
NO_ANSWER = 0


@dataclass(slots=True, eq=False)
class Stream:
    """A stream that was opened at a worker, and what ended it.

    Times are monotonic. ``ended_at`` is when the server ended it, and None where the caller left it.
    """

    home: SiteAddress
    opened_at: float
    endpoint: str = ""
    began: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    ended_at: float | None = None

    def end(self) -> None:
        self.ended_at = time.monotonic()
        self.began.set()
        self.ended.set()


@dataclass(slots=True, eq=False)
class Sent:
    """A request to a worker, for a stream. ``status`` is NO_ANSWER where the connection broke.

    ``settled_at`` is when it was answered on the stream (``answer``), or when that stream closed (no ``answer``).
    """

    stream: Stream
    to: SiteAddress
    at: float
    status: int = NO_ANSWER
    settled_at: float | None = None
    answer: dict[str, Any] | None = None

    @property
    def is_done(self) -> bool:
        return self.answer is not None and "result" in self.answer and not self.answer["result"].get("isError")

    @property
    def told(self) -> str:
        """The words of an error answer."""
        return "" if self.answer is None else str(self.answer.get("error", {}).get("message", ""))

    @property
    def waited(self) -> float:
        """Seconds from the request to what became of it."""
        return _PATIENCE if self.settled_at is None else self.settled_at - self.at


class Book:
    """Everything that was sent, and every stream. ``refusals`` counts the answers of GET /sse that were not 200."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.streams: list[Stream] = []
        self.refusals: Counter[int] = Counter()
        self.texts = (f"mark-{number}" for number in itertools.count())

    def refused(self, response: httpx2.Response) -> None:
        """Note that a stream was refused."""
        self.refusals[response.status_code] += 1
        assert response.status_code != 503 or response.headers["retry-after"]

    @property
    def accepted(self) -> list[Sent]:
        return [sent for sent in self.sent if sent.status == 202]

    @property
    def done(self) -> int:
        return sum(sent.is_done for sent in self.sent)

    async def reach(self, more: int, within: float = 60.0) -> None:
        """Wait until so many more calls have been answered with a result."""
        wanted = self.done + more
        await eventually(lambda: self.done >= wanted, within=within)

    def assert_nothing_was_lost_in_silence(self, within: float) -> float:
        """Whatever got 202 was answered, or its stream closed, in so many seconds; returns the most that it took."""
        slowest = max(sent.waited for sent in self.accepted)
        assert slowest < within, f"a request that got 202 heard nothing for {slowest:.0f} s"
        return slowest


class _Caller:
    """One session at a time, opened anew whenever its stream ends."""

    def __init__(self, book: Book, subject: str, home: SiteAddress, others: Sequence[SiteAddress]) -> None:
        self._book = book
        self._home = home
        self._others = others
        self._headers = home.headers(subject)
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[Sent, asyncio.Event]] = {}
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Send nothing more; what was sent is waited for."""
        self._stopping.set()

    async def run(self, naps: Sequence[float]) -> None:
        """Call until told to stop: in one lane for each of ``naps``, the seconds that its calls take."""
        # Each stream has a connection of its own; POSTs keep theirs, as clients do.
        alone = httpx2.Limits(max_keepalive_connections=0)
        async with (
            httpx2.AsyncClient(timeout=_PATIENCE) as http,
            httpx2.AsyncClient(timeout=_PATIENCE, limits=alone) as streams,
        ):
            while not self._stopping.is_set():
                try:
                    await self._session(http, streams, naps)
                except httpx2.TransportError:
                    self._book.refusals[NO_ANSWER] += 1
                await asyncio.sleep(_PAUSE)

    async def _session(self, http: httpx2.AsyncClient, streams: httpx2.AsyncClient, naps: Sequence[float]) -> None:
        async with streams.stream("GET", f"{self._home.url}/sse", headers=self._headers) as response:
            if response.status_code != 200:
                self._book.refused(response)
                return
            stream = Stream(self._home, time.monotonic())
            self._book.streams.append(stream)
            reading = asyncio.create_task(self._read(response, stream))
            try:
                async with asyncio.timeout(_PATIENCE):
                    await stream.began.wait()
                await self._calls(http, stream, naps)
            finally:
                reading.cancel()
                await asyncio.wait([reading])
                stream.ended.set()

    async def _calls(self, http: httpx2.AsyncClient, stream: Stream, naps: Sequence[float]) -> None:
        initialized = await self._send(http, stream, "initialize", INITIALIZE)
        if initialized.answer is None:
            # Clients give such a session up.
            return
        async with asyncio.TaskGroup() as lanes:
            for nap in naps:
                lanes.create_task(self._lane(http, stream, nap))

    async def _lane(self, http: httpx2.AsyncClient, stream: Stream, nap: float) -> None:
        while not self._stopping.is_set() and not stream.ended.is_set():
            tool, more = ("mark_and_nap", {"seconds": nap}) if nap else ("mark", {})
            arguments = {"text": next(self._book.texts), **more}
            sent = await self._send(http, stream, "tools/call", {"name": tool, "arguments": arguments})
            if sent.status == 404:
                # Its stream has closed, or does so at its next heartbeat.
                async with asyncio.timeout(_PATIENCE):
                    await stream.ended.wait()
            elif sent.status != 202:
                await asyncio.sleep(_PAUSE)

    async def _send(self, http: httpx2.AsyncClient, stream: Stream, method: str, params: Any) -> Sent:
        """Send a request to any worker, and wait until it is settled."""
        number, settled = next(self._numbers), asyncio.Event()
        sent = Sent(stream, random.choice(self._others), time.monotonic())
        self._book.sent.append(sent)
        self._waiting[number] = sent, settled
        if stream.ended.is_set():
            self._settle(number)
        url = f"{sent.to.url}{stream.endpoint}"
        try:
            response = await http.post(url, json=request(method, params, number), headers=self._headers)
            sent.status = response.status_code
            if sent.status == 503:
                assert response.headers["retry-after"]
            if sent.status == 202:
                async with asyncio.timeout(_PATIENCE):
                    await settled.wait()
        except httpx2.TransportError:
            pass
        finally:
            self._waiting.pop(number, None)
        return sent

    async def _read(self, response: httpx2.Response, stream: Stream) -> None:
        """Read the stream until the server ends it, however it does."""
        try:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    self._take(stream, line.removeprefix("data: "))
        except httpx2.TransportError:
            pass
        stream.end()
        for number in list(self._waiting):
            self._settle(number)

    def _take(self, stream: Stream, data: str) -> None:
        if not stream.began.is_set():
            stream.endpoint = data
            stream.began.set()
            return
        message = json.loads(data)
        self._settle(message.get("id"), message)

    def _settle(self, number: int, answer: dict[str, Any] | None = None) -> None:
        if number in self._waiting:
            sent, settled = self._waiting.pop(number)
            sent.settled_at, sent.answer = time.monotonic(), answer
            settled.set()


@asynccontextmanager
async def calling(
    homes: Sequence[SiteAddress], others: Sequence[SiteAddress], count: int, naps: Sequence[float] = (0.0, 1.0)
) -> AsyncIterator[Book]:
    """So many callers at work, with their streams on ``homes`` by turns, posting to any of ``others``."""
    book = Book()
    callers = [_Caller(book, f"caller-{number}", homes[number % len(homes)], others) for number in range(count)]
    async with asyncio.TaskGroup() as tasks:
        for caller in callers:
            tasks.create_task(caller.run(naps))
        try:
            await book.reach(2 * count)
            yield book
        finally:
            for caller in callers:
                caller.stop()
