"""Lets the workers of a site reach each other: through Channels and Redis, or not at all where there is one."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, Protocol

from channels.layers import get_channel_layer
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tools_app.cluster.outbox import Delivery, Numbered, Outbox
from tools_app.sessions.memory import MemorySessionStore
from tools_app.sessions.redis import RedisSessionStore
from tools_app.sessions.session import McpSessionState, SessionStore

logger = logging.getLogger(__name__)

WorkerMessage = Mapping[str, Any]
TakeMessage = Callable[[WorkerMessage], object]
TakeLost = Callable[[Delivery], None]
SessionIsOver = Callable[[McpSessionState, str], object]

EVERYBODY = "workers"
_WORKER = "worker."
_MAX_CHANNEL = 200
_TIMEOUT = 2.0
# Publishing and counting are one step, so that the stream's worker can tell from the count what it has missed.
_DELIVER = """
local receivers = redis.call('PUBLISH', ARGV[1], ARGV[2])
if receivers == 0 then return false end
local gone, at = {}, 3
for i = 1, #KEYS, 2 do
  local sent, answered = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  if redis.call('EXISTS', KEYS[i]) == 0 then gone[#gone + 1] = (i - 1) / 2
  elseif sent > 0 then redis.call('HINCRBY', KEYS[i], 'sent', sent) end
  for j = 1, answered do redis.call('HDEL', KEYS[i + 1], ARGV[at + 1 + j]) end
  at = at + 2 + answered
end
return gone
"""


class Workers(Protocol):
    """The other workers, and the sessions that all of them share."""

    @property
    def channel(self) -> str:
        """This worker's address."""

    @property
    def sessions(self) -> SessionStore:
        """Where the sessions are."""

    async def join(self) -> None:
        """Become reachable for the others. Raises SessionsUnavailable."""

    def post(self, session: McpSessionState, delivery: Delivery) -> None:
        """Send to the worker that holds the session's stream. What does not arrive is handed to ``lost``."""

    async def tell(self, channel: str, message: WorkerMessage) -> None:
        """Send to one worker. Raises SessionsUnavailable."""

    async def tell_all(self, message: WorkerMessage) -> None:
        """Send to every worker, this one included. Raises SessionsUnavailable."""

    def learn(self, session: McpSessionState) -> None:
        """Take over the state of a session whose stream is here: another worker has stored it."""

    async def alive(self, channels: Iterable[str]) -> set[str]:
        """Return those of these addresses that somebody listens to. Raises SessionsUnavailable."""

    async def claim(self, key: str, request: bytes) -> bool:
        """Take over a request that another worker was answering. False: it has been answered."""

    async def leave(self) -> None:
        """Send what is queued, and be reachable no more."""


class SingleWorker:
    """A site with one worker: there is nobody else."""

    channel = ""

    def __init__(
        self, receive: TakeMessage, lost: TakeLost, idle: float, over: SessionIsOver, grace: float = 0.0
    ) -> None:
        self.sessions: SessionStore = MemorySessionStore(idle, over, grace)
        self._receive = receive
        self._lost = lost

    async def join(self) -> None: ...

    def post(self, session: McpSessionState, delivery: Delivery) -> None:
        self._lost(delivery)

    async def tell(self, channel: str, message: WorkerMessage) -> None: ...

    async def tell_all(self, message: WorkerMessage) -> None:
        self._receive(message)

    def learn(self, session: McpSessionState) -> None: ...

    async def alive(self, channels: Iterable[str]) -> set[str]:
        return set(channels)

    async def claim(self, key: str, request: bytes) -> bool:
        return False

    async def leave(self) -> None: ...


class RedisWorkers:
    """A site with several workers: one channel for each, through channels-redis pubsub, and sessions in Redis."""

    def __init__(  # noqa: PLR0913  (the limits are named)
        self, name: str, receive: TakeMessage, lost: TakeLost, limit: int, idle: float, grace: float = 0.0
    ) -> None:
        self._name = name
        self._receive = receive
        self._lost = lost
        self._layer: Any = get_channel_layer()
        self._redis: Redis = Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=_TIMEOUT, socket_timeout=_TIMEOUT
        )
        self._stored = RedisSessionStore(self._redis, settings.REDIS_PREFIX, limit, idle, grace)
        self.sessions: SessionStore = self._stored
        self._deliver = self._redis.register_script(_DELIVER)
        self._outboxes: dict[str, Outbox] = {}
        self._numbers = count(1)
        self._joining: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None

    @property
    def channel(self) -> str:
        return self._stored.channel

    async def join(self) -> None:
        if self._listening is None:
            if self._joining is None or self._joining.done():
                self._joining = asyncio.ensure_future(self._join())
            await asyncio.shield(self._joining)

    async def _join(self) -> None:
        channel = await self._stored.answer_of(self._layer.new_channel(f"{_WORKER}{self._name}."))
        await self._stored.answer_of(self._layer.group_add(EVERYBODY, channel))
        self._stored.channel = channel
        self._listening = asyncio.ensure_future(self._listen(channel))

    async def _listen(self, channel: str) -> None:
        while True:
            try:
                self._receive(await self._layer.receive(channel))
            except Exception:  # noqa: BLE001  (one bad message must not end the listening)
                logger.exception("A message of another worker could not be read")

    def post(self, session: McpSessionState, delivery: Delivery) -> None:
        if session.channel == self.channel:
            self._lost(delivery)  # Its stream was here, and has ended.
            return
        outbox = self._outboxes.get(session.channel)
        if outbox is None:
            self._outboxes = {channel: other for channel, other in self._outboxes.items() if other.is_busy}
            send = partial(self._send, session.channel)
            outbox = self._outboxes[session.channel] = Outbox(send, self._lost, self._numbers)
        outbox.put(delivery)

    async def _send(self, channel: str, batch: Sequence[Numbered]) -> set[str] | None:
        items = [
            [number, delivery.session_key, delivery.chunk, delivery.answers, delivery.state]
            for number, delivery in batch
            if delivery.travels
        ]
        message = self._layer.serialize({"type": "deliveries", "from": self.channel, "items": items})
        sessions: dict[str, list[Delivery]] = {}
        for _, delivery in batch:
            sessions.setdefault(delivery.session_key, []).append(delivery)
        args: list[Any] = [channel, message]
        for deliveries in sessions.values():
            answered = [delivery.answers for delivery in deliveries if delivery.answers]
            args += [sum(delivery.travels for delivery in deliveries), len(answered), *answered]
        keys = [name for key in sessions for name in self._stored.keys_of(key)]
        gone = await self._stored.answer_of(self._deliver(keys, args))
        return None if gone is None else {list(sessions)[place] for place in gone}

    async def tell(self, channel: str, message: WorkerMessage) -> None:
        if channel.startswith(f"{settings.REDIS_PREFIX}{_WORKER}") and len(channel) <= _MAX_CHANNEL:
            await self._stored.answer_of(self._layer.send(channel, message))

    async def tell_all(self, message: WorkerMessage) -> None:
        await self._stored.answer_of(self._layer.group_send(EVERYBODY, message))

    def learn(self, session: McpSessionState) -> None:
        self._stored.learn(session)

    async def alive(self, channels: Iterable[str]) -> set[str]:
        return await self._stored.alive(channels)

    async def claim(self, key: str, request: bytes) -> bool:
        return bool(await self._stored.answer_of(self._redis.hdel(self._stored.keys_of(key)[1], request)))

    async def leave(self) -> None:
        await asyncio.gather(*(outbox.flush() for outbox in self._outboxes.values()))
        if self._listening is not None:
            self._listening.cancel()
        with suppress(RedisError, OSError):
            await self._layer.flush()
            await self._redis.aclose()
