"""What would help against each refusal, as things stand now."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from authz_app.models import Client, Rule
from authz_app.pages.refusals.remedies import _WORDS, Remedy, current_state, remedy_of
from authz_app.policy.decision import Reason
from authz_app.policy_store import tool_port
from tests.rows import build_refusal, make_client, make_rule

pytestmark = [pytest.mark.django_db, pytest.mark.database]

IN_BERLIN = '[{"path": "arguments.input_timezone", "operator": "equals", "value": "Europe/Berlin"}]'
IN_PARIS = IN_BERLIN.replace("Berlin", "Paris")
IN_ORG = '[{"path": "claims.org", "operator": "equals", "value": "acme"}]'


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [("tool", "TimeTool"), ("prompt", "greet"), ("resource", "order"), ("prompt", "both"), ("resource", "both")]
    monkeypatch.setattr(tool_port, "_connected", replace(tool_port.connected(), names=lambda: known))


@pytest.fixture
def ada() -> Client:
    return make_client("Ada")


def remedy(client: Client, **fields: Any) -> Remedy:
    record = build_refusal(client, **{"token_scopes": "time", **fields})
    return remedy_of(record, current_state([record], timezone.now()))


def links(*rules: Rule) -> tuple[tuple[str, str], ...]:
    return tuple((f"Rule {rule.pk}", f"/admin/authz_app/rule/{rule.pk}/change/") for rule in rules)


def test_there_are_words_for_every_reason() -> None:
    assert set(_WORDS) == set(Reason)


def test_without_a_rule_one_can_be_made(ada: Client) -> None:
    make_rule(make_client("Bo"))
    assert remedy(ada) == Remedy("", allows="tool")


@pytest.mark.parametrize(
    "fields", [{"token_scopes": "other"}, {"conditions": IN_PARIS}, {"conditions": IN_ORG}], ids=str
)
def test_a_rule_that_asks_for_more_is_linked_and_another_can_be_made(ada: Client, fields: dict[str, str]) -> None:
    rule = make_rule(ada, **fields)
    found = remedy(ada)
    assert (found.allows, found.links) == ("tool", links(rule))
    assert found.words


@pytest.mark.parametrize(
    "fields", [{}, {"applies_to": "every"}, {"kind": "all", "tools": "*"}, {"conditions": IN_BERLIN}], ids=str
)
def test_what_a_deny_rule_denies_no_other_rule_allows(ada: Client, fields: dict[str, str]) -> None:
    make_rule(ada)
    deny = make_rule(ada, effect="deny", **fields)
    found = remedy(ada)
    assert (found.allows, found.links) == ("", links(deny))
    assert "change that rule" in found.words


@pytest.mark.parametrize("fields", [{"effect": "nonsense"}, {"applies_to": "nonsense"}, {"kind": "nonsense"}], ids=str)
def test_a_rule_that_cannot_be_read_is_to_be_mended_whomever_it_names(ada: Client, fields: dict[str, str]) -> None:
    rule = make_rule(make_client("Bo"))
    Rule.objects.update(**fields)
    found = remedy(ada)
    assert (found.allows, found.links) == ("", links(rule))
    assert "Mend or delete it" in found.words


@pytest.mark.parametrize("reason", ["no_rule", "deny_rule", "scope_missing", "tool_disabled", "client_pending"])
def test_what_is_allowed_by_now_needs_nothing_more(ada: Client, reason: str) -> None:
    rule = make_rule(ada, conditions=IN_BERLIN, valid_until=timezone.now() + timedelta(hours=1))
    assert remedy(ada, reason=reason) == Remedy("A rule allows it by now.", links=links(rule))
    Rule.objects.update(valid_until=timezone.now())
    assert remedy(ada, reason=reason).allows == "tool"


def test_of_a_limit_that_was_spent_the_limit_is_linked(ada: Client) -> None:
    make_rule(ada)
    limit = make_rule(ada, effect="limit", limit_calls=1, limit_period="day", limit_per="client")
    found = remedy(ada, reason="limit_reached")
    assert (found.allows, found.links) == ("", links(limit))
    assert "raise the limit" in found.words
    limit.delete()
    assert remedy(ada, reason="limit_reached").words == "A rule allows it by now."


@pytest.mark.parametrize("status", ["pending", "blocked"])
@pytest.mark.parametrize("kind", ["tool", "session"])
def test_for_a_client_that_is_not_active_no_rule_helps(status: str, kind: str) -> None:
    client = make_client("Ada", status=status)
    make_rule(client)
    found = remedy(client, kind=kind)
    assert not found.allows
    assert "Make it active" in found.words
    assert found.links == (("Ada", f"/admin/authz_app/client/{client.pk}/change/"),)


def test_a_session_needs_no_rule(ada: Client) -> None:
    assert remedy(ada, kind="session", tool="", reason="client_pending") == Remedy("It may open MCP sessions by now.")


def test_a_client_that_is_gone_gets_no_rule(ada: Client) -> None:
    record = build_refusal(ada)
    ada.delete()
    found = remedy_of(record, current_state([record], timezone.now()))
    assert not found.allows
    assert "deleted since" in found.words


def test_what_is_switched_off_is_to_be_switched_on(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    off = replace(tool_port.connected(), switched_off=lambda: frozenset({("tool", "TimeTool")}))
    monkeypatch.setattr(tool_port, "_connected", off)
    found = remedy(ada)
    assert (found.allows, found.in_tools) == ("", True)
    assert "Switch it on" in found.words


@pytest.mark.parametrize("effect", ["allow", "deny"])
def test_where_arguments_decide_that_no_record_has_it_is_not_told_as_allowed(ada: Client, effect: str) -> None:
    make_rule(ada, kind="resource", tools="order", conditions=IN_BERLIN, effect=effect)
    make_rule(ada, kind="resource", tools="order") if effect == "deny" else None
    found = remedy(ada, kind="resource", tool="order", arguments='{"uri": "orders://7"}')
    assert found.words == "A rule allows it under conditions that this call did not meet."


@pytest.mark.parametrize(
    ("kind", "tool", "arguments", "allows"),
    [
        ("tool", "TimeTool", "{}", "tool"),
        ("tool", "TimeTool", "no JSON", "tool"),
        ("tool", "order", "{}", ""),
        ("tool", "gone", "{}", ""),
        ("resource", "order", "{}", "resource"),
        ("prompt", "greet", "{}", "prompt"),
        ("completion", "greet", "{}", "prompt"),
        ("completion", "order", '{"uri": "orders://{id}"}', "resource"),
        ("completion", "both", "{}", "prompt"),
        ("completion", "both", '{"uri": "x://y"}', "resource"),
        ("completion", "TimeTool", "{}", ""),
    ],
)
def test_a_rule_is_of_the_kind_that_was_asked_for(
    ada: Client, kind: str, tool: str, arguments: str, allows: str
) -> None:
    found = remedy(ada, kind=kind, tool=tool, arguments=arguments)
    assert found.allows == allows
    assert found.in_tools == (not allows)
