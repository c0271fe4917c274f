"""Collects what a function yields, into a list: within its time limit, and no more than could be sent."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterable, Iterator
from typing import Any

from tools_app.call import Call
from tools_app.errors import ToolFailure

# Seconds for which the event loop may wait for somebody who yields and never waits.
_AT_A_TIME = 0.005
# JSON has a comma after each item, and at least one character for it.
_LEAST = 2


class GivenUp(Exception):
    """Nobody waits for the rest."""


class _Collected:
    """The items so far."""

    def __init__(self, call: Call, most: int) -> None:
        self.items: list[Any] = []
        self._call = call
        self._most = most
        self._size = 0

    def add(self, item: Any) -> None:
        if self._call.cancelled:
            raise GivenUp
        self._size += _LEAST + (len(item) if isinstance(item, str | bytes) else 0)
        if self._size > self._most:
            limit = f"At most {self._most:,} bytes can be sent: half of MAX_QUEUED_BYTES, up to 8 MB."
            raise ToolFailure(f"The result is too large. {limit}")
        self.items.append(item)


def collected(value: Any, call: Call, most: int) -> Any:
    """What an iterator yields, as a list; any other value as it is. ``most`` are bytes."""
    if not isinstance(value, Iterator):
        return value
    found = _Collected(call, most)
    try:
        for item in value:
            found.add(item)
    finally:
        if inspect.isgenerator(value):
            value.close()
    return found.items


def is_unfinished(value: Any) -> bool:
    """Whether only the event loop can make a result of it: what can be awaited, or iterated there alone."""
    return inspect.isawaitable(value) or _is_async_only(value)


async def finished(value: Any, call: Call, most: int) -> Any:
    """What comes of a value that is awaited, and of what it yields on the event loop, as a list."""
    while inspect.isawaitable(value):
        value = await value
    return await _collected_on_loop(value, call, most) if _is_async_only(value) else value


def _is_async_only(value: Any) -> bool:
    return hasattr(type(value), "__aiter__") and not hasattr(type(value), "__iter__")


async def _collected_on_loop(value: AsyncIterable[Any], call: Call, most: int) -> list[Any]:
    found = _Collected(call, most)
    others_at = time.monotonic() + _AT_A_TIME
    try:
        async for item in value:
            found.add(item)
            if time.monotonic() > others_at:
                await asyncio.sleep(0)
                others_at = time.monotonic() + _AT_A_TIME
    finally:
        if inspect.isasyncgen(value):
            await value.aclose()
    return found.items
