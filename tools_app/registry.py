"""The tools that installed apps offer: `@tool` on a function in an app's ``mcp_tools.py``."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from django.utils.module_loading import autodiscover_modules
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata, func_metadata
from mcp.shared._callable_inspection import is_async_callable
from mcp_types import Tool, ToolAnnotations
from pydantic import ConfigDict

from tools_app.call import Call
from tools_app.errors import DuplicateTool

F = TypeVar("F", bound=Callable[..., Any])
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")


@dataclass(frozen=True, slots=True, eq=False)
class RegisteredTool:
    """A function as MCP clients see it, and what is needed to run it.

    ``call_parameter`` is the name of the parameter annotated ``Call``, if any. ``time_limit`` is in seconds; None
    means the site's own.
    """

    name: str
    function: Callable[..., Any]
    is_async: bool
    metadata: FuncMetadata
    definition: Tool
    call_parameter: str | None
    time_limit: float | None

    @property
    def module(self) -> str:
        return self.function.__module__


_tools: dict[str, RegisteredTool] = {}


@dataclass(frozen=True, slots=True)
class ToolOptions:
    """What a function's signature and docstring do not say of the tool. ``time_limit`` is in seconds."""

    name: str = ""
    title: str | None = None
    description: str = ""
    annotations: ToolAnnotations | None = None
    time_limit: float | None = None


@overload
def tool(function: F) -> F: ...
@overload
def tool(
    *,
    name: str = ...,
    title: str | None = ...,
    description: str = ...,
    annotations: ToolAnnotations | None = ...,
    time_limit: float | None = ...,
) -> Callable[[F], F]: ...
def tool(function: Any = None, **options: Any) -> Any:
    """Offer a plain or async function to MCP clients. The function itself stays as it is.

    The name, the description and the schemas come from its signature, type hints and docstring, unless the options
    (``ToolOptions``) say otherwise.

    Raises:
        DuplicateTool: another function has the name already.
        ValueError: the name is not fit for a tool.
    """

    def decorate(decorated: F) -> F:
        register(build(decorated, ToolOptions(**options)))
        return decorated

    return decorate if function is None else decorate(function)


def build(function: Callable[..., Any], options: ToolOptions) -> RegisteredTool:
    """Describe a function as a tool, without registering it.

    Raises:
        ValueError: the name is not fit for a tool.
    """
    name = options.name or function.__name__
    if not _NAME.fullmatch(name):
        raise ValueError(f"A tool's name has 1 to 128 letters, digits, '_', '-' and '.' only, not {name!r}.")
    call_parameter = _call_parameter(function)
    metadata = func_metadata(function, skip_names=[call_parameter] if call_parameter else [])
    metadata = metadata.model_copy(update={"arg_model": _refusing_unknown(metadata.arg_model)})
    definition = Tool(
        name=name,
        title=options.title,
        description=options.description or inspect.getdoc(function) or "",
        input_schema=metadata.arg_model.model_json_schema(by_alias=True),
        output_schema=metadata.output_schema,
        annotations=options.annotations,
    )
    return RegisteredTool(
        name=name,
        function=function,
        is_async=is_async_callable(function),
        metadata=metadata,
        definition=definition,
        call_parameter=call_parameter,
        time_limit=options.time_limit,
    )


def _call_parameter(function: Callable[..., Any]) -> str | None:
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    return next((parameter.name for parameter in parameters if parameter.annotation is Call), None)


def _refusing_unknown(arg_model: Any) -> Any:
    """The same arguments, with any other refused rather than dropped in silence."""
    return type(arg_model.__name__, (arg_model,), {"model_config": ConfigDict(extra="forbid"), "__module__": __name__})


def register(registered: RegisteredTool) -> None:
    """Add a tool.

    Raises:
        DuplicateTool: another function has the name already.
    """
    other = _tools.get(registered.name)
    if other is not None:
        raise DuplicateTool(
            f"Two tools are named {registered.name!r}: in {other.module} and in {registered.module}. "
            "Give one of them another name: @tool(name=...)."
        )
    _tools[registered.name] = registered


def unregister(name: str) -> None:
    """Take a tool out again."""
    _tools.pop(name, None)


def registered_tools() -> Mapping[str, RegisteredTool]:
    """All tools by name."""
    return _tools


def autodiscover() -> None:
    """Import every installed app's ``mcp_tools.py``, as the admin does with ``admin.py``."""
    autodiscover_modules("mcp_tools")
