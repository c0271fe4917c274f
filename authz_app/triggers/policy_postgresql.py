"""Writes the triggers on policy tables for PostgreSQL: a transaction is one edit, and moves the version once.

A row trigger notes what changed under the transaction's edit, which has no version yet. A deferred constraint trigger
gives it one when the transaction commits, so that a long transaction does not keep the version row locked; and what it
does while it has the lock does not grow with the transaction.
"""

from typing import Any

from django.db import models

from authz_app.policy_store.policy_table import PolicyTable
from authz_app.policy_store.tables import CHANGE, EDIT, MOST_CHANGES, REVISION, STATE, WHOLE_POLICY, vanished

PREFIX = "policy_version_"
DEFERRED = f"{PREFIX}deferred"
_REVISION = f"{REVISION} (edit_id, entity, entity_id, part, part_id, client_id, was, became)"

# What is set in the session as the actor is like `user:ada`.
_EDIT_OF_THIS_TRANSACTION = f"""
CREATE OR REPLACE FUNCTION {PREFIX}edit() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    found bigint;
    actor text := COALESCE(current_setting('authz.actor', true), '');
BEGIN
    -- Only this transaction's own edit can be seen without a version.
    SELECT id INTO found FROM {EDIT} WHERE version IS NULL;
    IF found IS NULL THEN
        INSERT INTO {EDIT} (moved, at, actor_kind, actor, database_user) VALUES (
            false, clock_timestamp(), left(split_part(actor, ':', 1), 10),
            left(substr(actor, strpos(actor, ':') + 1), 200), session_user
        ) RETURNING id INTO found;
    END IF;
    RETURN found;
END $$"""

_MOVE = f"""
CREATE OR REPLACE FUNCTION {PREFIX}move() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE given bigint;
BEGIN
    -- The first edit of a history is given the version that is current.
    IF NOT EXISTS (SELECT FROM {EDIT} WHERE id = NEW.id AND version IS NULL) THEN
        RETURN NULL;
    END IF;
    IF (SELECT count(*) FROM (SELECT FROM {CHANGE} WHERE version IS NULL LIMIT {MOST_CHANGES} + 1) AS several)
        > {MOST_CHANGES}
    THEN
        DELETE FROM {CHANGE} WHERE version IS NULL;
        INSERT INTO {CHANGE} (entity, row_id) VALUES ('{WHOLE_POLICY}', 0);
    END IF;
    IF EXISTS (SELECT FROM {CHANGE} WHERE version IS NULL) THEN
        UPDATE {STATE} SET version = version + 1 RETURNING version INTO given;
        -- Without its row (a flush) there is no version, and nothing can be recorded until `migrate` restores it.
        UPDATE {CHANGE} SET version = COALESCE(given, 0) WHERE version IS NULL;
        UPDATE {EDIT} SET version = COALESCE(given, 0), moved = true, at = clock_timestamp() WHERE id = NEW.id;
    ELSE
        SELECT version INTO given FROM {STATE};
        UPDATE {EDIT} SET version = COALESCE(given, 0), at = clock_timestamp() WHERE id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS {DEFERRED} ON {CHANGE};
DROP TRIGGER IF EXISTS {DEFERRED} ON {EDIT};
CREATE CONSTRAINT TRIGGER {DEFERRED} AFTER INSERT ON {EDIT}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {PREFIX}move()"""

SHARED = {DEFERRED: f"{_EDIT_OF_THIS_TRANSACTION};{_MOVE}"}


def image(table: PolicyTable, row: str) -> str:
    """SQL for one row as JSON; ``row`` is NEW, OLD or an alias."""
    values = ", ".join(f"'{column}', {_value(one, f'{row}.{column}')}" for column, one in table.fields.items())
    return f"json_build_object({values})::text"


def _value(one: "models.Field[Any, Any]", column: str) -> str:
    # However the session's time zone is set.
    return f"{column} AT TIME ZONE 'UTC'" if isinstance(one, models.DateTimeField) else column


def _revision(table: PolicyTable, row: str, was: str, became: str) -> str:
    client = f"{row}.{table.client}" if table.client else "NULL::bigint"
    return (
        f"INSERT INTO {_REVISION} SELECT {PREFIX}edit(), '{table.entity}', {row}.{table.owner},"
        f" '{table.part}', {row}.id, {client}, {was}, {became};"
    )


def _change(table: PolicyTable, row: str) -> str:
    return f"INSERT INTO {CHANGE} (entity, row_id) VALUES ('{table.entity}', {row}.{table.owner});"


def _differ(columns: list[str] | tuple[str, ...]) -> str:
    return " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)


def _function(table: PolicyTable, name: str) -> str:
    # A change is noted before the edit is made: where constraints are immediate, the edit gets its version at once.
    old, new = image(table, "OLD"), image(table, "NEW")
    edited = _differ(list(table.fields))
    return f"""
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO {CHANGE} (entity, row_id) VALUES ('{WHOLE_POLICY}', 0);
        PERFORM {PREFIX}edit();
        INSERT INTO {_REVISION} SELECT {PREFIX}edit(), {vanished(table)};
    ELSIF TG_OP = 'INSERT' THEN
        {_change(table, "NEW") if table.on_insert else ""}
        {_revision(table, "NEW", "NULL", new)}
    ELSIF TG_OP = 'DELETE' THEN
        {_change(table, "OLD")}
        {_revision(table, "OLD", old, "NULL")}
    ELSIF {edited} THEN
        IF {_differ(table.deciding)} THEN
            {_change(table, "OLD")}
            IF OLD.{table.owner} <> NEW.{table.owner} THEN
                {_change(table, "NEW")}
            END IF;
        END IF;
        IF OLD.id = NEW.id AND OLD.{table.owner} = NEW.{table.owner} THEN
            {_revision(table, "NEW", old, new)}
        ELSE
            {_revision(table, "OLD", old, "NULL")}
            {_revision(table, "NEW", "NULL", new)}
        END IF;
    END IF;
    RETURN NULL;
END $$"""


def triggers(table: PolicyTable) -> dict[str, str]:
    """Each trigger of a table: its name, and the statements that make it, and the function that it calls."""
    name = f"{PREFIX}{table.table}"
    return {
        f"{name}_row": f"""{_function(table, name)};
DROP TRIGGER IF EXISTS {name}_row ON {table.table};
CREATE TRIGGER {name}_row AFTER INSERT OR UPDATE OR DELETE ON {table.table}
    FOR EACH ROW EXECUTE FUNCTION {name}()""",
        f"{name}_truncate": f"""
DROP TRIGGER IF EXISTS {name}_truncate ON {table.table};
CREATE TRIGGER {name}_truncate AFTER TRUNCATE ON {table.table}
    FOR EACH STATEMENT EXECUTE FUNCTION {name}()""",
    }
