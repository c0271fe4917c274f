"""Measures what a result carries."""

from collections.abc import Iterator

import mcp_types as types


def result_size(result: types.Result | types.ErrorData) -> int:
    """The bytes of content in a result, before it is wrapped for the wire; of bytes, those of their base64."""
    return sum(len(text.encode()) for text in _texts(result))


def _texts(result: types.Result | types.ErrorData) -> Iterator[str]:
    match result:
        case types.CallToolResult(content=blocks):
            yield from map(_text_in, blocks)
        case types.GetPromptResult(messages=messages):
            yield from (_text_in(message.content) for message in messages)
        case types.ReadResourceResult(contents=contents):
            yield from (one.text if isinstance(one, types.TextResourceContents) else one.blob for one in contents)
        case types.CompleteResult(completion=completion):
            yield from completion.values


def _text_in(block: types.ContentBlock) -> str:
    text: str = getattr(block, "text", "") or getattr(block, "data", "")
    return text
