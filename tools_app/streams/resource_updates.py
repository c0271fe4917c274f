"""Tells the clients that have subscribed to a resource that it has changed, on the streams of all workers."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from authz_app.policy.decision import Client
from authz_app.policy.policy import Policy, decide
from authz_app.policy.principal import Principal
from authz_app.policy_store.store import PolicyUnavailable
from tools_app.cluster.workers import Workers
from tools_app.invocation.access_request import resource_read
from tools_app.invocation.dependencies import Dependencies
from tools_app.sessions.session import SessionsUnavailable
from tools_app.streams.open_streams import Listener, OpenStream, SessionStream
from tools_app.wire import jsonrpc

logger = logging.getLogger(__name__)
# What changes again within this time is told once.
_GATHER = 0.05
_RETRY = 0.5
_MOST_AT_A_TIME = 200
MESSAGE = "resources updated"


def message_of(uris: Sequence[str]) -> Mapping[str, Any]:
    """The message by which workers tell each other which resources have changed."""
    return {"type": MESSAGE, "uris": list(uris)}


class ResourceUpdates:
    """Passes on what has changed. ``streams`` are those that this worker holds open."""

    def __init__(
        self, dependencies: Dependencies, workers: Workers, streams: Callable[[], Iterable[OpenStream]]
    ) -> None:
        self._dependencies = dependencies
        self._workers = workers
        self._streams = streams
        self._changed: dict[str, None] = {}
        self._passing_on: asyncio.Task[None] | None = None

    def note(self, uri: str) -> None:
        """Tell all workers, soon, that a resource has changed. Never blocks."""
        self._changed[uri] = None
        if self._passing_on is None or self._passing_on.done():
            self._passing_on = asyncio.ensure_future(self._pass_on())

    async def _pass_on(self) -> None:
        await asyncio.sleep(_GATHER)
        while self._changed:
            uris = list(islice(self._changed, _MOST_AT_A_TIME))
            try:
                await self._workers.tell_all(message_of(uris))
            except SessionsUnavailable as error:
                # Streams that miss it for long are closed, and their clients read anew.
                logger.warning("Changes of resources cannot be told: %s", error)
                await asyncio.sleep(_RETRY)
                continue
            for uri in uris:
                del self._changed[uri]

    def stop(self) -> None:
        if self._passing_on is not None:
            self._passing_on.cancel()

    async def tell(self, uris: Sequence[str]) -> None:
        """Tell the clients with a stream on this worker that have subscribed, and may read what has changed."""
        streams = {opened: key for opened in self._streams() if (key := _session_of(opened)) is not None}
        if not streams:
            return
        try:
            policy = await self._dependencies.policy.refreshed()
            keys = sorted({key for key in streams.values() if key})
            subscribed = await self._workers.sessions.subscribed(keys, uris)
            for opened, key in streams.items():
                client = await self._dependencies.policy.client_of(opened.caller.principal)
                _tell(opened, client, [uri for uri in uris if not key or (key, uri) in subscribed], policy)
        except (PolicyUnavailable, SessionsUnavailable) as error:
            logger.warning("Changes of resources cannot be told: %s", error)


def _tell(opened: OpenStream, client: Client, uris: Sequence[str], policy: Policy) -> None:
    if opened.has_expired:  # It is told when its owner presents a valid token: at most what it has subscribed to.
        opened.updated |= {*uris}
        opened.look_again = True
        return
    for uri in uris:
        if may_read(opened.caller.principal, client, uri, policy):
            opened.stream.post(message_about(uri))


def may_read(principal: Principal, client: Client, uri: str, policy: Policy) -> bool:
    read = resource_read(uri)
    return decide(principal, client, read.target(policy), read.decided, policy, time.time()).allowed


def message_about(uri: str) -> Mapping[str, Any]:
    """The notification that a resource has changed."""
    return jsonrpc.notification_of("notifications/resources/updated", {"uri": uri})


def _session_of(opened: OpenStream) -> str | None:
    """The key of the session whose subscriptions decide what a stream is told.

    Empty where the stream itself knows what its client wants; None where another stream is told.
    """
    if isinstance(opened, SessionStream):
        return opened.key
    if isinstance(opened, Listener):
        return opened.session.key if opened.is_chosen else None
    return ""
