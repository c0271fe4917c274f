"""Run a tool: validate its arguments, hold it to its time limit, and turn whatever happens into an outcome."""

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, InputRequiredResult, TextContent
from pydantic import ValidationError

from authz_app.audit.entries import Outcome
from tools_app.call import Call
from tools_app.errors import ClientFault, ToolBusy, ToolFailure
from tools_app.registry import RegisteredTool
from tools_app.threads import ToolThreads

logger = logging.getLogger(__name__)
_MAX_ERRORS_TOLD = 5


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of a call: the outcome, the result for the caller, and the error in words for the record.

    With a ``fault`` the caller is told that one, and not the result.
    """

    outcome: Outcome
    result: CallToolResult | InputRequiredResult
    error: str = ""
    fault: ClientFault | None = None


def failed(outcome: Outcome, text: str, error: str = "") -> Execution:
    """An execution that the caller is told of as an error result."""
    result = CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
    return Execution(outcome, result, error or text)


async def execute(
    tool: RegisteredTool, arguments: dict[str, Any], call: Call, threads: ToolThreads, time_limit: float
) -> Execution:
    """Run a tool for at most ``time_limit`` seconds. Never raises, but for the cancellation of the task it runs in."""
    try:
        if call.interview is not None:
            call.interview.resume()
        accepted = tool.metadata.validate_arguments(arguments)
    except ClientFault as fault:
        return _at_fault(fault)
    except ValidationError as error:
        return failed(Outcome.TOOL_ERROR, _argument_errors(tool.name, error))
    if tool.call_parameter is not None:
        accepted[tool.call_parameter] = call
    try:
        running = _start(tool, accepted, threads)
        done = await _ended(running, time_limit)
    except ToolBusy as busy:
        return failed(Outcome.TOOL_ERROR, f"The server is busy. {busy}")
    except asyncio.CancelledError:
        call.cancelled = True
        running.cancel()
        raise
    if not done:
        call.cancelled = True
        running.cancel()
        return failed(Outcome.TIMED_OUT, f"{tool.name} took longer than {time_limit:g} s and was given up.")
    return _finished(tool, running, call)


async def _ended(running: "asyncio.Future[Any]", seconds: float) -> bool:
    """Wait until it has ended, for at most so long; returns whether it has. Does not cancel it."""
    loop = asyncio.get_running_loop()
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


def _start(tool: RegisteredTool, arguments: dict[str, Any], threads: ToolThreads) -> "asyncio.Future[Any]":
    if not tool.is_async:
        return asyncio.wrap_future(threads.submit(tool.function, arguments))
    running: asyncio.Future[Any] = asyncio.get_running_loop().create_task(tool.function(**arguments))
    return running


def _finished(tool: RegisteredTool, ended: "asyncio.Future[Any]", call: Call) -> Execution:
    required = call.interview.required() if call.interview is not None else None
    if required is not None and not ended.cancelled():
        ended.exception()  # Whatever the tool made of it: without the answer it knows nothing.
        return Execution(Outcome.INPUT_REQUIRED, required)
    try:
        result = tool.metadata.convert_result(ended.result())
    except ClientFault as fault:
        return _at_fault(fault)
    except ToolFailure as failure:
        return failed(Outcome.TOOL_ERROR, str(failure))
    except MCPError as error:
        return failed(Outcome.TOOL_ERROR, error.error.message)
    except asyncio.CancelledError:
        return failed(Outcome.CANCELLED, f"{tool.name} was cancelled.")
    except Exception as error:  # noqa: BLE001  (the boundary: a tool may raise anything, and nobody outside may see it)
        logger.error("Tool %s crashed, record %s", tool.name, call.record_id, exc_info=error)
        text = f"{tool.name} failed with an internal error, id {call.record_id}."
        return failed(Outcome.CRASHED, text, f"{type(error).__name__}")
    if not isinstance(result, CallToolResult):
        logger.error("Tool %s returned an unfinished result, record %s", tool.name, call.record_id)
        return failed(Outcome.CRASHED, f"{tool.name} failed with an internal error, id {call.record_id}.")
    return Execution(Outcome.TOOL_ERROR if result.is_error else Outcome.OK, result)


def _at_fault(fault: ClientFault) -> Execution:
    return replace(failed(Outcome.TOOL_ERROR, str(fault)), fault=fault)


def _argument_errors(name: str, error: ValidationError) -> str:
    """What is wrong with which argument, for a model to mend. Values are not repeated."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    told = [f"{'.'.join(map(str, item['loc']))[:100] or 'arguments'}: {item['msg'][:300]}" for item in found]
    more = f"; and {len(told) - _MAX_ERRORS_TOLD} more" if len(told) > _MAX_ERRORS_TOLD else ""
    return f"The arguments do not fit {name}. {'; '.join(told[:_MAX_ERRORS_TOLD])}{more}."
