"""Streamable HTTP of the handshake era by hand, for what no well-behaved client would send."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from tests.raw_sse import INITIALIZE, WAIT, request
from tests.site import SiteAddress

ACCEPT = "application/json, text/event-stream"


class Messages:
    """The JSON-RPC messages of one response, as they come."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, Any]:
        """The next message. Raises StopAsyncIteration at the end of the response."""
        async with asyncio.timeout(WAIT):
            while True:
                line = await anext(self._lines)
                if line.startswith("data: "):
                    read: dict[str, Any] = json.loads(line.removeprefix("data: "))
                    return read

    async def comment(self) -> str:
        """The next comment, before which no message may come."""
        async with asyncio.timeout(WAIT):
            while True:
                line = await anext(self._lines)
                assert not line.startswith("data: "), line
                if line.startswith(":"):
                    return line

    async def ended(self) -> None:
        """Wait until the server ends the response."""
        async with asyncio.timeout(WAIT):
            async for _ in self._lines:
                pass


def messages_in(response: httpx2.Response) -> list[dict[str, Any]]:
    """Everything that a whole response says."""
    if response.headers["content-type"] == "application/json":
        return [response.json()]
    lines = response.text.splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


class RawMcp:
    """A session at `/mcp` of a site, of which any worker may be named with ``to``."""

    def __init__(self, site: SiteAddress, headers: dict[str, str], http: httpx2.AsyncClient) -> None:
        self._site = site
        self._http = http
        self.headers = {"Accept": ACCEPT, "Content-Type": "application/json", **headers}
        self.session_id = ""

    def _request(
        self, method: str, body: Any, headers: dict[str, str | None] | None, to: SiteAddress | None
    ) -> httpx2.Request:
        session = {"Mcp-Session-Id": self.session_id} if self.session_id else {}
        sent = {**self.headers, **session, **(headers or {})}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        url = f"{(to or self._site).url}/mcp"
        # httpx sends an Accept of its own where there is none.
        present = {name: value.encode("latin-1") for name, value in sent.items() if value is not None}
        made = self._http.build_request(method, url, content=content, headers=present)
        for name in sent.keys() - present.keys():
            if name in made.headers:
                del made.headers[name]
        return made

    async def send(
        self,
        method: str = "POST",
        body: Any = None,
        headers: dict[str, str | None] | None = None,
        *,
        to: SiteAddress | None = None,
    ) -> httpx2.Response:
        """Send anything, and read the whole response. A header that is None is left out."""
        async with asyncio.timeout(WAIT):
            return await self._http.send(self._request(method, body, headers, to))

    @asynccontextmanager
    async def sent(
        self,
        method: str = "POST",
        body: Any = None,
        headers: dict[str, str | None] | None = None,
        *,
        to: SiteAddress | None = None,
    ) -> AsyncIterator[Messages]:
        """Send anything, and read the response as it comes."""
        response = await self._http.send(self._request(method, body, headers, to), stream=True)
        try:
            yield Messages(response)
        finally:
            await response.aclose()

    async def request(
        self, method: str, params: Any = None, request_id: int | str = 1, *, to: SiteAddress | None = None
    ) -> dict[str, Any]:
        """Send a request, and return the answer to it."""
        response = await self.send(body=request(method, params, request_id), to=to)
        assert response.status_code == 200, response.text
        answer = messages_in(response)[-1]
        assert answer["id"] == request_id
        return answer

    async def call(
        self, tool: str, request_id: int | str = 1, *, to: SiteAddress | None = None, **arguments: Any
    ) -> Any:
        """Call a tool, and return the answer."""
        return await self.request("tools/call", {"name": tool, "arguments": arguments}, request_id, to=to)

    async def notify(self, method: str, params: Any = None, *, to: SiteAddress | None = None) -> None:
        message = {"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params})}
        response = await self.send(body=message, to=to)
        assert (response.status_code, response.content) == (202, b"")

    async def reply(self, question: dict[str, Any], result: Any, *, to: SiteAddress | None = None) -> None:
        response = await self.send(body={"jsonrpc": "2.0", "id": question["id"], "result": result}, to=to)
        assert response.status_code == 202, response.text

    async def cancel(self, request_id: int | str, *, to: SiteAddress | None = None) -> None:
        await self.notify("notifications/cancelled", {"requestId": request_id}, to=to)

    async def initialize(self, capabilities: Any = None, *, to: SiteAddress | None = None) -> "RawMcp":
        params = {**INITIALIZE, "capabilities": capabilities or {}}
        response = await self.send(body=request("initialize", params, "initialize"), to=to)
        assert response.status_code == 200, response.text
        self.session_id = response.headers["mcp-session-id"]
        await self.notify("notifications/initialized", to=to)
        return self


@asynccontextmanager
async def raw_mcp(
    site: SiteAddress, subject: str = "alice", capabilities: Any = None, **claims: Any
) -> AsyncIterator[RawMcp]:
    """An initialized session."""
    async with httpx2.AsyncClient(timeout=WAIT) as http:
        yield await RawMcp(site, site.headers(subject, **claims), http).initialize(capabilities)
