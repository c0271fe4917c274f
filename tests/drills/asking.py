"""Callers that call without pause, a request for each call, and remember what each was told and how long it took."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from tests import raw_modern
from tests.eventually import eventually
from tests.raw_mcp import messages_in
from tests.site import SiteAddress

_PATIENCE = 60.0
DONE = ""
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a call: DONE, or the words of its refusal; and after how many seconds."""

    words: str
    seconds: float


@dataclass(slots=True)
class Answers:
    """What the callers were told so far."""

    told: list[Told] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def refused(self) -> Counter[str]:
        return Counter(one.words for one in self.told if one.words != DONE)

    @property
    def slowest(self) -> float:
        return max(one.seconds for one in self.told)

    async def more(self, *, done: int = 0, refused: int = 0) -> None:
        """Wait until so many more calls ran, and so many more were refused."""
        ran_before, refused_before = self._count()

        def came() -> bool:
            ran, were_refused = self._count()
            return ran - ran_before >= done and were_refused - refused_before >= refused

        await eventually(came, within=_PATIENCE)

    def _count(self) -> tuple[int, int]:
        refused = self.refused.total()
        return len(self.told) - refused, refused


async def ask(http: httpx2.AsyncClient, site: SiteAddress, subject: str, tool: str = "mark", **more: float) -> Told:
    """One call, each with a text of its own."""
    body = raw_modern.call(tool, {"text": f"mark-{next(_numbers)}", **more})
    began = time.monotonic()
    response = await http.post(
        f"{site.url}/mcp", json=body, headers=raw_modern.headers_for(body) | site.headers(subject)
    )
    seconds = time.monotonic() - began
    [answer] = [message for message in messages_in(response) if "id" in message]
    if "error" in answer:
        return Told(answer["error"]["message"], seconds)
    assert not answer["result"].get("isError"), answer
    return Told(DONE, seconds)


@asynccontextmanager
async def asking(site: SiteAddress, subjects: Sequence[str], in_flight: int) -> AsyncIterator[Answers]:
    """These callers at work, each with so many calls at a time."""
    answers = Answers()
    async with httpx2.AsyncClient(timeout=_PATIENCE) as http, asyncio.TaskGroup() as tasks:

        async def lane(subject: str) -> None:
            while not answers.stopping.is_set():
                answers.told.append(await ask(http, site, subject))

        for subject in subjects:
            for _ in range(in_flight):
                tasks.create_task(lane(subject))
        try:
            yield answers
        finally:
            answers.stopping.set()
