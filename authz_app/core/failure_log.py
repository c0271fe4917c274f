"""What fails over and over, said in the log when it begins and when it has passed, and never line after line."""

import logging
import threading
import time
from collections.abc import Callable

_EVERY = 60.0


class FailureLog:
    """Something that may fail for a while. Safe in any thread.

    Where it comes and goes, its beginning and its end are said at most once a minute.
    """

    def __init__(self, logger: logging.Logger, passed: str, clock: Callable[[], float] = time.monotonic) -> None:
        """``passed`` is what the log says when it works again."""
        self._logger = logger
        self._passed = passed
        self._clock = clock
        self._lock = threading.Lock()
        self._said_at: float | None = None
        self._is_on = False

    def failed(self, sentence: str, *arguments: object) -> None:
        """Note that it failed; say so, unless that was said."""
        with self._lock:
            if self._is_on or (self._said_at is not None and self._clock() - self._said_at < _EVERY):
                return
            self._is_on, self._said_at = True, self._clock()
        self._logger.error(sentence, *arguments)

    def worked(self) -> None:
        """Note that it worked; say so, where it was said that it failed."""
        if not self._is_on:
            return
        with self._lock:
            was_on, self._is_on = self._is_on, False
        if was_on:
            self._logger.warning(self._passed)
