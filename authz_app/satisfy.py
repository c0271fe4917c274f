"""Find arguments with which a call would be allowed: whether there are any decides what a caller may see. Pure.

The search is exact over what conditions can tell apart. Where it would take too long it finds nothing, and what is not
found is not shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from authz_app.conditions import MISSING, PRESENCE, Condition, Operator, Scalar, holds, verdict
from authz_app.globs import common_text, escaped

_MOST_TRIES = 200
# A condition on arguments, and what its verdict has to be.
Demand = tuple[Condition, bool]
_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the arguments of a call can be.

    ``texts``: texts alone, as MCP has it for prompts. ``only`` is the one argument there is, where there is but one: it
    is never missing, and is a text that the glob ``pattern`` matches.
    """

    texts: bool = False
    only: str = ""
    pattern: str = "*"


ANY_ARGUMENTS = Shape()


def arguments_between(
    allowed: Sequence[Condition], denied: Sequence[Sequence[Condition]], shape: Shape
) -> dict[str, Any] | None:
    """Arguments of which each condition in ``allowed`` is true, and one condition in each of ``denied`` is false."""
    given = [(Condition("arguments", (shape.only,), Operator.GLOB, shape.pattern), True)] if shape.only else []
    return _Search(denied, shape).arguments([*given, *((condition, True) for condition in allowed)])


@dataclass(slots=True)
class _Search:
    denied: Sequence[Sequence[Condition]]
    shape: Shape
    tries: int = field(default=0)

    def arguments(self, demands: Sequence[Demand]) -> dict[str, Any] | None:
        self.tries += 1
        found = _meeting(demands, self.shape) if self.tries <= _MOST_TRIES else None
        if found is None:
            return None
        hit = next((deny for deny in self.denied if not any(verdict(one, found) is False for one in deny)), None)
        if hit is None:
            return found
        # Whatever meets all demands, and is not denied by this one, makes one of its conditions false.
        for condition in hit:
            better = self.arguments([*demands, (condition, False)])
            if better is not None:
                return better
        return None


def _meeting(demands: Sequence[Demand], shape: Shape) -> dict[str, Any] | None:
    """Arguments that meet all demands."""
    by_path: dict[_Path, list[Demand]] = {}
    for demand in demands:
        by_path.setdefault(demand[0].names, []).append(demand)
    values = {path: _value(theirs, shape) for path, theirs in by_path.items()}
    if any(value is None for value in values.values()):
        return None
    there = {path: found.value for path, found in values.items() if found is not None and found.value is not MISSING}
    missing = values.keys() - there.keys()
    objects = {path[:depth] for path in there for depth in range(1, len(path))}
    if not _fits(there, objects, missing, by_path, shape):
        return None
    arguments: dict[str, Any] = {}
    for path in sorted(there, key=len):
        if path not in objects:
            inner = arguments
            for name in path[:-1]:
                inner = inner.setdefault(name, {})
            inner[path[-1]] = there[path]
    return arguments


def _fits(
    there: Mapping[_Path, Any],
    objects: set[_Path],
    missing: set[_Path],
    by_path: Mapping[_Path, Sequence[Demand]],
    shape: Shape,
) -> bool:
    """Whether the values can stand beside each other: what has members is no value, and cannot be missing."""
    if objects & missing or any(
        condition.operator not in PRESENCE for path in objects & there.keys() for condition, _ in by_path[path]
    ):
        return False
    if shape.only:
        return there.keys() <= {(shape.only,)}
    return not (shape.texts and objects)


@dataclass(frozen=True, slots=True)
class _Found:
    value: Any


def _value(demands: Sequence[Demand], shape: Shape) -> _Found | None:
    """A value for one path that meets all demands on it; MISSING is one."""
    texts_only = shape.texts or bool(shape.only)
    for candidate in _candidates(demands, texts_only):
        if all(holds(one.operator, one.value, candidate) is wanted for one, wanted in demands):
            return _Found(candidate)
    return None


def _candidates(demands: Sequence[Demand], texts_only: bool) -> Iterator[Any]:
    """One value of each type that conditions tell apart, and so one that meets the demands if any value does."""
    yield MISSING
    named = [value for one, _ in demands for value in _values(one)]
    if not texts_only:
        yield from named
        yield [value for one, wanted in demands if wanted for value in _values(one)]
        numbers = [value for value in named if isinstance(value, int | float)]
        yield max(numbers, default=0) + 1
        yield from (True, False, None)
    yield from (value for value in named if isinstance(value, str))
    wanted = tuple(dict.fromkeys(glob for one, wanted in demands if wanted for glob in _globs(one)))
    unwanted = tuple(dict.fromkeys(glob for one, wanted in demands if not wanted for glob in _globs(one)))
    text = common_text(wanted, unwanted)
    if text is not None:
        yield text


def _values(condition: Condition) -> Sequence[Scalar]:
    if condition.operator in PRESENCE:
        return ()
    return condition.value if condition.operator is Operator.IN else (condition.value,)


def _globs(condition: Condition) -> Iterator[str]:
    """The globs of which a text must match one for the condition to hold; what a text cannot meet has none."""
    for value in _values(condition):
        if isinstance(value, str):
            match condition.operator:
                case Operator.GLOB:
                    yield value
                case Operator.CONTAINS:
                    yield f"*{escaped(value)}*"
                case _:
                    yield escaped(value)
