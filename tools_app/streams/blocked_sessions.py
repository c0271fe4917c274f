"""Ends the sessions of clients that are blocked, where no stream of a session would do it."""

from collections.abc import Awaitable, Callable

from authz_app.policy.policy import Policy
from tools_app.sessions.session import BLOCKED, SessionStore


class BlockedSessions:
    """Remembers which clients were blocked at the last look. ``end`` ends a session everywhere."""

    def __init__(self, end: Callable[[str, str], Awaitable[None]]) -> None:
        self._end = end
        self._blocked: frozenset[tuple[str, str]] = frozenset()

    async def look(self, policy: Policy, sessions: SessionStore) -> None:
        """End the sessions of those that were blocked since then.

        Raises:
            SessionsUnavailable: some may not have been ended; look again.
        """
        blocked = frozenset(owner for owner, client in policy.clients.items() if client.status == "blocked")
        if new := blocked - self._blocked:
            for session in await sessions.listed():
                if session.lasts_by_use and session.owner[:2] in new:
                    await self._end(session.key, BLOCKED)
        self._blocked = blocked
