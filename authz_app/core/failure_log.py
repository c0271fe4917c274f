"""Log a failure that repeats when it begins and when it has passed, and not each time."""

import logging
import threading
import time
from collections.abc import Callable

_EVERY = 60.0


class FailureLog:
    """Logs one kind of failure, which may last for a while. Safe in any thread.

    A failure that comes and goes is logged at most once a minute.
    """

    def __init__(self, logger: logging.Logger, passed: str, clock: Callable[[], float] = time.monotonic) -> None:
        """``passed`` is the line that is logged when it works again. ``clock`` is monotonic, in seconds."""
        self._logger = logger
        self._passed = passed
        self._clock = clock
        self._lock = threading.Lock()
        self._logged_at: float | None = None
        self._is_on = False

    def failed(self, sentence: str, *arguments: object) -> None:
        """Note a failure; log ``sentence``, unless it was logged already."""
        with self._lock:
            if self._is_on or (self._logged_at is not None and self._clock() - self._logged_at < _EVERY):
                return
            self._is_on, self._logged_at = True, self._clock()
        self._logger.error(sentence, *arguments)

    def worked(self) -> None:
        """Note a success; log that it works again, where a failure was logged."""
        if not self._is_on:
            return
        with self._lock:
            was_on, self._is_on = self._is_on, False
        if was_on:
            self._logger.warning(self._passed)
