"""The groups that a site begins with, and what their members may do."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client as Browser

from authz_app.models import User
from tests.rows import build_refusal, make_client

pytestmark = pytest.mark.django_db

create_groups = import_module("tools_app.migrations.0004_roles").create_groups
PAGES = {
    "client": "/admin/authz_app/client/",
    "rule": "/admin/authz_app/rule/",
    "record": "/admin/authz_app/callrecord/",
    "tool": "/admin/tools_app/tool/",
    "session": "/admin/tools_app/mcpsession/",
}
ARGUMENTS = "Europe/Berlin"


def migrate_again() -> None:
    create_groups(apps, SimpleNamespace(connection=connection))


def member(client: Browser, group: str) -> Browser:
    user = User.objects.create_user("member", password="x", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def groups() -> None:
    """Those of the migration; a test that flushed the database has taken them away."""
    migrate_again()


@pytest.mark.parametrize("group", ["Policy editors", "Auditors", "Auditors with arguments"])
def test_every_role_reads_what_administrators_keep_and_what_was_called(client: Browser, group: str) -> None:
    browser = member(client, group)
    assert {name: browser.get(path).status_code for name, path in PAGES.items()} == dict.fromkeys(PAGES, 200)
    assert browser.get("/admin/authz_app/user/").status_code == 403


@pytest.mark.parametrize(
    ("group", "status"), [("Policy editors", 200), ("Auditors", 403), ("Auditors with arguments", 403), (None, 403)]
)
@pytest.mark.parametrize("page", ["client", "rule"])
def test_only_policy_editors_change_rules_and_clients(
    client: Browser, group: str | None, status: int, page: str
) -> None:
    browser = member(client, group) if group else client
    if group is None:
        client.force_login(User.objects.create_user("clerk", password="x", is_staff=True))
    assert browser.get(f"{PAGES[page]}add/").status_code == status


@pytest.mark.parametrize(
    ("group", "shown"), [("Policy editors", False), ("Auditors", False), ("Auditors with arguments", True)]
)
def test_recorded_arguments_are_for_those_with_the_permission(client: Browser, group: str, shown: bool) -> None:
    record = build_refusal(make_client())
    record.save()
    auditor = member(client, group)
    page = auditor.get(f"{PAGES['record']}{record.pk}/change/").content.decode()
    assert ARGUMENTS not in page
    assert ("Hidden: shown to those who have the permission" in page) != shown
    looked = auditor.post(f"/admin/records/{record.pk}/look/", follow=True)
    assert (ARGUMENTS in looked.content.decode()) == shown
    assert looked.status_code == (200 if shown else 403)


def test_explaining_decisions_about_others_is_for_policy_editors() -> None:
    held = Group.objects.filter(permissions__codename="explain_decision")
    assert [group.name for group in held] == ["Policy editors"]


def test_what_administrators_make_of_a_group_stays() -> None:
    Group.objects.get(name="Auditors").permissions.clear()
    Group.objects.get(name="Policy editors").delete()
    before = Permission.objects.count()
    migrate_again()
    assert not Group.objects.get(name="Auditors").permissions.exists()
    assert Group.objects.get(name="Policy editors").permissions.count() == 13
    assert Permission.objects.count() == before


def test_the_permissions_of_a_new_site_are_those_that_django_would_make(django_user_model: Any) -> None:
    given = Permission.objects.filter(group__isnull=False).values_list("codename", "name", "content_type__model")
    assert {name for codename, name, model in given if model == "mcpsession"} == {"Can view MCP session"}
    assert {name for codename, name, model in given if codename == "view_callrecord"} == {"Can view call record"}
    assert {name for codename, name, model in given if model == "policyedit"} == {"Can view policy version"}
    for model in apps.get_models():
        made = Permission.objects.filter(content_type__app_label=model._meta.app_label)
        made = made.filter(content_type__model=model._meta.model_name)
        assert len(made) == len(model._meta.default_permissions) + len(model._meta.permissions)
