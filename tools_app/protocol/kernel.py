"""Runs one message through the MCP SDK's low-level server, without a session of the SDK's (mcp 2.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from mcp.server.connection import Connection
from mcp.server.runner import ServerRunner
from mcp.shared.exceptions import MCPError
from mcp_types import ClientCapabilities, ErrorData, SetLevelRequestParams
from pydantic import ValidationError

from tools_app.client_requests.multi_round_trip import MultiRoundTrip
from tools_app.invocation.caller import Caller
from tools_app.invocation.denials import CallDenied
from tools_app.invocation.dependencies import Dependencies
from tools_app.invocation.refusals import refusal
from tools_app.protocol.connections import connection_for, prepared
from tools_app.protocol.dispatch_context import MessageDispatch, ToolChannel
from tools_app.protocol.exchange import BackChannel, Exchange, current_exchange
from tools_app.protocol.server import LISTS_CHANGE, instructions_for, server
from tools_app.protocol.wording import error_data, reworded
from tools_app.sessions.session import McpSessionState
from tools_app.wire import jsonrpc
from tools_app.wire.meta import client_software_in, is_modern, protocol_version_in, reported, software_in


def protocol_version_of(session: McpSessionState, message: jsonrpc.Message | None) -> str:
    """The version that governs this message: its own envelope's, or the session's."""
    return protocol_version_in(message) if message and is_modern(message) else session.protocol_version


def client_software_of(session: McpSessionState, message: jsonrpc.Message | None) -> str:
    """Name and version that the client reports of itself."""
    if message and is_modern(message):
        return client_software_in(message)
    return prepared(session).software if session.protocol_version else software_in(session.client_info)


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """The answer to a request, and the session as it is afterwards.

    ``record_id`` is the record of a call that ran, ``denied`` why one did not.
    """

    message: dict[str, Any]
    session: McpSessionState
    record_id: UUID | None = None
    denied: CallDenied | None = None


async def serve_request(
    request: jsonrpc.Request,
    session: McpSessionState,
    back_channel: BackChannel,
    caller: Caller,
    dependencies: Dependencies,
) -> ServedRequest:
    """Answer one request. Only the cancellation of the task is raised; every failure becomes an error response."""
    dispatch = MessageDispatch(session, back_channel, request)
    round_trips = MultiRoundTrip(request.method, request.params or {}, caller.principal) if dispatch.is_modern else None
    exchange = Exchange(caller, ToolChannel(dispatch, round_trips), dependencies)
    token = current_exchange.set(exchange)
    try:
        if request.method == "initialize":
            return await _initialize(request, session, dispatch, caller, dependencies)
        result = await ServerRunner(server, connection_for(request, session, dispatch), {}).on_request(
            dispatch, request.method, request.params
        )
    except Exception as error:  # noqa: BLE001  (the boundary to the SDK: what is internal stays in the log)
        return ServedRequest(await _failed(request, error, exchange), session, denied=exchange.denied)
    finally:
        current_exchange.reset(token)
        dispatch.close()
    return ServedRequest(jsonrpc.result_of(request.id, result), _after(request, session), exchange.record_id)


async def _failed(request: jsonrpc.Request, error: Exception, exchange: Exchange) -> dict[str, Any]:
    """The answer to a request that failed. A call has its record in any case."""
    return await refused(request, request.id, error_data(error, request.method), exchange)


async def refused(
    message: jsonrpc.Message, request_id: jsonrpc.RequestId | None, error: ErrorData, exchange: Exchange
) -> dict[str, Any]:
    """The answer with an error: in a sentence, and with a record if it refuses a call that has none yet."""
    error = reworded(error, "" if isinstance(message, jsonrpc.Response) else message.method)
    if exchange.is_invoked:
        return jsonrpc.error_of(request_id, error.code, error.message, error.data)
    text, more = await refusal(error.message, message, exchange.caller, exchange.dependencies)
    data = {**error.data, **more} if isinstance(error.data, dict) else more or error.data
    return jsonrpc.error_of(request_id, error.code, text, data)


def _after(request: jsonrpc.Request, session: McpSessionState) -> McpSessionState:
    if request.method != "logging/setLevel":
        return session
    return replace(session, log_level=SetLevelRequestParams.model_validate(request.params, by_name=False).level)


async def _initialize(
    request: jsonrpc.Request,
    session: McpSessionState,
    dispatch: MessageDispatch,
    caller: Caller,
    dependencies: Dependencies,
) -> ServedRequest:
    if session.protocol_version:
        raise MCPError(code=jsonrpc.INVALID_REQUEST, message="This MCP session is initialized already.")
    connection = Connection.for_loop(dispatch)
    options = server.create_initialization_options(LISTS_CHANGE)
    options.instructions = await instructions_for(caller, dependencies)
    runner = ServerRunner(server, connection, {}, init_options=options)
    result = await runner.on_request(dispatch, request.method, request.params)
    client = connection.client_params
    if client is None:
        raise MCPError(code=jsonrpc.INVALID_PARAMS, message="The initialize request names no client.")
    initialized = replace(
        session,
        protocol_version=connection.protocol_version,
        client_info={"name": reported(client.client_info.name), "version": reported(client.client_info.version)},
        capabilities=_kept(client.capabilities),
    )
    return ServedRequest(jsonrpc.result_of(request.id, result), initialized)


def _kept(capabilities: ClientCapabilities) -> Mapping[str, Any]:
    """The part of a client's capabilities that says what it can be asked. The rest has any size, and is not kept."""
    asked = capabilities.model_dump(include={"elicitation", "sampling"}, by_alias=True, exclude_none=True)
    return {name: {part: {} for part in parts} for name, parts in asked.items()}


async def serve_notification(
    notification: jsonrpc.Notification,
    session: McpSessionState,
    back_channel: BackChannel,
    caller: Caller,
    dependencies: Dependencies,
) -> None:
    """Take one notification. Nothing is answered, whatever it holds."""
    dispatch = MessageDispatch(session, back_channel, notification)
    token = current_exchange.set(Exchange(caller, ToolChannel(dispatch), dependencies))
    try:
        runner = ServerRunner(server, connection_for(notification, session, dispatch), {})
        await runner.on_notify(dispatch, notification.method, notification.params)
    except (MCPError, ValidationError):
        return
    finally:
        current_exchange.reset(token)
        dispatch.close()
