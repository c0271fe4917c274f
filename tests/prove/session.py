"""A light MCP client over HTTP+SSE that opens its stream on one worker and posts to any, with any token."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.prove.evidence import Broken
from tests.prove.stage import Stage
from tests.raw_sse import INITIALIZE, call, request
from tests.site import Site

WAIT = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller was told of a call. ``refused``: that it was not run; ``record``: the record it was pointed to."""

    refused: bool
    text: str
    record: str = ""


class StreamEnded(Exception):
    """The session's stream has ended, so nothing more will be answered."""


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Session:
    """An MCP session. ``ended`` is set when its stream is; ``notified`` has the notifications that came on it."""

    def __init__(self, stage: Stage, site: Site, token: str) -> None:
        self.stage = stage
        self.site = site
        self.token = token
        self.endpoint = ""
        self.ended = asyncio.Event()
        self.notified: list[str] = []
        self._numbers = itertools.count(1)
        self._waiting: dict[Any, asyncio.Future[dict[str, Any]]] = {}

    async def read(self, response: httpx2.Response) -> None:
        """Read the stream until it ends, however it does."""
        try:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    self._take(line.removeprefix("data: "))
        except httpx2.TransportError:
            pass
        finally:
            self.ended.set()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(StreamEnded())

    def _take(self, data: str) -> None:
        if not self.endpoint:
            self.endpoint = data
            self.stage.plants.note("MCP session ids", data.rpartition("=")[2])
            self._waiting[""].set_result({})
            return
        message = json.loads(data)
        if "id" not in message:
            self.notified.append(message["method"])
        waiting = self._waiting.get(message.get("id"))
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    def expect(self, key: Any) -> "asyncio.Future[dict[str, Any]]":
        expected = self._waiting[key] = asyncio.get_running_loop().create_future()
        # Whoever does not wait for it need not be told that it will never come.
        expected.add_done_callback(lambda answer: answer.cancelled() or answer.exception())
        return expected

    async def post(self, message: Any, at: Site | None = None, token: str = "") -> httpx2.Response:
        """Post a message for this session to a worker, with the session's own token or another."""
        url = f"{(at or self.site).url}{self.endpoint}"
        response = await self.stage.http.post(url, json=message, headers=bearer(token or self.token))
        if response.status_code >= 400:
            self.stage.hear(response.text)
        return response

    async def start(self, message: dict[str, Any], at: Site | None = None, token: str = "") -> "asyncio.Future[Any]":
        """Post a request; its answer will be the result."""
        answered = self.expect(message["id"])
        response = await self.post(message, at, token)
        if response.status_code != 202:
            raise Broken(f"a request of a session's owner was answered {response.status_code}: {response.text}")
        return answered

    async def ask(self, method: str, params: Any = None, at: Site | None = None) -> dict[str, Any]:
        """The answer to a request."""
        answered = await self.start(request(method, params, next(self._numbers)), at)
        async with asyncio.timeout(WAIT):
            message: dict[str, Any] = await answered
        return message

    async def call(self, tool: str, at: Site | None = None, token: str = "", **arguments: Any) -> Answer:
        """Call a tool."""
        answered = await self.start_call(tool, at, token, **arguments)
        async with asyncio.timeout(WAIT):
            return self.read_answer(await answered)

    async def start_call(
        self, tool: str, at: Site | None = None, token: str = "", **arguments: Any
    ) -> "asyncio.Future[Any]":
        return await self.start(call(tool, next(self._numbers), **arguments), at, token)

    def read_answer(self, message: dict[str, Any]) -> Answer:
        if "error" in message:
            error = message["error"]
            record = (error.get("data") or {}).get("record", "")
            return Answer(True, self.stage.hear(error["message"]), record)
        result = message["result"]
        text = "".join(block.get("text", "") for block in result["content"])
        return Answer(False, self.stage.hear(text) if result.get("isError") else text)


@asynccontextmanager
async def session(stage: Stage, site: Site, token: str) -> AsyncIterator[Session]:
    """An initialized session on this worker."""
    opened = Session(stage, site, token)
    has_endpoint = opened.expect("")
    async with stage.http.stream("GET", f"{site.url}/sse", headers=bearer(token)) as response:
        if response.status_code != 200:
            raise Broken(f"a good token was answered {response.status_code}: {(await response.aread()).decode()}")
        reading = asyncio.create_task(opened.read(response))
        try:
            async with asyncio.timeout(WAIT):
                await has_endpoint
            await opened.ask("initialize", INITIALIZE)
            await opened.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
            yield opened
        finally:
            reading.cancel()
            await asyncio.wait([reading])
