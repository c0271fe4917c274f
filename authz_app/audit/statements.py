"""The SQL that writes call records, for SQLite and PostgreSQL.

A record is inserted only if the policy version that it was decided under is still the committed one. On PostgreSQL one
statement locks the version row and inserts: a plain read before the insert would let a change commit in between. On
SQLite the transaction holds the only write lock from its beginning.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.audit.entries import OPENING_COLUMNS, Closing, Opening, opening_row
from authz_app.triggers import STATE

TABLE = "authz_app_callrecord"
_COLUMNS = ", ".join((*OPENING_COLUMNS, "outcome", "error"))
_CLOSE = (
    f"UPDATE {TABLE} SET outcome = %s, duration_ms = %s, result_size = %s, error = %s WHERE id = %s AND outcome = ''"
)
_UNDELIVERED = f"UPDATE {TABLE} SET undelivered = %s WHERE id = %s"
# A record that its worker never closed. Whoever gets there first decides its fate; nothing decides it twice.
_EXPIRE = f"UPDATE {TABLE} SET outcome = 'unknown' WHERE outcome = '' AND deadline < %s"


class Statements(Protocol):
    """How one kind of database takes records. Every method runs inside a transaction."""

    def insert(self, cursor: Any, openings: Sequence[Opening]) -> set[UUID]:
        """Insert those decided under the committed policy version; return their ids."""

    def close(self, cursor: Any, closings: Sequence[Closing]) -> None:
        """Write outcomes of records that have none yet."""

    def undelivered(self, cursor: Any, ids: Sequence[UUID]) -> None:
        """Mark records whose results did not reach their callers."""

    def expire(self, cursor: Any, now: datetime) -> int:
        """Mark records whose deadline has passed as unknown; return how many."""


class SqliteStatements:
    """SQLite: uuid as 32 hexadecimal digits, time as naive UTC text, as Django reads them."""

    _VALUES = f"({', '.join(['%s'] * len(OPENING_COLUMNS))}, '', '')"

    def insert(self, cursor: Any, openings: Sequence[Opening]) -> set[UUID]:
        cursor.execute(f"SELECT version FROM {STATE} WHERE id = 1")
        row = cursor.fetchone()
        current = [opening for opening in openings if row and opening.policy_version == row[0]]
        if current:
            values = ", ".join([self._VALUES] * len(current))
            parameters = [value for opening in current for value in map(self._adapt, opening_row(opening))]
            cursor.execute(f"INSERT INTO {TABLE} ({_COLUMNS}) VALUES {values}", parameters)
        return {opening.id for opening in current}

    def close(self, cursor: Any, closings: Sequence[Closing]) -> None:
        cursor.executemany(_CLOSE, [_closing_row(closing, closing.id.hex) for closing in closings])

    def undelivered(self, cursor: Any, ids: Sequence[UUID]) -> None:
        cursor.executemany(_UNDELIVERED, [(True, record_id.hex) for record_id in ids])

    def expire(self, cursor: Any, now: datetime) -> int:
        cursor.execute(_EXPIRE, [self._adapt(now)])
        return int(cursor.rowcount)

    @staticmethod
    def _adapt(value: Any) -> Any:
        if isinstance(value, UUID):
            return value.hex
        if isinstance(value, datetime):
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
        return value


_TEXT = "text"
_POSTGRESQL_TYPES = {
    "id": "uuid",
    "at": "timestamptz",
    "policy_version": "bigint",
    "client_id": "bigint",
    "deadline": "timestamptz",
}


class PostgresqlStatements:
    """PostgreSQL: one statement that holds the version row from the check to the commit."""

    _VALUES = f"({', '.join(f'%s::{_POSTGRESQL_TYPES.get(column, _TEXT)}' for column in OPENING_COLUMNS)}, '', '')"

    def insert(self, cursor: Any, openings: Sequence[Opening]) -> set[UUID]:
        values = ", ".join([self._VALUES] * len(openings))
        cursor.execute(
            f"WITH policy AS MATERIALIZED (SELECT version FROM {STATE} WHERE id = 1 FOR SHARE)"
            f" INSERT INTO {TABLE} ({_COLUMNS})"
            f" SELECT record.* FROM policy, (VALUES {values}) AS record ({_COLUMNS})"
            " WHERE policy.version = record.policy_version RETURNING id",
            [value for opening in openings for value in opening_row(opening)],
        )
        return {row[0] for row in cursor.fetchall()}

    def close(self, cursor: Any, closings: Sequence[Closing]) -> None:
        cursor.executemany(_CLOSE, [_closing_row(closing, closing.id) for closing in closings])

    def undelivered(self, cursor: Any, ids: Sequence[UUID]) -> None:
        cursor.executemany(_UNDELIVERED, [(True, record_id) for record_id in ids])

    def expire(self, cursor: Any, now: datetime) -> int:
        cursor.execute(_EXPIRE, [now])
        return int(cursor.rowcount)


def _closing_row(closing: Closing, record_id: Any) -> tuple[Any, ...]:
    return (closing.outcome.value, closing.duration_ms, closing.result_size, closing.error, record_id)


def statements_for(connection: BaseDatabaseWrapper) -> Statements:
    """The statements of this connection's database."""
    return SqliteStatements() if connection.vendor == "sqlite" else PostgresqlStatements()
