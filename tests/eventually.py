"""Waits until something holds. Tests poll here and nowhere else, with growing pauses.

A real event is better where there is one: a line of output, an ``asyncio.Event``, the end of a stream.
"""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar, cast

# Seconds. It only ends a hang, so it is generous.
PATIENCE = 60.0
_SHORTEST, _LONGEST = 0.002, 0.25
_TRUE: Any = object()
T = TypeVar("T")
# What is waited for, in words; a function says it when it did not come.
What = str | Callable[[], str]


async def eventually(
    look: Callable[[], T | Awaitable[T]], *, equals: T = _TRUE, within: float = PATIENCE, what: What = ""
) -> T:
    """Look, a function or a coroutine function, until it returns something true, or what it is to equal; returns that.

    Raises:
        AssertionError: it did not within so many seconds; says what was waited for, and what was seen last.
    """
    seen: Any = None
    try:
        async with asyncio.timeout(within) as timeout:
            for pause in _pauses():
                seen = look()
                if inspect.isawaitable(seen):
                    seen = await seen
                if _holds(seen, equals):
                    return cast(T, seen)
                await asyncio.sleep(pause)
    except TimeoutError:
        if not timeout.expired():
            raise
    raise _gave_up(look, equals, within, what, seen)


def wait_until(look: Callable[[], T], *, equals: T = _TRUE, within: float = PATIENCE, what: What = "") -> T:
    """``eventually`` for code that runs in no event loop: it blocks the thread."""
    deadline = time.monotonic() + within
    for pause in _pauses():
        seen = look()
        if _holds(seen, equals):
            return seen
        if time.monotonic() > deadline:
            break
        time.sleep(pause)
    raise _gave_up(look, equals, within, what, seen)


def _pauses() -> Iterator[float]:
    pause = _SHORTEST
    while True:
        yield pause
        pause = min(1.5 * pause, _LONGEST)


def _holds(seen: object, equals: object) -> bool:
    return bool(seen) if equals is _TRUE else seen == equals


def _gave_up(look: Callable[..., Any], equals: object, within: float, what: What, seen: object) -> AssertionError:
    wanted = "" if equals is _TRUE else f" to equal {equals!r}"
    awaited = what() if callable(what) else what or _source(look)
    return AssertionError(f"Waited {within:g} s for {awaited}{wanted}. Last seen: {seen!r}")


def _source(look: Callable[..., Any]) -> str:
    try:
        return " ".join(inspect.getsource(look).split())
    except (OSError, TypeError):
        return repr(look)
