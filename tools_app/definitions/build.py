"""Describes functions as tools, resources and prompts, without registering them."""

import inspect
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, Literal, get_args

from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata, func_metadata
from mcp.shared.uri_template import UriTemplate
from mcp_types import Annotations, Prompt, Resource, ResourceTemplate, Tool, ToolAnnotations

from authz_app.redaction.audit_level import AuditLevel, Recording, read_paths
from tools_app.definitions.arguments import Arguments, arguments_of
from tools_app.definitions.completion import Complete, completers
from tools_app.definitions.definitions import PromptDefinition, ResourceDefinition, ToolDefinition, is_written_so
from tools_app.definitions.functions import (
    Unfit,
    documentation_of,
    first_line,
    is_async_callable,
    name_of,
    plain,
    signature_of,
    written,
)
from tools_app.definitions.json_schema import types_of
from tools_app.definitions.listed import rendered
from tools_app.definitions.output import output_of, refuse_models
from tools_app.definitions.refusal import refusing
from tools_app.definitions.schema_check import check_of
from tools_app.definitions.uri_shapes import shape_of
from tools_app.definitions.yielded import result_type

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
# How much of each call is recorded; "result" is arguments and result.
Recorded = Literal["metadata", "arguments", "result"]
Extra = Literal["forbid", "ignore"]
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a function's signature and docstring do not say. ``time_limit`` is in seconds.

    ``record`` is how much of each call is recorded: "metadata", "arguments", or "result" for arguments and result.
    ``redact`` are paths to values that are never recorded: ``customer.iban``, ``items.*.card``. Administrators may
    choose another ``record``, and add paths.
    """

    name: str = ""
    title: str | None = None
    description: str = ""
    time_limit: float | None = None
    record: Recorded = "arguments"
    redact: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOptions(Options):
    """``extra`` says what becomes of arguments that the function does not have: the call is refused, or runs."""

    extra: Extra = "forbid"
    annotations: ToolAnnotations | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceOptions(Options):
    """``unchecked`` names variables whose values may be any path; ``complete`` has what completes which variable."""

    mime_type: str | None = None
    annotations: Annotations | None = None
    complete: Complete | None = None
    unchecked: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptOptions(Options):
    """``complete`` has what completes which argument."""

    complete: Complete | None = None


def build_tool(function: Callable[..., Any], options: ToolOptions) -> ToolDefinition:
    """Describe a function as a tool.

    Raises:
        BadDefinition: it cannot be offered so; the message says where it stands, why, and what to write instead.
    """
    with refusing("tool", function, options.name):
        _check(options, ToolAnnotations)
        described = _Described(function, options)
        refuse_models(described.signature.returns)
        output = output_of(_result_metadata(described))
        input_schema = described.arguments.schema_with(extra=options.extra == "ignore")
        check_of(input_schema)
        listed = rendered(
            Tool,
            name=described.name,
            title=options.title,
            description=described.description,
            input_schema=input_schema,
            output_schema=None if output is None else output.schema,
            annotations=options.annotations,
        )
        return ToolDefinition(
            listed=listed,
            output=output,
            returns_text=output is not None and described.signature.returns is str,
            ignores_others=options.extra == "ignore",
            **described.common(options.annotations),
        )


def build_resource(uri: str, function: Callable[..., Any], options: ResourceOptions) -> ResourceDefinition:
    """Describe a function as the resource at a URI, or as those of a URI template (RFC 6570).

    Raises:
        BadDefinition: it cannot be offered so, or does not take the URI's variables.
    """
    with refusing("resource", function, options.name):
        _check(options, Annotations)
        if not isinstance(uri, str) or not _URI.fullmatch(uri):
            raise Unfit(f"A resource's URI has a scheme, as in @resource('orders://open'), not {_shown(uri)}.")
        template = UriTemplate.parse(uri) if UriTemplate.is_template(uri) else None
        described = _Described(function, options, of_texts=True)
        refuse_models(described.signature.returns)
        _check_variables(uri, template, described.arguments)
        said: dict[str, Any] = {
            "name": described.name,
            "title": options.title,
            "description": described.description or None,
            "mime_type": options.mime_type,
            "annotations": options.annotations,
        }
        variables = template.variable_names if template is not None else ()
        return ResourceDefinition(
            uri=uri,
            template=template,
            unchecked=options.unchecked,
            shape=shape_of(uri, template, partial(is_written_so, template, options.unchecked)),
            listed=rendered(Resource, uri=uri, **said)
            if template is None
            else rendered(ResourceTemplate, uri_template=uri, **said),
            completers=completers(described.name, options.complete, variables, options.time_limit),
            **described.common(options.annotations),
        )


def _check_variables(uri: str, template: UriTemplate | None, arguments: Arguments) -> None:
    variables = set(template.variable_names) if template is not None else set()
    if variables != set(arguments.names):
        names = ", ".join(sorted(variables)) or "none"
        raise Unfit(f"The function of {uri} takes the variables of the URI ({names}), and nothing else but a Call.")
    for name in template.query_variable_names if template is not None else ():
        if name in arguments.required:
            raise Unfit(f"{name!r} may be missing in {uri}: give it a default.")
    _check_texts(arguments, {"object", "null"})


def build_prompt(function: Callable[..., Any], options: PromptOptions) -> PromptDefinition:
    """Describe a function as a prompt; its parameters are the arguments.

    Raises:
        BadDefinition: it cannot be offered so, or an argument that is not there is to be completed.
    """
    with refusing("prompt", function, options.name):
        _check(options)
        described = _Described(function, options, of_texts=True)
        _check_texts(described.arguments, {"object", "array", "null"})
        listed = rendered(
            Prompt,
            name=described.name,
            title=options.title,
            description=described.description or None,
            arguments=_prompt_arguments(described.arguments),
        )
        names = described.arguments.names
        return PromptDefinition(
            listed=listed,
            completers=completers(listed.name, options.complete, names, options.time_limit),
            **described.common(),
        )


def _prompt_arguments(arguments: Arguments) -> list[dict[str, Any]]:
    return [
        {"name": name, "description": said.get("description"), "required": name in arguments.required}
        for name, said in arguments.properties.items()
    ]


def _check_texts(arguments: Arguments, never: set[str]) -> None:
    definitions = arguments.schema.get("$defs", {})
    for name, said in arguments.properties.items():
        if types_of(said, definitions) <= never:
            raise Unfit(f"{name!r} takes no text, and callers send texts. Take a text, and read it in the function.")


class _Described:
    """What is said of a function, whichever kind it is offered as."""

    def __init__(self, function: Callable[..., Any], options: Options, *, of_texts: bool = False) -> None:
        self._options = options
        self.function = plain(function)
        self.name = _checked_name(options.name or name_of(function))
        self.description = options.description or documentation_of(function)
        self.signature = signature_of(self.function)
        self.arguments = arguments_of(name_of(function), self.signature.parameters, of_texts=of_texts)

    def common(self, annotations: ToolAnnotations | Annotations | None = None) -> dict[str, Any]:
        return {
            "name": self.name,
            "function": self.function,
            "is_async": is_async_callable(self.function),
            "arguments": self.arguments,
            "call_parameter": self.signature.call,
            "time_limit": self._options.time_limit,
            "annotations": annotations.model_dump(mode="json", by_alias=True, exclude_none=True) if annotations else {},
            "recording": Recording(AuditLevel(self._options.record), read_paths(_several(self._options.redact))),
        }


def _several(paths: Collection[str]) -> Collection[str]:
    if isinstance(paths, str):
        raise Unfit(f"redact takes several paths: [{paths!r}].")
    return paths


def _checked_name(name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Unfit(
            f"A name has 1 to 128 letters, digits, '_', '-' and '.' only, not {_shown(name)}: name='open_orders'."
        )
    return name


def _check(options: Options, annotations: type | None = None) -> None:
    limit = options.time_limit
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 < limit < inf):
        raise Unfit(f"time_limit is a number of seconds above 0, not {_shown(limit)}.")
    if options.record not in get_args(Recorded):
        raise Unfit(f"record is one of {', '.join(map(repr, get_args(Recorded)))}, not {_shown(options.record)}.")
    said = getattr(options, "annotations", None)
    if annotations is not None and not isinstance(said, annotations | None):
        raise Unfit(f"annotations are {annotations.__name__}(...), from mcp_types, and not {_shown(said)}.")
    if isinstance(options, ToolOptions) and options.extra not in get_args(Extra):
        raise Unfit(f"extra is 'forbid' or 'ignore', not {_shown(options.extra)}.")


def _shown(value: Any) -> str:
    return repr(value)[:100]


def _result_metadata(described: _Described) -> FuncMetadata:
    """What the SDK makes of the annotated result, for its results; it is not asked about the arguments."""

    def returning() -> None: ...

    returns = result_type(described.signature.returns)
    returning.__name__ = name_of(described.function)
    returning.__signature__ = inspect.Signature(return_annotation=returns)  # type: ignore[attr-defined]
    try:
        return func_metadata(returning)
    except Exception as error:  # noqa: BLE001  (types of other people may raise anything)
        raise Unfit(
            f"What it returns, {written(returns)}, cannot be described ({first_line(error)}). Annotate what JSON has, "
            "a pydantic model or a dataclass, or nothing."
        ) from error
