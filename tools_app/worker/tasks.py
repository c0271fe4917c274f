"""Runs work that outlives the request that asked for it."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """The tasks that the worker waits for when it leaves, and those that have no end of their own.

    ``draining`` says that the worker is about to leave.
    """

    def __init__(self) -> None:
        self.draining = False
        self._ending: set[asyncio.Task[Any]] = set()
        self._endless: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Run work that the worker waits for when it leaves."""
        return _started(work, self._ending)

    def keep(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run work that has no end of its own, until it is stopped."""
        _started(work, self._endless)

    async def finish(self, limit: float) -> None:
        """Let the work end, for at most ``limit`` seconds; cancel what does not."""
        self.draining = True
        if self._ending:
            _, late = await asyncio.wait(set(self._ending), timeout=limit)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)

    def stop(self) -> None:
        """Cancel what has no end."""
        for task in self._endless:
            task.cancel()


def _started(work: Coroutine[Any, Any, Any], tasks: "set[asyncio.Task[Any]]") -> "asyncio.Task[Any]":
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task
