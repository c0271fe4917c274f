"""Resources, prompts and completions go the way of a tool's call, with what is different in MCP's answers."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from authz_app.models import CallRecord, Rule
from authz_app.policy.rule import Kind
from tests.tools_app.desk import Desk, Silent, alice, desk
from tools_app.call import Call
from tools_app.invocation.access_request import AccessRequest, prompt_completion, prompt_use, resource_read, tool_call
from tools_app.invocation.denials import CallDenied
from tools_app.invocation.invoke import Called, invoke
from tools_app.invocation.listing import listed
from tools_app.models import Tool
from tools_app.registry import prompt, registered, resource, tool, unregister
from tools_app.wire.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, RESOURCE_NOT_FOUND

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
Offer = Callable[..., None]


def allow(names: str, kind: str, **fields: Any) -> Rule:
    return Rule.objects.create(kind=kind, tools="\n".join(names.split()), applies_to="every", **fields)


@pytest.fixture
def offered() -> Iterator[Offer]:
    """Offer functions for the length of a test."""
    names: list[tuple[str, Kind]] = []

    def offer(kind: Kind, function: Callable[..., Any], uri: str = "", **options: Any) -> None:
        offering: Any = {"tool": tool, "prompt": prompt, "resource": lambda **given: resource(uri, **given)}[kind]
        offering(**options)(function)
        names.append((options.get("name", function.__name__), kind))

    yield offer
    for name, kind in names:
        unregister(name, kind)


def used(here: Desk, access_request: AccessRequest, scopes: str = "") -> Called:
    return here.run(invoke(alice(scopes), access_request, Silent(), here.dependencies))


def failing(here: Desk, access_request: AccessRequest) -> tuple[int, str]:
    with pytest.raises(MCPError) as caught:
        used(here, access_request)
    assert not isinstance(caught.value, CallDenied)
    return caught.value.error.code, caught.value.error.message


URIS = {"note": "notes://a/1", "file": "files://a", "hidden_note": "notes://hidden", "broken_note": "notes://broken"}
ASKING: dict[str, Callable[[str], AccessRequest]] = {
    "resource": lambda name: resource_read(URIS.get(name, f"notes://{name}")),
    # Wrong arguments: what is allowed is let through to the function, which refuses them.
    "prompt": lambda name: prompt_use(name, {"no such argument": "x"}),
}


@pytest.mark.parametrize("kind", ["resource", "prompt"])
@pytest.mark.parametrize(
    ("scopes", "rules"),
    [
        ("", [("*", "allow", "")]),
        ("a", [("*", "allow", "a"), ("*o*", "deny", "")]),
        ("", [("*", "allow", "a")]),
        ("a b", [("*e*", "allow", "a"), ("note poem", "deny", "b")]),
        ("", []),
    ],
)
def test_it_is_listed_if_and_only_if_it_may_be_used(kind: Kind, scopes: str, rules: list[tuple[str, str, str]]) -> None:
    Tool.objects.filter(name__in=["welcome", "poem"]).update(enabled=False)
    allow("*", "tool")
    for names, effect, needed in rules:
        allow(names, kind, effect=effect, token_scopes=needed)
    with desk() as here:
        shown = {one.name for one in here.run(listed(kind, alice(scopes), here.dependencies))}
        usable = set()
        for name in registered(kind):
            try:
                used(here, ASKING[kind](name), scopes)
            except CallDenied:
                continue
            except MCPError:
                pass
            usable.add(name)
    assert shown == usable
    assert not shown & {"welcome", "poem"}


@pytest.mark.parametrize("kind", ["tool", "resource", "prompt"])
def test_a_rule_says_nothing_of_another_kind_of_the_same_name(offered: Offer, kind: Kind) -> None:
    for one in ("tool", "prompt"):
        offered(one, lambda: "same", name="same")
    offered("resource", lambda: "same", uri="same://thing", name="same")
    by_kind = {
        "tool": tool_call("same", {}),
        "resource": resource_read("same://thing"),
        "prompt": prompt_use("same", {}),
    }
    allow("same", kind)
    with desk() as here:
        used(here, by_kind.pop(kind))
        for other in by_kind.values():
            with pytest.raises(CallDenied):
                used(here, other)
        here.dependencies.audit.flush(20.0)
    reasons = dict(CallRecord.objects.values_list("kind", "reason"))
    assert reasons == {one: "allowed" if one == kind else "no_rule" for one in ("tool", "resource", "prompt")}


def test_what_a_resource_came_to_is_in_its_record() -> None:
    rule = allow("welcome", "resource")
    with desk() as here:
        called = used(here, resource_read("notes://welcome"))
        row = here.record()
    assert called.wire["contents"][0]["text"] == "# Welcome"
    assert (row.kind, row.tool, row.outcome, row.result_size) == ("resource", "welcome", "ok", 9)
    assert f'"sentence":"{rule.sentence()}"' in row.rules


@pytest.mark.parametrize("in_thread", [False, True])
@pytest.mark.parametrize("kind", ["resource", "prompt"])
def test_what_takes_too_long_is_given_up(offered: Offer, kind: Kind, in_thread: bool) -> None:
    recorded = threading.Event()

    async def slow() -> str:
        await asyncio.Event().wait()
        return ""

    def slow_in_a_thread() -> str:
        recorded.wait(60)
        return ""

    offered(kind, slow_in_a_thread if in_thread else slow, uri="slow://it", name="slow", time_limit=0.1)
    allow("slow", kind)
    with desk() as here:
        access_request = resource_read("slow://it") if kind == "resource" else prompt_use("slow", {})
        assert failing(here, access_request) == (INTERNAL_ERROR, "slow took longer than 0.1 s and was given up.")
        assert here.record().outcome == "timed_out"
        recorded.set()


@pytest.mark.parametrize(
    ("value", "outcome", "text"),
    [
        ("x" * 600_000, "tool_error", "At most 500,000 can be sent: half of MAX_QUEUED_BYTES"),
        ({"number": object()}, "crashed", "A value of the type object at number is no JSON."),
    ],
)
def test_what_cannot_be_sent_is_an_error(offered: Offer, value: Any, outcome: str, text: str) -> None:
    offered("resource", lambda: value, uri="odd://it", name="odd")
    allow("odd", "resource")
    with desk() as here:
        code, told = failing(here, resource_read("odd://it"))
        assert (code, text in told, here.record().outcome) == (INTERNAL_ERROR, True, outcome)


def test_what_is_not_found_and_what_does_not_fit_have_codes_of_their_own() -> None:
    allow("note", "resource")
    allow("poem", "prompt")
    with desk() as here:
        assert failing(here, resource_read("notes://a/999")) == (RESOURCE_NOT_FOUND, "There is no note 999 on a.")
        assert failing(here, resource_read("notes://a/b"))[0] == INVALID_PARAMS
        assert failing(here, prompt_use("poem", {}))[0] == INVALID_PARAMS


def test_a_completer_runs_as_a_tool_does(offered: Offer) -> None:
    seen: list[tuple[str, str]] = []

    def colours(typed: str, call: Call) -> list[str]:
        seen.extend(CallRecord.objects.values_list("kind", "outcome"))
        return [call.principal.subject]

    offered("prompt", lambda colour: colour, name="paint", complete={"colour": colours})
    allow("paint", "prompt")
    with desk() as here:
        called = used(here, prompt_completion("paint", "colour", "", {}))
    assert called.wire["completion"]["values"] == ["alice"]
    assert seen == [("completion", "")]


def test_a_completer_that_fails_is_an_error_that_shows_nothing_of_its_cause(offered: Offer) -> None:
    def colours(typed: str) -> list[str]:
        raise RuntimeError("hunter2")

    offered("prompt", lambda colour: colour, name="paint", complete={"colour": colours})
    allow("paint", "prompt")
    with desk() as here:
        code, told = failing(here, prompt_completion("paint", "colour", "", {}))
        assert (code, here.record().outcome) == (INTERNAL_ERROR, "crashed")
    assert "hunter2" not in told


def test_what_is_switched_off_is_refused_to_everybody_and_only_its_kind() -> None:
    allow("*", "prompt")
    Tool.objects.filter(kind="prompt", name="poem").update(enabled=False)
    with desk() as here:
        for access_request in (prompt_use("poem", {}), prompt_completion("poem", "style", "", {})):
            with pytest.raises(CallDenied):
                used(here, access_request)
        here.dependencies.audit.flush(20.0)
    assert set(CallRecord.objects.values_list("kind", "reason")) == {
        ("prompt", "tool_disabled"),
        ("completion", "tool_disabled"),
    }
