"""Brings the history in line with the policy's rows: when it begins, and after changes that no trigger saw.

Triggers write the history. Rows from before them, and changes while SQLite had dropped them to rebuild a table, are
found here, after each `migrate`.
"""

from collections.abc import Sequence

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.policy_store.policy_table import PolicyTable
from authz_app.policy_store.tables import CHANGE, EDIT, REVISION, STATE, WHOLE_POLICY, latest, vanished
from authz_app.triggers import policy_postgresql, policy_sqlite

_NEVER_MADE = f"FROM {STATE} s WHERE NOT EXISTS (SELECT 1 FROM {EDIT} e WHERE e.moved AND e.version = s.version)"


def take(connection: BaseDatabaseWrapper, tables: Sequence[PolicyTable]) -> None:
    """Note each row that differs from its latest revision. Safe to repeat: then none does."""
    if not _begins(connection) and not any(_differs(connection, table) for table in tables):
        return
    with transaction.atomic(connection.alias):
        _lock(connection, tables)
        edit = (_edit_on_sqlite if connection.vendor == "sqlite" else _edit_on_postgresql)(connection)
        with connection.cursor() as cursor:
            for table in tables:
                for rows in _differing(connection, table):
                    cursor.execute(
                        f"INSERT INTO {REVISION} (edit_id, entity, entity_id, part, part_id, client_id, was, became)"
                        f" SELECT %s, {rows}",
                        [edit],
                    )


def _ask(connection: BaseDatabaseWrapper, sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])


def _begins(connection: BaseDatabaseWrapper) -> bool:
    """Whether the history does not know where the current version came from."""
    return bool(_ask(connection, f"SELECT EXISTS (SELECT 1 {_NEVER_MADE})"))


def _lock(connection: BaseDatabaseWrapper, tables: Sequence[PolicyTable]) -> None:
    """Let nobody change a row between its being compared and its being noted. On SQLite nobody can."""
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {', '.join(table.table for table in tables)} IN SHARE MODE")


def _edit_on_sqlite(connection: BaseDatabaseWrapper) -> int:
    with connection.cursor() as cursor:
        if not _begins(connection):
            cursor.execute(f"UPDATE {STATE} SET version = version + 1")
            cursor.execute(
                f"INSERT INTO {CHANGE} (version, entity, row_id) SELECT version, '{WHOLE_POLICY}', 0 FROM {STATE}"
            )
        cursor.execute(policy_sqlite.NEW_EDIT.format(moved=1))
    return _ask(connection, f"SELECT MAX(id) FROM {EDIT}")


def _edit_on_postgresql(connection: BaseDatabaseWrapper) -> int:
    """The version moves when the transaction commits; or the edit is that of the version that is current."""
    begins = _begins(connection)
    with connection.cursor() as cursor:
        if not begins:
            cursor.execute(f"INSERT INTO {CHANGE} (entity, row_id) VALUES ('{WHOLE_POLICY}', 0)")
        edit = _ask(connection, f"SELECT {policy_postgresql.PREFIX}edit()")
        if begins:
            cursor.execute(
                f"UPDATE {EDIT} SET version = (SELECT version FROM {STATE}), moved = true WHERE id = %s", [edit]
            )
    return edit


def _differing(connection: BaseDatabaseWrapper, table: PolicyTable) -> tuple[str, str]:
    """SQL to select each row that differs from its latest revision, and each that is gone."""
    sqlite = connection.vendor == "sqlite"
    image = (policy_sqlite if sqlite else policy_postgresql).image(table, "t")
    client = f"t.{table.client}" if table.client else "NULL"
    return (
        f"'{table.entity}', t.{table.owner}, '{table.part}', t.id, {client}, r.became, {image}"
        f" FROM {table.table} t LEFT JOIN {REVISION} r ON r.id = {latest(table, 't.id')}"
        f" WHERE {image} {'IS NOT' if sqlite else 'IS DISTINCT FROM'} r.became",
        vanished(table),
    )


def _differs(connection: BaseDatabaseWrapper, table: PolicyTable) -> bool:
    return any(_ask(connection, f"SELECT EXISTS (SELECT {rows})") for rows in _differing(connection, table))
