"""Where the history begins, and what it makes of changes that no trigger saw."""

import pytest
from django.db import connection, transaction

from authz_app.core import actor
from authz_app.history.past import policy_at
from authz_app.models import Client, PolicyEdit, PolicyRevision, Rule
from authz_app.policy_store.loading import load, stored_version
from authz_app.triggers import install
from tests.authz_app.models.test_history import assert_whole
from tests.authz_app.triggers.test_install import execute
from tests.conftest import migrate
from tests.databases import rows, rule_for_everybody

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


def unseen(sql: str) -> None:
    """A change that no trigger sees."""
    if connection.vendor == "sqlite":
        for name in install.installed(connection):
            execute(f"DROP TRIGGER {name}")
        execute(sql)
        return
    with transaction.atomic():
        execute("SET LOCAL session_replication_role = replica")
        execute(sql)


def test_a_history_begins_with_the_rows_that_are_there() -> None:
    client = Client.objects.create(issuer="i", subject="s")
    Rule.objects.create(tools="x").clients.set([client])
    version = stored_version()
    PolicyRevision.objects.all().delete()
    PolicyEdit.objects.all().delete()
    with actor.acting(actor.command(["manage.py", "migrate"])):
        install.install(connection)
    edit = PolicyEdit.objects.get()
    assert (edit.version, edit.moved, edit.actor_kind, stored_version()) == (version, True, "command", version)
    assert edit.actor.startswith("migrate by ")
    assert_whole()
    assert (dict(policy_at(version).rules), policy_at(version).clients) == (dict(load().rules), load().clients)


@pytest.mark.parametrize("sql", ["UPDATE authz_app_rule SET tools = 'y'", "DELETE FROM authz_app_rule"])
def test_what_no_trigger_saw_is_found_and_moves_the_version(sql: str) -> None:
    rule = Rule.objects.create(tools="x")
    before = load()
    unseen(sql)
    assert stored_version() == before.version
    install.install(connection)
    assert stored_version() == before.version + 1
    assert_whole()
    assert policy_at(before.version).rules[rule.pk].tools == ("x",)
    assert dict(load(before).rules) == dict(policy_at(stored_version()).rules) != dict(before.rules)


def test_installing_again_adds_nothing_to_the_history() -> None:
    Rule.objects.create(tools="x")
    edits = PolicyEdit.objects.count()
    install.install(connection)
    assert PolicyEdit.objects.count() == edits


def test_the_history_of_an_older_database_begins_when_it_is_migrated(fresh_database: str) -> None:
    migrate(fresh_database, "authz_app", "0004")
    rule_for_everybody(fresh_database, "x")
    version = "SELECT version FROM authz_app_policystate"
    before = rows(fresh_database, version)
    migrate(fresh_database)
    assert rows(fresh_database, version) == before
    noted = "SELECT e.version, r.was FROM authz_app_policyrevision r JOIN authz_app_policyedit e ON e.id = r.edit_id"
    assert (before[0][0], None) in rows(fresh_database, f"{noted} WHERE r.part = 'rule'")
