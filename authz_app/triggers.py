"""Database triggers that move the policy version with every change of the policy, whichever way it was made.

Installed after `migrate` and verified by a system check, because SQLite drops a table's triggers when it rebuilds it.

On SQLite a row trigger moves the version at once: the writer holds the only write lock anyway. On PostgreSQL the row
trigger only notes the change, and a deferred constraint trigger moves the version once, when the transaction commits,
so that a long transaction does not keep the version row locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_PREFIX = "policy_version_"
STATE = "authz_app_policystate"
CHANGE = "authz_app_policychange"
WHOLE_POLICY = "all"


@dataclass(frozen=True, slots=True)
class PolicyTable:
    """A table that decisions read.

    ``columns`` are those that a decision can read; other columns do not move the version. ``row_id`` is the column
    that says which ``entity`` changed. ``on_insert`` is false where a new row cannot alter any decision already made;
    ``unique`` are then the columns by which it could take another row's place.
    """

    table: str
    entity: str
    columns: tuple[str, ...]
    row_id: str = "id"
    on_insert: bool = True
    unique: tuple[str, ...] = ()


_tables: list[PolicyTable] = [
    PolicyTable("authz_app_rule", "rule", ("id", "effect", "applies_to", "kind", "token_scopes", "tools", "enabled")),
    PolicyTable("authz_app_ruleclient", "rule", ("id", "rule_id", "client_id"), row_id="rule_id"),
    # Nothing is decided about a client before its row has been read, so a first sight changes nothing.
    PolicyTable(
        "authz_app_client",
        "client",
        ("id", "issuer", "subject", "status", "name"),
        on_insert=False,
        unique=("issuer", "subject"),
    ),
]


def register(table: PolicyTable) -> None:
    """Add a table of another app. Call it in ``AppConfig.ready``, before `migrate` can run."""
    if table not in _tables:
        _tables.append(table)


def _sqlite_moves(entity: str, row_ids: Sequence[str]) -> str:
    notes = " ".join(
        f"INSERT INTO {CHANGE} (version, entity, row_id) SELECT version, '{entity}', {row_id} FROM {STATE};"
        for row_id in row_ids
    )
    return f"BEGIN UPDATE {STATE} SET version = version + 1; {notes} END"


def _sqlite_triggers(spec: PolicyTable) -> dict[str, str]:
    changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in spec.columns)
    old, new = f"OLD.{spec.row_id}", f"NEW.{spec.row_id}"
    same = " AND ".join(f"{column} = NEW.{column}" for column in spec.unique or ("id",))
    taken = f"EXISTS (SELECT 1 FROM {spec.table} WHERE id = NEW.id OR ({same}))"
    events = {
        "update": f"AFTER UPDATE ON {spec.table} WHEN {changed} {_sqlite_moves(spec.entity, (old, new))}",
        "delete": f"AFTER DELETE ON {spec.table} {_sqlite_moves(spec.entity, (old,))}",
        # INSERT OR REPLACE deletes without firing the delete trigger.
        "replace": f"BEFORE INSERT ON {spec.table} WHEN {taken} {_sqlite_moves(WHOLE_POLICY, ('0',))}",
    }
    if spec.on_insert:
        events["insert"] = f"AFTER INSERT ON {spec.table} {_sqlite_moves(spec.entity, (new,))}"
    return {
        f"{_PREFIX}{spec.table}_{event}": f"CREATE TRIGGER {_PREFIX}{spec.table}_{event} {body}"
        for event, body in events.items()
    }


_POSTGRESQL_MOVE = f"""
CREATE OR REPLACE FUNCTION {_PREFIX}move() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE moved bigint;
BEGIN
    -- Only the changes of this transaction can be without a version: it is set before they can be seen by others.
    IF EXISTS (SELECT 1 FROM {CHANGE} WHERE id = NEW.id AND version IS NULL) THEN
        UPDATE {STATE} SET version = version + 1 RETURNING version INTO moved;
        -- Without its row (a flush) there is no version, and nothing can be recorded until `migrate` restores it.
        UPDATE {CHANGE} SET version = COALESCE(moved, 0) WHERE version IS NULL;
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS {_PREFIX}deferred ON {CHANGE};
CREATE CONSTRAINT TRIGGER {_PREFIX}deferred AFTER INSERT ON {CHANGE}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {_PREFIX}move()
"""


def _postgresql_triggers(spec: PolicyTable) -> dict[str, str]:
    name = f"{_PREFIX}{spec.table}"
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in spec.columns)
    on_insert = f"INSERT INTO {CHANGE} (entity, row_id) VALUES ('{spec.entity}', NEW.{spec.row_id});"
    function = f"""
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO {CHANGE} (entity, row_id) VALUES ('{WHOLE_POLICY}', 0);
    ELSIF TG_OP = 'INSERT' THEN
        {on_insert if spec.on_insert else "NULL;"}
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO {CHANGE} (entity, row_id) VALUES ('{spec.entity}', OLD.{spec.row_id});
    ELSIF {changed} THEN
        INSERT INTO {CHANGE} (entity, row_id)
            SELECT DISTINCT '{spec.entity}', unnest(ARRAY[OLD.{spec.row_id}, NEW.{spec.row_id}]);
    END IF;
    RETURN NULL;
END $$;"""
    return {
        f"{name}_row": f"""{function}
DROP TRIGGER IF EXISTS {name}_row ON {spec.table};
CREATE TRIGGER {name}_row AFTER INSERT OR UPDATE OR DELETE ON {spec.table}
    FOR EACH ROW EXECUTE FUNCTION {name}()""",
        f"{name}_truncate": f"""
DROP TRIGGER IF EXISTS {name}_truncate ON {spec.table};
CREATE TRIGGER {name}_truncate AFTER TRUNCATE ON {spec.table}
    FOR EACH STATEMENT EXECUTE FUNCTION {name}()""",
    }


def is_migrated(connection: BaseDatabaseWrapper, spec: PolicyTable) -> bool:
    """Whether the table is there, with all the columns that this version of the code knows."""
    with connection.cursor() as cursor:
        if spec.table not in connection.introspection.table_names(cursor):
            return False
        return {*spec.columns} <= {
            column.name for column in connection.introspection.get_table_description(cursor, spec.table)
        }


def _wanted(connection: BaseDatabaseWrapper) -> dict[str, str]:
    # On a table that `migrate` is still to change they would be broken, and to miss them would keep it from running.
    specs = [spec for spec in _tables if is_migrated(connection, spec)]
    if connection.vendor == "sqlite":
        return {name: sql for spec in specs for name, sql in _sqlite_triggers(spec).items()}
    triggers = {name: sql for spec in specs for name, sql in _postgresql_triggers(spec).items()}
    return {f"{_PREFIX}deferred": _POSTGRESQL_MOVE, **triggers} if specs else {}


def _tables_present(connection: BaseDatabaseWrapper) -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.table_names(cursor))


def _installed(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """Our triggers in the database: name to definition (on PostgreSQL, to its name only, and only if it is on)."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s", [f"{_PREFIX}%"]
            )
        else:
            cursor.execute(
                "SELECT tgname, tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
                " WHERE tgname LIKE %s AND tgenabled IN ('O', 'A') AND pg_table_is_visible(c.oid)",
                [f"{_PREFIX}%"],
            )
        return dict(cursor.fetchall())


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The triggers that should be in the database and are not, or are not as they should be."""
    present = _tables_present(connection)
    if STATE not in present:
        return []
    installed = _installed(connection)
    wanted = _wanted(connection)
    if connection.vendor == "sqlite":
        return sorted(name for name, sql in wanted.items() if installed.get(name) != sql)
    return sorted(set(wanted) - set(installed))


def install(connection: BaseDatabaseWrapper) -> None:
    """Create or renew every trigger, and the row that holds the version. Safe to repeat."""
    present = _tables_present(connection)
    if not {STATE, CHANGE} <= present:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in _installed(connection):
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        for sql in _wanted(connection).values():
            cursor.execute(sql)
        # A version never comes back: after a flush it goes on from the last one that anything was noted under.
        cursor.execute(
            f"INSERT INTO {STATE} (id, version) SELECT 1, COALESCE((SELECT MAX(version) FROM {CHANGE}), 0) + 1"
            f" WHERE NOT EXISTS (SELECT 1 FROM {STATE})"
        )


def install_after_migrate(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Receive ``post_migrate``."""
    install(connections[using])
