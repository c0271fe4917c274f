"""Which token scopes a caller is told to ask for."""

from collections.abc import Sequence

import pytest

from authz_app.core.ids import uuid7
from authz_app.policy.decision import Client, Target
from authz_app.policy.policy import Policy, decide
from authz_app.policy.principal import Principal
from authz_app.policy.rule import Rule
from tests.callers import caller_for
from tools_app.invocation.access_request import tool_call
from tools_app.invocation.denials import denial

CLIENT = Client(1, "https://issuer.example/", "alice", "active", "Alice")


def told(token_scopes: str, *rules: tuple[str, str]) -> frozenset[str] | None:
    """What a caller with these token scopes is told to ask for under these rules: effect and token scopes of each."""
    compiled: Sequence[Rule] = [
        Rule(number, "deny" if effect == "deny" else "allow", None, frozenset(scopes.split()), ("echo",), "")
        for number, (effect, scopes) in enumerate(rules)
    ]
    policy = Policy(1, clients={}, rules={rule.id: rule for rule in compiled})
    principal = Principal(CLIENT.issuer, CLIENT.subject, "app", frozenset(token_scopes.split()), 2**33)
    decision = decide(principal, CLIENT, Target("tool", "echo", exists=True, enabled=True), {}, policy, 0.0)
    assert not decision.allowed
    return denial(uuid7(), decision, tool_call("echo", {}), caller_for(principal), "the tests").token_scopes


@pytest.mark.parametrize(
    ("token_scopes", "rules", "expected"),
    [
        ("", [("allow", "a b")], "a b"),
        ("b", [("allow", "a b")], "a b"),
        ("", [("allow", "a b"), ("allow", "c")], "c"),
        ("a", [("allow", "a b"), ("allow", "c d")], "a b"),
        ("", [("allow", "b"), ("allow", "a")], "a"),
        ("", [("allow", "a"), ("allow", "b c"), ("deny", "a")], "b c"),
    ],
)
def test_all_scopes_of_the_rule_that_lacks_the_fewest_are_asked_for(
    token_scopes: str, rules: list[tuple[str, str]], expected: str
) -> None:
    assert told(token_scopes, *rules) == frozenset(expected.split())


@pytest.mark.parametrize(
    ("token_scopes", "rules"),
    [
        ("", []),
        ("", [("deny", "")]),
        ("", [("allow", "a"), ("deny", "")]),
        ("", [("allow", "a"), ("deny", "a")]),
        ("b", [("allow", "a"), ("deny", "b")]),
    ],
)
def test_no_scopes_are_asked_for_where_they_would_not_help(token_scopes: str, rules: list[tuple[str, str]]) -> None:
    assert told(token_scopes, *rules) is None
