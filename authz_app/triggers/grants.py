"""Lets a second role serve on PostgreSQL: it can change no record, and does not own the tables."""

from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.policy_store.tables import EDIT, REVISION
from authz_app.triggers.append_only_records import EVENTS, KEYS, RECORDS, SEALS

# The columns that are written after the call, and by the sealer.
_WRITTEN_LATER = "outcome, duration_ms, result_size, error, result, undelivered, seal"
_GRANTS = f"""
GRANT USAGE ON SCHEMA {{schema}} TO {{role}};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {{schema}} TO {{role}};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {{schema}} TO {{role}};
REVOKE UPDATE, DELETE ON {RECORDS}, {EVENTS}, {SEALS}, {KEYS} FROM {{role}};
REVOKE DELETE ON {EDIT}, {REVISION} FROM {{role}};
GRANT UPDATE ({_WRITTEN_LATER}) ON {RECORDS} TO {{role}};
GRANT UPDATE (seal) ON {EVENTS} TO {{role}};
"""


def grant(connection: BaseDatabaseWrapper, role: str) -> None:
    """Let this role serve. Does nothing if ``role`` is empty, or is the connected role itself."""
    if connection.vendor != "postgresql" or not role:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_schema()")
        connected, schema = cursor.fetchone()
        if connected != role:
            quote = connection.ops.quote_name
            cursor.execute(_GRANTS.format(role=quote(role), schema=quote(schema)))


def serving_owner(connection: BaseDatabaseWrapper) -> list[str]:
    """The connected role, if it owns the call records or may act for their owner."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user FROM pg_class WHERE relname = %s AND pg_table_is_visible(oid)"
            " AND pg_has_role(current_user, relowner, 'USAGE')",
            [RECORDS],
        )
        return [row[0] for row in cursor.fetchall()]
