"""Checks plain JSON values against a JSON schema, by pydantic's core where the schema is a plain one. Pure.

The library for JSON schemas takes a hundred times as long: 24 ms for a list of a thousand rows. It checks by what is
not translated here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import CoreSchema, SchemaError, SchemaValidator, core_schema as core

_PREFIX = "#/$defs/"
# What says nothing of which values are valid.
_ANNOTATIONS = frozenset(
    {"$defs", "$schema", "title", "description", "default", "examples", "deprecated", "format"}
    | {"readOnly", "writeOnly", "contentEncoding", "contentMediaType"}
)
_BOUNDS = {"minimum": "ge", "maximum": "le", "exclusiveMinimum": "gt", "exclusiveMaximum": "lt"}
_LENGTHS = {"minLength": "min_length", "maxLength": "max_length"}
_COUNTS = {"minItems": "min_length", "maxItems": "max_length"}
_NONE_FITS = "Input fits none of the types that are declared for it"
_MOST_SHOWN = 3

# Says what is wrong with a value, in words that quote none; nothing where all is well.
Check = Callable[[Any], str]


class _NotTranslated(Exception):
    """The schema says something that only the library knows."""


def check_of(schema: Mapping[str, Any]) -> Check:
    """The check of a schema.

    Raises:
        ValueError: it is no valid JSON schema (2020-12).
    """
    try:
        definitions: list[Any] = [{**_core(one), "ref": name} for name, one in schema.get("$defs", {}).items()]
        translated = _core(schema)
        validator = SchemaValidator(core.definitions_schema(translated, definitions) if definitions else translated)
    except (_NotTranslated, SchemaError, TypeError, AttributeError):
        return _checked_by_library(schema)

    def check(value: Any) -> str:
        try:
            validator.validate_python(value)
        except ValidationError as error:
            return in_words(error)
        return ""

    return check


def in_words(error: ValidationError) -> str:
    """What is wrong with a value, by its path, without values."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    said = "; ".join(_at(one["loc"], one["msg"]) for one in found[:_MOST_SHOWN])
    return f"{said}; and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else said


def _at(path: Sequence[str | int], text: str) -> str:
    shown = ".".join(map(str, path))[:200].encode("utf-8", "replace").decode()
    return f"{shown}: {text[:300]}" if shown else text[:300]


def _checked_by_library(schema: Mapping[str, Any]) -> Check:
    from jsonschema import Draft202012Validator, SchemaError as Invalid  # type: ignore[import-untyped]  # noqa: PLC0415  (a slow import, seldom needed)

    try:
        Draft202012Validator.check_schema(schema)
    except Invalid as error:
        raise ValueError(f"Its JSON schema is not valid: {_at(list(error.absolute_path), error.message)}.") from None
    validator = Draft202012Validator(schema)

    def check(value: Any) -> str:
        wrong = [_at(list(one.absolute_path), f"it breaks {one.validator!r}") for one in validator.iter_errors(value)]
        return "; ".join(wrong[:_MOST_SHOWN])

    return check


def _core(schema: Any) -> CoreSchema:
    if schema is True or schema == {}:
        return core.any_schema()
    if not isinstance(schema, dict):
        raise _NotTranslated
    said = {name: value for name, value in schema.items() if name not in _ANNOTATIONS}
    if not said:
        return core.any_schema()
    if list(said) == ["$ref"] and str(said["$ref"]).startswith(_PREFIX):
        return core.definition_reference_schema(said["$ref"].removeprefix(_PREFIX))
    if list(said) == ["anyOf"]:
        return _one_of([_core(one) for one in said["anyOf"]])
    kind = said.pop("type", None)
    if "const" in said or "enum" in said:
        return _literal(kind, said)
    if isinstance(kind, list):
        return _one_of([_core({**said, "type": one}) for one in kind])
    if not isinstance(kind, str) or kind not in _TYPES:
        raise _NotTranslated
    return _TYPES[kind](said)


def _one_of(several: list[Any], otherwise: str = _NONE_FITS) -> CoreSchema:
    return core.union_schema(
        several, mode="left_to_right", custom_error_type="none_fits", custom_error_message=otherwise
    )


def _literal(kind: Any, said: dict[str, Any]) -> CoreSchema:
    values = said.pop("enum") if "enum" in said else [said.pop("const")]
    types = {type(value) for value in values}
    if said or (types, kind) not in (({str}, "string"), ({str}, None), ({int}, "integer"), ({int}, None)):
        raise _NotTranslated
    one = core.literal_schema(values)
    # True and 1.0 are equal to 1, and are not the same in JSON.
    return one if types == {str} else core.chain_schema([core.int_schema(strict=True), one])


def _taken(said: dict[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    if said.keys() - known.keys():
        raise _NotTranslated
    return {known[name]: value for name, value in said.items()}


def _number(said: dict[str, Any]) -> CoreSchema:
    bounds = _taken(said, _BOUNDS)
    # Large integers are no floats.
    one = core.float_schema(strict=True, allow_inf_nan=False, **bounds)
    return _one_of([one, core.int_schema(strict=True, **bounds)], f"Input should be a valid number{_bounds(said)}")


def _bounds(said: Mapping[str, Any]) -> str:
    return "".join(f", with {name} {value}" for name, value in said.items())


def _array(said: dict[str, Any]) -> CoreSchema:
    items, several = said.pop("items", True), said.pop("prefixItems", None)
    if several is None:
        return core.list_schema(_core(items), **_taken(said, _COUNTS))
    if said.get("minItems") != len(several) or said.get("maxItems") != len(several):
        raise _NotTranslated
    return core.tuple_schema([_core(one) for one in several])


def _object(said: dict[str, Any]) -> CoreSchema:
    named, required = said.pop("properties", {}), said.pop("required", [])
    others = said.pop("additionalProperties", True)
    if said:
        raise _NotTranslated
    members = {**dict.fromkeys(required, True), **named}
    fields = {name: core.typed_dict_field(_core(one), required=name in required) for name, one in members.items()}
    if others is False:
        return core.typed_dict_schema(fields, extra_behavior="forbid")
    return core.typed_dict_schema(fields, extra_behavior="allow", extras_schema=_core(others))


_TYPES: Mapping[str, Callable[[dict[str, Any]], CoreSchema]] = {
    "string": lambda said: core.str_schema(strict=True, **_taken(said, _LENGTHS)),
    "integer": lambda said: core.int_schema(strict=True, **_taken(said, {**_BOUNDS, "multipleOf": "multiple_of"})),
    "number": _number,
    "boolean": lambda said: core.bool_schema(strict=True, **_taken(said, {})),
    "null": lambda said: core.none_schema(**_taken(said, {})),
    "array": _array,
    "object": _object,
}
