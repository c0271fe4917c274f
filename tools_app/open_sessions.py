"""The streams that this worker holds open, and what a change of the policy means for each of them."""

import asyncio
import logging
import time
from dataclasses import dataclass

from authz_app.policy import Policy
from authz_app.policy_store import PolicyUnavailable
from tools_app import jsonrpc
from tools_app.caller import Caller
from tools_app.event_stream import EventStream
from tools_app.invocation import Rooms, visible_tools
from tools_app.sessions import SessionStore

logger = logging.getLogger(__name__)
_WATCH_EVERY = 1.0
_BLOCKED_GRACE = 5.0
_LIST_CHANGED = jsonrpc.notification_of("notifications/tools/list_changed", None)


@dataclass(slots=True, eq=False)
class OpenSession:
    """A stream of this worker, for whom it is, and the names of the tools that its owner could call when last looked.

    ``expires_at`` is in seconds since the epoch.
    """

    key: str
    caller: Caller
    stream: EventStream
    expires_at: float
    visible: frozenset[str] | None = None


class OpenSessions:
    """Streams by session key. Watches the policy for as long as there are any."""

    def __init__(self, rooms: Rooms, store: SessionStore) -> None:
        self._rooms = rooms
        self._store = store
        self._sessions: dict[str, OpenSession] = {}
        self._watching: asyncio.Task[None] | None = None
        self._watched_version = 0

    def get(self, key: str) -> OpenSession | None:
        return self._sessions.get(key)

    def add(self, session: OpenSession) -> None:
        self._sessions[session.key] = session
        session.stream.on_heartbeat = lambda: self._check(session)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.ensure_future(self._watch())

    def remove(self, key: str) -> None:
        self._sessions.pop(key, None)

    def end_all(self, why: str) -> None:
        """End every stream after what is queued for it, and stop watching."""
        for session in list(self._sessions.values()):
            session.stream.end(why)
        if self._watching is not None:
            self._watching.cancel()

    def extend(self, key: str, expires_at: float) -> None:
        """The owner presented a token that expires at this time; the session lasts at least that long."""
        session = self._sessions.get(key)
        if session is not None:
            session.expires_at = max(session.expires_at, expires_at)

    def _check(self, session: OpenSession) -> None:
        if session.expires_at <= time.time():
            session.stream.end("the latest token that its owner presented has expired")

    async def _watch(self) -> None:
        """Notice changes of the policy, however they were made, and tell the sessions that they concern."""
        while self._sessions:
            await asyncio.sleep(_WATCH_EVERY)
            for session in list(self._sessions.values()):
                self._check(session)
            try:
                policy = await self._rooms.policy.refreshed()
                if policy.version != self._watched_version:
                    await self._tell(policy)
                    self._watched_version = policy.version
            except PolicyUnavailable:
                continue  # Nothing is decided meanwhile either; the next round tells what changed.

    async def _tell(self, policy: Policy) -> None:
        for session in list(self._sessions.values()):
            client = await self._rooms.policy.client_of(session.caller.principal)
            if client.status == "blocked":
                # Long enough for the owner's next call to be refused with a reason rather than with a closed stream.
                asyncio.get_running_loop().call_later(_BLOCKED_GRACE, session.stream.end, "its client is blocked")
                continue
            visible = frozenset(tool.name for tool in visible_tools(client, session.caller, policy))
            if session.visible is not None and visible != session.visible:
                session.stream.post(_LIST_CHANGED)
            session.visible = visible
            await asyncio.sleep(0)
