"""Conditions, windows and limits on calls: what runs, what the record keeps, and what a refused caller is told."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ToolAnnotations

from authz_app.models import CallRecord, Client, Rule
from authz_app.policy.condition_syntax import stored, typed_line
from tests.tools_app.desk import WAIT, Desk, Silent, alice, allow, desk, text
from tools_app import registry
from tools_app.invocation.access_request import prompt_completion, prompt_use, resource_read, tool_call
from tools_app.invocation.caller import Caller
from tools_app.invocation.invoke import invoke
from tools_app.invocation.listing import listed
from tools_app.registry import prompt, resource, tool
from tools_app.wire.jsonrpc import INVALID_PARAMS, SERVER_BUSY

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@dataclass
class Options:
    force: bool = False


def rule(effect: str, *conditions: str, tools: str = "*", **fields: Any) -> Rule:
    return allow(tools, effect=effect, conditions=stored(typed_line(line) for line in conditions), **fields)


def limit(calls: int, per: str = "client", **fields: Any) -> Rule:
    return rule("limit", limit_calls=calls, limit_period="minute", limit_per=per, **fields)


@pytest.fixture(autouse=True)
def offered() -> Iterator[None]:
    """A tool that reads, one that takes an object, resources and a prompt."""

    def look() -> str:
        return "seen"

    def pay(to: str = "", options: Options | None = None) -> str:
        return f"{to}{'!' if options and options.force else ''}"

    def order(id: str) -> str:
        return f"order {id}"

    def greet(name: str) -> str:
        return f"Greet {name}."

    tool(annotations=ToolAnnotations(read_only_hint=True))(look)
    tool(pay)
    resource("orders://{id}")(order)
    prompt(complete={"name": ["Ada", "Bo"]})(greet)
    yield
    for name in ("look", "pay"):
        registry.unregister(name)
    registry.unregister("order", "resource")
    registry.unregister("greet", "prompt")


def seen(here: Desk, kind: Any = "tool", caller: Caller | None = None) -> set[str]:
    return {one.name for one in here.run(listed(kind, caller or alice(), here.dependencies))}


def test_a_caller_is_told_which_arguments_would_have_to_differ() -> None:
    rule("allow", "arguments.to glob A*", "claims.org equals acme", tools="pay")
    with desk() as here:
        assert text(here.called("pay", alice(org="acme"), to="Ada")) == "Ada"
        error = here.refusal("pay", alice(org="acme"), to="Bo")
        assert seen(here, caller=alice(org="acme")) == {"pay"}
    record = CallRecord.objects.get(decision="denied")
    assert error.message == (
        "The tool 'pay' is available to you, but not with these arguments. Not allowed as it is: arguments.to."
        f" Record {record.pk}; ask the tests."
    )
    assert error.data == {"error": "arguments_not_allowed", "arguments": ["arguments.to"], "record": str(record.pk)}
    assert (error.code, record.reason) == (INVALID_PARAMS, "condition_unmet")


def test_a_caller_who_may_not_see_the_tool_is_told_nothing_of_its_conditions() -> None:
    rule("allow", "arguments.to glob A*", "claims.org equals acme", tools="pay")
    with desk() as here:
        told = [here.refused("pay", alice(org="other"), to=name) for name in ("Ada", "Bo")]
        told.append(here.refused("nonsense"))
        assert seen(here, caller=alice(org="other")) == set()
    assert all(" is available to you. Record " in one and one.startswith("No tool ") for one in told)
    reasons = set(CallRecord.objects.values_list("tool", "reason"))
    assert reasons == {("pay", "condition_unmet"), ("nonsense", "unknown_tool")}


def test_a_rule_about_annotations_is_about_the_tools_that_have_them() -> None:
    rule("allow", "annotations.readOnlyHint equals true")
    with desk() as here:
        assert seen(here) & {"look", "pay"} == {"look"}
        assert text(here.called("look")) == "seen"
        assert here.refused("pay").startswith("No tool 'pay'")


@pytest.mark.parametrize("options", ['{"force": true}', {"force": True}, ' {"force": true} '])
def test_an_object_that_is_sent_as_a_text_does_not_get_past_a_rule(options: Any) -> None:
    rule("allow", "arguments.options.force absent", tools="pay")
    with desk() as here:
        assert text(here.called("pay", to="Ada", options="{}")) == "Ada"
        assert "arguments.options.force" in here.refused("pay", to="Ada", options=options)


@pytest.mark.parametrize("uri", ["orders://secret-1", "orders://%73ecret-1", "orders://secret%2D1"])
def test_a_uri_that_is_spelled_otherwise_does_not_get_past_a_rule(uri: str) -> None:
    rule("allow", tools="order", kind="resource")
    rule("deny", "arguments.uri glob orders://secret-*", tools="order", kind="resource")
    with desk() as here:
        assert seen(here, "resource") == {"order"}
        here.run(invoke(alice(), resource_read("orders://1"), Silent(), here.dependencies))
        with pytest.raises(MCPError, match=r"not with these arguments\. Not allowed as it is: arguments\.uri"):
            here.run(invoke(alice(), resource_read(uri), Silent(), here.dependencies))
    assert json.loads(CallRecord.objects.get(decision="denied").arguments) == {"uri": "orders://secret-1"}


def test_a_resource_is_seen_where_some_uri_of_its_own_may_be_read() -> None:
    mine = rule("allow", "arguments.uri glob invoices://*", tools="order", kind="resource")
    with desk() as here:
        assert seen(here, "resource") == set()
        Rule.objects.filter(pk=mine.pk).update(conditions=stored([typed_line("arguments.uri glob *://7")]))
        assert seen(here, "resource") == {"order"}


def test_a_prompt_is_decided_by_its_arguments_and_completed_for_who_may_see_it() -> None:
    rule("allow", "arguments.name in Ada, Bo", tools="greet", kind="prompt")
    limit(1, tools="greet", kind="prompt")
    with desk() as here:
        assert seen(here, "prompt") == {"greet"}
        for _ in range(3):  # A completion counts against no limit.
            here.run(invoke(alice(), prompt_completion("greet", "name", "A", {}), Silent(), here.dependencies))
        here.run(invoke(alice(), prompt_use("greet", {"name": "Ada"}), Silent(), here.dependencies))
        with pytest.raises(MCPError, match="not with these arguments"):
            here.run(invoke(alice(), prompt_use("greet", {"name": "Di"}), Silent(), here.dependencies))
        with pytest.raises(MCPError, match="A limit on the prompt 'greet' is reached"):
            here.run(invoke(alice(), prompt_use("greet", {"name": "Bo"}), Silent(), here.dependencies))


def test_a_rule_decides_from_its_beginning_until_its_end() -> None:
    now = timezone.now()
    mine = rule("allow", tools="look", valid_until=now)
    with desk() as here:
        here.refused("look")
        Rule.objects.filter(pk=mine.pk).update(valid_from=now, valid_until=now + timedelta(hours=1))
        here.called("look")
        Rule.objects.filter(pk=mine.pk).update(valid_from=now + timedelta(minutes=1))
        here.refused("look")
        assert seen(here) == set()


def test_a_spent_limit_is_told_with_the_wait_and_hides_nothing() -> None:
    allow("look")
    mine = limit(2, tools="look")
    with desk() as here:
        assert [text(here.called("look")) for _ in range(2)] == ["seen", "seen"]
        error = here.refusal("look")
        assert seen(here) == {"look"}
    record = CallRecord.objects.get(decision="denied")
    assert error.code == SERVER_BUSY
    assert isinstance(error.data, dict) and 50 < error.data["retry_after"] <= 60
    assert error.data == {"error": "limit_reached", "retry_after": error.data["retry_after"], "record": str(record.pk)}
    assert error.message == (
        f"A limit on the tool 'look' is reached. Try again in {error.data['retry_after']} seconds."
        f" Record {record.pk}; ask the tests."
    )
    assert (record.reason, record.outcome, record.deadline) == ("limit_reached", "", None)
    assert json.loads(record.rules) == [{"id": mine.pk, "sentence": "Limit every client to 2 calls of look a minute."}]


@pytest.mark.parametrize(("per", "ran"), [("client", 4), ("together", 2)])
def test_a_limit_counts_for_each_client_or_for_all(per: str, ran: int) -> None:
    allow("look")
    limit(2, per, tools="look")
    with desk() as here:
        for subject in ("alice", "bob") * 3:
            try:
                here.called("look", alice(subject=subject))
            except MCPError as error:
                assert "is reached" in str(error)
    assert CallRecord.objects.filter(decision="allowed", outcome="ok").count() == ran


def test_calls_at_the_same_time_are_let_through_exactly_as_often_as_the_limit_says() -> None:
    allow("look")
    limit(10, tools="look")
    with desk() as here:

        async def call() -> bool:
            try:
                called = await invoke(alice(), tool_call("look", {}), Silent(), here.dependencies)
                return isinstance(called.result, CallToolResult)
            except MCPError:
                return False

        async def many() -> list[bool]:
            return await asyncio.gather(*(call() for _ in range(40)))

        assert sum(here.run(many())) == 10


def test_the_record_keeps_the_claims_that_conditions_name_and_no_others() -> None:
    allow("look")
    rule("deny", "claims.org.id equals 7", tools="look", token_scopes="never")
    rule("deny", "claims.team equals x", 'claims."https://e/roles" contains x', tools="look")
    rule("deny", "claims.other equals x", tools="pay")
    with desk() as here:
        roles = {"https://e/roles": ["admin"]}
        here.called("look", alice(org={"id": 1, "name": "secret"}, other="y", email="a@example.com", team="y", **roles))
        record = here.record()
    assert json.loads(record.claims) == {"org": {"id": 1}, "team": "y", "https://e/roles": ["admin"]}


def test_a_record_keeps_no_claims_where_no_condition_names_any() -> None:
    rule("allow", "arguments.to equals Ada", tools="pay")
    with desk() as here:
        here.called("pay", alice(org="acme"), to="Ada")
        assert here.record().claims == ""


def test_what_looks_like_a_secret_in_a_claim_is_not_kept() -> None:
    rule("allow", "claims.api_key exists", "claims.note exists")
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9m"
    with desk() as here:
        here.called("look", alice(api_key="hunter2", note=f"see {token}"))
        record = here.record()
    assert json.loads(record.claims) == {"api_key": "[redacted]", "note": "see [redacted]"}


def test_a_blocked_client_s_claims_are_not_kept() -> None:
    rule("allow", "claims.org exists")
    Client.objects.create(issuer=alice().principal.issuer, subject="alice", status="blocked")
    with desk() as here:
        here.refused("look", alice(org="acme"))
        assert here.record().claims == ""
        assert here.dependencies.audit.flush(WAIT)
