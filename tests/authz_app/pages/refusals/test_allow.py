"""A rule that is made of a refusal."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from django.utils import timezone

from authz_app.models import CallRecord, Client, Rule, User
from authz_app.pages.refusals.allow import SPANS
from authz_app.policy_store import tool_port
from tests.authz_app.test_admin import HOSTILE, staff, text
from tests.rows import build_record, build_refusal, make_client, make_rule

pytestmark = [pytest.mark.django_db, pytest.mark.database]

WHY = "Agreed with Dana."
ALLOWED = {"hour": timedelta(hours=1), "shift": timedelta(hours=8), "month": timedelta(days=30), "ever": None}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [("tool", "TimeTool"), ("resource", "order"), ("prompt", "order")]
    monkeypatch.setattr(tool_port, "_connected", replace(tool_port.connected(), names=lambda: known))


@pytest.fixture
def ada() -> Client:
    return make_client("Ada")


def refusal(client: Client, **fields: Any) -> str:
    """The page that makes a rule of a refusal of this client."""
    record = build_refusal(client, **fields)
    record.save()
    return f"/admin/refusals/{record.pk}/allow/"


def test_the_form_says_what_was_refused_and_what_the_rule_would_be(admin_client: Browser, ada: Client) -> None:
    page = text(admin_client.get(refusal(ada, token_scopes="time weather")))
    assert "Ada asked to call TimeTool at" in page
    assert "Its token carried the scopes time weather." in page
    assert "Allow Ada to call TimeTool." in page


@pytest.mark.parametrize("span", SPANS)
def test_it_allows_what_was_refused_for_as_long_as_was_chosen(admin_client: Browser, ada: Client, span: str) -> None:
    before = timezone.now()
    page = text(admin_client.post(refusal(ada), {"span": span, "why": WHY}, follow=True))
    rule = Rule.objects.get()
    assert (rule.effect, rule.applies_to, rule.kind, rule.tools) == ("allow", "these", "tool", "TimeTool")
    assert list(rule.clients.all()) == [ada]
    assert (rule.token_scopes, rule.conditions, rule.enabled, rule.valid_from) == ("", "", True, None)
    lasts = ALLOWED[span]
    if lasts is None:
        assert rule.valid_until is None
    else:
        assert rule.valid_until is not None
        assert abs(rule.valid_until - before - lasts) < timedelta(seconds=30)
    assert f"{rule}: {rule.sentence()} It holds from the next call on." in page


def test_who_allowed_it_of_which_refusal_and_why_is_noted(admin_client: Browser, admin_user: User, ada: Client) -> None:
    admin_client.post(refusal(ada), {"span": "shift", "why": WHY})
    record, entry = CallRecord.objects.get(), LogEntry.objects.get()
    assert Rule.objects.get().note == f"{WHY}\n\nAllowed by {admin_user}, of the refusal {record.pk}."
    assert entry.user == admin_user
    assert entry.change_message == f"Made of the refusal {record.pk} (eight hours): {WHY}"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"span": "hour", "why": " "}, "This field is required."),
        ({"why": WHY}, "This field is required."),
        ({"span": "forever", "why": WHY}, "Select a valid choice."),
        ({"span": "hour", "why": WHY, "token_scopes": 'a "b"'}, "is no token scope"),
        ({"span": "hour", "why": "x" * 1001}, "at most 1000 characters"),
    ],
)
def test_what_is_incomplete_makes_no_rule(
    admin_client: Browser, ada: Client, fields: dict[str, str], error: str
) -> None:
    assert error in text(admin_client.post(refusal(ada), fields))
    assert not Rule.objects.exists()


def test_token_scopes_may_be_asked_for(admin_client: Browser, ada: Client) -> None:
    admin_client.post(refusal(ada), {"span": "hour", "why": WHY, "token_scopes": "b  a b"})
    assert Rule.objects.get().token_scopes == "b a"


def test_the_rule_is_of_the_kind_that_was_refused(admin_client: Browser, ada: Client) -> None:
    admin_client.post(refusal(ada, kind="resource", tool="order"), {"span": "hour", "why": WHY})
    assert Rule.objects.get().sentence().startswith("Allow Ada to read the resource order, until")


def test_where_a_rule_would_not_help_none_is_made(admin_client: Browser, ada: Client) -> None:
    deny, path = make_rule(ada, effect="deny"), refusal(ada)
    assert "A rule would not help" in text(admin_client.get(path))
    admin_client.post(path, {"span": "hour", "why": WHY})
    assert list(Rule.objects.all()) == [deny]


def test_what_has_been_allowed_is_not_allowed_again(admin_client: Browser, ada: Client) -> None:
    path = refusal(ada)
    for _ in range(2):
        admin_client.post(path, {"span": "hour", "why": WHY})
    assert Rule.objects.count() == 1
    assert "A rule allows it by now." in text(admin_client.get(path))


def test_a_client_that_was_blocked_since_gets_no_rule(admin_client: Browser, ada: Client) -> None:
    path = refusal(ada)
    Client.objects.update(status="blocked")
    admin_client.post(path, {"span": "hour", "why": WHY})
    assert not Rule.objects.exists()


def test_of_what_was_allowed_and_of_no_record_nothing_is_made(admin_client: Browser, ada: Client) -> None:
    allowed = build_record(ada)
    allowed.save()
    for record_id in (allowed.pk, uuid4()):
        assert admin_client.post(f"/admin/refusals/{record_id}/allow/", {"span": "hour", "why": WHY}).status_code == 404


@pytest.mark.parametrize("held", [["view_callrecord"], ["add_rule"], ["change_rule", "view_callrecord"]])
def test_it_needs_both_permissions(client: Browser, ada: Client, held: list[str]) -> None:
    path = refusal(ada)
    browser = staff(client, *held)
    assert browser.get(path).status_code == 403
    assert browser.post(path, {"span": "hour", "why": WHY}).status_code == 403
    assert not Rule.objects.exists()


def test_every_denied_record_offers_it_to_those_who_may(client: Browser, ada: Client) -> None:
    path = refusal(ada)
    record = f"/admin/authz_app/callrecord/{CallRecord.objects.get().pk}/change/"
    browser = staff(client, "view_callrecord")
    assert path not in text(browser.get(record))
    User.objects.get().user_permissions.add(Permission.objects.get(codename="add_rule"))
    assert path in text(browser.get(record))


def test_what_strangers_sent_is_shown_and_not_run(admin_client: Browser, ada: Client) -> None:
    path = refusal(ada, reason="unknown_tool", tool=HOSTILE, token_scopes=HOSTILE, client_name=HOSTILE)
    assert HOSTILE not in text(admin_client.get(path))
