"""What users met who offered functions of their own, and what their callers met who sent arguments to them.

Covers: tools_app.definitions.functions, tools_app.definitions.arguments,
    tools_app.definitions.argument_fields, tools_app.definitions.json_texts,
    tools_app.definitions.refusal
"""

import builtins
import functools
import json
import math
import operator
import re
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal
from enum import Enum
from inspect import signature
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Final,
    NoReturn,
    ParamSpec,
    Protocol,
    TypedDict,
    TypeVar,
    Unpack,
    overload,
)  # fmt: skip

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Resolve
from mcp.shared.exceptions import MCPError
from mcp_types import ToolAnnotations
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, EmailStr, Field, WithJsonSchema

from authz_app.policy.rule import KINDS
from tests.conftest import copy_sqlite
from tests.databases import rows, rule_for_everybody
from tests.issuer import Issuer
from tests.odd_tools.mcp_tools import Place
from tests.site import Site
from tools_app import registry
from tools_app.call import Call
from tools_app.errors import BadDefinition
from tools_app.registry import prompt, registered, registered_prompts, registered_tools, resource, tool

if TYPE_CHECKING:
    from fractions import Fraction

    from order import Order  # type: ignore[import-not-found]  # nor does it exist

P = ParamSpec("P")
T = TypeVar("T")


@pytest.fixture(autouse=True)
def _unchanged() -> Iterator[None]:
    before = {kind: dict(registered(kind)) for kind in KINDS}
    yield
    for kind in KINDS:
        for name in set(registered(kind)) - set(before[kind]):
            registry.unregister(name, kind)


# Functions that cannot be offered.


def variable(*names: str) -> str: ...


def keywords(a: int, **others: str) -> str: ...


def nested_in_brackets(orders: list["Order"]) -> str: ...


class Filters(TypedDict):
    open: bool


def unpacked(**filters: Unpack[Filters]) -> str: ...


def positional(a: int, /, b: int) -> str: ...


def foreign(text: str, ctx: Context) -> str: ...


def foreign_maybe(text: str, ctx: Context | None = None) -> str: ...


def unimported(amount: "Fraction") -> str: ...


def later(order: "Order") -> str: ...


def in_brackets(orders: "list[Order]") -> str: ...


def misspelled(a: "int |") -> str: ...  # noqa: F722  (what is tried)


def divided(a: "1 / 0") -> str: ...  # type: ignore[valid-type]


def number(a: 5) -> str: ...  # type: ignore[valid-type]


def sentence(a: "the first number") -> str: ...  # type: ignore[valid-type]  # noqa: F722


def brackets(a: [int]) -> str: ...  # type: ignore[valid-type]


def several(a: (int, str)) -> str: ...  # type: ignore[valid-type]


def braces(a: {}) -> str: ...  # type: ignore[valid-type]


def a_function(a: print) -> str: ...  # type: ignore[valid-type]


def specification(a: P) -> str: ...  # type: ignore[valid-type]


def mail(to: EmailStr) -> str: ...


def callback(then: Callable[[int], int]) -> str: ...


def request(request: HttpRequest) -> str: ...


def user(user: User) -> str: ...


class Closable(Protocol):
    def close(self) -> None: ...


def protocol(file: Closable) -> str: ...


class Plain:
    pass


def plain_class(a: Plain) -> str: ...


def plain_classes(a: dict[str, list[Plain]]) -> str: ...


def generator(a: Generator[int, None, None]) -> str: ...


def iterator(a: AsyncIterator[int]) -> str: ...


def a_type(kind: type[int]) -> str: ...


def never(a: NoReturn) -> str: ...


def final(a: Final[int] = 3) -> str: ...  # type: ignore[valid-type]


def class_variable(a: ClassVar[int] = 3) -> str: ...  # type: ignore[valid-type]


def standard_typed_dict(filters: Filters) -> str: ...


def two_calls(one: Call, other: Call) -> str: ...


def listed_call(calls: list[Call]) -> str: ...


def call_or_text(call: Call | str) -> str: ...


def current_user() -> str: ...


class Depends:
    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


def injected(user: Annotated[str, Depends(current_user)]) -> str: ...


def injected_default(user: str = Depends(current_user)) -> str: ...  # type: ignore[assignment]


def resolved(user: Annotated[str, Resolve(current_user)]) -> str: ...


def alias_twice(a: Annotated[int, Field(alias="x")], b: Annotated[int, Field(alias="x")]) -> str: ...


def alias_of_another(a: int, b: Annotated[int, Field(alias="a")]) -> str: ...


def alias_choices(a: Annotated[int, Field(validation_alias=AliasChoices("x", "y"))]) -> str: ...


def returns_unimported() -> "Fraction": ...


def narrowing(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def narrowed(a: int) -> Any:
        return function(a, 1)

    return narrowed


@narrowing
def wrapped(a: int, b: int) -> str: ...


@functools.singledispatch
def dispatched(a: int) -> str: ...


class Shop:
    def method(self, a: int) -> str: ...

    @classmethod
    def class_method(cls, a: int) -> str: ...

    part = functools.partialmethod(method, a=1)


class WithRemnant(BaseModel):
    rest: "Nowhere"  # type: ignore[name-defined]  # noqa: F821


def unfinished(a: WithRemnant) -> str: ...


REFUSED: dict[str, tuple[Any, str]] = {
    "*args": (variable, r"\*names.*names: list\[str\]"),
    "**kw": (keywords, r"\*\*others.*others: dict"),
    "**kw of a TypedDict": (unpacked, r"\*\*filters.*dict"),
    "positional only": (positional, r"'a'.*position.*'/'"),
    "another server's context": (foreign, r"'ctx'.*Context.*ctx: Call, from tools_app.call"),
    "another server's context or none": (foreign_maybe, r"'ctx'.*Context.*Call"),
    "TYPE_CHECKING": (unimported, "'amount'.*Fraction.*TYPE_CHECKING"),
    "later": (later, "'order'.*Order.*define it above"),
    "later, in brackets": (in_brackets, "'orders'.*Order.*define it above"),
    "later, a text in brackets": (nested_in_brackets, "'orders'.*Order.*define it above"),
    "no expression": (misspelled, "'a' is annotated with what cannot be read.*Write a type"),
    "an expression that fails": (divided, "ZeroDivisionError.*Write a type"),
    "a number": (number, "'a' is annotated 5, which is no type"),
    "a sentence": (sentence, "'a' is annotated with what cannot be read"),
    "a list of types": (brackets, "'a' is annotated"),
    "a tuple of types": (several, "'a' is annotated"),
    "braces": (braces, "'a' is annotated"),
    "a function as annotation": (a_function, "'a' is annotated"),
    "ParamSpec": (specification, "'a' is annotated"),
    "what is not installed": (mail, "'to' is annotated .*EmailStr.*not installed: email-validator"),
    "a callback": (callback, "'then' is annotated.*no caller can send"),
    "a request": (request, "'request' is annotated .*HttpRequest.*no caller can send"),
    "a model of the database": (user, "'user' is annotated .*User.*no caller can send"),
    "a protocol": (protocol, "'file' is annotated .*Closable"),
    "a class": (plain_class, "'a' is annotated .*Plain.*no caller can send.*pydantic"),
    "a class in brackets": (plain_classes, "'a' is annotated .*Plain"),
    "a generator": (generator, "'a' is annotated"),
    "an async iterator": (iterator, "'a' is annotated"),
    "a type": (a_type, "'kind' is annotated"),
    "never": (never, "'a' is annotated"),
    "Final": (final, "'a' is annotated .*Final.*type alone"),
    "ClassVar": (class_variable, "'a' is annotated .*ClassVar.*type alone"),
    "typing.TypedDict": (standard_typed_dict, "'filters'.*typing_extensions"),
    "a model that is not finished": (unfinished, "'a'.*Nowhere"),
    "two calls": (two_calls, "'one' and 'other' are both annotated Call"),
    "a list of calls": (listed_call, "'calls' has a Call within"),
    "a call or a text": (call_or_text, "'call' has a Call within"),
    "injected": (injected, r"'user' has Depends\(...\).*callers would"),
    "injected by default": (injected_default, r"'user' has Depends\(...\)"),
    "injected by the SDK": (resolved, r"'user' has Resolve\(...\)"),
    "one alias twice": (alias_twice, "'x'.*another alias"),
    "the alias of another": (alias_of_another, "'a'.*another alias"),
    "several aliases": (alias_choices, "'a' has several aliases"),
    "a result that is not imported": (returns_unimported, "Fraction.*TYPE_CHECKING"),
    "a decorator that takes less": (wrapped, "decorator does not take.*kwargs"),
    "singledispatch": (dispatched, "singledispatch.*position.*around it"),
    "a method without its object": (Shop.method, r"method.*'self'.*tool\("),
    "a part of a method without its object": (functools.partial(Shop.method, a=1), r"method.*'self'.*tool\("),
    "a class itself": (Shop, "is a class"),
    "partialmethod": (Shop.__dict__["part"], "partialmethod, and no function"),
    "classmethod": (Shop.__dict__["class_method"], "classmethod, and no function"),
    "property": (property(lambda self: 1), "property, and no function"),
    "a text": ("open_orders", "of the type str, and no function"),
    "a builtin": (len, "'obj'.*position"),
    "a builtin without a signature": (builtins.max, "no signature.*Write a function"),
    "a type of Python": (dict, "is a class"),
    "lambda without a name": (lambda a: a, "1 to 128 letters"),
    "itemgetter": (operator.itemgetter("a"), r"\*args|position|signature|1 to 128"),
}  # fmt: skip


@pytest.mark.parametrize("offer", [tool, prompt, resource("things://{a}")], ids=["tool", "prompt", "resource"])
@pytest.mark.parametrize(("function", "why"), REFUSED.values(), ids=REFUSED)
def test_a_function_that_cannot_be_offered_is_refused_in_words_that_name_it_its_file_and_what_to_write(
    offer: Callable[..., Any], function: Any, why: str
) -> None:
    if offer not in (tool, prompt) and function in (alias_twice, alias_of_another, returns_unimported):
        pytest.skip("is refused for its variables, or returns what a resource may")
    with pytest.raises(BadDefinition) as refused:
        offer(function)
    message = str(refused.value)
    assert re.match(r"\S+\.py:\d+: the (tool|prompt|resource) '.+' cannot be offered\. ", message), message
    assert re.search(why, message), message
    assert not hasattr(function, "__code__") or Path(__file__).name in message
    assert "contextlib" not in message
    assert "\n" not in message and len(message) < 700


class DefinedLater(BaseModel):
    number: int


def test_options_that_do_not_fit_are_refused_in_words() -> None:
    def fine() -> str:
        return ""

    for options, why in (
        ({"nme": "x"}, "nme"),
        ({"name": 5}, "1 to 128 letters"),
        ({"time_limit": "5"}, "time_limit is a number of seconds"),
        ({"time_limit": 0}, "above 0"),
        ({"time_limit": math.nan}, "above 0"),
        ({"time_limit": True}, "above 0"),
        ({"record": "everything"}, "record is one of 'metadata', 'arguments', 'result'"),
        ({"redact": "iban"}, r"redact takes several paths: \['iban'\]"),
        ({"annotations": {"readOnlyHint": True}}, r"annotations are ToolAnnotations\(...\)"),
        ({"extra": "allow"}, "extra is 'forbid' or 'ignore'"),
    ):
        with pytest.raises(BadDefinition, match=rf"test_signatures.py:\d+: the tool '(fine|x|5)'.*{why}"):
            tool(**options)(fine)
    tool(annotations=ToolAnnotations(read_only_hint=True), time_limit=2)(fine)
    with pytest.raises(BadDefinition, match="has a scheme, as in @resource"):
        resource(fine)(fine)  # type: ignore[arg-type]  # what is tried


def test_a_completer_that_cannot_be_called_is_refused_with_the_prompt_s_name() -> None:
    def ask(topic: str) -> str:
        return topic

    for complete, why in ((variable, r"\*names"), (lambda a, b, c: [], "text so far"), (max, "no signature")):
        with pytest.raises(BadDefinition, match=f"the prompt 'ask' .*{why}"):
            prompt(complete={"topic": complete})(ask)


def test_a_prompt_or_resource_that_takes_no_text_is_refused() -> None:
    def tagged(tags: list[str]) -> str:
        return ""

    def of_model(a: DefinedLater) -> str:
        return ""

    for offer in (lambda: prompt(tagged), lambda: prompt(of_model), lambda: resource("x://{a}")(of_model)):
        with pytest.raises(BadDefinition, match="takes no text, and callers send texts"):
            offer()


@pytest.mark.parametrize("command", ["check", "serve"])
def test_a_site_with_a_function_that_cannot_be_offered_says_so_without_a_traceback(
    issuer: Issuer, fresh_sqlite: str, command: str
) -> None:
    said = Site(fresh_sqlite, issuer, TEST_APPS="tests.broken_tools").manage(command)
    assert said.returncode == 2
    assert said.stderr.strip() == (
        "tests/broken_tools/mcp_tools.py:6: the tool 'open_orders' cannot be offered. It takes *customers, and callers "
        "send arguments by name. Write out its parameters, or take a list: customers: list[str]."
    )


# Functions that can be offered.


def offered(function: Any, **options: Any) -> Any:
    tool(**{"name": "it", **options})(function)
    return registered_tools()[options.get("name", "it")]


def called(function: Any, /, **arguments: Any) -> Any:
    """Call it as the site does: with what is read of the arguments."""
    one = offered(function)
    return one.function(**one.accept(one.read(arguments)))


NAMES = (
    "model_config", "model_fields", "model_dump", "schema", "json", "copy", "self", "cls", "_private", "__dunder",
    "field_0", "dict", "validate", "construct", "name", "call", "arguments", "type", "class_", "ärger", "function",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_may_have_any_name(name: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def it({name}: int, other: str = 'x'): return [{name}, other]", scope)
    assert list(offered(scope["it"]).listed.input_schema["properties"]) == [name, "other"]
    registry.unregister("it")
    assert called(scope["it"], **{name: 1}) == [1, "x"]


def test_an_alias_is_what_callers_send_and_the_function_gets_its_own_name() -> None:
    def sent(from_: Annotated[str, Field(alias="from")], to: int = Field(3, alias="class", ge=1)) -> list[Any]:
        return [from_, to]

    one = offered(sent)
    assert set(one.listed.input_schema["properties"]) == {"from", "class"}
    assert one.function(**one.accept({"from": "a"})) == ["a", 3]
    assert one.function(**one.accept({"from": "a", "class": 5})) == ["a", 5]
    assert [argument.name for argument in offered_prompt(sent).listed.arguments] == ["from", "class"]


def offered_prompt(function: Any) -> Any:
    prompt(name="it")(function)
    return registered_prompts()["it"]


def call_last(text: str, call: Call | None = None) -> list[Any]:
    return [text, call]


def call_annotated(call: Annotated[Call, "the call"], text: str) -> list[Any]:
    return [text, call]


def call_optional(*, call: Call | None = None, text: str) -> list[Any]:
    return [text, call]


def call_union(text: str, call: Annotated[Call | None, Field(description="x")] = None) -> list[Any]:
    return [text, call]


def call_in_text(text: "str", call: "Call | None" = None) -> list[Any]:
    return [text, call]


@pytest.mark.parametrize("function", [call_last, call_annotated, call_optional, call_union, call_in_text])
def test_the_call_is_filled_in_wherever_and_however_it_is_annotated(function: Any) -> None:
    one = offered(function)
    assert one.call_parameter == "call"
    assert list(one.listed.input_schema["properties"]) == ["text"]


class Counter:
    """Counts."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __call__(self, by: int = 1) -> int:
        return self.start + by

    def method(self, by: int = 1) -> int:
        """Add."""
        return self.start + by

    part = functools.partialmethod(method, by=7)

    @staticmethod
    def static(by: int) -> int:
        return by

    @classmethod
    def of_class(cls, by: int) -> int:
        return by


class AsyncCounter(Counter):
    async def __call__(self, by: int = 1) -> int:  # type: ignore[override]  # what is tried
        return self.start + by


async def counted(by: int) -> int:
    return by


def passing_on(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def passed(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return passed


@overload
def doubled(by: int) -> int: ...
@overload
def doubled(by: str) -> str: ...
def doubled(by: Any) -> Any:
    return by * 2


@pytest.mark.parametrize(
    ("function", "name", "result"),
    [
        (Counter(1), "Counter", 4),
        (Counter(1).method, "method", 4),
        (Counter(1).part, "method", None),
        (Counter.static, "static", 3),
        (Counter.__dict__["static"], "static", 3),
        (Counter.of_class, "of_class", 3),
        (functools.partial(Counter(1).method), "method", 4),
        (functools.partial(functools.partial(lambda a, by: a + by, 1)), "it", 4),
        (passing_on(Counter(1).method), "method", 4),
        (functools.lru_cache(Counter.static), "static", 3),
        (doubled, "doubled", 6),
    ],
    ids=lambda value: type(value).__name__ if callable(value) else None,
)
def test_whatever_can_be_called_can_be_offered(function: Any, name: str, result: int | None) -> None:
    tool(**({"name": "it"} if name == "it" else {}))(function)
    one = registered_tools()[name]
    if result is None:
        assert one.listed.input_schema["properties"] == {}
        assert one.function(**one.accept({})) == 8
        return
    assert one.function(**one.accept({"by": 3})) == result
    assert one.module and "partial(func" not in (one.listed.description or "")
    assert not one.is_async


@pytest.mark.parametrize(
    "function",
    [
        counted,
        functools.partial(counted, 1),
        AsyncCounter(1),
        staticmethod(counted),
        functools.partial(AsyncCounter(1)),
    ],
)
def test_what_gives_a_coroutine_is_known_to(function: Any) -> None:
    assert offered(function).is_async


def test_what_a_partial_has_bound_no_caller_can_send() -> None:
    def delete(tenant: str, number: int) -> str:
        """Delete."""
        return f"{tenant} {number}"

    one = offered(functools.partial(delete, tenant="ours"))
    assert list(one.listed.input_schema["properties"]) == ["number"]
    assert one.listed.description == "Delete."
    assert one.function(**one.accept({"number": 1})) == "ours 1"
    with pytest.raises(ValueError, match="no such argument"):
        one.accept({"number": 1, "tenant": "theirs"})


class Colour(Enum):
    RED = "red"


_UNSET: Any = object()


def test_a_default_is_what_the_function_says_and_listed_only_if_callers_could_send_it() -> None:
    def defaults(
        unset: str = _UNSET,
        tags: list[str] = [],  # noqa: B006
        day: date = date(2020, 1, 2),
        amount: Decimal = Decimal("1.50"),
        colour: Colour = Colour.RED,
        ratio: float = math.nan,
        limit: int = "all",  # type: ignore[assignment]
        count: int = None,  # type: ignore[assignment]
        size: Annotated[int, Field(ge=1, description="Size.")] = None,  # type: ignore[assignment]
        untyped=10,  # type: ignore[no-untyped-def]
    ) -> Any:
        tags.append("more")
        return [unset, tags, day, amount, colour, ratio, limit, count, size, untyped]

    one = offered(defaults)
    listed = {
        name: said["default"] for name, said in one.listed.input_schema["properties"].items() if "default" in said
    }
    assert listed == {
        "tags": [], "day": "2020-01-02", "amount": "1.50", "colour": "red", "count": None, "size": None, "untyped": 10,
    }  # fmt: skip
    assert one.listed.input_schema["properties"]["size"]["description"] == "Size."
    for _ in range(2):
        unset, tags, *others = one.function(**one.accept({}))
        assert unset is _UNSET and tags == ["more"]
        assert others[:3] == [date(2020, 1, 2), Decimal("1.50"), Colour.RED]
    one.accept(listed)
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        one.accept({"size": 0})


def test_what_says_itself_what_it_is_read_from_may_be_of_any_class() -> None:
    def load(number: Any) -> Any:
        made = Plain()
        made.__dict__["number"] = number
        return made

    def show(
        thing: Annotated[Plain, BeforeValidator(load), WithJsonSchema({"type": "integer"})], more: int = 1
    ) -> list[Any]:
        return [thing.__dict__["number"], more]

    assert called(show, thing=7) == [7, 1]


def test_an_item_of_the_wrong_type_is_refused_before_the_function_runs() -> None:
    def total(numbers: Iterable[int]) -> int:
        return sum(numbers)

    assert called(total, numbers=[1, 2]) == 3
    registry.unregister("it")
    with pytest.raises(ValueError, match="valid integer"):
        called(total, numbers=[1, "x"])


class Counts(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int] = Field(init=False)
    name: str


def test_a_member_that_takes_texts_is_taken_as_it_is_also_beside_others_that_take_none() -> None:
    def take(counts: Counts) -> list[Any]:
        return [counts.name, counts.__pydantic_extra__]

    assert called(take, counts='{"name": "5", "apples": "7"}') == ["5", {"apples": 7}]


def test_a_number_that_no_float_can_hold_is_refused() -> None:
    def take(ratio: float) -> float:
        return ratio

    with pytest.raises(ValueError, match="finite number"):
        called(take, ratio=10**400)


class Tree(BaseModel):
    name: str
    children: list["Tree"] = []


def test_models_that_mean_themselves_can_be_sent() -> None:
    def size(tree: Tree) -> int:
        return 1 + len(tree.children)

    assert called(size, tree={"name": "a", "children": [{"name": "b"}]}) == 2


def test_annotations_may_be_texts_also_within_others() -> None:
    def sum_of(trees: list["DefinedLater"], more: "'int'" = 0) -> int:
        return sum(tree.number for tree in trees) + more

    assert called(sum_of, trees=[{"number": 1}, {"number": 2}], more=3) == 6


# What callers send.


@pytest.fixture(scope="module")
def site(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    with Site(database_url, issuer, TEST_APPS="tests.odd_tools", IGNORED_ARGUMENTS="toolCallId, task_progress") as site:
        rule_for_everybody(database_url, "*")
        yield site
        site.assert_no_traceback()


async def received(site: Site, **arguments: Any) -> Any:
    """What the function of one parameter gets, as Python writes it; what the caller is told where it gets nothing."""
    async with site.streamable_client() as client:
        try:
            answer = await client.call_tool(f"take_{'_'.join(arguments)}", arguments)
        except MCPError as error:
            return error.error.message
    return answer.content[0].text  # type: ignore[union-attr]  # it is a text


TEXTS = ['{"a": 1}', "[1, 2]", "null", "true", "1", '"quoted"', "", " [1] ", "None", "NaN", "{", "1e999", "[" * 5_000]


@pytest.mark.parametrize("name", ["note", "anything", "untyped", "list_or_text", "object_or_text", "text"])
async def test_a_text_reaches_a_parameter_that_takes_texts_as_it_was_sent(site: Site, name: str) -> None:
    for text in TEXTS:
        assert await received(site, **{name: text}) == repr(text)


@pytest.mark.parametrize(
    ("name", "sent", "gets"),
    [
        ("note", None, "None"),
        ("anything", {"a": [1]}, "{'a': [1]}"),
        ("list_or_text", ["a"], "['a']"),
        ("object_or_text", {"a": 1}, "{'a': 1}"),
        ("numbers", [1, 2], "[1, 2]"),
        ("numbers", "[1, 2]", "[1, 2]"),
        ("numbers", '["1", 2]', "[1, 2]"),
        ("numbers_or_none", "[3]", "[3]"),
        ("numbers_or_none", "null", "None"),
        ("mapping", '{"a": {"b": 1}}', "{'a': {'b': 1}}"),
        ("place", '{"city": "Paris", "number": 5}', "Place(city='Paris', number=5, note=None)"),
        ("place", {"city": "[1]", "number": "5", "note": "null"}, "Place(city='[1]', number=5, note='null')"),
        ("place_or_none", '{"city": "Paris", "number": 5}', "Place(city='Paris', number=5, note=None)"),
        ("number", "5", "5"),
        ("number", 5.0, "5"),
        ("number", "-5", "-5"),
        ("fraction", 5, "5.0"),
        ("fraction", "1.5", "1.5"),
        ("flag", True, "True"),
        ("flag", "true", "True"),
        ("flag", "False", "False"),
        ("number_or_none", "null", "None"),
        ("number_or_text", "5", "'5'"),
        ("number_or_text", 5, "5"),
        ("one_of", "2", "2"),
        ("mood", "good", "<Mood.GOOD: 'good'>"),
        ("word_or_none", "b", "'b'"),
        ("word_or_none", None, "None"),
        ("day", "2026-11-30", "datetime.date(2026, 11, 30)"),
        ("pair", [1, "2"], "(1, '2')"),
        ("unique", ["b"], "{'b'}"),
        ("counts", {"1": "2"}, "{1: 2}"),
    ],
)
async def test_what_is_sent_is_taken_as_the_schema_says(site: Site, name: str, sent: Any, gets: str) -> None:
    assert await received(site, **{name: sent}) == gets


@pytest.mark.parametrize(
    ("name", "sent", "told"),
    [
        ("numbers", "1, 2", "valid list|valid array"),
        ("numbers", '{"a": 1}', "valid list|valid array"),
        ("numbers", "null", "valid list|valid array"),
        ("number", "five", "valid integer"),
        ("number", "[5]", "valid integer"),
        ("number", 5.5, "valid integer"),
        ("number", True, "valid integer"),
        ("flag", 1, "valid boolean"),
        ("flag", "yes", "valid boolean"),
        ("text", 5, "valid string"),
        ("text", None, "valid string"),
        ("note", {"a": 1}, "valid string"),
        ("day", 0, "valid date"),
        ("mood", "null", "Input should be"),
    ],
)
async def test_what_the_schema_does_not_take_is_refused_and_never_converted(
    site: Site, name: str, sent: Any, told: str
) -> None:
    answer = await received(site, **{name: sent})
    assert answer.startswith(f"The arguments do not fit take_{name}. {name}: ") and re.search(told, answer), answer


async def test_schemas_have_no_references_but_to_what_means_itself(site: Site) -> None:
    async with site.streamable_client() as client:
        listed = {one.name: one for one in (await client.list_tools()).tools}
    assert "$" not in json.dumps([one.input_schema for name, one in listed.items() if name != "take_tree"])
    assert listed["take_place"].input_schema["properties"]["place"] == Place.model_json_schema()
    assert set(listed["take_tree"].input_schema["$defs"]) == {"Branch"}
    assert "$" not in json.dumps(listed["find_places"].output_schema)


async def test_what_some_clients_add_to_every_call_is_dropped_where_a_setting_names_it(site: Site) -> None:
    added = {"toolCallId": "c1", "task_progress": "- [x] asked"}
    assert await received(site, text="a") == "'a'"
    async with site.streamable_client("adding") as client:
        answer = await client.call_tool("take_text", {"text": "a", **added})
    assert (answer.is_error, answer.content[0].text) == (False, "'a'")  # type: ignore[union-attr]  # it is a text
    assert recorded(site, "adding") == [{"text": "a", "...": {"ignored": ["toolCallId", "task_progress"]}}]


async def test_a_parameter_of_an_ignored_name_gets_what_was_sent(site: Site) -> None:
    async with site.streamable_client("progress") as client:
        answer = await client.call_tool("take_task_progress", {"task_progress": "half", "toolCallId": 1})
    assert answer.content[0].text == "'half'"  # type: ignore[union-attr]  # it is a text
    assert recorded(site, "progress") == [{"task_progress": "half", "...": {"ignored": ["toolCallId"]}}]


async def test_other_unknown_arguments_are_refused_in_words_that_name_them_and_the_known_ones(site: Site) -> None:
    async with site.streamable_client("misspelling") as client:
        answer = await client.call_tool("take_text", {"txet": "a", "toolCallId": 1, "more": 2})
    assert answer.is_error
    assert answer.content[0].text == (  # type: ignore[union-attr]  # it is a text
        "The arguments do not fit take_text. txet: there is no such argument (known: text); "
        "more: there is no such argument."
    )
    assert recorded(site, "misspelling") == [{"txet": "a", "more": 2, "...": {"ignored": ["toolCallId"]}}]


async def test_nobody_can_make_a_record_say_that_something_was_ignored(site: Site) -> None:
    async with site.streamable_client("pretending") as client:
        for name in ("take_text", "no_such_tool"):
            with suppress(MCPError):
                await client.call_tool(name, {"text": "a", "...": {"ignored": ["b"]}})
    assert recorded(site, "pretending") == [{"text": "a", "...": {"argument": {"ignored": ["b"]}}}] * 2


async def test_a_tool_may_ignore_what_it_does_not_have_and_says_so_in_its_schema(site: Site) -> None:
    async with site.streamable_client("generous") as client:
        listed = {one.name: one.input_schema for one in (await client.list_tools()).tools}
        answer = await client.call_tool("take_what_it_knows", {"text": "a", "b": [1], "password": "hunter2"})
    assert answer.content[0].text == "a"  # type: ignore[union-attr]  # it is a text
    assert listed["take_text"]["additionalProperties"] is False
    assert listed["take_what_it_knows"].get("additionalProperties", True) is True
    assert recorded(site, "generous") == [{"text": "a", "...": {"ignored": ["b", "password"]}}]


async def test_rules_decide_on_what_the_function_gets(site: Site) -> None:
    condition = '[{"path": "arguments.guarded", "operator": "equals", "value": 5}]'
    rule_for_everybody(site.database_url, "take_guarded", effect="deny", conditions=condition)
    assert await received(site, guarded=6) == "6"
    for sent in (5, "5", " 5 ", 5.0):
        assert "not with these arguments" in await received(site, guarded=sent)


def recorded(site: Site, subject: str) -> list[Any]:
    """The arguments in the records of somebody's calls."""
    select = "SELECT arguments FROM authz_app_callrecord WHERE subject = ? AND kind = 'tool' ORDER BY id"
    return [json.loads(arguments) for (arguments,) in rows(site.database_url, select, [subject])]


def test_type_variables_take_what_they_are_bound_to() -> None:
    def same(a: T) -> T:
        return a

    assert called(same, a=[1]) == [1]
    assert signature(same)
