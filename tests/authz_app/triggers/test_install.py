"""What moves the policy version: every change of what decisions read, whichever way it is made, and nothing else.

Covers: authz_app.models.permissions, authz_app.triggers.policy_postgresql, authz_app.triggers.policy_sqlite
Covers: authz_app.apps
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.core.management import call_command
from django.db import connection, models, transaction
from django.utils import timezone

from authz_app.audit.writer import AuditWriter
from authz_app.checks import check_triggers
from authz_app.models import Client, PolicyChange, PolicyState, Rule, RuleClient
from authz_app.policy_store import loading
from authz_app.policy_store.loading import stored_version
from authz_app.triggers import install
from tests.authz_app.audit.openings import an_opening
from tests.conftest import migrate
from tests.databases import rows, rule_for_everybody
from tools_app.models import Tool

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

ISSUER = "https://issuer.example/"


@dataclass(frozen=True)
class Scene:
    """A rule that names ``member``, and another client that no rule names."""

    rule: Rule
    member: Client
    other: Client
    tool: Tool


@pytest.fixture
def scene() -> Scene:
    member, other = (Client.objects.create(issuer=ISSUER, subject=name) for name in ("member", "other"))
    rule = Rule.objects.create(tools="time")
    rule.clients.set([member])
    return Scene(rule, member, other, Tool.objects.get(name="echo"))


def execute(sql: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def only(vendor: str) -> None:
    if connection.vendor != vendor:
        pytest.skip(f"This is about {vendor} alone.")


@contextmanager
def version_moves(expected: bool = True) -> Iterator[None]:
    """The version moves within the block, or does not, and a policy that was read before is right after it."""
    before = loading.load()
    yield
    after = loading.load(before)
    assert (after.version > before.version) == expected
    whole = loading.load()
    assert dict(after.rules) == dict(whole.rules)
    assert after.switched_off == whole.switched_off
    assert after.clients.items() <= whole.clients.items()


def copied(model: type[models.Model]) -> str:
    return ", ".join(field.column for field in model._meta.concrete_fields)


def saved(row: models.Model, **values: object) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


def bulk_updated(row: models.Model, **values: object) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    type(row)._default_manager.bulk_update([row], list(values))


CHANGES: dict[str, Callable[[Scene], object]] = {
    "rule: save of its tools": lambda scene: saved(scene.rule, tools="other"),
    "rule: save of its scopes": lambda scene: saved(scene.rule, token_scopes="a"),
    "rule: save of its effect": lambda scene: saved(scene.rule, effect="deny"),
    "rule: save of for whom": lambda scene: saved(scene.rule, applies_to="every"),
    "rule: save of its kind": lambda scene: saved(scene.rule, kind="prompt"),
    "rule: save of its conditions": lambda scene: saved(scene.rule, conditions='[{"path": "claims.x"}]'),
    "rule: save of its window": lambda scene: saved(scene.rule, valid_from=timezone.now()),
    "rule: save of its end": lambda scene: saved(scene.rule, valid_until=timezone.now()),
    "rule: save of its limit": lambda scene: saved(scene.rule, limit_calls=7),
    "rule: save of its period": lambda scene: saved(scene.rule, limit_period="day"),
    "rule: save of how it counts": lambda scene: saved(scene.rule, limit_per="client"),
    "rule: switched off": lambda scene: saved(scene.rule, enabled=False),
    "rule: create": lambda scene: Rule.objects.create(),
    "rule: delete": lambda scene: scene.rule.delete(),
    "rule: QuerySet.update": lambda scene: Rule.objects.update(tools="other"),
    "rule: QuerySet.delete": lambda scene: Rule.objects.all().delete(),
    "rule: bulk_create": lambda scene: Rule.objects.bulk_create([Rule(), Rule()]),
    "rule: bulk_update": lambda scene: bulk_updated(scene.rule, tools="other"),
    "rule: raw update": lambda scene: execute("UPDATE authz_app_rule SET tools = 'other'"),
    "rule: raw insert": lambda scene: execute(
        "INSERT INTO authz_app_rule (effect, applies_to, token_scopes, tools, enabled, note, created_at, updated_at)"
        " SELECT effect, applies_to, token_scopes, tools, enabled, note, created_at, updated_at FROM authz_app_rule"
    ),
    "member: set": lambda scene: scene.rule.clients.set([scene.other]),
    "member: add": lambda scene: scene.rule.clients.add(scene.other),
    "member: add, from the client": lambda scene: scene.other.rules.add(scene.rule),
    "member: remove": lambda scene: scene.rule.clients.remove(scene.member),
    "member: clear": lambda scene: scene.rule.clients.clear(),
    "member: bulk_create": lambda scene: RuleClient.objects.bulk_create(
        [RuleClient(rule=scene.rule, client=scene.other)]
    ),
    "member: QuerySet.update": lambda scene: RuleClient.objects.update(client=scene.other),
    "member: raw update": lambda scene: execute("UPDATE authz_app_ruleclient SET client_id = %s", scene.other.pk),
    "member: raw delete": lambda scene: execute("DELETE FROM authz_app_ruleclient"),
    "client: save of its status": lambda scene: saved(scene.other, status="blocked"),
    "client: save of its name": lambda scene: saved(scene.member, name="Renamed"),
    "client: QuerySet.update": lambda scene: Client.objects.update(status="pending"),
    "client: bulk_update": lambda scene: bulk_updated(scene.other, status="blocked"),
    "client: update_or_create": lambda scene: Client.objects.update_or_create(
        {"status": "blocked"}, issuer=ISSUER, subject="other"
    ),
    "client: upsert": lambda scene: Client.objects.bulk_create(
        [Client(issuer=ISSUER, subject="other", status="blocked")],
        update_conflicts=True, unique_fields=["issuer", "subject"], update_fields=["status"],
    ),
    "client: raw update": lambda scene: execute("UPDATE authz_app_client SET subject = 'x' || subject"),
    "client: delete": lambda scene: scene.other.delete(),
    "client: raw delete": lambda scene: execute("DELETE FROM authz_app_client WHERE id = %s", scene.other.pk),
    "tool: save": lambda scene: saved(scene.tool, enabled=False),
    "tool: save of its kind": lambda scene: saved(scene.tool, kind="prompt"),
    "tool: QuerySet.update": lambda scene: Tool.objects.filter(name="echo").update(enabled=False),
    "tool: bulk_update": lambda scene: bulk_updated(scene.tool, enabled=False),
    "tool: delete": lambda scene: scene.tool.delete(),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_what_decisions_read_moves_the_version(scene: Scene, change: Callable[[Scene], object]) -> None:
    with version_moves():
        change(scene)


NO_CHANGES: dict[str, Callable[[Scene], object]] = {
    "rule: its note": lambda scene: saved(scene.rule, note="Why it exists."),
    "rule: saved as it was": lambda scene: scene.rule.save(),
    "rule: set to what it was": lambda scene: Rule.objects.update(tools="time"),
    "member: set to what they were": lambda scene: scene.rule.clients.set([scene.member]),
    "client: notes": lambda scene: saved(scene.member, notes="Runs at night."),
    "client: kind": lambda scene: saved(scene.member, kind="person"),
    "client: last seen": lambda scene: Client.objects.update(last_seen=timezone.now()),
    "client: first seen": lambda scene: Client.objects.update(first_seen=timezone.now()),
    "client: first sight": lambda scene: Client.objects.create(issuer=ISSUER, subject="new", status="pending"),
    "client: many at first sight": lambda scene: Client.objects.bulk_create(
        [Client(issuer=ISSUER, subject=f"new {number}") for number in range(3)], ignore_conflicts=True
    ),
    "tool: description": lambda scene: saved(scene.tool, description="Other words."),
    "tool: gone": lambda scene: saved(scene.tool, gone=True),
    "tool: first sight": lambda scene: Tool.objects.create(name="new", module="m"),
}


@pytest.mark.parametrize("change", NO_CHANGES.values(), ids=NO_CHANGES)
def test_a_change_of_what_decisions_do_not_read_leaves_the_version(
    scene: Scene, change: Callable[[Scene], object]
) -> None:
    with version_moves(False):
        change(scene)


REPLACED = {
    "rule, by its id": (Rule, "id", "tools", "'other'"),
    "client, by its id": (Client, "id", "status", "'blocked'"),
    "client, by issuer and subject": (Client, "NULL", "status", "'blocked'"),
    "tool, by its id": (Tool, "id", "enabled", "0"),
    "tool, by its name": (Tool, "NULL", "enabled", "0"),
    "member, by rule and client": (RuleClient, "NULL", "rule_id", "rule_id"),
}


@pytest.mark.parametrize(("model", "key", "column", "value"), REPLACED.values(), ids=REPLACED)
def test_replacing_a_row_moves_the_version(
    scene: Scene, model: type[models.Model], key: str, column: str, value: str
) -> None:
    only("sqlite")
    RuleClient.objects.exclude(rule__in=[scene.rule] if model is RuleClient else []).delete()
    names = copied(model)
    values = names.replace("id", key, 1).replace(column, value) if key == "NULL" else names.replace(column, value)
    table = model._meta.db_table
    with version_moves():
        execute(f"INSERT OR REPLACE INTO {table} ({names}) SELECT {values} FROM {table}")


@pytest.mark.parametrize("table", ["authz_app_rule", "authz_app_ruleclient", "authz_app_client", "tools_app_tool"])
def test_truncate_moves_the_version(scene: Scene, table: str) -> None:
    only("postgresql")
    with version_moves():
        execute(f"TRUNCATE {table} CASCADE")


def test_rows_copied_into_the_table_move_the_version(scene: Scene) -> None:
    only("postgresql")
    with version_moves(), transaction.atomic(), connection.cursor() as cursor:
        copy = "COPY authz_app_ruleclient (rule_id, client_id) FROM STDIN"
        with cursor.connection.cursor().copy(copy) as rows:
            rows.write_row((scene.rule.pk, scene.other.pk))


def test_a_change_that_is_rolled_back_moves_nothing(scene: Scene) -> None:
    notes = PolicyChange.objects.count()
    with version_moves(False), transaction.atomic():
        Rule.objects.update(tools="other")
        scene.rule.clients.clear()
        transaction.set_rollback(True)
    assert PolicyChange.objects.count() == notes


def test_a_savepoint_that_is_rolled_back_takes_its_notes_with_it(scene: Scene) -> None:
    with version_moves(), transaction.atomic():
        with transaction.atomic():
            Rule.objects.update(tools="never")
            transaction.set_rollback(True)
        Client.objects.filter(pk=scene.member.pk).update(status="blocked")


def test_the_version_moves_once_in_a_transaction(scene: Scene) -> None:
    only("postgresql")
    before = stored_version()
    with transaction.atomic():
        for tools in ("one", "two", "three"):
            saved(scene.rule, tools=tools)
        Rule.objects.bulk_create([Rule() for _ in range(20)])
    assert stored_version() == before + 1


def test_a_long_transaction_does_not_hold_up_records(scene: Scene) -> None:
    only("postgresql")
    writer = AuditWriter(timeout=5.0)
    try:
        with version_moves(), transaction.atomic():
            saved(scene.rule, tools="other")
            assert asyncio.run(writer.open(an_opening(stored_version()))) is True
    finally:
        writer.stop()


def a_trigger() -> tuple[str, str]:
    suffix = "_update" if connection.vendor == "sqlite" else "_row"
    return f"policy_version_authz_app_rule{suffix}", "authz_app_rule"


def drop(name: str, table: str) -> None:
    execute(f"DROP TRIGGER {name}" + ("" if connection.vendor == "sqlite" else f" ON {table}"))


def found() -> list[str]:
    return [str(message.id) for message in check_triggers(databases=["default"])]


@pytest.fixture
def restored() -> Iterator[None]:
    """Whatever a test does to the triggers, the next one has them."""
    yield
    install.install(connection)


@pytest.mark.usefixtures("restored")
def test_the_check_notices_a_dropped_trigger_and_migrate_restores_it() -> None:
    assert found() == []
    drop(*a_trigger())
    assert install.missing_policy_triggers(connection) == [a_trigger()[0]]
    assert found() == ["authz.E006"]
    call_command("migrate", verbosity=0)
    assert found() == []
    with version_moves():
        Rule.objects.create()


@pytest.mark.usefixtures("restored")
def test_the_check_notices_a_trigger_that_was_altered_or_switched_off() -> None:
    name, table = a_trigger()
    if connection.vendor == "sqlite":
        drop(name, table)
        execute(f"CREATE TRIGGER {name} AFTER UPDATE ON {table} BEGIN SELECT 1; END")
    else:
        execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    assert found() == ["authz.E006"]


@pytest.mark.usefixtures("restored")
def test_the_check_notices_that_sqlite_rebuilt_a_table() -> None:
    only("sqlite")
    old = Rule._meta.get_field("note")
    new = models.TextField(null=True)
    new.set_attributes_from_name("note")
    new.model = Rule
    for was, becomes in ((old, new), (new, old)):
        with connection.schema_editor() as editor:
            editor.alter_field(Rule, was, becomes)
    assert found() == ["authz.E006"]


def test_an_older_database_is_migrated(fresh_database: str) -> None:
    for older in (("authz_app", "0002"), ("tools_app", "0002"), ()):
        migrate(fresh_database, *older)
    version = "SELECT version FROM authz_app_policystate"
    before = rows(fresh_database, version)
    rule_for_everybody(fresh_database, "*")
    assert rows(fresh_database, version) > before


def test_installing_again_changes_nothing() -> None:
    installed = install.installed(connection)
    before = stored_version()
    install.install(connection)
    assert (install.installed(connection), stored_version()) == (installed, before)
    with version_moves():
        Rule.objects.create()


def test_the_version_goes_on_from_the_last_one_when_its_row_is_lost() -> None:
    Rule.objects.create()
    before = stored_version()
    PolicyState.objects.all().delete()
    install.install(connection)
    assert stored_version() > before
