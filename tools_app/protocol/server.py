"""Declares the MCP server: its methods, its capabilities and its instructions. The protocol itself is the SDK's."""

from collections.abc import Mapping
from typing import Any, get_args

from django.conf import settings
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.lowlevel import NotificationOptions, Server
from mcp_types import (
    DiscoverResult,
    EmptyResult,
    RequestParams,
    SetLevelRequestParams,
    SubscriptionsListenRequestParams,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from tools_app.invocation.caller import SSE, Caller
from tools_app.invocation.dependencies import Dependencies
from tools_app.invocation.listing import listed, visible_tool
from tools_app.protocol import handlers
from tools_app.protocol.exchange import Context, current_exchange
from tools_app.protocol.versions import SERVED_VERSIONS
from tools_app.protocol.wording import worded

LISTS_CHANGE = NotificationOptions(tools_changed=True, resources_changed=True, prompts_changed=True)
_NAME = "mcpsite"


def _input_schema(name: str) -> Mapping[str, Any] | None:
    """The schema that a call's Mcp-Param headers are checked by, before the call is decided.

    None for tools that the caller may not see, as for those that do not exist: it must not tell one from the other.
    """
    exchange = current_exchange.get()
    tool = visible_tool(exchange.caller, name, exchange.dependencies)
    return None if tool is None else tool.listed.input_schema


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
        capabilities = server.get_capabilities(LISTS_CHANGE)
    else:
        versions = SERVED_VERSIONS
        capabilities = server.get_capabilities(protocol_version=context.protocol_version)
    return DiscoverResult(
        supported_versions=list(versions),
        capabilities=capabilities,
        instructions=await instructions_for(exchange.caller, exchange.dependencies),
    )


async def instructions_for(caller: Caller, dependencies: Dependencies) -> str:
    """The server's instructions: whom it takes the caller for, and whom to ask where there is nothing to call."""
    tools = await listed("tool", caller, dependencies)
    client = await dependencies.policy.client_of(caller.principal)
    who = f"You are connected as {client.name or client.subject} (subject {client.subject} of {client.issuer})."
    if tools:
        return who
    return f"{who} No tool is available to you yet; ask {dependencies.contact}."


server: Server[Any] = Server(
    _NAME,
    version=settings.VERSION,
    on_list_tools=handlers.list_tools,
    on_call_tool=handlers.call_tool,
    on_list_resources=handlers.list_resources,
    on_list_resource_templates=handlers.list_resource_templates,
    on_read_resource=handlers.read_resource,
    on_subscribe_resource=handlers.subscribe,
    on_unsubscribe_resource=handlers.unsubscribe,
    on_list_prompts=handlers.list_prompts,
    on_get_prompt=handlers.get_prompt,
    on_completion=handlers.complete,
    # What one caller may see is nobody else's, and may change at any moment.
    cache_hints={method: CacheHint(ttl_ms=0, scope="private") for method in get_args(CacheableMethod)},
    get_tool_input_schema=_input_schema,
)
server.add_request_handler("logging/setLevel", SetLevelRequestParams, _set_level)
server.add_request_handler("server/discover", RequestParams, _discover)
server.add_request_handler("subscriptions/listen", SubscriptionsListenRequestParams, handlers.listen)
# The SDK's tracing costs a tenth of a call, and the call records say more than its spans.
server.middleware[:] = [worded]
