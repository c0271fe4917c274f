"""Writes JSON schemas so that clients can read them: without references, where that can be. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, JsonSchemaWarningKind
from pydantic_core import PydanticSerializationError
from pydantic_core.core_schema import DecimalSchema, IsSubclassSchema

_PREFIX = "#/$defs/"
# A schema is read by a model each time, and counted in tokens: without references, it grows to this at most.
_MOST, _MOST_TIMES = 100_000, 10
_DECIMAL = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
# What may stand beside a reference in the place of what the definition says of itself.
_ANNOTATIONS = frozenset({"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"})
# Members whose values are schemas by name, and members whose values hold none.
_BY_NAME = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs"})
_NO_SCHEMAS = frozenset({"default", "const", "enum", "examples"})


class SchemaWriter(GenerateJsonSchema):
    """Pydantic's schemas, without defaults that are no JSON, such as NaN or an object of some class."""

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        pass

    def encode_default(self, dft: Any) -> Any:
        try:
            encoded = super().encode_default(dft)
            json.dumps(encoded, allow_nan=False)
        except Exception as error:  # noqa: BLE001  (a default may be anything)
            raise PydanticSerializationError(str(error)) from error
        return encoded

    def decimal_schema(self, schema: DecimalSchema) -> JsonSchemaValue:
        written = super().decimal_schema(schema)
        for one in written.get("anyOf", ()):
            if one == {"type": "string"}:
                one["pattern"] = _DECIMAL
        return written

    def is_subclass_schema(self, schema: IsSubclassSchema) -> JsonSchemaValue:
        raise PydanticInvalidForJsonSchema("A class is no JSON.")


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema with each definition in the place where it is meant, since several clients drop ``$defs``.

    Definitions that mean themselves stay where they are, and so do all where the schema would grow too large.
    """
    if "$defs" not in schema:
        return schema
    try:
        return _Inliner(schema).whole()
    except _TooLarge:
        return schema


class _TooLarge(Exception):
    """The schema would have grown beyond the limit."""


class _Inliner:
    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._definitions: Mapping[str, Any] = schema["$defs"]
        self._most = min(_MOST, _MOST_TIMES * _size(schema))
        self._stay = {name for name in self._definitions if name in _reached(name, self._definitions)}
        self._written: dict[str, tuple[Any, int]] = {}

    def whole(self) -> dict[str, Any]:
        root, size = self._inline({name: value for name, value in self._schema.items() if name != "$defs"})
        staying = {name: self._inline(self._definitions[name]) for name in self._definitions if name in self._stay}
        if size + sum(size for _, size in staying.values()) > self._most:
            raise _TooLarge
        kept: dict[str, Any] = {"$defs": {name: value for name, (value, _) in staying.items()}} if staying else {}
        return {**kept, **root}

    def _inline(self, value: Any) -> tuple[Any, int]:
        """A schema without references, and about how many characters it has."""
        if isinstance(value, list):
            items = [self._inline(item) for item in value]
            return self._bounded([item for item, _ in items], sum(size for _, size in items))
        if not isinstance(value, dict):
            return value, _size(value)
        name = _meant(value)
        if name in self._definitions and name not in self._stay:
            return self._in_place_of(value, name)
        members = {key: self._member(key, item) for key, item in value.items()}
        size = sum(len(key) + 4 + size for key, (_, size) in members.items())
        return self._bounded({key: item for key, (item, _) in members.items()}, size)

    def _member(self, key: str, item: Any) -> tuple[Any, int]:
        if key in _NO_SCHEMAS:
            return item, _size(item)
        if key == "discriminator" and isinstance(item, dict):
            # OpenAPI's, whose mapping names definitions.
            meant = [_meant({"$ref": one}) for one in dict(item.get("mapping", {})).values()]
            kept = {name: one for name, one in item.items() if name != "mapping" or self._stay.issuperset(meant)}
            return kept, _size(kept)
        if key in _BY_NAME and isinstance(item, dict):
            named = {name: self._inline(one) for name, one in item.items()}
            size = sum(len(name) + 4 + size for name, (_, size) in named.items())
            return self._bounded({name: one for name, (one, _) in named.items()}, size)
        return self._inline(item)

    def _in_place_of(self, reference: Mapping[str, Any], name: str) -> tuple[Any, int]:
        if name not in self._written:
            self._written[name] = self._inline(self._definitions[name])
        definition, size = self._written[name]
        beside = {key: item for key, item in reference.items() if key != "$ref"}
        kept, more = self._inline(beside)
        if not isinstance(definition, dict) or (beside.keys() & definition.keys()) - _ANNOTATIONS:
            return self._bounded({"allOf": [definition], **kept}, size + more)
        return self._bounded({**definition, **kept}, size + more)

    def _bounded(self, value: Any, size: int) -> tuple[Any, int]:
        if size > self._most:
            raise _TooLarge
        return value, size


def _meant(value: Mapping[str, Any]) -> str:
    """The name of the definition that a schema refers to, or nothing."""
    reference = value.get("$ref")
    is_local = isinstance(reference, str) and reference.startswith(_PREFIX)
    return str(reference).removeprefix(_PREFIX).replace("~1", "/").replace("~0", "~") if is_local else ""


def definition_of(schema: Any, definitions: Mapping[str, Any]) -> tuple[str, Any]:
    """What a schema means, and by which name; itself, and no name, where it is no reference."""
    name = _meant(schema) if isinstance(schema, dict) else ""
    return (name, definitions[name]) if name in definitions else ("", schema)


def _reached(name: str, definitions: Mapping[str, Any]) -> set[str]:
    """The definitions that one leads to."""
    found: set[str] = set()
    waiting = [definitions[name]]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            meant = _meant(one)
            if meant in definitions and meant not in found:
                found.add(meant)
                waiting.append(definitions[meant])
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return found


def _size(value: Any) -> int:
    return len(json.dumps(value, default=str))


# The types of JSON values, in JSON Schema's words.
ALL_TYPES = frozenset({"string", "number", "integer", "boolean", "null", "array", "object"})


def types_of(schema: Any, definitions: Mapping[str, Any] = {}, depth: int = 0) -> frozenset[str]:  # noqa: B006
    """The types of JSON values that may be valid by a schema; all of them, where that is not plain to see."""
    if not isinstance(schema, dict) or depth > 20:
        return ALL_TYPES
    name, definition = definition_of(schema, definitions)
    if name:
        return types_of(definition, definitions, depth + 1)
    if "const" in schema:
        return frozenset({type_of(schema["const"])})
    if "type" in schema:
        written = schema["type"]
        return frozenset(written) if isinstance(written, list) else frozenset({str(written)})
    if isinstance(schema.get("enum"), list):
        return frozenset(map(type_of, schema["enum"]))
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return frozenset().union(*(types_of(one, definitions, depth + 1) for one in schema[key]))
    return ALL_TYPES


def type_of(value: Any) -> str:
    """The type of a JSON value, in JSON Schema's words."""
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case None:
            return "null"
        case list():
            return "array"
    return "object"
