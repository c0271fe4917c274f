"""What functions return, as MCP has it."""

import json
from typing import Any

import pytest
from mcp.server.mcpserver.prompts.base import AssistantMessage
from mcp_types import (
    BlobResourceContents,
    Completion,
    GetPromptResult,
    ImageContent,
    PromptMessage,
    ReadResourceResult,
    TextContent,
    TextResourceContents,
)

from tools_app.definitions.results import completion_result, prompt_result, resource_result
from tools_app.errors import UnfitResult

URI = "notes://1"
TEXT = TextResourceContents(uri="notes://2", text="two")
BLOB = BlobResourceContents(uri="notes://3", blob="AA==")


@pytest.mark.parametrize(
    ("value", "mime_type", "expected"),
    [
        ("hello", None, TextResourceContents(uri=URI, mime_type="text/plain", text="hello")),
        ("# hi", "text/markdown", TextResourceContents(uri=URI, mime_type="text/markdown", text="# hi")),
        (b"\x00", None, BlobResourceContents(uri=URI, mime_type="application/octet-stream", blob="AA==")),
        (b"\x89PNG", "image/png", BlobResourceContents(uri=URI, mime_type="image/png", blob="iVBORw==")),
        ({"a": [1, None]}, None, TextResourceContents(uri=URI, mime_type="application/json", text='{"a":[1,null]}')),
        ([], None, TextResourceContents(uri=URI, mime_type="application/json", text="[]")),
        (None, None, TextResourceContents(uri=URI, mime_type="application/json", text="null")),
    ],
)
def test_a_value_becomes_contents(value: Any, mime_type: str | None, expected: Any) -> None:
    assert resource_result(value, URI, mime_type).contents == [expected]


@pytest.mark.parametrize("value", [TEXT, [TEXT, BLOB], (BLOB,), ReadResourceResult(contents=[TEXT])])
def test_contents_of_mcp_s_own_types_stay_as_they_are(value: Any) -> None:
    expected = value if isinstance(value, list | tuple) else getattr(value, "contents", [value])
    assert resource_result(value, URI, "text/html").contents == [*expected]


@pytest.mark.parametrize("value", [object(), {"a": object()}, [TEXT, "text"]])
def test_what_cannot_be_json_is_no_resource(value: Any) -> None:
    if value == [TEXT, "text"]:
        assert json.loads(resource_result(value, URI, None).contents[0].text)[1] == "text"
    else:
        with pytest.raises(ValueError):
            resource_result(value, URI, None)


def user(text: str) -> PromptMessage:
    return PromptMessage(role="user", content=TextContent(type="text", text=text))


IMAGE = ImageContent(type="image", data="AA==", mime_type="image/png")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("hello", [user("hello")]),
        (user("hello"), [user("hello")]),
        (["a", user("b"), IMAGE], [user("a"), user("b"), PromptMessage(role="user", content=IMAGE)]),
        ((), []),
        (
            AssistantMessage("hi"),
            [PromptMessage(role="assistant", content=TextContent(type="text", text="hi"))],
        ),
        (GetPromptResult(messages=[user("x")]), [user("x")]),
    ],
)
def test_a_value_becomes_messages(value: Any, expected: list[PromptMessage]) -> None:
    assert prompt_result(value, "").messages == expected


@pytest.mark.parametrize("value", [None, 1, {"role": "user"}, ["a", 1]])
def test_what_is_no_message_is_no_prompt(value: Any) -> None:
    with pytest.raises(UnfitResult, match="texts or messages"):
        prompt_result(value, "")


@pytest.mark.parametrize(
    ("count", "shown", "total", "has_more"), [(0, 0, 0, False), (100, 100, 100, False), (101, 100, 101, True)]
)
def test_at_most_a_hundred_completions_are_told(count: int, shown: int, total: int, has_more: bool) -> None:
    completion = completion_result(str(number) for number in range(count)).completion
    assert (len(completion.values), completion.total, completion.has_more) == (shown, total, has_more)


def test_a_completion_of_mcp_s_own_type_is_cut_too() -> None:
    completion = completion_result(Completion(values=["x"] * 150, total=1_000)).completion
    assert (len(completion.values), completion.total, completion.has_more) == (100, 1_000, True)
    whole = Completion(values=["x"], has_more=True)
    assert completion_result(whole).completion == whole
