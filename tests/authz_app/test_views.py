"""The start page, the link to a record, and the pages of errors.

Covers: authz_app.web.page
"""

import json
import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.shortcuts import render
from django.test import Client as Browser, RequestFactory
from pytest_django import Settings

from authz_app.embedded_issuer.subjects import user_subject
from authz_app.models import Client, User
from authz_app.policy.decision import Reason
from tests.rows import build_record, build_refusal, make_client

pytestmark = pytest.mark.django_db


def test_the_start_page_tells_anybody_where_to_connect(client: Browser, settings: Settings) -> None:
    page = client.get("/").content.decode()
    assert f"{settings.PUBLIC_URL}/sse" in page
    assert f"{settings.PUBLIC_URL}/mcp" in page
    assert settings.CONTACT in page
    assert 'href="/admin/"' in page


def test_the_start_page_escapes_the_contact(client: Browser, settings: Settings) -> None:
    settings.CONTACT = "<b>us</b>"
    assert "<b>us" not in client.get("/").content.decode()


def test_a_record_link_leads_staff_to_the_record(admin_client: Browser) -> None:
    record = build_record(make_client())
    record.save()
    for spelling in (str(record.pk), record.pk.hex, str(record.pk).upper()):
        response = admin_client.get(f"/r/{spelling}")
        assert response["Location"] == f"/admin/authz_app/callrecord/{record.pk}/change/"


def test_a_record_link_asks_strangers_to_sign_in_and_tells_them_nothing(client: Browser) -> None:
    record = build_record(make_client())
    record.save()
    for path in (f"/r/{record.pk}", f"/r/{uuid4()}", "/r/nonsense"):
        assert client.get(path)["Location"] == f"/sign-in/?next={path}"


def test_a_record_link_needs_the_permission_to_read_records(client: Browser) -> None:
    user = User.objects.create_user("clerk", is_staff=True)
    client.force_login(user)
    record = build_refusal(make_client())
    record.save()
    assert client.get(f"/r/{record.pk}").status_code == 404
    user.user_permissions.add(Permission.objects.get(codename="view_callrecord"))
    assert client.get(f"/r/{record.pk}").status_code == 302


def own_client(user: User) -> Client:
    return make_client(user.username, issuer="http://testserver", subject=user_subject(user))


REFUSED = {
    "no_rule": "no rule allows it, or it does not exist",
    "deny_rule": "no rule allows it, or it does not exist",
    "unknown_tool": "no rule allows it, or it does not exist",
    "tool_disabled": "no rule allows it, or it does not exist",
    "policy_error": "no rule allows it, or it does not exist",
    "condition_unmet": "no rule allows it, or it does not exist",
    "limit_reached": "not as often as it was asked for",
    "scope_missing": "a token scope that yours lacked",
    "client_blocked": "You were blocked here",
    "client_pending": "Nobody had made you active here yet",
}


def test_every_reason_to_refuse_has_words_for_its_caller() -> None:
    assert set(REFUSED) == set(Reason) - {Reason.ALLOWED}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_refused_person_reads_why_as_far_as_a_caller_may_know(
    client: Browser, settings: Settings, reason: str
) -> None:
    dana = User.objects.create_user("dana")
    rules = json.dumps([{"id": 7, "sentence": "Deny everybody the SECRET."}])
    record = build_refusal(own_client(dana), tool="weather_tool", reason=reason, rules=rules)
    record.save()
    client.force_login(dana)
    page = client.get(f"/r/{record.pk}").content.decode()
    assert REFUSED[reason] in page
    assert "weather_tool" in page
    assert settings.CONTACT in page
    assert "SECRET" not in page
    assert reason not in page


def test_a_denied_and_an_unknown_tool_are_explained_alike(client: Browser) -> None:
    dana = User.objects.create_user("dana")
    caller = own_client(dana)
    client.force_login(dana)
    pages = []
    for reason in ("deny_rule", "no_rule", "unknown_tool", "tool_disabled"):
        record = build_refusal(caller, tool="hidden", reason=reason, at=datetime(2026, 11, 1, tzinfo=UTC))
        record.save()
        pages.append(client.get(f"/r/{record.pk}").content.decode().replace(str(record.pk), "ID"))
    csrf = re.compile('name="csrfmiddlewaretoken" value="[^"]*"')
    assert len({csrf.sub("", page) for page in pages}) == 1


@pytest.mark.parametrize("kind", ["resource", "completion"])
@pytest.mark.parametrize(
    "arguments", ['{"uri": "orders://7"}', '{"...": "9000 bytes, too large to record", "members": ["uri"]}']
)
def test_a_hidden_and_an_unknown_resource_are_explained_alike(client: Browser, kind: str, arguments: str) -> None:
    """The record knows a resource that exists by its name, and one that does not by the URI that was sent."""
    dana = User.objects.create_user("dana")
    caller = own_client(dana)
    client.force_login(dana)
    pages = []
    for tool, reason in (("hidden-order", "no_rule"), ("orders://7", "unknown_tool")):
        at = datetime(2026, 11, 1, tzinfo=UTC)
        record = build_refusal(caller, kind=kind, tool=tool, arguments=arguments, reason=reason, at=at)
        record.save()
        for address in (f"/r/{record.pk}", "/me/"):
            pages.append(client.get(address).content.decode().replace(str(record.pk), "ID"))
        record.delete()
    csrf = re.compile('name="csrfmiddlewaretoken" value="[^"]*"')
    assert len({csrf.sub("", page) for page in pages}) == 2
    assert "hidden-order" not in "".join(pages)


def test_a_subscription_is_not_called_a_read(admin_client: Browser) -> None:
    record = build_record(
        make_client(), kind="resource", tool="order", arguments='{"uri":"orders://7","subscribe":true}'
    )
    record.save()
    page = admin_client.get(f"/r/{record.pk}", follow=True).content.decode()
    assert "subscribed to the resource order" in page
    assert "read the resource" not in page


def test_another_person_s_refusal_does_not_exist(client: Browser) -> None:
    record = build_refusal(own_client(User.objects.create_user("dana")))
    record.save()
    client.force_login(User.objects.create_user("mallory"))
    theirs = client.get(f"/r/{record.pk}")
    missing_id = uuid4()
    missing = client.get(f"/r/{missing_id}")
    assert theirs.status_code == missing.status_code == 404
    assert "TimeTool" not in theirs.content.decode()
    csrf = re.compile('name="csrfmiddlewaretoken" value="[^"]*"')
    one, other = (csrf.sub("", answer.content.decode()) for answer in (theirs, missing))
    assert one.replace(str(record.pk), "ID") == other.replace(str(missing_id), "ID")


def test_the_same_subject_of_another_issuer_is_somebody_else(client: Browser) -> None:
    dana = User.objects.create_user("dana")
    record = build_refusal(make_client(issuer="https://elsewhere.example", subject=user_subject(dana)))
    record.save()
    client.force_login(dana)
    assert client.get(f"/r/{record.pk}").status_code == 404


@pytest.mark.parametrize("record_id", ["nonsense", "0197", "<script>alert(1)", "%00", "x" * 5000, "1" * 33])
def test_a_malformed_record_id_is_answered_in_a_sentence(admin_client: Browser, record_id: str) -> None:
    response = admin_client.get(f"/r/{record_id}")
    assert response.status_code == 404
    assert "is not the id of a call record" in response.content.decode()
    assert "<script>" not in response.content.decode()
    assert len(response.content) < 10_000


def test_an_unknown_record_id_is_answered_in_a_sentence(admin_client: Browser) -> None:
    response = admin_client.get(f"/r/{uuid4()}")
    assert response.status_code == 404
    assert "No call record has the id" in response.content.decode()


def test_a_page_that_is_not_there_says_so(client: Browser) -> None:
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()


@pytest.mark.parametrize("template", ["403.html", "404.html", "500.html"])
def test_error_pages_need_nothing_but_themselves(template: str, rf: RequestFactory) -> None:
    page = render(rf.get("/"), template, using=None).content.decode()
    assert "<style>" in page
    assert 'src="' not in page
    assert 'rel="stylesheet"' not in page


def test_signing_in_and_out(client: Browser, admin_user: Any) -> None:
    assert "Log in" in client.get("/admin/login/").content.decode()
    client.force_login(admin_user)
    assert "logged out" in client.post("/admin/logout/").content.decode()
