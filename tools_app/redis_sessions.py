"""MCP sessions in Redis, where every worker finds them. What must not be torn apart runs as one script there.

A session has two keys: a hash with its owner, its state, when it expires and how much other workers have sent it; and a
hash of the requests that other workers are answering for it. Both live for one lease, which the stream's worker renews.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tools_app.batches import Batches
from tools_app.jsonrpc import DUPLICATE_ID, RequestId, too_many_in_flight
from tools_app.sessions import Accepted, Lease, McpSession, Owner, SessionsUnavailable

LEASE = 45  # seconds: three heartbeats

_OPEN = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'owner', ARGV[3], 'state', ARGV[4], 'expires', ARGV[5], 'sent', 0)
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], now + ARGV[2], KEYS[1])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
"""
# For each of many: owner and request id. Then, for all: who asks, how many requests a session may have, the lease.
_ACCEPT = """
local channel, limit, lease = ARGV[#ARGV - 2], tonumber(ARGV[#ARGV - 1]), ARGV[#ARGV]
local answers = {}
for i = 1, #KEYS, 2 do
  local owner, request = ARGV[i], ARGV[i + 1]
  local session = redis.call('HMGET', KEYS[i], 'owner', 'state', 'expires')
  local verdict = 'taken'
  if session[1] ~= owner then verdict = false
  elseif request ~= '' and redis.call('HEXISTS', KEYS[i + 1], request) == 1 then verdict = 'duplicate'
  elseif request ~= '' and redis.call('HLEN', KEYS[i + 1]) >= limit then verdict = 'busy'
  elseif request ~= '' then
    redis.call('HSET', KEYS[i + 1], request, channel)
    redis.call('EXPIRE', KEYS[i + 1], lease)
  end
  answers[#answers + 1] = verdict and {session[2], session[3], verdict}
end
return answers
"""
_UPDATE = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'state', ARGV[1]) end
"""
_EXTEND = """
local expires = redis.call('HGET', KEYS[1], 'expires')
if expires and tonumber(expires) < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'expires', ARGV[1]) end
"""
_RENEW = """
local session = redis.call('HMGET', KEYS[1], 'expires', 'sent')
if not session[1] then return false end
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], 'XX', redis.call('TIME')[1] + ARGV[1], KEYS[1])
redis.call('EXPIRE', KEYS[3], ARGV[1])
return {session[1], session[2], redis.call('HGETALL', KEYS[2])}
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose session of this key it is to be, and the request that is to be noted; JSON texts."""

    key: str
    owner: bytes
    request: bytes


class RedisSessionStore:
    """Sessions of a site with several workers.

    Those whose streams are here are answered for from memory, as long as Redis can be reached: whatever other workers
    change of them comes here before it reaches the client. ``limit`` is how many requests of one session other workers
    may be answering.
    """

    def __init__(self, redis: Redis, prefix: str, limit: int) -> None:
        self._redis = redis
        self._prefix = prefix
        self._limit = limit
        self._own: dict[str, McpSession] = {}
        self._open = redis.register_script(_OPEN)
        self._accept = redis.register_script(_ACCEPT)
        self._update = redis.register_script(_UPDATE)
        self._extend = redis.register_script(_EXTEND)
        self._renew = redis.register_script(_RENEW)
        self._asking = Batches(self._accept_all)
        self.channel = ""
        self.reachable = True

    def keys_of(self, key: str) -> tuple[str, str]:
        """Where a session and the requests that are being answered for it are kept."""
        return f"{self._prefix}session:{key}", f"{self._prefix}requests:{key}"

    def _index_of(self, owner: Owner) -> str:
        return f"{self._prefix}client:{sha256(orjson.dumps(owner[:2])).hexdigest()[:32]}"

    async def open(self, session: McpSession, limit: int) -> bool:
        keys = [self.keys_of(session.key)[0], self._index_of(session.owner)]
        args: list[Any] = [limit, LEASE, orjson.dumps(session.owner), session.stored(), session.expires_at]
        opened = bool(await self.asked(self._open(keys, args)))
        if opened:
            self._own[session.key] = session
        return opened

    async def accept(self, key: str, owner: Owner, request_id: RequestId | None) -> Accepted | None:
        own = self._own.get(key)
        if own is not None:
            if not self.reachable:
                raise SessionsUnavailable(_UNREACHABLE)
            return Accepted(own) if own.owner == owner else None
        asked = _Asked(key, orjson.dumps(owner), b"" if request_id is None else orjson.dumps(request_id))
        found = await self._asking.ask(asked)
        if found is None:
            return None
        state, expires_at, verdict = found
        session = McpSession.read(key, state).extended_to(float(expires_at))
        return Accepted(session, self._refusal(verdict))

    async def _accept_all(self, batch: Sequence["_Asked"]) -> Sequence[Any]:
        keys = [name for asked in batch for name in self.keys_of(asked.key)]
        args: list[Any] = [text for asked in batch for text in (asked.owner, asked.request)]
        found: Sequence[Any] = await self.asked(self._accept(keys, [*args, self.channel, self._limit, LEASE]))
        return found

    def _refusal(self, verdict: bytes) -> str:
        if verdict == b"busy":
            return too_many_in_flight(self._limit)
        return DUPLICATE_ID if verdict == b"duplicate" else ""

    async def update(self, session: McpSession) -> None:
        self.learn(session)
        await self.asked(self._update([self.keys_of(session.key)[0]], [session.stored()]))

    def learn(self, session: McpSession) -> None:
        """Take over the state of a session whose stream is here, after another worker has stored it."""
        own = self._own.get(session.key)
        if own is not None:
            self._own[session.key] = session.extended_to(own.expires_at)

    async def extend(self, session: McpSession) -> None:
        own = self._own.get(session.key)
        if own is not None:
            self._own[session.key] = own.extended_to(session.expires_at)
        await self.asked(self._extend([self.keys_of(session.key)[0]], [session.expires_at]))

    async def delete(self, key: str) -> None:
        own = self._own.pop(key, None)
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.delete(*self.keys_of(key))
            if own is not None:
                pipe.zrem(self._index_of(own.owner), self.keys_of(key)[0])
            await self.asked(pipe.execute())

    async def renew(self, keys: Sequence[str]) -> Mapping[str, Lease]:
        owned = [(key, own) for key in keys if (own := self._own.get(key)) is not None]
        if not owned:
            return {}  # Asking nothing would find Redis reachable, whether it is or not.
        async with self._redis.pipeline(transaction=False) as pipe:
            for key, own in owned:
                await self._renew([*self.keys_of(key), self._index_of(own.owner)], [LEASE], pipe)
            found = await self.asked(pipe.execute())
        return {key: _lease_of(answer) for (key, _), answer in zip(owned, found, strict=True) if answer is not None}

    async def listed(self) -> list[McpSession]:
        names = await self.asked(self._names())
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hmget(name, "state", "expires")
            found = await self.asked(pipe.execute())
        return [
            McpSession.read(name.rpartition(b":")[2].decode(), state).extended_to(float(expires_at))
            for name, (state, expires_at) in zip(names, found, strict=True)
            if state is not None
        ]

    async def _names(self) -> list[bytes]:
        return [name async for name in self._redis.scan_iter(match=f"{self._prefix}session:*", count=1_000)]

    async def asked(self, answer: Any) -> Any:
        """What Redis answers. Raises SessionsUnavailable."""
        try:
            found = await answer
        except (RedisError, OSError, TimeoutError) as error:
            self.reachable = False
            raise SessionsUnavailable(_UNREACHABLE) from error
        self.reachable = True
        return found


_UNREACHABLE = "The MCP sessions cannot be reached right now. Try again in a moment."


def _lease_of(answer: Sequence[Any]) -> Lease:
    expires_at, sent, requests = answer
    pairs = zip(requests[::2], requests[1::2], strict=True)
    return Lease(float(expires_at), int(sent), {request: channel.decode() for request, channel in pairs})
