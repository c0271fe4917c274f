"""Writes call records to SQLite."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.audit import sql
from authz_app.audit.entries import OPENING_COLUMNS, Closing, Opening
from authz_app.audit.events import EVENT_COLUMNS, Event
from authz_app.core.sqlite_file import refuse_other_file
from authz_app.policy_store.tables import STATE


class SqliteStatements:
    """Writes uuids as 32 hexadecimal digits and times as naive UTC text, as Django reads them.

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
        """Insert openings, whatever version they were decided under."""
        if openings:
            values = ", ".join([self._OPENING] * len(openings))
            row = [value for opening in openings for value in _adapted(opening)]
            cursor.execute(f"INSERT INTO {sql.RECORDS} ({sql.COLUMNS}) VALUES {values}", row)
        return {opening.id for opening in openings}

    def hold_limits(self, cursor: Any, keys: Sequence[sql.LimitKey]) -> None:
        """Nothing is to be done: the transaction holds the only write lock."""

    def hold_version(self, cursor: Any) -> int | None:
        cursor.execute(f"SELECT version FROM {STATE} WHERE id = 1")
        row = cursor.fetchone()
        return row and int(row[0])

    def counted(self, cursor: Any, keys: Sequence[sql.LimitKey]) -> tuple[float, dict[sql.LimitKey, str]]:
        cursor.execute(sql.COUNTED.format(keys=", ".join(["(?, ?)"] * len(keys))), list(chain.from_iterable(keys)))
        return time.time(), {(rule_id, client_id): calls for rule_id, client_id, calls in cursor.fetchall()}

    def count(self, cursor: Any, counts: Sequence[tuple[sql.LimitKey, str, float]]) -> None:
        rows = [value for key, calls, until in counts for value in (*key, calls, until)]
        cursor.execute(sql.COUNT.format(rows=", ".join(["(?, ?, ?, ?)"] * len(counts))), rows)

    def forget_counts(self, cursor: Any) -> None:
        cursor.execute(f"{sql.FORGET} ?", [time.time()])

    def close(self, cursor: Any, closings: Sequence[Closing]) -> None:
        first = {closing.id: closing for closing in reversed(closings)}.values()
        values = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(first))
        cursor.execute(
            f"UPDATE {sql.RECORDS} SET outcome = column1, duration_ms = column2, result_size = column3,"
            f" error = column4, result = column5 FROM (VALUES {values}) WHERE id = column6 AND outcome = ''",
            [value for closing in first for value in sql.closing_row(closing, closing.id.hex)],
        )

    def undelivered(self, cursor: Any, ids: Sequence[UUID]) -> None:
        cursor.executemany(sql.UNDELIVERED.replace("%s", "?"), [(True, record_id.hex) for record_id in ids])

    def add_events(self, cursor: Any, events: Sequence[Event]) -> None:
        values = ", ".join([self._EVENT] * len(events))
        rows = [one._replace(id=one.id.hex, at=_as_text(one.at)) for one in events]  # type: ignore[arg-type]
        cursor.execute(
            f"INSERT INTO {sql.EVENTS} ({sql.EVENT_COLUMN_LIST}) VALUES {values}", list(chain.from_iterable(rows))
        )

    def run(self, cursor: Any, statement: str, values: Sequence[Any]) -> Any:
        return cursor.execute(statement.replace("%s", "?"), values)

    def expire(self, cursor: Any, now: datetime) -> int:
        cursor.execute(sql.EXPIRE.replace("%s", "?"), [_as_text(now)])
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
