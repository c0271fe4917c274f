"""Answers MCP's methods that list tools, resources and prompts, and those that use them."""

from typing import Any, TypeVar

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY, event_to_notification

from authz_app.policy.rule import Kind
from tools_app.call import Channel
from tools_app.client_requests.multi_round_trip import MultiRoundTrip
from tools_app.invocation import access_request
from tools_app.invocation.denials import CallDenied
from tools_app.invocation.invoke import invoke
from tools_app.invocation.listing import listed
from tools_app.protocol.exchange import Context, Exchange, current_exchange
from tools_app.protocol.response_channel import ResponseChannel
from tools_app.protocol.subscriptions import subscription
from tools_app.sessions.session import SessionsUnavailable
from tools_app.streams.notifications import NotificationStream
from tools_app.wire.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND

Listed = TypeVar("Listed", types.Tool, types.Resource, types.ResourceTemplate, types.Prompt)


async def list_tools(context: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    return types.ListToolsResult(tools=await _listed("tool", types.Tool, params))


async def list_resources(context: Context, params: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
    return types.ListResourcesResult(resources=await _listed("resource", types.Resource, params))


async def list_resource_templates(
    context: Context, params: types.PaginatedRequestParams | None
) -> types.ListResourceTemplatesResult:
    return types.ListResourceTemplatesResult(
        resource_templates=await _listed("resource", types.ResourceTemplate, params)
    )


async def list_prompts(context: Context, params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
    return types.ListPromptsResult(prompts=await _listed("prompt", types.Prompt, params))


async def _listed(kind: Kind, of: type[Listed], params: types.PaginatedRequestParams | None) -> list[Listed]:
    """What the caller's list of a kind holds, as far as it is ``of`` this type: some resources are templates."""
    if params is not None and params.cursor is not None:
        raise MCPError(INVALID_PARAMS, f"There is one page of {kind}s: send no cursor.")
    exchange = current_exchange.get()
    visible = await listed(kind, exchange.caller, exchange.dependencies)
    return [shown for entry in visible if isinstance(shown := entry.listed, of)]


async def call_tool(context: Context, params: types.CallToolRequestParams) -> Any:
    return await _invoked(context, access_request.tool_call(params.name, params.arguments or {}))


async def read_resource(context: Context, params: types.ReadResourceRequestParams) -> Any:
    return await _invoked(context, access_request.resource_read(params.uri))


async def get_prompt(context: Context, params: types.GetPromptRequestParams) -> Any:
    return await _invoked(context, access_request.prompt_use(params.name, dict(params.arguments or {})))


async def complete(context: Context, params: types.CompleteRequestParams) -> Any:
    others = (params.context.arguments if params.context is not None else None) or {}
    typed = (params.argument.name, params.argument.value, others)
    if isinstance(params.ref, types.PromptReference):
        return await _invoked(context, access_request.prompt_completion(params.ref.name, *typed))
    return await _invoked(context, access_request.resource_completion(params.ref.uri, *typed))


async def subscribe(context: Context, params: types.SubscribeRequestParams) -> Any:
    exchange = current_exchange.get()
    sessions = exchange.dependencies.sessions
    return await _invoked(context, subscription(params.uri, exchange.caller.mcp_session, sessions))


async def unsubscribe(context: Context, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
    exchange = current_exchange.get()
    try:
        await exchange.dependencies.sessions.unsubscribe(exchange.caller.mcp_session, params.uri)
    except SessionsUnavailable as error:
        raise MCPError(INTERNAL_ERROR, str(error)) from error
    return types.EmptyResult()


async def _invoked(context: Context, request: access_request.AccessRequest) -> Any:
    """Invoke by the way back that the exchange has, and note on the exchange if the call is denied."""
    exchange = current_exchange.get()
    try:
        if exchange.channel is not None:
            return await _run(exchange, request, exchange.channel)
        round_trips = MultiRoundTrip(context.method, context.params or {}, exchange.caller.principal)
        async with ResponseChannel(context, round_trips, exchange.dependencies.max_result_bytes) as channel:
            return await _run(exchange, request, channel)
    except CallDenied as denied:
        exchange.denied = denied
        raise


async def _run(exchange: Exchange, request: access_request.AccessRequest, channel: Channel) -> Any:
    exchange.is_invoked = True
    called = await invoke(exchange.caller, request, channel, exchange.dependencies)
    exchange.record_id = called.record_id  # Known before what was reported has been sent.
    return called.wire  # The SDK takes a dict too, and would make it one.


async def listen(context: Context, params: types.SubscriptionsListenRequestParams) -> types.SubscriptionsListenResult:
    """Tell the caller what changes until its stream ends (MCP 2026-07-28, Subscriptions).

    Not on HTTP+SSE: there each session's own stream tells it.
    """
    exchange = current_exchange.get()
    if exchange.subscribed is None or context.request_id is None:
        raise MCPError(METHOD_NOT_FOUND, "Method not found", context.method)
    notifications = NotificationStream(params.notifications)
    meta = {SUBSCRIPTION_ID_META_KEY: context.request_id}
    async with exchange.subscribed(notifications):
        acknowledged = types.SubscriptionsAcknowledgedNotificationParams(
            notifications=notifications.honored, _meta=meta
        )
        await context.session.send_notification(
            types.SubscriptionsAcknowledgedNotification(params=acknowledged), context.request_id
        )
        while (event := await notifications.next_event()) is not None:
            await context.session.send_notification(event_to_notification(event, meta), context.request_id)
    return types.SubscriptionsListenResult(_meta=meta)
