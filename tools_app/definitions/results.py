"""Makes MCP results of what the functions of resources, prompts and completions return. Pure."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Any, get_args

import mcp_types as types
from mcp.server.mcpserver.prompts.base import Message
from pydantic_core import to_json

Contents = types.TextResourceContents | types.BlobResourceContents
_MOST_COMPLETIONS = 100  # MCP, Completion
_CONTENT_BLOCKS: tuple[type, ...] = get_args(types.ContentBlock)


def resource_result(value: Any, uri: str, mime_type: str | None) -> types.ReadResourceResult:
    """A resource's contents: text, bytes, a JSON-able value, or MCP's own types.

    Raises:
        ValueError: the value cannot be JSON.
    """
    if isinstance(value, types.ReadResourceResult):
        return value
    if isinstance(value, Contents):
        return types.ReadResourceResult(contents=[value])
    if isinstance(value, Sequence) and value and all(isinstance(item, Contents) for item in value):
        return types.ReadResourceResult(contents=list(value))
    return types.ReadResourceResult(contents=[_contents(value, uri, mime_type)])


def _contents(value: Any, uri: str, mime_type: str | None) -> Contents:
    if isinstance(value, str):
        return types.TextResourceContents(uri=uri, mime_type=mime_type or "text/plain", text=value)
    if isinstance(value, bytes | bytearray | memoryview):
        blob = b64encode(value).decode("ascii")
        return types.BlobResourceContents(uri=uri, mime_type=mime_type or "application/octet-stream", blob=blob)
    return types.TextResourceContents(uri=uri, mime_type=mime_type or "application/json", text=to_json(value).decode())


def prompt_result(value: Any, description: str) -> types.GetPromptResult:
    """A prompt's messages: a text, messages and texts in a list, or MCP's own types. Texts are the user's.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, types.GetPromptResult):
        return value
    messages = value if isinstance(value, list | tuple) else [value]
    return types.GetPromptResult(description=description or None, messages=[_message(message) for message in messages])


def _message(value: Any) -> types.PromptMessage:
    if isinstance(value, types.PromptMessage):
        return value
    if isinstance(value, Message):
        return types.PromptMessage(role=value.role, content=value.content)
    if isinstance(value, str):
        return types.PromptMessage(role="user", content=types.TextContent(type="text", text=value))
    if not isinstance(value, _CONTENT_BLOCKS):
        raise TypeError(f"A prompt returns texts or messages, not {type(value).__name__}.")
    block: Any = value
    return types.PromptMessage(role="user", content=block)


def completion_result(value: Iterable[str] | types.Completion) -> types.CompleteResult:
    """The values that complete an argument, at most a hundred of them, and how many there are."""
    if isinstance(value, types.Completion):
        cut = {"values": value.values[:_MOST_COMPLETIONS], "has_more": True}
        fits = len(value.values) <= _MOST_COMPLETIONS
        return types.CompleteResult(completion=value if fits else value.model_copy(update=cut))
    values = [str(item) for item in value]
    shown = values[:_MOST_COMPLETIONS]
    return types.CompleteResult(
        completion=types.Completion(values=shown, total=len(values), has_more=len(values) > len(shown))
    )
