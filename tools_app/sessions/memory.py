"""Keeps MCP sessions in memory, for a site with one worker."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from authz_app.policy.principal import Principal
from tools_app.sessions.session import IDLE, WITHOUT_TOKEN, Acceptance, Lease, Listening, McpSessionState, Owner
from tools_app.wire.jsonrpc import RequestId

_SWEEP_EVERY = 15.0


class MemorySessionStore:
    """Keeps the sessions of a site with one worker. Those that last by use end ``idle`` seconds after the last use.

    ``over`` is told of those that end by themselves, and why. All end ``grace`` seconds after the latest token.
    """

    def __init__(
        self,
        idle: float,
        over: Callable[[McpSessionState, str], object] = lambda session, why: None,
        grace: float = 0.0,
    ) -> None:
        self._idle = idle
        self._grace = grace
        self._over = over
        self._sessions: dict[str, McpSessionState] = {}
        self._counts: dict[tuple[str, str], int] = {}
        # Sessions that last by use: when each was used, the longest idle first.
        self._used: dict[str, float] = {}
        self._requests: dict[str, set[tuple[type, RequestId]]] = {}
        self._streams: dict[str, list[str]] = {}
        self._told: dict[str, str] = {}
        self._subscriptions: dict[str, set[str]] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    async def open(self, session: McpSessionState, limit: int) -> bool:
        held = self._counts.get(session.owner[:2], 0)
        if held >= limit:
            return False
        self._counts[session.owner[:2]] = held + 1
        self._sessions[session.key] = session
        if session.lasts_by_use:
            self._told[session.key] = session.told
            self._use(session.key)
            self._sweep_later()
        return True

    async def accept(self, key: str, owner: Owner, request_id: RequestId | None) -> Acceptance | None:
        session = self._sessions.get(key)
        if session is None or session.owner != owner or session.is_over(self._grace) or self._why_over(session):
            return None
        if session.lasts_by_use:
            self._use(key)
            if request_id is not None:
                self._requests.setdefault(key, set()).add((type(request_id), request_id))
        return Acceptance(session)

    async def release(self, session: McpSessionState, request_id: RequestId) -> None:
        self._requests.get(session.key, set()).discard((type(request_id), request_id))
        if session.key in self._used:
            self._use(session.key)

    async def update(self, session: McpSessionState) -> None:
        stored = self._sessions.get(session.key)
        if stored is not None:
            self._sessions[session.key] = session.extended_to(stored.expires_at)

    async def extend(self, session: McpSessionState, presented: Principal) -> None:
        stored = self._sessions.get(session.key)
        if stored is not None:
            self._sessions[session.key] = stored.extended_to(session.expires_at)

    async def delete(self, key: str) -> McpSessionState | None:
        return self._delete(key)

    def _delete(self, key: str) -> McpSessionState | None:
        session = self._sessions.pop(key, None)
        if session is None:
            return None
        for table in (self._used, self._requests, self._streams, self._told, self._subscriptions):
            table.pop(key, None)
        left = self._counts[session.owner[:2]] - 1
        if left:
            self._counts[session.owner[:2]] = left
        else:
            del self._counts[session.owner[:2]]
        return session

    async def over(self, keys: Sequence[str]) -> Mapping[str, str]:
        found = {key: self._sessions.get(key) for key in keys}
        why = {key: "" if session is None else self._why_over(session) for key, session in found.items()}
        return {key: why[key] for key, session in found.items() if session is None or why[key]}

    async def renew(self, keys: Sequence[str]) -> Mapping[str, Lease]:
        found = {key: self._sessions.get(key) for key in keys}
        return {key: Lease(session.expires_at) for key, session in found.items() if session is not None}

    async def listen(self, session: McpSessionState, stream: str, *, is_new: bool) -> Listening | None:
        stored = self._sessions.get(session.key)
        if stored is None:
            return None
        self._use(session.key)
        streams = self._streams.setdefault(session.key, [])
        if is_new:
            streams.append(stream)
        return Listening(stored.expires_at, streams[-1:] == [stream])

    async def unlisten(self, key: str, stream: str) -> None:
        left = [other for other in self._streams.pop(key, []) if other != stream]
        if left:
            self._streams[key] = left

    async def tell(self, key: str, stream: str, told: str) -> str | None:
        if self._streams.get(key, [])[-1:] != [stream]:
            return None
        before = self._told.get(key, "")
        self._told[key] = told
        return before

    async def subscribe(self, key: str, uri: str, limit: int) -> bool:
        if key not in self._sessions:
            return True
        uris = self._subscriptions.setdefault(key, set())
        if len(uris) >= limit and uri not in uris:
            return False
        uris.add(uri)
        return True

    async def unsubscribe(self, key: str, uri: str) -> None:
        self._subscriptions.get(key, set()).discard(uri)

    async def subscribed(self, keys: Sequence[str], uris: Sequence[str]) -> set[tuple[str, str]]:
        return {(key, uri) for key in keys for uri in uris if uri in self._subscriptions.get(key, ())}

    async def longest_idle(self, owner: Owner) -> str | None:
        for key in self._used:
            if self._sessions[key].owner[:2] == owner[:2] and not self._is_busy(key):
                return key
        return None

    async def listed(self) -> list[McpSessionState]:
        return [session for session in self._sessions.values() if not self._why_over(session)]

    def _use(self, key: str) -> None:
        self._used.pop(key, None)
        self._used[key] = time.monotonic()

    def _is_busy(self, key: str) -> bool:
        return bool(self._requests.get(key) or self._streams.get(key))

    def _why_over(self, session: McpSessionState) -> str:
        """Why a session has ended by itself; that of a stream ends with it."""
        if not session.lasts_by_use:
            return ""
        if session.is_over(self._grace):
            return WITHOUT_TOKEN
        is_idle = time.monotonic() - self._used[session.key] > self._idle and not self._is_busy(session.key)
        return IDLE if is_idle else ""

    def _sweep_later(self) -> None:
        if self._sweeping is None:
            every = min(_SWEEP_EVERY, self._idle, max(1.0, self._grace))
            self._sweeping = asyncio.get_running_loop().call_later(every, self._sweep)

    def _sweep(self) -> None:
        """Forget the sessions that are over; look again for as long as there are others."""
        self._sweeping = None
        for key in list(self._used):
            if why := self._why_over(session := self._sessions[key]):
                self._delete(key)
                self._over(session, why)
        if self._used:
            self._sweep_later()
