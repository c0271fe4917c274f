"""Asks for many things at a time: what is asked while an answer is awaited goes with the next question."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_MOST = 64


class Batches(Generic[Item, Answer]):
    """Gathers items into batches. ``ask`` answers a batch, in order; what it raises is raised to all who are in it."""

    def __init__(self, ask: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]]) -> None:
        self._ask = ask
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, item: Item) -> Answer:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((item, future))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._work())
        return await future

    async def _work(self) -> None:
        # Who does not wait any more has asked for nothing.
        while waiting := [(item, future) for item, future in self._waiting if not future.done()]:
            batch, self._waiting = waiting[:_MOST], waiting[_MOST:]
            try:
                answers = await self._ask([item for item, _ in batch])
            except Exception as error:  # noqa: BLE001  (whatever it is, it is for those who asked)
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
