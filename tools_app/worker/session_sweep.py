"""Closes sessions that ended while nobody could write it: their worker died, or the store has lost them.

Every worker looks; the register of open sessions sees to it that each end is written once.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from authz_app.models import OpenSession
from tools_app.cluster.presence import ALIVE
from tools_app.models import WorkerPresence
from tools_app.sessions.session import IDLE, McpSessionState, SessionStore, SessionsUnavailable, Transport

logger = logging.getLogger(__name__)
EVERY = 10.0
# After an outage of the database, the other workers have to be seen again first.
_SEEN_AGAIN = 30.0
# A worker that leaves has so long to end its sessions, beyond the time that its calls have.
_LEAVING = 30.0
_AT_ONCE = 500
DIED = "its worker died"
LEFT = "its worker was shut down, and could not write it"
LOST = "its state was lost"
# Ends a session for good, if nobody has: its key, what the store knew of it, and why.
Close = Callable[[str, McpSessionState | None, str], object]


@dataclass(frozen=True, slots=True)
class _Registered:
    key: str
    holder: str
    opened_at: float
    transport: str


class SessionSweep:
    """Looks at the register of open sessions. ``shared``: the store is the same for all workers.

    ``idle`` is for how long a session that lasts by use is kept, ``drain`` for how long a worker that leaves works on;
    both are in seconds.
    """

    def __init__(  # noqa: PLR0913  (all but two are named)
        self, sessions: SessionStore, name: str, *, shared: bool, idle: float, drain: float, close: Close
    ) -> None:
        self._sessions = sessions
        self._name = name
        self._shared = shared
        self._idle = idle
        self._leaving = drain + _LEAVING
        self._close = close
        self._missing: set[str] = set()
        self._left_since: dict[str, float] = {}
        self._judges_from = time.monotonic() + _SEEN_AGAIN

    async def run(self) -> None:
        """Look every few seconds, until this is cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.look()
            except (DatabaseError, InterfaceError) as error:
                self._judges_from = time.monotonic() + _SEEN_AGAIN
                logger.debug("It cannot be seen which MCP sessions are open: %s", error)
            except SessionsUnavailable as error:
                logger.debug("It cannot be seen which MCP sessions are open: %s", error)

    async def look(self) -> None:
        """Close the sessions that are over.

        Raises:
            DatabaseError, InterfaceError, SessionsUnavailable: it cannot be told what is.
        """
        opened, seen = await asyncio.to_thread(_read)
        orphans = {session.key: why for session in opened if (why := self._holder_is_gone(session.holder, seen))}
        for key, why in orphans.items():
            self._close(key, await self._sessions.delete(key), why)
        await self._look_in_store(
            [session for session in opened if session.key not in orphans and self._is_in_reach(session)]
        )

    def _is_in_reach(self, session: _Registered) -> bool:
        return self._shared or session.holder in ("", self._name)

    def _holder_is_gone(self, holder: str, seen: Mapping[str, bool]) -> str:
        """Why a session that dies with this worker has ended; empty where it has not, as far as can be told."""
        now = time.monotonic()
        if not holder or holder == self._name or seen.get(holder):
            self._left_since.pop(holder, None)
            return ""
        if holder in seen:
            return DIED if now >= self._judges_from else ""
        return LEFT if now - self._left_since.setdefault(holder, now) > self._leaving else ""

    async def _look_in_store(self, opened: list[_Registered]) -> None:
        missing: set[str] = set()
        for batch in _in_batches(opened):
            over = await self._sessions.over([session.key for session in batch])
            for session in batch:
                if session.key not in over:
                    continue
                # Whoever ended it is perhaps about to write so.
                if over[session.key] or session.key in self._missing:
                    why = over[session.key] or self._why_missing(session)
                    self._close(session.key, await self._sessions.delete(session.key), why)
                else:
                    missing.add(session.key)
        self._missing = missing

    def _why_missing(self, session: _Registered) -> str:
        lasts_by_use: Transport = "streamable"
        return IDLE if session.transport == lasts_by_use and time.time() - session.opened_at > self._idle else LOST


def _read() -> tuple[list[_Registered], dict[str, bool]]:
    """The open sessions; and of each worker that did not leave, whether it was seen lately."""
    try:
        opened = OpenSession.objects.values_list("mcp_session", "holder", "opened_at", "transport")
        is_alive = ExpressionWrapper(Q(seen_at__gt=Now() - ALIVE), output_field=BooleanField())
        seen = WorkerPresence.objects.annotate(is_alive=is_alive).values_list("name", "is_alive")
        return [_Registered(*row) for row in opened.iterator()], dict(seen)
    finally:
        connection.close()


def _in_batches(opened: list[_Registered]) -> Iterator[list[_Registered]]:
    left = iter(opened)
    while batch := list(islice(left, _AT_ONCE)):
        yield batch
