"""Results and tools as text.

Covers: tools_app.mcp_client.terminal
"""

import pytest
from mcp_types import (
    AudioContent,
    CallToolResult,
    EmbeddedResource,
    ResourceLink,
    TextContent,
    TextResourceContents,
    Tool,
)

from tools_app.mcp_client.display import call_line, result_text, tool_list


def test_structured_content_is_shown_when_there_is_no_other():
    assert result_text(CallToolResult(content=[], structured_content={"grad": "°C"})) == '{\n  "grad": "°C"\n}'


def test_text_is_shown_rather_than_structured_content():
    result = CallToolResult(content=[TextContent(type="text", text="hello")], structured_content={"result": "hello"})
    assert result_text(result) == "hello"


@pytest.mark.parametrize(
    ("block", "shown"),
    [
        (AudioContent(type="audio", data="AAA=", mime_type="audio/wav"), "[audio, audio/wav, 2 bytes]"),
        (ResourceLink(type="resource_link", uri="a:b", name="x", size=9), "[link to a:b, unknown type, 9 bytes]"),
        (EmbeddedResource(type="resource", resource=TextResourceContents(uri="file:///x", text="inside")), "inside"),
    ],
)  # fmt: skip
def test_other_content_is_named_by_type_and_size(block, shown):
    assert result_text(CallToolResult(content=[block])) == shown


def test_a_long_description_is_wrapped_below_the_name():
    tool = Tool(name="x", description="word " * 30, input_schema={"type": "object"})
    lines = tool_list([tool], columns=40).splitlines()
    assert lines[0] == "x"
    assert all(line.startswith("    word") and len(line) <= 40 for line in lines[1:])


def test_no_server_can_write_control_characters_to_the_terminal():
    tool = Tool(name="x\x1b]0;title\x07", description="\x9b31m", input_schema={"properties": {"\x1bc": {}}})
    shown = tool_list([tool]) + call_line(tool.name, {"a": "\x9b"})
    assert not set(shown) & {"\x1b", "\x07", "\x9b"}
