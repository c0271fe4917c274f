"""Keeps the history as it was written, by triggers: nobody edits or deletes a row of it by accident.

Whoever may change the schema can drop them.
"""

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.policy_store.tables import EDIT, REVISION, STATE

PREFIX = "policy_history_"
_REFUSAL = "The policy history is only added to: no row of it is changed or deleted."
# An edit that is still being written: SQLite learns later who did it, and PostgreSQL its version.
_UNFINISHED = {
    "sqlite": f"(OLD.actor_kind = '' AND OLD.version = (SELECT version FROM {STATE}) AND NEW.version IS OLD.version"
    " AND NEW.id = OLD.id AND NEW.moved = OLD.moved AND NEW.at = OLD.at AND NEW.database_user = OLD.database_user)",
    "postgresql": "(OLD.version IS NULL)",
}


def triggers(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """Each trigger: its name, and the statements that make it."""
    make = _on_sqlite if connection.vendor == "sqlite" else _on_postgresql
    unfinished = _UNFINISHED["sqlite" if connection.vendor == "sqlite" else "postgresql"]
    return {**make(EDIT, f"NOT {unfinished}"), **make(REVISION, "true")}


def _on_sqlite(table: str, condition: str) -> dict[str, str]:
    name, refused = f"{PREFIX}{table}", f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    exists = f"EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)"
    return {
        f"{name}_update": f"CREATE TRIGGER {name}_update BEFORE UPDATE ON {table} WHEN {condition} {refused}",
        f"{name}_delete": f"CREATE TRIGGER {name}_delete BEFORE DELETE ON {table} {refused}",
        # INSERT OR REPLACE deletes without firing the delete trigger.
        f"{name}_insert": f"CREATE TRIGGER {name}_insert BEFORE INSERT ON {table} WHEN {exists} {refused}",
    }


def _on_postgresql(table: str, condition: str) -> dict[str, str]:
    name = f"{PREFIX}{table}"
    function = f"""
CREATE OR REPLACE FUNCTION {PREFIX}refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{_REFUSAL}';
END $$;"""
    return {
        f"{name}_{event}": f"""{function}
CREATE TRIGGER {name}_{event} BEFORE {event.upper()} ON {table} {each} EXECUTE FUNCTION {PREFIX}refuse()"""
        for event, each in {
            "update": f"FOR EACH ROW WHEN ({condition})",
            "delete": "FOR EACH ROW",
            "truncate": "FOR EACH STATEMENT",
        }.items()
    }


def install(connection: BaseDatabaseWrapper) -> None:
    """Create or renew the triggers. Safe to repeat."""
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        remove(connection)
        for sql in triggers(connection).values():
            cursor.execute(sql)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Leave the history without its guard."""
    with connection.cursor() as cursor:
        for name in triggers(connection):
            table = EDIT if name.startswith(f"{PREFIX}{EDIT}") else REVISION
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}" + ("" if connection.vendor == "sqlite" else f" ON {table}"))
