"""Installs the triggers that move the policy version with every change of the policy, whichever way it was made.

They write the history, too: who changed what, from what to what, when. They are installed after `migrate` and verified
by a system check, because SQLite drops a table's triggers when it rebuilds it.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.core import actor
from authz_app.policy_store.policy_table import PolicyTable
from authz_app.policy_store.tables import CHANGE, EDIT, REVISION, STATE, policy_tables
from authz_app.triggers import (
    append_only_history,
    append_only_records,
    baseline,
    grants,
    policy_postgresql,
    policy_sqlite,
)

_PREFIX = "policy_version_"


def is_migrated(connection: BaseDatabaseWrapper, table: PolicyTable) -> bool:
    """Whether the table is there, with all the columns that this version of the code knows."""
    with connection.cursor() as cursor:
        if table.table not in connection.introspection.table_names(cursor):
            return False
        return {*table.fields} <= {
            column.name for column in connection.introspection.get_table_description(cursor, table.table)
        }


def _migrated(connection: BaseDatabaseWrapper) -> list[PolicyTable]:
    # On a table that `migrate` is still to change they would be broken, and to miss them would keep it from running.
    return [table for table in policy_tables() if is_migrated(connection, table)]


def _wanted(connection: BaseDatabaseWrapper) -> dict[str, str]:
    tables = _migrated(connection)
    if connection.vendor == "sqlite":
        return {name: sql for table in tables for name, sql in policy_sqlite.triggers(table).items()}
    triggers = {name: sql for table in tables for name, sql in policy_postgresql.triggers(table).items()}
    return {**policy_postgresql.SHARED, **triggers} if tables else {}


def _lacks_tables(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        return not {STATE, CHANGE, EDIT, REVISION} <= set(connection.introspection.table_names(cursor))


def installed(connection: BaseDatabaseWrapper, prefix: str = _PREFIX) -> dict[str, str]:
    """Our triggers in the database: name to definition (on PostgreSQL, to its name only, and only if it is on)."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s", [f"{prefix}%"]
            )
        else:
            cursor.execute(
                "SELECT tgname, tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
                " WHERE tgname LIKE %s AND tgenabled IN ('O', 'A') AND pg_table_is_visible(c.oid)",
                [f"{prefix}%"],
            )
        return dict(cursor.fetchall())


def missing_policy_triggers(connection: BaseDatabaseWrapper) -> list[str]:
    """The triggers that move the version and are not in the database, or are not as they should be."""
    return [] if _lacks_tables(connection) else _missing(connection, _wanted(connection), installed(connection))


def missing_history_triggers(connection: BaseDatabaseWrapper) -> list[str]:
    """The triggers that keep the history from being edited or deleted by accident, and are not in the database."""
    if _lacks_tables(connection):
        return []
    return sorted(
        set(append_only_history.triggers(connection)) - set(installed(connection, append_only_history.PREFIX))
    )


def missing_record_triggers(connection: BaseDatabaseWrapper) -> list[str]:
    """The triggers that keep final records from being edited or deleted, and are not in the database as they should."""
    present = installed(connection, append_only_records.PREFIX)
    return _missing(connection, append_only_records.triggers(connection), present)


def _missing(connection: BaseDatabaseWrapper, wanted: dict[str, str], present: dict[str, str]) -> list[str]:
    if connection.vendor == "sqlite":
        return sorted(name for name, sql in wanted.items() if present.get(name) != sql)
    return sorted(set(wanted) - set(present))


def install(connection: BaseDatabaseWrapper) -> None:
    """Create or renew every trigger, and the row that holds the version. Safe to repeat."""
    if _lacks_tables(connection):
        return
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in installed(connection):
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        for sql in _wanted(connection).values():
            cursor.execute(sql)
        # A version never comes back: after a flush it goes on from the last one that anything was noted under.
        cursor.execute(
            f"INSERT INTO {STATE} (id, version) SELECT 1, COALESCE(MAX(version), 0) + 1"
            f" FROM (SELECT version FROM {CHANGE} UNION ALL SELECT version FROM {EDIT}) AS noted"
            f" WHERE NOT EXISTS (SELECT 1 FROM {STATE}) HAVING NOT EXISTS (SELECT 1 FROM {STATE})"
        )
    actor.listen(connection)
    baseline.take(connection, _migrated(connection))


def make_way_for_migrate(plan: Sequence[Any], using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Receive ``pre_migrate``. A column that a trigger names cannot be dropped, and SQLite rebuilds whole tables."""
    if plan:
        append_only_records.remove(connections[using])


def install_after_migrate(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Receive ``post_migrate``."""
    install(connections[using])
    if not _lacks_tables(connections[using]):
        append_only_history.install(connections[using])
        append_only_records.install(connections[using])
        grants.grant(connections[using], settings.SERVING_ROLE)
