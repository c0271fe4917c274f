"""Queues messages for one open event stream, with a heartbeat, until it ends (HTML Standard, section 9.2)."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from authz_app import json_text

PING = b": ping\r\n\r\n"
# How long a reader may take over what is left when its stream has ended.
_LAST_WORDS = 5.0


def event(name: str, data: bytes) -> bytes:
    """One server-sent event. ``data`` has no line breaks."""
    return b"event: %s\r\ndata: %s\r\n\r\n" % (name.encode(), data)


def message_event(message: Mapping[str, Any]) -> bytes:
    return event("message", json_text.dumps(message))


class EventStream:
    """Holds the messages that are on their way to one client, in order.

    Not thread-safe: used on the event loop alone. A reader for whom ``max_bytes`` wait when another message comes is
    cut off, since nothing may be lost in silence; so is one that does not read on when the stream has ended, and
    ``on_abandoned`` is called.
    """

    def __init__(self, max_bytes: int, heartbeat: float) -> None:
        self._max_bytes = max_bytes
        self._heartbeat = heartbeat
        self._chunks: deque[bytes] = deque()
        self._queued = 0
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._last_words: asyncio.TimerHandle | None = None
        self.ended = ""
        self.abandoned = False
        self.on_abandoned: Callable[[], object] | None = None

    def post(self, message: Mapping[str, Any]) -> bool:
        """Queue a JSON-RPC message. False: the stream has ended, or ends now because its reader is too far behind."""
        return self.queue(message_event(message))

    def queue(self, chunk: bytes) -> bool:
        """Queue bytes that are an event already."""
        if self.ended:
            return False
        if self._queued >= self._max_bytes:
            self.end("the reader fell too far behind")
            self._abandon()
            return False
        self._chunks.append(chunk)
        self._queued += len(chunk)
        self._wake()
        return True

    def end(self, why: str, patience: float = _LAST_WORDS) -> None:
        """End the stream after what is queued, or without it if the reader does not read. ``why`` is for the log.

        ``patience`` is how many seconds the reader may take over what is left.
        """
        if not self.ended:
            self.ended = why
            self._wake()
            self._last_words = asyncio.get_running_loop().call_later(patience, self._abandon)

    def _abandon(self) -> None:
        if self.on_abandoned is not None:
            self.abandoned = True
            self.on_abandoned()

    def start_heartbeat(self) -> None:
        """Send a comment at least every ``heartbeat`` seconds, so that no proxy or client takes the stream for dead."""
        self._timer = asyncio.get_running_loop().call_later(self._heartbeat, self._beat)

    def stop(self) -> None:
        """Stop the timers: nobody reads any more."""
        self.on_abandoned = None
        for timer in (self._timer, self._last_words):
            if timer is not None:
                timer.cancel()

    def _beat(self) -> None:
        self.queue(PING)
        self.start_heartbeat()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> bytes | None:
        """Wait for the bytes to send next. None: the stream has ended."""
        while not self._chunks:
            if self.ended:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        chunk = b"".join(self._chunks)
        self._chunks.clear()
        self._queued = 0
        return chunk
