"""A language model chooses tools of a real MCP server; the model itself is a stub on a real socket."""

import io
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.tools_app.management.commands.test_mcp_client import Ended, mcp_client
from tests.tools_app.mcp_client.peer import REFUSAL
from tests.tools_app.stub_service import Asked, Reply, stub_service

KEY = "sk-the-secret-key"


def says(content: str | None) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def chooses(name: str, arguments: str) -> dict[str, Any]:
    call = {"id": "call-1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def reply(message: Any) -> Reply:
    return Reply({"choices": [{"message": message}]})


@pytest.fixture
def ask(peer_url, monkeypatch) -> Callable[..., tuple[Ended, list[Asked]]]:
    def ask(*replies: Reply) -> tuple[Ended, list[Asked]]:
        rest = iter(replies)
        with stub_service(lambda _: next(rest, replies[-1])) as model:
            monkeypatch.setenv("OPENAI_BASE_URL", f"{model.url}/v1/")
            monkeypatch.setenv("OPENAI_API_KEY", KEY)
            monkeypatch.setenv("OPENAI_MODEL", "clever")
            ended = mcp_client(peer_url, "--token", "good", "ask", "How much is it?")
        assert KEY not in ended.out + ended.err
        return ended, model.asked

    return ask


def sent(asked: Asked) -> dict[str, Any]:
    return json.loads(asked.body)


def test_the_chosen_call_and_then_the_answer_are_printed(ask):
    ended, asked = ask(reply(chooses("add", '{"first": 2, "second": 3}')), reply(says("It is 5.")))
    assert ended == Ended(0, "add(first=2, second=3)\nIt is 5.\n", "")
    assert [one.path for one in asked] == ["/v1/chat/completions"] * 2
    assert asked[0].headers["Authorization"] == f"Bearer {KEY}"


def test_the_model_gets_the_question_the_tools_and_each_result(ask):
    _, asked = ask(reply(chooses("add", '{"first": 2}')), reply(says("3")))
    first, second = sent(asked[0]), sent(asked[1])
    assert first["model"] == "clever"
    assert first["messages"] == [{"role": "user", "content": "How much is it?"}]
    function = next(tool["function"] for tool in first["tools"] if tool["function"]["name"] == "add")
    assert "Adds two numbers." in function["description"]
    assert function["parameters"]["required"] == ["first"]
    assert second["messages"][-1] == {"role": "tool", "tool_call_id": "call-1", "content": "3"}


def test_a_refused_call_is_shown_and_told_to_the_model(ask):
    ended, asked = ask(reply(chooses("weather_tool", '{"location": "Oslo"}')), reply(says("I may not know.")))
    assert ended == Ended(0, f'weather_tool(location="Oslo")\n{REFUSAL}\nI may not know.\n', "")
    assert sent(asked[1])["messages"][-1]["content"] == REFUSAL


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [("nothing", "{}", "There is no tool 'nothing'."), ("add", "{", "The arguments must be a JSON object."),
     ("add", "[1]", "The arguments must be a JSON object.")],
)  # fmt: skip
def test_a_choice_that_cannot_be_made_is_told_to_the_model_alone(ask, name, arguments, told):
    ended, asked = ask(reply(chooses(name, arguments)), reply(says("Sorry.")))
    assert ended == Ended(0, "Sorry.\n", "")
    assert sent(asked[1])["messages"][-1]["content"] == told


def test_a_model_that_never_answers_is_stopped(ask):
    ended, asked = ask(reply(chooses("echo", "{}")))
    assert ended.code == 1
    assert "gave no answer in 8 rounds" in ended.err
    assert len(asked) == 8


@pytest.mark.parametrize(
    ("bad", "says_why"),
    [
        (Reply({"error": {"message": f"Incorrect key {KEY}."}}, 401), "HTTP 401: Incorrect key ...."),
        (Reply(b"<html>", 502), "HTTP 502"),
        (Reply({"choices": []}), "nothing that a chat completions endpoint would say"),
        (Reply([]), "nothing that a chat completions endpoint would say"),
        (reply({"tool_calls": [{"id": 5}]}), "in a form that this client does not know"),
        (reply(says("")), "gave no answer"),
    ],
)
def test_a_model_that_fails_is_a_sentence(ask, bad, says_why):
    ended, _ = ask(bad)
    assert ended.code != 0
    assert says_why in ended.err


def test_a_model_that_is_not_there_is_a_sentence(peer_url, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_MODEL", "clever")
    ended = mcp_client(peer_url, "--token", "good", "ask", "Hello?")
    assert ended.code == 2
    assert "cannot be reached" in ended.err


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, "OPENAI_API_KEY and OPENAI_MODEL"),
        ({"OPENAI_API_KEY": KEY}, "set OPENAI_MODEL in"),
        ({"OPENAI_MODEL": "clever"}, "set OPENAI_API_KEY in"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1"}, "set OPENAI_MODEL in"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_sent(monkeypatch, environ, missing):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", io.StringIO("good\n"))
    ended = mcp_client("http://127.0.0.1:1", "--token", "-", "ask", "Hello?")
    assert ended.code == 2
    assert missing in ended.err
