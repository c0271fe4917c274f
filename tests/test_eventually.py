"""How tests wait."""

import asyncio
import re

import pytest

from tests.eventually import eventually, wait_until


async def test_what_holds_is_returned_once_it_does() -> None:
    seen = iter([0, [], "", "this"])
    assert await eventually(lambda: next(seen)) == "this"
    seen = iter([1, 2, 0, 3])
    assert await eventually(lambda: next(seen), equals=0) == 0
    assert next(seen) == 3


async def test_what_has_to_be_awaited_is() -> None:
    seen = iter([0, 7])

    async def look() -> int:
        await asyncio.sleep(0)
        return next(seen)

    assert await eventually(look) == 7


def test_without_an_event_loop_the_thread_waits() -> None:
    seen = iter([0, 7, 8])
    assert wait_until(lambda: next(seen), equals=8) == 8


WAITED = re.escape("Waited 0.01 s for a miracle to equal 2. Last seen: 1")


async def test_who_gives_up_says_what_was_waited_for() -> None:
    with pytest.raises(AssertionError, match=WAITED):
        await eventually(lambda: 1, equals=2, within=0.01, what="a miracle")
    with pytest.raises(AssertionError, match=WAITED):
        wait_until(lambda: 1, equals=2, within=0.01, what="a miracle")
    with pytest.raises(AssertionError, match=re.escape("eventually(lambda: 1 > 2, within=0.01)")):
        await eventually(lambda: 1 > 2, within=0.01)


async def test_a_look_that_hangs_is_given_up() -> None:
    with pytest.raises(AssertionError, match="Last seen: <coroutine"):
        await eventually(asyncio.Event().wait, within=0.01)


async def test_what_a_look_raises_is_raised() -> None:
    async def look() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await eventually(look)
