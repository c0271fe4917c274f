"""How many bytes of content a result carries."""

from typing import Any

import pytest
from mcp_types import (
    BlobResourceContents,
    CallToolResult,
    CompleteResult,
    Completion,
    ErrorData,
    GetPromptResult,
    ImageContent,
    PromptMessage,
    ReadResourceResult,
    TextContent,
    TextResourceContents,
)

from tools_app.invocation.result_size import result_size

TEXT, IMAGE = TextContent(type="text", text="aß"), ImageContent(type="image", data="AA==", mime_type="image/png")
RESOURCE = [TextResourceContents(uri="notes://2", text="two"), BlobResourceContents(uri="notes://3", blob="AA==")]
MESSAGES = [PromptMessage(role="user", content=TEXT), PromptMessage(role="user", content=IMAGE)]


@pytest.mark.parametrize(
    ("result", "size"),
    [
        (CallToolResult(content=[TEXT, IMAGE]), 3 + 4),
        (ReadResourceResult(contents=RESOURCE), 3 + 4),
        (GetPromptResult(messages=MESSAGES), 3 + 4),
        (CompleteResult(completion=Completion(values=["xy", "z"])), 3),
        (ErrorData(code=-32603, message="no"), 0),
    ],
)
def test_the_size_is_that_of_the_content_in_utf_8_and_base64(result: Any, size: int) -> None:
    assert result_size(result) == size
