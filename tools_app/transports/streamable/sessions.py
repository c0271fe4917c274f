"""Opens the MCP sessions of the handshake era at `/mcp`, and finds the session that a request belongs to."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from authz_app.core.asgi import Scope
from authz_app.policy.principal import Principal
from tools_app.invocation.caller import STREAMABLE, Caller
from tools_app.invocation.listing import Seen, digest_of, seen_by
from tools_app.protocol import kernel
from tools_app.protocol.exchange import BackChannel
from tools_app.sessions.session import (
    BLOCKED,
    Acceptance,
    McpSessionState,
    SessionsUnavailable,
    new_session_id,
    session_key,
)
from tools_app.transports.admission import SHUTTING_DOWN, caller_of, refuse_blocked
from tools_app.transports.messages import is_decided
from tools_app.transports.requests import RequestRefused, header_values
from tools_app.transports.session_messages import admit, caller_in, expiry_of, extended, not_now
from tools_app.transports.streaming import Headers
from tools_app.wire import jsonrpc
from tools_app.worker.worker import Worker

logger = logging.getLogger(__name__)

_SESSION_HEADER = b"mcp-session-id"
_NO_SESSION = "There is no such MCP session. Send an initialize request without Mcp-Session-Id to open one."
_NO_ID = "Send the Mcp-Session-Id that came with the answer to initialize, and send it once."


@dataclass(frozen=True, slots=True)
class InitializeResponse:
    """The answer to an initialize request, and the headers that go with it."""

    message: Mapping[str, Any]
    headers: Headers


async def open_session(scope: Scope, request: jsonrpc.Request, worker: Worker) -> InitializeResponse:
    """Answer an initialize request, and open the session, which is stored before its id leaves.

    Raises:
        RequestRefused: the client is blocked, or has too many sessions.
    """
    principal: Principal = scope["principal"]
    caller = caller_of(scope, STREAMABLE)
    await refuse_blocked(caller, None, worker)
    session_id = new_session_id()
    session = McpSessionState(
        _key_of(session_id),
        principal.owner,
        worker="",
        expires_at=expiry_of(principal),
        address=caller.address,
        transport="streamable",
        told=digest_of(await _seen_now(caller, worker)),
    )
    answer = await kernel.serve_request(request, session, nowhere(worker), caller, worker.dependencies)
    if not answer.session.protocol_version:
        return InitializeResponse(answer.message, ())
    await admit(worker, answer.session, principal)
    logger.info("MCP session %s opened for %s", session.key, principal.subject)
    return InitializeResponse(answer.message, [(_SESSION_HEADER, session_id.encode())])


def nowhere(worker: Worker) -> BackChannel:
    """The way back for a message that is not answered on a response of its own."""
    return BackChannel(lambda message: False, worker.replies)


async def _seen_now(caller: Caller, worker: Worker) -> Seen:
    """What the caller can see as its session begins: when it listens, it is told what has changed since."""
    policy = await worker.dependencies.policy.policy()
    return seen_by(await worker.dependencies.policy.client_of(caller.principal), caller, policy)


async def accepted_session(scope: Scope, message: jsonrpc.Message | None, worker: Worker) -> Acceptance:
    """Find the session that an HTTP request belongs to, and use it by this; note a message that is to be answered.

    Raises:
        RequestRefused: there is none, or not for this principal, or its client is blocked, which ends it.
    """
    principal: Principal = scope["principal"]
    ids = session_ids(scope)
    if len(ids) != 1:
        raise RequestRefused(400, "no_session_id", _NO_ID)
    key = _key_of(ids[0])
    refusal = not_now(worker, key, message)
    request_id = message.id if isinstance(message, jsonrpc.Request) and not refusal else None
    accepted = await worker.sessions.accept(key, principal.owner, request_id)
    if accepted is None:
        await refuse_blocked(caller_of(scope, STREAMABLE), message, worker)
        raise RequestRefused(404, "no_session", _NO_SESSION)
    try:
        session = await extended(worker, accepted.session, principal)
        is_decided_later = message is not None and is_decided(message) and not (refusal or accepted.refusal)
        if not is_decided_later:
            await _check_not_blocked(scope, message, session, worker)
        if worker.draining:  # By now: nobody would wait for the work.
            raise SHUTTING_DOWN
    except BaseException:  # noqa: BLE001  (the server may cancel this; it is raised again)
        if request_id is not None and not accepted.refusal:
            await release(worker, accepted.session, request_id)
        raise
    return Acceptance(session, refusal or accepted.refusal)


async def _check_not_blocked(
    scope: Scope, message: jsonrpc.Message | None, session: McpSessionState, worker: Worker
) -> None:
    try:
        await refuse_blocked(caller_in(scope, session, message), message, worker)
    except RequestRefused:
        await end_blocked(worker, session)
        raise


async def end_blocked(worker: Worker, session: McpSessionState) -> None:
    """End the session of a blocked client. It is told that it is blocked, whether this works or not."""
    try:
        await worker.lifetime.end(session.key, BLOCKED)
    except SessionsUnavailable:
        logger.warning("MCP session %s could not be ended, though %s", session.key, BLOCKED)


def session_ids(scope: Scope) -> list[str]:
    return header_values(scope, _SESSION_HEADER)


def _key_of(session_id: str) -> str:
    """The key of a session, never that of the same id over HTTP+SSE: neither transport takes the other's sessions."""
    return session_key(f"{STREAMABLE} {session_id}")


async def release(worker: Worker, session: McpSessionState, request_id: jsonrpc.RequestId) -> None:
    """Note that a request that was accepted has been answered, or will not be."""
    with suppress(SessionsUnavailable):  # The store makes up for it.
        await worker.sessions.release(session, request_id)
