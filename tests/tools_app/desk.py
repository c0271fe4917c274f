"""Calls without a transport: what they pass through, and one event loop."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ErrorData, TextContent

from authz_app.models import CallRecord, Rule
from authz_app.policy.principal import Principal
from tests.callers import caller_for, dependencies
from tools_app.client_requests.questions import Question
from tools_app.invocation.access_request import tool_call
from tools_app.invocation.caller import Caller
from tools_app.invocation.dependencies import Dependencies
from tools_app.invocation.invoke import invoke
from tools_app.wire.jsonrpc import INVALID_PARAMS

ISSUER = "https://issuer.example/"
T = TypeVar("T")
WAIT = 60.0


class Silent:
    """A channel on which nothing is heard."""

    def progress(self, progress: float, total: float | None, message: str | None) -> None: ...
    def log(self, level: Any, data: Any) -> None: ...

    round_trips = None

    async def ask(self, question: Question) -> Any: ...


def alice(scopes: str = "", subject: str = "alice", **claims: Any) -> Caller:
    return caller_for(Principal(ISSUER, subject, "app", frozenset(scopes.split()), 2**40, claims))


def allow(tools: str, **fields: Any) -> Rule:
    return Rule.objects.create(tools=tools, applies_to="every", **fields)


class Desk:
    """What calls pass through, and the one event loop that they run on."""

    def __init__(self, here: Dependencies, runner: asyncio.Runner) -> None:
        self.dependencies = here
        self._runner = runner

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(asyncio.wait_for(work, WAIT))

    def called(self, name: str, caller: Caller | None = None, **arguments: Any) -> CallToolResult:
        called = self.run(invoke(caller or alice(), tool_call(name, arguments), Silent(), self.dependencies))
        assert isinstance(called.result, CallToolResult)
        return called.result

    def refused(self, name: str, caller: Caller | None = None, **arguments: Any) -> str:
        error = self.refusal(name, caller, **arguments)
        assert error.code == INVALID_PARAMS
        return error.message

    def refusal(self, name: str, caller: Caller | None = None, **arguments: Any) -> ErrorData:
        with pytest.raises(MCPError) as caught:
            self.called(name, caller, **arguments)
        return caught.value.error

    def record(self) -> CallRecord:
        assert self.dependencies.audit.flush(WAIT)
        return CallRecord.objects.get()


@contextmanager
def desk(threads: int = 4) -> Iterator[Desk]:
    with asyncio.Runner() as runner, dependencies(threads=threads) as here:
        yield Desk(here, runner)


def text(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text
