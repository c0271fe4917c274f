"""Tells whether making an answer runs code of a tool's author: such code may take its time, and not on the event loop.

What is all data, and small, is quicker made into an answer where it is than handed to a thread.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import WrapperDescriptorType
from typing import Any

from pydantic import BaseModel, TypeAdapter

from tools_app.definitions.definitions import Runnable

# Values, and characters in them, that are small.
_MOST_VALUES, _MOST_CHARACTERS = 500, 20_000
_SCALARS = frozenset({int, float, bool, type(None)})
_TEXTS = frozenset({str, bytes})
# Where the schema of a type has one of these, pydantic calls functions: validators, serializers, defaults.
_CALLS = frozenset({"default_factory", "computed_fields", "post_init", "custom_init"})


def is_small_data(value: Any) -> bool:
    """Whether a value is plain data through and through, and small."""
    if type(value) in _TEXTS:
        return len(value) <= _MOST_CHARACTERS
    return type(value) in _SCALARS or _is_small([value])


def _is_small(left: list[Any]) -> bool:
    values = characters = 0
    while left:
        value = left.pop()
        kind: Any = type(value)
        values += 1
        if kind in _SCALARS:
            continue
        if kind in _TEXTS:
            characters += len(value)
        elif kind in (list, tuple):
            left.extend(value)
        elif kind is dict:
            left.extend(value)
            left.extend(value.values())
        elif isinstance(value, BaseModel) and not _type_runs_code(kind):
            left.extend(vars(value).values())
            left.extend((value.__pydantic_extra__ or {}).values())
        else:
            return False
        if values + len(left) > _MOST_VALUES or characters > _MOST_CHARACTERS:
            return False
    return True


def accepting_runs_code(runs: Runnable) -> bool:
    """Whether validating the arguments does."""
    arguments = getattr(runs, "arguments", None)
    return arguments is not None and _type_runs_code(arguments.model)


def answering_runs_code(runs: Runnable) -> bool:
    """Whether making a result does that is data itself."""
    output = getattr(runs, "output", None)
    return output is not None and _type_runs_code(output.adapter)


@lru_cache(4_096)
def _type_runs_code(kind: Any) -> bool:
    return _runs_code(kind)


def _runs_code(kind: Any) -> bool:
    """Whether pydantic, where it validates or serializes this type, calls functions."""
    try:
        schema = (kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)).core_schema
    except Exception:  # noqa: BLE001  (a type that cannot be asked)
        return True
    return any(_calls(part) for part in _parts(schema))


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    left = [schema]
    while left:
        one = left.pop()
        if isinstance(one, Mapping):
            yield one
            left.extend(one.values())
        elif isinstance(one, list | tuple):
            left.extend(one)


def _calls(part: Mapping[str, Any]) -> bool:
    kind = part.get("type")
    return (isinstance(kind, str) and kind.startswith("function")) or any(part.get(name) for name in _CALLS)


def says_itself(error: BaseException) -> bool:
    """Whether what an exception says, or one that led to it, is made by Python code of its type."""
    left, seen = [error], 0
    try:
        while left and seen < _MOST_VALUES:
            one, seen = left.pop(), seen + 1
            if not isinstance(type(one).__str__, WrapperDescriptorType):
                return True
            left.extend(linked for linked in (one.__cause__, one.__context__) if linked is not None)
            left.extend(one.exceptions if isinstance(one, BaseExceptionGroup) else ())
    except BaseException:  # noqa: BLE001  (its attributes may be its author's code, too)
        return True
    return bool(left)
