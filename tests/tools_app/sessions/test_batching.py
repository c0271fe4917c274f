"""Many questions in one."""

import asyncio
from collections.abc import Sequence

import pytest

from tools_app.sessions.batching import Batches


class Asked:
    """Answers each number with its double, and keeps what it was asked; waits while ``open`` is not set."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, batch: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(batch))
        await self.open.wait()
        if 13 in batch:
            raise LookupError("thirteen")
        return [2 * item for item in batch]


async def test_what_is_asked_meanwhile_goes_together() -> None:
    asked = Asked()
    batches: Batches[int, int] = Batches(asked)
    asked.open.clear()
    first = asyncio.create_task(batches.ask(1))
    await asyncio.sleep(0)
    others = [asyncio.create_task(batches.ask(number)) for number in (2, 3, 4)]
    await asyncio.sleep(0)
    asked.open.set()
    assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
    assert asked.batches == [[1], [2, 3, 4]]


async def test_an_error_is_told_to_all_who_asked_and_to_nobody_after() -> None:
    batches: Batches[int, int] = Batches(Asked())
    results = await asyncio.gather(batches.ask(12), batches.ask(13), return_exceptions=True)
    assert [type(result) for result in results] == [LookupError, LookupError]
    assert await batches.ask(14) == 28


async def test_who_gives_up_does_not_hold_up_the_others() -> None:
    asked = Asked()
    batches: Batches[int, int] = Batches(asked)
    asked.open.clear()
    impatient, patient = (asyncio.create_task(batches.ask(number)) for number in (1, 2))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    asked.open.set()
    assert await patient == 4


async def test_a_great_many_are_asked_in_several_batches() -> None:
    asked = Asked()
    batches: Batches[int, int] = Batches(asked)
    numbers = range(100, 300)
    assert await asyncio.gather(*map(batches.ask, numbers)) == [2 * number for number in numbers]
    assert [len(batch) for batch in asked.batches] == [64, 64, 64, 8]
