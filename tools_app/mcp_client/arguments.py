"""Reads a tool's arguments from ``key=value`` words, by the tool's input schema. Validates no more than it must."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from tools_app.mcp_client.errors import Unusable

Schema = Mapping[str, Any]
_MAX_REFERENCES = 10
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


def parse_arguments(words: Sequence[str], tool: str, schema: Schema) -> dict[str, Any]:
    """The arguments that ``words`` mean for the tool.

    A value stays text where the schema takes a string, and is JSON otherwise; ``key:=value`` is always JSON.

    Raises:
        Unusable: a word has no ``=``, names an unknown argument or one twice, or its value does not fit.
    """
    arguments: dict[str, Any] = {}
    for word in words:
        key, separator, text = word.partition("=")
        forced = key.endswith(":")
        key = key.removesuffix(":")
        if not separator or not key:
            raise Unusable(f"{word!r} is not key=value. {usage(tool, schema)}")
        if key in arguments:
            raise Unusable(f"The argument {key!r} is given twice.")
        part = _argument_schema(key, tool, schema)
        arguments[key] = _json_value(key, text) if forced else parse_value(key, text, accepted_types(part, schema))
    if missing := [name for name in schema.get("required", []) if name not in arguments]:
        raise Unusable(f"{tool} needs {' and '.join(map(repr, missing))}. {usage(tool, schema)}")
    return arguments


def parse_value(key: str, text: str, types: frozenset[str]) -> Any:
    """``text`` as a value of one of the JSON ``types``; none of them given means any.

    Raises:
        Unusable: it is not.
    """
    if "string" in types:
        return text
    if not types:
        return _json_or_text(text)
    value = _json_value(key, text, types)
    if _type(value) not in types and not ("number" in types and _type(value) == "integer"):
        _unfit(key, text, types)
    return value


def accepted_types(part: Schema, root: Schema) -> frozenset[str]:
    """The JSON types that a schema takes; empty when it does not say. ``root`` holds its ``$defs``."""
    return frozenset(_types(part, root, _MAX_REFERENCES))


def usage(tool: str, schema: Schema) -> str:
    """How to call the tool, for example "weather_tool takes location=string."."""
    known = " ".join(argument_words(schema))
    return f"{tool} takes {known}." if known else f"{tool} takes no arguments."


def argument_words(schema: Schema) -> Iterator[str]:
    """Each argument as ``name=type``, in brackets when it may be left out."""
    required = schema.get("required", [])
    for name, part in schema.get("properties", {}).items():
        word = f"{name}={_type_words(part, schema)}"
        yield word if name in required else f"[{word}]"


def _argument_schema(key: str, tool: str, schema: Schema) -> Schema:
    properties = schema.get("properties", {})
    if key in properties:
        return _as_schema(properties[key])
    if schema.get("additionalProperties"):
        return _as_schema(schema["additionalProperties"])
    raise Unusable(f"{tool} has no argument {key!r}. {usage(tool, schema)}")


def _as_schema(part: Any) -> Schema:
    # `true` is a schema too, which takes anything (JSON Schema 2020-12, section 4.3.2).
    return part if isinstance(part, dict) else {}


def _types(part: Schema, root: Schema, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    named = part.get("type", [])
    yield from [named] if isinstance(named, str) else named
    yield from (_type(value) for value in [*part.get("enum", []), *([part["const"]] if "const" in part else [])])
    reference = str(part.get("$ref", ""))
    branches = [*part.get("anyOf", []), *part.get("oneOf", []), *part.get("allOf", [])]
    if reference.startswith("#/$defs/"):
        branches.append(root.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {}))
    for branch in branches:
        yield from _types(_as_schema(branch), root, depth - 1)


def _type_words(part: Any, root: Schema) -> str:
    part = _as_schema(part)
    if "enum" in part:
        return "|".join(map(str, part["enum"]))
    return "|".join(sorted(accepted_types(part, root) - {"null"})) or "any"


def _type(value: Any) -> str:
    return "null" if value is None else _TYPES[type(value)]


def _json_value(key: str, text: str, types: frozenset[str] = frozenset()) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        _unfit(key, text, types)


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _unfit(key: str, text: str, types: frozenset[str]) -> NoReturn:
    shown = text if len(text) <= 60 else f"{text[:60]}..."
    wanted = " or ".join(sorted(types)) or "JSON"
    raise Unusable(f"The argument {key!r} must be {wanted}, not {shown!r}.")
