"""The reference: the `mcp` SDK's own HTTP+SSE server on uvicorn, put together as the SDK's ``sse_app`` does it.

    python -m tests.bench.reference PORT [--remember-tokens]

It has no rules, no records and one tool. Its bearer middleware is the SDK's, which asks about each request's token; the
answer is this site's verification, so both check the same. The SDK remembers no tokens, and this site does: with
``--remember-tokens`` the reference is lent that, too.
"""

import gc
import sys

import uvicorn
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp_types import CallToolResult, ListToolsResult, TextContent, Tool
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import Response
from starlette.routing import Mount, Route

from authz_app.tokens.errors import AuthenticationError
from authz_app.tokens.verifier import verifier
from tests.bench.wire import HOST

_SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


async def echo(text: str) -> str:
    """Return the text."""
    return text


async def list_tools(context, params) -> ListToolsResult:
    return ListToolsResult(tools=[Tool(name="echo", description="Return the text.", input_schema=_SCHEMA)])


async def call_tool(context, params) -> CallToolResult:
    if params.name != "echo":
        raise ValueError("There is no such tool.")
    return CallToolResult(content=[TextContent(type="text", text=await echo(**params.arguments))])


server = Server("reference", version="1", on_list_tools=list_tools, on_call_tool=call_tool)
transport = SseServerTransport("/messages/")


class Verifier:
    """The SDK's ``TokenVerifier``."""

    def __init__(self, remember: bool) -> None:
        self._verify = verifier().verify if remember else verifier().prove

    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            principal = await self._verify(token)
        except AuthenticationError:
            return None
        return AccessToken(
            token=token,
            client_id=principal.oauth_client_id,
            scopes=sorted(principal.token_scopes),
            expires_at=principal.expires_at,
            subject=principal.subject,
            claims={"iss": principal.issuer},
        )


async def sse(scope, receive, send) -> None:
    async with transport.connect_sse(scope, receive, send) as streams:
        await server.run(streams[0], streams[1], server.create_initialization_options())
    await Response()(scope, receive, send)


def app(remember: bool) -> Starlette:
    return Starlette(
        routes=[
            Route("/sse", endpoint=RequireAuthMiddleware(sse, []), methods=["GET"]),
            Mount("/messages/", app=RequireAuthMiddleware(transport.handle_post_message, [])),
        ],
        middleware=[
            Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(Verifier(remember))),
            Middleware(AuthContextMiddleware),
        ],
    )


if __name__ == "__main__":
    # As `manage.py serve` does it.
    gc.collect()
    gc.freeze()
    uvicorn.run(app("--remember-tokens" in sys.argv), host=HOST, port=int(sys.argv[1]))
