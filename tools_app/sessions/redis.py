"""Keeps MCP sessions in Redis, where every worker finds them. What must be atomic runs as one script there.

A session has two keys: a hash with its owner, its state, when its latest token expires, whom that names, and how much
other workers have sent it; and a hash of the requests that other workers are answering for it. Both live for one lease,
which the stream's worker renews.
Those of a session that lasts by use live for ``idle`` seconds, which each use renews; and every worker notes there what
it answers.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from authz_app import json_text
from authz_app.policy.principal import Principal
from tools_app.sessions import presented as presented_principal, redis_scripts as scripts
from tools_app.sessions.batching import Batches
from tools_app.sessions.session import (
    LEASE,
    WITHOUT_TOKEN,
    Acceptance,
    Lease,
    Listening,
    McpSessionState,
    Owner,
    SessionsUnavailable,
)
from tools_app.wire.jsonrpc import DUPLICATE_ID, RequestId, too_many_in_flight

_MOST_DOUBTFUL = 10_000
# A session's hash has a field for each resource of whose changes it is told.
_RESOURCE = "resource "


@dataclass(frozen=True, slots=True)
class _ToAccept:
    """A request to accept: the key of its session, the owner that the session must have, and its id; JSON texts."""

    key: str
    owner: bytes
    index: str
    request: bytes


class RedisSessionStore:
    """Keeps the sessions of a site with several workers.

    Those whose streams are here are answered for from memory, as long as Redis can be reached: whatever other workers
    change of them comes here before it reaches the client. ``limit`` is how many requests of one session other workers
    may be answering, or all together where it lasts by use. A session ends ``grace`` seconds after its latest token.
    """

    def __init__(self, redis: Redis, prefix: str, limit: int, idle: float, grace: float = 0.0) -> None:
        self._redis = redis
        self._prefix = prefix
        self._limit = limit
        self._idle = max(1, round(idle))
        self._grace = grace
        self._own: dict[str, McpSessionState] = {}
        self._doubtful: deque[tuple[str, bytes]] = deque(maxlen=_MOST_DOUBTFUL)
        self._open = redis.register_script(scripts.OPEN)
        self._accept = redis.register_script(scripts.ACCEPT)
        self._update = redis.register_script(scripts.UPDATE)
        self._extend = redis.register_script(scripts.EXTEND)
        self._renew = redis.register_script(scripts.RENEW)
        self._release = redis.register_script(scripts.RELEASE)
        self._listen = redis.register_script(scripts.LISTEN)
        self._unlisten = redis.register_script(scripts.UNLISTEN)
        self._tell = redis.register_script(scripts.TELL)
        self._subscribe = redis.register_script(scripts.SUBSCRIBE)
        self._longest_idle = redis.register_script(scripts.LONGEST_IDLE)
        self._asking = Batches(self._accept_all)
        self.channel = ""
        self.reachable = True

    def keys_of(self, key: str) -> tuple[str, str]:
        """The Redis keys of a session, and of the requests that are being answered for it."""
        return f"{self._prefix}session:{key}", f"{self._prefix}requests:{key}"

    def _index_of(self, owner: Owner) -> str:
        return f"{self._prefix}client:{sha256(json_text.dumps(owner[:2])).hexdigest()[:32]}"

    async def open(self, session: McpSessionState, limit: int) -> bool:
        keys = [self.keys_of(session.key)[0], self._index_of(session.owner)]
        lasts = self._idle if session.lasts_by_use else LEASE
        args: list[Any] = [limit, lasts, json_text.dumps(session.owner), session.stored(), session.expires_at]
        opened = bool(await self.answer_of(self._open(keys, [*args, int(session.lasts_by_use), session.told])))
        if opened and not session.lasts_by_use:
            self._own[session.key] = session
        return opened

    async def accept(self, key: str, owner: Owner, request_id: RequestId | None) -> Acceptance | None:
        own = self._own.get(key)
        if own is not None:
            if not self.reachable:
                raise SessionsUnavailable(_UNREACHABLE)
            return Acceptance(own) if own.owner == owner and not own.is_over(self._grace) else None
        request = b"" if request_id is None else json_text.dumps(request_id)
        pending = _ToAccept(key, json_text.dumps(owner), self._index_of(owner), request)
        try:
            accepted = self._accepted(key, await self._asking.ask(pending))
        except asyncio.CancelledError:
            self._doubt([pending])
            raise
        if accepted is None or not accepted.refusal or not accepted.session.lasts_by_use:
            return accepted
        # No stream's worker clears away what died with another worker.
        return self._accepted(key, await self._asking.ask(pending)) if await self._forget_dead(key) else accepted

    def _accepted(self, key: str, found: Sequence[Any] | None) -> Acceptance | None:
        if found is None:
            return None
        state, expires_at, verdict = found
        return Acceptance(McpSessionState.read(key, state).extended_to(float(expires_at)), self._refusal(verdict))

    async def _accept_all(self, batch: Sequence["_ToAccept"]) -> Sequence[Any]:
        keys = [name for pending in batch for name in (*self.keys_of(pending.key), pending.index)]
        args: list[Any] = [text for pending in batch for text in (pending.owner, pending.request)]
        args += [self.channel, self._limit, LEASE, time.time() - self._grace]
        try:
            await self._forget_doubtful()
            found: Sequence[Any] = await self.answer_of(self._accept(keys, args))
        except SessionsUnavailable:
            self._doubt(batch)  # A Redis that hangs may note them yet.
            raise
        return found

    def _doubt(self, batch: Iterable["_ToAccept"]) -> None:
        """Remember requests that may be noted in Redis, though nobody will answer them."""
        self._doubtful.extend((pending.key, pending.request) for pending in batch if pending.request)

    async def _forget_doubtful(self) -> None:
        """Forget the requests that may still be noted as being answered here, though they are not."""
        if not self._doubtful:
            return
        await self.answer_of(self._redis.ping())  # When it answers, it has done what it was sent before.
        async with self._redis.pipeline(transaction=False) as pipe:
            for key, request in self._doubtful:
                pipe.hdel(self.keys_of(key)[1], request)
            self._doubtful.clear()
            await self.answer_of(pipe.execute())

    async def _forget_dead(self, key: str) -> bool:
        """Forget what workers were answering for a session when they died. Returns whether there was anything."""
        requests = self.keys_of(key)[1]
        noted = await self.answer_of(self._redis.hgetall(requests))
        alive = await self.alive({channel.decode() for channel in noted.values()})
        dead = [request for request, channel in noted.items() if channel.decode() not in alive]
        return bool(dead) and bool(await self.answer_of(self._redis.hdel(requests, *dead)))

    async def alive(self, channels: Iterable[str]) -> set[str]:
        """Those of these addresses that some worker listens to."""
        heard = await self.answer_of(self._redis.pubsub_numsub(*channels))
        return {channel.decode() for channel, listeners in heard if listeners}

    async def release(self, session: McpSessionState, request_id: RequestId) -> None:
        keys, request = [*self.keys_of(session.key), self._index_of(session.owner)], json_text.dumps(request_id)
        try:
            await self.answer_of(self._release(keys, [request]))
        except SessionsUnavailable:
            self._doubtful.append((session.key, request))
            raise

    def _refusal(self, verdict: bytes) -> str:
        if verdict == b"busy":
            return too_many_in_flight(self._limit)
        return DUPLICATE_ID if verdict == b"duplicate" else ""

    async def update(self, session: McpSessionState) -> None:
        self.learn(session)
        await self.answer_of(self._update([self.keys_of(session.key)[0]], [session.stored()]))

    def learn(self, session: McpSessionState) -> None:
        """Take over the state of a session whose stream is here, after another worker has stored it."""
        own = self._own.get(session.key)
        if own is not None:
            self._own[session.key] = session.extended_to(own.expires_at)

    async def extend(self, session: McpSessionState, presented: Principal) -> None:
        self._extend_own(session.key, session.expires_at)
        args: list[Any] = [session.expires_at, presented_principal.stored(presented)]
        await self.answer_of(self._extend([self.keys_of(session.key)[0]], args))

    def _extend_own(self, key: str, expires_at: float) -> None:
        if (own := self._own.get(key)) is not None:
            self._own[key] = own.extended_to(expires_at)

    async def delete(self, key: str) -> McpSessionState | None:
        name, requests = self.keys_of(key)
        session = self._own.pop(key, None)
        if session is None:
            stored = await self.answer_of(self._redis.hget(name, "state"))
            session = McpSessionState.read(key, stored) if stored else None
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.delete(name)
            pipe.delete(requests)
            if session is not None:
                pipe.zrem(self._index_of(session.owner), name)
            deleted = await self.answer_of(pipe.execute())
        return session if deleted[0] else None

    async def over(self, keys: Sequence[str]) -> Mapping[str, str]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hmget(self.keys_of(key)[0], "expires", "idle")
            found = await self.answer_of(pipe.execute())
        until = time.time() - self._grace
        return {
            key: WITHOUT_TOKEN if expires else ""
            for key, (expires, idle) in zip(keys, found, strict=True)
            if expires is None or (idle is not None and float(expires) <= until)
        }

    async def renew(self, keys: Sequence[str]) -> Mapping[str, Lease]:
        owned = [(key, own) for key in keys if (own := self._own.get(key)) is not None]
        if not owned:
            return {}  # Asking nothing would find Redis reachable, whether it is or not.
        async with self._redis.pipeline(transaction=False) as pipe:
            for key, own in owned:
                await self._renew([*self.keys_of(key), self._index_of(own.owner)], [LEASE, own.expires_at], pipe)
            found = await self.answer_of(pipe.execute())
        leases = {
            key: _lease_of(answer, own.owner)
            for (key, own), answer in zip(owned, found, strict=True)
            if answer is not None
        }
        for key, lease in leases.items():
            self._extend_own(key, lease.expires_at)
        return leases

    async def listen(self, session: McpSessionState, stream: str, *, is_new: bool) -> Listening | None:
        keys = [self.keys_of(session.key)[0], self._index_of(session.owner)]
        found = await self.answer_of(self._listen(keys, [stream, int(is_new), LEASE, session.expires_at]))
        if found is None:
            return None
        return Listening(float(found[0]), bool(found[1]), _presented(session.owner, found[2]))

    async def unlisten(self, key: str, stream: str) -> None:
        await self.answer_of(self._unlisten([self.keys_of(key)[0]], [stream]))

    async def tell(self, key: str, stream: str, told: str) -> str | None:
        before = await self.answer_of(self._tell([self.keys_of(key)[0]], [stream, told]))
        return None if before is None else before.decode()

    async def subscribe(self, key: str, uri: str, limit: int) -> bool:
        return bool(await self.answer_of(self._subscribe([self.keys_of(key)[0]], [_RESOURCE, uri, limit])))

    async def unsubscribe(self, key: str, uri: str) -> None:
        await self.answer_of(self._redis.hdel(self.keys_of(key)[0], f"{_RESOURCE}{uri}"))

    async def subscribed(self, keys: Sequence[str], uris: Sequence[str]) -> set[tuple[str, str]]:
        if not keys or not uris:
            return set()
        async with self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hmget(self.keys_of(key)[0], [f"{_RESOURCE}{uri}" for uri in uris])
            found = await self.answer_of(pipe.execute())
        return {
            (key, uri)
            for key, noted in zip(keys, found, strict=True)
            for uri, note in zip(uris, noted, strict=True)
            if note is not None
        }

    async def longest_idle(self, owner: Owner) -> str | None:
        beginnings = [name.removesuffix("|") for name in self.keys_of("|")]
        found = await self.answer_of(self._longest_idle([self._index_of(owner)], [*beginnings, LEASE]))
        return None if found is None else found.decode()

    async def listed(self) -> list[McpSessionState]:
        names = await self.answer_of(self._names())
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hmget(name, "state", "expires")
            found = await self.answer_of(pipe.execute())
        sessions = [
            McpSessionState.read(name.rpartition(b":")[2].decode(), state).extended_to(float(expires_at))
            for name, (state, expires_at) in zip(names, found, strict=True)
            if state is not None
        ]
        return [session for session in sessions if not (session.lasts_by_use and session.is_over(self._grace))]

    async def _names(self) -> list[bytes]:
        return [name async for name in self._redis.scan_iter(match=f"{self._prefix}session:*", count=1_000)]

    async def answer_of(self, answer: Any) -> Any:
        """Wait for what Redis answers. Raises SessionsUnavailable."""
        try:
            found = await answer
        except (RedisError, OSError, TimeoutError) as error:
            self.reachable = False
            raise SessionsUnavailable(_UNREACHABLE) from error
        self.reachable = True
        return found


_UNREACHABLE = "The MCP sessions cannot be reached right now. Try again in a moment."


def _lease_of(answer: Sequence[Any], owner: Owner) -> Lease:
    expires_at, sent, requests, presented = answer
    pairs = zip(requests[::2], requests[1::2], strict=True)
    elsewhere = {request: channel.decode() for request, channel in pairs}
    return Lease(float(expires_at), int(sent), elsewhere, _presented(owner, presented))


def _presented(owner: Owner, text: bytes) -> Principal | None:
    return presented_principal.read(owner, text) if text else None
