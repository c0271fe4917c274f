"""Makes MCP results of what the functions of resources, prompts and completions return."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import PurePath
from typing import Any, TypeVar, get_args
from uuid import UUID

import mcp_types as types
from django.db.models import QuerySet
from django.utils.functional import Promise
from mcp.server.mcpserver.prompts.base import Message
from pydantic import ValidationError

from tools_app.definitions.json_values import NotJson, check_is_json, json_of, written
from tools_app.definitions.schema_check import in_words
from tools_app.errors import UnfitResult

Contents = types.TextResourceContents | types.BlobResourceContents
R = TypeVar("R", bound=types.Result)
BYTES = (bytes, bytearray, memoryview)
_MOST_COMPLETIONS = 100  # MCP, Completion
_CONTENT_BLOCKS: tuple[type, ...] = get_args(types.ContentBlock)
_SHOWN_AS_TEXT = (str, int, float, Decimal, UUID, date, time, timedelta, PurePath, Promise)


@contextmanager
def result_of(name: str) -> Iterator[None]:
    """Say of whose result it is that it cannot be sent.

    Raises:
        UnfitResult: it cannot be sent.
    """
    try:
        yield
    except (NotJson, UnfitResult) as error:
        raise UnfitResult(f"The result of {name} cannot be sent. {error}") from None


def valid_by_mcp(result: R) -> R:
    """A result that has what a function made of MCP's own types, as it goes into JSON.

    Raises:
        UnfitResult, NotJson: it is not valid.
    """
    wire = json_of(result, partial(_dump, exclude_none=True))
    check_is_json(wire)
    try:
        made = type(result).model_validate(wire)
    except ValidationError as error:
        raise UnfitResult(f"It is not valid by MCP ({in_words(error)}).") from None
    _refuse_other_than_base64(wire)
    return made


def _dump(result: types.Result, **options: Any) -> Any:
    return result.model_dump(mode="json", warnings=False, **options)


def _refuse_other_than_base64(wire: Mapping[str, Any]) -> None:
    for member in ("content", "contents", "messages"):
        for at, one in enumerate(wire.get(member) or ()):
            block = one["content"] if member == "messages" else one
            data = block.get("data") or block.get("blob") or block.get("resource", {}).get("blob") or ""
            try:
                b64decode(data, validate=True)
            except ValueError:
                raise UnfitResult(
                    f"The data at {member}.{at} is no base64: base64.b64encode(data).decode() is."
                ) from None


def embedded(value: bytes, uri: str) -> types.TextContent | types.EmbeddedResource:
    """Content of bytes: a text, or a file at this URI where they are none."""
    try:
        return types.TextContent(type="text", text=value.decode())
    except UnicodeDecodeError:
        contents = types.BlobResourceContents(uri=uri, mime_type=_ANY_FILE, blob=b64encode(value).decode("ascii"))
        return types.EmbeddedResource(type="resource", resource=contents)


def resource_result(value: Any, uri: str, mime_type: str | None) -> types.ReadResourceResult:
    """A resource's contents: text, bytes, a JSON-able value, or MCP's own types.

    Raises:
        UnfitResult, NotJson: the value cannot be such.
    """
    if isinstance(value, types.ReadResourceResult):
        return valid_by_mcp(value)
    if isinstance(value, Contents):
        return valid_by_mcp(types.ReadResourceResult(contents=[value]))
    if isinstance(value, Sequence) and value and all(isinstance(item, Contents) for item in value):
        return valid_by_mcp(types.ReadResourceResult(contents=list(value)))
    return types.ReadResourceResult(contents=[_contents(value, uri, mime_type)])


def _contents(value: Any, uri: str, mime_type: str | None) -> Contents:
    if isinstance(value, BYTES):
        blob = b64encode(value).decode("ascii")
        return types.BlobResourceContents(uri=uri, mime_type=mime_type or _ANY_FILE, blob=blob)
    if isinstance(value, str | Promise):
        text = str(value)
        check_is_json(text)
        return types.TextResourceContents(uri=uri, mime_type=mime_type or "text/plain", text=text)
    text = written(json_of(value), indent=False)
    return types.TextResourceContents(uri=uri, mime_type=mime_type or "application/json", text=text)


def prompt_result(value: Any, description: str, name: str = "prompt") -> types.GetPromptResult:
    """A prompt's messages: a text, messages and texts in a list, or MCP's own types. Texts are the user's.

    Raises:
        UnfitResult, NotJson: it is something else.
    """
    if isinstance(value, types.GetPromptResult):
        return valid_by_mcp(value)
    several = json_of(value) if isinstance(value, QuerySet) else value
    items = several if isinstance(several, list | tuple) else [several]
    messages = [_message(item, name) for item in items]
    return valid_by_mcp(types.GetPromptResult(description=description or None, messages=messages))


def _message(value: Any, name: str) -> types.PromptMessage:
    if isinstance(value, types.PromptMessage):
        return value
    if isinstance(value, Message):
        return types.PromptMessage(role=value.role, content=value.content)
    if isinstance(value, str | Promise):
        return types.PromptMessage(role="user", content=types.TextContent(type="text", text=str(value)))
    if isinstance(value, BYTES):
        return types.PromptMessage(role="user", content=embedded(bytes(value), f"prompt://{name}/result"))
    if not isinstance(value, _CONTENT_BLOCKS):
        raise UnfitResult(f"A prompt returns texts or messages, or a list of them, and not {type(value).__name__}.")
    # As it is: what is not valid is found with the whole.
    return types.PromptMessage.model_construct(role="user", content=value)


def completion_result(value: Any) -> types.CompleteResult:
    """The values that complete an argument, at most a hundred of them, and how many there are.

    Raises:
        UnfitResult, NotJson: they are no texts.
    """
    if isinstance(value, types.Completion):
        cut = {"values": value.values[:_MOST_COMPLETIONS], "has_more": True}
        fits = len(value.values) <= _MOST_COMPLETIONS
        return valid_by_mcp(types.CompleteResult(completion=value if fits else value.model_copy(update=cut)))
    values = [_completing(item) for item in _several(value)]
    shown = values[:_MOST_COMPLETIONS]
    check_is_json(shown)
    return types.CompleteResult(
        completion=types.Completion(values=shown, total=len(values), has_more=len(values) > len(shown))
    )


def _several(value: Any) -> Iterable[Any]:
    if value is None:
        return []
    if isinstance(value, (*_SHOWN_AS_TEXT, *BYTES)):
        return [value]
    if isinstance(value, QuerySet):
        return list(json_of(value))
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        return value
    raise _no_completions(value)


def _completing(item: Any) -> str:
    if isinstance(item, Enum):
        item = item.value
    if not isinstance(item, _SHOWN_AS_TEXT):
        raise _no_completions(item)
    return str(item)


def _no_completions(value: Any) -> UnfitResult:
    return UnfitResult(
        f"A completion returns texts, and not {type(value).__name__}."
        " Of a QuerySet, values_list('name', flat=True) gives them."
    )


_ANY_FILE = "application/octet-stream"
