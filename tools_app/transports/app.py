"""Serves the MCP paths, each by its transport, behind the checks that all of them share."""

from collections.abc import Awaitable, Callable, Mapping

from django.conf import settings

from authz_app.audit.entries import AuditUnavailable
from authz_app.conf import conf as authz_conf
from authz_app.core.asgi import Receive, Scope, Send, send_json
from authz_app.policy_store.store import PolicyUnavailable
from authz_app.tokens.errors import AuthenticationError
from authz_app.tokens.middleware import BearerTokenMiddleware
from authz_app.tokens.verifier import verifier
from tools_app.invocation.caller import SSE, STREAMABLE, Caller
from tools_app.invocation.refusals import refusal
from tools_app.sessions.session import SessionsUnavailable
from tools_app.transports.admission import caller_of
from tools_app.transports.cors import answer_preflight, is_preflight, readable_by_its_origin
from tools_app.transports.requests import (
    MESSAGE,
    BadMessage,
    RequestRefused,
    check_origin,
    client_address,
    refusal_body,
)
from tools_app.transports.sse import messages_app, sse_app
from tools_app.transports.streamable.app import streamable_app
from tools_app.wire import jsonrpc
from tools_app.worker.process import process_worker
from tools_app.worker.worker import Worker

_PATHS: Mapping[str, Callable[[Scope, Receive, Send, Worker], Awaitable[None]]] = {
    "/mcp": streamable_app,
    "/sse": sse_app,
    "/messages": messages_app,
    "/messages/": messages_app,
}
MCP_PATHS = frozenset(_PATHS)


async def _transport(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve an authenticated request, or answer why not."""
    worker = process_worker()
    worker.start()
    try:
        await _PATHS[scope["path"]](scope, receive, send, worker)
    except RequestRefused as refused:
        await _refuse_call(scope, send, refused, worker)
    except BadMessage as bad:
        text, data = await refusal(str(bad), bad.request, _caller(scope), worker.dependencies)
        await send_json(send, 400, jsonrpc.error_of(bad.id, bad.code, text, data or None))
    except SessionsUnavailable as unavailable:
        await _refuse_call(scope, send, _unavailable(unavailable), worker)
    except (PolicyUnavailable, AuditUnavailable) as unavailable:
        await _refuse(scope, send, _unavailable(unavailable))


def _unavailable(error: Exception) -> RequestRefused:
    return RequestRefused(503, "unavailable", str(error), [(b"retry-after", b"1")])


def _caller(scope: Scope) -> Caller:
    return caller_of(scope, STREAMABLE if scope["path"].startswith("/mcp") else SSE)


async def _refuse_call(scope: Scope, send: Send, refused: RequestRefused, worker: Worker) -> None:
    """Refuse a request whose caller is known: if it is a call, with a record."""
    message = None if refused.recorded else scope.get(MESSAGE)
    text, data = await refusal(str(refused), message, _caller(scope), worker.dependencies)
    if refused.status == 404:  # A session that is somebody else's is answered as one that never was, to the letter.
        text, data = str(refused), {}
    await send_json(
        send, refused.status, refusal_body(scope, refused.status, refused.error, text, data), refused.headers
    )


def _token_refused(scope: Scope, error: AuthenticationError) -> None:
    process_worker().refused.token(error, client_address(scope, authz_conf()))


_authenticated = BearerTokenMiddleware(_transport, verifier, _token_refused, refusal_body)


async def mcp_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve an HTTP request on one of ``MCP_PATHS``, or below one, where nothing is."""
    try:
        check_origin(scope, settings.ALLOWED_HOSTS, authz_conf().allowed_origins)
    except RequestRefused as refused:
        process_worker().refused.request(refused.error, str(refused), client_address(scope, authz_conf()))
        await _refuse(scope, send, refused)
        return
    send = readable_by_its_origin(scope, send)
    if is_preflight(scope):
        await answer_preflight(scope, send)
    elif scope["path"] not in MCP_PATHS:
        url = authz_conf().public_url
        await _refuse(scope, send, RequestRefused(404, "not_found", f"Nothing is here. Use {url}/mcp or {url}/sse."))
    else:
        await _authenticated(scope, receive, send)


async def _refuse(scope: Scope, send: Send, refused: RequestRefused) -> None:
    body = refusal_body(scope, refused.status, refused.error, str(refused))
    await send_json(send, refused.status, body, refused.headers)
