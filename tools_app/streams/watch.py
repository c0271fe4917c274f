"""The streams that this worker holds open: kept whole, and told what a change of the policy means for them."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import orjson

from authz_app.policy.policy import Policy
from authz_app.policy_store.store import PolicyUnavailable
from tools_app.cluster.workers import Workers
from tools_app.invocation.dependencies import Dependencies
from tools_app.invocation.listing import Seen, changed_kinds, list_changed, seen_by
from tools_app.sessions.session import EXPIRED, Lease, SessionsUnavailable
from tools_app.streams.blocked_sessions import BLOCKED, BlockedSessions
from tools_app.streams.listeners import Listeners, keep_listening
from tools_app.streams.open_streams import Listener, OpenStream, SessionStream, Subscription
from tools_app.wire import jsonrpc

logger = logging.getLogger(__name__)
_WATCH_EVERY = 1.0
_LOOK = 1.0
_POLL = 0.2
# Long enough for the owner's next call to be refused with a reason rather than with a closed stream.
_BLOCKED_GRACE = 5.0
# A message may be on its way for this long before it counts as lost.
_GAP_GRACE = 3.0
_OUTAGE_GRACE = 5.0
_DIED = (
    "The worker that was answering this request died, so its outcome is unknown. If it was a call, see its record "
    "before you repeat it."
)


class StreamWatch:
    """Streams by key; of HTTP+SSE that is the session's. Watches them, and the policy, for as long as there are any.

    ``end`` ends a session everywhere.
    """

    def __init__(
        self, dependencies: Dependencies, workers: Workers, heartbeat: float, end: Callable[[str, str], Awaitable[None]]
    ) -> None:
        self._dependencies = dependencies
        self._workers = workers
        self._heartbeat = heartbeat
        self._sessions: dict[str, OpenStream] = {}
        self._listeners = Listeners()
        self._blocked_sessions = BlockedSessions(end)
        self._watching: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._watch_until = 0.0
        self._watched_version = 0
        # When the window of some rule opens or closes.
        self._next_moment = 0.0
        self._reached_at = time.monotonic()

    def get(self, key: str) -> SessionStream | None:
        found = self._sessions.get(key)
        return found if isinstance(found, SessionStream) else None

    def add(self, opened: OpenStream) -> None:
        opened.renew_at = time.monotonic() + self._heartbeat
        self._sessions[opened.key] = opened
        if isinstance(opened, Listener):
            self._listeners.add(opened)
        self._start_watching()

    def streams(self) -> Sequence[OpenStream]:
        """All that are open now."""
        return list(self._sessions.values())

    def watch_for(self, seconds: float) -> None:
        """Watch the policy for at least so long: a session that lasts by use is known here."""
        self._watch_until = time.monotonic() + seconds
        self._start_watching()

    def _start_watching(self) -> None:
        if self._watching is None or self._watching.done():
            self._reached_at = time.monotonic()
            self._watching = asyncio.ensure_future(self._watch())

    def remove(self, key: str) -> None:
        removed = self._sessions.pop(key, None)
        if isinstance(removed, Listener):
            self._listeners.remove(removed)

    def end(self, key: str, why: str) -> None:
        """End a session's streams after what is queued for them, if they are here."""
        session = self._sessions.get(key)
        if session is not None:
            session.stream.end(why)
        for listener in self._listeners.of(key):
            listener.stream.end(why)

    def has_ended(self, key: str) -> bool:
        """Whether the session's stream is here and has ended, though its reader has not read all of it."""
        session = self._sessions.get(key)
        return session is not None and bool(session.stream.ended)

    def end_all(self, why: str) -> None:
        """End every stream after what is queued for it, and stop watching."""
        for session in list(self._sessions.values()):
            session.stream.end(why)
        for task in (self._watching, self._looking):
            if task is not None:
                task.cancel()

    async def answered_elsewhere(self, limit: float) -> None:
        """Wait, for at most ``limit`` seconds, until what other workers are answering now has reached the streams."""
        until = time.monotonic() + limit
        with suppress(SessionsUnavailable):
            awaited, is_behind = await self._elsewhere()
            while (awaited or is_behind) and time.monotonic() < until:
                await asyncio.sleep(_POLL)
                left, is_behind = await self._elsewhere()
                awaited &= left

    async def _elsewhere(self) -> tuple[set[tuple[str, bytes]], bool]:
        """The requests, by session, that living workers are answering; and whether answers are on their way."""
        leases = await self._workers.sessions.renew([key for key in self._sessions if self.get(key)])
        asked = {channel for lease in leases.values() for channel in lease.elsewhere.values()}
        alive = await self._workers.alive(asked) if asked else set()
        sessions = {key: (session, lease) for key, lease in leases.items() if (session := self.get(key)) is not None}
        requests = {
            (key, request)
            for key, (_, lease) in sessions.items()
            for request, channel in lease.elsewhere.items()
            if channel in alive
        }
        return requests, any(session.received < lease.sent for session, lease in sessions.values())

    async def all_closed(self, limit: float) -> None:
        """Wait until the streams that were ended are closed, for at most ``limit`` seconds."""
        until = time.monotonic() + limit
        while self._sessions and time.monotonic() < until:
            await asyncio.sleep(0.01)

    def extend(self, key: str, expires_at: float) -> None:
        """The owner presented a token that expires at this time; the session lasts at least that long."""
        for opened in (self._sessions.get(key), *self._listeners.of(key)):
            if opened is not None:
                opened.expires_at = max(opened.expires_at, expires_at)

    async def _watch(self) -> None:
        """Renew what is due, and notice changes of the policy, however they were made."""
        while self._sessions or time.monotonic() < self._watch_until:
            await asyncio.sleep(_WATCH_EVERY)
            # In a task of its own: streams are kept alive while the database lets it wait.
            if self._looking is None or self._looking.done():
                self._looking = asyncio.ensure_future(self._look_at_policy())
            await asyncio.wait([self._looking], timeout=_LOOK)
            await self._renew_due()
            self._end_blocked()

    async def _look_at_policy(self) -> None:
        # Nothing is decided while the policy cannot be read; the next round tells what changed.
        with suppress(PolicyUnavailable, SessionsUnavailable):
            await self._see_what_changed()

    async def _see_what_changed(self) -> None:
        policy, now = await self._dependencies.policy.refreshed(), time.time()
        if policy.version != self._watched_version or now >= self._next_moment:
            await self._tell(policy)
            await self._blocked_sessions.look(policy, self._workers.sessions)
            self._watched_version, self._next_moment = policy.version, policy.next_moment(now)

    def _end_blocked(self) -> None:
        for session in self._sessions.values():
            if session.blocked_since is not None and time.monotonic() - session.blocked_since > _BLOCKED_GRACE:
                session.stream.end(BLOCKED)

    async def _renew_due(self) -> None:
        now, clock = time.time(), time.monotonic()
        due = [
            session
            for session in self._sessions.values()
            if session.renew_at <= clock or session.expires_at <= now or _is_behind(session)
        ]
        sessions = [session for session in due if isinstance(session, SessionStream)]
        try:
            leases = await self._workers.sessions.renew([session.key for session in sessions])
            asked = {self._workers.channel}.union(*(lease.elsewhere.values() for lease in leases.values()))
            alive = await self._workers.alive(asked)
            if self._workers.channel not in alive:
                raise SessionsUnavailable("Nothing that other workers send arrives here.")
            self._reached_at = clock
            for session in sessions:
                await self._renewed(session, leases.get(session.key), alive)
            for opened in due:
                if isinstance(opened, Listener):
                    await self._listened(opened)
                elif isinstance(opened, Subscription):
                    self._go_on(opened, opened.expires_at)
        except SessionsUnavailable as error:
            self._out_of_reach(error)

    def _out_of_reach(self, error: Exception) -> None:
        if time.monotonic() - self._reached_at > _OUTAGE_GRACE:
            for session in list(self._sessions.values()):
                session.stream.end("the other workers cannot be reached")
        else:
            logger.warning("The other workers cannot be reached: %s", error)

    async def _listened(self, listener: Listener) -> None:
        listening = await keep_listening(listener, self._workers.sessions)
        if listening is None:
            listener.stream.end("its session has ended")
        else:
            self._go_on(listener, listening.expires_at)

    async def _renewed(self, session: SessionStream, lease: Lease | None, alive: set[str]) -> None:
        clock = time.monotonic()
        if lease is None:
            session.stream.end("its record is gone")
            return
        self._go_on(session, lease.expires_at)
        if session.received >= lease.sent:
            session.behind_since = None
        elif session.behind_since is None:
            session.behind_since = clock
        elif clock - session.behind_since > _GAP_GRACE:
            session.stream.end("messages of other workers were lost")
        dead = [request for request, channel in lease.elsewhere.items() if channel not in alive]
        await self._give_up(session, dead)

    def _go_on(self, opened: OpenStream, expires_at: float) -> None:
        """Go on until the next heartbeat, if a token has been presented that lasts."""
        opened.renew_at = time.monotonic() + self._heartbeat
        opened.expires_at = max(opened.expires_at, expires_at)
        if opened.expires_at <= time.time():
            opened.stream.end(EXPIRED)

    async def _give_up(self, session: SessionStream, requests: Sequence[bytes]) -> None:
        """Answer the requests that other workers were answering when they died."""
        for request in requests:
            if await self._workers.claim(session.key, request):
                session.given_up.add(request)
                session.stream.post(jsonrpc.error_of(orjson.loads(request), jsonrpc.INTERNAL_ERROR, _DIED))

    async def _tell(self, policy: Policy) -> None:
        for session in list(self._sessions.values()):
            client = await self._dependencies.policy.client_of(session.caller.principal)
            if client.status == "blocked":
                session.blocked_since = session.blocked_since or time.monotonic()
                continue
            session.blocked_since = None
            seen = seen_by(client, session.caller, policy)
            if session.seen is not None:
                self._changed(session, session.seen, seen)
            session.seen = seen
            await asyncio.sleep(0)

    def _changed(self, opened: OpenStream, before: Seen, after: Seen) -> None:
        if isinstance(opened, Listener):
            opened.is_behind |= before != after  # It may be that another stream is told, on another worker.
            return
        for kind in changed_kinds(before, after):
            opened.stream.post(list_changed(kind))


def _is_behind(opened: OpenStream) -> bool:
    if isinstance(opened, SessionStream):
        return opened.behind_since is not None
    return isinstance(opened, Listener) and opened.is_behind
