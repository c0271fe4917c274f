"""Makes the result of a tool's call of what its function returned: content, and structured content where it declares
such.
"""

from collections.abc import Iterator
from typing import Any, get_args

import mcp_types as types
from mcp.server.mcpserver.utilities.types import Audio, Image

from tools_app.definitions.json_values import NotJson, check_is_json, json_of, written
from tools_app.definitions.output import Output
from tools_app.definitions.results import BYTES, embedded, result_of, valid_by_mcp
from tools_app.errors import UnfitResult

_BLOCKS: tuple[type, ...] = (*get_args(types.ContentBlock), Image, Audio)


def tool_result(value: Any, output: Output | None, name: str) -> types.Result:
    """The result of a call of the tool ``name``.

    Raises:
        UnfitResult: the value cannot be its result; the message names the tool, and says what to return instead.
    """
    if isinstance(value, types.InputRequiredResult):
        return value
    with result_of(name):
        if isinstance(value, types.CallToolResult):
            return _checked(value, output)
        if _has_blocks(value):
            return _of_blocks(value, output, name)
        if output is None:
            return types.CallToolResult(content=_content(value, name))
        structured = output.structured(value)
        shown = structured["result"] if output.wraps else structured
        return types.CallToolResult(content=_content(shown, name), structured_content=structured)


def _has_blocks(value: Any, depth: int = 2, also: tuple[type, ...] = ()) -> bool:
    """Whether it is, or has in its lists, what MCP has for content, or what is ``also`` looked for."""
    if isinstance(value, list | tuple):
        return depth > 0 and any(_has_blocks(one, depth - 1, also) for one in value)
    return isinstance(value, (*_BLOCKS, *also))


def _of_blocks(value: Any, output: Output | None, name: str) -> types.Result:
    blocks = _content(value, name)
    data = blocks if isinstance(value, list | tuple) else blocks[0]
    structured = output.structured(data) if output is not None else None
    return _checked(types.CallToolResult(content=blocks, structured_content=structured), None)


def _content(value: Any, name: str) -> list[types.ContentBlock]:
    """Content for a model to read, of a list item by item: texts as they are, bytes as a text or a file, else JSON."""
    if isinstance(value, list | tuple) and _has_blocks(value, also=BYTES):
        return [block for one in value for block in _content(one, name)]
    if isinstance(value, BYTES):
        return [embedded(bytes(value), f"tool://{name}/result")]
    if isinstance(value, Image):
        return [value.to_image_content()]
    if isinstance(value, Audio):
        return [value.to_audio_content()]
    if isinstance(value, _BLOCKS):
        block: Any = value
        return [block]
    plain = value if type(value) is str else json_of(value)
    try:
        return list(_texts(plain))
    except NotJson:
        check_is_json(plain)  # With the whole path.
        raise


def _texts(plain: Any) -> Iterator[types.TextContent]:
    if isinstance(plain, list):
        for item in plain:
            yield from _texts(item)
    elif isinstance(plain, str):
        check_is_json(plain)
        yield types.TextContent(type="text", text=plain)
    elif plain is not None:
        yield types.TextContent(type="text", text=written(plain))


def _checked(result: types.CallToolResult, output: Output | None) -> types.CallToolResult:
    """A result that the function made itself, as it goes into JSON.

    Raises:
        UnfitResult, NotJson: it is not valid by MCP, or its structured content by the schema.
    """
    check_is_json(json_of(result.structured_content))
    made = valid_by_mcp(result)
    structured = made.structured_content
    if output is not None and not made.is_error:
        if structured is None:
            raise UnfitResult("It has no structured content, which the tool declares. Set structured_content.")
        output.refuse_invalid(structured)
    if not isinstance(structured, dict | None):
        raise UnfitResult("Its structured content is no object: set structured_content to a dict.")
    return made
