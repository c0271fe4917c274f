"""Describes what a tool returns by its annotation, and makes structured content of it that is valid by its schema."""

from dataclasses import dataclass
from functools import partial
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from django.db.models import Model
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from pydantic import TypeAdapter, ValidationError, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from tools_app.definitions.json_schema import SchemaWriter, inlined
from tools_app.definitions.json_values import check_is_json, instead_of_model, json_of, plain
from tools_app.definitions.results import BYTES
from tools_app.definitions.schema_check import Check, check_of, in_words
from tools_app.errors import UnfitResult


class _OutputSchema(SchemaWriter):
    """Pydantic's schemas of what is written, without formats and patterns that Python's values need not keep.

    A time without a zone is no ``date-time`` (RFC 3339), half a second no ``duration``, and 1E+2 no plain number.
    """

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        written = super().datetime_schema(schema)
        return written if schema.get("tz_constraint") == "aware" else _without("format", written)

    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:
        return _without("format", super().time_schema(schema))

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        return _without("format", super().timedelta_schema(schema))

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        return _without("pattern", super().decimal_schema(schema))


def _without(member: str, schema: JsonSchemaValue) -> JsonSchemaValue:
    return {name: value for name, value in schema.items() if name != member}


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """What a tool declares to return. With ``wraps`` it is the member ``result`` of its structured content."""

    adapter: TypeAdapter[Any]
    wraps: bool
    schema: dict[str, Any]
    check: Check

    def structured(self, value: Any) -> dict[str, Any]:
        """Make structured content of what the function returned.

        Raises:
            UnfitResult: it is not what the tool declares.
            NotJson: it is no JSON.
        """
        try:
            made = self._dumped(value)
        except ValidationError:
            # Lazy texts and QuerySets are of no type that a function declares.
            made = self._dumped_of_plain(value)
        if wrong := self.check(made):
            check_is_json(json_of(value))  # Where it is NaN, that is what is wrong; it was written as null.
            raise UnfitResult(_not_as_declared(wrong))
        return made

    def refuse_invalid(self, structured: Any) -> None:
        """Raises UnfitResult where it is not valid by the schema."""
        if wrong := self.check(structured):
            raise UnfitResult(_not_as_declared(wrong))

    def _dumped_of_plain(self, value: Any) -> dict[str, Any]:
        try:
            return self._dumped(plain(value))
        except ValidationError as error:
            raise UnfitResult(_not_as_declared(in_words(error))) from None

    def _dumped(self, value: Any) -> dict[str, Any]:
        whole = {"result": value} if self.wraps else value
        validated = self.adapter.validate_python(whole, by_alias=True, by_name=True)
        dumped: dict[str, Any] = json_of(validated, partial(self.adapter.dump_python, mode="json", warnings=False))
        return dumped


def _not_as_declared(wrong: str) -> str:
    return f"It is not what the tool declares to return ({wrong}). Return that, or annotate what is returned."


def output_of(metadata: FuncMetadata) -> Output | None:
    """What a function declares to return, as the SDK has read its annotation; None where that says nothing of data.

    Raises:
        ValueError: its JSON schema is not valid.
    """
    model, wraps = metadata.output_model, metadata.wrap_output
    if model is None or (wraps and _may_be_bytes(model.model_fields["result"].annotation)):
        return None
    adapter = metadata._output_adapter(model)
    schema = _schema_of(adapter)
    if schema.get("type") != "object":
        # Up to 2025-11-25 structured content is an object.
        adapter, wraps = TypeAdapter(create_model(f"{schema.get('title', '')}Output", result=model)), True
        schema = _schema_of(adapter)
    return Output(adapter, wraps, schema, check_of(schema))


def _schema_of(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    schema = adapter.json_schema(mode="serialization", by_alias=True, schema_generator=_OutputSchema)
    reference = schema.get("$ref", "")
    if reference.startswith("#/$defs/"):
        schema = {**schema["$defs"][reference.removeprefix("#/$defs/")], **_without("$ref", schema)}
    return inlined(schema)


def _may_be_bytes(annotation: Any) -> bool:
    """Whether it is bytes, which are content and no data."""
    if get_origin(annotation) is Annotated:
        return _may_be_bytes(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return any(map(_may_be_bytes, get_args(annotation)))
    return annotation in BYTES


def refuse_models(annotation: Any) -> None:
    """Refuse what is annotated to return instances of a Django model.

    Raises:
        ValueError: it is; the message says what to return instead.
    """
    if isinstance(annotation, type) and issubclass(annotation, Model):
        raise ValueError(
            f"It is annotated to return {annotation.__name__}, a model of Django. {instead_of_model(annotation)}"
        )
    for part in get_args(annotation):
        refuse_models(part)
