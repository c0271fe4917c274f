"""Describes functions as tools, resources and prompts, without registering them."""

import inspect
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata, func_metadata
from mcp.shared.uri_template import UriTemplate
from mcp_types import Annotations, Prompt, PromptArgument, Resource, ResourceTemplate, Tool, ToolAnnotations
from pydantic import ConfigDict

from authz_app.redaction.audit_level import AuditLevel, Recording, read_paths
from tools_app.call import call_parameter
from tools_app.definitions.completion import Complete, completers, is_async_callable
from tools_app.definitions.definitions import PromptDefinition, ResourceDefinition, ToolDefinition, is_written_so
from tools_app.definitions.uri_shapes import shape_of

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
# How much of each call is recorded; "result" is arguments and result.
Recorded = Literal["metadata", "arguments", "result"]
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
        ValueError: the name is not fit for a tool, or what is to be recorded is not clear.
    """
    metadata = _metadata(function)
    listed = Tool(
        name=_name(function, options),
        title=options.title,
        description=_description(function, options),
        input_schema=metadata.arg_model.model_json_schema(by_alias=True),
        output_schema=metadata.output_schema,
        annotations=options.annotations,
    )
    returns = inspect.signature(function, eval_str=True).return_annotation
    return ToolDefinition(
        listed=listed,
        returns_text=metadata.wrap_output and returns is str,
        **_common(function, options, metadata, options.annotations),
    )


def build_resource(uri: str, function: Callable[..., Any], options: ResourceOptions) -> ResourceDefinition:
    """Describe a function as the resource at a URI, or as those of a URI template (RFC 6570).

    Raises:
        ValueError: the name or the URI is not fit for a resource, or the function does not take the URI's variables.
    """
    if not _URI.fullmatch(uri):
        raise ValueError(f"A resource's URI has a scheme, as orders://open has, not {uri!r}.")
    template = UriTemplate.parse(uri) if UriTemplate.is_template(uri) else None
    metadata = _metadata(function, structured_output=False)
    _check_variables(uri, template, metadata)
    described: dict[str, Any] = {
        "name": _name(function, options),
        "title": options.title,
        "description": _description(function, options) or None,
        "mime_type": options.mime_type,
        "annotations": options.annotations,
    }
    variables = template.variable_names if template is not None else ()
    return ResourceDefinition(
        uri=uri,
        template=template,
        unchecked=options.unchecked,
        shape=shape_of(uri, template, partial(is_written_so, template, options.unchecked)),
        listed=Resource(uri=uri, **described) if template is None else ResourceTemplate(uri_template=uri, **described),
        completers=completers(described["name"], options.complete, variables, options.time_limit),
        **_common(function, options, metadata, options.annotations),
    )


def _check_variables(uri: str, template: UriTemplate | None, metadata: FuncMetadata) -> None:
    fields = metadata.arg_model.model_fields
    parameters = {field.alias or name: field for name, field in fields.items()}
    variables = set(template.variable_names) if template is not None else set()
    if variables != set(parameters):
        names = ", ".join(sorted(variables)) or "none"
        raise ValueError(
            f"The function of {uri} takes the variables of the URI ({names}), and nothing else but a Call."
        )
    for name in template.query_variable_names if template is not None else ():
        if parameters[name].is_required():
            raise ValueError(f"{name!r} may be missing in {uri}: give it a default.")


def build_prompt(function: Callable[..., Any], options: PromptOptions) -> PromptDefinition:
    """Describe a function as a prompt; its parameters are the arguments.

    Raises:
        ValueError: the name is not fit for a prompt, or an argument that is not there is to be completed.
    """
    metadata = _metadata(function, structured_output=False)
    arguments = _prompt_arguments(metadata)
    listed = Prompt(
        name=_name(function, options),
        title=options.title,
        description=_description(function, options) or None,
        arguments=arguments,
    )
    names = [argument.name for argument in arguments]
    return PromptDefinition(
        listed=listed,
        completers=completers(listed.name, options.complete, names, options.time_limit),
        **_common(function, options, metadata),
    )


def _prompt_arguments(metadata: FuncMetadata) -> list[PromptArgument]:
    schema = metadata.arg_model.model_json_schema(by_alias=True)
    required = schema.get("required", ())
    properties: Mapping[str, Any] = schema.get("properties", {})
    return [
        PromptArgument(name=name, description=property.get("description"), required=name in required)
        for name, property in properties.items()
    ]


def _common(
    function: Callable[..., Any],
    options: Options,
    metadata: FuncMetadata,
    annotations: ToolAnnotations | Annotations | None = None,
) -> dict[str, Any]:
    return {
        "name": _name(function, options),
        "function": function,
        "is_async": is_async_callable(function),
        "metadata": metadata,
        "call_parameter": call_parameter(function),
        "time_limit": options.time_limit,
        "annotations": annotations.model_dump(mode="json", by_alias=True, exclude_none=True) if annotations else {},
        "recording": Recording(AuditLevel(options.record), read_paths(_several(options.redact))),
    }


def _several(paths: Collection[str]) -> Collection[str]:
    if isinstance(paths, str):
        raise ValueError(f"redact takes several paths: [{paths!r}].")
    return paths


def _name(function: Callable[..., Any], options: Options) -> str:
    name = options.name or function.__name__
    if not _NAME.fullmatch(name):
        raise ValueError(f"A name has 1 to 128 letters, digits, '_', '-' and '.' only, not {name!r}.")
    return name


def _description(function: Callable[..., Any], options: Options) -> str:
    return options.description or inspect.getdoc(function) or ""


def _metadata(function: Callable[..., Any], *, structured_output: bool | None = None) -> FuncMetadata:
    call = call_parameter(function)
    metadata = func_metadata(function, skip_names=[call] if call else [], structured_output=structured_output)
    return metadata.model_copy(update={"arg_model": _refusing_unknown(metadata.arg_model)})


def _refusing_unknown(arg_model: Any) -> Any:
    """The same arguments; any other is refused rather than dropped in silence."""
    return type(arg_model.__name__, (arg_model,), {"model_config": ConfigDict(extra="forbid"), "__module__": __name__})
