"""Seal in a thread of each worker, when it is due and no other worker has done it."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection

from authz_app.core.failure_log import FailureLog
from authz_app.evidence.checkpoint import Checkpoint, checkpoint_path, keep_checkpoint, known_checkpoint
from authz_app.evidence.keys import AuditKeyError, signer
from authz_app.evidence.sealing import Sealing, seal
from authz_app.evidence.statements import digest
from authz_app.models import AuditSeal

logger = logging.getLogger("authz_app.evidence")
# Between two segments, so that whoever polls for SQLite's write lock finds it free.
_PAUSE = 0.05
_FIRST_LOOK = 15.0
_RETRY = 5.0


class Sealer:
    """Seals every ``interval`` seconds, beginning a little after ``start``. No tool call waits for it."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure_log = FailureLog(logger, "Call records can be sealed again.")

    def start(self) -> None:
        """Seal from now on. Never blocks, and may be repeated."""
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread after the segment that it is at, for which this waits at most ``timeout`` seconds."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        pause = min(self._interval, _FIRST_LOOK)
        while not self._stopping.wait(pause):
            pause = self._look()

    def _look(self) -> float:
        """Seal if it is due. Returns in how many seconds to look again."""
        try:
            seal_what_is_due(timedelta(seconds=self._interval), lambda: not self._stopping.wait(_PAUSE))
            self._failure_log.worked()
            return self._until_due()
        except (DatabaseError, InterfaceError, AuditKeyError) as error:
            self._failure_log.failed("Call records cannot be sealed: %s", error)
            return min(self._interval, _RETRY)
        finally:
            connection.close()

    def _until_due(self) -> float:
        last = AuditSeal.objects.order_by("-number").values_list("at", flat=True).first()
        due = (last or datetime.now(UTC)) + timedelta(seconds=self._interval)
        # Never at once: the clocks of two machines may differ.
        return min(max((due - datetime.now(UTC)).total_seconds(), 0.1), self._interval)


def seal_what_is_due(older_than: timedelta | None, go_on: Callable[[], bool] = lambda: True) -> int:
    """Seal all that waits, if the last seal is ``older_than`` that; None: in any case. Returns the number of seals.

    Raises:
        AuditKeyError, DatabaseError, InterfaceError: something cannot be sealed.
    """
    made = 0
    may_replace = _checkpoint_holds()
    sealing = _seal(older_than)
    while sealing is not None:
        made += 1
        _publish(sealing, may_replace)
        sealing = _seal(None) if sealing.more and go_on() else None
    return made


def _seal(older_than: timedelta | None) -> Sealing | None:
    """Seal with the key as it is now: another may have taken over since the last segment, or in this very moment."""
    key = signer(create=True)
    try:
        return seal(connection, key, older_than)
    except AuditKeyError:
        if signer().id == key.id:
            raise
        return seal(connection, signer(), older_than)


def _publish(sealing: Sealing, may_replace: bool) -> None:
    logger.info("%s", sealing.line)
    # A checkpoint whose seal is gone is evidence: it stays.
    if may_replace:
        with suppress(OSError):
            keep_checkpoint(connection, Checkpoint(sealing.number, sealing.digest))


_missed: set[str] = set()


def _checkpoint_holds() -> bool:
    """Whether the last seal that was made here is still there. Logs once that it is not."""
    known = known_checkpoint(connection)
    if known is None:
        return True
    statement = AuditSeal.objects.filter(pk=known.number).values_list("statement", flat=True).first()
    if statement is not None and digest(statement) == known.digest:
        return True
    if known.digest not in _missed:
        _missed.add(known.digest)
        logger.error(
            "Seal %s, made here as %s, is gone from the database or changed: records were cut off, or an older copy of"
            " the database is in use. `manage.py audit verify` says more; %s keeps what is known.",
            known.number,
            known.digest,
            checkpoint_path(connection),
        )
    return False
