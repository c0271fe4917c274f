"""An MCP server for the client to talk to: the SDK's own, over both transports, on a real socket, behind a gate.

The token decides what the gate does, so that one server shows every refusal.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import anyio
import uvicorn
from mcp.server.mcpserver import Context, Elicit, ElicitationResult, MCPServer, Resolve, Sample
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    BlobResourceContents,
    CreateMessageResult,
    EmbeddedResource,
    ImageContent,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REFUSAL = (
    "No tool 'weather_tool' is available to you. Record 0197a1b2-0000-7000-8000-000000000000; ask ops@example.com."
)

# token: (method that is refused, status, body, extra headers)
REFUSALS: dict[str, tuple[str, int, Any, dict[str, str]]] = {
    "expired": ("GET", 401, {"error": "invalid_token", "error_description": "The token has expired."}, {}),
    "blocked": ("GET", 403, {"error": "client_blocked", "error_description": "Ask ops@example.com."}, {}),
    "issuer-down": ("GET", 503, {"error": "unavailable", "error_description": "No keys."}, {"retry-after": "7"}),
    "nowhere": ("GET", 404, b"<html>Not Found</html>", {}),
    "moved": ("GET", 302, b"", {"location": "https://elsewhere.example/sse"}),
    "page": ("GET", 200, b"<html>Hello</html>", {"content-type": "text/html"}),
    "silent": ("POST", 202, b"Accepted", {}),
    "expired-later": ("POST", 401, {"error": "invalid_token", "error_description": "The token has expired."}, {}),
    "blocked-later": ("POST", 403, {"error": "client_blocked", "error_description": "Ask ops@example.com."}, {}),
    "gone-later": ("POST", 404, {"error": "not_found", "error_description": "No such session."}, {}),
    "lacks-scope": (
        "POST",
        403,
        {"error": "insufficient_scope", "error_description": "The tool needs more."},
        {"www-authenticate": 'Bearer error="insufficient_scope", scope="orders:read orders:write"'},
    ),
    "down-later": ("POST", 503, {"error": "unavailable", "error_description": "No keys."}, {}),
}


class Approval(BaseModel):
    sure: bool = Field(description="Really?")
    reason: str = "none"


# Resolvers ask in the way of the protocol version that was agreed on.
def _approval() -> Elicit[Approval]:
    return Elicit("Delete everything?", Approval)


def _greeting() -> Sample:
    asked = SamplingMessage(role="user", content=TextContent(type="text", text="Say hello.\x1b[2J"))
    return Sample([asked], max_tokens=9, system_prompt="Be brief.")


def server() -> MCPServer[Any]:
    mcp: MCPServer[Any] = MCPServer("peer", instructions="You are known as Tester. Ask ops@example.com.")

    @mcp.tool(structured_output=False)
    def add(first: int, second: int = 1) -> str:
        """Adds two numbers.

        The second may be left out.
        """
        return str(first + second)

    @mcp.tool(structured_output=False)
    def echo(text: str | None = None) -> str:
        return f"<{text!r}>"

    @mcp.tool()
    def fails() -> str:
        raise ToolError("There is no such city.")

    @mcp.tool(structured_output=False)
    def pictures() -> list[Any]:
        blob = BlobResourceContents(uri="file:///a.bin", blob="AAAA", mime_type="application/zip")
        return [
            TextContent(type="text", text="Two:\x1b[31m"),
            ImageContent(type="image", data="AAAAAA==", mime_type="image/png"),
            EmbeddedResource(type="resource", resource=blob),
        ]

    @mcp.tool(structured_output=False)
    async def reports(context: Context) -> str:
        await context.report_progress(1, 2, "half\x1b way")
        await context.info("careful")
        return "done"

    @mcp.tool(structured_output=False)
    async def waits(context: Context) -> str:
        await context.info("waiting")
        await anyio.sleep_forever()
        return ""

    @mcp.tool(structured_output=False)
    def confirms(answered: Annotated[ElicitationResult[Approval], Resolve(_approval)]) -> str:
        return f"{answered.action} {getattr(answered, 'data', None)}"

    @mcp.tool()
    async def weather_tool(location: str) -> str:
        raise MCPError(INVALID_PARAMS, REFUSAL)

    @mcp.tool(structured_output=False)
    def asks_model(answered: Annotated[CreateMessageResult, Resolve(_greeting)]) -> str:
        return f"{answered.model}: {getattr(answered.content, 'text', None)}"

    _offer_resources_and_prompts(mcp)
    return mcp


def _offer_resources_and_prompts(mcp: MCPServer[Any]) -> None:
    @mcp.resource("memo://greeting", title="A greeting")
    def greeting() -> str:
        """What to say first."""
        return "Good\x1b day"

    @mcp.resource("order://{number}", mime_type="application/octet-stream")
    def order(number: str) -> bytes:
        return number.encode()

    @mcp.prompt()
    def review(code: str, tone: str = "kind") -> str:
        """Reviews code."""
        return f"Review {code}, be {tone}."


class Gate:
    """Lets a caller with the token ``good`` through, and refuses others as their token says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.tokens: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        self.tokens.append(token)
        method, status, body, extra = REFUSALS.get(token, ("", 0, b"", {}))
        if scope["method"] != method:
            await self._app(scope, receive, send)
            return
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-length": str(len(content))} | extra
        start: Message = {"type": "http.response.start", "status": status}
        start["headers"] = [(name.encode(), value.encode()) for name, value in sent.items()]
        await send(start)
        await send({"type": "http.response.body", "body": content})


Front = TypeVar("Front", bound=ASGIApp)


@contextmanager
def running_peer(front: Callable[[ASGIApp], Front]) -> Iterator[tuple[str, Front]]:
    """The server behind what ``front`` makes of it; its URL, and that."""
    served = server()
    app = served.streamable_http_app()
    app.routes.extend(served.sse_app().routes)
    gate = front(app)
    config = uvicorn.Config(gate, log_level="critical", ws="none", lifespan="on", timeout_graceful_shutdown=1)
    peer = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=peer.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", gate
    finally:
        peer.should_exit = True
        thread.join(30)
        listening.close()
