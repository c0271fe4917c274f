"""Rules as they are compiled from their rows; above all those that cannot be read.

Covers: authz_app.policy.rule
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from authz_app.policy.compilation import RuleRow, compile_rule
from authz_app.policy.rule import KINDS, Limit

CITY = '[{"path": "arguments.city", "operator": "equals", "value": "Paris"}]'
NAMED = [(1, "Ada"), (2, "Bo")]


def row(**fields: Any) -> RuleRow:
    plain = dict.fromkeys(RuleRow._fields, "") | dict.fromkeys(("valid_from", "valid_until", "limit_calls"))
    mine = {"id": 7, "effect": "allow", "applies_to": "these", "kind": "tool", "tools": "pay\nsend_*"}
    return RuleRow(**{**plain, **mine, **fields})


def test_a_row_that_can_be_read_is_compiled_as_it_stands() -> None:
    fields = {"token_scopes": "b a", "conditions": CITY, "valid_from": "2027-01-15 12:00:00", "effect": "limit"}
    limit = {"limit_calls": 5, "limit_period": "hour", "limit_per": "together"}
    rule = compile_rule(row(**fields, **limit, valid_until=datetime(2027, 1, 15, 13, tzinfo=UTC)), NAMED)
    assert (rule.id, rule.effect, rule.clients, rule.kind, rule.broken) == (7, "limit", {1, 2}, "tool", False)
    assert (rule.token_scopes, rule.tools) == ({"a", "b"}, ("pay", "send_*"))
    assert (rule.begins, rule.ends, rule.limit) == (1_800_014_400.0, 1_800_018_000.0, Limit(5, 3_600, False))
    assert [condition.names for condition in rule.conditions] == [("city",)]
    assert rule.sentence.startswith("Limit Ada and Bo together to 5 calls of pay and send_* an hour, counted together")
    assert compile_rule(row(applies_to="every"), NAMED).clients is None


@pytest.mark.parametrize(
    ("fields", "listed"),
    [
        ({}, True),
        ({"token_scopes": " "}, False),
        ({"effect": "deny"}, False),
        ({"listed_without_scopes": False}, False),
        ({"listed_without_scopes": "nonsense"}, False),
        ({"conditions": "nonsense"}, False),
    ],
)
def test_only_an_allow_rule_that_asks_for_token_scopes_is_listed_without_them(
    fields: dict[str, Any], listed: bool
) -> None:
    rule = compile_rule(row(**{"token_scopes": "a", "listed_without_scopes": True, **fields}), NAMED)
    assert rule.listed_without_scopes == listed
    assert rule.sentence.endswith("with the token scope a; listed also to those who lack only the scope.") == listed


def test_a_rule_of_every_kind_speaks_of_each() -> None:
    rule = compile_rule(row(kind="all"), NAMED)
    assert (rule.kind, rule.broken, rule.effect) == (None, False, "allow")
    assert all(rule.speaks_of(kind, "send_x") and not rule.speaks_of(kind, "other") for kind in KINDS)


@pytest.mark.parametrize("time", ["2027-01-15 12:00:00+00", "2027-01-15T13:00:00+01:00", "2027-01-15T12:00:00Z"])
def test_a_time_is_read_as_any_database_writes_it(time: str) -> None:
    assert compile_rule(row(valid_until=time), NAMED).ends == 1_800_014_400.0


@pytest.mark.parametrize("column", ["effect", "applies_to", "kind"])
@pytest.mark.parametrize("effect", ["allow", "deny"])
def test_a_rule_of_which_nobody_knows_what_it_is_about_denies_all(column: str, effect: str) -> None:
    rule = compile_rule(row(**{"effect": effect, column: "nonsense"}), NAMED)
    assert (rule.broken, rule.effect, rule.clients, rule.tools, rule.kind) == (True, "deny", None, ("*",), None)
    assert (rule.token_scopes, rule.conditions) == (frozenset(), ())
    assert rule.sentence.endswith(" 'nonsense', so deny everything to everybody.")


NARROWING: list[dict[str, Any]] = [
    {"conditions": "nonsense"},
    {"conditions": '[{"path": "arguments.city", "operator": "like", "value": "Paris"}]'},
    {"conditions": "{}"},
    {"valid_from": "nonsense"},
    {"valid_until": "infinity"},
    {"valid_until": "99999-01-01"},
]
LIMITS: list[dict[str, Any]] = [
    {"limit_calls": None},
    {"limit_calls": 0},
    {"limit_calls": -1},
    {"limit_calls": "many"},
    {"limit_period": "fortnight"},
    {"limit_per": "nonsense"},
]


@pytest.mark.parametrize("fields", NARROWING)
def test_an_allow_rule_that_cannot_be_read_allows_nothing(fields: dict[str, Any]) -> None:
    rule = compile_rule(row(**fields), NAMED)
    assert (rule.broken, rule.effect, rule.clients) == (True, "allow", {1, 2})
    assert rule.sentence.startswith("Unreadable ") and rule.sentence.endswith(", so allow nothing.")


@pytest.mark.parametrize("fields", [{"effect": "deny", **one} for one in NARROWING])
def test_a_deny_rule_that_cannot_be_read_denies_all_it_speaks_of(fields: dict[str, Any]) -> None:
    rule = compile_rule(row(**fields), NAMED)
    assert (rule.broken, rule.effect, rule.clients, rule.kind) == (True, "deny", {1, 2}, "tool")
    assert (rule.conditions, rule.begins, rule.ends) == ((), None, None)
    assert rule.sentence.endswith(", so deny Ada and Bo to call pay and send_*.")


@pytest.mark.parametrize("fields", [*LIMITS, *NARROWING])
def test_a_limit_rule_that_cannot_be_read_denies_all_it_speaks_of(fields: dict[str, Any]) -> None:
    limit = {"effect": "limit", "limit_calls": 5, "limit_period": "day", "limit_per": "client"}
    rule = compile_rule(row(**{**limit, **fields}), NAMED)
    assert (rule.broken, rule.effect, rule.clients, rule.limit) == (True, "deny", {1, 2}, None)


@pytest.mark.parametrize("fields", LIMITS)
def test_what_stands_in_the_limit_of_another_rule_is_not_read(fields: dict[str, Any]) -> None:
    assert not compile_rule(row(**fields), NAMED).broken
