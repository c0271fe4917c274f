"""Run one message through the MCP SDK. The only module that touches the SDK's internals (mcp 2.3)."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

import anyio
from mcp.server.connection import Connection, NotifyOnlyOutbound
from mcp.server.runner import ServerRunner, modern_error_data
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import MCPError, NoBackChannelError
from mcp.shared.inbound import InboundLadderRejection, classify_inbound_request
from mcp.shared.jsonrpc_dispatcher import progress_token_from_params
from mcp.shared.transport_context import TransportContext
from mcp_types import ClientCapabilities, SetLevelRequestParams
from pydantic import ValidationError

from tools_app.call import LogLevel
from tools_app.client_requests.multi_round_trip import MultiRoundTrip
from tools_app.client_requests.questions import Question, can_answer, cannot_be_asked
from tools_app.client_requests.replies import Replies
from tools_app.errors import ToolFailure
from tools_app.invocation.caller import Caller
from tools_app.invocation.denials import CallRefused
from tools_app.invocation.invoke import Rooms
from tools_app.protocol.exchange import Exchange, current_exchange
from tools_app.protocol.server import LISTS_CHANGE, instructions_for, server
from tools_app.sessions.session import McpSession
from tools_app.wire import jsonrpc
from tools_app.wire.meta import (
    LOG_LEVELS,
    client_software_in,
    is_modern,
    log_levels_in,
    protocol_version_in,
    reported,
    software_in,
)

_ASK_TIMEOUT = 600.0


@dataclass(frozen=True, slots=True)
class Link:
    """The way back to a session's client. ``post`` sends a message to its stream, in order.

    It answers False where the message cannot reach the client. ``can_ask`` says whether a question can.
    """

    post: Callable[[Mapping[str, Any]], object]
    replies: Replies
    can_ask: bool = True


class _Dispatch:
    """The SDK's ``DispatchContext`` for one message, and the tool's ``Channel``."""

    message_metadata = None

    def __init__(self, session: McpSession, link: Link, message: jsonrpc.Request | jsonrpc.Notification) -> None:
        self._session = session
        self._link = link
        self._token = progress_token_from_params(message.params)
        self._asked: list[asyncio.Future[Mapping[str, Any]]] = []
        self.is_modern = is_modern(message)
        self._levels = _deliverable_levels(session, message, self.is_modern)
        self.request_id = message.id if isinstance(message, jsonrpc.Request) else None
        self.can_send_request = link.can_ask and not self.is_modern
        self.transport = _TRANSPORT_MODERN if self.is_modern else _TRANSPORT

    @cached_property
    def cancel_requested(self) -> anyio.Event:
        return anyio.Event()

    async def notify(self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None) -> None:
        self._link.post(jsonrpc.notification_of(method, params))

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        if not self.can_send_request:
            raise NoBackChannelError(method)
        request_id, reply = self._link.replies.expect(self._session.key)
        self._asked.append(reply)
        if self._link.post(jsonrpc.request_of(request_id, method, params)) is False:
            reply.cancel()
            raise MCPError(jsonrpc.INTERNAL_ERROR, "The client has left.")
        async with asyncio.timeout((opts or {}).get("timeout", _ASK_TIMEOUT)):
            return dict(await reply)

    async def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        self.report(progress, total, message)

    def report(self, progress: float, total: float | None, message: str | None) -> None:
        """Queue a progress notification, if the caller gave a token for it."""
        if self._token is None:
            return
        told = {"progressToken": self._token, "progress": progress, "total": total, "message": message}
        params = {key: value for key, value in told.items() if value is not None}
        self._link.post(jsonrpc.notification_of("notifications/progress", params))

    def log(self, level: LogLevel, data: Any) -> None:
        if level in self._levels:
            self._link.post(jsonrpc.notification_of("notifications/message", {"level": level, "data": data}))

    async def ask(self, question: Question) -> Mapping[str, Any]:
        if not self.can_send_request or not can_answer(self._session.capabilities or {}, question):
            raise ToolFailure(cannot_be_asked(question))
        params = dict(question.params)
        if question.capability == "elicitation" and self._session.protocol_version >= "2025-11-25":
            params["mode"] = "form"
        try:
            return await self.send_raw_request(question.method, params)
        except (MCPError, TimeoutError) as error:
            raise ToolFailure("The question of this tool was not answered.") from error

    def close(self) -> None:
        """Wait for no more replies."""
        for reply in self._asked:
            reply.cancel()


class _ToolChannel:
    """The part of a dispatch that a tool is given. With ``round_trips``, no question waits for its reply."""

    def __init__(self, dispatch: _Dispatch, round_trips: MultiRoundTrip | None = None) -> None:
        self.round_trips = round_trips
        self.progress = dispatch.report
        self.log = dispatch.log
        self._wait_for_reply = dispatch.ask

    async def ask(self, question: Question) -> Mapping[str, Any]:
        return await self._wait_for_reply(question) if self.round_trips is None else self.round_trips.ask(question)


_TRANSPORT = TransportContext(kind="sse", can_send_request=True)
_TRANSPORT_MODERN = TransportContext(kind="sse", can_send_request=False)


def _deliverable_levels(
    session: McpSession, message: jsonrpc.Request | jsonrpc.Notification, is_modern: bool
) -> frozenset[str]:
    if is_modern:
        return log_levels_in(message.params)
    return frozenset(LOG_LEVELS[LOG_LEVELS.index(session.log_level) :])


def protocol_version_of(session: McpSession, message: jsonrpc.Message | None) -> str:
    """The version that governs this message: its own envelope's, or the session's."""
    return protocol_version_in(message) if message and is_modern(message) else session.protocol_version


def client_software_of(session: McpSession, message: jsonrpc.Message | None) -> str:
    """Name and version that the client reports of itself."""
    if message and is_modern(message):
        return client_software_in(message)
    return _prepared(session).software if session.protocol_version else software_in(session.client_info)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back for a request, and the session as it is afterwards.

    ``record_id`` is the record of a call that ran, ``refused`` why one did not.
    """

    message: dict[str, Any]
    session: McpSession
    record_id: UUID | None = None
    refused: CallRefused | None = None


async def serve_request(
    request: jsonrpc.Request, session: McpSession, link: Link, caller: Caller, rooms: Rooms
) -> Answer:
    """Answer one request. Only the cancellation of the task is raised; every failure is an answer."""
    dispatch = _Dispatch(session, link, request)
    round_trips = MultiRoundTrip(request.method, request.params or {}, caller.principal) if dispatch.is_modern else None
    exchange = Exchange(caller, _ToolChannel(dispatch, round_trips), rooms)
    token = current_exchange.set(exchange)
    try:
        if request.method == "initialize":
            return await _initialize(request, session, dispatch, caller, rooms)
        result = await ServerRunner(server, _connection(request, session, dispatch), {}).on_request(
            dispatch, request.method, request.params
        )
    except Exception as error:  # noqa: BLE001  (the boundary to the SDK, whose own mapping hides what is internal)
        data = modern_error_data(error)
        message = jsonrpc.error_of(request.id, data.code, data.message, data.data)
        return Answer(message, session, refused=exchange.refused)
    finally:
        current_exchange.reset(token)
        dispatch.close()
    return Answer(jsonrpc.result_of(request.id, result), _after(request, session), exchange.record_id)


def _after(request: jsonrpc.Request, session: McpSession) -> McpSession:
    if request.method != "logging/setLevel":
        return session
    return replace(session, log_level=SetLevelRequestParams.model_validate(request.params, by_name=False).level)


def _connection(
    message: jsonrpc.Request | jsonrpc.Notification, session: McpSession, dispatch: _Dispatch
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

    session: McpSession
    connection: Connection
    software: str


def _prepared(session: McpSession) -> _Prepared:
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
    request: jsonrpc.Request, session: McpSession, dispatch: _Dispatch, caller: Caller, rooms: Rooms
) -> Answer:
    if session.protocol_version:
        raise MCPError(code=jsonrpc.INVALID_REQUEST, message="This MCP session is initialized already.")
    connection = Connection.for_loop(dispatch)
    options = server.create_initialization_options(LISTS_CHANGE)
    options.instructions = await instructions_for(caller, rooms)
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
    return Answer(jsonrpc.result_of(request.id, result), initialized)


def _kept(capabilities: ClientCapabilities) -> Mapping[str, Any]:
    """What of a client's capabilities says whether it can be asked: the rest may have any size, and is kept nowhere."""
    told = capabilities.model_dump(include={"elicitation", "sampling"}, by_alias=True, exclude_none=True)
    return {name: {part: {} for part in parts} for name, parts in told.items()}


async def serve_notification(
    notification: jsonrpc.Notification, session: McpSession, link: Link, caller: Caller, rooms: Rooms
) -> None:
    """Take one notification. Nothing is answered, whatever it is."""
    dispatch = _Dispatch(session, link, notification)
    token = current_exchange.set(Exchange(caller, _ToolChannel(dispatch), rooms))
    try:
        runner = ServerRunner(server, _connection(notification, session, dispatch), {})
        await runner.on_notify(dispatch, notification.method, notification.params)
    except (MCPError, ValidationError):
        return
    finally:
        current_exchange.reset(token)
