"""Queues what is to be written: openings, for which calls wait, and notes, for which nobody waits."""

import queue
import threading
import time
from contextlib import suppress

from authz_app.audit.entries import Closing, Undelivered
from authz_app.audit.events import EventNote
from authz_app.audit.waiting import PendingOpening

GROUP = 256
_NOTES_WAIT = 0.02
# For each call that is expected: about what the event loop needs to hand it in.
_COMPANION_WAIT = 0.0003
_COMPANION_LOOK = 0.002
# Written after the call, or beside calls, in the order in which it was handed in.
Note = Closing | Undelivered | EventNote


# An event is set when what came before it is written; None asks the writer to stop.
QueueItem = PendingOpening | Note | threading.Event | None


class WriteQueue:
    """Any thread puts items in; the writer's thread takes them out, group by group."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[QueueItem] = queue.SimpleQueue()
        self._together = 0, 0
        self.put = self._queue.put
        self.is_empty = self._queue.empty

    def take(self, seconds: float) -> list[QueueItem]:
        """The next group, in order, as soon as there is something; nothing, if so many seconds pass."""
        items: list[QueueItem] = []
        try:
            items.append(self._queue.get(timeout=seconds))
            # Nobody waits for a note, and the next opening is likely to follow: one commit for both.
            patience = time.monotonic() + _NOTES_WAIT
            while isinstance(items[-1], Note) and len(items) < GROUP:
                items.append(self._queue.get(timeout=max(patience - time.monotonic(), 0.0)))
        except queue.Empty:
            return items
        self._fill(items)
        self._await_companions(items)
        return items

    def _fill(self, items: list[QueueItem]) -> None:
        """Add what is in the queue, as far as a group has room for it."""
        with suppress(queue.Empty):
            while len(items) < GROUP:
                item = self._queue.get_nowait()
                # What nobody waits for any more takes no place: during an outage that is most of it.
                if not (isinstance(item, PendingOpening) and item.abandoned):
                    items.append(item)

    def _await_companions(self, items: list[QueueItem]) -> None:
        """Under load as many calls as came together are about to come again, one by one: one commit for them all."""
        expected = max(self._together)
        until = time.monotonic() + expected * _COMPANION_WAIT
        while 0 < (openings := _openings(items)) < expected and len(items) < GROUP:
            left = until - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, _COMPANION_LOOK))
            self._fill(items)
        self._together = self._together[1], openings


def _openings(items: list[QueueItem]) -> int:
    return sum(isinstance(item, PendingOpening) for item in items)
