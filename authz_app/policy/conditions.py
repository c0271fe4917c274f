"""Tells whether conditions of rules hold: true, false or unknown. Pure.

A condition is a path, an operator and, for most operators, a value.

**Path**: ``claims.``, ``arguments.`` or ``annotations.`` and the names that lead to a value, with dots between them. A
name that has a dot, a space or a quotation mark stands in quotation marks, as a JSON string:
``claims."https://example.com/roles"``. Names lead through objects alone: what would stand within a list or a text is
missing. ``claims`` are those of the verified token, ``arguments`` the call's own as the caller sent them, and
``annotations`` the tool's, by their names on the wire (``annotations.readOnlyHint``).

**Verdict**: True, False, or None for unknown. What is missing or of another type than the value is unknown, but for
``exists`` and ``absent``, which never are.

    equals     the same text, number, boolean or null as the value
    in         the same as one of the values, which are all of one type
    contains   a text in which the value, a text, occurs; or a list with an item that equals the value
    glob       a text that the value, a glob, matches as a whole
    exists     there is something, be it null
    absent     there is nothing

Types are JSON's and are never converted: ``1``, ``true`` and ``"1"`` are of three types, so that comparing any two of
them is unknown; ``1`` and ``1.0`` are one number. Texts mind their case. A list whose items are not all of the value's
type, and none of which equals it, is unknown to ``contains``; an empty one contains nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, get_args

from authz_app.policy.globs import matches

Verdict = bool | None
Root = Literal["claims", "arguments", "annotations"]
ROOTS: tuple[Root, ...] = get_args(Root)
Scalar = str | int | float | bool | None


class Operator(StrEnum):
    """The operators by which a condition compares."""

    EQUALS = "equals"
    IN = "in"
    CONTAINS = "contains"
    GLOB = "glob"
    EXISTS = "exists"
    ABSENT = "absent"


# Operators that ask only whether a value is there.
PRESENCE = frozenset({Operator.EXISTS, Operator.ABSENT})


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. ``value`` is a scalar, a tuple of scalars for IN, and None for EXISTS and ABSENT."""

    root: Root
    names: tuple[str, ...]
    operator: Operator
    value: Any = None


MISSING: Any = object()


def found_at(names: Sequence[str], values: Mapping[str, Any]) -> Any:
    """The value that the names lead to, or MISSING."""
    found = values.get(names[0], MISSING)
    for name in names[1:]:
        if type(found) is not dict:
            return MISSING
        found = found.get(name, MISSING)
    return found


def verdict(condition: Condition, values: Mapping[str, Any]) -> Verdict:
    """Whether the condition holds for these claims, arguments or annotations, whichever it is about."""
    return _HOLDS[condition.operator](found_at(condition.names, values), condition.value)


def picked(conditions: Iterable[Condition], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the paths of some conditions lead to, and nothing else, each in the place where it was found."""
    paths = sorted({condition.names for condition in conditions}, key=len)
    whole: set[tuple[str, ...]] = set()
    found: dict[str, Any] = {}
    for names in paths:
        value = found_at(names, values)
        if value is not MISSING and not any(names[:depth] in whole for depth in range(1, len(names))):
            whole.add(names)
            inner = found
            for name in names[:-1]:
                inner = inner.setdefault(name, {})
            inner[names[-1]] = value
    return found


def holds(operator: Operator, value: Any, found: Any) -> Verdict:
    """Whether a value that was found meets the operator. What is no JSON value, such as NaN, is unknown."""
    return _HOLDS[operator](found, value)


_TYPES = {str: "text", bool: "boolean", int: "number", float: "number", type(None): "null"}


def type_of(value: Any) -> str | None:
    """The name of a scalar's JSON type; None for what is no scalar."""
    return _TYPES.get(type(value)) if value == value else None  # NaN, which no JSON has, is not even itself


def _equals(found: Any, value: Scalar) -> Verdict:
    if type(found) is str and type(value) is str:
        return found == value
    kind = type_of(found)
    return None if kind is None or kind != type_of(value) else bool(found == value)


def _in(found: Any, values: tuple[Scalar, ...]) -> Verdict:
    kind = type_of(found)
    return None if kind is None or kind != type_of(values[0]) else found in values


def _contains(found: Any, value: Scalar) -> Verdict:
    if type(found) is str:
        return value in found if type(value) is str else None
    return _any(_equals(item, value) for item in found) if type(found) is list else None


def _glob(found: Any, pattern: str) -> Verdict:
    return matches(pattern, found) if type(found) is str else None


def _exists(found: Any, _: None) -> Verdict:
    return found is not MISSING


def _absent(found: Any, _: None) -> Verdict:
    return found is MISSING


_HOLDS: dict[Operator, Callable[[Any, Any], Verdict]] = {
    Operator.EQUALS: _equals,
    Operator.IN: _in,
    Operator.CONTAINS: _contains,
    Operator.GLOB: _glob,
    Operator.EXISTS: _exists,
    Operator.ABSENT: _absent,
}


def _any(verdicts: Iterable[Verdict]) -> Verdict:
    """Whether one verdict is true; unknown if none is, and one is unknown."""
    known: Verdict = False
    for one in verdicts:
        if one:
            return True
        if one is None:
            known = None
    return known


def both(one: Verdict, other: Verdict) -> Verdict:
    """Whether both verdicts are true: false if one is false, and otherwise unknown if one is unknown."""
    return False if one is False or other is False else one and other


def all_hold(conditions: Iterable[Condition], values: Mapping[str, Any]) -> Verdict:
    """Whether all conditions hold for the same values."""
    known: Verdict = True
    for condition in conditions:
        one = verdict(condition, values)
        if one is False:
            return False
        if one is None:
            known = None
    return known
