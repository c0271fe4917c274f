"""The streams that this worker holds open: kept whole, and told what a change of the policy means for them."""

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from authz_app.policy import Policy
from authz_app.policy_store import PolicyUnavailable
from tools_app import jsonrpc
from tools_app.between_workers import Workers
from tools_app.caller import Caller
from tools_app.event_stream import EventStream
from tools_app.invocation import Rooms, visible_tools
from tools_app.registry import RegisteredTool
from tools_app.sessions import Lease, SessionsUnavailable

logger = logging.getLogger(__name__)
_WATCH_EVERY = 1.0
_POLL = 0.2
# Long enough for the owner's next call to be refused with a reason rather than with a closed stream.
_BLOCKED_GRACE = 5.0
# A message may be on its way for this long before it counts as lost.
_GAP_GRACE = 3.0
_OUTAGE_GRACE = 5.0
_LIST_CHANGED = jsonrpc.notification_of("notifications/tools/list_changed", None)
_DIED = (
    "The worker that was answering this request died, so its outcome is unknown. If it was a call, see its record "
    "before you repeat it."
)


def names_of(tools: Iterable[RegisteredTool]) -> frozenset[str]:
    """The names of some tools. Sessions that see the same ones share them."""
    return _shared(frozenset(tool.name for tool in tools))


@lru_cache(maxsize=1_024)
def _shared(names: frozenset[str]) -> frozenset[str]:
    return names


@dataclass(slots=True, eq=False)
class OpenSession:
    """A stream of this worker, for whom it is, and the names of the tools that its owner could call when last looked.

    Times are in seconds: ``expires_at`` since the epoch, the others monotonic. ``received`` counts what other workers
    sent; ``behind_since`` is set while that is less than they say. ``given_up`` holds the requests whose worker died.
    """

    key: str
    caller: Caller
    stream: EventStream
    expires_at: float
    visible: frozenset[str] | None = None
    renew_at: float = 0.0
    received: int = 0
    behind_since: float | None = None
    blocked_since: float | None = None
    given_up: set[bytes] = field(default_factory=set)


class OpenSessions:
    """Streams by session key. Watches them, and the policy, for as long as there are any."""

    def __init__(self, rooms: Rooms, workers: Workers, heartbeat: float) -> None:
        self._rooms = rooms
        self._workers = workers
        self._heartbeat = heartbeat
        self._sessions: dict[str, OpenSession] = {}
        self._watching: asyncio.Task[None] | None = None
        self._watched_version = 0
        self._reached_at = time.monotonic()

    def get(self, key: str) -> OpenSession | None:
        return self._sessions.get(key)

    def add(self, session: OpenSession) -> None:
        session.renew_at = time.monotonic() + self._heartbeat
        self._sessions[session.key] = session
        if self._watching is None or self._watching.done():
            self._reached_at = time.monotonic()
            self._watching = asyncio.ensure_future(self._watch())

    def remove(self, key: str) -> None:
        self._sessions.pop(key, None)

    def end(self, key: str, why: str) -> None:
        """End one stream after what is queued for it, if it is here."""
        session = self._sessions.get(key)
        if session is not None:
            session.stream.end(why)

    def has_ended(self, key: str) -> bool:
        """Whether the session's stream is here and has ended, though its reader has not read all of it."""
        session = self._sessions.get(key)
        return session is not None and bool(session.stream.ended)

    def end_all(self, why: str) -> None:
        """End every stream after what is queued for it, and stop watching."""
        for session in list(self._sessions.values()):
            session.stream.end(why)
        if self._watching is not None:
            self._watching.cancel()

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
        leases = await self._workers.sessions.renew(list(self._sessions))
        asked = {channel for lease in leases.values() for channel in lease.elsewhere.values()}
        alive = await self._workers.alive(asked) if asked else set()
        sessions = {key: (session, leases[key]) for key, session in self._sessions.items() if key in leases}
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
        session = self._sessions.get(key)
        if session is not None:
            session.expires_at = max(session.expires_at, expires_at)

    async def _watch(self) -> None:
        """Renew what is due, and notice changes of the policy, however they were made."""
        while self._sessions:
            await asyncio.sleep(_WATCH_EVERY)
            await self._renew_due()
            try:
                policy = await self._rooms.policy.refreshed()
                if policy.version != self._watched_version:
                    await self._tell(policy)
                    self._watched_version = policy.version
            except PolicyUnavailable:
                continue  # Nothing is decided meanwhile either; the next round tells what changed.
            self._end_blocked()

    def _end_blocked(self) -> None:
        for session in self._sessions.values():
            if session.blocked_since is not None and time.monotonic() - session.blocked_since > _BLOCKED_GRACE:
                session.stream.end("its client is blocked")

    async def _renew_due(self) -> None:
        now, clock = time.time(), time.monotonic()
        due = [
            session
            for session in self._sessions.values()
            if session.renew_at <= clock or session.expires_at <= now or session.behind_since is not None
        ]
        try:
            leases = await self._workers.sessions.renew([session.key for session in due])
            asked = {self._workers.channel}.union(*(lease.elsewhere.values() for lease in leases.values()))
            alive = await self._workers.alive(asked)
            if self._workers.channel not in alive:
                raise SessionsUnavailable("Nothing that other workers send arrives here.")
            self._reached_at = clock
            for session in due:
                await self._renewed(session, leases.get(session.key), alive)
        except SessionsUnavailable as error:
            self._out_of_reach(error)

    def _out_of_reach(self, error: Exception) -> None:
        if time.monotonic() - self._reached_at > _OUTAGE_GRACE:
            for session in list(self._sessions.values()):
                session.stream.end("the other workers cannot be reached")
        else:
            logger.warning("The other workers cannot be reached: %s", error)

    async def _renewed(self, session: OpenSession, lease: Lease | None, alive: set[str]) -> None:
        clock = time.monotonic()
        if lease is None:
            session.stream.end("its record is gone")
            return
        session.renew_at = clock + self._heartbeat
        session.expires_at = max(session.expires_at, lease.expires_at)
        if session.expires_at <= time.time():
            session.stream.end("the latest token that its owner presented has expired")
        if session.received >= lease.sent:
            session.behind_since = None
        elif session.behind_since is None:
            session.behind_since = clock
        elif clock - session.behind_since > _GAP_GRACE:
            session.stream.end("messages of other workers were lost")
        dead = [request for request, channel in lease.elsewhere.items() if channel not in alive]
        await self._give_up(session, dead)

    async def _give_up(self, session: OpenSession, requests: Sequence[bytes]) -> None:
        """Answer the requests that other workers were answering when they died."""
        for request in requests:
            if await self._workers.claim(session.key, request):
                session.given_up.add(request)
                session.stream.post(jsonrpc.error_of(orjson.loads(request), jsonrpc.INTERNAL_ERROR, _DIED))

    async def _tell(self, policy: Policy) -> None:
        for session in list(self._sessions.values()):
            client = await self._rooms.policy.client_of(session.caller.principal)
            if client.status == "blocked":
                session.blocked_since = session.blocked_since or time.monotonic()
                continue
            session.blocked_since = None
            visible = names_of(visible_tools(client, session.caller, policy))
            if session.visible is not None and visible != session.visible:
                session.stream.post(_LIST_CHANGED)
            session.visible = visible
            await asyncio.sleep(0)
