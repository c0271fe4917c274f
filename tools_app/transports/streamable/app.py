"""Serves Streamable HTTP at `/mcp`: reads each request, and hands it to the era of the protocol that it belongs to."""

from typing import NoReturn

from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from authz_app.core.asgi import Receive, Scope, Send
from tools_app.protocol.versions import SERVED_VERSIONS, unsupported_version
from tools_app.transports.messages import Posted, read_message
from tools_app.transports.requests import RequestRefused, header_values, method_not_allowed
from tools_app.transports.streamable import handshake, modern
from tools_app.wire.meta import is_modern
from tools_app.worker.worker import Worker


async def streamable_app(scope: Scope, receive: Receive, send: Send, worker: Worker) -> None:
    posted = await read_message(scope, receive) if scope["method"] == "POST" else None
    if not _is_of_modern_era(scope, posted):
        await handshake.serve(scope, receive, send, posted, worker)
    elif posted is None:
        _refuse_without_message(scope)
    else:
        await modern.serve(scope, receive, send, posted, worker)


def _refuse_without_message(scope: Scope) -> NoReturn:
    named = header_values(scope, modern.VERSION_HEADER)
    if any(version not in SERVED_VERSIONS for version in named):
        raise RequestRefused(400, "unsupported_version", unsupported_version())
    raise method_not_allowed("In this protocol version there is POST alone.", "POST")


def _is_of_modern_era(scope: Scope, posted: Posted | None) -> bool:
    """Tell the era by the header, which names a version of the handshake era or none there; or else by the message."""
    named = header_values(scope, modern.VERSION_HEADER)
    if any(version not in HANDSHAKE_PROTOCOL_VERSIONS for version in named):
        return True
    return posted is not None and is_modern(posted.message)
