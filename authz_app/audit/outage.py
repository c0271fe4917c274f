"""Leaves the trace of an outage: a line when it begins, a line when it has ended, and an event once one can be written.

Where a database comes and goes, that is one outage: it has ended when nothing failed for a while.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from authz_app.audit.events import Event, EventKind, event
from authz_app.redaction.redact import redact_text

logger = logging.getLogger(__name__)
CALM = 3.0
_CAUSE = 200


@dataclass(slots=True)
class _Outage:
    """An outage so far. ``last`` is when a write failed last, by the clock; ``back`` when one succeeded after that."""

    since: datetime
    cause: str
    last: float
    back: datetime | None = None
    refused: int = 0
    kept: int = 0
    lost: int = 0


class OutageWatch:
    """Notes which writes of one worker failed. Safe in any thread; costs nothing while all is well."""

    def __init__(self, worker: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._worker = worker
        self._clock = clock
        self._lock = threading.Lock()
        self._outage: _Outage | None = None
        self._told_late = False

    @property
    def is_on(self) -> bool:
        return self._outage is not None

    def late(self, timeout: float) -> None:
        """A call was refused because its record took longer than ``timeout`` seconds."""
        self._note(f"not written within {timeout:g} seconds", 1, by_database=False)

    def failed(self, error: Exception, refused: int) -> None:
        """The database did not write, so ``refused`` calls are refused now."""
        self._note(redact_text(str(error).strip().partition("\n")[0], _CAUSE), refused, by_database=True)

    def _note(self, cause: str, refused: int, *, by_database: bool) -> None:
        with self._lock:
            begins = self._outage is None
            if self._outage is None:
                self._outage = _Outage(datetime.now(UTC), cause, 0.0)
            outage = self._outage
            # What the database says of it is worth more than that it took long.
            if by_database and self._told_late:
                outage.cause = cause
            self._told_late = not by_database and (begins or self._told_late)
            outage.last, outage.back = self._clock(), None
            outage.refused += refused
        if begins:
            logger.error("Call records cannot be written, so no tool is run: %s", cause)

    def lost(self, outcomes: int) -> None:
        """``outcomes`` outcomes could not be kept any longer."""
        if (outage := self._outage) is not None:
            outage.lost += outcomes

    def worked(self, kept: int) -> None:
        """A write succeeded; ``kept`` outcomes that had waited are written with it, or will be in a moment."""
        with self._lock:
            if (outage := self._outage) is not None and outage.back is None:
                outage.back = datetime.now(UTC)
                outage.kept += kept

    def trace(self, at_once: bool = False) -> Event | None:
        """The event to write, if no write failed for a while, or ``at_once``. The outage is over once it is written."""
        with self._lock:
            outage = self._outage
            if outage is None or not (at_once or self._clock() - outage.last >= CALM):
                return None
            outage.back = outage.back or datetime.now(UTC)
            return event(
                EventKind.OUTAGE,
                {
                    "from": outage.since.isoformat(timespec="milliseconds"),
                    "until": outage.back.isoformat(timespec="milliseconds"),
                    "cause": outage.cause,
                    "calls_refused": outage.refused,
                    "outcomes_kept": outage.kept,
                    "outcomes_lost": outage.lost,
                },
                worker=self._worker,
            )

    def in_words(self) -> str:
        """The outage as a sentence; empty while there is none."""
        outage = self._outage
        if outage is None:
            return ""
        return (
            f"Call records cannot be written since {outage.since:%Y-%m-%d %H:%M:%S} UTC, so no tool is run; this worker"
            f" has refused {outage.refused} calls. The database said: {outage.cause}"
        )

    def over(self) -> None:
        """The event is written: the outage has ended."""
        with self._lock:
            outage, self._outage, self._told_late = self._outage, None, False
        if outage is not None:
            seconds = ((outage.back or datetime.now(UTC)) - outage.since).total_seconds()
            logger.warning(
                "Call records can be written again, after %.1f seconds."
                " Calls refused: %d; outcomes that had to wait: %d; outcomes lost: %d.",
                seconds,
                outage.refused,
                outage.kept,
                outage.lost,
            )

    def left(self, unwritten: int) -> None:
        """The worker stops. If an outage has not ended by then, a line of the log is its only trace."""
        if (outage := self._outage) is not None:
            logger.error(
                "This worker stops while call records cannot be written, since %s."
                " Calls refused: %d; outcomes lost: %d.",
                outage.since.isoformat(timespec="seconds"),
                outage.refused,
                outage.lost + unwritten,
            )
