"""Bounds the work of a function by what no machine changes: how many calls it makes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def at_most_calls(most: int) -> Iterator[None]:
    """Fail as soon as this thread has made more calls within the block, to functions in Python or in C."""
    made = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal made
        made += event in {"call", "c_call"}
        if made > most:
            raise AssertionError(f"It makes more than {most:,} calls.")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)
