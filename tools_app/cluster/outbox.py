"""Sends to the streams of another worker: in order, counted, and never losing anything in silence."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from tools_app.sessions.session import SessionsUnavailable

RETRY_SECONDS = 2.0
_PAUSE = 0.05
_MAX_BATCH = 64
_MAX_BATCH_BYTES = 1_000_000
MAX_QUEUED_BYTES = 32_000_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """Bytes for a session's event stream on another worker, or what that worker has to know of it.

    ``answers`` is the id, as JSON, of the request that this answers or gives up; ``record_id`` the record of the call
    whose result it is. ``state`` is set where the session's client has said something of itself.
    """

    session_key: str
    chunk: bytes = b""
    answers: bytes = b""
    record_id: UUID | None = None
    state: bytes = b""

    @property
    def travels(self) -> bool:
        """Whether the other worker needs to see it."""
        return bool(self.chunk or self.state)

    @property
    def size(self) -> int:
        return len(self.chunk) + len(self.state)


Numbered = tuple[int, Delivery]
# Sends a batch; returns the keys of the sessions that exist no more, or None where nobody received it.
SendBatch = Callable[[Sequence[Numbered]], Awaitable[set[str] | None]]


@dataclass(frozen=True, slots=True)
class _Queued:
    """``number`` grows from one delivery to the next, so that the other worker knows those that it has taken."""

    number: int
    deadline: float
    delivery: Delivery


class Outbox:
    """Holds the deliveries that are on their way to one worker.

    What nobody receives within ``RETRY_SECONDS`` is handed to ``lost``, and so is what comes after it for that session.
    """

    def __init__(self, send: SendBatch, lost: Callable[[Delivery], None], numbers: Iterator[int]) -> None:
        self._send = send
        self._numbers = numbers
        self._lost = lost
        self._queue: deque[_Queued] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None

    def put(self, delivery: Delivery) -> None:
        """Queue a delivery. Never blocks."""
        if self._bytes + delivery.size > MAX_QUEUED_BYTES:
            self._lost(delivery)
            return
        self._queue.append(_Queued(next(self._numbers), time.monotonic() + RETRY_SECONDS, delivery))
        self._bytes += delivery.size
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._work())

    @property
    def is_busy(self) -> bool:
        return bool(self._queue)

    async def flush(self) -> None:
        """Wait until everything is sent or lost."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _work(self) -> None:
        while self._queue:
            batch = self._next_batch()
            try:
                gone = await self._send([(queued.number, queued.delivery) for queued in batch])
            except SessionsUnavailable:
                gone = None
            if gone is None:
                self._lose_what_is_late()
                await asyncio.sleep(_PAUSE)
            else:
                self._done(len(batch), gone)

    def _next_batch(self) -> list[_Queued]:
        batch: list[_Queued] = []
        size = 0
        for queued in self._queue:
            size += queued.delivery.size
            if batch and (len(batch) == _MAX_BATCH or size > _MAX_BATCH_BYTES):
                break
            batch.append(queued)
        return batch

    def _done(self, sent: int, gone: set[str]) -> None:
        for _ in range(sent):
            delivery = self._queue.popleft().delivery
            self._bytes -= delivery.size
            if delivery.session_key in gone:
                self._lost(delivery)

    def _lose_what_is_late(self) -> None:
        """Give up the sessions that waited too long, with all that is queued for them: nothing may be left out."""
        now = time.monotonic()
        late = {queued.delivery.session_key for queued in self._queue if queued.deadline <= now}
        lost = [queued.delivery for queued in self._queue if queued.delivery.session_key in late]
        if lost:
            self._queue = deque(queued for queued in self._queue if queued.delivery.session_key not in late)
        for delivery in lost:
            self._bytes -= delivery.size
            self._lost(delivery)
