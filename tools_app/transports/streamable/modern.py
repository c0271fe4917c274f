"""Serves the 2026-07-28 era of Streamable HTTP by the SDK's own app: each POST stands for itself."""

import asyncio
import re
import secrets
from contextlib import AbstractAsyncContextManager
from typing import Any
from weakref import WeakKeyDictionary

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import HEADER_MISMATCH, UNSUPPORTED_PROTOCOL_VERSION, ErrorData
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from authz_app.audit.entries import Undelivered
from authz_app.core.asgi import Message, Receive, Scope, Send, send_json
from tools_app.conf import conf
from tools_app.invocation.caller import STREAMABLE, Caller
from tools_app.protocol import kernel
from tools_app.protocol.exchange import Exchange, current_exchange
from tools_app.protocol.server import server
from tools_app.protocol.versions import SERVED_VERSIONS, unsupported_version
from tools_app.streams.notifications import NotificationStream
from tools_app.transports.admission import CUT_SHORT, SHUTTING_DOWN, caller_of, refuse_blocked
from tools_app.transports.messages import Posted, is_decided, is_subscription
from tools_app.transports.requests import RequestRefused, header_values
from tools_app.transports.streamable.content_negotiation import check_both_accepted
from tools_app.transports.streamable.held_response import HeldResponse
from tools_app.transports.streamable.subscriptions import subscribed
from tools_app.wire import jsonrpc
from tools_app.wire.meta import client_software_in, is_modern, protocol_version_in
from tools_app.worker.worker import Worker

VERSION_HEADER = b"mcp-protocol-version"
_VERSION = re.compile(r"v?[0-9]{1,4}(?:[.-][0-9]{1,4}){1,3}")
_NOT_NAMED = "The MCP-Protocol-Version header must name the version that the request's _meta names, and once."


async def serve(scope: Scope, receive: Receive, send: Send, posted: Posted, worker: Worker) -> None:
    """Serve a request of this era, whose message is ``posted``."""
    if worker.draining:
        raise SHUTTING_DOWN
    message = posted.message
    caller = caller_of(
        scope,
        STREAMABLE,
        client_software=client_software_in(message),
        protocol_version=protocol_version_in(message),
    )
    if error := _version_error(header_values(scope, VERSION_HEADER), message):
        exchange = Exchange(caller, None, worker.dependencies)
        await send_json(send, 400, await kernel.refused(message, _id_of(message), error, exchange))
        return
    check_both_accepted(scope)
    if is_subscription(message):
        await worker.workers.join()
    if is_decided(message):
        # Has to be known before the SDK asks for a schema.
        await worker.dependencies.policy.client_of(caller.principal)
    else:
        await refuse_blocked(caller, message, worker)
    if worker.draining:  # By now: nobody would wait for the work.
        raise SHUTTING_DOWN
    key = _key_of(caller)
    limit = conf().max_sessions_per_client
    if worker.in_flight.count(key) >= limit:
        await refuse_blocked(caller, message, worker)
        text = f"You have {limit} requests in flight; wait for an answer first."
        raise RequestRefused(429, "too_many_requests", text, [(b"retry-after", b"1")])
    answering = _Answering(scope, receive, send, Exchange(caller, None, worker.dependencies), posted)
    if is_subscription(message):
        task = asyncio.current_task()
        assert task is not None
        worker.in_flight.add(key, secrets.token_hex(8), task)
        await answering.subscribe(worker, task)
    else:
        # Draining waits for what is answered, and ends what only listens.
        task = worker.tasks.spawn(answering.run(worker))
        worker.in_flight.add(key, secrets.token_hex(8), task)
        await task


def _version_error(named: list[str], message: jsonrpc.Message) -> ErrorData | None:
    """The error for a wrong version in the headers, where the SDK's app would judge otherwise; None where all is well.

    It goes by this header alone, so it would take some requests for those of the other era; and it knows nothing of
    the versions that are served here besides its own.
    """
    if len(named) != 1 or named[0] in HANDSHAKE_PROTOCOL_VERSIONS:
        return ErrorData(code=HEADER_MISMATCH, message=_NOT_NAMED)
    if named[0] in MODERN_PROTOCOL_VERSIONS or (is_modern(message) and protocol_version_in(message) != named[0][:20]):
        return None
    # What looks like no version may be a secret in the wrong header.
    requested = named[0] if _VERSION.fullmatch(named[0]) else ""
    data = {"supported": list(SERVED_VERSIONS), "requested": requested}
    return ErrorData(code=UNSUPPORTED_PROTOCOL_VERSION, message=unsupported_version(), data=data)


def _id_of(message: jsonrpc.Message) -> jsonrpc.RequestId | None:
    return message.id if isinstance(message, jsonrpc.Request) else None


def _key_of(caller: Caller) -> str:
    """The key under which all requests of a caller are counted together: it has no session."""
    return "\n".join(caller.principal.owner)


class _Answering:
    """Answers one request: hands it to the SDK's app, passes on what that sends, and notes whether it arrived."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, exchange: Exchange, posted: Posted) -> None:
        self._scope = scope
        self._receive = receive
        self._exchange = exchange
        self._id = _id_of(posted.message)
        self._message = posted.message
        self._response = HeldResponse(send, exchange, self._id, self._refused)
        self._unread: bytes | None = posted.body
        self._left = False
        self._notifications: NotificationStream | None = None

    async def subscribe(self, worker: Worker, task: "asyncio.Task[Any]") -> None:
        """Answer with a stream, in this ``task``, which is cancelled where the client does not read."""

        def subscribing(notifications: NotificationStream) -> AbstractAsyncContextManager[object]:
            self._notifications = notifications
            notifications.on_abandoned = task.cancel
            return subscribed(notifications, caller=self._exchange.caller, worker=worker)

        self._exchange.subscribed = subscribing
        try:
            await self.run(worker)
        except asyncio.CancelledError:
            # Cancelled by its own stream: the response is left unfinished and cut off.
            if self._notifications is None or not self._notifications.abandoned:
                raise
        finally:
            if self._notifications is not None:
                self._notifications.stop()  # Not before: what was told last may still wait for the client to read.

    async def run(self, worker: Worker) -> None:
        current_exchange.set(self._exchange)
        try:
            await _app_of(worker).serve(self._scope, self._receive_again, self._send)
        except asyncio.CancelledError:
            if not worker.draining:
                raise
            message = jsonrpc.error_of(self._id, jsonrpc.INTERNAL_ERROR, CUT_SHORT)
            await self._response.end_with(message, status=503)
        finally:
            if self._exchange.record_id is not None and not self._response.complete:
                worker.dependencies.audit.close(Undelivered(self._exchange.record_id))

    async def _refused(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The SDK's refusal in a sentence, with the record of what was refused if it was a call."""
        error = ErrorData.model_validate(answer["error"])
        return await kernel.refused(self._message, answer["id"], error, self._exchange)

    async def _receive_again(self) -> Message:
        """Hand out the body that was read already, and then what else arrives."""
        if self._unread is not None:
            body, self._unread = self._unread, None
            return {"type": "http.request", "body": body, "more_body": False}
        message = await self._receive()
        self._left = self._left or message["type"] == "http.disconnect"
        return message

    async def _send(self, message: Message) -> None:
        if not self._left:
            await self._response(message)


class _SdkApp:
    """Holds the SDK's app open by a task of the worker: Daphne does not speak the ASGI lifespan protocol."""

    def __init__(self, worker: Worker) -> None:
        # An answer that is a stream from its start would be 200 whatever it says; what is one JSON text cannot be
        # cancelled. The SDK decides between them by what comes first.
        self._manager = StreamableHTTPSessionManager(
            server, json_response=False, max_request_body_size=conf().max_body_bytes
        )
        self._open = asyncio.Event()
        worker.tasks.keep(self._hold())

    async def _hold(self) -> None:
        async with self._manager.run():
            self._open.set()
            await asyncio.get_running_loop().create_future()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._open.wait()
        await self._manager.handle_request(scope, receive, send)


def _app_of(worker: Worker) -> _SdkApp:
    app = _apps.get(worker)
    if app is None:
        app = _apps[worker] = _SdkApp(worker)
    return app


_apps: WeakKeyDictionary[Worker, _SdkApp] = WeakKeyDictionary()
