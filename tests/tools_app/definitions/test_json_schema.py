"""Schemas without references, and what they say of types."""

import json
from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, TypeAdapter

from tools_app.definitions.json_schema import ALL_TYPES, inlined, type_of, types_of


class Place(BaseModel):
    """A place."""

    city: str


class Trip(BaseModel):
    start: Place
    end: Annotated[Place, Field(description="Where to.")]
    via: list[Place] = []
    home: Place = Place(city="Paris")


class Tree(BaseModel):
    at: Place
    children: list["Tree"] = []


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]
    place: Place


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


def schema(model: Any) -> dict[str, Any]:
    return TypeAdapter(model).json_schema()


def test_definitions_stand_where_they_are_meant_with_what_was_said_beside_them() -> None:
    properties = inlined(schema(Trip))["properties"]
    place = schema(Place)
    assert "$" not in json.dumps(properties)
    assert properties["start"] == place
    assert properties["end"] == {**place, "description": "Where to."}
    assert properties["via"]["items"] == place
    assert properties["home"] == {**place, "default": {"city": "Paris"}}


def test_a_definition_that_means_itself_stays() -> None:
    written = inlined(schema(Tree))
    assert set(written["$defs"]) == {"Tree"}
    assert written["$defs"]["Tree"]["properties"]["at"] == schema(Place)
    assert written["$ref"] == "#/$defs/Tree"


def test_a_discriminator_names_no_definition_that_is_gone() -> None:
    assert inlined(schema(Owner))["properties"]["pet"]["discriminator"] == {"propertyName": "kind"}


def test_what_stands_beside_a_reference_and_in_the_definition_holds_both() -> None:
    both = {"$defs": {"A": {"type": "integer", "minimum": 1}}, "$ref": "#/$defs/A", "minimum": 5}
    assert inlined(both) == {"allOf": [{"type": "integer", "minimum": 1}], "minimum": 5}


@pytest.mark.parametrize("model", [Trip, Tree, Owner, list[Tree], dict[str, Trip], Place | Tree])
def test_the_same_values_are_valid(model: Any) -> None:
    values = [
        {"city": "a"}, {"city": 1}, {}, {"start": {"city": "a"}, "end": {"city": "b"}}, {"start": {}, "end": {}},
        {"at": {"city": "a"}, "children": [{"at": {"city": "b"}}]}, {"at": {"city": "a"}, "children": [{"at": {}}]},
        {"pet": {"kind": "cat"}}, {"pet": {"kind": "dog"}}, {"pet": {"kind": "dog", "place": {"city": "a"}}},
    ]  # fmt: skip
    before, after = Draft202012Validator(schema(model)), Draft202012Validator(inlined(schema(model)))
    for value in [*values, values, {"a": values[3]}, [values[5]], [values[6]]]:
        assert before.is_valid(value) == after.is_valid(value), value


def test_a_schema_that_would_grow_too_large_keeps_its_definitions() -> None:
    definitions: dict[str, Any] = {"A0": {"type": "string", "title": "x" * 50}}
    for level in range(1, 60):
        twice = {name: {"$ref": f"#/$defs/A{level - 1}"} for name in ("left", "right")}
        definitions[f"A{level}"] = {"type": "object", "properties": twice}
    large = {"$defs": definitions, "$ref": "#/$defs/A59"}
    assert inlined(large) is large
    small = inlined({"$defs": definitions, "$ref": "#/$defs/A1"})
    assert "$defs" not in small


def test_names_are_no_keywords() -> None:
    said = {"properties": {"$ref": {"type": "string"}, "default": {"$ref": "#/$defs/A"}}}
    written = inlined({"$defs": {"A": {"enum": ["$ref"], "default": {"$ref": "#/$defs/B"}}, "B": {}}, **said})
    assert written["properties"] == {
        "$ref": {"type": "string"},
        "default": {"enum": ["$ref"], "default": {"$ref": "#/$defs/B"}},
    }


@pytest.mark.parametrize(
    ("model", "types"),
    [
        (str, {"string"}),
        (int | None, {"integer", "null"}),
        (list[int] | dict[str, int], {"array", "object"}),
        (Any, ALL_TYPES),
        (Literal["a", 1, None], {"string", "integer", "null"}),
        (Literal["a"] | None, {"string", "null"}),
        (Owner, {"object"}),
        (Tree, {"object"}),
        (Tree | None, {"object", "null"}),
        (Annotated[Cat | Dog, Field(discriminator="kind")], {"object"}),
        (float, {"number"}),
    ],
)
def test_the_types_that_a_schema_takes(model: Any, types: set[str]) -> None:
    written = schema(model)
    assert types_of(written, written.get("$defs", {})) == types


def test_a_schema_that_means_nothing_but_itself_takes_anything() -> None:
    assert types_of({"$ref": "#/$defs/A"}, {"A": {"$ref": "#/$defs/A"}}) == ALL_TYPES
    assert types_of(True, {}) == types_of({"allOf": []}, {}) == ALL_TYPES


def test_the_type_of_a_value() -> None:
    values = [True, 1, 2.0, 1.5, "a", None, [], {}]
    assert [type_of(value) for value in values] == [
        "boolean", "integer", "integer", "number", "string", "null", "array", "object",
    ]  # fmt: skip
