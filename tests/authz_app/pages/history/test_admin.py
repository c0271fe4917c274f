"""The admin pages of the policy history.

Covers: authz_app.pages.history.changes, authz_app.pages.history.filters, authz_app.pages.shared.policy_history
"""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from authz_app.core import actor
from authz_app.history.past import first_version
from authz_app.models import Client, PolicyEdit, PolicyRevision, Rule, User
from authz_app.policy_store.loading import stored_version
from tests.rows import build_record, make_client, make_rule
from tools_app.models import Tool

HISTORY = "/admin/authz_app/policyedit/"
HOSTILE = "</li><script>alert(1)</script>"

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


def text(browser: Browser, path: str, status: int = 200, **parameters: Any) -> str:
    response = browser.get(path, parameters)
    assert response.status_code == status
    return str(response.content.decode())


def staff(browser: Browser, *codenames: str) -> Browser:
    user = User.objects.create_user("clerk", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    browser.force_login(user)
    return browser


@pytest.fixture
def rule() -> Rule:
    with actor.acting(actor.user("ada")):
        return make_rule(make_client("Demo"), note="Why.")


def deny(rule: Rule, who: str = "bo") -> int:
    with actor.acting(actor.user(who)):
        Rule.objects.filter(pk=rule.pk).update(effect="deny")
    return stored_version()


def test_the_list_says_who_changed_what(admin_client: Browser, rule: Rule) -> None:
    deny(rule)
    page = text(admin_client, HISTORY)
    assert f"Rule {rule.pk}: Allow Demo to call TimeTool. → Deny Demo to call TimeTool." in page
    assert ">bo<" in page.replace("\n", "").replace(" ", "")
    assert "The history begins here" in page


def test_the_sidebar_leads_to_it_for_those_who_may_see_it(admin_client: Browser, client: Browser) -> None:
    assert HISTORY in text(admin_client, "/admin/")
    clerk = staff(client, "view_rule")
    assert HISTORY not in text(clerk, "/admin/")
    for path in (HISTORY, f"{HISTORY}compare/", f"{HISTORY}version/1/", f"{HISTORY}at/1/"):
        assert clerk.get(path).status_code == 403
    clerk.logout()
    assert text(staff_of_history(clerk), HISTORY)


def staff_of_history(browser: Browser) -> Browser:
    user = User.objects.create_user("auditor", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_policyedit"))
    browser.force_login(user)
    return browser


def test_nobody_writes_history_by_hand(admin_client: Browser, rule: Rule) -> None:
    edit = PolicyEdit.objects.latest("id")
    for path in ("add/", f"{edit.pk}/delete/"):
        assert admin_client.get(HISTORY + path).status_code == 403
    assert admin_client.post(f"{HISTORY}{edit.pk}/change/", {"actor": "x"}).status_code == 403


def test_notes_and_first_sights_are_shown_of_the_one_rule_or_client_that_is_chosen(
    admin_client: Browser, rule: Rule
) -> None:
    rule.note = "Another reason."
    rule.save()
    assert "note changed" not in text(admin_client, HISTORY)
    page = text(admin_client, HISTORY, rule=rule.pk)
    assert f"Rule {rule.pk}: note changed." in page
    assert "no new version" in page
    client = Client.objects.get()
    page = text(admin_client, HISTORY, client=client.pk)
    assert f"Client {client.pk} added: Demo, active" in page
    assert "Allow Demo to call TimeTool." in page


def test_of_a_chosen_rule_the_list_tells_what_happened_to_it_alone(admin_client: Browser, rule: Rule) -> None:
    others = [Rule.objects.create(tools="x") for _ in range(3)]
    Rule.objects.update(enabled=False)
    page = text(admin_client, HISTORY, rule=others[2].pk)
    assert f"Rule {others[2].pk}: " in page
    assert f"Rule {others[0].pk}: Allow nobody: no client is named. →" not in page


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"who": "user:ada"}, True),
        ({"who": "user:bo"}, False),
        ({"who": "command:ada"}, False),
        ({"since": "hour"}, True),
        ({"since": "nonsense"}, False),
        ({"q": "ada"}, True),
        ({"q": "Demo"}, True),
        ({"q": "nobody"}, False),
        ({"q": "9999"}, False),
        ({"rule": "9999"}, False),
        ({"client": "9" * 30}, False),
        ({"client": "x\x00"}, False),
        ({"rule": "²"}, False),
        ({"who": "\x00"}, False),
        ({"q": "\x00ada"}, True),
    ],
)
def test_versions_are_found(admin_client: Browser, rule: Rule, parameters: dict[str, str], found: bool) -> None:
    assert ("→ Allow Demo to call TimeTool." in text(admin_client, HISTORY, **parameters)) == found


def test_a_tool_s_history_is_found(admin_client: Browser) -> None:
    tool = Tool.objects.get(name="echo")
    Tool.objects.filter(pk=tool.pk).update(enabled=False)
    assert "Tool echo: switched on → switched off" in text(admin_client, HISTORY, tool=tool.pk)


def test_the_page_of_a_version_has_each_field_before_and_after(admin_client: Browser, rule: Rule) -> None:
    version = deny(rule)
    response = admin_client.get(f"{HISTORY}version/{version}/", follow=True)
    page = str(response.content.decode())
    assert response.redirect_chain
    assert f"Policy version {version}" in page
    for words in ("Allow Demo to call TimeTool.", "Deny Demo to call TimeTool.", "Effect", "bo", f"/rule/{rule.pk}/"):
        assert words in page


def test_a_record_leads_to_the_version_it_was_decided_under(admin_client: Browser, rule: Rule) -> None:
    version = deny(rule)
    record = build_record(Client.objects.get(), policy_version=version)
    record.save()
    assert f"{HISTORY}version/{version}/" in text(admin_client, f"/admin/authz_app/callrecord/{record.pk}/change/")


@pytest.mark.parametrize("version", [10**6, 10**30])
def test_a_version_that_is_not_in_the_history_is_said_to_be_unknown(admin_client: Browser, version: int) -> None:
    page = text(admin_client, f"{HISTORY}version/{version}/", status=404)
    assert "The history begins with policy version" in page or "There has been no policy version" in page
    assert text(admin_client, f"{HISTORY}at/{version}/", status=404)


def test_two_versions_are_compared(admin_client: Browser, rule: Rule) -> None:
    before = stored_version()
    after = deny(rule)
    make_rule(applies_to="every", tools="weather_*").delete()
    page = text(admin_client, f"{HISTORY}compare/", **{"from": after + 1, "to": before})
    assert "Deny Demo to call TimeTool." in page
    assert "weather_" in page
    page = text(admin_client, f"{HISTORY}compare/", **{"from": after, "to": stored_version()})
    assert "Nothing differs between the two." in page


@pytest.mark.parametrize("value", ["", "0", "-1", "x", "9" * 30, "\x00"])
def test_what_cannot_be_compared_is_told(admin_client: Browser, rule: Rule, value: str) -> None:
    assert text(admin_client, f"{HISTORY}compare/", **{"from": value, "to": value})
    assert "There has been no policy version" in text(
        admin_client, f"{HISTORY}compare/", **{"from": first_version(), "to": 10**6}
    )


def test_the_policy_of_a_past_version_is_shown(admin_client: Browser, rule: Rule) -> None:
    version = stored_version()
    Client.objects.update(status="blocked")
    Tool.objects.filter(name="echo").update(enabled=False)
    Rule.objects.all().delete()
    page = text(admin_client, f"{HISTORY}at/{version}/")
    assert "Allow Demo to call TimeTool." in page
    assert "not active" not in page
    page = text(admin_client, f"{HISTORY}at/{stored_version()}/")
    assert "None, so nobody was allowed anything." in page
    for words in ("not active", "Demo", "blocked", "Tool echo"):
        assert words in page


@pytest.mark.parametrize("model", ["rule", "client", "tool"])
def test_the_history_button_leads_to_the_policy_history(admin_client: Browser, rule: Rule, model: str) -> None:
    rows: dict[str, Any] = {"rule": rule, "client": Client.objects.get(), "tool": Tool.objects.get(name="echo")}
    app = "tools_app" if model == "tool" else "authz_app"
    response = admin_client.get(f"/admin/{app}/{model}/{rows[model].pk}/history/")
    assert response.headers["Location"] == f"{HISTORY}?{model}={rows[model].pk}"


def test_who_may_not_see_it_gets_django_s_own_history(client: Browser, rule: Rule) -> None:
    assert text(staff(client, "view_rule"), f"/admin/authz_app/rule/{rule.pk}/history/")


def test_what_strangers_wrote_is_text_on_every_page(admin_client: Browser, rule: Rule) -> None:
    with actor.acting(actor.user(HOSTILE)):
        Client.objects.update(name=HOSTILE, notes=HOSTILE)
        Rule.objects.update(tools=HOSTILE, note=HOSTILE)
    version = stored_version()
    paths = [
        HISTORY,
        f"{HISTORY}?rule={rule.pk}",
        f"{HISTORY}compare/?from={first_version()}",
        f"{HISTORY}at/{version}/",
    ]
    paths += [
        f"{HISTORY}{pk}/change/" for pk in PolicyEdit.objects.filter(version=version).values_list("pk", flat=True)
    ]
    for path in paths:
        assert HOSTILE not in text(admin_client, path)
        assert "&lt;script&gt;" in text(admin_client, path)


def test_a_page_asks_the_database_no_more_for_a_longer_history(admin_client: Browser, rule: Rule) -> None:
    for number in range(30):
        Rule.objects.filter(pk=rule.pk).update(tools=f"tool_{number}")
    with CaptureQueriesContext(
        connection,
    ) as few:
        text(admin_client, HISTORY)
    for number in range(30):
        Rule.objects.filter(pk=rule.pk).update(tools=f"other_{number}")
    with CaptureQueriesContext(connection) as more:
        text(admin_client, HISTORY)
    assert len(more) <= len(few) + 2
    assert len(few) < 25 * 6 + 30


def test_history_that_was_pruned_is_said_to_be_missing(admin_client: Browser, rule: Rule) -> None:
    version = deny(rule)
    PolicyRevision.objects.filter(edit__version=version).delete()
    PolicyEdit.objects.filter(version=version).delete()
    Rule.objects.update(effect="allow")
    page = text(admin_client, f"{HISTORY}at/{version + 1}/", status=404)
    assert "1 are missing from the history" in page
    assert "missing from the history" in text(
        admin_client, f"{HISTORY}compare/", **{"from": first_version(), "to": version + 1}
    )
