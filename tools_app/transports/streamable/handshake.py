"""Streamable HTTP of the handshake era (MCP 2025-03-26 to 2025-11-25): sessions that any worker serves.

A session begins with the answer to `initialize` and lasts as long as it is used. Each request is answered on its own
response; `GET` opens a stream for what belongs to no request, and `DELETE` ends the session.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authz_app.audit.entries import Undelivered
from authz_app.core.asgi import Receive, Scope, Send
from tools_app.conf import conf
from tools_app.protocol.exchange import BackChannel
from tools_app.protocol.kernel import ServedRequest
from tools_app.sessions.session import SESSION_ENDED, McpSessionState
from tools_app.transports.admission import CUT_SHORT, SHUTTING_DOWN
from tools_app.transports.messages import Posted
from tools_app.transports.requests import method_not_allowed
from tools_app.transports.session_messages import busy, caller_in, serve_request, take
from tools_app.transports.streamable import sessions
from tools_app.transports.streamable.content_negotiation import AcceptedMediaTypes, accepted_by, check_stream_accepted
from tools_app.transports.streamable.get_stream import serve_get_stream
from tools_app.transports.streamable.held_response import forbidden_response
from tools_app.transports.streamable.response import StreamableResponse
from tools_app.transports.streaming import Headers
from tools_app.wire import jsonrpc
from tools_app.worker.worker import Worker

logger = logging.getLogger(__name__)

_NO_STREAM = (
    "Without an MCP session there is no stream here. POST an initialize request, and send the Mcp-Session-Id that comes"
    " with its answer; for HTTP+SSE, GET /sse."
)
_ENDED = "The MCP session was ended while this was being answered. If it was a call, it was cancelled; see its record."


async def serve(scope: Scope, receive: Receive, send: Send, posted: Posted | None, worker: Worker) -> None:
    """Serve a request of this era. ``posted`` is its message, or None where it is no POST."""
    if worker.draining:
        raise SHUTTING_DOWN
    await worker.workers.join()
    worker.watch.watch_for(conf().max_session_idle)
    if posted is not None:
        await _post(scope, receive, send, posted.message, worker)
    elif scope["method"] == "GET":
        if not sessions.session_ids(scope):
            raise method_not_allowed(_NO_STREAM, "POST")
        check_stream_accepted(scope)
        session = (await sessions.accepted_session(scope, None, worker)).session
        await serve_get_stream(scope, receive, send, session, worker)
    elif scope["method"] == "DELETE":
        session = (await sessions.accepted_session(scope, None, worker)).session
        await worker.lifetime.end(session.key, "its client ended it")
        logger.info("MCP session %s ended: its client ended it", session.key)
        await _send_empty(send, 204)
    else:
        text = "POST sends a message here, GET opens a stream, DELETE ends the session."
        raise method_not_allowed(text, "GET", "POST", "DELETE")


async def _post(scope: Scope, receive: Receive, send: Send, message: jsonrpc.Message, worker: Worker) -> None:
    accepts = accepted_by(scope)
    if not isinstance(message, jsonrpc.Request):
        session = (await sessions.accepted_session(scope, message, worker)).session
        await take(worker, scope, message, session, sessions.nowhere(worker))
        await _send_empty(send, 202)
    elif message.method == "initialize" and not sessions.session_ids(scope):
        opened = await sessions.open_session(scope, message, worker)
        response = _responding(accepts, worker, opened.headers)
        response.answer(opened.message)
        await response.deliver(receive, send)
    else:
        accepted = await sessions.accepted_session(scope, message, worker)
        response = _responding(accepts, worker)
        if accepted.refusal:
            caller = caller_in(scope, accepted.session, message)
            response.answer(await busy(worker, message, caller, accepted.refusal))
        else:
            path = _ResponsePath(worker, accepted.session, message.id, response)
            serve_request(worker, message, accepted.session, caller_in(scope, accepted.session, message), path)
        await response.deliver(receive, send)


def _responding(accepts: AcceptedMediaTypes, worker: Worker, headers: Headers = ()) -> StreamableResponse:
    return StreamableResponse(
        accepts, lambda record_id: worker.dependencies.audit.close(Undelivered(record_id)), headers
    )


@dataclass(frozen=True, slots=True)
class _ResponsePath:
    """Answers a request on its own response."""

    worker: Worker
    session: McpSessionState
    request_id: jsonrpc.RequestId
    response: StreamableResponse

    @property
    def back_channel(self) -> BackChannel:
        return BackChannel(self.response.post, self.worker.replies, self.response.can_ask)

    async def answer(self, served: ServedRequest) -> None:
        forbidden = forbidden_response(served.denied, self.request_id)
        try:
            await sessions.release(self.worker, self.session, self.request_id)
            if served.denied is not None and served.denied.blocked:
                # Before it is told so: what it sends next finds no session.
                await sessions.end_blocked(self.worker, self.session)
        finally:  # Even if the end of the session cancels this.
            if forbidden is None:
                self.response.answer(served.message, served.record_id)
            else:
                self.response.forbid(forbidden)

    async def give_up(self, cancelled: asyncio.CancelledError) -> None:
        self.response.answer(self._last_words(cancelled))
        await sessions.release(self.worker, self.session, self.request_id)

    def _last_words(self, cancelled: asyncio.CancelledError) -> Mapping[str, Any] | None:
        """What is answered to a request that was cancelled: nothing, where its client asked for that."""
        if SESSION_ENDED in cancelled.args:
            text = _ENDED
        elif self.worker.draining:
            text = CUT_SHORT
        elif self.response.can_ask:
            return None
        else:
            text = "The request was cancelled."  # A response that is JSON says something.
        return jsonrpc.error_of(self.request_id, jsonrpc.INTERNAL_ERROR, text)


async def _send_empty(send: Send, status: int) -> None:
    headers = [] if status == 204 else [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
