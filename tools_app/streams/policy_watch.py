"""Tells open streams and sessions what a change of the policy means for them, however it was made."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from authz_app.policy.policy import Policy
from authz_app.policy_store.store import PolicyStore, PolicyUnavailable
from tools_app.invocation.listing import LIST_CHANGED, Seen, changed_kinds, seen_by
from tools_app.sessions.session import BLOCKED, SessionStore, SessionsUnavailable
from tools_app.streams.open_streams import Listener, OpenStream, OpenStreams

# Long enough for the owner's next call to be refused with a reason rather than with a closed stream.
_BLOCKED_GRACE = 5.0


class PolicyWatch:
    """Tells streams which lists of their owners have changed, and ends what belongs to blocked clients.

    ``end`` ends a session everywhere.
    """

    def __init__(
        self,
        policy: PolicyStore,
        sessions: SessionStore,
        streams: OpenStreams,
        end: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._policy = policy
        self._sessions = sessions
        self._streams = streams
        self._end = end
        self._blocked: frozenset[tuple[str, str]] = frozenset()
        self._version = 0
        # When the window of some rule opens or closes.
        self._next_moment = 0.0

    async def look(self) -> None:
        """Tell what has changed since the last look; where the policy cannot be read, the next look does."""
        # Nothing is decided while the policy cannot be read.
        with suppress(PolicyUnavailable, SessionsUnavailable):
            policy, now = await self._policy.refreshed(), time.time()
            if policy.version != self._version or now >= self._next_moment:
                await self._tell(policy)
                await self._end_sessions_of_blocked(policy)
                self._version, self._next_moment = policy.version, policy.next_moment(now)

    def end_blocked(self) -> None:
        """End the streams of clients that have been blocked for a while."""
        for opened in self._streams.all():
            if opened.blocked_since is not None and time.monotonic() - opened.blocked_since > _BLOCKED_GRACE:
                opened.stream.end(BLOCKED)

    async def _end_sessions_of_blocked(self, policy: Policy) -> None:
        """End the sessions that last by use, of those clients that were blocked since the last look."""
        blocked = frozenset(owner for owner, client in policy.clients.items() if client.status == "blocked")
        if new := blocked - self._blocked:
            for session in await self._sessions.listed():
                if session.lasts_by_use and session.owner[:2] in new:
                    await self._end(session.key, BLOCKED)
        self._blocked = blocked

    async def _tell(self, policy: Policy) -> None:
        for opened in self._streams.all():
            client = await self._policy.client_of(opened.caller.principal)
            if client.status == "blocked":
                opened.blocked_since = opened.blocked_since or time.monotonic()
                continue
            opened.blocked_since = None
            seen = seen_by(client, opened.caller, policy)
            if opened.seen is not None:
                _tell_of_changes(opened, opened.seen, seen)
            opened.seen = seen
            await asyncio.sleep(0)


def _tell_of_changes(opened: OpenStream, before: Seen, after: Seen) -> None:
    if isinstance(opened, Listener):
        opened.is_behind |= before != after  # It may be that another stream is told, on another worker.
        return
    for kind in changed_kinds(before, after):
        opened.stream.post(LIST_CHANGED[kind])
