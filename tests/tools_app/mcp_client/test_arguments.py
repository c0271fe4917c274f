"""key=value words become what the tool's input schema asks for."""

import pytest
from hypothesis import given, strategies as st

from tools_app.mcp_client.arguments import parse_arguments, usage
from tools_app.mcp_client.errors import Unusable

SCHEMA = {
    "properties": {
        "text": {"type": "string"},
        "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "count": {"type": "integer"},
        "ratio": {"type": "number"},
        "maybe_count": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "on": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "options": {"type": "object"},
        "colour": {"$ref": "#/$defs/Colour"},
        "level": {"enum": [1, 2]},
        "listed": {"type": ["integer", "null"]},
        "anything": {},
        "loop": {"$ref": "#/$defs/Loop"},
        "free": True,
    },
    "$defs": {"Colour": {"enum": ["red", "green"]}, "Loop": {"$ref": "#/$defs/Loop"}},
}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("text=5", "5"),
        ("text=", ""),
        ("text=a=b:=c", "a=b:=c"),
        ("maybe=null", "null"),
        ("maybe:=null", None),
        ("count=5", 5),
        ("ratio=5", 5),
        ("ratio=-1.5e3", -1500.0),
        ("maybe_count=null", None),
        ("on=true", True),
        ('tags=["a","b"]', ["a", "b"]),
        ('options={"a": [1]}', {"a": [1]}),
        ("colour=red", "red"),
        ("level=2", 2),
        ("listed=7", 7),
        ("anything=7", 7),
        ("anything=seven", "seven"),
        ("free=seven", "seven"),
        ("loop=x", "x"),
        ('text:={"forced": 1}', {"forced": 1}),
    ],
)
def test_a_value_is_read_by_its_schema(word, value):
    (parsed,) = parse_arguments([word], "tool", SCHEMA).values()
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("count=five", "'count' must be integer, not 'five'"),
        ("count=1.5", "'count' must be integer"),
        ("count=true", "'count' must be integer"),
        ("count=", "'count' must be integer"),
        ("ratio=NaN", "'ratio' must be number"),
        ("ratio=Infinity", "'ratio' must be number"),
        ("on=yes", "'on' must be boolean"),
        ("maybe_count=x", "'maybe_count' must be integer or null"),
        ("text:=x", "'text' must be JSON, not 'x'"),
        ("tags=" + "[" * 100_000, "'tags' must be array"),
        ("unknown=1", "tool has no argument 'unknown'. tool takes text=string [maybe=string]"),
        ("nothing", "'nothing' is not key=value. tool takes text=string"),
        ("=x", "'=x' is not key=value"),
        (":=x", "':=x' is not key=value"),
    ],
)
def test_what_does_not_fit_is_a_sentence(word, says):
    schema = SCHEMA | {"required": ["text"]}
    with pytest.raises(Unusable) as caught:
        parse_arguments([word], "tool", schema)
    assert says in str(caught.value)


def test_an_argument_given_twice_is_a_sentence():
    with pytest.raises(Unusable, match="'text' is given twice"):
        parse_arguments(["text=a", "text:=1"], "tool", SCHEMA)


def test_a_missing_argument_is_named():
    with pytest.raises(Unusable, match="tool needs 'text' and 'count'"):
        parse_arguments(["ratio=1"], "tool", SCHEMA | {"required": ["text", "ratio", "count"]})


def test_a_schema_that_is_open_takes_more_than_it_names():
    assert parse_arguments(["a=1"], "tool", {"additionalProperties": {"type": "string"}}) == {"a": "1"}
    assert parse_arguments(["a=1"], "tool", {"additionalProperties": True}) == {"a": 1}


def test_usage_names_choices_and_says_when_there_are_none():
    assert usage("tool", {"properties": {"c": {"enum": ["x", "y"]}, "f": True}}) == "tool takes [c=x|y] [f=any]."
    assert usage("tool", {}) == "tool takes no arguments."


@given(st.text())
def test_any_text_reaches_a_string_argument_unchanged(text):
    assert parse_arguments([f"text={text}"], "tool", SCHEMA) == {"text": text}
