"""Begins and ends MCP sessions, on all workers."""

import asyncio
import time
from contextlib import suppress

from authz_app.policy.decision import Client
from authz_app.policy.principal import Principal
from tools_app.cluster.workers import Workers
from tools_app.conf import conf
from tools_app.sessions.session import LEASE, McpSessionState, SessionsUnavailable
from tools_app.worker.session_events import SessionEvents
from tools_app.worker.tasks import Tasks

EXTENDED = "extended"
# Others may open sessions for the same client meanwhile.
_TRIES = 8


class SessionLifetime:
    """Stores sessions, ends them everywhere, and writes both."""

    def __init__(self, workers: Workers, events: SessionEvents, tasks: Tasks) -> None:
        self._workers = workers
        self._events = events
        self._tasks = tasks

    async def admit(self, session: McpSessionState, client: Client) -> bool:
        """Store a new session. Where its client has too many, one that is not in use gives way; False: there is none.

        Raises:
            SessionsUnavailable: it cannot be stored.
        """
        limit = conf().max_sessions_per_client
        for _ in range(_TRIES):
            if await self._workers.sessions.open(session, limit):
                self._events.opened(session, client)
                return True
            longest_idle = await self._workers.sessions.longest_idle(session.owner)
            if longest_idle is None:
                break
            await self.end(longest_idle, "its client has opened others since it was last used")
        return False

    async def extend(self, session: McpSessionState, presented: Principal) -> None:
        """Store that a session's owner presented a later token, and tell the worker that holds its stream.

        Raises:
            SessionsUnavailable: that cannot be done now.
        """
        await self._workers.sessions.extend(session, presented)
        if session.channel and session.channel != self._workers.channel:
            await self._workers.tell(session.channel, {"type": EXTENDED, "session": session.key})

    async def end(self, key: str, why: str, actor: str = "") -> None:
        """End a session everywhere: forget it, close its stream, cancel its requests. ``actor``: who wants that.

        Raises:
            SessionsUnavailable: the other workers cannot be told.
        """
        if session := await self._workers.sessions.delete(key):
            self._events.closed(key, session, why, actor)
        await self._workers.tell_all({"type": "ended", "session": key, "why": why})

    async def end_or_forget(self, key: str, why: str) -> None:
        """End a session; where that cannot be done now, delete its state later."""
        try:
            await self.end(key, why)
        except SessionsUnavailable:
            self.forget(key, why)

    def forget(self, key: str, why: str) -> None:
        """Delete a session's state, which closes its stream, as soon as that can be done. Never blocks."""
        self._tasks.spawn(self._delete(key, why))

    async def _delete(self, key: str, why: str) -> None:
        """Try until the state would have expired by itself."""
        until, tried = time.monotonic() + LEASE, False
        while time.monotonic() < until and not self._tasks.draining:
            with suppress(SessionsUnavailable):
                session = await self._workers.sessions.delete(key)
                if session or tried:  # It may have been deleted, though the answer did not arrive.
                    self._events.closed(key, session, why)
                return
            tried = True
            await asyncio.sleep(1)
