"""What a server asks is answered at a terminal: a real pseudo-terminal, with a person who types ahead."""

import os
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from mcp_types import (
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitRequestURLParams,
    ElicitResult,
    ErrorData,
    SamplingMessage,
    TextContent,
)

from tools_app.mcp_client.person import TerminalPerson


class Desk:
    """A terminal and what was told there."""

    def __init__(self) -> None:
        self.keyboard, self.stdin = os.openpty()
        self.told: list[str] = []

    async def answer(self, typed: str, asked: ElicitRequestParams) -> ElicitResult:
        os.write(self.keyboard, typed.encode())
        with anyio.fail_after(10):
            return await TerminalPerson(self.stdin, self.told.append).answer(asked)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    os.close(desk.keyboard)
    os.close(desk.stdin)


def form(required: tuple[str, ...] = (), **properties: Any) -> ElicitRequestFormParams:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return ElicitRequestFormParams(message="Delete it?", requested_schema=schema)


@pytest.mark.parametrize(
    ("part", "typed", "value"),
    [
        ({"type": "string"}, "hello there\n", "hello there"),
        ({"type": "integer"}, "many\n3\n", 3),
        ({"type": "number"}, "2.5\n", 2.5),
        ({"type": "boolean"}, "perhaps\nY\n", True),
        ({"type": "boolean", "default": True}, "\n", True),
        ({"type": "boolean"}, "no\n", False),
        ({"type": "string", "enum": ["a", "b"]}, "c\nb\n", "b"),
        ({"type": "string", "oneOf": [{"const": "a", "title": "Ay"}]}, "Ay\na\n", "a"),
        ({"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}, "a,c\na, b\n", ["a", "b"]),
        ({"type": "string"}, "\nat last\n", "at last"),
    ],
)
async def test_a_field_is_asked_for_until_it_fits(desk, part, typed, value):
    answered = await desk.answer(typed, form(required=("it",), it=part))
    assert (answered.action, answered.content) == ("accept", {"it": value})


async def test_several_fields_are_asked_for_in_turn_and_optional_ones_may_be_left_out(desk):
    asked = form(required=("a",), a={"type": "string"}, b={"type": "string"}, c={"type": "integer", "default": 7})
    answered = await desk.answer("x\n\n\n", asked)
    assert answered.content == {"a": "x", "c": 7}


async def test_ctrl_d_declines(desk):
    assert (await desk.answer("x\n\x04", form(a={"type": "string"}, b={"type": "string"}))).action == "decline"


async def test_an_address_to_visit_is_shown_and_waited_for(desk):
    asked = ElicitRequestURLParams(message="Sign in.", url="https://example.com/in\x1b[2J")
    assert (await desk.answer("\n", asked)).action == "accept"
    assert "https://example.com/in\\x1b[2J" in "\n".join(desk.told)


async def test_without_a_terminal_the_answer_is_no():
    told: list[str] = []
    answered = await TerminalPerson(None, told.append).answer(form(a={"type": "string"}))
    assert answered.action == "decline"
    assert "Delete it?" in told[0]


async def test_waiting_for_a_person_can_be_cancelled(desk):
    with anyio.move_on_after(0.1) as scope:
        await desk.answer("", form(a={"type": "string"}))
    assert scope.cancelled_caught


def for_a_model(*texts: str, system: str | None = None) -> CreateMessageRequestParams:
    said = [SamplingMessage(role="user", content=TextContent(type="text", text=text)) for text in texts]
    return CreateMessageRequestParams(messages=said, max_tokens=100, system_prompt=system)


async def test_a_person_answers_in_place_of_a_language_model(desk):
    os.write(desk.keyboard, b"Good day\n")
    with anyio.fail_after(10):
        answered = await TerminalPerson(desk.stdin, desk.told.append).sample(
            for_a_model("Hello\x1b[2J", system="Be kind")
        )
    assert isinstance(answered, CreateMessageResult)
    assert answered.content == TextContent(type="text", text="Good day")
    assert answered.model == "a person at a terminal"
    assert "[system] Be kind\n[user] Hello\\x1b[2J" in desk.told[0]


async def test_a_person_may_decline_to_be_a_language_model(desk):
    os.write(desk.keyboard, b"\x04")
    with anyio.fail_after(10):
        answered = await TerminalPerson(desk.stdin, desk.told.append).sample(for_a_model("Hello"))
    assert isinstance(answered, ErrorData)
    assert answered.code == -1
