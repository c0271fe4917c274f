"""Shows which workers share this database, and warns where one of several keeps its MCP sessions to itself."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import combinations

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Subquery
from django.db.models.functions import Now

from authz_app.core.failure_log import FailureLog
from tools_app.models import WorkerPresence

logger = logging.getLogger(__name__)
_BEAT = 15.0
_STALE = timedelta(hours=1)
# Three beats: whoever was not seen for that long is gone.
ALIVE = timedelta(seconds=45)
_WHAT_TO_DO = "Set REDIS_URL for all workers, or run only one."


class Presence:
    """Says, from a thread of its own, that this worker is there; warns of others where this one is ``alone``.

    All times are the database's, so workers on several machines agree. What fails is of no consequence to any call.
    """

    def __init__(self, name: str, alone: bool, beat: float = _BEAT) -> None:
        self._name = name
        self._alone = alone
        self._beat = beat
        self._known: set[str] = set()
        self._failure_log = FailureLog(logger, "It can be seen again which workers share this database.")
        self._leaving = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Be seen from now on. Never blocks, and may be repeated."""
        if self._thread is None and not self._leaving.is_set():
            self._thread = threading.Thread(target=self._run, name="presence", daemon=True)
            self._thread.start()

    def leave(self) -> None:
        """Be seen no more, soon. Never blocks."""
        self._leaving.set()

    def stop(self, timeout: float = 5.0) -> None:
        """Leave, and wait until that is written, for at most ``timeout`` seconds."""
        self.leave()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._leaving.is_set():
            self._with_database(self._show)
            self._leaving.wait(self._beat)
        self._with_database(self._hide)

    def _with_database(self, work: Callable[[], None]) -> None:
        try:
            work()
            self._failure_log.worked()
        except (DatabaseError, InterfaceError) as error:
            self._failure_log.failed("It cannot be seen which workers share this database: %s", error)
        finally:
            connection.close()

    def _show(self) -> None:
        rows = WorkerPresence.objects
        if not rows.filter(name=self._name).update(seen_at=Now()):
            rows.filter(seen_at__lt=Now() - _STALE).delete()
            rows.create(name=self._name, alone=self._alone, started_at=Now(), seen_at=Now())
        if self._alone:
            self._warn()

    def _hide(self) -> None:
        WorkerPresence.objects.filter(name=self._name).delete()

    def _warn(self) -> None:
        mine = WorkerPresence.objects.filter(name=self._name).values("started_at")
        others = WorkerPresence.objects.exclude(name=self._name).filter(seen_at__gt=Subquery(mine))
        for name in set(others.values_list("name", flat=True)) - self._known:
            self._known.add(name)
            logger.warning(
                "Another worker, %s, runs on this database, and REDIS_URL is not set for this one: neither knows the"
                " other's MCP sessions. %s",
                name,
                _WHAT_TO_DO,
            )


def notices() -> Sequence[str]:
    """A sentence, where workers that should know each other's MCP sessions do not."""
    present = WorkerPresence.objects.filter(seen_at__gt=Now() - ALIVE)
    if any((one.alone or other.alone) and one.overlaps(other) for one, other in combinations(present, 2)):
        return [
            "Several workers run on this database, and REDIS_URL is not set for all of them. What an MCP client sends"
            " may reach a worker that does not know its session, and is refused there; and the list of sessions shows"
            f" only those of the worker that answers. {_WHAT_TO_DO}"
        ]
    return []
