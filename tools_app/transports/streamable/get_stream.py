"""Serves `GET /mcp`: a stream on which a session's client hears of what belongs to no request."""

import logging
import secrets
from contextlib import suppress

from authz_app.core.asgi import Receive, Scope, Send
from tools_app.conf import conf
from tools_app.sessions.session import McpSessionState, SessionsUnavailable
from tools_app.streams.event_stream import PING, EventStream
from tools_app.streams.open_streams import Listener
from tools_app.transports.session_messages import caller_in
from tools_app.transports.streaming import deliver
from tools_app.worker.worker import Worker

logger = logging.getLogger(__name__)


async def serve_get_stream(
    scope: Scope, receive: Receive, send: Send, session: McpSessionState, worker: Worker
) -> None:
    """Open the stream, and send on it until the client leaves or the session ends."""
    stream = EventStream(conf().max_queued_bytes, conf().heartbeat)
    stream.queue(PING)  # With the first bytes of the body the client gets to see the head.
    key = f"{session.key}.{secrets.token_hex(4)}"
    listener = Listener(key, caller_in(scope, session, None), stream, session.expires_at, session=session)
    try:
        await worker.watch.add_current(listener)
        await deliver(stream, receive, send)
    finally:
        worker.streams.remove(key)
        with suppress(SessionsUnavailable):  # The store gives it up after a lease.
            await worker.sessions.unlisten(session.key, key)
        logger.info("A stream of MCP session %s closed: %s", session.key, stream.ended or "the client left")
