"""What a request asks for, whatever a stranger wrote into it."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from tools_app.invocation.access_request import DECIDED_METHODS, SESSION, access_request_of, resource_read, tool_call
from tools_app.wire.jsonrpc import Request

NOTE = "notes://{topic}/{number}"


@pytest.mark.parametrize(
    ("method", "params", "expected", "recorded"),
    [
        ("tools/call", {"name": "echo", "arguments": {"text": "x"}}, ("tool", "tool", "echo"), {"text": "x"}),
        ("tools/call", {"name": "none"}, ("tool", "tool", "none"), {}),
        ("resources/read", {"uri": "notes://a/1"}, ("resource", "resource", "note"), {"uri": "notes://a/1"}),
        ("resources/subscribe", {"uri": "x://y"}, ("resource", "resource", "x://y"), {"uri": "x://y"}),
        ("prompts/get", {"name": "poem", "arguments": {"topic": "x"}}, ("prompt", "prompt", "poem"), {"topic": "x"}),
        (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "poem"}, "argument": {"name": "style", "value": "s"}},
            ("completion", "prompt", "poem"),
            {"argument": {"name": "style", "value": "s"}},
        ),
        (
            "completion/complete",
            {"ref": {"type": "ref/resource", "uri": NOTE}, "argument": {"name": "topic", "value": "t"}},
            ("completion", "resource", "note"),
            {"uri": NOTE, "argument": {"name": "topic", "value": "t"}},
        ),
    ],
)
def test_what_is_asked_for(method: str, params: Any, expected: tuple[str, str, str], recorded: Any) -> None:
    assert method in DECIDED_METHODS
    access_request = access_request_of(Request(1, method, params))
    assert (access_request.record_kind, access_request.kind, access_request.name) == expected
    assert access_request.recorded == recorded


@pytest.mark.parametrize("method", ["initialize", "tools/list", "resources/unsubscribe", "nonsense"])
def test_what_is_not_decided_asks_for_a_session(method: str) -> None:
    assert method not in DECIDED_METHODS
    assert access_request_of(Request(1, method, {"name": "echo"})) is SESSION


KEYS = ("name", "uri", "arguments", "ref", "argument", "context", "type")
odd = st.sampled_from([None, True, 7, "", "x", "poem", "notes://a/1", "ref/prompt", [], ["name"]])
anything = odd | st.dictionaries(st.sampled_from(KEYS), odd, max_size=3)
METHODS = ("tools/call", "resources/read", "prompts/get", "completion/complete", "resources/subscribe")


@given(st.sampled_from(METHODS), st.none() | st.dictionaries(st.sampled_from(KEYS), anything))
def test_nothing_that_a_stranger_writes_is_an_error(method: str, params: Any) -> None:
    access_request = access_request_of(Request(1, method, params))
    assert isinstance(access_request.name, str)
    assert access_request.runs is None or access_request.name


def test_the_variables_of_a_uri_are_the_arguments_and_the_uri_is_what_is_recorded() -> None:
    access_request = resource_read("notes://travel/7")
    assert (access_request.name, access_request.arguments) == ("note", {"topic": "travel", "number": "7"})
    assert (access_request.recorded, access_request.uri) == ({"uri": "notes://travel/7"}, "notes://travel/7")


def test_what_does_not_exist_runs_nothing_under_the_name_that_was_sent() -> None:
    for access_request, name in ((tool_call("none", {}), "none"), (resource_read("notes://x"), "notes://x")):
        assert (access_request.runs, access_request.name) == (None, name)
