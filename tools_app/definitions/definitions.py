"""Defines what the registry holds of tools, resources and prompts: what MCP clients see, and how they are run."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from mcp.shared.path_security import contains_path_traversal, is_absolute_path
from mcp.shared.uri_template import UriTemplate
from mcp_types import CallToolResult, ErrorData, Prompt, Resource, ResourceTemplate, Result, TextContent, Tool

from authz_app.policy.decision import ANY_ARGUMENTS, Shape
from authz_app.policy.rule import Kind
from authz_app.redaction.audit_level import DEFAULT_RECORDING, Recording
from tools_app.definitions.arguments import Arguments
from tools_app.definitions.completion import Completer
from tools_app.definitions.functions import module_of
from tools_app.definitions.json_values import is_unicode
from tools_app.definitions.output import Output
from tools_app.definitions.results import prompt_result, resource_result, result_of
from tools_app.definitions.tool_results import tool_result


class Runnable(Protocol):
    """A function that a caller can ask for: how its arguments are read, and its result is made.

    ``call_parameter`` is the name of the parameter annotated ``Call``, if any. ``time_limit`` is in seconds; None
    means the site's own.
    """

    @property
    def name(self) -> str: ...
    @property
    def function(self) -> Callable[..., Any]: ...
    @property
    def is_async(self) -> bool: ...
    @property
    def call_parameter(self) -> str | None: ...
    @property
    def time_limit(self) -> float | None: ...

    def accept(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The function's arguments, from those that the caller sent. Raises pydantic's ValidationError."""

    def answer(self, value: Any, uri: str) -> Result:
        """MCP's result, from what the function returned; ``uri`` is that of the requested resource.

        Raises UnfitResult for a value that cannot be a result, and whatever code of its author's raises.
        """

    def failure(self, text: str, code: int) -> Result | ErrorData:
        """The answer to a call that failed: a result, where MCP has one for that, or a JSON-RPC error."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Definition:
    """What all kinds have in common; ``listed``, in each, is what MCP clients see in its list.

    ``annotations`` are MCP's, by their names on the wire, and what rules may ask for.

    ``recording`` is what its author chose to have recorded.
    """

    name: str
    function: Callable[..., Any]
    is_async: bool
    arguments: Arguments
    call_parameter: str | None
    time_limit: float | None
    annotations: Mapping[str, Any]
    recording: Recording = DEFAULT_RECORDING

    @property
    def module(self) -> str:
        return module_of(self.function)

    def accept(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return self.arguments.accept(arguments)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ToolDefinition(_Definition):
    """``output`` is what it declares to return.

    ``returns_text``: it is annotated to return a ``str``, which its structured result holds as ``result``.
    ``ignores_others``: arguments that it does not have are dropped, and do not refuse the call.
    """

    kind: ClassVar[Kind] = "tool"
    shape: ClassVar[Shape] = ANY_ARGUMENTS
    listed: Tool
    output: Output | None
    returns_text: bool = False
    ignores_others: bool = False

    def ignored(self, arguments: Mapping[str, Any], by_setting: Collection[str]) -> tuple[str, ...]:
        """Which of the arguments are dropped: those that it does not have, and that it or the site ignores."""
        known = self.arguments.names
        if arguments.keys() <= known.keys():
            return ()
        unknown = (name for name in arguments if name not in known)
        return tuple(name for name in unknown if self.ignores_others or name in by_setting)

    def read(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments as the function will get them, with those read that were sent as texts where it takes none.

        Rules decide about these. A text that only the function would read as an object could get past them.
        """
        return self.arguments.read(arguments)

    def answer(self, value: Any, uri: str) -> Result:
        if self.returns_text and type(value) is str and (value.isascii() or is_unicode(value)):
            # What would come of it below, at four times the cost.
            return CallToolResult(content=[TextContent(type="text", text=value)], structured_content={"result": value})
        return tool_result(value, self.output, self.name)

    def failure(self, text: str, code: int) -> CallToolResult:
        return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _CompletableDefinition(_Definition):
    """What resources and prompts have: arguments that are texts, and can be completed."""

    completers: Mapping[str, Completer] = field(default_factory=dict)

    def failure(self, text: str, code: int) -> ErrorData:
        return ErrorData(code=code, message=text)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ResourceDefinition(_CompletableDefinition):
    """``template`` is set where the URI has variables, of which the ``unchecked`` may hold any path."""

    kind: ClassVar[Kind] = "resource"
    uri: str
    template: UriTemplate | None
    unchecked: Collection[str] = ()
    shape: Shape
    listed: Resource | ResourceTemplate

    def answer(self, value: Any, uri: str) -> Result:
        with result_of(self.name):
            return resource_result(value, uri, self.listed.mime_type)

    def uri_with(self, variables: Mapping[str, Any], sent: str) -> str:
        """The URI as the template writes it. Others may lead to the same resource; rules decide about this one."""
        return sent if self.template is None else self.template.expand(variables)

    def leads_out(self, variables: Mapping[str, str | list[str]]) -> bool:
        """Whether a variable, taken for a part of a path, leads out of the folder where the path begins."""
        return _leads_out(variables, self.unchecked)


def is_written_so(template: UriTemplate | None, unchecked: Collection[str], uri: str) -> bool:
    """Whether the URI leads to a resource of this template, and is spelled as the template writes it."""
    variables = template.match(uri) if template is not None else None
    if template is None or variables is None or _leads_out(variables, unchecked):
        return False
    return template.expand(variables) == uri


def _leads_out(variables: Mapping[str, str | list[str]], unchecked: Collection[str]) -> bool:
    return any(name not in unchecked and _is_outside(value) for name, value in variables.items())


def _is_outside(value: str | list[str]) -> bool:
    parts = value if isinstance(value, list) else [value]
    return any("\x00" in part or contains_path_traversal(part) or is_absolute_path(part) for part in parts)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PromptDefinition(_CompletableDefinition):
    kind: ClassVar[Kind] = "prompt"
    shape: ClassVar[Shape] = Shape(texts=True)
    listed: Prompt

    def answer(self, value: Any, uri: str) -> Result:
        with result_of(self.name):
            return prompt_result(value, self.listed.description or "", self.name)


Definition = ToolDefinition | ResourceDefinition | PromptDefinition
