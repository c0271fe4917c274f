"""Streamable HTTP of the 2026-07-28 era by hand, for what no well-behaved client would send."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from tests.site import SiteAddress

WAIT = 60.0
MODERN = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"
_NAMES = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


def message(method: str, params: Any = None, request_id: int | str = 1, **meta: Any) -> dict[str, Any]:
    """A request with its envelope; ``meta`` replaces parts of it, or adds to it."""
    envelope = {
        f"{PREFIX}protocolVersion": MODERN,
        f"{PREFIX}clientInfo": {"name": "by hand", "version": "1"},
        f"{PREFIX}clientCapabilities": {},
        **{key if key == "progressToken" else f"{PREFIX}{key}": value for key, value in meta.items()},
    }
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": {**(params or {}), "_meta": envelope}}


def call(tool: str, arguments: Any = None, **meta: Any) -> dict[str, Any]:
    return message("tools/call", {"name": tool, "arguments": arguments or {}}, **meta)


def headers_for(body: dict[str, Any]) -> dict[str, str]:
    """The headers that the era asks for, as they follow from the message."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": MODERN,
        "Mcp-Method": str(body.get("method")),
    }
    if name := _NAMES.get(body.get("method", "")):
        headers["Mcp-Name"] = str(body["params"].get(name))
    return headers


def post(site: SiteAddress, body: Any, token: dict[str, str] | None = None, **headers: str) -> httpx2.Response:
    """Post a message, or bytes; ``headers`` replace those that follow from it, with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    by_default = headers_for(body if isinstance(body, dict) else {"method": "ping"})
    sent = {**by_default, **(site.headers() if token is None else token), **named}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx2.post(f"{site.url}/mcp", content=content, headers=sent, timeout=WAIT)


@asynccontextmanager
async def streamed(
    site: SiteAddress, body: dict[str, Any], subject: str = "alice", **claims: Any
) -> AsyncIterator[httpx2.Response]:
    """The response to a message, while it arrives."""
    sent = headers_for(body) | site.headers(subject, **claims)
    async with (
        httpx2.AsyncClient(timeout=WAIT) as http,
        http.stream("POST", f"{site.url}/mcp", json=body, headers=sent) as response,
    ):
        yield response


async def events(response: httpx2.Response) -> AsyncIterator[dict[str, Any]]:
    """The messages of a stream."""
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))
