"""The parts of one rule, how each came out of a call, and why: in words. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import orjson

from authz_app.explain.unknown_values import Withheld, is_withheld
from authz_app.policy.condition_syntax import in_words, path_of
from authz_app.policy.conditions import MISSING, Condition, Root, Verdict, found_at, verdict
from authz_app.policy.limits import SlidingWindow
from authz_app.policy.rule import Rule
from authz_app.policy.sentence import moment_words

_MOST_SHOWN = 120
_HOLDERS: dict[Root, str] = {"claims": "token", "arguments": "call", "annotations": "tool"}
_SINGULAR: dict[Root, str] = {"claims": "claim", "arguments": "argument", "annotations": "annotation"}
# By root; None where any arguments would do.
Values = Mapping[Root, Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a rule asks for. ``verdict`` is None where it is unknown; ``found`` says what there was.

    ``kept`` is false where it is unknown here alone, because a record does not keep what there was.
    """

    asks: str
    verdict: Verdict
    found: str
    kept: bool = True


def parts_of(
    rule: Rule, token_scopes: frozenset[str], values: Values, now: float, counted: SlidingWindow | None
) -> tuple[Part, ...]:
    """What the rule asks for, part by part. Without ``counted``, how much of its limit is used is unknown."""
    return tuple(_parts(rule, token_scopes, values, now, counted))


def _parts(
    rule: Rule, token_scopes: frozenset[str], values: Values, now: float, counted: SlidingWindow | None
) -> Iterator[Part]:
    if rule.broken:
        yield Part("that it can be read", None, "It cannot be, so it never helps a caller.")
    for scope in sorted(rule.token_scopes):
        carried = scope in token_scopes
        found = "The token carries it." if carried else "The token lacks it."
        yield Part(f"the token scope {scope}", carried, found)
    for condition in rule.conditions:
        yield _condition(condition, values[condition.root])
    if rule.begins is not None or rule.ends is not None:
        yield _window(rule, now)
    if rule.limit is not None:
        yield _limit(rule.limit.calls, counted)


def _condition(condition: Condition, values: Mapping[str, Any] | None) -> Part:
    asks = in_words(condition)
    if values is None:
        return Part(asks, None, "That depends on the call.")
    if is_withheld(condition.names, values):
        return Part(asks, None, "What there was is not kept.", kept=False)
    found, came_to = found_at(condition.names, values), verdict(condition, values)
    if found is MISSING:
        path = path_of(condition).partition(".")[2]
        return Part(asks, came_to, f"The {_HOLDERS[condition.root]} has no {_SINGULAR[condition.root]} {path}.")
    if came_to is None and _has_withheld(found):
        return Part(asks, None, "There was one; what it was is not kept.", kept=False)
    return Part(asks, came_to, _found(found, came_to))


def _has_withheld(found: Any) -> bool:
    return isinstance(found, Withheld) or (isinstance(found, list) and any(isinstance(one, Withheld) for one in found))


def _found(found: Any, came_to: Verdict) -> str:
    if isinstance(found, Withheld):
        return "There was one."
    there = f"It is {_shown(found)}"
    return f"{there}, which cannot be compared with that." if came_to is None else f"{there}."


def _shown(value: Any) -> str:
    text = orjson.dumps(value, default=_withheld, option=orjson.OPT_PASSTHROUGH_SUBCLASS).decode()
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}... ({len(text)} characters)"


def _withheld(_: Any) -> str:
    return "…"


def _window(rule: Rule, now: float) -> Part:
    begins = "" if rule.begins is None else f" from {moment_words(rule.begins)}"
    ends = "" if rule.ends is None else f" until {moment_words(rule.ends)}"
    return Part(f"in force{begins}{ends} UTC", rule.in_force_at(now), f"It is {moment_words(now)} UTC.")


def _limit(calls: int, counted: SlidingWindow | None) -> Part:
    asks = f"no more than {calls:,} call{'s' if calls != 1 else ''}"
    if counted is None:
        return Part(asks, None, "How many counted at that time is not kept.")
    wait = counted.wait()
    again = f" The next is possible in {ceil(wait)} s." if wait > 0 else ""
    return Part(asks, wait <= 0, f"{counted.used:,} of them are used.{again}")
