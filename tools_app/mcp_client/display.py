"""Formats what a server sent as text to read. Writes nothing itself."""

import inspect
import json
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import mcp_types as types
from pydantic import BaseModel

from tools_app.mcp_client.arguments import argument_words
from tools_app.mcp_client.terminal import safe

_INDENT = "    "
_MAX_WIDTH = 100


def tool_list(tools: Sequence[types.Tool], columns: int | None = None) -> str:
    """Each tool with its arguments, and its description below, wrapped to the terminal's width."""
    return "\n\n".join(
        _entry([tool.name, *argument_words(tool.input_schema)], tool.description, columns) for tool in tools
    )


def result_text(result: types.CallToolResult) -> str:
    """The content of a result; its structured content when there is no other."""
    if not result.content and result.structured_content is not None:
        return safe(json.dumps(result.structured_content, indent=2, ensure_ascii=False))
    return "\n".join(safe(_content(block)) for block in result.content)


def resource_list(resources: Sequence[types.Resource | types.ResourceTemplate]) -> str:
    """Each resource by its URI, or the template of one, and its description below."""
    return "\n\n".join(_entry([_address(one), one.title or one.name], one.description) for one in resources)


def prompt_list(prompts: Sequence[types.Prompt]) -> str:
    """Each prompt with its arguments, and its description below."""
    return "\n\n".join(_entry([one.name, *_prompt_words(one)], one.description) for one in prompts)


def resource_text(contents: Sequence[types.TextResourceContents | types.BlobResourceContents]) -> str:
    return "\n".join(safe(_content(types.EmbeddedResource(type="resource", resource=part))) for part in contents)


def prompt_text(messages: Sequence[types.PromptMessage]) -> str:
    """Each message of a prompt, after its role."""
    return "\n".join(safe(f"[{message.role}] {_content(message.content)}") for message in messages)


def raw_json(shown: BaseModel | Sequence[BaseModel]) -> str:
    """JSON as the protocol has it."""
    models = [shown] if isinstance(shown, BaseModel) else shown
    plain = [model.model_dump(mode="json", by_alias=True, exclude_none=True) for model in models]
    return json.dumps(plain[0] if isinstance(shown, BaseModel) else plain, indent=2)


def call_line(tool: str, arguments: Mapping[str, Any]) -> str:
    """A call as it would be written in a program."""
    words = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())
    return safe(f"{tool}({', '.join(words)})")


def _address(resource: types.Resource | types.ResourceTemplate) -> str:
    return resource.uri_template if isinstance(resource, types.ResourceTemplate) else str(resource.uri)


def _prompt_words(prompt: types.Prompt) -> Iterator[str]:
    for argument in prompt.arguments or ():
        yield argument.name if argument.required else f"[{argument.name}]"


def _entry(words: Sequence[str], description: str | None, columns: int | None = None) -> str:
    width = min(columns or shutil.get_terminal_size().columns, _MAX_WIDTH)
    lines = textwrap.wrap(safe("  ".join(words)), width, subsequent_indent=_INDENT, break_on_hyphens=False)
    for paragraph in safe(inspect.cleandoc(description or "")).split("\n\n"):
        lines += textwrap.wrap(paragraph, width, initial_indent=_INDENT, subsequent_indent=_INDENT)
    return "\n".join(lines)


def _content(block: types.ContentBlock) -> str:
    match block:
        case types.TextContent(text=text) | types.EmbeddedResource(resource=types.TextResourceContents(text=text)):
            return text
        case types.ImageContent(data=data, mime_type=mime_type) | types.AudioContent(data=data, mime_type=mime_type):
            return f"[{block.type}, {mime_type}, {_decoded_size(data)} bytes]"
        case types.EmbeddedResource(resource=resource):
            size = _decoded_size(getattr(resource, "blob", ""))
            return f"[resource {resource.uri}, {resource.mime_type or 'unknown type'}, {size} bytes]"
    size_known = f", {block.size} bytes" if block.size is not None else ""
    return f"[link to {block.uri}, {block.mime_type or 'unknown type'}{size_known}]"


def _decoded_size(base64: str) -> int:
    return len(base64.rstrip("=")) * 3 // 4
