"""The reference: the `mcp` SDK's own HTTP+SSE server on uvicorn, as the SDK documents it, behind the same token check.

    python -m tests.bench.reference PORT

It has no rules, no records and one tool.
"""

import gc
import sys

import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp_types import CallToolResult, ListToolsResult, TextContent, Tool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from authz_app.bearer import BearerTokenMiddleware
from authz_app.verifier import verifier
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


async def sse(request: Request) -> Response:
    async with transport.connect_sse(request.scope, request.receive, request._send) as streams:
        await server.run(streams[0], streams[1], server.create_initialization_options())
    return Response()


routes = [Route("/sse", endpoint=sse), Mount("/messages/", app=transport.handle_post_message)]
app = BearerTokenMiddleware(Starlette(routes=routes), verifier)

if __name__ == "__main__":
    # As `manage.py serve` does it.
    gc.collect()
    gc.freeze()
    uvicorn.run(app, host=HOST, port=int(sys.argv[1]))
