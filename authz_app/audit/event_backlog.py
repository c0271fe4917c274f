"""Events that wait to be written: bounded, so that neither a flood nor an outage costs much memory, and counted."""

import threading
from collections import deque
from collections.abc import Sequence

from authz_app.audit.events import Event, EventKind, event

MOST = 10_000


class EventBacklog:
    """Room for so many events between the moment when they happen and their commit. Safe in any thread."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._waiting = 0
        self._lost = 0
        self._late: deque[Event] = deque()

    def __len__(self) -> int:
        """How many could not be written when they came."""
        return len(self._late)

    def admits_one(self) -> bool:
        """Take a place. False: there is none, and the event is only counted."""
        with self._lock:
            if self._waiting >= self._most:
                self._lost += 1
                return False
            self._waiting += 1
            return True

    def keep(self, events: Sequence[Event]) -> None:
        """Keep, for another try, what could not be written."""
        self._late.extend(events)

    def take(self, most: int) -> list[Event]:
        """Some of those kept, the oldest first; and, if any were lost, an event that tells how many."""
        taken = [self._late.popleft() for _ in range(min(len(self._late), most))]
        with self._lock:
            lost, self._lost = self._lost, 0
            self._waiting += bool(lost)
        return [*taken, lost_events(lost)] if lost else taken

    def done(self, events: Sequence[Event]) -> None:
        """These are written, or given up: their places are free."""
        with self._lock:
            self._waiting -= len(events)

    @property
    def has_lost(self) -> bool:
        return self._lost > 0


def lost_events(count: int) -> Event:
    """That so many events found no room."""
    return event(EventKind.EVENTS_LOST, {"why": "More happened than could be kept until it was written."}, count=count)
