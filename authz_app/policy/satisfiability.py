"""Searches for arguments with which a call would be allowed: if there are any, the caller may see the tool. Pure.

The search is exact over what conditions can tell apart. Where it would take too much work, which is a tenth of a second
or so, it finds nothing, and the tool is not shown. Work is counted rather than timed, so that a search comes out the
same each time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authz_app.policy.conditions import MISSING, PRESENCE, Condition, Operator, Scalar, holds, type_of, verdict
from authz_app.policy.decision import Shape
from authz_app.policy.globs import common_text, escaped

# In steps of `common_text`, of a microsecond or less.
_MOST_WORK = 100_000
_TRY = 500
# So many values are compared in the time of a step.
_COMPARISONS = 32
# A condition on arguments, and what its verdict has to be.
Demand = tuple[Condition, bool]
_ArgumentPath = tuple[str, ...]
# Operators that only the value itself meets, or one of the values.
_SAME = frozenset({Operator.EQUALS, Operator.IN})


def arguments_between(
    allowed: Sequence[Condition], denied: Sequence[Sequence[Condition]], shape: Shape
) -> dict[str, Any] | None:
    """Arguments for which each condition in ``allowed`` is true, and one condition in each of ``denied`` is false."""
    try:
        return _ArgumentSearch(denied, shape).arguments(
            [*_demands_of(shape), *((condition, True) for condition in allowed)]
        )
    except _TooMuchWork:
        return None


def _demands_of(shape: Shape) -> list[Demand]:
    """The demands that the arguments of any call meet."""
    globs = [(shape.pattern, True), *((glob, False) for glob in shape.never)] if shape.only else []
    return [(Condition("arguments", (shape.only,), Operator.GLOB, glob), wanted) for glob, wanted in globs]


@dataclass(frozen=True, slots=True)
class _Found:
    value: Any


class _TooMuchWork(Exception):
    """The search is given up."""


@dataclass(slots=True)
class _ArgumentSearch:
    denied: Sequence[Sequence[Condition]]
    shape: Shape
    work: int = 0

    def arguments(self, demands: Sequence[Demand]) -> dict[str, Any] | None:
        self._spend(_TRY)
        found = self._meeting(demands)
        if found is None:
            return None
        hit = next((deny for deny in self.denied if not self._denies_not(deny, found)), None)
        if hit is None:
            return found
        # Whatever meets all demands, and is not denied by this one, makes one of its conditions false.
        for condition in hit:
            better = self.arguments([*demands, (condition, False)])
            if better is not None:
                return better
        return None

    def _spend(self, steps: int) -> None:
        self.work += steps
        if self.work > _MOST_WORK:
            raise _TooMuchWork

    def _denies_not(self, deny: Sequence[Condition], found: Mapping[str, Any]) -> bool:
        self._spend(sum(map(_cost, deny)))
        return any(verdict(one, found) is False for one in deny)

    def _meeting(self, demands: Sequence[Demand]) -> dict[str, Any] | None:
        """Arguments that meet all demands."""
        by_path: dict[_ArgumentPath, list[Demand]] = {}
        for demand in demands:
            by_path.setdefault(demand[0].names, []).append(demand)
        values = {path: self._value(on_path) for path, on_path in by_path.items()}
        if any(value is None for value in values.values()):
            return None
        present = {
            path: found.value for path, found in values.items() if found is not None and found.value is not MISSING
        }
        missing = values.keys() - present.keys()
        objects = {path[:depth] for path in present for depth in range(1, len(path))}
        if not _fits(present, objects, missing, by_path, self.shape):
            return None
        arguments: dict[str, Any] = {}
        for path in sorted(present, key=len):
            if path not in objects:
                inner = arguments
                for name in path[:-1]:
                    inner = inner.setdefault(name, {})
                inner[path[-1]] = present[path]
        return arguments

    def _value(self, demands: Sequence[Demand]) -> _Found | None:
        """A value for one path that meets all demands on it; MISSING is one."""
        texts_only = self.shape.texts or bool(self.shape.only)
        for candidate in self._candidates(demands, texts_only):
            for one, wanted in demands:
                self._spend(_cost(one))
                if holds(one.operator, one.value, candidate) is not wanted:
                    break
            else:
                if self.shape.accepts is None or self.shape.accepts(candidate):
                    return _Found(candidate)
        return None

    def _candidates(self, demands: Sequence[Demand], texts_only: bool) -> Iterator[Any]:
        """One value of each type that conditions tell apart, and so one that meets the demands if any value does."""
        named_by_all = [_values(one) for one, wanted in demands if wanted and one.operator in _SAME]
        if named_by_all:
            fewest = min(named_by_all, key=len)
            yield from (value for value in fewest if isinstance(value, str) or not texts_only)
            return
        yield MISSING
        self._spend(sum(_cost(one) for one, _ in demands))
        # By type too, since True == 1.
        named = [*{(type_of(value), value): value for one, _ in demands for value in _values(one)}.values()]
        if not texts_only:
            yield from named
            yield [value for one, wanted in demands if wanted for value in _values(one)]
            numbers = [value for value in named if isinstance(value, int | float)]
            yield max(numbers, default=0) + 1
            yield from (True, False, None)
        yield from (value for value in named if isinstance(value, str))
        wanted = tuple(dict.fromkeys(glob for one, wanted in demands if wanted for glob in _globs(one)))
        unwanted = tuple(dict.fromkeys(glob for one, wanted in demands if not wanted for glob in _globs(one)))
        common = common_text(wanted, unwanted)
        self._spend(common.steps)
        if common.text is not None:
            yield common.text


def _cost(condition: Condition) -> int:
    """What it costs to ask a condition, in steps."""
    return 1 + (len(condition.value) // _COMPARISONS if condition.operator is Operator.IN else 0)


def _fits(
    present: Mapping[_ArgumentPath, Any],
    objects: set[_ArgumentPath],
    missing: set[_ArgumentPath],
    by_path: Mapping[_ArgumentPath, Sequence[Demand]],
    shape: Shape,
) -> bool:
    """Whether the values can stand beside each other: what has members is no value, and cannot be missing."""
    if objects & missing or any(
        condition.operator not in PRESENCE for path in objects & present.keys() for condition, _ in by_path[path]
    ):
        return False
    if shape.only:
        return present.keys() <= {(shape.only,)}
    return not (shape.texts and objects)


def _values(condition: Condition) -> Sequence[Scalar]:
    if condition.operator in PRESENCE:
        return ()
    return condition.value if condition.operator is Operator.IN else (condition.value,)


def _globs(condition: Condition) -> Iterator[str]:
    """The globs one of which a text must match for the condition to hold; none where no text can meet it."""
    for value in _values(condition):
        if isinstance(value, str):
            match condition.operator:
                case Operator.GLOB:
                    yield value
                case Operator.CONTAINS:
                    yield f"*{escaped(value)}*"
                case _:
                    yield escaped(value)
