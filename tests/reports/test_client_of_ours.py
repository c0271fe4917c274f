"""The client for the terminal: several questions in a row, and models that write calls in their own ways."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.tools_app.management.commands.test_mcp_client import Ended, mcp_client
from tests.tools_app.mcp_client.peer import Gate, running_peer
from tests.tools_app.stub_service import Asked, Reply, stub_service

ADD = {"name": "add", "arguments": {"first": 2, "second": 3}}
Ask = Callable[..., tuple[Ended, list[Asked]]]


def says(**message: Any) -> Reply:
    return Reply({"choices": [{"message": {"role": "assistant", **message}}]})


@pytest.fixture(scope="module")
def peer_url() -> Iterator[str]:
    with running_peer(Gate) as (url, _):
        yield url


@pytest.fixture
def ask(peer_url: str, monkeypatch: pytest.MonkeyPatch) -> Ask:
    def ask(questions: list[str], *replies: Reply) -> tuple[Ended, list[Asked]]:
        rest = iter(replies)
        with stub_service(lambda _: next(rest, replies[-1])) as model:
            monkeypatch.delenv("OPENAI_API_KEY", raising=False)
            monkeypatch.setenv("OPENAI_BASE_URL", model.url)
            monkeypatch.setenv("OPENAI_MODEL", "clever")
            return mcp_client(peer_url, "--token", "good", "ask", *questions), model.asked

    return ask


def test_several_questions_are_answered_in_one_conversation(ask: Ask) -> None:
    ended, asked = ask(["One?", "Two?"], says(content="1."), says(content="2."))
    assert ended == Ended(0, "1.\n2.\n", "")
    assert [message["content"] for message in json.loads(asked[1].body)["messages"]] == ["One?", "1.", "Two?"]


def test_questions_are_read_from_standard_input_line_by_line(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("One?\n\n  Two?"))
    ended, asked = ask([], says(content="1."), says(content="2."))
    assert ended == Ended(0, "1.\n2.\n", "")
    assert json.loads(asked[1].body)["messages"][-1]["content"] == "Two?"


@pytest.mark.parametrize(
    "chosen",
    [
        {"tool_calls": [{"id": "a", "function": ADD}]},
        {"tool_calls": [{"function": ADD}]},
        {"tool_calls": [{"id": None, "function": ADD}], "content": []},
        {"tool_calls": [{"id": 7, **ADD}]},
        {"tool_calls": {"function": ADD}},
        {"function_call": {**ADD, "arguments": json.dumps(ADD["arguments"])}},
        {"function_call": {**ADD, "arguments": json.dumps(json.dumps(ADD["arguments"]))}},
    ],
)
def test_a_call_is_made_whichever_way_the_model_writes_it(ask: Ask, chosen: dict[str, Any]) -> None:
    ended, asked = ask(["How much?"], says(**chosen), says(content=[{"type": "text", "text": "It is "}, "5."]))
    assert ended == Ended(0, "add(first=2, second=3)\nIt is 5.\n", "")
    _, call, result = json.loads(asked[1].body)["messages"]
    assert isinstance(call["tool_calls"][0]["function"]["arguments"], str)
    assert call["tool_calls"][0]["id"] == result["tool_call_id"]


@pytest.mark.parametrize("arguments", [None, "", " ", "null", {}, "{}"])
def test_no_arguments_are_written_in_many_ways(ask: Ask, arguments: Any) -> None:
    ended, _ = ask(
        ["Echo."], says(tool_calls=[{"function": {"name": "echo", "arguments": arguments}}]), says(content="Done.")
    )
    assert ended.out.startswith("echo()\n")
    assert ended.out.endswith("Done.\n")


@pytest.mark.parametrize("arguments", ['{"first": ', "[1]", [1], 5])
def test_arguments_that_are_no_object_are_told_to_the_model(ask: Ask, arguments: Any) -> None:
    ended, asked = ask(
        ["?"], says(tool_calls=[{"function": {"name": "add", "arguments": arguments}}]), says(content="Oh.")
    )
    assert ended == Ended(0, "Oh.\n", "")
    assert json.loads(asked[1].body)["messages"][-1]["content"] == "The arguments must be a JSON object."
