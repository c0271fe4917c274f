"""Turns away, on every transport, blocked clients, and everybody while the worker drains."""

from authz_app.conf import conf as authz_conf
from authz_app.core.asgi import Scope, host_of
from tools_app.invocation import invoke as invocation
from tools_app.invocation.access_request import access_request_of
from tools_app.invocation.caller import Caller
from tools_app.transports.requests import RequestRefused, client_address
from tools_app.wire import jsonrpc
from tools_app.worker.worker import Worker

# On a new connection the next try reaches another worker, if there is one.
SHUTTING_DOWN = RequestRefused(
    503, "shutting_down", "This worker is shutting down.", [(b"retry-after", b"1"), (b"connection", b"close")]
)
CUT_SHORT = (
    "The worker that was answering this request was shut down before it was done. If it was a call, it was cancelled;"
    " see its record before you repeat it."
)


def caller_of(
    scope: Scope, transport: str, *, mcp_session: str = "", client_software: str = "", protocol_version: str = ""
) -> Caller:
    """The caller: who sent an authenticated request, and from where."""
    address = client_address(scope, authz_conf())
    return Caller(
        scope["principal"], client_software, mcp_session, transport, protocol_version, address, host_of(scope)
    )


async def refuse_blocked(caller: Caller, message: jsonrpc.Message | None, worker: Worker) -> None:
    """Refuse what a blocked client asks for, and record it: with 403, since 401 would start a login.

    Returns where the client is not blocked.

    Raises:
        RequestRefused: the client is blocked.
    """
    await worker.dependencies.policy.refreshed()
    client = await worker.dependencies.policy.client_of(caller.principal)
    if client.status != "blocked":
        return
    record_id = await invocation.record_blocked(caller, access_request_of(message), worker.dependencies)
    if record_id is not None:
        text = f"Your client is blocked here. Record {record_id}; ask {worker.dependencies.contact}."
        refused = RequestRefused(403, "client_blocked", text)
        refused.recorded = True
        raise refused
