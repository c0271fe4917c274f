"""Keeps records as they were written, by triggers: an outcome is written once, and a final record does not change.

Only what a seal marks as pruned is deleted. Whoever may change the schema can drop the triggers: then the seals tell.
"""

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

PREFIX = "evidence_"
RECORDS, EVENTS = "authz_app_callrecord", "authz_app_auditevent"
SEALS, KEYS = "authz_app_auditseal", "authz_app_auditkey"
_REFUSAL = "Records are evidence: what is final is not changed, and deleted only by pruning."
_OUTCOME = ("outcome", "duration_ms", "result_size", "error", "result")
_FINAL = "(OLD.decision = 'denied' OR OLD.outcome <> '' OR OLD.seal IS NOT NULL)"
_FINAL_AND_NOT_YET_SEALED = (
    "(OLD.seal IS NULL AND NEW.seal IS NOT NULL AND (OLD.decision = 'denied' OR OLD.outcome <> ''))"
)
_SEALED_ONCE = "(OLD.seal IS NULL AND NEW.seal IS NOT NULL)"
_PRUNING = "(OLD.pruned = '' AND NEW.pruned <> '' AND NEW.pruned_signature <> '' AND length(NEW.members) = 0)"
_PRUNED = f"EXISTS (SELECT 1 FROM {SEALS} WHERE number = OLD.seal AND pruned <> '')"
_LATER = ("seal", "undelivered")
_PRUNED_LATER = ("members", "pruned", "pruned_signature")


def _updates(connection: BaseDatabaseWrapper) -> dict[str, tuple[str, str, str]]:
    """Each refused update: its table, its columns (none: all of them), and when it is refused."""
    opening = _columns(connection, RECORDS, but=(*_OUTCOME, *_LATER))
    event = _columns(connection, EVENTS, but=("seal",))
    fixed = _columns(connection, SEALS, but=_PRUNED_LATER)
    return {
        "record_opening": (RECORDS, opening, ""),
        "record_outcome": (RECORDS, ", ".join(_OUTCOME), _FINAL),
        "record_delivery": (RECORDS, "undelivered", "OLD.seal IS NOT NULL OR NOT NEW.undelivered"),
        "record_seal": (RECORDS, "seal", f"NOT {_FINAL_AND_NOT_YET_SEALED}"),
        "event": (EVENTS, event, ""),
        "event_seal": (EVENTS, "seal", f"NOT {_SEALED_ONCE}"),
        "seal": (SEALS, fixed, ""),
        "seal_pruned": (SEALS, ", ".join(_PRUNED_LATER), f"NOT {_PRUNING}"),
        "key": (KEYS, "", ""),
    }


def _columns(connection: BaseDatabaseWrapper, table: str, but: tuple[str, ...]) -> str:
    with connection.cursor() as cursor:
        found = [column.name for column in connection.introspection.get_table_description(cursor, table)]
    return ", ".join(name for name in found if name not in but)


def is_migrated(connection: BaseDatabaseWrapper) -> bool:
    """Whether the tables are there, with the columns that seals need."""
    with connection.cursor() as cursor:
        if not {RECORDS, EVENTS, SEALS, KEYS} <= set(connection.introspection.table_names(cursor)):
            return False
        columns = connection.introspection.get_table_description(cursor, RECORDS)
    return any(column.name == "seal" for column in columns)


def triggers(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """Each trigger: its name, and the statements that make it. None, while the tables are still to be made."""
    if not is_migrated(connection):
        return {}
    return _on_sqlite(connection) if connection.vendor == "sqlite" else _on_postgresql(connection)


def _on_sqlite(connection: BaseDatabaseWrapper) -> dict[str, str]:
    refused = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    made = {}
    for what, (table, columns, condition) in _updates(connection).items():
        of, when = f" OF {columns}" if columns else "", f" WHEN {condition}" if condition else ""
        made[f"{PREFIX}{what}_update"] = f"BEFORE UPDATE{of} ON {table}{when}"
    # INSERT OR REPLACE deletes without firing the delete trigger.
    exists = "EXISTS (SELECT 1 FROM {} WHERE {} = NEW.{})"
    for what, table in (("record", RECORDS), ("event", EVENTS)):
        row_exists = exists.format(table, "id", "id")
        made[f"{PREFIX}{what}_delete"] = f"BEFORE DELETE ON {table} WHEN NOT {_PRUNED}"
        made[f"{PREFIX}{what}_insert"] = f"BEFORE INSERT ON {table} WHEN NEW.seal IS NOT NULL OR {row_exists}"
    for what, table, key in (("seal", SEALS, "number"), ("key", KEYS, "id")):
        made[f"{PREFIX}{what}_delete"] = f"BEFORE DELETE ON {table}"
        made[f"{PREFIX}{what}_insert"] = f"BEFORE INSERT ON {table} WHEN {exists.format(table, key, key)}"
    return {name: f"CREATE TRIGGER {name} {event} {refused}" for name, event in made.items()}


def _on_postgresql(connection: BaseDatabaseWrapper) -> dict[str, str]:
    made = {}
    for what, (table, columns, condition) in _updates(connection).items():
        of, when = f" OF {columns}" if columns else "", f" WHEN ({condition})" if condition else ""
        made[f"{PREFIX}{what}_update"] = f"BEFORE UPDATE{of} ON {table} FOR EACH ROW{when}", "refuse"
    for what, table in (("record", RECORDS), ("event", EVENTS)):
        made[f"{PREFIX}{what}_insert"] = f"BEFORE INSERT ON {table} FOR EACH ROW WHEN (NEW.seal IS NOT NULL)", "refuse"
        made[f"{PREFIX}{what}_delete"] = f"BEFORE DELETE ON {table} FOR EACH ROW", "unless_pruned"
    for what, table in (("seal", SEALS), ("key", KEYS)):
        made[f"{PREFIX}{what}_delete"] = f"BEFORE DELETE ON {table} FOR EACH ROW", "refuse"
    for what, table in (("record", RECORDS), ("event", EVENTS), ("seal", SEALS), ("key", KEYS)):
        made[f"{PREFIX}{what}_truncate"] = f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT", "refuse"
    return {
        name: f"{_FUNCTIONS[function]} CREATE TRIGGER {name} {event} EXECUTE FUNCTION {PREFIX}{function}()"
        for name, (event, function) in made.items()
    }


_FUNCTIONS = {
    "refuse": f"""CREATE OR REPLACE FUNCTION {PREFIX}refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{_REFUSAL}';
END $$;""",
    "unless_pruned": f"""CREATE OR REPLACE FUNCTION {PREFIX}unless_pruned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {_PRUNED} THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '{_REFUSAL}';
END $$;""",
}


def install(connection: BaseDatabaseWrapper) -> None:
    """Create or renew the triggers. Safe to repeat."""
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        remove(connection)
        for sql in triggers(connection).values():
            cursor.execute(sql)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Leave the records without their guard: drop each of its triggers that is there, whichever version made it."""
    on_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute(_MADE_ON_SQLITE if on_sqlite else _MADE_ON_POSTGRESQL, [f"{PREFIX}%"])
        for name, table in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}" + ("" if on_sqlite else f" ON {table}"))


_MADE_ON_SQLITE = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s"
_MADE_ON_POSTGRESQL = (
    "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
    " WHERE tgname LIKE %s AND pg_table_is_visible(tgrelid)"
)
