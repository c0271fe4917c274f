"""Writes call records to PostgreSQL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from authz_app.audit import sql
from authz_app.audit.entries import OPENING_COLUMNS, Closing, Opening
from authz_app.audit.events import EVENT_COLUMNS, Event
from authz_app.core.database_errors import limit_wait
from authz_app.policy_store.tables import STATE

_TEXT = "text"
_HALF = 2**31 - 1  # of the key of an advisory lock
_TYPES = {
    "id": "uuid",
    "at": "timestamptz",
    "policy_version": "bigint",
    "client_id": "bigint",
    "deadline": "timestamptz",
}
_CLOSE = (
    f"UPDATE {sql.RECORDS} SET outcome = %s, duration_ms = %s, result_size = %s, error = %s, result = %s"
    " WHERE id = %s AND outcome = ''"
)


class PostgresqlStatements:
    """Inserts by one statement, which holds the version row from the check to the commit."""

    _VALUES = f"({', '.join(f'%s::{_TYPES.get(column, _TEXT)}' for column in OPENING_COLUMNS)}, '', '')"

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection

    def limit(self, seconds: float) -> None:
        # The server's limit comes first, since it leaves the connection whole.
        limit_wait(self._connection, seconds + 1)
        with self._connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {round(seconds * 1000)}")

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with atomic(self._connection.alias), self._connection.cursor() as cursor:
            yield cursor

    def insert(self, cursor: Any, openings: Sequence[Opening]) -> set[UUID]:
        values = ", ".join([self._VALUES] * len(openings))
        cursor.execute(
            f"WITH policy AS MATERIALIZED (SELECT version FROM {STATE} WHERE id = 1 FOR SHARE)"
            f" INSERT INTO {sql.RECORDS} ({sql.COLUMNS})"
            f" SELECT record.* FROM policy, (VALUES {values}) AS record ({sql.COLUMNS})"
            " WHERE policy.version = record.policy_version RETURNING id",
            [value for opening in openings for value in opening],
        )
        return {row[0] for row in cursor.fetchall()}

    def hold_limits(self, cursor: Any, keys: Sequence[sql.LimitKey]) -> None:
        # Statements see what had committed when they began: these locks are taken before anything is read.
        halves = sorted({(rule_id & _HALF, client_id & _HALF) for rule_id, client_id in keys})
        values = ", ".join(["(%s::int, %s::int)"] * len(halves))
        cursor.execute(
            f"SELECT pg_advisory_xact_lock(rule, client) FROM (VALUES {values}) AS key (rule, client)",
            list(chain.from_iterable(halves)),
        )

    def hold_version(self, cursor: Any) -> int | None:
        cursor.execute(f"SELECT version FROM {STATE} WHERE id = 1 FOR SHARE")
        row = cursor.fetchone()
        return row and int(row[0])

    def counted(self, cursor: Any, keys: Sequence[sql.LimitKey]) -> tuple[float, dict[sql.LimitKey, str]]:
        # The database's clock, which is the same for all workers.
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        now = float(cursor.fetchone()[0])
        cursor.execute(sql.COUNTED.format(keys=", ".join(["(%s, %s)"] * len(keys))), list(chain.from_iterable(keys)))
        return now, {(rule_id, client_id): calls for rule_id, client_id, calls in cursor.fetchall()}

    def count(self, cursor: Any, counts: Sequence[tuple[sql.LimitKey, str, float]]) -> None:
        rows = [value for key, calls, until in counts for value in (*key, calls, until)]
        cursor.execute(sql.COUNT.format(rows=", ".join(["(%s, %s, %s, %s)"] * len(counts))), rows)

    def forget_counts(self, cursor: Any) -> None:
        cursor.execute(f"{sql.FORGET} extract(epoch FROM clock_timestamp())")

    def close(self, cursor: Any, closings: Sequence[Closing]) -> None:
        cursor.executemany(_CLOSE, [sql.closing_row(closing, closing.id) for closing in closings])

    def undelivered(self, cursor: Any, ids: Sequence[UUID]) -> None:
        cursor.executemany(sql.UNDELIVERED, [(True, record_id) for record_id in ids])

    def add_events(self, cursor: Any, events: Sequence[Event]) -> None:
        values = ", ".join([f"({', '.join(['%s'] * len(EVENT_COLUMNS))})"] * len(events))
        # Whoever tries again may have been cut off after the commit.
        cursor.execute(
            f"INSERT INTO {sql.EVENTS} ({sql.EVENT_COLUMN_LIST}) VALUES {values} ON CONFLICT (id) DO NOTHING",
            list(chain.from_iterable(events)),
        )

    def run(self, cursor: Any, statement: str, values: Sequence[Any]) -> Any:
        cursor.execute(statement, values)
        return cursor

    def expire(self, cursor: Any, now: datetime) -> int:
        cursor.execute(sql.EXPIRE, [now])
        return int(cursor.rowcount)
