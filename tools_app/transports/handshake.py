"""The handshake era of Streamable HTTP (2025-11-25 and before)."""

from mcp_types import UNSUPPORTED_PROTOCOL_VERSION
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from authz_app.responses import Receive, Scope, Send
from tools_app.transports.messages import Posted
from tools_app.transports.requests import BadMessage, RequestRefused


async def serve(scope: Scope, receive: Receive, send: Send, posted: Posted | None) -> None:
    """Serve a request of this era. ``posted`` is the message that was read from it; None of what is no POST."""
    if posted is None:
        raise RequestRefused(405, "method_not_allowed", "Send messages with POST.", [(b"allow", b"POST")])
    supported = ", ".join(MODERN_PROTOCOL_VERSIONS)
    raise BadMessage(UNSUPPORTED_PROTOCOL_VERSION, f"The protocol versions served here are: {supported}.")
