"""Opens the stream of `subscriptions/listen`, under watch like those of sessions, until its token expires."""

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp.shared.exceptions import MCPError

from authz_app.policy_store.store import PolicyUnavailable
from tools_app.invocation.caller import Caller
from tools_app.sessions.session import BLOCKED
from tools_app.streams.notifications import NotificationStream
from tools_app.streams.open_streams import Subscription
from tools_app.transports.session_messages import expiry_of
from tools_app.wire.jsonrpc import INTERNAL_ERROR
from tools_app.worker.worker import Worker

logger = logging.getLogger(__name__)
_DRAINING = "the server is shutting down"


@asynccontextmanager
async def subscribed(
    notifications: NotificationStream, *, caller: Caller, worker: Worker
) -> AsyncIterator[Subscription]:
    """Put a stream of notifications under watch, for as long as the context lasts."""
    key = f"listen.{secrets.token_hex(8)}"
    subscription = Subscription(key, caller, notifications, expiry_of(caller.principal))
    try:
        await _begin(subscription, worker)
        yield subscription
    finally:
        worker.streams.remove(key)
        logger.info(
            "A subscription of %s closed: %s", caller.principal.subject, notifications.ended or "the client left"
        )


async def _begin(subscription: Subscription, worker: Worker) -> None:
    try:
        client = await worker.watch.add_current(subscription)
    except PolicyUnavailable as error:
        raise MCPError(INTERNAL_ERROR, str(error)) from error
    if client.status == "blocked":
        subscription.stream.end(BLOCKED)
    elif worker.draining:
        subscription.stream.end(_DRAINING)
