"""Who changed the policy, as the history says it.

Covers: authz_app.web.acting_user
"""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client as Browser

from authz_app.core import actor
from authz_app.models import Client, PolicyEdit, Rule, User
from tests.authz_app.history.outsider import outsider
from tests.databases import connect, rows
from tests.rows import make_client
from tests.site import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def browser() -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_superuser("ada"))
    return browser


def last() -> tuple[str, str]:
    edit = PolicyEdit.objects.latest("id")
    return edit.actor_kind, edit.actor


def test_what_is_done_in_the_admin_is_done_by_the_user(browser: Browser) -> None:
    client, before = make_client(), PolicyEdit.objects.latest("id").pk
    form = {"effect": "allow", "applies_to": "these", "for_clients": [client.pk], "tools": "x", "enabled": "on"}
    assert browser.post("/admin/authz_app/rule/add/", {**form, "kind": "tool"}).status_code == 302
    browser.post("/admin/authz_app/client/", {"action": "block", "_selected_action": [client.pk]})
    made = PolicyEdit.objects.filter(pk__gt=before)
    assert made.filter(moved=True).count() >= 2
    assert set(made.values_list("actor_kind", "actor")) == {("user", "ada")}


def test_what_is_done_after_the_request_is_not(browser: Browser) -> None:
    browser.get("/admin/")
    Rule.objects.create(tools="x")
    assert last() == ("", "")


def test_a_name_holds_through_transactions_that_roll_back_and_connections_that_are_lost() -> None:
    with actor.acting(actor.user("ada")):
        with transaction.atomic():
            Rule.objects.create(tools="never")
            transaction.set_rollback(True)
        Rule.objects.create(tools="x")
        assert last() == ("user", "ada")
        connection.close()
        Rule.objects.create(tools="y")
        assert last() == ("user", "ada")
    Rule.objects.create(tools="z")
    assert last() == ("", "")


def test_who_acts_within_somebody_s_doing_is_named_and_then_the_first_again() -> None:
    with actor.acting(actor.user("ada")):
        with actor.acting(actor.user("bo")):
            Rule.objects.create(tools="x")
            assert last() == ("user", "bo")
        Rule.objects.create(tools="x")
        assert last() == ("user", "ada")


@pytest.mark.parametrize("name", ["o'neill:the; DROP TABLE", "\u202eada\n", "x" * 300, "nul\x00"])
def test_odd_names_are_copied_as_they_are(name: str) -> None:
    with actor.acting(actor.user(name)):
        Rule.objects.create(tools="x")
    assert last()[0] == "user"
    assert name.replace("\x00", "").startswith(last()[1])


def test_names_outlive_users(browser: Browser) -> None:
    client = make_client()
    browser.post("/admin/authz_app/client/", {"action": "block", "_selected_action": [client.pk]})
    User.objects.all().delete()
    assert last() == ("user", "ada")


def test_plain_sql_works_without_a_name_and_on_postgresql_leaves_that_of_the_database_user() -> None:
    Rule.objects.create(tools="x")
    with outsider() as raw:
        raw.execute("UPDATE authz_app_rule SET tools = 'y'")
        raw.execute("DELETE FROM authz_app_rule")
    assert last() == ("", "")
    expected = "postgres" if connection.vendor == "postgresql" else ""
    assert PolicyEdit.objects.latest("id").database_user == expected


def test_plain_sql_of_another_program_while_somebody_acts_is_not_that_person_s_doing() -> None:
    Rule.objects.create(tools="x")
    with actor.acting(actor.user("ada")), outsider() as raw:
        raw.execute("UPDATE authz_app_rule SET tools = 'y'")
    assert last() == ("", "")


def test_a_raw_statement_within_a_request_is_that_person_s_doing() -> None:
    with actor.acting(actor.user("ada")), connection.cursor() as cursor:
        cursor.execute("INSERT INTO authz_app_client (name, issuer, subject, kind, status, notes)"
                       " VALUES ('', 'i', 's', 'service', 'active', '')")  # fmt: skip
        assert last() == ("user", "ada")
        Client.objects.update(status="blocked")
        assert last() == ("user", "ada")


@pytest.fixture
def command_environment(fresh_database: str) -> Iterator[dict[str, Any]]:
    yield {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.site_settings",
        "SITE_SECRET_KEY": "a-secret-key-that-is-used-by-the-tests-and-nowhere-else",
        "SITE_DATABASE_URL": fresh_database,
        "SITE_LOCAL_ISSUER": "true",
    }


def test_what_a_command_does_names_the_command_and_who_ran_it(
    fresh_database: str, command_environment: dict[str, Any]
) -> None:
    command = [sys.executable, "manage.py", "add_rule", "--effect", "allow", "--every-client", "--tool", "x"]
    subprocess.run(command, cwd=ROOT, env=command_environment, check=True, timeout=120, stdout=subprocess.DEVNULL)
    named = "SELECT actor_kind, actor FROM authz_app_policyedit WHERE moved ORDER BY id"
    first, *_, newest = rows(fresh_database, named)
    assert newest == ("command", f"add_rule by {ME}")
    assert first == ("command", f"migrate by {ME}")
    with connect(fresh_database) as raw, pytest.raises(Exception, match="only added to"):
        raw.execute("DELETE FROM authz_app_policyedit")
