"""What a function becomes when it is offered as a resource or as a prompt; `test_registry` has the tools.

Covers: tools_app.definitions.definitions
"""

from typing import Annotated, Any

import pytest
from mcp_types import Annotations, Resource, ResourceTemplate
from pydantic import Field, ValidationError

from tools_app.call import Call
from tools_app.definitions.build import PromptOptions, ResourceOptions, build_prompt, build_resource
from tools_app.definitions.definitions import ResourceDefinition


def resource(uri: str, function: Any, **options: Any) -> ResourceDefinition:
    return build_resource(uri, function, ResourceOptions(**options))


def order(number: int, call: Call, full: bool = False) -> dict[str, Any]:
    """One order."""
    return {}


def test_a_uri_without_variables_is_a_resource() -> None:
    def welcome() -> str:
        """Read this first."""
        return ""

    built = resource("notes://welcome", welcome, mime_type="text/plain", title="Hello", time_limit=2.0)
    definition = built.listed
    assert isinstance(definition, Resource) and built.template is None
    assert (definition.uri, definition.name, definition.title) == ("notes://welcome", "welcome", "Hello")
    assert (definition.description, definition.mime_type, built.time_limit) == ("Read this first.", "text/plain", 2.0)


def test_a_uri_with_variables_is_a_template_whose_function_takes_them() -> None:
    annotations = Annotations(priority=0.5)
    built = resource("orders://{number}{?full}", order, name="order.one", annotations=annotations)
    definition = built.listed
    assert isinstance(definition, ResourceTemplate)
    assert (definition.uri_template, definition.name) == ("orders://{number}{?full}", "order.one")
    assert definition.annotations == annotations
    assert built.call_parameter == "call"
    assert built.accept({"number": "7"}) == {"number": 7, "full": False}
    assert built.accept({"number": "7", "full": "true"}) == {"number": 7, "full": True}
    with pytest.raises(ValidationError):
        built.accept({"number": "seven"})


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("orders", "has a scheme"),
        ("orders:// {number}", "has a scheme"),
        ("orders://{number", "variables of the URI"),
        ("orders://{number}{other}", "(?i)adjacent|literal"),
        ("orders://{id}", r"variables of the URI \(id\)"),
        ("orders://all", r"variables of the URI \(none\)"),
    ],
)
def test_uri_and_function_have_to_fit(uri: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resource(uri, lambda number: number, name="order")


def test_what_may_be_missing_in_a_uri_needs_a_default() -> None:
    with pytest.raises(ValueError, match="give it a default"):
        resource("orders://all{?page}", lambda page: page, name="orders")


@pytest.mark.parametrize("name", ["with space", "", "x" * 129, "a/b"])
def test_a_name_is_as_a_tool_s(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 128 letters"):
        resource("orders://all", lambda: "", name=name or "(")


def test_a_prompt_s_arguments_come_from_the_signature() -> None:
    def poem(topic: Annotated[str, Field(description="Of what.")], call: Call, lines: int = 4) -> str:
        """Ask for a poem."""
        return topic

    built = build_prompt(poem, PromptOptions(title="Poem", complete={"topic": ["rain"]}))
    assert (built.name, built.listed.title, built.listed.description) == ("poem", "Poem", "Ask for a poem.")
    arguments = [(one.name, one.required, one.description) for one in built.listed.arguments or []]
    assert arguments == [("topic", True, "Of what."), ("lines", False, None)]
    assert built.accept({"topic": "[1]", "lines": "2"}) == {"topic": "[1]", "lines": 2}
    for wrong in ({}, {"topic": "x", "other": "y"}):
        with pytest.raises(ValidationError):
            built.accept(wrong)


def test_a_text_stays_a_text_also_where_there_may_be_none() -> None:
    def poem(topic: str | None = None) -> str:
        return topic or ""

    assert build_prompt(poem, PromptOptions()).accept({"topic": "[1]"}) == {"topic": "[1]"}


@pytest.mark.parametrize(
    ("value", "leads_out"),
    [
        ("a/b", False), ("a/../b", False), ("..", True), ("a/../../b", True), ("/etc/passwd", True), ("C:/x", True),
        ("..\\x", True), ("a\x00", True), (["a", "b"], False), (["a", ".."], True),
    ],
)  # fmt: skip
def test_a_path_that_leads_out_is_noticed_unless_the_variable_may_hold_any(value: Any, leads_out: bool) -> None:
    for unchecked in ((), ("path",)):
        built = resource("files://{+path}", lambda path: path, name="file", unchecked=unchecked)
        assert built.leads_out({"path": value}) == (leads_out and not unchecked)
