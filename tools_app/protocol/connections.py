"""Makes the SDK's connection that a message is served on (mcp 2.3)."""

from typing import NamedTuple

from mcp.server.connection import Connection, NotifyOnlyOutbound
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import InboundLadderRejection, classify_inbound_request

from tools_app.protocol.dispatch_context import MessageDispatch
from tools_app.sessions.session import McpSessionState
from tools_app.wire import jsonrpc
from tools_app.wire.meta import software_in


def connection_for(
    message: jsonrpc.Request | jsonrpc.Notification, session: McpSessionState, dispatch: MessageDispatch
) -> Connection:
    """The SDK's connection for one message.

    Raises:
        MCPError: the message's envelope is not valid, or of a version that is not spoken.
    """
    if dispatch.is_modern:
        route = classify_inbound_request({"method": message.method, "params": message.params})
        if isinstance(route, InboundLadderRejection):
            raise MCPError(code=route.code, message=route.message, data=route.data)
        return Connection.from_envelope(
            route.protocol_version, route.client_info, route.client_capabilities, outbound=NotifyOnlyOutbound(dispatch)
        )
    if not session.protocol_version:
        return Connection.for_loop(dispatch)
    connection = Connection.__new__(Connection)
    connection.__dict__.update(prepared(session).connection.__dict__, outbound=dispatch)
    return connection


class Prepared(NamedTuple):
    """Holds what all messages of a session share: its connection but for the way back, and its client's software.

    Validating what the client said costs more than the rest of a message.
    """

    session: McpSessionState
    connection: Connection
    software: str


_MAX_KNOWN = 1_024
_known: dict[str, Prepared] = {}


def prepared(session: McpSessionState) -> Prepared:
    """Prepare a session once, and return that for each of its messages."""
    known = _known.get(session.key)
    if known is not None and known.session is session:
        return known
    if len(_known) >= _MAX_KNOWN:
        _known.clear()
    connection = Connection.from_envelope(session.protocol_version, session.client_info, session.capabilities)
    new = _known[session.key] = Prepared(session, connection, software_in(session.client_info))
    return new
