"""Says what callers get of a function that yields, in a list, or that returns what is awaited."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
)
from types import GenericAlias
from typing import Annotated, Any, get_args, get_origin

_ONE_BY_ONE = (Iterator, Generator, Iterable, AsyncIterator, AsyncGenerator, AsyncIterable)


def result_type(annotation: Any) -> Any:
    """A return type as callers get it: ``list[T]`` for an iterator of ``T``, ``T`` for an awaitable."""
    origin, of = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return Annotated[(result_type(of[0]), *of[1:])]
    if origin in _ONE_BY_ONE:
        return GenericAlias(list, of[:1])
    if origin in (Awaitable, Coroutine):
        return result_type(of[-1])
    return list[Any] if annotation in _ONE_BY_ONE else annotation
