"""Runs a function: validates its arguments, holds it to its time limit, and turns whatever happens into an outcome."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ErrorData, InputRequiredResult, Result
from pydantic import ValidationError

from authz_app.audit.entries import Outcome
from tools_app.call import Call
from tools_app.definitions.definitions import Runnable
from tools_app.errors import ClientFault, NotFound, ToolBusy, ToolFailure
from tools_app.invocation.crash_log import log_crash
from tools_app.invocation.record_contents import RecordContents
from tools_app.invocation.threads import ToolThreads
from tools_app.wire.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, RESOURCE_NOT_FOUND

logger = logging.getLogger(__name__)
_MAX_ERRORS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Execution:
    """The end of a call: its outcome, the answer for the caller, and the error in words for the record."""

    outcome: Outcome
    result: Result | ErrorData
    error: str = ""


def failed(runs: Runnable, outcome: Outcome, text: str, error: str = "", code: int = INTERNAL_ERROR) -> Execution:
    """An execution that the caller is told of as an error; with this ``code``, where MCP has no result for that."""
    return Execution(outcome, runs.failure(text, code), error or text)


async def execute(
    runs: Runnable, contents: RecordContents, call: Call, threads: ToolThreads, time_limit: float
) -> Execution:
    """Run what was asked for, for at most ``time_limit`` seconds. ``contents`` say what of a crash may be logged.

    Never raises, but for the cancellation of the task it runs in.
    """
    try:
        if call.round_trips is not None:
            call.round_trips.resume()
        accepted = runs.accept(contents.request.arguments)
    except ClientFault as fault:
        return _at_fault(fault, call)
    except ValidationError as error:
        return failed(runs, Outcome.TOOL_ERROR, _argument_errors(runs.name, error), code=INVALID_PARAMS)
    if runs.call_parameter is not None:
        accepted[runs.call_parameter] = call
    try:
        running = _start(runs, accepted, threads)
        done = await _ended(running, time_limit)
    except ToolBusy as busy:
        return failed(runs, Outcome.TOOL_ERROR, f"The server is busy. {busy}")
    except asyncio.CancelledError:
        call.cancelled = True
        running.cancel()
        raise
    if not done:
        call.cancelled = True
        running.cancel()
        return failed(runs, Outcome.TIMED_OUT, f"{runs.name} took longer than {time_limit:g} s and was given up.")
    return _finished(runs, contents, running, call)


async def _ended(running: "asyncio.Future[Any]", seconds: float) -> bool:
    """Wait until it has ended, for at most so long; returns whether it has. Does not cancel it."""
    loop = running.get_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake(_: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    timer = loop.call_later(seconds, wake)
    running.add_done_callback(wake)
    try:
        await waiter
    finally:
        timer.cancel()
        running.remove_done_callback(wake)
    return running.done()


def _start(runs: Runnable, arguments: dict[str, Any], threads: ToolThreads) -> "asyncio.Future[Any]":
    if not runs.is_async:
        return asyncio.wrap_future(threads.submit(runs.function, arguments))
    running: asyncio.Future[Any] = asyncio.get_running_loop().create_task(runs.function(**arguments))
    return running


def _finished(runs: Runnable, contents: RecordContents, ended: "asyncio.Future[Any]", call: Call) -> Execution:
    required = call.round_trips.required() if call.round_trips is not None else None
    if required is not None and not ended.cancelled():
        ended.exception()  # Whatever the function made of it: without the answer it knows nothing.
        return Execution(Outcome.INPUT_REQUIRED, required)
    try:
        result = runs.answer(ended.result(), contents.request.uri)
    except ClientFault as fault:
        return _at_fault(fault, call)
    except ToolFailure as failure:
        code = RESOURCE_NOT_FOUND if isinstance(failure, NotFound) else INTERNAL_ERROR
        return failed(runs, Outcome.TOOL_ERROR, str(failure), code=code)
    except MCPError as error:
        return failed(runs, Outcome.TOOL_ERROR, error.error.message, code=error.error.code)
    except asyncio.CancelledError:
        return failed(runs, Outcome.CANCELLED, f"{runs.name} was cancelled.")
    except Exception as error:  # noqa: BLE001  (the boundary: it may raise anything, and nobody outside may see it)
        log_crash(logger, error, contents, call.record_id)
        text = f"{runs.name} failed with an internal error, id {call.record_id}."
        return failed(runs, Outcome.CRASHED, text, f"{type(error).__name__}")
    if isinstance(result, InputRequiredResult):
        logger.error("%s returned an unfinished result, record %s", runs.name, call.record_id)
        return failed(runs, Outcome.CRASHED, f"{runs.name} failed with an internal error, id {call.record_id}.")
    is_error = isinstance(result, CallToolResult) and result.is_error
    return Execution(Outcome.TOOL_ERROR if is_error else Outcome.OK, result)


def _at_fault(fault: ClientFault, call: Call) -> Execution:
    record = str(call.record_id)
    answer = ErrorData(code=fault.code, message=f"{fault} Record {record}.", data={**fault.data, "record": record})
    return Execution(Outcome.TOOL_ERROR, answer, str(fault))


def _argument_errors(name: str, error: ValidationError) -> str:
    """A sentence that tells a model which arguments to mend, and how. It repeats no values."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    errors = [f"{'.'.join(map(str, item['loc']))[:100] or 'arguments'}: {item['msg'][:300]}" for item in found]
    more = f"; and {len(errors) - _MAX_ERRORS_SHOWN} more" if len(errors) > _MAX_ERRORS_SHOWN else ""
    return f"The arguments do not fit {name}. {'; '.join(errors[:_MAX_ERRORS_SHOWN])}{more}."
