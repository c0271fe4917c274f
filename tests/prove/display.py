"""What the proof prints: a line that is replaced while it works, then one for each promise."""

import os
import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import TextIO

_WIDTH = 110
_GREEN, _RED, _YELLOW, _BOLD, _DIM = "32", "31", "33", "1", "2"


def wants_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether to print in colour: NO_COLOR and FORCE_COLOR decide before the terminal does (no-color.org)."""
    if environment.get("NO_COLOR"):
        return False
    return bool(environment.get("FORCE_COLOR")) or stream.isatty()


class Display:
    """Prints to a stream. Progress is for terminals alone."""

    def __init__(self, stream: TextIO = sys.stdout, environment: Mapping[str, str] = os.environ) -> None:
        self._stream = stream
        self._colour = wants_colour(stream, environment)
        self._live = stream.isatty()

    def say(self, text: str) -> None:
        """Show what is being done, in the place of what was shown before."""
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[2K{self._painted(f'... {text}'[:width], _DIM)}")
            self._stream.flush()

    def kept(self, title: str, seen: str, not_shown: str) -> None:
        self._print_promise("✓", title, _GREEN, seen)
        if not_shown:
            print(self._painted(_wrapped(f"    Not shown here: {not_shown}", "    "), _YELLOW), file=self._stream)

    def broken(self, title: str, seen: str) -> None:
        self._print_promise("✗", title, _RED, seen, _RED)

    def print(self, text: str, good: bool | None = None) -> None:
        self._clear()
        colour = {None: "", True: _GREEN, False: _RED}[good]
        print(self._painted(_wrapped(text), colour), file=self._stream, flush=True)

    def _print_promise(self, sign: str, title: str, colour: str, seen: str, colour_of_seen: str = "") -> None:
        """The title in bold, and what was seen after it, wrapped."""
        self._clear()
        head = f"{sign} {title}"
        first, *others = _wrapped(f"{head}. {seen}", "    ").split("\n")
        painted_head = f"{self._painted(sign, colour)} {self._painted(title, _BOLD)}"
        print(painted_head + self._painted(first[len(head) :], colour_of_seen), file=self._stream)
        for line in others:
            print(self._painted(line, colour_of_seen), file=self._stream)
        self._stream.flush()

    def _clear(self) -> None:
        if self._live:
            self._stream.write("\r\x1b[2K")

    def _painted(self, text: str, colour: str) -> str:
        if not (self._colour and colour):
            return text
        return "\n".join(f"\x1b[{colour}m{line}\x1b[0m" for line in text.split("\n"))


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
