"""The SQL that writes call records, for SQLite and PostgreSQL.

A record is inserted only if the policy version that it was decided under is still the committed one. On PostgreSQL one
statement locks the version row and inserts: a plain read before the insert would let a change commit in between. On
SQLite the transaction holds the only write lock from its beginning.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Protocol
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from authz_app.audit.entries import OPENING_COLUMNS, Closing, Opening
from authz_app.audit.events import EVENT_COLUMNS, Event
from authz_app.core.database_errors import limit_wait
from authz_app.core.sqlite_file import refuse_other_file
from authz_app.policy_store.tables import STATE

TABLE = "authz_app_callrecord"
EVENTS = "authz_app_auditevent"
LIMITS = "authz_app_limitcount"
# Of what is counted against one limit: the rule, and the client or 0.
Key = tuple[int, int]
_COLUMNS = ", ".join((*OPENING_COLUMNS, "outcome", "error"))
_EVENT_COLUMNS = ", ".join(EVENT_COLUMNS)
_CLOSE = (
    f"UPDATE {TABLE} SET outcome = %s, duration_ms = %s, result_size = %s, error = %s, result = %s"
    " WHERE id = %s AND outcome = ''"
)
# Once it is sealed, a record does not change any more.
_UNDELIVERED = f"UPDATE {TABLE} SET undelivered = %s WHERE id = %s AND seal IS NULL"
# A record that its worker never closed. Whoever gets there first decides its fate; nothing decides it twice.
_EXPIRE = f"UPDATE {TABLE} SET outcome = 'unknown' WHERE outcome = '' AND deadline < %s"
_COUNTED = f"SELECT rule_id, client_id, calls FROM {LIMITS} WHERE (rule_id, client_id) IN (VALUES {{keys}})"
_COUNT = (
    f"INSERT INTO {LIMITS} (rule_id, client_id, calls, until) VALUES {{rows}}"
    " ON CONFLICT (rule_id, client_id) DO UPDATE SET calls = excluded.calls, until = excluded.until"
)
_FORGET = f"DELETE FROM {LIMITS} WHERE until < "


class Statements(Protocol):
    """How one kind of database takes records. The other methods run inside ``transaction``, on its cursor."""

    def limit(self, seconds: float) -> None:
        """Let no statement on this open connection take longer, nor wait longer for a lock."""

    def transaction(self) -> AbstractContextManager[Any]:
        """A transaction that commits when its block ends well. Raises Django's database errors."""

    def insert(self, cursor: Any, openings: Sequence[Opening]) -> set[UUID]:
        """Insert those decided under the committed policy version; return their ids."""

    def hold_limits(self, cursor: Any, keys: Sequence[Key]) -> None:
        """Keep others from counting against these until the transaction ends. The keys are in order."""

    def hold_version(self, cursor: Any) -> int | None:
        """The committed policy version, which does not move until the transaction ends. None: there is none."""

    def counted(self, cursor: Any, keys: Sequence[Key]) -> tuple[float, dict[Key, str]]:
        """The time now, in seconds since the epoch, and what ``count`` stored."""

    def count(self, cursor: Any, counts: Sequence[tuple[Key, str, float]]) -> None:
        """Store what is counted against each limit, and until when that matters."""

    def forget_counts(self, cursor: Any) -> None:
        """Delete what does not matter any more."""

    def close(self, cursor: Any, closings: Sequence[Closing]) -> None:
        """Write outcomes of records that have none yet."""

    def undelivered(self, cursor: Any, ids: Sequence[UUID]) -> None:
        """Mark records whose results did not reach their callers."""

    def add_events(self, cursor: Any, events: Sequence[Event]) -> None:
        """Insert events."""

    def run(self, cursor: Any, sql: str, values: Sequence[Any]) -> Any:
        """Execute a statement with ``%s`` for each value; returns the cursor."""

    def expire(self, cursor: Any, now: datetime) -> int:
        """Mark records whose deadline has passed as unknown; return how many."""


class SqliteStatements:
    """SQLite: uuid as 32 hexadecimal digits, time as naive UTC text, as Django reads them.

    Uses the driver's own cursor: Django's would rewrite the placeholders of every statement, which costs more than the
    statement. One statement for all rows: between two, this thread would have to wait its turn among the others.
    """

    _OPENING = f"({', '.join('?' * len(OPENING_COLUMNS))}, '', '')"
    _EVENT = f"({', '.join('?' * len(EVENT_COLUMNS))})"

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection

    def limit(self, seconds: float) -> None:
        self._connection.connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with self._connection.wrap_database_errors:
            self._connection.ensure_connection()
            refuse_other_file(self._connection)
            cursor = self._connection.connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:  # noqa: BLE001  (whatever it was, the lock must go)
                with suppress(sqlite3.Error):  # It may have rolled back by itself: on a full disk, for one.
                    cursor.execute("ROLLBACK")
                raise

    def insert(self, cursor: Any, openings: Sequence[Opening]) -> set[UUID]:
        version = self.hold_version(cursor)
        return self.insert_all(cursor, [opening for opening in openings if opening.policy_version == version])

    def insert_all(self, cursor: Any, openings: Sequence[Opening]) -> set[UUID]:
        """Insert, whatever version they were decided under."""
        if openings:
            values = ", ".join([self._OPENING] * len(openings))
            row = [value for opening in openings for value in _adapted(opening)]
            cursor.execute(f"INSERT INTO {TABLE} ({_COLUMNS}) VALUES {values}", row)
        return {opening.id for opening in openings}

    def hold_limits(self, cursor: Any, keys: Sequence[Key]) -> None:
        """Nothing is to be done: the transaction holds the only write lock."""

    def hold_version(self, cursor: Any) -> int | None:
        cursor.execute(f"SELECT version FROM {STATE} WHERE id = 1")
        row = cursor.fetchone()
        return row and int(row[0])

    def counted(self, cursor: Any, keys: Sequence[Key]) -> tuple[float, dict[Key, str]]:
        cursor.execute(_COUNTED.format(keys=", ".join(["(?, ?)"] * len(keys))), list(chain.from_iterable(keys)))
        return time.time(), {(rule_id, client_id): calls for rule_id, client_id, calls in cursor.fetchall()}

    def count(self, cursor: Any, counts: Sequence[tuple[Key, str, float]]) -> None:
        rows = [value for key, calls, until in counts for value in (*key, calls, until)]
        cursor.execute(_COUNT.format(rows=", ".join(["(?, ?, ?, ?)"] * len(counts))), rows)

    def forget_counts(self, cursor: Any) -> None:
        cursor.execute(f"{_FORGET} ?", [time.time()])

    def close(self, cursor: Any, closings: Sequence[Closing]) -> None:
        first = {closing.id: closing for closing in reversed(closings)}.values()
        values = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(first))
        cursor.execute(
            f"UPDATE {TABLE} SET outcome = column1, duration_ms = column2, result_size = column3, error = column4,"
            f" result = column5 FROM (VALUES {values}) WHERE id = column6 AND outcome = ''",
            [value for closing in first for value in _closing_row(closing, closing.id.hex)],
        )

    def undelivered(self, cursor: Any, ids: Sequence[UUID]) -> None:
        cursor.executemany(_UNDELIVERED.replace("%s", "?"), [(True, record_id.hex) for record_id in ids])

    def add_events(self, cursor: Any, events: Sequence[Event]) -> None:
        values = ", ".join([self._EVENT] * len(events))
        rows = [one._replace(id=one.id.hex, at=_as_text(one.at)) for one in events]  # type: ignore[arg-type]
        cursor.execute(f"INSERT INTO {EVENTS} ({_EVENT_COLUMNS}) VALUES {values}", list(chain.from_iterable(rows)))

    def run(self, cursor: Any, sql: str, values: Sequence[Any]) -> Any:
        return cursor.execute(sql.replace("%s", "?"), values)

    def expire(self, cursor: Any, now: datetime) -> int:
        cursor.execute(_EXPIRE.replace("%s", "?"), [_as_text(now)])
        return int(cursor.rowcount)


_ID, _AT, _DEADLINE = (OPENING_COLUMNS.index(name) for name in ("id", "at", "deadline"))


def _adapted(opening: Opening) -> list[Any]:
    row: list[Any] = list(opening)
    row[_ID] = opening.id.hex
    row[_AT] = _as_text(opening.at)
    row[_DEADLINE] = None if opening.deadline is None else _as_text(opening.deadline)
    return row


def _as_text(moment: datetime) -> str:
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(" ", "microseconds")[:_TO_MICROSECONDS]


_TO_MICROSECONDS = len("2026-11-27 02:36:51.123456")


_TEXT = "text"
_HALF = 2**31 - 1  # of the key of an advisory lock
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
            f" INSERT INTO {TABLE} ({_COLUMNS})"
            f" SELECT record.* FROM policy, (VALUES {values}) AS record ({_COLUMNS})"
            " WHERE policy.version = record.policy_version RETURNING id",
            [value for opening in openings for value in opening],
        )
        return {row[0] for row in cursor.fetchall()}

    def hold_limits(self, cursor: Any, keys: Sequence[Key]) -> None:
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

    def counted(self, cursor: Any, keys: Sequence[Key]) -> tuple[float, dict[Key, str]]:
        # The database's clock, which is the same for all workers.
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        now = float(cursor.fetchone()[0])
        cursor.execute(_COUNTED.format(keys=", ".join(["(%s, %s)"] * len(keys))), list(chain.from_iterable(keys)))
        return now, {(rule_id, client_id): calls for rule_id, client_id, calls in cursor.fetchall()}

    def count(self, cursor: Any, counts: Sequence[tuple[Key, str, float]]) -> None:
        rows = [value for key, calls, until in counts for value in (*key, calls, until)]
        cursor.execute(_COUNT.format(rows=", ".join(["(%s, %s, %s, %s)"] * len(counts))), rows)

    def forget_counts(self, cursor: Any) -> None:
        cursor.execute(f"{_FORGET} extract(epoch FROM clock_timestamp())")

    def close(self, cursor: Any, closings: Sequence[Closing]) -> None:
        cursor.executemany(_CLOSE, [_closing_row(closing, closing.id) for closing in closings])

    def undelivered(self, cursor: Any, ids: Sequence[UUID]) -> None:
        cursor.executemany(_UNDELIVERED, [(True, record_id) for record_id in ids])

    def add_events(self, cursor: Any, events: Sequence[Event]) -> None:
        values = ", ".join([f"({', '.join(['%s'] * len(EVENT_COLUMNS))})"] * len(events))
        # Whoever tries again may have been cut off after the commit.
        cursor.execute(
            f"INSERT INTO {EVENTS} ({_EVENT_COLUMNS}) VALUES {values} ON CONFLICT (id) DO NOTHING",
            list(chain.from_iterable(events)),
        )

    def run(self, cursor: Any, sql: str, values: Sequence[Any]) -> Any:
        cursor.execute(sql, values)
        return cursor

    def expire(self, cursor: Any, now: datetime) -> int:
        cursor.execute(_EXPIRE, [now])
        return int(cursor.rowcount)


def _closing_row(closing: Closing, record_id: Any) -> tuple[Any, ...]:
    return (closing.outcome.value, closing.duration_ms, closing.result_size, closing.error, closing.result, record_id)


def statements_for(connection: BaseDatabaseWrapper) -> Statements:
    """The statements of this connection's database."""
    return SqliteStatements(connection) if connection.vendor == "sqlite" else PostgresqlStatements(connection)
