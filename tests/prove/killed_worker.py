"""A worker is killed in the middle of calls: what its sessions, its records and everybody else's sessions see."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tests.prove.evidence import Broken, Evidence
from tests.prove.session import Session, StreamEnded, session
from tests.prove.stage import Stage

_CALLS = 3
_BYSTANDERS = 3
# Seconds: a heartbeat; and a time limit, ten seconds of grace, and a sweep; each with room for a slow machine.
_TOLD_WITHIN = 30.0
_UNKNOWN_WITHIN = 45.0


async def prove(stage: Stage) -> Evidence:
    return await (_with_others(stage) if len(stage.workers) > 1 else _alone(stage))


async def _with_others(stage: Stage) -> Evidence:
    async with AsyncExitStack() as stack:
        held = await stack.enter_async_context(session(stage, stage.other, stage.token("held")))
        far = await stack.enter_async_context(session(stage, stage.first, stage.token("far")))
        for _ in range(_CALLS):
            await held.start_call("wait")
        answer = await far.start_call("wait", stage.other)
        pid = await _running(stage, _CALLS + 1)
        async with _bystanders(stage) as answered:
            ended = await _kill(stage, held)
            told = await _told(far, answer)
            await _served_again(stage)
            await _until_unknown(stage, pid, _CALLS + 1)
    return Evidence(
        f"A worker was killed (-9) with {_CALLS + 1} calls running: its stream ended after {ended:.1f} s, the caller"
        f" whose stream another worker held was told after {told:.0f} s that the outcome is unknown, all {_CALLS + 1}"
        f" records say unknown, and {_BYSTANDERS} other sessions went on ({answered[0]} calls, none refused)."
    )


async def _alone(stage: Stage) -> Evidence:
    async with session(stage, stage.other, stage.token("held")) as held:
        for _ in range(_CALLS):
            await held.start_call("wait")
        pid = await _running(stage, _CALLS)
        ended = await _kill(stage, held)
        await _served_again(stage)
        await _until_unknown(stage, pid, _CALLS)
    return Evidence(
        f"The worker was killed (-9) with {_CALLS} calls running: its stream ended after {ended:.1f} s, and after a new"
        f" start all {_CALLS} records say unknown.",
        "sessions that go on when another worker dies, and posts that reach another worker than the stream's; that"
        " takes PostgreSQL and Redis.",
    )


async def _running(stage: Stage, calls: int) -> int:
    """Wait until so many calls run on the worker that is to be killed; returns its process id."""
    pid = stage.other.pid
    await _until(lambda: _count(stage, pid, "") == calls, 4.0, f"{calls} calls did not run at once on one worker")
    return pid


def _count(stage: Stage, pid: int, wanted: str) -> int:
    """How many of the calls of this process have this outcome."""
    found = stage.rows("SELECT worker, outcome FROM authz_app_callrecord WHERE tool = 'wait' AND decision = 'allowed'")
    return [outcome for worker, outcome in found if f"-{pid}-" in worker].count(wanted)


async def _kill(stage: Stage, held: Session) -> float:
    """Seconds from the signal to the end of the stream that the worker held."""
    started = time.monotonic()
    stopping = asyncio.create_task(asyncio.to_thread(stage.other.stop, signal.SIGKILL))
    await _until(held.ended.is_set, 10.0, "a worker was killed, and its stream goes on")
    seconds = time.monotonic() - started
    await stopping
    return seconds


async def _told(far: Session, answer: "asyncio.Future[dict[str, Any]]") -> float:
    """Seconds until a caller whose stream is elsewhere hears that its call's outcome is unknown."""
    started = time.monotonic()
    try:
        said = far.read_answer(await asyncio.wait_for(answer, _TOLD_WITHIN))
    except (TimeoutError, StreamEnded):
        raise Broken("a worker was killed, and a caller whose stream another holds heard nothing of its call") from None
    if "outcome is unknown" not in said.text:
        raise Broken(f"a caller whose call's worker was killed was told {said.text!r}")
    return time.monotonic() - started


async def _served_again(stage: Stage) -> None:
    """Start the killed worker anew, and call through it."""
    await asyncio.to_thread(stage.other.start)
    async with session(stage, stage.other, stage.token("held")) as again:
        answer = await again.call("echo", text="again")
    if answer.text != "again":
        raise Broken(f"a worker in the killed one's place answered {answer.text!r}")


async def _until_unknown(stage: Stage, pid: int, calls: int) -> None:
    what = f"a worker was killed, and {_UNKNOWN_WITHIN:g} s later not all of its {calls} calls are unknown"
    await _until(lambda: _count(stage, pid, "unknown") == calls, _UNKNOWN_WITHIN, what)


async def _until(seen: Callable[[], bool], seconds: float, otherwise: str) -> None:
    until = time.monotonic() + seconds
    while not await asyncio.to_thread(seen):
        if time.monotonic() > until:
            raise Broken(otherwise)
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _bystanders(stage: Stage) -> AsyncIterator[list[int]]:
    """Sessions of others that call as long as the block lasts; yields how many calls were answered.

    Raises:
        Broken: one was not.
    """
    answered, done = [0], asyncio.Event()

    async def call(opened: Session) -> None:
        while not done.is_set():
            answer = await opened.call("echo", text="going on")
            if answer.text != "going on":
                raise Broken(f"a session on another worker than the killed one was told {answer.text!r}")
            answered[0] += 1
            await asyncio.sleep(0.2)

    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(session(stage, stage.first, stage.token(f"bystander-{number}")))
            for number in range(_BYSTANDERS)
        ]
        async with asyncio.TaskGroup() as tasks:
            for one in opened:
                tasks.create_task(call(one))
            try:
                yield answered
            finally:
                done.set()
