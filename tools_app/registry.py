"""Registers what installed apps offer: `@tool`, `@resource` and `@prompt` on functions in an app's ``mcp_tools.py``."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypedDict, TypeVar, Unpack, overload

from mcp_types import Annotations, ToolAnnotations

from authz_app.policy.rule import Kind
from tools_app.definitions.build import (
    Extra,
    PromptOptions,
    Recorded,
    ResourceOptions,
    ToolOptions,
    build_prompt,
    build_resource,
    build_tool,
)
from tools_app.definitions.completion import Complete
from tools_app.definitions.definitions import Definition, PromptDefinition, ResourceDefinition, ToolDefinition
from tools_app.definitions.refusal import refusing
from tools_app.errors import DuplicateName

F = TypeVar("F", bound=Callable[..., Any])

_tools: dict[str, ToolDefinition] = {}
_resources: dict[str, ResourceDefinition] = {}
_prompts: dict[str, PromptDefinition] = {}
_kinds: dict[Kind, dict[str, Any]] = {"tool": _tools, "resource": _resources, "prompt": _prompts}
_at_uri: dict[str, ResourceDefinition] = {}


class _Keywords(TypedDict, total=False):
    name: str
    title: str | None
    description: str
    time_limit: float | None
    record: Recorded
    redact: Collection[str]


class _ToolKeywords(_Keywords, total=False):
    extra: Extra
    annotations: ToolAnnotations | None


class _ResourceKeywords(_Keywords, total=False):
    mime_type: str | None
    annotations: Annotations | None
    complete: Complete | None
    unchecked: Collection[str]


class _PromptKeywords(_Keywords, total=False):
    complete: Complete | None


@overload
def tool(function: F) -> F: ...
@overload
def tool(**options: Unpack[_ToolKeywords]) -> Callable[[F], F]: ...
def tool(function: Any = None, **options: Any) -> Any:
    """Offer a plain or async function to MCP clients as a tool. The function itself stays as it is.

    The name, the description and the schemas come from its signature, type hints and docstring, unless the options
    (``ToolOptions``) say otherwise.

    Raises:
        DuplicateName: another tool has the name already.
        BadDefinition: the function cannot be a tool as it is written.
    """

    def decorate(decorated: F) -> F:
        with refusing("tool", decorated, options.get("name")):
            register(build_tool(decorated, ToolOptions(**options)))
        return decorated

    return decorate if function is None else decorate(function)


def resource(uri: str, **options: Unpack[_ResourceKeywords]) -> Callable[[F], F]:
    """Offer what a plain or async function returns to MCP clients as the resource at ``uri``.

    A URI with variables is a template (RFC 6570), whose variables are the function's parameters. The function returns
    a text, bytes, a JSON-able value, or MCP's own contents. Rules know the resource by its name, which is the
    function's unless the options (``ResourceOptions``) say otherwise.

    Raises:
        DuplicateName: another resource has the name or the URI already.
        BadDefinition: name, URI and function do not fit.
    """

    def decorate(decorated: F) -> F:
        with refusing("resource", decorated, options.get("name")):
            register(build_resource(uri, decorated, ResourceOptions(**options)))
        return decorated

    return decorate


@overload
def prompt(function: F) -> F: ...
@overload
def prompt(**options: Unpack[_PromptKeywords]) -> Callable[[F], F]: ...
def prompt(function: Any = None, **options: Any) -> Any:
    """Offer what a plain or async function returns to MCP clients as a prompt: a text, or a list of messages and texts.

    Its parameters are the prompt's arguments; callers send texts.

    Raises:
        DuplicateName: another prompt has the name already.
        BadDefinition: the function cannot be a prompt as it is written, or the options (``PromptOptions``) do not fit.
    """

    def decorate(decorated: F) -> F:
        with refusing("prompt", decorated, options.get("name")):
            register(build_prompt(decorated, PromptOptions(**options)))
        return decorated

    return decorate if function is None else decorate(function)


def register(registered: Definition) -> None:
    """Add a tool, a resource or a prompt.

    Raises:
        DuplicateName: another one of its kind has the name already, or the URI.
    """
    _refuse_second(
        _kinds[registered.kind].get(registered.name), registered, f"named {registered.name!r}", "name: @{}(name=...)"
    )
    if isinstance(registered, ResourceDefinition):
        _refuse_second(_at_uri.get(registered.uri), registered, f"at {registered.uri}", "URI: @{}(...)")
        _at_uri[registered.uri] = registered
    _kinds[registered.kind][registered.name] = registered


def _refuse_second(other: Definition | None, registered: Definition, what: str, another: str) -> None:
    if other is not None:
        raise DuplicateName(
            f"Two {registered.kind}s are {what}: in {other.module} and in {registered.module}. "
            f"Give one of them another {another.format(registered.kind)}."
        )


def unregister(name: str, kind: Kind = "tool") -> None:
    """Take a tool, a resource or a prompt out again."""
    gone = _kinds[kind].pop(name, None)
    if isinstance(gone, ResourceDefinition):
        del _at_uri[gone.uri]


def registered(kind: Kind) -> Mapping[str, Definition]:
    return _kinds[kind]


def registered_tools() -> Mapping[str, ToolDefinition]:
    return _tools


def registered_prompts() -> Mapping[str, PromptDefinition]:
    return _prompts


def resource_at(uri: str) -> tuple[ResourceDefinition, dict[str, Any]] | None:
    """The resource that a URI means, and the values of its variables: one without variables before all templates."""
    found = _at_uri.get(uri)
    if found is not None and found.template is None:
        return found, {}
    for template in _at_uri.values():
        variables = template.template.match(uri) if template.template is not None else None
        if variables is not None:
            # Another template might let through what this one keeps out.
            return None if template.leads_out(variables) else (template, dict(variables))
    return None


def resource_with(uri: str) -> ResourceDefinition | None:
    """The resource that was registered with exactly this URI or template."""
    return _at_uri.get(uri)
