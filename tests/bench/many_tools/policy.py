"""A large team's policy, as unsaved rows: the callers may call `echo` and half of the tools."""

from collections.abc import Iterator, Sequence
from typing import Any

from authz_app.models import Client, Rule, RuleClient
from authz_app.policy.condition_syntax import stored, typed_line
from tests.bench.plan import CALLERS, subject

ISSUER = "https://issuer.example/"
_EVERY = Rule.AppliesTo.EVERY_CLIENT
_DENY = Rule.Effect.DENY


def clients(issuer: str, count: int) -> Iterator[Client]:
    """Clients, the first of whom are the callers."""
    return (Client(issuer=issuer, subject=subject(number), name=f"Agent {number}") for number in range(count))


def rules(count: int) -> Iterator[Rule]:
    """Two rules for the callers, and others: most for some clients, one in 25 for all, some switched off."""
    yield from [Rule(applies_to=_EVERY, tools="echo"), Rule(applies_to=_EVERY, tools="tool_0*")][:count]
    yield from (_rule(number) for number in range(2, count))


def _rule(number: int) -> Rule:
    tool, team = f"tool_{number % 199:03}", f"team-{number % 40}"
    match number % 50:
        case 0:
            also = "e?ho" if number % 500 == 0 else ""
            return Rule(applies_to=_EVERY, token_scopes=team, tools=f"{tool[:-1]}*\n{also}")
        case 1:
            return Rule(applies_to=_EVERY, effect=_DENY, token_scopes="suspended", tools=f"{tool}*")
        case 2 | 3 | 4 | 5:
            return Rule(effect=_DENY, tools=f"{tool[:-2]}*")
        case 6 | 7 | 8:
            return Rule(tools="*", enabled=False)
        case 9 | 10 | 11:
            return Rule(tools=f"ec*\n{tool}", token_scopes="read")
        case position if position < 30:
            return Rule(tools=f"{tool[:-1]}?\n*_{number % 7}", token_scopes=team)
        case _:
            return Rule(tools=tool)


def memberships(saved: Sequence[Rule], named: Sequence[Client]) -> Iterator[RuleClient]:
    """One to three clients for each rule that is for some; deny rules are for others than the callers."""
    for number, rule in enumerate(saved):
        if rule.applies_to != _EVERY:
            able = named[CALLERS:] if rule.effect == _DENY else named
            chosen = {(number * 7 + step * 131) % len(able) for step in range(1 + number % 3)}
            yield from (RuleClient(rule=rule, client=able[index]) for index in sorted(chosen))


def a_handful() -> Iterator[Rule]:
    """Rules of every sort for the one client that is measured, which may call `echo`."""
    yield Rule(tools="echo")
    yield _asking("deny", "arguments.city in Rome, Pisa", tools="echo")
    yield _asking("deny", "claims.team equals contractors", tools="ec*")
    yield _asking(
        "limit", "arguments.text contains x", tools="e?ho", limit_calls=100, limit_period="minute", limit_per="client"
    )
    yield _asking("allow", "annotations.readOnlyHint equals true", tools="*", token_scopes="read")


def spread_rules(count: int) -> Iterator[Rule]:
    """Rules that are for others: one in 100 for every client but of other tools, every tenth with a condition."""
    for number in range(count):
        tools = f"tool_{number % 199:03}" if number % 7 else f"tool_{number % 19:02}*\nmore_{number % 50}"
        asks = ["arguments.city equals Paris", f"claims.team equals team-{number % 40}"] if number % 10 == 0 else []
        every = {"applies_to": _EVERY} if number % 100 == 0 else {}
        yield _asking(
            "deny" if number % 9 == 0 else "allow",
            *asks,
            tools=tools,
            token_scopes="read" if number % 3 else "",
            **every,
        )


def spread_memberships(saved: Sequence[Rule], named: Sequence[Client]) -> Iterator[RuleClient]:
    """One or two clients for each rule that is for some; none is the one that is measured."""
    others = named[1:] or named
    for number, rule in enumerate(saved):
        if rule.applies_to != _EVERY:
            chosen = {number * 7 % len(others), number * 13 % len(others)}
            yield from (RuleClient(rule=rule, client=others[index]) for index in sorted(chosen))


def _asking(effect: str, *lines: str, **fields: Any) -> Rule:
    return Rule(effect=effect, conditions=stored(typed_line(line) for line in lines), **fields)
