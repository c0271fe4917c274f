"""Serves the messages that belong to an MCP session, whichever transport brings them."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from authz_app.conf import conf as authz_conf
from authz_app.core.asgi import Scope
from authz_app.policy.principal import Principal
from tools_app.conf import conf
from tools_app.invocation.caller import Caller
from tools_app.invocation.refusals import refusal
from tools_app.protocol import kernel
from tools_app.protocol.exchange import BackChannel
from tools_app.sessions.session import McpSessionState, SessionsUnavailable
from tools_app.transports.admission import caller_of
from tools_app.transports.requests import RequestRefused
from tools_app.wire import jsonrpc
from tools_app.worker.worker import Worker


async def admit(worker: Worker, session: McpSessionState, principal: Principal) -> None:
    """Store a new session.

    Raises:
        RequestRefused: its client has too many already, and all of them are in use.
    """
    client = await worker.dependencies.policy.client_of(principal)
    if not await worker.lifetime.admit(session, client):
        text = f"You have {conf().max_sessions_per_client} open MCP sessions; close some."
        raise RequestRefused(429, "too_many_sessions", text, [(b"retry-after", b"15")])


def expiry_of(principal: Principal) -> float:
    """When a session falls silent if no later token than this principal's is presented, in seconds since the epoch."""
    return principal.expires_at + authz_conf().token_leeway


async def extended(worker: Worker, session: McpSessionState, principal: Principal) -> McpSessionState:
    """Let the session go on for as long as the latest token that its owner presents; returns it so."""
    longer = session.extended_to(expiry_of(principal))
    if longer is not session:
        worker.streams.extend(longer.key, longer.expires_at, principal)
        with suppress(SessionsUnavailable):  # Then it is silent sooner; the message is served all the same.
            await worker.lifetime.extend(longer, principal)
    return longer


def caller_in(scope: Scope, session: McpSessionState, message: jsonrpc.Message | None) -> Caller:
    """The caller: who sent a request that belongs to a session, and with which client software."""
    return caller_of(
        scope,
        session.transport,
        mcp_session=session.key,
        client_software=kernel.client_software_of(session, message),
        protocol_version=kernel.protocol_version_of(session, message),
    )


def not_now(worker: Worker, key: str, message: jsonrpc.Message | None) -> str:
    """Why a request cannot be taken on, as far as this worker knows; empty where it can."""
    if not isinstance(message, jsonrpc.Request):
        return ""
    if worker.in_flight.has(key, message.id):
        return jsonrpc.DUPLICATE_ID
    limit = conf().max_calls_in_flight
    return jsonrpc.too_many_in_flight(limit) if worker.in_flight.count(key) >= limit else ""


async def busy(worker: Worker, request: jsonrpc.Request, caller: Caller, why: str) -> dict[str, Any]:
    """The answer to a request that cannot be taken on now."""
    text, data = await refusal(why, request, caller, worker.dependencies)
    return jsonrpc.error_of(request.id, jsonrpc.SERVER_BUSY, text, data or None)


class AnswerPath(Protocol):
    """Brings the answer to one request in a session to its client."""

    @property
    def back_channel(self) -> BackChannel:
        """The way for what comes before the answer."""

    async def answer(self, served: kernel.ServedRequest) -> None:
        """Send the answer."""

    async def give_up(self, cancelled: asyncio.CancelledError) -> None:
        """Say what is left to be said where there is no answer: the request was cancelled."""


def serve_request(
    worker: Worker, request: jsonrpc.Request, session: McpSessionState, caller: Caller, path: AnswerPath
) -> None:
    """Start the work that a request asks for, in a task of its own: it goes on when the client has left."""
    task = worker.tasks.spawn(_serve(worker, request, session, caller, path))
    worker.in_flight.add(session.key, request.id, task)


async def _serve(
    worker: Worker, request: jsonrpc.Request, session: McpSessionState, caller: Caller, path: AnswerPath
) -> None:
    try:
        served = await kernel.serve_request(request, session, path.back_channel, caller, worker.dependencies)
    except asyncio.CancelledError as cancelled:
        await path.give_up(cancelled)
        raise
    try:
        served = await _stored(worker, request, session, served)
    finally:  # What is known by now is answered, even if the session ends.
        await path.answer(served)


async def _stored(
    worker: Worker, request: jsonrpc.Request, session: McpSessionState, served: kernel.ServedRequest
) -> kernel.ServedRequest:
    """Store what a request changed of its session before it is answered: the next may reach another worker."""
    if served.session is not session:
        try:
            await worker.sessions.update(served.session)
        except SessionsUnavailable as error:
            return replace(served, message=jsonrpc.error_of(request.id, jsonrpc.INTERNAL_ERROR, str(error)))
    return served


async def take(
    worker: Worker,
    scope: Scope,
    message: jsonrpc.Response | jsonrpc.Notification,
    session: McpSessionState,
    back_channel: BackChannel,
) -> None:
    """Take a message that is not answered."""
    if isinstance(message, jsonrpc.Response):
        await worker.delivery.reply(session, message)
    elif message.method == "notifications/cancelled":
        await cancel(worker, session, message)
    else:
        caller = caller_in(scope, session, message)
        work = kernel.serve_notification(message, session, back_channel, caller, worker.dependencies)
        worker.tasks.spawn(work)


async def cancel(worker: Worker, session: McpSessionState, message: jsonrpc.Request | jsonrpc.Notification) -> None:
    """Cancel the request that a ``notifications/cancelled`` names, whichever worker is answering it."""
    request_id = (message.params or {}).get("requestId")
    if isinstance(request_id, str | int) and not isinstance(request_id, bool):
        await worker.cancel(session, request_id)
