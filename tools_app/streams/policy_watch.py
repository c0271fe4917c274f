"""Tells open streams and sessions what a change of the policy means for them, however it was made."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from authz_app.policy.decision import Client
from authz_app.policy.policy import Policy
from authz_app.policy_store.store import PolicyStore, PolicyUnavailable
from tools_app.invocation.listing import LIST_CHANGED, Seen, changed_kinds, seen_by
from tools_app.sessions.session import BLOCKED, SessionStore, SessionsUnavailable
from tools_app.streams.open_streams import Listener, OpenStream, OpenStreams
from tools_app.streams.resource_updates import may_read, message_about

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
            has_changed = policy.version != self._version or now >= self._next_moment
            streams = self._streams.all()
            await self._tell(policy, streams if has_changed else [*filter(_is_to_be_told, streams)])
            if has_changed:
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

    async def _tell(self, policy: Policy, streams: Sequence[OpenStream]) -> None:
        for opened in streams:
            client = await self._policy.client_of(opened.caller.principal)
            if client.status == "blocked":
                opened.blocked_since = opened.blocked_since or time.monotonic()
                continue
            opened.blocked_since = None
            if opened.has_expired:
                opened.look_again = True
                continue
            opened.look_again = False
            seen = seen_by(client, opened.caller, policy)
            if opened.seen is not None:
                _tell_of_changes(opened, opened.seen, seen)
            opened.seen = seen
            _tell_of_updates(opened, client, policy)
            await asyncio.sleep(0)


def _is_to_be_told(opened: OpenStream) -> bool:
    return opened.look_again and not opened.has_expired


def _tell_of_updates(opened: OpenStream, client: Client, policy: Policy) -> None:
    updated, opened.updated = opened.updated, frozenset()
    for uri in sorted(updated):
        if may_read(opened.caller.principal, client, uri, policy):
            opened.stream.post(message_about(uri))


def _tell_of_changes(opened: OpenStream, before: Seen, after: Seen) -> None:
    if isinstance(opened, Listener):
        opened.is_behind |= before != after  # It may be that another stream is told, on another worker.
        return
    for kind in changed_kinds(before, after):
        opened.stream.post(LIST_CHANGED[kind])
