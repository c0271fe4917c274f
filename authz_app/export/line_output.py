"""Write lines for a log collector: to a file, which may be rotated away at any time, or to stdout."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

STDOUT = "stdout"


class LineOutput(Protocol):
    """Takes lines, in order. Lines that it has taken have left this process."""

    def write(self, lines: Sequence[bytes]) -> None:
        """Write all of them, or raise OSError when some may have been written."""


def output_for(setting: str) -> LineOutput | None:
    """The output that AUDIT_LINES names; None: none."""
    if setting in ("", "off"):
        return None
    return Stdout() if setting == STDOUT else File(Path(setting))


class File:
    """Opens its file for each write, so that somebody may move it away in between."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, lines: Sequence[bytes]) -> None:
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            _write(file, b"\n" * _ends_torn(file) + b"".join(lines))
            with suppress(OSError):  # A pipe cannot.
                os.fsync(file)
        finally:
            os.close(file)


def _ends_torn(file: int) -> bool:
    """Whether the last line is half a line: the disk was full, or the machine lost power."""
    try:
        size = os.fstat(file).st_size
        return size > 0 and os.pread(file, 1, size - 1) != b"\n"
    except OSError:
        return False


class Stdout:
    """Writes to the stdout of this process, or to another open file."""

    def __init__(self, file: int = 1) -> None:
        self._file = file
        self._torn = False

    def write(self, lines: Sequence[bytes]) -> None:
        was_torn, self._torn = self._torn, True
        _write(self._file, b"\n" * was_torn + b"".join(lines))
        self._torn = False


def _write(file: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]
