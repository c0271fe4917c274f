"""What a function yields becomes a list, as long as somebody waits for it and it could be sent."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.tools_app.invocation.test_execution import a_call
from tools_app.errors import ToolFailure
from tools_app.invocation.collecting import GivenUp, collected, finished, is_unfinished

MOST = 1_000


async def test_iterators_are_collected_and_all_else_stays() -> None:
    call = a_call()
    for value in (iter([1, 2]), (n for n in (1, 2)), map(int, "12"), filter(None, [1, 2])):
        assert collected(value, call, MOST) == [1, 2]
    for value in ([1], {"a": 1}, "text", None, range(3), {1}):
        assert collected(value, call, MOST) is value


@pytest.mark.parametrize("item", [1, "x" * 100, b"x" * 100])
async def test_what_could_not_be_sent_is_not_collected(item: Any) -> None:
    closed: list[bool] = []

    def endless() -> Iterator[Any]:
        try:
            yield from itertools.repeat(item)
        finally:
            closed.append(True)

    async def endless_async() -> AsyncIterator[Any]:
        try:
            while True:
                yield item
        finally:
            closed.append(True)

    with pytest.raises(ToolFailure, match="At most 1,000 bytes can be sent"):
        collected(endless(), a_call(), MOST)
    with pytest.raises(ToolFailure, match="1,000 bytes"):
        await finished(endless_async(), a_call(), MOST)
    assert closed == [True, True]


async def test_nothing_is_collected_for_nobody() -> None:
    call = a_call()
    taken: list[int] = []

    def counting() -> Iterator[int]:
        for number in itertools.count():
            taken.append(number)
            call.cancelled = number == 3
            yield number

    with pytest.raises(GivenUp):
        collected(counting(), call, MOST)
    assert taken == [0, 1, 2, 3]


async def test_what_only_the_loop_can_finish_is_known() -> None:
    async def number() -> int:
        return 1

    async def numbers() -> AsyncIterator[int]:
        yield 1

    class Both:
        """As a QuerySet is."""

        def __iter__(self) -> Any: ...
        def __aiter__(self) -> Any: ...

    future = asyncio.get_running_loop().create_future()
    future.set_result(number())
    assert all(map(is_unfinished, (future, numbers())))
    assert not any(map(is_unfinished, (1, "x", [1], iter([1]), Both())))
    assert await finished(future, a_call(), MOST) == 1
    assert await finished(numbers(), a_call(), MOST) == [1]


async def test_the_loop_goes_on_while_somebody_yields_without_waiting() -> None:
    others = asyncio.Event()
    asyncio.get_running_loop().call_soon(others.set)

    async def until_others() -> AsyncIterator[int]:
        while not others.is_set():
            yield 1

    assert len(await finished(until_others(), a_call(), 2**40)) > 1
