"""Callers that call one tool over and over, through all workers in turn, and keep what they were told."""

import asyncio
import itertools
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from tests.eventually import eventually
from tests.prove.session import Session, session
from tests.prove.stage import Stage

_SESSIONS = 4
_IN_FLIGHT = 4


class Load:
    """``ran`` counts the calls that were answered with a result; ``refused`` the others, by what they were told."""

    def __init__(self, stage: Stage, tool: str, name: str) -> None:
        self._stage = stage
        self._tool = tool
        self._name = name
        self._numbers = itertools.count()
        self._stopping = False
        self.ran = 0
        self.refused: Counter[str] = Counter()

    @property
    def calls(self) -> int:
        return self.ran + self.refused.total()

    async def work(self, opened: Session) -> None:
        while not self._stopping:
            number = next(self._numbers)
            site = self._stage.workers[number % len(self._stage.workers)]
            answer = await opened.call(self._tool, site, text=f"{self._name}-{number}")
            if answer.refused:
                self.refused[re.sub(r"[0-9a-f-]{36}", "...", answer.text)] += 1
            else:
                self.ran += 1

    async def until(self, calls: int, seconds: float = 30) -> None:
        """Wait until so many calls have been answered in all."""
        await eventually(lambda: self.calls >= calls, within=seconds)

    def stop(self) -> None:
        """Let each caller end after the call that it is making."""
        self._stopping = True


@asynccontextmanager
async def load(stage: Stage, tool: str, name: str) -> AsyncIterator[Load]:
    """Calls of this tool as long as the block lasts, each with a text of its own that begins with ``name``."""
    running = Load(stage, tool, name)
    async with AsyncExitStack() as stack:
        sites = itertools.cycle(stage.workers)
        opened = [
            await stack.enter_async_context(session(stage, next(sites), stage.token(f"{name}-{number}")))
            for number in range(_SESSIONS)
        ]
        async with asyncio.TaskGroup() as tasks:
            for one in opened * _IN_FLIGHT:
                tasks.create_task(running.work(one))
            try:
                yield running
            finally:
                running.stop()
