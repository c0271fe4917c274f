"""The MCP server: which methods are served, and what they answer. The protocol itself is the SDK's."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolRequestParams,
    DiscoverResult,
    EmptyResult,
    ListToolsResult,
    PaginatedRequestParams,
    RequestParams,
    SetLevelRequestParams,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from tools_app import invocation
from tools_app.call import Channel
from tools_app.caller import SSE, Caller
from tools_app.interview import Interview
from tools_app.invocation import Rooms
from tools_app.jsonrpc import INVALID_PARAMS
from tools_app.refusals import CallRefused
from tools_app.response_channel import ResponseChannel

Context = ServerRequestContext[Any, Any]
SERVED_VERSIONS = (*MODERN_PROTOCOL_VERSIONS, *reversed(HANDSHAKE_PROTOCOL_VERSIONS))
_NAME = "mcpsite"
_VERSION = "0.1.0"


@dataclass(slots=True)
class Exchange:
    """One message being served: who sent it, how to talk back, and the rooms that a call passes through.

    ``channel`` is None where the way back is the SDK's own. ``record_id`` is set once the message turned out to be a
    call that ran, and ``refused`` once it turned out to be one that was denied.
    """

    caller: Caller
    channel: Channel | None
    rooms: Rooms
    record_id: UUID | None = None
    refused: CallRefused | None = None


# The SDK's handlers are not told who calls; whoever hands a message to the SDK says so here.
current_exchange: ContextVar[Exchange] = ContextVar("current_exchange")


async def _list_tools(context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
    if params is not None and params.cursor is not None:
        raise MCPError(INVALID_PARAMS, "There is one page of tools: send no cursor.")
    exchange = current_exchange.get()
    tools = await invocation.list_tools(exchange.caller, exchange.rooms)
    return ListToolsResult(tools=[tool.definition for tool in tools])


async def _call_tool(context: Context, params: CallToolRequestParams) -> Any:
    exchange = current_exchange.get()
    async with _answering(exchange, context) as channel:
        called = await invocation.invoke(exchange.caller, params.name, params.arguments or {}, channel, exchange.rooms)
    exchange.record_id = called.record_id
    return called.wire  # The SDK takes a dict too, and would make it one.


@asynccontextmanager
async def _answering(exchange: Exchange, context: Context) -> AsyncIterator[Channel]:
    """The way back to whoever sent this message; a refusal on the way out is noted."""
    try:
        if exchange.channel is not None:
            yield exchange.channel
        else:
            interview = Interview(context.method, context.params or {}, exchange.caller.principal)
            async with ResponseChannel(context, interview, exchange.rooms.max_result_bytes) as channel:
                yield channel
    except CallRefused as refused:
        exchange.refused = refused
        raise


def _input_schema(name: str) -> Mapping[str, Any] | None:
    """The schema that a call's Mcp-Param headers are checked by, before the call is decided.

    None for tools that the caller may not see, as for those that do not exist: it must not tell one from the other.
    """
    exchange = current_exchange.get()
    tool = invocation.visible_tool(exchange.caller, name, exchange.rooms)
    return None if tool is None else tool.definition.input_schema


async def _set_level(context: Context, params: SetLevelRequestParams) -> EmptyResult:
    return EmptyResult()


async def _discover(context: Context, params: RequestParams) -> DiscoverResult:
    """Name the versions that are served.

    On HTTP+SSE only those of the handshake era: on a duplex stream it can do more (questions to the person, changes of
    the list). A client that speaks 2026-07-28 there without asking is served all the same.
    """
    exchange = current_exchange.get()
    if exchange.caller.transport == SSE:
        versions = HANDSHAKE_PROTOCOL_VERSIONS
        capabilities = server.get_capabilities(NotificationOptions(tools_changed=True))
    else:
        versions = SERVED_VERSIONS
        capabilities = server.get_capabilities(protocol_version=context.protocol_version)
    return DiscoverResult(
        supported_versions=list(versions),
        capabilities=capabilities,
        instructions=await instructions_for(exchange.caller, exchange.rooms),
    )


async def instructions_for(caller: Caller, rooms: Rooms) -> str:
    """Whom the server takes the caller for, and whom to ask where there is nothing to call."""
    tools = await invocation.list_tools(caller, rooms)
    client = await rooms.policy.client_of(caller.principal)
    who = f"You are connected as {client.name or client.subject} (subject {client.subject} of {client.issuer})."
    if tools:
        return who
    return f"{who} No tool is available to you yet; ask {rooms.contact}."


server: Server[Any] = Server(
    _NAME,
    version=_VERSION,
    on_list_tools=_list_tools,
    on_call_tool=_call_tool,
    # What one caller may see is nobody else's, and may change at any moment.
    cache_hints={
        "server/discover": CacheHint(ttl_ms=0, scope="private"),
        "tools/list": CacheHint(ttl_ms=0, scope="private"),
    },
    get_tool_input_schema=_input_schema,
)
server.add_request_handler("logging/setLevel", SetLevelRequestParams, _set_level)
server.add_request_handler("server/discover", RequestParams, _discover)
# The SDK's tracing costs a tenth of a call, and the call records say more than its spans.
server.middleware.clear()
