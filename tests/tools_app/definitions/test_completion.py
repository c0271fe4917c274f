"""What completes an argument while it is typed."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from tools_app.call import Call
from tools_app.definitions.completion import Completer, completers, completing_nothing, is_async_callable

ARGUMENTS = ("style", "topic")


def completer(complete: Any) -> Completer:
    return completers("poem", {"style": complete}, ARGUMENTS, 2.0)["style"]


def sent(value: str, **others: str) -> dict[str, Any]:
    return {"value": value, "others": others}


async def values(one: Completer, value: str, **others: str) -> list[str]:
    found = one.function(**one.accept(sent(value, **others)))
    return one.answer(await found if one.is_async else found, "").completion.values


@pytest.mark.parametrize(
    ("typed", "expected"), [("", ["plain", "Solemn", "silly"]), ("S", ["Solemn", "silly"]), ("x", [])]
)
async def test_a_list_is_narrowed_to_what_begins_so(typed: str, expected: list[str]) -> None:
    assert await values(completer(["plain", "Solemn", "silly"]), typed) == expected


async def test_a_function_is_given_what_is_typed_and_if_it_takes_them_the_other_arguments() -> None:
    def with_others(text: str, arguments: Mapping[str, str]) -> list[str]:
        return [text, *arguments.values()]

    async def alone(text: str) -> list[str]:
        return [text]

    assert await values(completer(with_others), "a", topic="b") == ["a", "b"]
    assert await values(completer(alone), "a", topic="b") == ["a"]


def test_a_function_may_take_the_call() -> None:
    def completing(text: str, call: Call) -> list[str]:
        return []

    made = completer(completing)
    assert (made.call_parameter, made.accept(sent("a", topic="b"))) == ("call", {"text": "a"})


async def test_an_argument_without_a_completer_completes_nothing() -> None:
    assert await values(completers("poem", None, ARGUMENTS, None)["topic"], "x") == []
    assert await values(completing_nothing("poem"), "x") == []


def test_only_what_is_there_can_be_completed() -> None:
    with pytest.raises(ValueError, match="'poem' has no argument 'colour'"):
        completers("poem", {"colour": []}, ARGUMENTS, None)


@pytest.mark.parametrize("function", [lambda: [], lambda a, b, c: []])
def test_a_completer_takes_one_or_two_parameters(function: Any) -> None:
    with pytest.raises(ValueError, match="takes the text so far"):
        completer(function)


class Plain:
    def __call__(self, text: str) -> None: ...


class Async:
    async def __call__(self, text: str) -> None: ...


@pytest.mark.parametrize(("kind", "is_async"), [(Plain, False), (Async, True)])
def test_what_gives_a_coroutine_is_async(kind: type[Plain] | type[Async], is_async: bool) -> None:
    one = kind()
    whole = (one, one.__call__, partial(one, "a"), partial(partial(one.__call__), "a"))
    assert [is_async_callable(way) for way in whole] == [is_async] * 4
