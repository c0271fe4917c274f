"""Explains the clauses of one rule in words: how each came out for a call, and why. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import orjson

from authz_app import json_text
from authz_app.explain.unknown_values import UnknownValue, is_unknown
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
class Clause:
    """One thing that a rule asks for. ``verdict`` is None where that is unknown; ``found`` says what there was.

    ``kept`` is false where it is unknown here alone, because a record does not keep what there was.
    """

    asks: str
    verdict: Verdict
    found: str
    kept: bool = True


def clauses_of(
    rule: Rule, token_scopes: frozenset[str], values: Values, now: float, counted: SlidingWindow | None
) -> Iterator[Clause]:
    """List what the rule asks for. Without ``counted``, how much of its limit is used is unknown."""
    if rule.broken:
        yield Clause("that it can be read", None, "It cannot be, so it never helps a caller.")
    for scope in sorted(rule.token_scopes):
        carried = scope in token_scopes
        found = "The token carries it." if carried else "The token lacks it."
        yield Clause(f"the token scope {scope}", carried, found)
    for condition in rule.conditions:
        yield _condition(condition, values[condition.root])
    if rule.begins is not None or rule.ends is not None:
        yield _window(rule, now)
    if rule.limit is not None:
        yield _limit(rule.limit.calls, counted)


def _condition(condition: Condition, values: Mapping[str, Any] | None) -> Clause:
    asks = in_words(condition)
    if values is None:
        return Clause(asks, None, "That depends on the call.")
    if is_unknown(condition.names, values):
        return Clause(asks, None, "What there was is not kept.", kept=False)
    found, came_to = found_at(condition.names, values), verdict(condition, values)
    if found is MISSING:
        path = path_of(condition).partition(".")[2]
        return Clause(asks, came_to, f"The {_HOLDERS[condition.root]} has no {_SINGULAR[condition.root]} {path}.")
    if came_to is None and _has_unknown(found):
        return Clause(asks, None, "There was one; what it was is not kept.", kept=False)
    return Clause(asks, came_to, _found(found, came_to))


def _has_unknown(found: Any) -> bool:
    return isinstance(found, UnknownValue) or (
        isinstance(found, list) and any(isinstance(one, UnknownValue) for one in found)
    )


def _found(found: Any, came_to: Verdict) -> str:
    if isinstance(found, UnknownValue):
        return "There was one."
    text = f"It is {_shown(found)}"
    return f"{text}, which cannot be compared with that." if came_to is None else f"{text}."


def _shown(value: Any) -> str:
    text = json_text.dumps(value, default=lambda _: "…", option=orjson.OPT_PASSTHROUGH_SUBCLASS).decode()
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}... ({len(text)} characters)"


def _window(rule: Rule, now: float) -> Clause:
    begins = "" if rule.begins is None else f" from {moment_words(rule.begins)}"
    ends = "" if rule.ends is None else f" until {moment_words(rule.ends)}"
    return Clause(f"in force{begins}{ends} UTC", rule.in_force_at(now), f"It is {moment_words(now)} UTC.")


def _limit(calls: int, counted: SlidingWindow | None) -> Clause:
    asks = f"no more than {calls:,} call{'s' if calls != 1 else ''}"
    if counted is None:
        return Clause(asks, None, "How many counted at that time is not kept.")
    wait = counted.wait()
    again = f" The next is possible in {ceil(wait)} s." if wait > 0 else ""
    return Clause(asks, wait <= 0, f"{counted.used:,} of them are used.{again}")
