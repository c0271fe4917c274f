"""What a caller is told whose call is denied, and which token scopes it is told to ask for."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from authz_app.core.ids import uuid7
from authz_app.models import Client as ClientRow, Rule as RuleRow
from authz_app.policy.decision import Client, Target
from authz_app.policy.policy import Policy, decide
from authz_app.policy.principal import Principal
from authz_app.policy.rule import Rule
from tests.callers import caller_for
from tests.tools_app.desk import ISSUER, alice, allow, desk
from tools_app.invocation.access_request import tool_call
from tools_app.invocation.denials import denial
from tools_app.models import Tool

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


def on_a_database(test: Any) -> Any:
    return pytest.mark.database(pytest.mark.django_db(transaction=True)(test))


@on_a_database
@pytest.mark.parametrize(
    ("setting", "name", "reason"),
    [
        (lambda: None, "echo", "no_rule"),
        (lambda: (allow("*"), allow("echo", effect="deny")), "echo", "deny_rule"),
        (lambda: allow("*"), "no_such_tool", "unknown_tool"),
        (lambda: (allow("*"), Tool.objects.filter(name="echo").update(enabled=False)), "echo", "tool_disabled"),
        (lambda: (allow("*"), RuleRow.objects.update(effect="maybe")), "echo", "policy_error"),
    ],
)
def test_a_denied_and_a_nonexistent_tool_are_refused_in_the_same_words(
    setting: Callable[[], object], name: str, reason: str
) -> None:
    setting()
    with desk() as here:
        told = here.refused(name, text="x")
        row = here.record()
    assert told == f"No tool {name!r} is available to you. Record {row.pk}; ask the tests."
    assert (row.decision, row.reason, row.tool, row.deadline) == ("denied", reason, name, None)
    assert row.arguments == '{"text":"x"}'


@on_a_database
@pytest.mark.parametrize(
    ("status", "words", "reason"),
    [
        ("blocked", "Your client is blocked here.", "client_blocked"),
        ("pending", "Your client is waiting for an administrator to make it active.", "client_pending"),
    ],
)
def test_a_client_that_is_not_active_is_told_so(status: str, words: str, reason: str) -> None:
    allow("*")
    ClientRow.objects.create(issuer=ISSUER, subject="alice", status=status)
    with desk() as here:
        told = here.refused("echo", text="x")
        row = here.record()
    assert (told, row.reason) == (f"{words} Record {row.pk}; ask the tests.", reason)


@on_a_database
def test_missing_token_scopes_are_named() -> None:
    allow("echo", token_scopes="write read")
    with desk() as here:
        told = here.refused("echo", alice("read"), text="x")
        row = here.record()
    assert told.startswith("Your access token lacks the token scope 'write' for the tool 'echo'. Ask the auth")
    assert str(row.pk) in told
    assert row.reason == "scope_missing"


@on_a_database
def test_an_endless_name_is_cut_in_the_answer_and_in_the_record() -> None:
    with desk() as here:
        told = here.refused("n" * 100_000)
        row = here.record()
    assert (len(told) < 300, len(row.tool)) == (True, 128)
