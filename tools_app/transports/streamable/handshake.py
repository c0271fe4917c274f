"""Streamable HTTP of the handshake era (MCP 2025-03-26 to 2025-11-25): sessions that any worker serves.

A session begins with the answer to `initialize` and lasts as long as it is used. Each request is answered on its own
response; `GET` opens a stream for what belongs to no request, and `DELETE` ends the session.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from authz_app.audit.entries import Undelivered
from authz_app.core.asgi import Receive, Scope, Send
from tools_app.conf import conf
from tools_app.invocation.caller import Caller
from tools_app.protocol import kernel
from tools_app.protocol.exchange import BackChannel
from tools_app.sessions.session import McpSessionState, SessionsUnavailable
from tools_app.transports.admission import CUT_SHORT, SHUTTING_DOWN
from tools_app.transports.messages import Posted
from tools_app.transports.requests import RequestRefused
from tools_app.transports.session_messages import caller_in, cancel
from tools_app.transports.streamable.content_negotiation import AcceptedMediaTypes, accepted_by, check_stream_accepted
from tools_app.transports.streamable.get_stream import listen
from tools_app.transports.streamable.held_response import forbidden_response
from tools_app.transports.streamable.response import StreamableResponse
from tools_app.transports.streamable.sessions import (
    accepted_session,
    end_blocked,
    nowhere,
    open_session,
    release,
    session_ids,
)
from tools_app.transports.streaming import Headers
from tools_app.wire import jsonrpc
from tools_app.worker.in_flight import SESSION_ENDED
from tools_app.worker.worker import Worker, process_worker

logger = logging.getLogger(__name__)

_PATH = "/mcp"
_METHODS = [(b"allow", b"GET, POST, DELETE")]
_ENDED = "The MCP session was ended while this was being answered. If it was a call, it was cancelled; see its record."


async def serve(scope: Scope, receive: Receive, send: Send, posted: Posted | None) -> None:
    """Serve a request of this era. ``posted`` is the message that was read from it; None of what is no POST."""
    worker = process_worker()
    if worker.draining:
        raise SHUTTING_DOWN
    await worker.workers.join()
    worker.open.watch_for(conf().max_session_idle)
    if posted is not None:
        await _post(scope, receive, send, posted.message, worker)
    elif scope["method"] == "GET":
        check_stream_accepted(scope)
        session = (await accepted_session(scope, None, worker)).session
        await listen(scope, receive, send, session, worker)
    elif scope["method"] == "DELETE":
        session = (await accepted_session(scope, None, worker)).session
        await worker.end(session.key, "its client ended it")
        logger.info("MCP session %s ended: its client ended it", session.key)
        await _send_empty(send, 204)
    else:
        raise RequestRefused(405, "method_not_allowed", "Send messages with POST.", _METHODS)


async def _post(scope: Scope, receive: Receive, send: Send, message: jsonrpc.Message, worker: Worker) -> None:
    accepts = accepted_by(scope)
    if not isinstance(message, jsonrpc.Request):
        await _take(scope, message, worker)
        await _send_empty(send, 202)
    elif message.method == "initialize" and not session_ids(scope):
        opened = await open_session(scope, message, worker)
        response = _responding(accepts, worker, opened.headers)
        response.answer(opened.message)
        await response.deliver(receive, send)
    else:
        accepted = await accepted_session(scope, message, worker)
        response = _responding(accepts, worker)
        if accepted.refusal:
            response.answer(jsonrpc.error_of(message.id, jsonrpc.SERVER_BUSY, accepted.refusal))
        else:
            _start(scope, message, accepted.session, response, worker)
        await response.deliver(receive, send)


def _responding(accepts: AcceptedMediaTypes, worker: Worker, headers: Headers = ()) -> StreamableResponse:
    return StreamableResponse(
        accepts, lambda record_id: worker.dependencies.audit.close(Undelivered(record_id)), headers
    )


async def _take(scope: Scope, message: jsonrpc.Response | jsonrpc.Notification, worker: Worker) -> None:
    """Take what is not answered."""
    session = (await accepted_session(scope, message, worker)).session
    if isinstance(message, jsonrpc.Response):
        await worker.reply(session, message)
    elif message.method == "notifications/cancelled":
        await cancel(worker, session, message)
    else:
        caller = caller_in(scope, session, message)
        worker.spawn(kernel.serve_notification(message, session, nowhere(worker), caller, worker.dependencies))


def _start(
    scope: Scope, request: jsonrpc.Request, session: McpSessionState, response: StreamableResponse, worker: Worker
) -> None:
    """Start the work that a request asks for, in a task of its own: it goes on when the client has left."""
    work = _answer(worker, request, session, caller_in(scope, session, request), response)
    worker.in_flight.add(session.key, request.id, worker.spawn(work))


async def _answer(
    worker: Worker, request: jsonrpc.Request, session: McpSessionState, caller: Caller, response: StreamableResponse
) -> None:
    back_channel = BackChannel(response.post, worker.replies, response.can_ask)
    try:
        answer = await kernel.serve_request(request, session, back_channel, caller, worker.dependencies)
    except asyncio.CancelledError as cancelled:
        response.answer(_last_words(worker, request, cancelled, response))
        await release(worker, session, request.id)
        raise
    refusal = forbidden_response(answer.denied, request.id, _PATH)
    message: Mapping[str, Any] = answer.message
    try:
        message = await _stored(worker, request, session, answer)
        await release(worker, session, request.id)
        if answer.denied is not None and answer.denied.blocked:
            await end_blocked(worker, session)  # Before it is told so: what it sends next finds no session.
    finally:  # Even if the end of the session cancels this.
        if refusal is None:
            response.answer(message, answer.record_id)
        else:
            response.forbid(refusal)


async def _stored(
    worker: Worker, request: jsonrpc.Request, session: McpSessionState, answer: kernel.ServedRequest
) -> Mapping[str, Any]:
    """The answer, once what it changed of the session is stored: the next message may reach another worker."""
    if answer.session is not session:
        try:
            await worker.sessions.update(answer.session)
        except SessionsUnavailable as error:
            return jsonrpc.error_of(request.id, jsonrpc.INTERNAL_ERROR, str(error))
    return answer.message


def _last_words(
    worker: Worker, request: jsonrpc.Request, cancelled: asyncio.CancelledError, response: StreamableResponse
) -> Mapping[str, Any] | None:
    """What is answered to a request that was cancelled: nothing, where its client asked for that."""
    if SESSION_ENDED in cancelled.args:
        text = _ENDED
    elif worker.draining:
        text = CUT_SHORT
    elif response.can_ask:
        return None
    else:
        text = "The request was cancelled."  # A response that is JSON says something.
    return jsonrpc.error_of(request.id, jsonrpc.INTERNAL_ERROR, text)


async def _send_empty(send: Send, status: int) -> None:
    headers = [] if status == 204 else [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
