"""Keeps events until they are written: only so many, lest a flood or an outage cost much memory. Counts the rest."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, connection

from authz_app.audit.events import Event, EventKind, EventNote, SessionClosed, event
from authz_app.audit.session_register import may_be_open_yet

logger = logging.getLogger(__name__)
MOST = 10_000
_GROUP = 256
Commit = Callable[[Sequence[EventNote]], object]


class EventBuffer:
    """Has room for ``most`` events between the moment when they happen and their commit.

    ``admits_one`` may be called in any thread, all else in the writer's. ``len`` is how many could not be written when
    they came.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._waiting = 0
        self._lost = 0
        self._late: deque[EventNote] = deque()
        self._early: list[SessionClosed] = []

    def __len__(self) -> int:
        return len(self._late)

    def admits_one(self) -> bool:
        """Take a place. False: none is free, and the event is only counted."""
        with self._lock:
            if self._waiting >= self._most:
                self._lost += 1
                return False
            self._waiting += 1
            return True

    def keep(self, events: Sequence[EventNote]) -> None:
        """Keep events that could not be written for another try."""
        self._late.extend(events)

    def written(self, events: Sequence[EventNote], unmatched: Sequence[SessionClosed]) -> None:
        """Free the places of committed events. A session that is not yet written as opened is tried again."""
        early = [closing for closing in unmatched if may_be_open_yet(closing)]
        self._early += early
        self._free(len(events) - len(early))

    def write(self, commit: Commit) -> None:
        """Write the events that were kept, the oldest first, and how many were lost; stop at the first failure."""
        while taken := self._taken():
            if not self._try(taken, commit):
                return
        early, self._early = self._early, []
        if early:
            self._try(early, commit)

    def _taken(self) -> list[EventNote]:
        taken = [self._late.popleft() for _ in range(min(len(self._late), _GROUP))]
        with self._lock:
            lost, self._lost = self._lost, 0
            self._waiting += bool(lost)
        return [*taken, _lost_events(lost)] if lost else taken

    def _try(self, events: Sequence[EventNote], commit: Commit) -> bool:
        """Commit events. False: they are kept. An event that the database refuses is given up, and the log says so."""
        try:
            commit(events)
        except (DataError, IntegrityError, ValueError) as error:
            if len(events) > 1:
                tried = [self._try([one], commit) for one in events]
                return all(tried)
            logger.error("An event cannot be recorded: %s: %s", type(events[0]).__name__, error)
            self._free(1)
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            self.keep(events)
            logger.warning("Events cannot be written for now: %s", error)
            return False
        return True

    def _free(self, places: int) -> None:
        with self._lock:
            self._waiting -= places


def _lost_events(count: int) -> Event:
    return event(EventKind.EVENTS_LOST, {"why": "More happened than could be kept until it was written."}, count=count)
