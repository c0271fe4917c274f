"""What an explanation says of each part of each rule, and of the decision.

Covers: authz_app.explain.clauses, authz_app.explain.wording
"""

from dataclasses import replace
from typing import Any

import pytest

from authz_app.explain.explanation import Case, Counted, Explanation, explain, replayed
from authz_app.explain.unknown_values import UNKNOWN, recorded
from authz_app.explain.wording import verdict_words
from authz_app.policy.condition_syntax import typed_line
from authz_app.policy.decision import Client, Target
from authz_app.policy.policy import Policy
from authz_app.policy.principal import Principal
from authz_app.policy.rule import Effect, Limit, Rule

ISSUER = "https://issuer.example/"
DEMO = Client(1, ISSUER, "demo", "active", "Demo")
PAY = Target("tool", "pay", True, True, {"readOnlyHint": False})
NOON = 1_800_000_000.0
PAID = {"to": "Ada", "amount": 5}


def rule(number: int, effect: Effect, *conditions: str, scopes: str = "", **fields: Any) -> Rule:
    asks = tuple(typed_line(line) for line in conditions)
    return Rule(number, effect, None, frozenset(scopes.split()), ("pay",), f"Rule {number}.", conditions=asks, **fields)


LIMIT = rule(9, "limit", limit=Limit(3, 60))


def explained(
    *rules: Rule,
    arguments: Any = PAID,
    scopes: str = "",
    claims: Any = None,
    target: Target = PAY,
    client: Client = DEMO,
    counted: Counted | None = None,
) -> Explanation:
    principal = Principal(ISSUER, "demo", "", frozenset(scopes.split()), 0, claims or {})
    policy = Policy(7, clients={(ISSUER, "demo"): client}, rules={one.id: one for one in rules})
    return explain(Case(principal, client, target, arguments, NOON), policy, counted)


@pytest.mark.parametrize(
    ("one", "asks", "verdict", "found"),
    [
        (rule(1, "allow", scopes="a"), "the token scope a", True, "The token carries it."),
        (rule(1, "allow", scopes="b"), "the token scope b", False, "The token lacks it."),
        (rule(1, "allow", "arguments.to equals Ada"), 'arguments.to equals "Ada"', True, 'It is "Ada".'),
        (rule(1, "allow", "arguments.to equals Bo"), 'arguments.to equals "Bo"', False, 'It is "Ada".'),
        (
            rule(1, "allow", "arguments.to equals 5"),
            "arguments.to equals 5",
            None,
            'It is "Ada", which cannot be compared with that.',
        ),
        (rule(1, "allow", "claims.org equals x"), 'claims.org equals "x"', None, "The token has no claim org."),
        (rule(1, "allow", "claims.org absent"), "claims.org is not there", True, "The token has no claim org."),
        (rule(1, "allow", "arguments.a.b exists"), "arguments.a.b is there", False, "The call has no argument a.b."),
        (
            rule(1, "allow", "annotations.title exists"),
            "annotations.title is there",
            False,
            "The tool has no annotation title.",
        ),
        (
            rule(1, "allow", ends=NOON),
            "in force until 2027-01-15 08:00 UTC",
            False,
            "It is 2027-01-15 08:00 UTC.",
        ),
        (rule(1, "allow", broken=True), "that it can be read", None, "It cannot be, so it never helps a caller."),
    ],
)
def test_each_part_of_a_rule_is_said_to_be_true_false_or_unknown(
    one: Rule, asks: str, verdict: bool | None, found: str
) -> None:
    (concern,) = explained(one, scopes="a").concerns
    (clause,) = concern.clauses
    assert (clause.asks, clause.verdict, clause.found) == (asks, verdict, found)
    assert concern.applies is (verdict is True)


def test_a_long_value_is_cut() -> None:
    (concern,) = explained(rule(1, "allow", "arguments.to equals x"), arguments={"to": "y" * 5_000}).concerns
    assert len(concern.clauses[0].found) < 200


def test_rules_that_decided_come_first_and_what_denies_before_what_allows() -> None:
    rules = [rule(1, "allow"), rule(2, "deny"), rule(3, "deny", scopes="a"), rule(4, "deny")]
    explanation = explained(*rules)
    assert [concern.rule.id for concern in explanation.deciding] == [2, 4]
    assert [(concern.rule.id, concern.applies) for concern in explanation.others] == [(1, True), (3, False)]


@pytest.mark.parametrize(
    ("counted", "allowed", "found"),
    [
        ({}, True, "0 of them are used."),
        ({(9, 1): f"[[{NOON - 30}, 2]]"}, True, "2 of them are used."),
        ({(9, 1): f"[[{NOON - 30}, 3]]"}, False, "3 of them are used. The next is possible in 30 s."),
        ({(9, 0): f"[[{NOON - 30}, 3]]", (9, 2): f"[[{NOON - 30}, 3]]"}, True, "0 of them are used."),
        (None, True, "How many counted at that time is not kept."),
    ],
)
def test_how_much_of_a_limit_is_used(counted: Counted | None, allowed: bool, found: str) -> None:
    explanation = explained(rule(1, "allow"), LIMIT, counted=counted)
    clauses = [clause for concern in explanation.concerns if concern.rule is LIMIT for clause in concern.clauses]
    assert explanation.decision.allowed is allowed
    assert [(clause.asks, clause.found) for clause in clauses] == [("no more than 3 calls", found)]
    assert {concern.rule.id for concern in explanation.deciding} == ({1} if allowed else {9})


def test_without_arguments_an_example_of_allowed_ones_is_given_and_explained() -> None:
    rules = rule(1, "allow", "arguments.to in Ada, Bo"), rule(2, "deny", "arguments.to glob A*")
    explanation = explained(*rules, arguments=None)
    assert (explanation.decision.allowed, explanation.example) == (True, {"to": "Bo"})
    assert [(concern.rule.id, concern.applies) for concern in explanation.concerns] == [(1, True), (2, False)]


def test_without_arguments_what_depends_on_them_is_unknown_where_none_would_do() -> None:
    explanation = explained(rule(1, "allow", "arguments.to equals Ada", scopes="a"), arguments=None)
    (concern,) = explanation.concerns
    assert (explanation.decision.allowed, explanation.example) == (False, None)
    assert [clause.verdict for clause in concern.clauses] == [False, None]
    assert concern.clauses[1].found == "That depends on the call."


BLOCKED, PENDING = replace(DEMO, status="blocked"), replace(DEMO, status="pending")


@pytest.mark.parametrize(
    ("explanation", "words"),
    [
        (explained(rule(1, "allow")), "Rule 1 allows it, and no rule denies it."),
        (
            explained(rule(2, "allow"), rule(1, "allow"), LIMIT),
            "Rules 1 and 2 allow it, and no rule denies it, within the limits of rule 9.",
        ),
        (explained(rule(1, "deny")), "Rule 1 denies it, and a deny rule beats every allow rule."),
        (explained(), "No rule allows it."),
        (
            explained(rule(1, "allow", scopes="a"), rule(2, "allow", scopes="b c")),
            "The token lacks the token scopes a or b c, with which rules 1 and 2 would allow it.",
        ),
        (
            explained(rule(1, "allow", "claims.org exists")),
            "Rule 1 would allow it, but not all conditions there are true.",
        ),
        (
            explained(rule(1, "allow"), LIMIT, counted={(9, 1): f"[[{NOON - 30}, 3]]"}),
            "Rule 9: the limit is spent. The next call is possible in 30 s.",
        ),
        (explained(rule(1, "allow", broken=True)), "Rule 1 cannot be read, and in doubt nothing is allowed."),
        (
            explained(rule(1, "allow"), client=BLOCKED),
            "The client is blocked, so nothing is allowed to it, whatever the rules say.",
        ),
        (
            explained(rule(1, "allow"), client=PENDING),
            "The client is pending: nothing is allowed to it until somebody makes it active.",
        ),
        (explained(target=PAY._replace(exists=False)), "There is no such tool."),
        (explained(target=PAY._replace(enabled=False)), "The tool is switched off, so it is refused to everybody."),
    ],
)
def test_the_decision_in_words(explanation: Explanation, words: str) -> None:
    assert verdict_words(explanation.decision, PAY) == words


def replay(*rules: Rule, arguments: Any, reason: str, ids: set[int]) -> tuple[Explanation, bool]:
    principal = Principal(ISSUER, "demo", "", frozenset(), 0, {})
    policy = Policy(7, clients={}, rules={one.id: one for one in rules})
    return replayed(Case(principal, DEMO, PAY, arguments, NOON), policy, reason, ids)


def test_a_recorded_decision_comes_out_the_same_again() -> None:
    rules = rule(1, "allow"), rule(2, "deny", "arguments.to equals Ada"), LIMIT
    assert replay(*rules, arguments=PAID, reason="deny_rule", ids={2})[1]
    assert replay(*rules, arguments={"to": "Bo"}, reason="allowed", ids={1})[1]
    assert replay(*rules, arguments={"to": "Bo"}, reason="limit_reached", ids={9})[1]
    assert not replay(*rules, arguments={"to": "Bo"}, reason="deny_rule", ids={2})[1]
    assert not replay(*rules, arguments=PAID, reason="limit_reached", ids={9})[1]
    assert not replay(*rules, arguments={"to": "Bo"}, reason="limit_reached", ids={2})[1]


@pytest.mark.parametrize("arguments", [UNKNOWN, recorded('{"to": "[redacted]"}')])
def test_whether_a_rule_applied_is_unknown_where_the_record_does_not_keep_what_it_asks_about(arguments: Any) -> None:
    rules = (
        rule(1, "allow"),
        rule(2, "deny", "arguments.to equals Ada"),
        rule(3, "deny", "arguments.to equals Ada", scopes="a"),
    )
    explanation, agrees = replay(*rules, arguments=arguments, reason="allowed", ids={1})
    assert not agrees
    assert {concern.rule.id: concern.applies for concern in explanation.concerns} == {1: True, 2: None, 3: False}
    assert [concern.rule.id for concern in explanation.deciding] == [1]
