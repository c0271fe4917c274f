"""What is quick to make an answer of is told from what may run the code of a tool's author."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from mcp_types import CallToolResult, TextContent
from pydantic import AfterValidator, BaseModel, Field, PlainSerializer, computed_field

from tools_app.definitions.build import ToolOptions, build_tool
from tools_app.definitions.completion import completing_nothing
from tools_app.invocation.authors_code import accepting_runs_code, answering_runs_code, is_small_data, says_itself


class Plain(BaseModel):
    name: str
    inner: "Plain | None" = None
    anything: Any = None


class Serialized(BaseModel):
    name: Annotated[str, PlainSerializer(lambda name: name)] = ""


class Computed(BaseModel):
    @computed_field  # type: ignore[prop-decorator]
    @property
    def name(self) -> str:
        return ""


class Made(BaseModel):
    name: str = Field(default_factory=str)


class Begun(BaseModel):
    def model_post_init(self, context: Any) -> None: ...


class Holder(BaseModel, extra="allow"):
    inner: Serialized


@dataclass
class Row:
    name: str


class Text(str):
    __slots__ = ()


def test_data_is_small() -> None:
    block = TextContent(type="text", text="x")
    for value in ("x", 1, 1.5, True, None, b"x", [], {}, ("x", [{"a": [1, None]}]), Plain(name="x"), [Plain(name="x")]):
        assert is_small_data(value), value
    assert is_small_data(CallToolResult(content=[block]))
    assert is_small_data([block, "x"])


@pytest.mark.parametrize(
    "value",
    [
        "x" * 20_001,
        ["x" * 10_001] * 2,
        [0] * 501,
        [[0] * 300] * 2,
        iter([1]),
        range(3),
        {1, 2},
        object(),
        Row("x"),
        Text("x"),
        [Text("x")],
        {"a": [Row("x")]},
        Serialized(),
        Computed(),
        Made(),
        Begun(),
        Holder(inner=Serialized()),
        Plain(name="x", anything=Row("x")),
        Holder.model_construct(inner=None, other=Row("x")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_large_or_has_code_of_its_own_is_not(value: Any) -> None:
    assert not is_small_data(value)


def test_a_value_that_holds_itself_is_large() -> None:
    rings: list[Any] = []
    rings.append(rings)
    assert not is_small_data(rings)


def checked(value: int) -> int:
    return value


def takes_data(number: int, names: list[str] | None = None) -> int: ...
def takes_checked(number: Annotated[int, AfterValidator(checked)]) -> int: ...
def takes_model(model: Made) -> None: ...
def returns_checked() -> Annotated[int, AfterValidator(checked)]: ...
def returns_serialized() -> list[Serialized]: ...
def returns_anything() -> Any: ...


@pytest.mark.parametrize(
    ("function", "accepting", "answering"),
    [
        (takes_data, False, False),
        (takes_checked, True, False),
        (takes_model, True, False),
        (returns_checked, False, True),
        (returns_serialized, False, True),
        (returns_anything, False, False),
    ],
)
def test_a_tool_s_types_say_whether_code_runs(function: Callable[..., Any], accepting: bool, answering: bool) -> None:
    tool = build_tool(function, ToolOptions())
    assert (accepting_runs_code(tool), answering_runs_code(tool)) == (accepting, answering)


def test_completions_take_and_give_texts() -> None:
    completer = completing_nothing("it")
    assert not accepting_runs_code(completer)
    assert not answering_runs_code(completer)


class Speaking(Exception):
    def __str__(self) -> str:
        return "spoken"


class Hiding(Exception):
    @property
    def __cause__(self) -> Any:  # type: ignore[override]
        raise SystemExit


def caused(cause: BaseException) -> BaseException:
    try:
        raise ValueError from cause
    except ValueError as error:
        return error


def handled(first: BaseException) -> Iterator[BaseException]:
    try:
        raise first
    except type(first):
        try:
            raise KeyError("x")
        except KeyError as error:
            yield error


def test_exceptions_that_speak_for_themselves_are_known() -> None:
    for quiet in (ValueError("x"), SystemExit(2), KeyError("x"), OSError(1, "x"), asyncio.CancelledError()):
        assert not says_itself(quiet)
    assert says_itself(Speaking())
    assert says_itself(caused(Speaking()))
    assert says_itself(next(handled(Speaking())))
    assert says_itself(BaseExceptionGroup("several", [ValueError(), caused(Speaking())]))
    assert says_itself(Hiding())
