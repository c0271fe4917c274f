"""Measures what a result carries."""

from collections.abc import Iterator

from mcp_types import (
    CallToolResult,
    CompleteResult,
    ContentBlock,
    ErrorData,
    GetPromptResult,
    ReadResourceResult,
    Result,
    TextResourceContents,
)


def result_size(result: Result | ErrorData) -> int:
    """The bytes of content in a result, before it is wrapped for the wire; of bytes, those of their base64."""
    return sum(len(text.encode()) for text in _texts(result))


def _texts(result: Result | ErrorData) -> Iterator[str]:
    match result:
        case CallToolResult(content=blocks):
            yield from map(_text_in, blocks)
        case GetPromptResult(messages=messages):
            yield from (_text_in(message.content) for message in messages)
        case ReadResourceResult(contents=contents):
            yield from (one.text if isinstance(one, TextResourceContents) else one.blob for one in contents)
        case CompleteResult(completion=completion):
            yield from completion.values


def _text_in(block: ContentBlock) -> str:
    text: str = getattr(block, "text", "") or getattr(block, "data", "")
    return text
