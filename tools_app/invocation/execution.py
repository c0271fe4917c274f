"""Runs a function and holds it to its time limit; whatever happens is the end of its call, and of nothing else."""

import asyncio
from typing import Any

from authz_app.audit.entries import Outcome
from tools_app.call import Call
from tools_app.errors import ClientFault, ToolBusy
from tools_app.invocation.call_end import CallEnd, Execution
from tools_app.invocation.run import Run
from tools_app.invocation.threads import ToolThreads


async def execute(end: CallEnd, threads: ToolThreads, time_limit: float) -> Execution:
    """Run what was asked for, and make its answer, in at most ``time_limit`` seconds.

    Never raises, but for the cancellation of the task it runs in.
    """
    call, run, over_at = end.call, Run(end), asyncio.get_running_loop().time() + time_limit
    try:
        if call.round_trips is not None:
            call.round_trips.resume()
        running = _start(run, threads)
    except ClientFault as fault:
        return end.raised(fault)
    except ToolBusy as busy:
        return end.failed(Outcome.TOOL_ERROR, f"The server is busy. {busy}")
    while await _ended(running, over_at, call):
        try:
            ended = running.result()
        except BaseException as error:  # noqa: BLE001  (a task that cancelled itself while its answer was made)
            return end.raised(error)
        if isinstance(ended, Execution):
            return ended
        running = asyncio.ensure_future(run.finish(ended, threads.for_async_call()))
    return end.failed(Outcome.TIMED_OUT, f"{end.runs.name} took longer than {time_limit:g} s and was given up.")


def _start(run: Run, threads: ToolThreads) -> "asyncio.Future[Any]":
    if not run.end.runs.is_async:
        return asyncio.wrap_future(threads.submit(run.in_thread, {}))
    running: asyncio.Future[Any] = asyncio.get_running_loop().create_task(run.on_loop(threads.for_async_call()))
    return running


async def _ended(running: "asyncio.Future[Any]", over_at: float, call: Call) -> bool:
    """Wait until it has ended, but not longer than until then, and give it up. Returns whether it has ended."""
    try:
        await _wait(running, over_at)
    finally:
        if not running.done():
            call.cancelled = True
            running.cancel()
    return not call.cancelled


async def _wait(running: "asyncio.Future[Any]", over_at: float) -> None:
    """Wait until it has ended, or until then. Does not cancel it."""
    loop = running.get_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake(_: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    timer = loop.call_at(over_at, wake)
    running.add_done_callback(wake)
    try:
        await waiter
    finally:
        timer.cancel()
        running.remove_done_callback(wake)
