"""Each look at what a record holds is recorded first, and nothing is shown without.

Covers: authz_app.pages.records.page.values
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError
from django.test import Client as Browser
from django.utils import timezone

from authz_app.audit import events
from authz_app.models import AuditEvent, CallRecord, User
from tests.rows import build_record, make_client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

ARGUMENTS, CLAIMS, RESULT = "Argumentville", "Claimstown", "Resultburg"
VALUES = (ARGUMENTS, CLAIMS, RESULT)


@pytest.fixture
def record() -> CallRecord:
    made = build_record(
        make_client("Report agent"),
        arguments=json.dumps({"city": ARGUMENTS}),
        claims=json.dumps({"home": CLAIMS}),
        result=json.dumps({"content": [{"type": "text", "text": RESULT}]}),
    )
    made.save()
    return made


def auditor(name: str = "ada", group: str = "Auditors with arguments") -> Browser:
    user = User.objects.create_user(name, password="x", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name=group)[0])
    _give(group)
    browser = Browser()
    browser.force_login(user)
    return browser


def _give(group: str) -> None:
    """What ``migrate`` gives; a flush takes it away."""
    from importlib import import_module  # noqa: PLC0415  (a module whose name begins with a digit)

    from django.contrib.auth.models import Permission  # noqa: PLC0415

    names = import_module("tools_app.migrations.0004_roles")._GROUPS[group]
    codenames = [name.partition(".")[2] for name in names]
    Group.objects.get(name=group).permissions.set(Permission.objects.filter(codename__in=codenames))


def page_of(record: CallRecord) -> str:
    return f"/admin/authz_app/callrecord/{record.pk}/change/"


def look_at(browser: Browser, record: CallRecord, at: str = "record") -> Any:
    return browser.post(f"/admin/records/{record.pk}/look/", {"at": at})


def shown(browser: Browser, address: str) -> list[str]:
    page = browser.get(address).content.decode()
    return [value for value in VALUES if value in page]


def looks() -> list[dict[str, Any]]:
    return [
        {"actor": one.actor, "client": one.client_id, **json.loads(one.details)}
        for one in AuditEvent.objects.filter(kind="look").order_by("id")
    ]


def test_a_record_s_page_shows_no_values_until_somebody_looks(record: CallRecord) -> None:
    browser = auditor()
    page = browser.get(page_of(record)).content.decode()
    assert not any(value in page for value in VALUES)
    assert "Show what was recorded" in page and looks() == []
    there = look_at(browser, record)
    assert looks() == [
        {"actor": "ada", "client": record.client_id, "record": str(record.pk), "tool": "TimeTool", "at": "record"}
    ]
    assert shown(browser, there["Location"]) == list(VALUES)


def test_a_page_that_is_loaded_again_is_the_same_look_and_pressing_again_another(record: CallRecord) -> None:
    browser = auditor()
    there = look_at(browser, record)["Location"]
    assert shown(browser, there) == shown(browser, there) == list(VALUES)
    assert len(looks()) == 1
    look_at(browser, record)
    assert len(looks()) == 2


def test_a_look_shows_nothing_to_anybody_else_nor_of_another_record_nor_later(record: CallRecord) -> None:
    browser, other = auditor(), auditor("bo")
    there = look_at(browser, record)["Location"]
    assert shown(other, there) == []
    second = build_record(make_client("Other"), arguments=record.arguments)
    second.save()
    assert shown(browser, there.replace(str(record.pk), str(second.pk))) == []
    assert shown(browser, f"{page_of(record)}?look={record.pk}") == shown(browser, f"{page_of(record)}?look=x") == []
    AuditEvent.objects.update(at=timezone.now() - timedelta(minutes=11))
    assert shown(browser, there) == []


@pytest.mark.parametrize("group", ["Auditors", "Policy editors"])
def test_nobody_looks_without_the_permission(record: CallRecord, group: str) -> None:
    browser = auditor("clerk", group)
    assert look_at(browser, record).status_code == 403
    page = browser.get(page_of(record)).content.decode()
    assert "Show what was recorded" not in page and "Hidden: shown to those" in page
    assert shown(browser, f"/admin/explain/{record.pk}/") == looks() == []


def test_a_permission_that_was_taken_back_ends_the_look(record: CallRecord) -> None:
    browser = auditor()
    there = look_at(browser, record)["Location"]
    Group.objects.get(name="Auditors with arguments").permissions.filter(codename="view_arguments").delete()
    assert shown(browser, there) == []


def test_only_a_button_looks(record: CallRecord) -> None:
    browser = auditor()
    assert browser.get(f"/admin/records/{record.pk}/look/").status_code == 405
    strict = Browser(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="ada"))
    assert look_at(strict, record).status_code == 403
    assert look_at(browser, build_record(make_client("Unsaved"))).status_code == 404
    assert looks() == []


def test_nothing_is_shown_where_the_look_cannot_be_recorded(
    record: CallRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = auditor()

    def refuse(*_: Any, **__: Any) -> None:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(events, "record_with", refuse)
    answer = look_at(browser, record)
    assert answer.status_code == 503 and "Location" not in answer
    search = browser.get("/admin/authz_app/callrecord/", {"q": "args:argumentville"})
    assert search.status_code == 503 and str(record.pk) not in search.content.decode()


def test_an_explanation_shows_values_to_a_look_alone(record: CallRecord) -> None:
    browser = auditor()
    page = browser.get(f"/admin/explain/{record.pk}/").content.decode()
    assert not any(value in page for value in VALUES) and "Show what was recorded" in page
    there = look_at(browser, record, "explanation")
    assert there["Location"].startswith(f"/admin/explain/{record.pk}/?look=")
    assert shown(browser, there["Location"]) == [ARGUMENTS]
    assert looks()[0]["at"] == "explanation"


def test_asking_the_same_again_takes_the_values_along_with_the_look(record: CallRecord, admin_client: Browser) -> None:
    assert shown(admin_client, f"/admin/explain/?record={record.pk}") == []
    look = look_at(admin_client, record, "explanation")["Location"].partition("look=")[2]
    page = admin_client.get(f"/admin/explain/{record.pk}/?look={look}").content.decode()
    assert f"/admin/explain/?record={record.pk}&amp;look={look}" in page
    assert shown(admin_client, f"/admin/explain/?record={record.pk}&look={look}") == [ARGUMENTS, CLAIMS]


def test_a_search_in_arguments_is_a_look(record: CallRecord) -> None:
    browser = auditor()
    page = browser.get("/admin/authz_app/callrecord/", {"q": f"args:{ARGUMENTS}"}).content.decode()
    assert str(record.pk) in page
    assert looks() == [{"actor": "ada", "client": 0, "at": "search", "searched": [ARGUMENTS]}]
    browser.get("/admin/authz_app/callrecord/", {"q": "tool:TimeTool"})
    assert len(looks()) == 1


def test_what_is_not_there_needs_no_look() -> None:
    record = build_record(make_client(), arguments="", result="", claims="")
    record.save()
    page = auditor().get(page_of(record)).content.decode()
    assert "Not recorded: of this tool, metadata alone was." in page
    assert "Show what was recorded" not in page


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"result": "", "outcome": "ok"}, "Not recorded: of this tool, results were not."),
        ({"result": "", "outcome": "cancelled"}, "None: the call has not ended with one."),
        ({"arguments": "", "outcome": "tool_error"}, "Not recorded: of this tool, metadata alone was."),
    ],
)
def test_what_a_record_does_not_hold_is_said_where_it_would_stand(fields: dict[str, Any], told: str) -> None:
    record = build_record(make_client(), **fields)
    record.save()
    assert told in auditor().get(page_of(record)).content.decode()
