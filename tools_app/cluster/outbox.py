"""What this worker sends to the streams of another one: in order, counted, and never lost in silence."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from tools_app.cluster.delivery import Parcel
from tools_app.sessions.session import SessionsUnavailable

RETRY_SECONDS = 2.0
_PAUSE = 0.05
_MAX_BATCH = 64
_MAX_BATCH_BYTES = 1_000_000
MAX_QUEUED_BYTES = 32_000_000

Numbered = tuple[int, Parcel]
# Sends a batch; returns the keys of the sessions that exist no more, or None where nobody received it.
Send = Callable[[Sequence[Numbered]], Awaitable[set[str] | None]]


@dataclass(frozen=True, slots=True)
class _Queued:
    """``number`` grows from one parcel to the next, so that the other worker knows one that it has seen already."""

    number: int
    deadline: float
    parcel: Parcel


class Outbox:
    """The parcels on their way to one worker.

    What nobody receives within ``RETRY_SECONDS`` is handed to ``lost``, and so is what comes after it for that session.
    """

    def __init__(self, send: Send, lost: Callable[[Parcel], None], numbers: Iterator[int]) -> None:
        self._send = send
        self._numbers = numbers
        self._lost = lost
        self._queue: deque[_Queued] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None

    def put(self, parcel: Parcel) -> None:
        """Queue a parcel. Never blocks."""
        if self._bytes + parcel.size > MAX_QUEUED_BYTES:
            self._lost(parcel)
            return
        self._queue.append(_Queued(next(self._numbers), time.monotonic() + RETRY_SECONDS, parcel))
        self._bytes += parcel.size
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
                gone = await self._send([(queued.number, queued.parcel) for queued in batch])
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
            size += queued.parcel.size
            if batch and (len(batch) == _MAX_BATCH or size > _MAX_BATCH_BYTES):
                break
            batch.append(queued)
        return batch

    def _done(self, sent: int, gone: set[str]) -> None:
        for _ in range(sent):
            parcel = self._queue.popleft().parcel
            self._bytes -= parcel.size
            if parcel.session_key in gone:
                self._lost(parcel)

    def _lose_what_is_late(self) -> None:
        """Give up the sessions that waited too long, with all that is queued for them: nothing may be left out."""
        now = time.monotonic()
        late = {queued.parcel.session_key for queued in self._queue if queued.deadline <= now}
        lost = [queued.parcel for queued in self._queue if queued.parcel.session_key in late]
        if lost:
            self._queue = deque(queued for queued in self._queue if queued.parcel.session_key not in late)
        for parcel in lost:
            self._bytes -= parcel.size
            self._lost(parcel)
