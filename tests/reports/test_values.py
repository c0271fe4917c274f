"""What functions return of Python's and Django's values: JSON that is valid by its schema, or an error in words.

Covers: tools_app.definitions.json_values, tools_app.definitions.listed, tools_app.definitions.output,
    tools_app.definitions.schema_check, tools_app.definitions.tool_results
"""

import dataclasses
import json
import math
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from hypothesis import given, settings, strategies as st
from jsonschema import Draft202012Validator
from mcp.shared.exceptions import MCPError
from mcp_types import BlobResourceContents, CallToolResult, EmbeddedResource, PromptReference, TextResourceContents
from pydantic import BaseModel, ConfigDict, Field, computed_field

from authz_app import json_text
from tests.conftest import copy_sqlite
from tests.databases import rows, rule_for_everybody
from tests.issuer import Issuer
from tests.site import Site
from tools_app.definitions.build import ToolOptions, build_tool
from tools_app.definitions.definitions import ToolDefinition
from tools_app.definitions.json_values import is_unicode
from tools_app.errors import BadDefinition, UnfitResult
from tools_app.registry import prompt, resource, tool

LARGE = 2**70
# By name: the texts of the result, or in a pattern what the error says.
TEXTS = {
    "a_range": ["0", "1", "2"],
    "a_set": ["x"],
    "decimal": ["1E+2"],
    "duration": ["PT0.5S"],
    "enum": ["red"],
    "flat": ["ada"],
    "fraction": ["1/3"],
    "large": [str(LARGE)],
    "lazy": ["Yes"],
    "naive": ["2026-01-01T00:00:00"],
    "named": ["1", "2"],
    "path": ["/tmp"],
    "safe": ["<b>"],
    "utf_8": ["text"],
    "uuid": ["00000000-0000-0000-0000-000000000007"],
}
DATA = {
    "largest": {"number": 10**999},
    "lazy_within": {"answers": ["Yes"], "No": 1},
    "odd_keys": {"1": "a", "None": "b", "1,2": "c", "red": "d", "2026-01-01T00:00:00Z": "e"},
    "rows": {"subject": "ada"},
}
REFUSED = {
    "a_function": "the type builtin_function_or_method is no JSON. Return texts, numbers",
    "an_object": "the type object is no JSON",
    "bytes_within": "Bytes that are no UTF-8 at file is no JSON. Return a text",
    "circle": "A value that contains itself",
    "deep": "nested too deeply .* at most 254 levels",
    "infinity_within": "Infinity at prices.1 is no JSON. Return None",
    "instance": r"the type Client is no JSON. .* Client.objects.values\('id', ...\)",
    "instance_within": "the type Client at people.0 is no JSON",
    "instances": r"the type QuerySet is no JSON. .* Client.objects.values\('id', ...\)",
    "list_as_structure": "structured content is no object",
    "manager": "the type Manager is no JSON",
    "mistyped": "not valid by MCP",
    "nan": "NaN is no JSON. Return None, or leave it out",
    "nan_as_structure": "NaN at a is no JSON",
    "no_base64": "is no base64",
    "reading": "NaN at value is no JSON",
    "surrogate": "half of a surrogate pair is no JSON",
    "surrogate_key": "half of a surrogate pair",
    "surrogate_within": "half of a surrogate pair at files.0",
    "too_large": "An integer of more than 1,000 digits at 0 is no JSON. Return it as a text",
}
STRUCTURED = {
    "account": {"accountOwner": "Ada", "balance": 1.5, "shown": "1.5 EUR"},
    "at_least": {"result": LARGE},
    "decimals": {"result": ["1E+2"]},
    "durations": {"result": ["PT0.5S"]},
    "maybe": {"result": None},
    "naive_declared": {"result": ["2026-01-01T00:00:00"]},
    "numbers": {"result": [1, 2]},
    "row": {"name": "Ada", "age": 36},
    "rows_declared": {"result": [{"subject": "ada"}]},
    "structure_declared": {"name": "Ada", "age": 36},
    "text_lazy": {"result": "Yes"},
    "texts_lazy": {"result": ["Yes", "No"]},
}
UNSTRUCTURED = {"bytes_declared", "maybe_bytes", "decimal_declared"}


@pytest.fixture(scope="module")
def site(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("values"))
    with Site(database_url, issuer, TEST_APPS="tests.value_tools", MAX_QUEUED_BYTES="200000") as running:
        rule_for_everybody(database_url, "*", kind="all")
        yield running
        running.assert_no_traceback()


def texts(result: Any) -> list[str]:
    return [block.text for block in result.content]


async def test_ordinary_values_are_texts_and_json_for_whoever_calls(site: Site) -> None:
    async with site.streamable_client("ada") as client:
        for name, expected in TEXTS.items():
            assert texts(await client.call_tool(f"value_{name}", {})) == expected, name
        for name, data in DATA.items():
            assert json.loads(texts(await client.call_tool(f"value_{name}", {}))[0]) == data, name


async def test_what_is_no_json_is_an_error_in_words_and_never_an_internal_one(site: Site) -> None:
    async with site.streamable_client("ada") as client:
        for name, said in REFUSED.items():
            result = await client.call_tool(f"value_{name}", {})
            (text,) = texts(result)
            assert result.is_error, name
            assert re.match(rf"The result of value_{name} cannot be sent\. .*{said}", text), text
        recorded = "SELECT DISTINCT outcome FROM authz_app_callrecord WHERE tool = 'value_nan' AND kind = 'tool'"
        outcomes = rows(site.database_url, recorded)
        assert outcomes == [("crashed",)]


async def test_bytes_that_are_no_utf_8_are_a_blob_of_a_tool_a_resource_and_a_prompt(site: Site) -> None:
    async with site.streamable_client("ada") as client:
        for name in ("no_utf_8", "memory"):
            (block,) = (await client.call_tool(f"value_{name}", {})).content
            assert isinstance(block, EmbeddedResource)
            assert isinstance(block.resource, BlobResourceContents)
            (contents,) = (await client.read_resource(f"values://{name}")).contents
            assert isinstance(contents, BlobResourceContents)
            (message,) = (await client.get_prompt(f"value_{name}", {})).messages
            assert isinstance(message.content, EmbeddedResource)


async def test_every_structured_result_is_valid_by_what_the_tool_declares(site: Site) -> None:
    async with site.streamable_client("ada") as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        declared = [name.removeprefix("declared_") for name in listed if name.startswith("declared_")]
        assert {*STRUCTURED, *UNSTRUCTURED} < {*declared}
        for name in declared:
            result = await client.call_tool(f"declared_{name}", {})
            schema = listed[f"declared_{name}"].output_schema
            if name in STRUCTURED:
                assert schema is not None
                Draft202012Validator(schema).validate(result.structured_content)
                assert result.structured_content == STRUCTURED[name], name
            elif name in UNSTRUCTURED:
                assert (result.is_error, schema) == (False, None), name
            else:
                assert result.is_error, name
                assert texts(result)[0].startswith(f"The result of declared_{name} cannot be sent. "), name


async def test_a_float_that_is_nan_does_not_break_the_client(site: Site) -> None:
    async with site.streamable_client("ada") as client:
        result = await client.call_tool("declared_float_nan", {})
        assert result.is_error
        said = "The result of declared_float_nan cannot be sent. NaN is no JSON. Return None, or leave it out. Record "
        assert texts(result)[0].startswith(said)


async def test_resources_prompts_and_completions_of_any_value_are_answered_in_words(site: Site) -> None:
    async with site.streamable_client("ada") as client:

        async def answered(name: str, kind: str) -> str:
            try:
                if kind == "resource":
                    return str(await client.read_resource(f"values://{name}"))
                if kind == "prompt":
                    return str(await client.get_prompt(f"value_{name}", {}))
                reference = PromptReference(type="ref/prompt", name=f"value_{name}")
                return str(await client.complete(reference, {"name": "text", "value": ""}))
            except MCPError as error:
                assert re.match(r"The result of .*value_\w+ cannot be sent\. [A-Z]", error.message), error.message
                return ""

        for kind in ("resource", "prompt", "completion"):
            for name in (*TEXTS, *DATA, *REFUSED):
                await answered(name, kind)
        assert "ada" in await answered("flat", "completion")
        assert "Yes" in await answered("lazy", "completion")
        (contents,) = (await client.read_resource("values://rows")).contents
        assert isinstance(contents, TextResourceContents)
        assert json.loads(contents.text) == [{"subject": "ada"}]


async def test_completions_of_other_values_than_texts_are_texts_and_a_hundred_at_most(site: Site) -> None:
    async with site.streamable_client("ada") as client:

        async def completion(name: str) -> tuple[int, list[str]]:
            reference = PromptReference(type="ref/prompt", name=f"completes_{name}")
            found = (await client.complete(reference, {"name": "text", "value": ""})).completion
            return len(found.values), list(found.values[:2])

        assert await completion("numbers") == (2, ["1", "2"])
        assert await completion("enums") == (1, ["red"])
        assert await completion("one_text") == (1, ["alone"])
        assert await completion("a_number") == (1, ["5"])
        assert await completion("nothing") == (0, [])
        assert await completion("many") == (100, ["0", "1"])
        assert await completion("too_many") == (100, ["x", "x"])
        with pytest.raises(MCPError, match="A completion returns texts, and not dict"):
            await completion("no_texts")


async def test_lazy_texts_in_a_definition_take_the_list_from_nobody(site: Site) -> None:
    async with site.streamable_client("ada") as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        odd = tools["lazily_described"]
        assert (odd.title, odd.description) == ("Odd", "An odd one.")
        assert odd.input_schema["properties"]["text"]["description"] == "What it is about."
        assert tools["documented"].description == "By a lazy text."
        prompts = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
        assert prompts["lazily_prompted"].arguments[0].description == "The tone."  # type: ignore[index]
        assert "lazily" in {resource.name for resource in (await client.list_resources()).resources}


async def test_a_text_counts_once_against_the_size_limit_and_the_message_names_the_setting(site: Site) -> None:
    async with site.streamable_client("ada") as client:
        assert texts(await client.call_tool("echo", {"text": "x" * 99_000})) == ["x" * 99_000]
        async with site.client("ada") as over_sse:
            assert texts(await over_sse.call_tool("echo", {"text": "x" * 99_000})) == ["x" * 99_000]
        refused = await client.call_tool("echo", {"text": "x" * 101_000})
        assert refused.is_error
        assert re.fullmatch(
            r"The result has 101,\d{3} bytes. At most 100,000 can be sent: half of MAX_QUEUED_BYTES, up to 8 MB.",
            texts(refused)[0],
        )


def described_by_an_object(text: Annotated[str, Field(json_schema_extra={"about": object()})]) -> str: ...  # type: ignore[dict-item]


def described_lazily_in_examples(text: Annotated[str, Field(examples=[_("lazy")])]) -> str: ...


def described_by_nan(number: Annotated[float, Field(json_schema_extra={"x": math.nan})]) -> str: ...


def half_a_character(text: Annotated[str, Field(description="\udc80")]) -> str: ...


def no_schema(text: Annotated[str, Field(json_schema_extra={"type": 5})]) -> str: ...


def returns_no_schema() -> Annotated[str, Field(json_schema_extra={"type": 5})]: ...


def returns_an_instance() -> User: ...


def returns_instances() -> list[User]: ...


def returns_an_instance_maybe() -> dict[str, User | None]: ...


@pytest.mark.parametrize(
    "function",
    [
        described_by_an_object, described_lazily_in_examples, described_by_nan, half_a_character, no_schema,
        returns_no_schema, returns_an_instance, returns_instances, returns_an_instance_maybe,
    ],
)  # fmt: skip
def test_what_could_not_be_listed_is_refused_at_the_start_with_name_and_file(function: Any) -> None:
    with pytest.raises(BadDefinition) as refused:
        tool(function)
    assert re.match(rf"\S*test_values\.py:\d+: the tool '{function.__name__}' cannot be offered\. ", str(refused.value))
    if function.__name__.startswith("returns_an_inst") or function is returns_instances:
        assert "User.objects.values('id', ...)" in str(refused.value)


@pytest.mark.parametrize("options", [{"title": object()}, {"description": "\udc80"}, {"description": 5}])
def test_options_that_could_not_be_listed_are_refused_too(options: Any) -> None:
    def offered() -> str: ...

    for offering in (tool(**options), resource("values://refused", **options), prompt(**options)):
        with pytest.raises(BadDefinition, match=r"test_values\.py:\d+: the \w+ 'offered' cannot be offered"):
            offering(offered)


class Pair(BaseModel):
    model_config = ConfigDict(extra="forbid")
    first: float
    second: int | None = Field(default=None, serialization_alias="2nd")

    @computed_field
    def both(self) -> str:
        return f"{self.first} {self.second}"


@dataclasses.dataclass
class Loose:
    number: float
    text: str


TYPES: list[Any] = [
    int, float, str, bool, None, Any, bytes, list[int], dict[str, float], dict[str, Any], tuple[int, str], set[int],
    str | None, float | None, list[str | int], Literal["a", "b"], Decimal, datetime, list[date], list[timedelta],
    list[Decimal], Annotated[int, Field(ge=0, le=9)], Annotated[str, Field(max_length=2)], Pair, list[Pair], Loose,
    list[Loose], dict[str, Loose], dict[int, str], list[list[float]],
]  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=4)
    | st.binary(max_size=3)
    | st.decimals()
    | st.datetimes()
    | st.timedeltas()
    | st.sampled_from([_("a"), Pair(first=1, second=2), Pair.model_construct(first="x"), Loose("x", 1), object(), 1j])  # type: ignore[arg-type]
    | st.builds(Loose, st.floats() | st.text(max_size=2), st.text(max_size=2))  # type: ignore[arg-type]
)
ANY = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=2) | st.integers() | st.none(), inner, max_size=2)
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(TYPES), st.data())
def test_any_value_of_any_declared_type_is_valid_by_the_schema_or_an_error_in_words(returns: Any, data: Any) -> None:
    def returning() -> Any: ...

    returning.__annotations__["return"] = returns
    built = _built(returning, str(returns))
    # What fits, more often than by chance.
    value = data.draw(ANY if "Any" in str(returns) or returns is None else st.from_type(returns) | ANY)
    try:
        result = built.answer(value, "")
    except UnfitResult as unfit:
        assert str(unfit).startswith("The result of returning cannot be sent. ")
        assert is_unicode(str(unfit))
        return
    wire = json_text.loads(json_text.dumps(result.model_dump(mode="json", by_alias=True, exclude_none=True)))
    CallToolResult.model_validate(wire)
    if built.listed.output_schema is not None:
        Draft202012Validator(built.listed.output_schema).validate(wire["structuredContent"])


_known: dict[str, ToolDefinition] = {}


def _built(function: Any, key: str) -> ToolDefinition:
    if key not in _known:
        _known[key] = build_tool(function, ToolOptions())
    return _known[key]
