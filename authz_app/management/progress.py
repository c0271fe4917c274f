"""A progress bar on a terminal. Where the output goes elsewhere, nothing is shown."""

import time
from typing import Any

_WIDTH = 30
_EVERY = 0.1


class Progress:
    """Counts ``what`` up to ``total``, as a bar on ``stream`` where that is a terminal. Use as a context manager."""

    def __init__(self, stream: Any, what: str, total: int) -> None:
        self._stream = stream
        self._what = what
        self._total = max(total, 1)
        self._drawn = 0.0
        self._shown = bool(getattr(stream, "isatty", lambda: False)())

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and self._drawn:
            self._stream.write("\r\x1b[K", ending="")
            self._stream.flush()

    def reach(self, done: int) -> None:
        """So much is done."""
        now = time.monotonic()
        if self._shown and now - self._drawn >= _EVERY:
            self._drawn = now
            filled = min(done * _WIDTH // self._total, _WIDTH)
            bar = "█" * filled + "·" * (_WIDTH - filled)
            self._stream.write(f"\r{bar} {done:,} of {self._total:,} {self._what}\x1b[K", ending="")
            self._stream.flush()
