"""HTTP+SSE (MCP 2024-11-05, Transports): `GET /sse` opens a stream, `POST /messages/` sends one message to its server.

Raw ASGI behind the bearer-token middleware, so every request here has its own verified principal. The stream only
delivers; each POST is decided by its own token, answered 202, and worked on in a task of its own.
"""

import asyncio
import logging
import re
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qs

from authz_app.conf import conf as authz_conf
from authz_app.core.asgi import Receive, Scope, Send
from authz_app.policy.principal import Principal
from tools_app.conf import conf
from tools_app.invocation import refusals
from tools_app.invocation.caller import SSE
from tools_app.invocation.listing import seen_by
from tools_app.protocol.exchange import BackChannel
from tools_app.protocol.kernel import ServedRequest
from tools_app.sessions.session import McpSessionState, new_session_id, session_key
from tools_app.streams.event_stream import EventStream, event
from tools_app.streams.open_streams import SessionStream
from tools_app.transports import session_messages
from tools_app.transports.admission import CUT_SHORT, SHUTTING_DOWN, caller_of, refuse_blocked
from tools_app.transports.messages import read_message
from tools_app.transports.requests import BadMessage, RequestRefused, method_not_allowed
from tools_app.transports.streaming import LEFT, deliver
from tools_app.wire import jsonrpc
from tools_app.worker.worker import Worker

logger = logging.getLogger(__name__)

_SESSION_ID = re.compile(r"[0-9a-f]{32}")
# As the endpoint event has it, and so nearly every request.
_PLAIN_QUERY = re.compile(rb"session_id=([0-9a-f]{32})")
_NO_SESSION = "There is no such MCP session. Open one with GET /sse."


async def sse_app(scope: Scope, receive: Receive, send: Send, worker: Worker) -> None:
    if scope["method"] != "GET":
        raise method_not_allowed("GET /sse opens a stream; Streamable HTTP is at /mcp.", "GET")
    await worker.workers.join()
    session_id = new_session_id()
    opened = await _open(scope, worker, session_key(session_id))
    opened.stream.queue(event("endpoint", f"{authz_conf().path_prefix}/messages/?session_id={session_id}".encode()))
    try:
        await deliver(opened.stream, receive, send)
    finally:
        why = opened.stream.ended or LEFT
        await worker.closed(opened.key, why)
        logger.info("MCP session %s closed: %s", opened.key, why)


async def _open(scope: Scope, worker: Worker, key: str) -> SessionStream:
    principal: Principal = scope["principal"]
    caller = caller_of(scope, SSE, mcp_session=key)
    await refuse_blocked(caller, None, worker)
    policy = await worker.dependencies.policy.policy()
    client = await worker.dependencies.policy.client_of(principal)
    if worker.draining:
        raise SHUTTING_DOWN
    expires_at, channel = session_messages.expiry_of(principal), worker.workers.channel
    session = McpSessionState(key, principal.owner, worker.name, expires_at, channel=channel, address=caller.address)
    await session_messages.admit(worker, session, principal)
    stream = EventStream(conf().max_queued_bytes, conf().heartbeat)
    seen = seen_by(client, caller, policy)
    opened = SessionStream(key, caller, stream, session.expires_at, seen)
    worker.watch.add(opened)
    logger.info("MCP session %s opened for %s", key, client.name or client.subject)
    return opened


async def messages_app(scope: Scope, receive: Receive, send: Send, worker: Worker) -> None:
    """Serve `POST /messages/?session_id=...`."""
    if scope["method"] != "POST":
        raise method_not_allowed("POST sends a message here; GET /sse opens the stream that answers it.", "POST")
    key = session_key(_session_id(scope))
    try:
        message = (await read_message(scope, receive)).message
    except BadMessage as bad:
        await _answer_bad(scope, send, worker, key, bad)
        return
    if worker.draining:
        raise SHUTTING_DOWN
    await worker.workers.join()
    principal: Principal = scope["principal"]
    refusal = session_messages.not_now(worker, key, message)
    request_id = message.id if isinstance(message, jsonrpc.Request) and not refusal else None
    accepted = await worker.sessions.accept(key, principal.owner, request_id)
    if accepted is None or worker.streams.has_ended(key):
        # The sessions of a blocked client have ended: it is told why, and not that there is none.
        await refuse_blocked(caller_of(scope, SSE), message, worker)
        raise RequestRefused(404, "no_session", _NO_SESSION)
    try:
        session = await session_messages.extended(worker, accepted.session, principal)
        if worker.draining:  # By now: nobody would wait for the work.
            raise SHUTTING_DOWN
    except BaseException:  # noqa: BLE001  (the server may cancel this; it is raised again)
        if request_id is not None and not accepted.refusal:
            worker.delivery.give_up(accepted.session, request_id)
        raise
    await _take(scope, worker, session, message, refusal or accepted.refusal)
    await _send_accepted(send)


async def _send_accepted(send: Send) -> None:
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"8")]})
    await send({"type": "http.response.body", "body": b"Accepted"})


async def _answer_bad(scope: Scope, send: Send, worker: Worker, key: str, bad: BadMessage) -> None:
    """Answer what is no message on the stream, where it is waited for: clients stop at the first POST that is refused.

    Raises:
        BadMessage: it has no id that can be read, or the session is not there.
    """
    await worker.workers.join()
    accepted = await worker.sessions.accept(key, scope["principal"].owner, None)
    if bad.id is None or accepted is None or worker.streams.has_ended(key):
        raise bad
    caller = session_messages.caller_in(scope, accepted.session, None)
    text, data = await refusals.refusal(str(bad), bad.request, caller, worker.dependencies)
    worker.delivery.send(accepted.session, jsonrpc.error_of(bad.id, bad.code, text, data or None))
    await _send_accepted(send)


def _session_id(scope: Scope) -> str:
    if plain := _PLAIN_QUERY.fullmatch(scope["query_string"]):
        return plain[1].decode()
    query: str = scope["query_string"].decode("latin-1")
    if len(query) > 1_000:
        raise RequestRefused(400, "bad_session_id", "The query string is too long.")
    try:
        values = parse_qs(query, keep_blank_values=True, max_num_fields=10).get("session_id", [])
    except ValueError:
        values = []
    if len(values) != 1 or not _SESSION_ID.fullmatch(values[0]):
        raise RequestRefused(400, "bad_session_id", "Give one session_id, as the endpoint event of GET /sse has it.")
    return values[0]


async def _take(scope: Scope, worker: Worker, session: McpSessionState, message: jsonrpc.Message, refusal: str) -> None:
    """Start the work that a message asks for: it goes on after the 202."""
    if not isinstance(message, jsonrpc.Request):
        await session_messages.take(worker, scope, message, session, _back_channel(worker, session))
    elif message.method == "notifications/cancelled":
        await session_messages.cancel(worker, session, message)
    elif refusal:
        caller = session_messages.caller_in(scope, session, message)
        worker.delivery.send(session, await session_messages.busy(worker, message, caller, refusal))
    else:
        caller = session_messages.caller_in(scope, session, message)
        session_messages.serve_request(worker, message, session, caller, _StreamPath(worker, session, message.id))


def _back_channel(worker: Worker, session: McpSessionState) -> BackChannel:
    return BackChannel(partial(worker.delivery.send, session), worker.replies)


@dataclass(frozen=True, slots=True)
class _StreamPath:
    """Answers a request on its session's stream, whichever worker holds that."""

    worker: Worker
    session: McpSessionState
    request_id: jsonrpc.RequestId

    @property
    def back_channel(self) -> BackChannel:
        return _back_channel(self.worker, self.session)

    async def answer(self, served: ServedRequest) -> None:
        self.worker.delivery.send(
            served.session,
            served.message,
            answers=self.request_id,
            record_id=served.record_id,
            learnt=served.session is not self.session,
        )

    async def give_up(self, cancelled: asyncio.CancelledError) -> None:
        if self.worker.draining:  # The client did not ask for it, and its stream may be another worker's.
            message = jsonrpc.error_of(self.request_id, jsonrpc.INTERNAL_ERROR, CUT_SHORT)
            self.worker.delivery.send(self.session, message, answers=self.request_id)
        else:
            self.worker.delivery.give_up(self.session, self.request_id)
