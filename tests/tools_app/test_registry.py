"""What is offered, under which name and at which URI; what a function becomes when it is offered as a tool.

Covers: tools_app.errors
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import wraps
from typing import Annotated, Any

import pytest
from mcp.server.mcpserver.utilities.func_metadata import func_metadata
from mcp_types import ToolAnnotations
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from authz_app.policy.rule import KINDS
from tools_app import registry
from tools_app.call import Call
from tools_app.definitions.build import ToolOptions, build_tool
from tools_app.definitions.definitions import ToolDefinition
from tools_app.errors import DuplicateName, UnfitResult
from tools_app.registry import prompt, registered, registered_tools, resource, resource_at, resource_with, tool


def built(function: Callable[..., Any], **options: Any) -> ToolDefinition:
    return build_tool(function, ToolOptions(**options))


def schema(function: Callable[..., Any]) -> dict[str, Any]:
    return built(function).listed.input_schema


@pytest.fixture(autouse=True)
def _unchanged() -> Iterator[None]:
    before = {kind: dict(registered(kind)) for kind in KINDS}
    yield
    for kind in KINDS:
        for name in set(registered(kind)) - set(before[kind]):
            registry.unregister(name, kind)
    assert {kind: dict(registered(kind)) for kind in KINDS} == before


def add(a: int, b: Annotated[int, Field(ge=0, description="Not negative.")] = 1) -> int:
    """Add two numbers.

    The second is one unless given.
    """
    return a + b


def test_name_description_and_schema_come_from_the_function() -> None:
    definition = built(add).listed
    assert (definition.name, definition.description) == ("add", "Add two numbers.\n\nThe second is one unless given.")
    assert definition.input_schema["required"] == ["a"]
    assert definition.input_schema["properties"]["a"]["type"] == "integer"
    assert definition.input_schema["properties"]["b"] == {
        "title": "B", "type": "integer", "minimum": 0, "default": 1, "description": "Not negative.",
    }  # fmt: skip
    assert definition.output_schema is not None


def test_options_say_otherwise() -> None:
    annotations = ToolAnnotations(destructive_hint=True)
    one = built(add, name="plus", title="Plus", description="Sum.", annotations=annotations, time_limit=3.0)
    assert (one.name, one.listed.title, one.listed.description) == ("plus", "Plus", "Sum.")
    assert (one.listed.annotations, one.time_limit, one.module) == (annotations, 3.0, __name__)


def test_the_schema_says_that_other_arguments_are_refused_and_they_are() -> None:
    assert schema(add)["additionalProperties"] is False
    with pytest.raises(ValidationError):
        built(add).accept({"a": 1, "c": 2})
    assert built(add).accept({"a": 1}) == {"a": 1, "b": 1}


def test_a_call_parameter_is_filled_in_by_the_server_and_absent_from_the_schema() -> None:
    def tell(text: str, call: Call) -> str:
        return text

    def tell_by_name(text: str, call: "Call") -> str:
        return text

    for function in (tell, tell_by_name):
        one = built(function)
        assert one.call_parameter == "call"
        assert set(one.listed.input_schema["properties"]) == {"text"}
        with pytest.raises(ValidationError):
            one.accept({"text": "x", "call": {}})


def test_plain_and_async_functions_are_told_apart() -> None:
    async def later() -> str:
        return "x"

    assert built(later).is_async
    assert not built(add).is_async


def test_an_argument_may_be_a_model() -> None:
    class Place(BaseModel):
        city: str

    def go(place: Place) -> str:
        return place.city

    accepted = built(go).accept({"place": {"city": "Paris"}})
    assert accepted["place"] == Place(city="Paris")


@pytest.mark.parametrize("name", ["with space", "ü", "a" * 129, "a/b", "a\n", "*", "weather?"])
def test_a_name_that_is_not_fit_for_a_tool_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 128 letters"):
        built(add, name=name)


@pytest.mark.parametrize("name", ["a", "A.b-c_9", "x" * 128])
def test_a_name_that_is_fit_is_kept(name: str) -> None:
    assert built(add, name=name).listed.name == name


def test_two_tools_of_one_name_are_an_error_that_says_where_they_are() -> None:
    tool(name="twice")(add)
    with pytest.raises(DuplicateName, match=f"'twice'.*{__name__}.*{__name__}.*another name"):
        tool(name="twice")(lambda: None)
    assert registered_tools()["twice"].function is add


def test_the_decorator_leaves_the_function_as_it_is() -> None:
    @tool
    @wraps(add)
    def decorated(a: int, b: int = 1) -> int:
        return add(a, b)

    assert decorated(2, 3) == 5
    assert registered_tools()["add"].function is decorated


def test_the_tools_of_installed_apps_are_found() -> None:
    assert {"TimeTool", "weather_tool", "echo", "whoami"} <= set(registered_tools())
    assert "call" not in registered_tools()["whoami"].listed.input_schema["properties"]


# Resources and prompts


def test_a_name_is_taken_within_its_kind_alone() -> None:
    tool(name="same")(add)
    resource("same://thing", name="same")(lambda: "")
    prompt(name="same")(lambda: "")
    assert {kind: "same" in registered(kind) for kind in KINDS} == dict.fromkeys(KINDS, True)
    for offer in (resource("other://thing", name="same"), prompt(name="same")):
        with pytest.raises(DuplicateName, match="'same'.*another name"):
            offer(lambda: "")


@pytest.mark.parametrize("uri", ["same://thing", "same://{x}"])
def test_a_uri_is_taken_once(uri: str) -> None:
    takes = (lambda x: x) if "{" in uri else (lambda: "")
    resource(uri, name="one")(takes)
    with pytest.raises(DuplicateName, match="another URI"):
        resource(uri, name="two")(takes)
    assert resource_with(uri) is registered("resource")["one"]
    assert "two" not in registered("resource")


@pytest.mark.parametrize(
    ("uri", "name", "variables"),
    [
        ("shelf://list", "list", {}),
        ("shelf://box/7", "box", {"number": "7"}),
        ("shelf://box/a%20b", "box", {"number": "a b"}),
        ("shelf://file/a/b", "file", {"path": "a/b"}),
        ("shelf://file/../b", None, {}),
        ("shelf://file/%2Fetc", None, {}),
        ("shelf://none", None, {}),
        ("SHELF://list", None, {}),
        ("shelf://list/", None, {}),
        ("shelf://{number}", None, {}),
        ("", None, {}),
        ("x" * 100_000, None, {}),
    ],
)
def test_a_uri_means_one_resource_or_none(uri: str, name: str | None, variables: dict[str, str]) -> None:
    resource("shelf://file/{+path}", name="file.path")(lambda path: path)
    resource("shelf://box/{number}", name="box")(lambda number: number)
    resource("shelf://list", name="list")(lambda: "")
    found = resource_at(uri)
    expected = "file.path" if name == "file" else name
    assert (found[0].name if found else None, found[1] if found else {}) == (expected, variables)


def test_what_one_template_keeps_out_no_other_lets_in() -> None:
    resource("shelf://a/{+path}", name="strict")(lambda path: path)
    resource("shelf://{+path}", name="lax", unchecked=("path",))(lambda path: path)
    assert resource_at("shelf://a/../x") is None
    lax = resource_at("shelf://../x")
    assert lax is not None and lax[0].name == "lax"


def test_resources_and_prompts_of_installed_apps_are_found() -> None:
    assert {"welcome", "note"} <= set(registered("resource"))
    assert {"poem"} <= set(registered("prompt"))


class Mood(StrEnum):
    GOOD = "good"


def shouted(name: str) -> Annotated[str, AfterValidator(str.upper)]:
    return name


def maybe(name: str) -> str | None:
    return name


def moody() -> Mood:
    return Mood.GOOD


def plain(name: str) -> str:
    return name


def unannotated(name: str):  # type: ignore[no-untyped-def]
    return name


@pytest.mark.parametrize("value", ["", "text", '{"a": 1}', Mood.GOOD, 1, None])
@pytest.mark.parametrize("function", [shouted, maybe, moody, plain, unannotated])
def test_a_result_is_what_the_sdk_makes_of_it(function: Callable[..., Any], value: Any) -> None:
    built = build_tool(function, ToolOptions())
    try:
        made = func_metadata(function).convert_result(value)
    except ValidationError:
        with pytest.raises(UnfitResult):
            built.answer(value, "")
    else:
        answered = built.answer(value, "")
        assert answered.structured_content == made.structured_content
        if function is not shouted:  # Whose content is shouted, too.
            assert answered.content == made.content
