"""Write lines for a log collector in a thread of each worker, where AUDIT_LINES asks for them.

The thread follows the seals, and the database remembers how far it got: so each record is written at least once, also
when no output took lines for an hour. Neither calls nor sealing wait for it, whatever becomes of the output.
"""

import logging
import threading
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Q

from authz_app.core.failure_log import FailureLog
from authz_app.evidence.checkpoint import last_number
from authz_app.evidence.listed_keys import keys_from
from authz_app.export.line_output import LineOutput, output_for
from authz_app.export.lines import key_line, segment_lines
from authz_app.models import AuditKey, AuditLines, AuditSeal

logger = logging.getLogger("authz_app.evidence")
_CANNOT = "Lines of records (AUDIT_LINES) cannot be written: %s. They are written as soon as that is possible."
_LOOK = 5.0
# For as long as a worker may be at one segment before another takes over. Both then write it.
_LEASE = timedelta(seconds=60)


def line_writer(setting: str, worker: str, *, full: bool) -> "LineWriter":
    """The writer that AUDIT_LINES asks for; it writes nothing where that is off."""
    return LineWriter(output_for(setting), worker, full=full)


class LineWriter:
    """Writes the lines of one segment after the other to ``output``. ``worker`` is the name of this worker."""

    def __init__(self, output: LineOutput | None, worker: str, *, full: bool, look: float = _LOOK) -> None:
        self._output = output
        self._worker = worker
        self._full = full
        self._pause = look
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure_log = FailureLog(logger, "Lines of records (AUDIT_LINES) are written again.")

    def start(self) -> None:
        """Write from now on, if there is an output. Never blocks, and may be repeated."""
        if self._output is not None and self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._run, args=(self._output,), name="audit-lines", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """End the thread after the segment that it is at, for which this waits at most ``timeout`` seconds."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self, output: LineOutput) -> None:
        while not self._stopping.wait(self._pause):
            try:
                self.follow(output)
                self._failure_log.worked()
            except OSError as error:
                self._failure_log.failed(_CANNOT, error.strerror or error)
            except (DatabaseError, InterfaceError) as error:
                self._failure_log.failed(_CANNOT, str(error).strip().rstrip("."))
            finally:
                connection.close()

    def follow(self, output: LineOutput) -> None:
        """Write what was sealed since the last time, unless another worker does.

        Raises:
            OSError: a line cannot be written; the next time begins with its segment.
        """
        upto = AuditLines.objects.filter(pk=1).values_list("upto", flat=True).first()
        if upto is None:
            upto = self._begin(output)
        while not self._stopping.is_set() and self._take(upto):
            seal = AuditSeal.objects.defer("members").filter(number__gt=upto).order_by("number").first()
            if seal is None:
                return
            output.write([*map(key_line, keys_from(seal.number)), *segment_lines(connection, seal, full=self._full)])
            if not AuditLines.objects.filter(upto=upto).update(upto=seal.number):
                return  # Another took over.
            upto = seal.number

    def _begin(self, output: LineOutput) -> int:
        """Begin after the last seal: what was sealed before is in no line."""
        last = last_number(connection)
        output.write([key_line(key) for key in AuditKey.objects.order_by("pk")])
        return AuditLines.objects.get_or_create(pk=1, defaults={"upto": last})[0].upto

    def _take(self, upto: int) -> bool:
        """Take the lease to write. False: another worker has it, or has gone on meanwhile."""
        now = datetime.now(UTC)
        is_free = Q(held_until=None) | Q(held_until__lt=now) | Q(held_until__gt=now + 2 * _LEASE)
        free_or_own = AuditLines.objects.filter(is_free | Q(holder=self._worker), upto=upto)
        return bool(free_or_own.update(holder=self._worker, held_until=now + _LEASE))
