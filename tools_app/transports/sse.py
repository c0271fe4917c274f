"""HTTP+SSE (MCP 2024-11-05, Transports): `GET /sse` opens a stream, `POST /messages/` sends one message to its server.

Raw ASGI behind the bearer-token middleware, so every request here has its own verified principal. The stream only
delivers; each POST is decided by its own token, answered 202, and worked on in a task of its own.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from authz_app.conf import conf as authz_conf
from authz_app.principal import Principal
from authz_app.responses import Receive, Scope, Send
from tools_app import invocation, jsonrpc, kernel, strict_json
from tools_app.caller import Caller
from tools_app.conf import conf
from tools_app.event_stream import EventStream
from tools_app.invocation import visible_tools
from tools_app.open_sessions import OpenSession
from tools_app.sessions import McpSession, new_session_id, session_key
from tools_app.transports.requests import BadMessage, RequestRefused, check_is_json, client_address, read_body
from tools_app.worker import Worker, worker

logger = logging.getLogger(__name__)

TRANSPORT = "sse"
_SESSION_ID = re.compile(r"[0-9a-f]{32}")
_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]
_SHUTTING_DOWN = RequestRefused(503, "shutting_down", "This worker is shutting down.", [(b"retry-after", b"1")])
_NO_SESSION = "There is no such MCP session. Open one with GET /sse."


async def sse_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve `GET /sse`."""
    if scope["method"] != "GET":
        raise RequestRefused(405, "method_not_allowed", "Open a stream with GET /sse.", [(b"allow", b"GET")])
    here = worker()
    session_id = new_session_id()
    opened = await _open(scope, here, session_key(session_id))
    opened.stream.post_event("endpoint", f"/messages/?session_id={session_id}".encode())
    try:
        await _deliver(opened, receive, send)
    finally:
        here.open.remove(opened.key)
        await here.sessions.delete(opened.key)
        here.in_flight.cancel_session(opened.key)
        logger.info("MCP session %s closed: %s", opened.key, opened.stream.ended or "the client left")


async def _open(scope: Scope, here: Worker, key: str) -> OpenSession:
    principal: Principal = scope["principal"]
    caller = Caller(principal, "", key, TRANSPORT, "", client_address(scope, authz_conf()))
    policy = await here.rooms.policy.refreshed()
    client = await here.rooms.policy.client_of(principal)
    if client.status == "blocked":
        await _refuse_blocked(caller, None, here)
    if here.draining:
        raise _SHUTTING_DOWN
    limit = conf().max_sessions_per_client
    if await here.sessions.count(principal.owner) >= limit:
        raise RequestRefused(
            429, "too_many_sessions", f"You have {limit} open MCP sessions; close some.", [(b"retry-after", b"15")]
        )
    session = McpSession(key, principal.owner, here.name, principal.expires_at + authz_conf().token_leeway)
    await here.sessions.put(session)
    stream = EventStream(conf().max_queued_bytes, conf().heartbeat)
    visible = visible_tools(client, caller, policy)
    opened = OpenSession(key, caller, stream, session.expires_at, frozenset(tool.name for tool in visible))
    here.open.add(opened)
    logger.info("MCP session %s opened for %s", key, client.name or client.subject)
    return opened


async def _deliver(opened: OpenSession, receive: Receive, send: Send) -> None:
    """Send what is queued until the stream ends or the client leaves."""
    leaving = asyncio.ensure_future(_left(opened.stream, receive))
    opened.stream.start_heartbeat()
    sending = asyncio.current_task()
    assert sending is not None
    opened.stream.on_overflow = sending.cancel
    try:
        await send({"type": "http.response.start", "status": 200, "headers": _STREAM_HEADERS})
        while (chunk := await opened.stream.next()) is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except asyncio.CancelledError:
        # Cancelled by its own overflow: the reader does not read, so the response is left unfinished and cut off.
        if not opened.stream.overflowed:
            raise
    finally:
        opened.stream.on_overflow = None
        opened.stream.stop_heartbeat()
        leaving.cancel()


async def _left(stream: EventStream, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.end("the client left")


async def _refuse_blocked(caller: Caller, message: jsonrpc.Message | None, here: Worker) -> None:
    """Record and refuse what a blocked client asks for outside a session: with 403, since 401 would start a login.

    Returns where it turns out not to be blocked.

    Raises:
        RequestRefused: the client is blocked.
    """
    name, arguments = called_tool(message)
    record_id = await invocation.record_blocked(caller, name, arguments, here.rooms)
    if record_id is not None:
        text = f"Your client is blocked here. Record {record_id}; ask {here.rooms.contact}."
        raise RequestRefused(403, "client_blocked", text)


def called_tool(message: jsonrpc.Message | None) -> tuple[str | None, dict[str, Any]]:
    """The name and arguments of a tools/call; of anything else no name and no arguments."""
    if not isinstance(message, jsonrpc.Request) or message.method != "tools/call" or message.params is None:
        return None, {}
    name, arguments = message.params.get("name"), message.params.get("arguments")
    return (name if isinstance(name, str) else ""), (arguments if isinstance(arguments, dict) else {})


async def messages_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve `POST /messages/?session_id=...`."""
    if scope["method"] != "POST":
        raise RequestRefused(405, "method_not_allowed", "Send messages with POST.", [(b"allow", b"POST")])
    key = session_key(_session_id(scope))
    check_is_json(scope)
    message = _message(await read_body(scope, receive, conf().max_body_bytes))
    here = worker()
    principal: Principal = scope["principal"]
    session = await here.sessions.get(key)
    if session is None or not session.is_of(principal):
        await here.rooms.policy.refreshed()
        client = await here.rooms.policy.client_of(principal)
        if client.status == "blocked":
            address = client_address(scope, authz_conf())
            await _refuse_blocked(Caller(principal, "", "", TRANSPORT, "", address), message, here)
        raise RequestRefused(404, "no_session", _NO_SESSION)
    if here.draining:
        raise _SHUTTING_DOWN
    session = await _extended(here, session, principal)
    _accept(scope, here, session, message)
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"8")]})
    await send({"type": "http.response.body", "body": b"Accepted"})


async def _extended(here: Worker, session: McpSession, principal: Principal) -> McpSession:
    """The session, which lasts as long as the latest token that its owner presents."""
    extended = session.extended_to(principal.expires_at + authz_conf().token_leeway)
    if extended is not session:
        await here.sessions.put(extended)
        here.open.extend(extended.key, extended.expires_at)
    return extended


def _session_id(scope: Scope) -> str:
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


def _message(body: bytes) -> jsonrpc.Message:
    try:
        return jsonrpc.read(strict_json.parse(body, conf().max_json_depth))
    except strict_json.JsonRefused as error:
        raise BadMessage(jsonrpc.PARSE_ERROR, f"The body is refused: {error}.") from None
    except jsonrpc.NotAMessage as error:
        raise BadMessage(jsonrpc.INVALID_REQUEST, f"Not a JSON-RPC 2.0 message: {error}.") from None


def _accept(scope: Scope, here: Worker, session: McpSession, message: jsonrpc.Message) -> None:
    """Start the work that a message asks for, in a task of its own: it goes on after the 202."""
    if isinstance(message, jsonrpc.Response):
        here.replies.deliver(session.key, message)
        return
    if message.method == "notifications/cancelled":
        _cancel(here, session, message)
        return
    caller = Caller(
        scope["principal"],
        kernel.client_software_of(session, message),
        session.key,
        TRANSPORT,
        kernel.protocol_version_of(session, message),
        client_address(scope, authz_conf()),
    )
    link = kernel.Link(partial(_post, here, session.key), here.replies)
    if isinstance(message, jsonrpc.Notification):
        here.spawn(kernel.serve_notification(message, session, link, caller, here.rooms))
    elif refusal := _not_now(here, session, message):
        link.post(jsonrpc.error_of(message.id, jsonrpc.SERVER_BUSY, refusal))
    else:
        task = here.spawn(_answer(here, message, session, link, caller))
        here.in_flight.add(session.key, message.id, task)


def _not_now(here: Worker, session: McpSession, request: jsonrpc.Request) -> str:
    """Why a request cannot be taken on, or nothing."""
    if here.in_flight.has(session.key, request.id):
        return "A request with this id is being answered already."
    limit = conf().max_calls_in_flight
    if here.in_flight.count(session.key) >= limit:
        return f"This MCP session has {limit} requests in flight; wait for an answer first."
    return ""


def _cancel(here: Worker, session: McpSession, message: jsonrpc.Request | jsonrpc.Notification) -> None:
    request_id = (message.params or {}).get("requestId")
    if isinstance(request_id, str | int) and not isinstance(request_id, bool):
        here.in_flight.cancel(session.key, request_id)


async def _answer(
    here: Worker, request: jsonrpc.Request, session: McpSession, link: kernel.Link, caller: Caller
) -> None:
    answer = await kernel.serve_request(request, session, link, caller, here.rooms)
    if answer.session is not session:
        # Stored before the answer leaves: the next message may reach another worker.
        latest = await here.sessions.get(session.key)
        if latest is not None:
            await here.sessions.put(answer.session.extended_to(latest.expires_at))
    link.post(answer.message)


def _post(here: Worker, key: str, message: Mapping[str, Any]) -> bool:
    """Queue a message for the session's stream."""
    opened = here.open.get(key)
    return opened is not None and opened.stream.post(message)
