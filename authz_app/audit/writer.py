"""Commits call records in groups, from one thread of its own. Fail closed: what is not committed is refused.

When idle, the writer commits at once; what arrives meanwhile waits for the next commit and shares it, and so does what
is expected at any moment (``queue``). Each call goes on when its own record has committed (``waiting``). Outcomes are
written the same way, and kept for another try while the database is out of reach.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.audit.entries import Closing, LimitedOpening, Opening, Undelivered, given_up
from authz_app.audit.event_buffer import EventBuffer
from authz_app.audit.events import EventNote
from authz_app.audit.limit_counting import insert_within_limits
from authz_app.audit.outage import OutageWatch
from authz_app.audit.queue import GROUP, Note, WriteQueue
from authz_app.audit.session_register import write_events
from authz_app.audit.sql import Statements
from authz_app.audit.sql_postgresql import PostgresqlStatements
from authz_app.audit.sql_sqlite import SqliteStatements
from authz_app.audit.waiting import PendingOpening, WaitingCalls
from authz_app.policy.limits import Allowance, Spent

logger = logging.getLogger(__name__)

_OUTCOMES_KEPT = 100_000
_SWEEP_EVERY = 15.0
_FIRST_SWEEP = 2.0
_RETRY_EVERY = 0.5
_SQLITE_PAUSE = 0.005
_LATER = 1.0


def statements_for(connection: BaseDatabaseWrapper) -> Statements:
    return SqliteStatements(connection) if connection.vendor == "sqlite" else PostgresqlStatements(connection)


class AuditWriter:
    """Writes the call records of one worker.

    ``timeout`` is how long, in seconds, a call may wait for its record; ``patience`` how long the database may take for
    one statement: by default a little longer, since nobody waits for it then.
    """

    def __init__(
        self,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        worker: str = "",
        patience: float | None = None,
    ) -> None:
        self._patience = timeout + _LATER if patience is None else patience
        self._clock = clock
        self._outage = OutageWatch(worker, clock)
        self._in_doubt = False
        self._queue = WriteQueue()
        self._waiting = WaitingCalls(timeout, self._outage, self.close)
        self._unwritten: deque[Note] = deque()
        self._events = EventBuffer()
        # The first sweep comes soon: this worker may have been started because another died.
        self._swept = clock() - _SWEEP_EVERY + _FIRST_SWEEP
        self._failing = False
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    @property
    def outage(self) -> str:
        """A sentence, while records cannot be written; otherwise empty."""
        return self._outage.in_words()

    async def open(self, opening: Opening, allowances: tuple[Allowance, ...] = ()) -> bool | Spent:
        """Commit a record. False: the policy has moved since the decision, nothing was written; decide again.

        ``allowances`` are the limits within which the call is allowed. Spent: it was not within them, and the record
        that is committed says so; the call must not run.

        Raises:
            AuditUnavailable: the record could not be committed within the time limit. If it is committed all the same,
                later, it is closed as cancelled.
        """
        self._start()
        pending = self._waiting.add(LimitedOpening(opening, allowances))
        self._queue.put(pending)
        try:
            return await pending.future
        except asyncio.CancelledError:
            self._waiting.abandon(pending)
            raise

    def close(self, note: Note) -> None:
        """Write an outcome, that a result was not delivered, or an event, soon. Never blocks; safe in any thread.

        No opening waits for an event or fails with it, and only so many are kept until they are written.
        """
        self._start()
        if isinstance(note, EventNote) and not self._events.admits_one():
            return
        self._queue.put(note)

    def flush(self, timeout: float) -> bool:
        """Block until everything handed in before is committed, for at most ``timeout`` seconds. Returns whether."""
        if self._thread is None:
            return True
        done = threading.Event()
        self._queue.put(done)
        return done.wait(timeout) and not self._unwritten and not self._events

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread after what is queued, and close its database connection."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join(timeout)

    def _start(self) -> None:
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        running = True
        try:
            while running:
                try:
                    running = self._step()
                except Exception:  # noqa: BLE001  (calls that wait for it give up in time; the next step must come)
                    logger.exception("Call records were not written.")
        finally:
            self._outage.left(len(self._unwritten))
            connection.close()

    def _step(self) -> bool:
        """Write what is waiting. Returns False when asked to stop."""
        soon = self._unwritten or self._outage.is_on
        items = self._queue.take(_RETRY_EVERY if soon else max(self._swept + _SWEEP_EVERY - self._clock(), 0.0))
        openings = [item for item in items if isinstance(item, PendingOpening) and not item.abandoned]
        self._unwritten.extend(item for item in items if isinstance(item, Note))
        notes, was_failing = self._next_notes(), self._failing
        self._write(openings, notes)
        recovered = was_failing and not self._failing
        if recovered or self._sweep_is_due() or not all(isinstance(item, PendingOpening | Note) for item in items):
            self._write_backlog()
        if self._outage.is_on:
            self._leave_trace(at_once=None in items)
        self._let_others_write(bool(openings or notes))
        self._sweep()
        for item in items:
            if isinstance(item, threading.Event):
                item.set()
        return None not in items

    def _leave_trace(self, at_once: bool) -> None:
        """Write that there was an outage, once it seems to be over."""
        trace = None if self._failing and self._unwritten else self._outage.trace(at_once)
        if trace is None:
            return
        try:
            statements = self._connected()
            with statements.transaction() as cursor:
                statements.add_events(cursor, [trace])
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            self._outage.failed(error, 0)
        else:
            self._failing = False
            self._outage.over()

    def _next_notes(self) -> list[Note]:
        notes = [self._unwritten.popleft() for _ in range(min(len(self._unwritten), GROUP))]
        return self._put_off_events(notes) if self._events else notes

    def _put_off_events(self, notes: Sequence[Note]) -> list[Note]:
        """Keep the events among them for the next look at the backlog; return the others."""
        self._events.keep([note for note in notes if isinstance(note, EventNote)])
        return [note for note in notes if not isinstance(note, EventNote)]

    def _write_backlog(self) -> None:
        """Write the outcomes that an outage left, before they are swept, or lost with the thread; and events."""
        for _ in range(len(self._unwritten) // GROUP + 1):
            if not self._failing:
                self._write([], self._next_notes())
        if not self._failing:
            self._events.write(self._write_events)

    def _write_events(self, events: Sequence[EventNote]) -> None:
        try:
            self._commit([], events)
        finally:
            self._in_doubt = False  # Whether they were committed does not matter: they can be written again.

    def _write(self, openings: Sequence[PendingOpening], notes: Sequence[Note]) -> None:
        if not openings and not notes:
            return
        try:
            inserted = self._commit([pending.limited for pending in openings], notes)
        except (DatabaseError, InterfaceError, ValueError) as error:
            if any(isinstance(note, EventNote) for note in notes):
                self._without_events(openings, notes, error)
                return
            # One entry that the database refuses, or whose text is no Unicode, must not hold up the others.
            if isinstance(error, DataError | IntegrityError | ValueError) and len(openings) + len(notes) > 1:
                self._write_one_by_one(openings, notes)
            else:
                self._fail(openings, notes, error)
        else:
            self._waiting.committed(openings, inserted)

    def _without_events(self, openings: Sequence[PendingOpening], notes: Sequence[Note], error: Exception) -> None:
        """Try again without events, on which nothing else depends; unless it may have been committed."""
        others = self._put_off_events(notes)
        if self._in_doubt:
            self._fail(openings, others, error)
        else:
            self._write(openings, others)

    def _write_one_by_one(self, openings: Sequence[PendingOpening], notes: Sequence[Note]) -> None:
        for pending in openings:
            self._write([pending], [])
        for note in notes:
            self._write([], [note])

    def _let_others_write(self, wrote: bool) -> None:
        """Under load, leave SQLite's one write lock alone for a moment: who waits for it polls, and could starve."""
        if wrote and connection.vendor == "sqlite" and not self._queue.is_empty():
            time.sleep(_SQLITE_PAUSE)

    def _commit(self, openings: Sequence[LimitedOpening], notes: Sequence[Note]) -> dict[UUID, Spent | None]:
        statements = self._connected()
        with statements.transaction() as cursor:
            if closings := [note for note in notes if isinstance(note, Closing)]:
                statements.close(cursor, closings)
            if undelivered := [note.id for note in notes if isinstance(note, Undelivered)]:
                statements.undelivered(cursor, undelivered)
            inserted = insert_within_limits(statements, cursor, openings) if openings else {}
            if events := [note for note in notes if isinstance(note, EventNote)]:
                unmatched = write_events(statements, cursor, events)
            self._in_doubt = connection.vendor != "sqlite"
        self._in_doubt = False
        if events:
            self._events.written(events, unmatched)
        if self._outage.is_on:
            self._outage.worked(len(notes) + len(self._unwritten) if self._failing else 0)
        self._failing = False
        return inserted

    def _connected(self) -> Statements:
        statements = statements_for(connection)
        if connection.connection is None:
            connection.ensure_connection()
            statements.limit(self._patience)
        return statements

    def _fail(self, openings: Sequence[PendingOpening], notes: Sequence[Note], error: Exception) -> None:
        self._failing = True
        self._unwritten.extend(notes)
        if self._in_doubt:
            # The server was asked to commit. Whether it did is not known, so no call may run.
            self._in_doubt = False
            self._unwritten.extend(
                given_up(pending.limited.opening.id) for pending in openings if pending.limited.opening.deadline
            )
        waiting = [pending for pending in openings if not pending.abandoned]
        for pending in waiting:
            pending.refused = True
        self._outage.failed(error, len(waiting))
        while len(self._unwritten) > _OUTCOMES_KEPT:
            dropped = self._unwritten.popleft()
            self._put_off_events([dropped])
            self._outage.lost(not isinstance(dropped, EventNote))
        self._waiting.failed(openings)
        connection.close()

    def _sweep_is_due(self) -> bool:
        return self._clock() - self._swept >= _SWEEP_EVERY

    def _sweep(self) -> None:
        """Mark records that outlived their deadline: their worker died, or could not write their outcome."""
        if not self._sweep_is_due():
            return
        self._swept = self._clock()
        try:
            statements = self._connected()
            with statements.transaction() as cursor:
                statements.expire(cursor, datetime.now(UTC))
                statements.forget_counts(cursor)
        except (DatabaseError, InterfaceError):
            connection.close()
