"""Sends what belongs to one message back to its client, for the SDK's kernel and for the tool that it calls."""

import asyncio
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import anyio
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import MCPError, NoBackChannelError
from mcp.shared.jsonrpc_dispatcher import progress_token_from_params
from mcp.shared.transport_context import TransportContext

from tools_app.call import LogLevel
from tools_app.client_requests.multi_round_trip import MultiRoundTrip
from tools_app.client_requests.questions import Question, can_answer, cannot_be_asked
from tools_app.errors import ToolFailure
from tools_app.protocol.exchange import BackChannel
from tools_app.sessions.session import McpSessionState
from tools_app.wire import jsonrpc
from tools_app.wire.meta import LOG_LEVELS, is_modern, log_levels_in

_ASK_TIMEOUT = 600.0


class MessageDispatch:
    """The SDK's ``DispatchContext`` for one message, and the tool's ``Channel``."""

    message_metadata = None

    def __init__(
        self, session: McpSessionState, back_channel: BackChannel, message: jsonrpc.Request | jsonrpc.Notification
    ) -> None:
        self._session = session
        self._back_channel = back_channel
        self._token = progress_token_from_params(message.params)
        self._awaited: list[asyncio.Future[Mapping[str, Any]]] = []
        self._is_closed = False
        self.is_modern = is_modern(message)
        self._levels = _deliverable_levels(session, message, self.is_modern)
        self.request_id = message.id if isinstance(message, jsonrpc.Request) else None
        self.can_send_request = back_channel.can_ask and not self.is_modern
        self.transport = _TRANSPORT_MODERN if self.is_modern else _TRANSPORT

    @cached_property
    def cancel_requested(self) -> anyio.Event:
        return anyio.Event()

    async def notify(self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None) -> None:
        self._post(jsonrpc.notification_of(method, params))

    def _post(self, message: Mapping[str, Any]) -> bool:
        """Send what belongs to the message that is served, for as long as it is. False: it reaches nobody."""
        return not self._is_closed and self._back_channel.post(message) is not False

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        if not self.can_send_request:
            raise NoBackChannelError(method)
        request_id, reply = self._back_channel.replies.expect(self._session.key)
        self._awaited.append(reply)
        if not self._post(jsonrpc.request_of(request_id, method, params)):
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
        fields = {"progressToken": self._token, "progress": progress, "total": total, "message": message}
        params = {key: value for key, value in fields.items() if value is not None}
        self._post(jsonrpc.notification_of("notifications/progress", params))

    def log(self, level: LogLevel, data: Any) -> None:
        if level in self._levels:
            self._post(jsonrpc.notification_of("notifications/message", {"level": level, "data": data}))

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
        """Wait for no more replies, and send nothing more: what a function says after its end belongs to no request."""
        self._is_closed = True
        for reply in self._awaited:
            reply.cancel()


class ToolChannel:
    """The part of a ``MessageDispatch`` that a tool is given. With ``round_trips``, no question waits for its reply."""

    def __init__(self, dispatch: MessageDispatch, round_trips: MultiRoundTrip | None = None) -> None:
        self.round_trips = round_trips
        self.progress = dispatch.report
        self.log = dispatch.log
        self._wait_for_reply = dispatch.ask

    async def ask(self, question: Question) -> Mapping[str, Any]:
        return await self._wait_for_reply(question) if self.round_trips is None else self.round_trips.ask(question)


_TRANSPORT = TransportContext(kind="sse", can_send_request=True)
_TRANSPORT_MODERN = TransportContext(kind="sse", can_send_request=False)


def _deliverable_levels(
    session: McpSessionState, message: jsonrpc.Request | jsonrpc.Notification, is_modern: bool
) -> frozenset[str]:
    if is_modern:
        return log_levels_in(message.params)
    return frozenset(LOG_LEVELS[LOG_LEVELS.index(session.log_level) :])
