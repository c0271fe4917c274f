"""Run one message through the MCP SDK. The only module that touches the SDK's internals (mcp 2.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

from mcp.server.connection import Connection, NotifyOnlyOutbound
from mcp.server.runner import ServerRunner, modern_error_data
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import InboundLadderRejection, classify_inbound_request
from mcp_types import ClientCapabilities, SetLevelRequestParams
from pydantic import ValidationError

from tools_app.client_requests.multi_round_trip import MultiRoundTrip
from tools_app.invocation.caller import Caller
from tools_app.invocation.denials import CallDenied
from tools_app.invocation.dependencies import Dependencies
from tools_app.protocol.dispatch_context import MessageDispatch, ToolChannel
from tools_app.protocol.exchange import BackChannel, Exchange, current_exchange
from tools_app.protocol.server import LISTS_CHANGE, instructions_for, server
from tools_app.sessions.session import McpSessionState
from tools_app.wire import jsonrpc
from tools_app.wire.meta import (
    client_software_in,
    is_modern,
    protocol_version_in,
    reported,
    software_in,
)


def protocol_version_of(session: McpSessionState, message: jsonrpc.Message | None) -> str:
    """The version that governs this message: its own envelope's, or the session's."""
    return protocol_version_in(message) if message and is_modern(message) else session.protocol_version


def client_software_of(session: McpSessionState, message: jsonrpc.Message | None) -> str:
    """Name and version that the client reports of itself."""
    if message and is_modern(message):
        return client_software_in(message)
    return _prepared(session).software if session.protocol_version else software_in(session.client_info)


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """What goes back for a request, and the session as it is afterwards.

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
    """Answer one request. Only the cancellation of the task is raised; every failure is an answer."""
    dispatch = MessageDispatch(session, back_channel, request)
    round_trips = MultiRoundTrip(request.method, request.params or {}, caller.principal) if dispatch.is_modern else None
    exchange = Exchange(caller, ToolChannel(dispatch, round_trips), dependencies)
    token = current_exchange.set(exchange)
    try:
        if request.method == "initialize":
            return await _initialize(request, session, dispatch, caller, dependencies)
        result = await ServerRunner(server, _connection(request, session, dispatch), {}).on_request(
            dispatch, request.method, request.params
        )
    except Exception as error:  # noqa: BLE001  (the boundary to the SDK, whose own mapping hides what is internal)
        data = modern_error_data(error)
        message = jsonrpc.error_of(request.id, data.code, data.message, data.data)
        return ServedRequest(message, session, denied=exchange.denied)
    finally:
        current_exchange.reset(token)
        dispatch.close()
    return ServedRequest(jsonrpc.result_of(request.id, result), _after(request, session), exchange.record_id)


def _after(request: jsonrpc.Request, session: McpSessionState) -> McpSessionState:
    if request.method != "logging/setLevel":
        return session
    return replace(session, log_level=SetLevelRequestParams.model_validate(request.params, by_name=False).level)


def _connection(
    message: jsonrpc.Request | jsonrpc.Notification, session: McpSessionState, dispatch: MessageDispatch
) -> Connection:
    if dispatch.is_modern:
        route = classify_inbound_request({"method": message.method, "params": message.params})
        if isinstance(route, InboundLadderRejection):
            raise MCPError(code=route.code, message=route.message, data=route.data)
        return Connection.from_envelope(
            route.protocol_version, route.client_info, route.client_capabilities, outbound=NotifyOnlyOutbound(dispatch)
        )
    if not session.protocol_version:
        return Connection.for_loop(dispatch)
    connection = Connection.__new__(Connection)
    connection.__dict__.update(_prepared(session).connection.__dict__, outbound=dispatch)
    return connection


class _Prepared(NamedTuple):
    """What is the same for each message of a session: its connection but for the way back, and its client's software.

    Typing what the client said costs more than the rest of a message.
    """

    session: McpSessionState
    connection: Connection
    software: str


def _prepared(session: McpSessionState) -> _Prepared:
    known = _known.get(session.key)
    if known is not None and known.session is session:
        return known
    if len(_known) >= _MAX_KNOWN:
        _known.clear()
    connection = Connection.from_envelope(session.protocol_version, session.client_info, session.capabilities)
    prepared = _known[session.key] = _Prepared(session, connection, software_in(session.client_info))
    return prepared


_MAX_KNOWN = 1_024
_known: dict[str, _Prepared] = {}


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
    said = connection.client_params
    if said is None:
        raise MCPError(code=jsonrpc.INVALID_PARAMS, message="The initialize request names no client.")
    initialized = replace(
        session,
        protocol_version=connection.protocol_version,
        client_info={"name": reported(said.client_info.name), "version": reported(said.client_info.version)},
        capabilities=_kept(said.capabilities),
    )
    return ServedRequest(jsonrpc.result_of(request.id, result), initialized)


def _kept(capabilities: ClientCapabilities) -> Mapping[str, Any]:
    """What of a client's capabilities says whether it can be asked: the rest may have any size, and is kept nowhere."""
    told = capabilities.model_dump(include={"elicitation", "sampling"}, by_alias=True, exclude_none=True)
    return {name: {part: {} for part in parts} for name, parts in told.items()}


async def serve_notification(
    notification: jsonrpc.Notification,
    session: McpSessionState,
    back_channel: BackChannel,
    caller: Caller,
    dependencies: Dependencies,
) -> None:
    """Take one notification. Nothing is answered, whatever it is."""
    dispatch = MessageDispatch(session, back_channel, notification)
    token = current_exchange.set(Exchange(caller, ToolChannel(dispatch), dependencies))
    try:
        runner = ServerRunner(server, _connection(notification, session, dispatch), {})
        await runner.on_notify(dispatch, notification.method, notification.params)
    except (MCPError, ValidationError):
        return
    finally:
        current_exchange.reset(token)
