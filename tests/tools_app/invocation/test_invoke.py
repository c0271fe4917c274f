"""A call from its decision to its closed record, without a transport.

Covers: tools_app.invocation.opening, tools_app.invocation.dependencies, tools_app.invocation.caller
"""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from mcp.shared.exceptions import MCPError

from authz_app.models import CallRecord, Client, Rule
from tests.eventually import eventually
from tests.tools_app.desk import ISSUER, WAIT, Silent, alice, allow, desk, text
from tools_app import registry
from tools_app.errors import ToolFailure
from tools_app.invocation.access_request import SESSION, AccessRequest, prompt_use, tool_call
from tools_app.invocation.invoke import invoke, record_blocked
from tools_app.invocation.listing import listed
from tools_app.models import Tool
from tools_app.registry import tool
from tools_app.wire.jsonrpc import INTERNAL_ERROR

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

SECRET = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9m"


@pytest.fixture
def offered() -> Iterator[Callable[..., None]]:
    """Offer functions as tools for the length of a test."""
    names: list[str] = []

    def offer(function: Callable[..., Any], **options: Any) -> None:
        tool(**options)(function)
        names.append(options.get("name", function.__name__))

    yield offer
    for name in names:
        registry.unregister(name)


def test_an_allowed_call_runs_and_its_record_says_all_of_it() -> None:
    rule = allow("echo")
    with desk() as here:
        assert text(here.called("echo", alice("b a"), text="hello")) == "hello"
        row = here.record()
    client = Client.objects.get()
    assert {
        "tool": "echo", "kind": "tool", "decision": "allowed", "reason": "allowed", "arguments": '{"text":"hello"}',
        "issuer": ISSUER, "subject": "alice", "oauth_client_id": "app", "token_scopes": "a b", "client_id": client.pk,
        "client_name": client.name, "client_software": "tests 1", "transport": "sse", "address": "127.0.0.1",
        "protocol_version": "2025-11-25", "worker": "tests", "outcome": "ok", "result_size": 5, "error": "",
    }.items() <= vars(row).items()  # fmt: skip
    assert json.loads(row.rules) == [{"id": rule.pk, "sentence": "Allow every client to call echo."}]
    assert row.duration_ms is not None and row.duration_ms > 0
    assert row.deadline is not None and 10 < (row.deadline - row.at).total_seconds() < 20


def test_the_record_is_committed_before_the_tool_starts(offered: Callable[..., None]) -> None:
    seen: list[tuple[str, str]] = []

    def look() -> None:
        seen.extend(CallRecord.objects.values_list("tool", "outcome"))

    offered(look)
    allow("look")
    with desk() as here:
        here.called("look")
    assert seen == [("look", "")]


@pytest.mark.parametrize("where", ["name", "argument", "error"])
def test_a_token_that_a_caller_sends_is_in_no_record(offered: Callable[..., None], where: str) -> None:
    def leak(value: str) -> None:
        raise ToolFailure(value)

    offered(leak)
    allow("*")
    with desk() as here:
        if where == "name":
            here.refused(SECRET)
        else:
            here.called("leak", value=SECRET if where == "argument" else f"it was {SECRET}")
        row = here.record()
    assert "eyJ" not in json.dumps({name: str(value) for name, value in vars(row).items()})


@pytest.mark.parametrize(
    ("scopes", "rules"),
    [
        ("", [("*", "allow", "")]),
        ("a", [("*", "allow", "a"), ("echo*", "deny", "")]),
        ("", [("*", "allow", "a")]),
        ("a b", [("e*", "allow", "a"), ("echo_async", "deny", "b"), ("fail", "allow", "c")]),
        ("", []),
    ],
)
def test_a_tool_is_listed_if_and_only_if_it_may_be_called(
    offered: Callable[..., None], scopes: str, rules: list[tuple[str, str, str]]
) -> None:
    def harmless() -> None: ...

    offered(harmless)
    Tool.objects.filter(name="whoami").update(enabled=False)
    for tools, effect, needed in rules:
        allow(tools, effect=effect, token_scopes=needed)
    with desk() as here:
        caller = alice(scopes)

        async def compare() -> tuple[set[str], set[str]]:
            shown = {one.name for one in await listed("tool", caller, here.dependencies)}
            callable_now = set()
            for name in registry.registered_tools():
                try:
                    # Wrong arguments: an allowed call is let through to the tool, which refuses them.
                    await invoke(caller, tool_call(name, {"no such argument": 1}), Silent(), here.dependencies)
                    callable_now.add(name)
                except MCPError:
                    pass
            return shown, callable_now

        shown, callable_now = here.run(compare())
    assert shown == callable_now
    assert "whoami" not in shown


@pytest.mark.parametrize(
    ("name", "arguments", "outcome"),
    [
        ("fail", {"text": "No."}, "tool_error"),
        ("crash", {}, "crashed"),
        ("slow_async", {}, "timed_out"),
        ("echo", {"wrong": 1}, "tool_error"),
    ],
)
def test_the_outcome_is_recorded(name: str, arguments: dict[str, Any], outcome: str) -> None:
    allow("*")
    with desk() as here:
        result = here.called(name, **arguments)
        row = here.record()
    assert (result.is_error, row.outcome) == (True, outcome)
    assert "hunter2" not in text(result) + row.error


def test_a_busy_pool_is_an_answer_and_a_record() -> None:
    allow("*")
    gate = threading.Event()
    with desk(threads=1) as here:
        here.dependencies.threads.submit(gate.wait, {"timeout": WAIT})
        told = text(here.called("echo", text="x"))
        gate.set()
        row = here.record()
    assert told.startswith("The server is busy.")
    assert (row.outcome, row.error) == ("tool_error", told)


def test_a_cancelled_call_is_recorded_as_cancelled() -> None:
    allow("*")
    with desk() as here:

        async def cancel() -> None:
            call = asyncio.ensure_future(invoke(alice(), tool_call("wait", {}), Silent(), here.dependencies))
            await eventually(lambda: asyncio.to_thread(_any_record))
            call.cancel()
            await asyncio.wait([call], timeout=WAIT)
            assert call.cancelled()

        here.run(cancel())
        assert here.record().outcome == "cancelled"


def _any_record() -> bool:
    try:
        return CallRecord.objects.exists()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "result",
    [{"large": 10**1_000}, "\ud800", "x" * 600_000, "\x01" * 100_000],
    ids=[
        "an integer that is too long",
        "half a surrogate pair",
        "too long",
        "too long once it is escaped",
    ],
)
def test_a_result_that_cannot_be_sent_is_an_error_result_and_a_closed_record(
    offered: Callable[..., None], result: Any
) -> None:
    def give() -> dict[str, Any]:
        return result if isinstance(result, dict) else {"large": result}

    offered(give)
    allow("*")
    with desk() as here:
        answer = here.called("give")
        row = here.record()
    assert answer.is_error
    assert len(text(answer)) < 300
    assert row.outcome == ("tool_error" if isinstance(result, str) and len(result) > 100 else "crashed")


@contextmanager
def away(table: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")


@pytest.mark.parametrize("table", ["authz_app_policystate", "authz_app_callrecord"])
def test_nothing_runs_while_the_policy_cannot_be_read_or_records_not_written(
    offered: Callable[..., None], table: str
) -> None:
    ran: list[int] = []
    offered(lambda: ran.append(1), name="run")
    allow("*")
    with desk() as here:
        with away(table), pytest.raises(MCPError) as caught:
            here.called("run")
        assert caught.value.error.code == INTERNAL_ERROR
        assert caught.value.error.message.endswith("Try again in a moment.")
        assert ran == []
        here.called("run")
    assert ran == [1]


def test_a_list_is_an_error_while_the_policy_cannot_be_read() -> None:
    with desk() as here, away("authz_app_policystate"), pytest.raises(MCPError) as caught:
        here.run(listed("tool", alice(), here.dependencies))
    assert caught.value.error.code == INTERNAL_ERROR


def test_a_call_after_a_change_is_decided_by_the_change() -> None:
    rule = allow("*")
    with desk() as here:
        here.called("echo", text="x")
        Rule.objects.filter(pk=rule.pk).update(enabled=False)
        here.refused("echo", text="x")
    assert CallRecord.objects.filter(reason="no_rule").count() == 1


@pytest.mark.parametrize("access_request", [SESSION, tool_call("echo", {}), tool_call("", {}), prompt_use("poem", {})])
def test_a_blocked_client_s_attempt_outside_a_session_is_recorded(access_request: AccessRequest) -> None:
    Client.objects.create(issuer=ISSUER, subject="alice", status="blocked")
    with desk() as here:
        refusal = here.run(record_blocked(alice(), access_request, here.dependencies))
        row = here.record()
    assert (row.pk, row.kind, row.reason) == (refusal, access_request.record_kind, "client_blocked")


def test_nothing_is_recorded_as_blocked_of_a_client_that_is_not() -> None:
    with desk() as here:
        assert here.run(record_blocked(alice(), tool_call("echo", {}), here.dependencies)) is None
        here.dependencies.audit.flush(WAIT)
    assert not CallRecord.objects.exists()
