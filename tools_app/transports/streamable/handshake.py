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
from tools_app.sessions.session import McpSession, SessionsUnavailable
from tools_app.transports.admission import CUT_SHORT, SHUTTING_DOWN
from tools_app.transports.messages import Posted
from tools_app.transports.requests import RequestRefused
from tools_app.transports.session_messages import caller_in, cancel
from tools_app.transports.streamable.content_negotiation import Accepted, accepted_by, check_stream_accepted
from tools_app.transports.streamable.get_stream import listen
from tools_app.transports.streamable.held_response import forbidden
from tools_app.transports.streamable.response import OwnResponse
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
from tools_app.worker.worker import Worker, worker

logger = logging.getLogger(__name__)

_PATH = "/mcp"
_METHODS = [(b"allow", b"GET, POST, DELETE")]
_ENDED = "The MCP session was ended while this was being answered. If it was a call, it was cancelled; see its record."


async def serve(scope: Scope, receive: Receive, send: Send, posted: Posted | None) -> None:
    """Serve a request of this era. ``posted`` is the message that was read from it; None of what is no POST."""
    here = worker()
    if here.draining:
        raise SHUTTING_DOWN
    await here.workers.join()
    here.open.watch_for(conf().max_session_idle)
    if posted is not None:
        await _post(scope, receive, send, posted.message, here)
    elif scope["method"] == "GET":
        check_stream_accepted(scope)
        session = (await accepted_session(scope, None, here)).session
        await listen(scope, receive, send, session, here)
    elif scope["method"] == "DELETE":
        session = (await accepted_session(scope, None, here)).session
        await here.end(session.key, "its client ended it")
        logger.info("MCP session %s ended: its client ended it", session.key)
        await _send_empty(send, 204)
    else:
        raise RequestRefused(405, "method_not_allowed", "Send messages with POST.", _METHODS)


async def _post(scope: Scope, receive: Receive, send: Send, message: jsonrpc.Message, here: Worker) -> None:
    accepts = accepted_by(scope)
    if not isinstance(message, jsonrpc.Request):
        await _take(scope, message, here)
        await _send_empty(send, 202)
    elif message.method == "initialize" and not session_ids(scope):
        opened = await open_session(scope, message, here)
        response = _responding(accepts, here, opened.headers)
        response.answer(opened.message)
        await response.deliver(receive, send)
    else:
        accepted = await accepted_session(scope, message, here)
        response = _responding(accepts, here)
        if accepted.refusal:
            response.answer(jsonrpc.error_of(message.id, jsonrpc.SERVER_BUSY, accepted.refusal))
        else:
            _start(scope, message, accepted.session, response, here)
        await response.deliver(receive, send)


def _responding(accepts: Accepted, here: Worker, headers: Headers = ()) -> OwnResponse:
    return OwnResponse(accepts, lambda record_id: here.dependencies.audit.close(Undelivered(record_id)), headers)


async def _take(scope: Scope, message: jsonrpc.Response | jsonrpc.Notification, here: Worker) -> None:
    """Take what is not answered."""
    session = (await accepted_session(scope, message, here)).session
    if isinstance(message, jsonrpc.Response):
        await here.reply(session, message)
    elif message.method == "notifications/cancelled":
        await cancel(here, session, message)
    else:
        caller = caller_in(scope, session, message)
        here.spawn(kernel.serve_notification(message, session, nowhere(here), caller, here.dependencies))


def _start(scope: Scope, request: jsonrpc.Request, session: McpSession, response: OwnResponse, here: Worker) -> None:
    """Start the work that a request asks for, in a task of its own: it goes on when the client has left."""
    work = _answer(here, request, session, caller_in(scope, session, request), response)
    here.in_flight.add(session.key, request.id, here.spawn(work))


async def _answer(
    here: Worker, request: jsonrpc.Request, session: McpSession, caller: Caller, response: OwnResponse
) -> None:
    back_channel = BackChannel(response.post, here.replies, response.can_ask)
    try:
        answer = await kernel.serve_request(request, session, back_channel, caller, here.dependencies)
    except asyncio.CancelledError as cancelled:
        response.answer(_last_words(here, request, cancelled, response))
        await release(here, session, request.id)
        raise
    refusal = forbidden(answer.denied, request.id, _PATH)
    message: Mapping[str, Any] = answer.message
    try:
        message = await _stored(here, request, session, answer)
        await release(here, session, request.id)
        if answer.denied is not None and answer.denied.blocked:
            await end_blocked(here, session)  # Before it is told so: what it sends next finds no session.
    finally:  # Even if the end of the session cancels this.
        if refusal is None:
            response.answer(message, answer.record_id)
        else:
            response.forbid(refusal)


async def _stored(
    here: Worker, request: jsonrpc.Request, session: McpSession, answer: kernel.ServedRequest
) -> Mapping[str, Any]:
    """The answer, once what it changed of the session is stored: the next message may reach another worker."""
    if answer.session is not session:
        try:
            await here.sessions.update(answer.session)
        except SessionsUnavailable as error:
            return jsonrpc.error_of(request.id, jsonrpc.INTERNAL_ERROR, str(error))
    return answer.message


def _last_words(
    here: Worker, request: jsonrpc.Request, cancelled: asyncio.CancelledError, response: OwnResponse
) -> Mapping[str, Any] | None:
    """What is answered to a request that was cancelled: nothing, where its client asked for that."""
    if SESSION_ENDED in cancelled.args:
        text = _ENDED
    elif here.draining:
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
