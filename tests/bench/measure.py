"""The measurements: what a call costs and how long it takes, what an idle session holds, what another worker adds."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field

from tests.bench.errors import NotMeasured, PostRefused
from tests.bench.load import Load, load
from tests.bench.plan import Idle, Shape
from tests.bench.processes import ServerProcess
from tests.bench.session import Route

# Two workers of one site.
Pair = tuple[ServerProcess, ServerProcess]


@dataclass(frozen=True, slots=True)
class Round:
    """One server under load for a while. CPU and latencies are per call, in milliseconds."""

    cpu_ms: float
    calls_per_second: float
    p50_ms: float
    p99_ms: float
    core_share: float


@dataclass(frozen=True, slots=True)
class Subject:
    """What is loaded, and the processes whose CPU time counts."""

    load: Load
    servers: tuple[ServerProcess, ...]

    def cpu_seconds(self) -> float:
        return sum(server.cpu_seconds() for server in self.servers)


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that is at least as large as this share of all of them."""
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


async def _round(subject: Subject, shape: Shape) -> Round:
    await subject.load.run(shape.warm_up, shape.in_flight)
    cpu, started = subject.cpu_seconds(), time.perf_counter()
    latencies = await subject.load.run(shape.seconds, shape.in_flight)
    seconds, cpu = time.perf_counter() - started, subject.cpu_seconds() - cpu
    latencies.sort()
    return Round(
        cpu_ms=cpu * 1000 / len(latencies),
        calls_per_second=len(latencies) / seconds,
        p50_ms=percentile(latencies, 50) * 1000,
        p99_ms=percentile(latencies, 99) * 1000,
        core_share=cpu / seconds,
    )


async def _alternating(subjects: Sequence[Subject], shape: Shape) -> list[list[Round]]:
    """The rounds of each, taken in turn: what else the machine does falls on all of them alike."""
    taken: list[list[Round]] = [[] for _ in subjects]
    for number in range(shape.rounds):
        order = list(zip(subjects, taken, strict=True))
        for subject, rounds in order if number % 2 else reversed(order):
            rounds.append(await _round(subject, shape))
    return taken


@dataclass(frozen=True, slots=True)
class Bench:
    """Sessions are opened with these tokens, one each; ``calls`` counts what was answered, by the server's name."""

    tokens: Sequence[str]
    calls: Counter[str] = field(default_factory=Counter)

    async def speed(self, servers: Sequence[ServerProcess], shape: Shape) -> list[list[Round]]:
        """The rounds of each server."""
        async with AsyncExitStack() as stack:
            loads = [
                await stack.enter_async_context(self._load(server, server, self.tokens[: shape.sessions]))
                for server in servers
            ]
            subjects = [Subject(load, (server,)) for load, server in zip(loads, servers, strict=True)]
            return await _alternating(subjects, shape)

    async def idle_kilobytes(self, server: ServerProcess, idle: Idle) -> float:
        """How much resident memory the server takes for each further session, in 1,000 bytes."""
        async with self._load(server, server, self.tokens[idle.sessions :]) as warm:
            await warm.run(idle.settle, 1)
            before = server.rss_bytes()
            async with self._load(server, server, self.tokens[: idle.sessions]):
                await asyncio.sleep(idle.settle)
                return (server.rss_bytes() - before) / idle.sessions / 1000

    async def cross_worker(self, pairs: Sequence[Pair], shape: Shape) -> list[list[list[Round]]]:
        """For each pair, rounds with the POSTs on the session's own worker, and with the POSTs on the other one.

        Raises:
            NotMeasured: the other worker does not know the session.
        """
        async with AsyncExitStack() as stack:
            subjects: list[Subject] = []
            for first, second in pairs:
                for worker in (first, second):
                    load = await stack.enter_async_context(self._load(first, worker, self.tokens[: shape.sessions]))
                    subjects.append(Subject(load, (first, second)))
                await _check_delivery(load, shape)
            rounds = await _alternating(subjects, shape)
        return [rounds[place : place + 2] for place in range(0, len(rounds), 2)]

    def _load(
        self, stream: ServerProcess, post: ServerProcess, tokens: Sequence[str]
    ) -> AbstractAsyncContextManager[Load]:
        return load(Route(stream.name, stream.port, post.port), tokens, self.calls)


async def _check_delivery(other: Load, shape: Shape) -> None:
    try:
        await other.run(shape.warm_up, shape.in_flight)
    except PostRefused as refused:
        if refused.status != 404:
            raise
        raise NotMeasured("A session of one worker does not exist on another one here.") from None
