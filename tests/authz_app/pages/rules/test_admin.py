"""The admin pages of rules, and the sentence while one is edited.

Covers: authz_app.pages.shared.bulk
"""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client as Browser

from authz_app.models import Rule
from authz_app.policy_store import tool_port
from tests.authz_app.pages.browsing import RULES, staff, text
from tests.rows import make_client, make_rule

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def rule_form(**fields: Any) -> dict[str, Any]:
    form = {"effect": "allow", "applies_to": "these", "tools": "TimeTool", "token_scopes": "", "note": ""}
    return {**form, "enabled": "on", **fields}


def test_a_rule_is_saved_with_its_clients_and_tidied(admin_client: Browser) -> None:
    first, second = make_client("First"), make_client("Second")
    fields = rule_form(
        for_clients=[first.pk, second.pk], tools=" TimeTool \n\nweather_*\nTimeTool", token_scopes="b a b"
    )
    admin_client.post(f"{RULES}add/", fields)
    rule = Rule.objects.get()
    assert set(rule.clients.all()) == {first, second}
    assert (rule.tools, rule.token_scopes) == ("TimeTool\nweather_*", "b a")


def test_choosing_every_client_forgets_the_named_ones(admin_client: Browser) -> None:
    named = make_client()
    rule = make_rule(named)
    fields = rule_form(applies_to="every", for_clients=[named.pk])
    admin_client.post(f"{RULES}{rule.pk}/change/", fields)
    rule.refresh_from_db()
    assert rule.sentence() == "Allow every client to call TimeTool."
    assert not rule.clients.exists()


def test_taking_the_last_client_out_leaves_a_rule_for_nobody(admin_client: Browser) -> None:
    rule = make_rule(make_client())
    admin_client.post(f"{RULES}{rule.pk}/change/", rule_form())
    assert Rule.objects.get().sentence() == "Allow nobody: no client is named."


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("tools", "Time Tool", "Time Tool is no name"),
        ("tools", "a,b", "a,b is no name"),
        ("tools", "x" * 129, "128 characters at most"),
        ("token_scopes", 'a"b', "is no token scope"),
        ("token_scopes", "a\\b", "is no token scope"),
        ("token_scopes", "größe", "is no token scope"),
    ],
)
def test_what_no_name_and_no_token_scope_can_be_is_not_saved(
    admin_client: Browser, field: str, value: str, complaint: str
) -> None:
    assert complaint in text(admin_client.post(f"{RULES}add/", rule_form(**{field: value})))
    assert not Rule.objects.exists()


def test_switching_a_deny_rule_off_warns(admin_client: Browser) -> None:
    rule = make_rule(make_client(), effect=Rule.Effect.DENY)
    page = text(admin_client.post(RULES, {"action": "switch_off", "_selected_action": [rule.pk]}, follow=True))
    assert f"Now off: Rule {rule.pk}." in page
    assert "Switching off a deny rule may allow calls that it denied." in page
    assert not Rule.objects.get().enabled


def test_deleting_a_rule_shows_its_sentence_first(admin_client: Browser) -> None:
    rule = make_rule(make_client("Report agent"), effect=Rule.Effect.DENY)
    page = text(admin_client.get(f"{RULES}{rule.pk}/delete/"))
    assert "Deny Report agent to call TimeTool. Without it, calls that it denied may be allowed." in page


def sentence_of(browser: Browser, **fields: Any) -> Any:
    response = browser.post(f"{RULES}sentence/", rule_form(**fields))
    assert response.status_code == 200
    return response.json()


def test_the_sentence_follows_the_form_and_nothing_is_saved(admin_client: Browser) -> None:
    named = make_client("Report agent")
    answer = sentence_of(admin_client, effect="deny", for_clients=[named.pk], token_scopes="time", tools="*")
    assert answer["sentence"] == "Deny Report agent to call every tool, with the token scope time."
    assert not Rule.objects.exists()


def test_the_sentence_is_that_of_the_saved_rule(admin_client: Browser) -> None:
    clients = [make_client(f"Client {n}") for n in range(7)]
    fields = {"for_clients": [client.pk for client in clients], "tools": "b\na", "token_scopes": "x y"}
    shown = sentence_of(admin_client, **fields)["sentence"]
    admin_client.post(f"{RULES}add/", rule_form(**fields))
    assert Rule.objects.get().sentence() == shown


def test_the_sentence_warns_of_what_matches_no_tool(admin_client: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [("tool", "TimeTool"), ("tool", "weather_tool"), ("prompt", "timely")]
    monkeypatch.setattr(tool_port, "_connected", replace(tool_port.connected(), names=lambda: known))
    answer = sentence_of(admin_client, applies_to="every", tools="TimeTool\nweather_*\ntime*")
    assert answer["warnings"] == ["time* matches no registered tool."]
    answer = sentence_of(admin_client, applies_to="every", kind="prompt", tools="TimeTool\ntime*")
    assert answer["warnings"] == ["TimeTool matches no registered prompt."]
    answer = sentence_of(admin_client, applies_to="every", kind="all", tools="TimeTool\ntime*\nx")
    assert answer["warnings"] == ["x matches no registered tool, resource or prompt."]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("", "Allow every client to call TimeTool."),
        ("tool", "Allow every client to call TimeTool."),
        ("resource", "Allow every client to read the resource TimeTool."),
        ("prompt", "Allow every client to use the prompt TimeTool."),
        ("all", "Allow every client to use the tool, resource or prompt TimeTool."),
    ],
)
def test_the_sentence_says_of_what_kind_the_names_are(admin_client: Browser, kind: str, sentence: str) -> None:
    assert sentence_of(admin_client, applies_to="every", kind=kind)["sentence"] == sentence
    admin_client.post(f"{RULES}add/", rule_form(applies_to="every", kind=kind))
    assert Rule.objects.get().kind == (kind or "tool")


def test_the_sentence_warns_of_a_rule_that_is_off(admin_client: Browser) -> None:
    assert "It is switched off, so it decides nothing." in sentence_of(admin_client, enabled="")["warnings"]


def test_a_form_that_cannot_be_saved_has_no_sentence_but_says_why(admin_client: Browser) -> None:
    answer = sentence_of(admin_client, tools="Time Tool", for_clients=["nonsense"])
    assert answer["sentence"] == ""
    assert [warning.split(":")[0] for warning in answer["warnings"]] == ["Clients", "Names"]


def test_the_sentence_is_only_for_those_who_edit_rules(client: Browser) -> None:
    response = staff(client, "view_rule").post(f"{RULES}sentence/", rule_form())
    assert response.status_code == 403


def test_the_sentence_is_not_for_strangers_and_not_by_get(client: Browser, admin_client: Browser) -> None:
    assert client.post(f"{RULES}sentence/", rule_form()).status_code == 302
    assert admin_client.get(f"{RULES}sentence/").status_code == 405


def test_who_may_only_view_rules_sees_the_sentence_and_no_form(client: Browser) -> None:
    rule = make_rule(make_client("Report agent"))
    page = text(staff(client, "view_rule").get(f"{RULES}{rule.pk}/change/"))
    assert "Allow Report agent to call TimeTool." in page
    assert 'name="tools"' not in page
