"""Show a progress bar on a terminal, and nothing where the output goes elsewhere."""

import time

from django.core.management.base import OutputWrapper

_WIDTH = 30
_EVERY = 0.1


class Progress:
    """Counts ``what`` up to ``total``, as a bar on ``stream`` where that is a terminal. Use as a context manager."""

    def __init__(self, stream: OutputWrapper, what: str, total: int) -> None:
        self._stream = stream
        self._what = what
        self._total = max(total, 1)
        self._drawn = 0.0
        self._shown = stream.isatty()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and self._drawn:
            self._write("\r\x1b[K")

    def reach(self, done: int) -> None:
        """Show that so much is done."""
        now = time.monotonic()
        if self._shown and now - self._drawn >= _EVERY:
            self._drawn = now
            filled = min(done * _WIDTH // self._total, _WIDTH)
            bar = "█" * filled + "·" * (_WIDTH - filled)
            self._write(f"\r{bar} {done:,} of {self._total:,} {self._what}\x1b[K")

    def _write(self, text: str) -> None:
        # In no colour: a command's stderr would make an error of it.
        self._stream.write(text, style_func=str, ending="")
        self._stream.flush()
