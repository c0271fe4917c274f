"""What becomes of a call, for each way in which a tool can end.

Covers: tools_app.call, tools_app.invocation.call_end, tools_app.invocation.run
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, InputRequiredResult, TextContent
from pydantic import BaseModel

from authz_app.audit.entries import Outcome
from authz_app.policy.principal import Principal
from authz_app.redaction.audit_level import DEFAULT_RECORDING
from tools_app.call import Call
from tools_app.client_requests.multi_round_trip import MultiRoundTrip
from tools_app.client_requests.questions import Question
from tools_app.definitions.build import ToolOptions, build_tool
from tools_app.errors import ToolFailure
from tools_app.invocation.access_request import AccessRequest
from tools_app.invocation.call_end import CallEnd, Execution
from tools_app.invocation.execution import execute
from tools_app.invocation.record_contents import RecordContents
from tools_app.invocation.threads import ToolThreads

RECORD = UUID("0197a3c2-7c1e-7abc-8def-0123456789ab")
WAIT = 60.0
MOST = 100_000


class Silent:
    """A channel on which nothing is heard."""

    def progress(self, progress: float, total: float | None, message: str | None) -> None: ...
    def log(self, level: Any, data: Any) -> None: ...

    round_trips = None

    async def ask(self, question: Question) -> Any: ...


@pytest.fixture
def threads() -> Iterator[ToolThreads]:
    one = ToolThreads(1)
    yield one
    one.stop()


def a_call() -> Call:
    principal = Principal("https://issuer.example/", "alice", "", frozenset(), 2**40)
    return Call(principal, RECORD, Silent(), asyncio.get_running_loop())


async def run(
    function: Callable[..., Any],
    threads: ToolThreads,
    *,
    limit: float = WAIT,
    call: Call | None = None,
    **arguments: Any,
) -> Execution:
    tool = build_tool(function, ToolOptions(name="it"))
    async with asyncio.timeout(WAIT):
        contents = RecordContents(AccessRequest("tool", "tool", "it", tool, arguments, arguments), DEFAULT_RECORDING)
        return await execute(CallEnd(tool, contents, call or a_call(), MOST), threads, limit)


def text(execution: Execution) -> str:
    assert isinstance(execution.result, CallToolResult)
    (block,) = execution.result.content
    assert isinstance(block, TextContent)
    return block.text


def plain(number: int) -> int:
    return number + 1


async def from_the_loop(number: int) -> int:
    await asyncio.sleep(0)
    return number + 1


@pytest.mark.parametrize("function", [plain, from_the_loop])
async def test_a_result_is_ok(threads: ToolThreads, function: Callable[..., Any]) -> None:
    execution = await run(function, threads, number=1)
    assert (execution.outcome, text(execution), execution.error) == (Outcome.OK, "2", "")
    assert execution.result.structured_content == {"result": 2}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "number: Field required"),
        ({"number": "hunter2"}, "number: Input should be a valid integer"),
        ({"number": 1, "hunter2": 1}, "hunter2: there is no such argument (known: number)"),
    ],
)
async def test_arguments_that_do_not_fit_are_told_and_values_are_not_repeated(
    threads: ToolThreads, arguments: dict[str, Any], told: str
) -> None:
    execution = await run(plain, threads, **arguments)
    assert execution.outcome is Outcome.TOOL_ERROR
    assert execution.result.is_error
    assert text(execution).startswith(f"The arguments do not fit it. {told}")
    assert "hunter2" not in text(execution).removeprefix("The arguments do not fit it. hunter2:")


async def test_many_wrong_arguments_are_told_in_few_words(threads: ToolThreads) -> None:
    told = text(await run(plain, threads, number=1, **{f"x{n}" * 500: n for n in range(50)}))
    assert told.endswith("; and 45 more.")
    assert len(told) < 2_500


async def test_a_declared_failure_reaches_the_caller(threads: ToolThreads) -> None:
    def fail() -> None:
        raise ToolFailure("No such city.")

    execution = await run(fail, threads)
    assert (execution.outcome, text(execution), execution.error) == (Outcome.TOOL_ERROR, *["No such city."] * 2)


async def test_an_error_result_is_a_tool_error(threads: ToolThreads) -> None:
    def refuse() -> CallToolResult:
        return CallToolResult(content=[TextContent(type="text", text="No.")], is_error=True)

    assert (await run(refuse, threads)).outcome is Outcome.TOOL_ERROR


async def test_an_mcp_error_is_told_in_its_own_words(threads: ToolThreads) -> None:
    def refuse() -> None:
        raise MCPError(-32000, "Not today.")

    execution = await run(refuse, threads)
    assert (execution.outcome, text(execution)) == (Outcome.TOOL_ERROR, "Not today.")


async def raise_later() -> None:
    raise RuntimeError("password=hunter2")


def raise_group() -> None:
    raise ExceptionGroup("password=hunter2", [ValueError("hunter2")])


@pytest.mark.parametrize("function", [raise_later, raise_group])
async def test_a_crash_is_logged_with_the_record_s_id_and_told_without_its_message(
    threads: ToolThreads, caplog: pytest.LogCaptureFixture, function: Callable[..., Any]
) -> None:
    execution = await run(function, threads)
    assert execution.outcome is Outcome.CRASHED
    assert text(execution) == f"it failed with an internal error, id {RECORD}."
    assert "hunter2" not in execution.error
    (logged,) = caplog.records
    assert (logged.levelno, logged.getMessage()) == (logging.ERROR, f"Tool it crashed, record {RECORD}")
    assert logged.exc_info


async def test_a_result_that_breaks_the_tool_s_own_schema_is_a_crash(threads: ToolThreads) -> None:
    def lie() -> int:
        return "no number"  # type: ignore[return-value]

    assert (await run(lie, threads)).outcome is Outcome.CRASHED


async def test_an_async_tool_is_stopped_at_its_time_limit(threads: ToolThreads) -> None:
    stopped = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    call = a_call()
    execution = await run(wait, threads, limit=0.05, call=call)
    assert (execution.outcome, text(execution)) == (Outcome.TIMED_OUT, "it took longer than 0.05 s and was given up.")
    assert call.cancelled
    async with asyncio.timeout(WAIT):
        await stopped.wait()


async def test_a_plain_tool_past_its_time_limit_holds_its_thread_until_it_returns(threads: ToolThreads) -> None:
    gate, returned = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait(call: Call) -> None:
        gate.wait(WAIT)
        assert call.cancelled
        loop.call_soon_threadsafe(returned.set)

    assert (await run(wait, threads, limit=0.05)).outcome is Outcome.TIMED_OUT
    busy = await run(plain, threads, number=1)
    assert busy.outcome is Outcome.TOOL_ERROR
    assert text(busy) == "The server is busy. All 1 threads for tools are busy. Try again in a moment."
    gate.set()
    async with asyncio.timeout(WAIT):
        await returned.wait()
        while (await run(plain, threads, number=1)).outcome is not Outcome.OK:
            await asyncio.sleep(0)


async def test_a_full_pool_does_not_hold_up_async_tools(threads: ToolThreads) -> None:
    gate = threading.Event()
    threads.submit(gate.wait, {"timeout": WAIT})
    assert (await run(from_the_loop, threads, number=1)).outcome is Outcome.OK
    gate.set()


async def test_cancelling_the_call_cancels_the_tool(threads: ToolThreads) -> None:
    began, stopped = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    call = a_call()
    task = asyncio.ensure_future(run(wait, threads, call=call))
    async with asyncio.timeout(WAIT):
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await stopped.wait()
    assert call.cancelled


async def test_a_tool_that_raises_a_cancellation_crashes_and_cancels_nobody(threads: ToolThreads) -> None:
    async def give_up() -> None:
        raise asyncio.CancelledError

    assert (await run(give_up, threads)).outcome is Outcome.CRASHED


async def test_the_call_is_handed_to_a_tool_that_asks_for_it(threads: ToolThreads) -> None:
    def who(call: Call) -> str:
        return f"{call.principal.subject} {call.record_id}"

    assert text(await run(who, threads)) == f"alice {RECORD}"


class Asking(Silent):
    """The channel of a call whose questions are answered by another one."""

    def __init__(self) -> None:
        meta = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}
        principal = Principal("https://issuer.example/", "alice", "", frozenset(), 2**40)
        self.round_trips = MultiRoundTrip("tools/call", {"name": "it", "_meta": meta}, principal)  # type: ignore[assignment]

    async def ask(self, question: Question) -> Any:
        return self.round_trips.ask(question)  # type: ignore[attr-defined]


class Answer(BaseModel):
    yes: bool


async def asks(call: Call) -> str:
    return str(await call.aelicit("Really?", Answer))


def asks_in_thread(call: Call) -> str:
    return str(call.elicit("Really?", Answer))


async def catches_what_it_can(call: Call) -> str:
    try:
        return str(await call.aelicit("Really?", Answer))
    except Exception:  # noqa: BLE001  (what a careless tool does)
        return "never mind"


async def catches_even_what_it_should_not(call: Call) -> str:
    try:
        return str(await call.aelicit("Really?", Answer))
    except BaseException:  # noqa: BLE001  (what a reckless tool does)
        return "never mind"


async def asks_twice_at_a_time(call: Call) -> str:
    return str(await asyncio.gather(call.aelicit("One?", Answer), call.aelicit("Two?", Answer)))


@pytest.mark.parametrize("tool", [asks, asks_in_thread, catches_what_it_can, catches_even_what_it_should_not])
async def test_a_question_ends_the_run_whatever_the_tool_makes_of_it(
    threads: ToolThreads, tool: Callable[..., Any]
) -> None:
    call = Call(a_call().principal, RECORD, Asking(), asyncio.get_running_loop())
    execution = await run(tool, threads, call=call)
    assert execution.outcome is Outcome.INPUT_REQUIRED
    assert isinstance(execution.result, InputRequiredResult)
    assert list(execution.result.input_requests or {}) == ["question-1"]


async def test_questions_that_are_asked_at_a_time_go_out_together(threads: ToolThreads) -> None:
    call = Call(a_call().principal, RECORD, Asking(), asyncio.get_running_loop())
    execution = await run(asks_twice_at_a_time, threads, call=call)
    assert isinstance(execution.result, InputRequiredResult)
    assert list(execution.result.input_requests or {}) == ["question-1", "question-2"]


@pytest.mark.parametrize(
    "data", [{1, 2}, 10**1_000, "\udc80", {"a": object()}], ids=["set", "too large", "half a character", "object"]
)
async def test_what_is_no_json_fails_in_the_tool_that_reports_it(data: Any) -> None:
    """On the event loop it would go into the log with a traceback."""
    with pytest.raises(TypeError):
        a_call().log(data)
    with pytest.raises(TypeError):
        a_call().progress(1, 2, data)
