"""What the history has of each change: every row as it was and as it became, whichever way it was changed.

Covers: authz_app.policy_store.policy_table, authz_app.policy_store.tables
"""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.utils import timezone

from authz_app.history.past import policy_at
from authz_app.models import Client, PolicyChange, PolicyEdit, PolicyRevision, Rule, RuleClient
from authz_app.policy_store.loading import load, stored_version
from authz_app.policy_store.policy_table import PolicyTable
from authz_app.policy_store.tables import policy_tables
from authz_app.triggers import baseline
from tests.authz_app.history.outsider import outsider
from tests.authz_app.triggers.test_install import (
    CHANGES,
    ISSUER,
    NO_CHANGES,
    Scene,
    execute,
    only,
    saved,
    scene as scene,
)
from tools_app.models import Tool

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

TABLES = {table.part: table for table in policy_tables()}


def assert_whole() -> None:
    """The history ends with the rows as they are, and no revision begins where another did not end."""
    assert [table.part for table in policy_tables() if baseline._differs(connection, table)] == []
    last: dict[tuple[str, int], str | None] = {}
    for revision in PolicyRevision.objects.order_by("id"):
        key = (revision.part, revision.part_id)
        if key not in last and revision.became is None:
            continue  # Of rows that went when the last test's database was emptied, history first.
        assert revision.was == last.get(key), f"{key} in {revision.pk}"
        last[key] = revision.became


def edits_after(version: int) -> list[PolicyEdit]:
    return list(PolicyEdit.objects.filter(version__gt=version).order_by("id"))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_in_the_history_whichever_way_it_is_made(scene: Scene, change: Callable[[Scene], object]) -> None:
    before = stored_version()
    change(scene)
    assert_whole()
    made = edits_after(before)
    assert all(edit.moved for edit in made)
    assert [edit.version for edit in made] == list(range(before + 1, stored_version() + 1))
    assert PolicyRevision.objects.filter(edit__in=made).exists()


@pytest.mark.parametrize("change", NO_CHANGES.values(), ids=NO_CHANGES)
def test_what_no_decision_reads_makes_no_version(scene: Scene, change: Callable[[Scene], object]) -> None:
    edits = set(PolicyEdit.objects.values_list("pk", flat=True))
    change(scene)
    assert_whole()
    assert not any(edit.moved for edit in PolicyEdit.objects.exclude(pk__in=edits))


@pytest.mark.parametrize(
    "name", ["client: last seen", "client: first seen", "tool: description", "rule: saved as it was"]
)
def test_what_nobody_did_is_not_in_the_history(scene: Scene, name: str) -> None:
    edits = PolicyEdit.objects.count()
    NO_CHANGES[name](scene)
    assert PolicyEdit.objects.count() == edits


def test_a_revision_has_the_row_before_and_after(scene: Scene) -> None:
    saved(scene.rule, tools="time\nweather", effect="deny")
    revision = PolicyRevision.objects.latest("id")
    assert (revision.entity, revision.entity_id, revision.part) == ("rule", scene.rule.pk, "rule")
    was, became = (TABLES["rule"].values(image) for image in (revision.was, revision.became) if image)
    assert {name for name in was if was[name] != became[name]} == {"tools", "effect"}
    assert (was["tools"], was["effect"], was["enabled"]) == ("time", "allow", True)
    assert (became["tools"], became["effect"], became["enabled"]) == ("time\nweather", "deny", True)
    edit = revision.edit
    assert (edit.version, edit.moved) == (stored_version(), True)
    assert abs((timezone.now() - edit.at).total_seconds()) < 60


def test_who_a_rule_names_is_in_the_history_of_the_rule_and_of_the_client(scene: Scene) -> None:
    scene.rule.clients.set([scene.other])
    gone, added = PolicyRevision.objects.filter(part="member").order_by("-id")[:2][::-1]
    assert (gone.entity_id, gone.client_id, gone.became) == (scene.rule.pk, scene.member.pk, None)
    assert (added.entity_id, added.client_id, added.was) == (scene.rule.pk, scene.other.pk, None)


def test_a_membership_that_moves_to_another_rule_leaves_the_one_and_comes_to_the_other(scene: Scene) -> None:
    other = Rule.objects.create(tools="other")
    RuleClient.objects.update(rule=other)
    left, came = PolicyRevision.objects.filter(part="member").order_by("-id")[:2][::-1]
    assert (left.entity_id, left.became, came.entity_id, came.was) == (scene.rule.pk, None, other.pk, None)


def test_a_note_is_in_the_history_and_moves_nothing(scene: Scene) -> None:
    version = stored_version()
    saved(scene.rule, note="Asked for by the team that pays.")
    revision = PolicyRevision.objects.latest("id")
    assert (stored_version(), revision.edit.version, revision.edit.moved) == (version, version, False)
    assert json.loads(revision.became or "")["note"] == "Asked for by the team that pays."


def test_the_first_sight_of_a_client_is_in_the_history(scene: Scene) -> None:
    version = stored_version()
    new = Client.objects.create(issuer=ISSUER, subject="new", status="pending")
    revision = PolicyRevision.objects.get(part="client", part_id=new.pk)
    assert (stored_version(), revision.edit.version, revision.edit.moved, revision.was) == (
        version,
        version,
        False,
        None,
    )


# Which columns


def stored_columns(table: PolicyTable) -> set[str]:
    with connection.cursor() as cursor:
        return {column.name for column in connection.introspection.get_table_description(cursor, table.table)}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_each_column_is_in_the_history_or_left_out_for_a_reason(scene: Scene, table: PolicyTable) -> None:
    image = PolicyRevision.objects.filter(part=table.part, became__isnull=False).latest("id").became or ""
    assert set(json.loads(image)) | set(table.left_out) == stored_columns(table)
    assert not set(json.loads(image)) & set(table.left_out)
    assert all(len(reason) > 10 for reason in table.left_out.values())
    assert set(table.noted) < set(json.loads(image))


OTHER_VALUES: dict[type[Any], str] = {
    models.CharField: "'x'",
    models.TextField: "'x'",
    models.BooleanField: "NOT {column}",
    models.BigIntegerField: "COALESCE({column}, 0) + 1",
    models.IntegerField: "COALESCE({column}, 0) + 1",
    models.DateTimeField: "'2026-11-27 01:02:03+00'",
    models.JSONField: "'[1]'",
}
COLUMNS = [(table, column) for table in TABLES.values() for column, one in table.fields.items() if not one.is_relation]


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[f"{table.part}.{column}" for table, column in COLUMNS])
def test_a_change_of_any_column_is_in_the_history(scene: Scene, table: PolicyTable, column: str) -> None:
    if table.part == "rule" and column == "id":
        RuleClient.objects.all().delete()
    kind = next(kind for kind in OTHER_VALUES if isinstance(table.fields[column], kind))
    value = "id + 1000" if column == "id" else OTHER_VALUES[kind].format(column=column)
    row_id = {"rule": scene.rule.pk, "member": RuleClient.objects.order_by().first(), "client": scene.other.pk}
    chosen = row_id.get(table.part, scene.tool.pk)
    before, edits = stored_version(), PolicyEdit.objects.count()
    execute(f"UPDATE {table.table} SET {column} = {value} WHERE id = %s", getattr(chosen, "pk", chosen))
    assert_whole()
    assert PolicyEdit.objects.count() == edits + 1
    assert (stored_version() > before) == (column in table.deciding) == (column not in table.noted)


# SQLite's conflict clauses, which go past its triggers


CLASHES = {
    "ignored": "INSERT OR IGNORE INTO authz_app_client ({columns}) SELECT NULL, {rest} FROM authz_app_client",
    "replaced by its id": "INSERT OR REPLACE INTO authz_app_client ({columns}) SELECT {columns} FROM authz_app_client",
    "replaced by issuer and subject": "INSERT OR REPLACE INTO authz_app_client ({columns})"
    " SELECT NULL, {rest} FROM authz_app_client",
    "updated instead": "INSERT INTO authz_app_client ({columns}) SELECT NULL, {rest} FROM authz_app_client WHERE true"
    " ON CONFLICT (issuer, subject) DO UPDATE SET status = 'blocked'",
    "replaced by an update": "UPDATE OR REPLACE authz_app_client SET subject = 'other' WHERE subject = 'member'",
    "replaced by an update of its id": "UPDATE OR REPLACE authz_app_rule SET id = {id} + 1 WHERE id = {id}",
    "a membership that was there": "INSERT OR REPLACE INTO authz_app_ruleclient (rule_id, client_id)"
    " SELECT rule_id, client_id FROM authz_app_ruleclient",
}


@pytest.mark.parametrize("sql", CLASHES.values(), ids=CLASHES)
def test_a_row_that_takes_another_s_place_is_in_the_history_and_so_is_the_other(scene: Scene, sql: str) -> None:
    only("sqlite")
    Rule.objects.create(tools="next")
    if "ruleclient" not in sql:
        RuleClient.objects.all().delete()
    names = [field.column for field in Client._meta.concrete_fields]
    execute(sql.format(columns=", ".join(names), rest=", ".join(names[1:]), id=scene.rule.pk))
    whole, past = load(), policy_at(stored_version())
    assert [table.part for table in policy_tables() if baseline._differs(connection, table)] == []
    assert (dict(past.rules), past.clients) == (dict(whole.rules), whole.clients)


# Transactions


def test_a_transaction_is_one_edit_with_the_row_of_each_change() -> None:
    only("postgresql")
    before = stored_version()
    with transaction.atomic():
        client = Client.objects.create(issuer=ISSUER, subject="new")
        rule = Rule.objects.create(tools="a", note="Why.")
        rule.clients.set([client])
        saved(rule, tools="b")
    (edit,) = edits_after(before)
    assert [revision.part for revision in edit.revisions.order_by("id")] == ["client", "rule", "member", "rule"]
    assert_whole()


def test_immediate_constraints_make_more_versions_and_lose_nothing(scene: Scene) -> None:
    only("postgresql")
    before = stored_version()
    with transaction.atomic():
        saved(scene.rule, tools="deferred")
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        saved(scene.rule, tools="at once")
        scene.rule.clients.clear()
        execute("SET CONSTRAINTS ALL DEFERRED")
        saved(scene.rule, note="Later.")
    assert stored_version() == before + 3
    assert_whole()
    assert not PolicyChange.objects.filter(version=None).exists()
    assert not PolicyEdit.objects.filter(version=None).exists()


def test_a_savepoint_that_is_rolled_back_leaves_no_trace(scene: Scene) -> None:
    before = stored_version()
    with transaction.atomic():
        with transaction.atomic():
            saved(scene.rule, tools="never")
            transaction.set_rollback(True)
        Client.objects.filter(pk=scene.member.pk).update(status="blocked")
    assert_whole()
    assert [revision.part for edit in edits_after(before) for revision in edit.revisions.all()] == ["client"]


def test_a_change_of_very_many_rows_is_noted_for_workers_in_one_word() -> None:
    only("postgresql")
    before = stored_version()
    Rule.objects.bulk_create([Rule(tools="bulk") for _ in range(600)])
    assert list(PolicyChange.objects.filter(version__gt=before).values_list("entity", "row_id")) == [("all", 0)]
    (edit,) = edits_after(before)
    assert edit.revisions.count() == 600


def test_two_transactions_at_once_are_two_edits_in_the_order_of_their_commits(scene: Scene) -> None:
    only("postgresql")
    other = Rule.objects.create(tools="other")
    before = stored_version()
    with outsider() as first, outsider() as second:
        for raw, rule in ((first, scene.rule), (second, other)):
            raw.execute("BEGIN")
            raw.execute("UPDATE authz_app_rule SET tools = 'changed' WHERE id = %s", [rule.pk])
        second.execute("COMMIT")
        first.execute("COMMIT")
    made = PolicyEdit.objects.filter(version__gt=before).order_by("version")
    assert [list(edit.revisions.values_list("entity_id", flat=True)) for edit in made] == [[other.pk], [scene.rule.pk]]
    assert policy_at(before + 1).rules[scene.rule.pk].tools == ("time",)


def test_nothing_is_lost_or_mixed_up_when_many_change_the_policy_at_once(scene: Scene) -> None:
    rules = [scene.rule, *(Rule.objects.create(tools="start") for _ in range(3))]
    failures: list[BaseException] = []
    before = stored_version()

    def change(number: int) -> None:
        try:
            with outsider() as raw:
                for turn in range(20):
                    mark = "?" if connection.vendor == "sqlite" else "%s"
                    raw.execute("BEGIN IMMEDIATE" if connection.vendor == "sqlite" else "BEGIN")
                    for rule in (rules[(number + turn) % 4], rules[number]) if turn % 3 else (rules[0],):
                        sql = f"UPDATE authz_app_rule SET tools = {mark} WHERE id = {mark}"
                        raw.execute(sql, [f"{number}_{turn}", rule.pk])
                    raw.execute("ROLLBACK" if turn % 5 == 4 else "COMMIT")
        except BaseException as error:  # noqa: BLE001  (told to the test)
            failures.append(error)

    # Each locks one row, or two of which the first is never held by one who waits for the second.
    threads = [threading.Thread(target=change, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    deadlocks = [error for error in failures if "deadlock" not in str(error)]
    assert deadlocks == []
    assert_whole()
    versions = PolicyEdit.objects.filter(version__gt=before).order_by("version").values_list("version", flat=True)
    assert list(versions) == list(range(before + 1, stored_version() + 1))


def test_the_first_sight_of_a_client_does_not_wait_for_an_open_change() -> None:
    only("postgresql")
    rule = Rule.objects.create(tools="time")
    with outsider() as administrator, outsider() as site:
        administrator.execute("BEGIN")
        administrator.execute("UPDATE authz_app_rule SET tools = 'x' WHERE id = %s", [rule.pk])
        site.execute("SET lock_timeout = '2s'")
        site.execute("INSERT INTO authz_app_client (name, issuer, subject, kind, status, notes)"
                     " VALUES ('', 'i', 's', 'service', 'active', '')")  # fmt: skip
        administrator.execute("COMMIT")
    assert_whole()


def test_switching_a_tool_off_is_in_the_history() -> None:
    Tool.objects.filter(name="echo").update(enabled=False)
    revision = PolicyRevision.objects.latest("id")
    assert (revision.entity, json.loads(revision.became or "")["name"]) == ("tool", "echo")
