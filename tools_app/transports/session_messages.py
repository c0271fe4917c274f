"""What both transports do with a message that belongs to an MCP session."""

from contextlib import suppress

from authz_app.conf import conf as authz_conf
from authz_app.core.asgi import Scope
from authz_app.policy.principal import Principal
from tools_app.conf import conf
from tools_app.invocation.caller import Caller
from tools_app.protocol import kernel
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
    if not await worker.admit(session, client):
        text = f"You have {conf().max_sessions_per_client} open MCP sessions; close some."
        raise RequestRefused(429, "too_many_sessions", text, [(b"retry-after", b"15")])


def expiry_of(principal: Principal) -> float:
    """When a session ends of whose owner this is the latest token."""
    return principal.expires_at + authz_conf().token_leeway


async def extended(worker: Worker, session: McpSessionState, principal: Principal) -> McpSessionState:
    """The session, which lasts as long as the latest token that its owner presents."""
    longer = session.extended_to(expiry_of(principal))
    if longer is not session:
        worker.open.extend(longer.key, longer.expires_at)
        with suppress(SessionsUnavailable):  # Then it ends sooner; the message is served all the same.
            await worker.sessions.extend(longer)
    return longer


def caller_in(scope: Scope, session: McpSessionState, message: jsonrpc.Message | None) -> Caller:
    """Who sent a request, with a message or without, that belongs to a session, and with which client software."""
    return caller_of(
        scope,
        session.transport,
        mcp_session=session.key,
        client_software=kernel.client_software_of(session, message),
        protocol_version=kernel.protocol_version_of(session, message),
    )


def not_now(worker: Worker, key: str, message: jsonrpc.Message | None) -> str:
    """Why a request cannot be taken on, as far as this worker knows, or nothing."""
    if not isinstance(message, jsonrpc.Request):
        return ""
    if worker.in_flight.has(key, message.id):
        return jsonrpc.DUPLICATE_ID
    limit = conf().max_calls_in_flight
    return jsonrpc.too_many_in_flight(limit) if worker.in_flight.count(key) >= limit else ""


async def cancel(worker: Worker, session: McpSessionState, message: jsonrpc.Request | jsonrpc.Notification) -> None:
    """Cancel the request that a ``notifications/cancelled`` names, whichever worker is answering it."""
    request_id = (message.params or {}).get("requestId")
    if isinstance(request_id, str | int) and not isinstance(request_id, bool):
        await worker.cancel(session, request_id)
