"""HTTP+SSE by hand, for what no well-behaved client would send."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any

import httpx2

from tests.site import SiteAddress

WAIT = 60.0
_LEEWAY = 30
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "by hand", "version": "1"},
}


def nearly_expired() -> int:
    """The `exp` of a token that is good for eight more seconds, within the leeway that a site has for clocks.

    Long enough to open sessions with it on a busy machine.
    """
    return int(time.time()) - _LEEWAY + 8


class RawSession:
    """An open stream, and the endpoint that it named."""

    def __init__(self, site: SiteAddress, headers: dict[str, str]) -> None:
        self._site = site
        self.headers = headers
        self._http = httpx2.AsyncClient(timeout=WAIT)
        self._events: AsyncIterator[tuple[str, str]]
        self.endpoint = ""

    async def __aenter__(self) -> "RawSession":
        self._stream = self._http.stream("GET", f"{self._site.url}/sse", headers=self.headers)
        self.response = await self._stream.__aenter__()
        assert self.response.status_code == 200, await self.response.aread()
        self._events = self._read()
        name, self.endpoint = await self.event()
        assert name == "endpoint"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stream.__aexit__(kind, error, traceback)
        await self._http.aclose()

    async def _read(self) -> AsyncIterator[tuple[str, str]]:
        name = ""
        async for line in self.response.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, line.removeprefix("data: ")
            elif line.startswith(":"):
                yield "comment", line

    async def event(self) -> tuple[str, str]:
        async with asyncio.timeout(WAIT):
            return await anext(self._events)

    async def message(self) -> dict[str, Any]:
        """The next JSON-RPC message."""
        while True:
            name, data = await self.event()
            if name == "message":
                read: dict[str, Any] = json.loads(data)
                return read

    async def ended(self) -> None:
        """Wait for the server to end the stream."""
        async with asyncio.timeout(WAIT):
            async for _ in self._events:
                pass

    @property
    def session_id(self) -> str:
        return self.endpoint.rpartition("=")[2]

    async def post(
        self, body: Any, headers: dict[str, str] | None = None, endpoint: str = "", *, to: SiteAddress | None = None
    ) -> httpx2.Response:
        """Post a message, to another worker than the stream's where ``to`` says so."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **self.headers, **(headers or {})}
        return await self._http.post(
            f"{(to or self._site).url}{endpoint or self.endpoint}", content=content, headers=sent
        )

    async def request(
        self, method: str, params: Any = None, request_id: int | str = 1, *, to: SiteAddress | None = None
    ) -> dict[str, Any]:
        """Send a request and wait for the message with its id."""
        response = await self.post(request(method, params, request_id), to=to)
        assert response.status_code == 202, response.text
        while True:
            message = await self.message()
            if message.get("id") == request_id:
                return message

    async def initialize(self, capabilities: Any = None) -> "RawSession":
        params = {**INITIALIZE, "capabilities": capabilities or {}}
        await self.request("initialize", params, "initialize")
        await self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self


def request(method: str, params: Any = None, request_id: int | str = 1) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": request_id, "method": method}
    return message if params is None else {**message, "params": params}


def call(tool: str, request_id: int | str = 1, **arguments: Any) -> dict[str, Any]:
    return request("tools/call", {"name": tool, "arguments": arguments}, request_id)


@asynccontextmanager
async def raw_session(
    site: SiteAddress, subject: str = "alice", capabilities: Any = None, **claims: Any
) -> AsyncIterator[RawSession]:
    """An initialized session."""
    async with RawSession(site, site.headers(subject, **claims)) as session:
        yield await session.initialize(capabilities)
