"""Run a coroutine that must not wait for anything."""

from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def at_once(work: Coroutine[Any, Any, Result]) -> Result:
    """Its result, without giving the event loop a chance."""
    try:
        work.send(None)
    except StopIteration as ended:
        result: Result = ended.value
        return result
    work.close()
    raise AssertionError("It waited.")
