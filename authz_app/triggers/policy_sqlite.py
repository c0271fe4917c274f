"""Writes the triggers on policy tables for SQLite: each changed row moves the version and is in the history at once.

The writer holds the only write lock anyway. Only a conflict clause goes past SQLite's triggers: rows that REPLACE
deletes fire none, so rows that it could delete are noted before, and looked for after.
"""

from typing import Any

from django.db import models

from authz_app.policy_store.policy_table import PolicyTable
from authz_app.policy_store.tables import CHANGE, EDIT, REVISION, STATE, WHOLE_POLICY, latest

PREFIX = "policy_version_"

NEW_EDIT = (
    f"INSERT INTO {EDIT} (version, moved, at, actor_kind, actor, database_user)"
    f" SELECT version, {{moved}}, strftime('%Y-%m-%d %H:%M:%f', 'now'), '', '', '' FROM {STATE};"
)
_MOVE = f"UPDATE {STATE} SET version = version + 1; {NEW_EDIT.format(moved=1)}"
_NO_MOVE = NEW_EDIT.format(moved=0)
# Without its row (a flush) there is no version, and nothing is noted until `migrate` restores it.
_THIS_EDIT = f"(SELECT MAX(id) FROM {EDIT}) AND e.version = (SELECT version FROM {STATE})"


def image(table: PolicyTable, row: str) -> str:
    """SQL for one row as JSON; ``row`` is NEW, OLD or an alias."""
    values = ", ".join(f"'{column}', {_value(one, f'{row}.{column}')}" for column, one in table.fields.items())
    return f"json_object({values})"


def _value(one: "models.Field[Any, Any]", column: str) -> str:
    # What plain SQL wrote there need not be JSON, and is then kept as the text that it is.
    return f"iif(json_valid({column}), json({column}), {column})" if isinstance(one, models.JSONField) else column


def _noted(table: PolicyTable, *rows_changed: str) -> str:
    rows = " UNION ".join(f"SELECT version, '{table.entity}', {row}.{table.owner} FROM {STATE}" for row in rows_changed)
    return f"INSERT INTO {CHANGE} (version, entity, row_id) {rows};"


def _revision(table: PolicyTable, row: str, was: str, became: str, condition: str = "1") -> str:
    client = f"{row}.{table.client}" if table.client else "NULL"
    return (
        f"INSERT INTO {REVISION} (edit_id, entity, entity_id, part, part_id, client_id, was, became)"
        f" SELECT e.id, '{table.entity}', {row}.{table.owner}, '{table.part}', {row}.id, {client}, {was}, {became}"
        f" FROM {EDIT} e WHERE e.id = {_THIS_EDIT} AND {condition};"
    )


def _vanished(table: PolicyTable) -> str:
    """Revisions for rows that were noted before this one was written, and are gone without having been deleted."""
    return (
        f"INSERT INTO {REVISION} (edit_id, entity, entity_id, part, part_id, client_id, was, became)"
        f" SELECT e.id, r.entity, r.entity_id, r.part, r.part_id, r.client_id, r.became, NULL"
        f" FROM {CHANGE} c, {EDIT} e, {REVISION} r"
        f" WHERE c.version = e.version AND c.entity = '{WHOLE_POLICY}' AND e.id = {_THIS_EDIT}"
        f" AND r.id = {latest(table, 'c.row_id')} AND r.became IS NOT NULL"
        f" AND NOT EXISTS (SELECT 1 FROM {table.table} WHERE id = c.row_id);"
    )


def _note_taken(table: PolicyTable, taken: str) -> str:
    return (
        f"{_MOVE} INSERT INTO {CHANGE} (version, entity, row_id)"
        f" SELECT s.version, '{WHOLE_POLICY}', t.id FROM {STATE} s, {table.table} t WHERE {taken};"
    )


def _conflicts(table: PolicyTable, row: str) -> str:
    """SQL that says whether a row ``t`` stands where NEW is to go."""
    return " OR ".join(
        f"({' AND '.join(f'{row}{column} = NEW.{column}' for column in columns)})"
        for columns in [*table.unique, *([] if ["id"] in table.unique else [["id"]])]
    )


def _inserted(table: PolicyTable) -> str:
    was = f"(SELECT became FROM {REVISION} WHERE id = {latest(table, 'NEW.id')})"
    move = f"{_MOVE} {_noted(table, 'NEW')}" if table.on_insert else _NO_MOVE
    return f"{_vanished(table)} {move} {_revision(table, 'NEW', was, image(table, 'NEW'))}"


def _updated(table: PolicyTable, before: str) -> str:
    """Revisions of a row that was updated; one that became another row was deleted, and that one added."""
    old, new = image(table, "OLD"), image(table, "NEW")
    same = f"(OLD.id = NEW.id AND OLD.{table.owner} = NEW.{table.owner})"
    first = _revision(table, "OLD", old, f"iif({same}, {new}, NULL)")
    return f"{before} {first} {_revision(table, 'NEW', 'NULL', new, f'NOT {same}')}"


def triggers(table: PolicyTable) -> dict[str, str]:
    """Each trigger of a table: its name, and the statement that makes it."""
    name = table.table
    decides = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in table.deciding)
    unique = sorted({column for columns in table.unique for column in columns} | {"id"})
    taken, elsewhere = _conflicts(table, "t."), f"t.id <> OLD.id AND ({_conflicts(table, 't.')})"
    moved = f"{_vanished(table)} {_MOVE} {_noted(table, 'OLD', 'NEW')}"
    events = {
        "insert": f"AFTER INSERT ON {name} BEGIN {_inserted(table)} END",
        "update": f"AFTER UPDATE ON {name} WHEN {decides} BEGIN {_updated(table, moved)} END",
        "delete": f"AFTER DELETE ON {name} BEGIN {_MOVE} {_noted(table, 'OLD')}"
        f" {_revision(table, 'OLD', image(table, 'OLD'), 'NULL')} END",
        "replace": f"BEFORE INSERT ON {name} WHEN EXISTS (SELECT 1 FROM {name} t WHERE {taken})"
        f" BEGIN {_note_taken(table, taken)} END",
        "replace_update": f"BEFORE UPDATE OF {', '.join(unique)} ON {name}"
        f" WHEN EXISTS (SELECT 1 FROM {name} t WHERE {elsewhere}) BEGIN {_note_taken(table, elsewhere)} END",
    }
    if table.noted:
        notes = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in table.noted)
        events["note"] = (
            f"AFTER UPDATE ON {name} WHEN NOT ({decides}) AND ({notes}) BEGIN {_updated(table, _NO_MOVE)} END"
        )
    return {
        f"{PREFIX}{name}_{event}": f"CREATE TRIGGER {PREFIX}{name}_{event} {body}" for event, body in events.items()
    }
