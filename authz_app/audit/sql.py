"""Names the SQL that writes call records: the texts that both databases share, and the protocol that each implements.

A record is inserted only if the policy version that it was decided under is still the committed one. On PostgreSQL one
statement locks the version row and inserts: a plain read before the insert would let a change commit in between. On
SQLite the transaction holds the only write lock from its beginning.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from authz_app.audit.entries import OPENING_COLUMNS, Closing, Opening
from authz_app.audit.events import EVENT_COLUMNS, Event

RECORDS = "authz_app_callrecord"
EVENTS = "authz_app_auditevent"
LIMITS = "authz_app_limitcount"
# A rule, and the client for which its limit is counted, or 0.
LimitKey = tuple[int, int]
COLUMNS = ", ".join((*OPENING_COLUMNS, "outcome", "error"))
EVENT_COLUMN_LIST = ", ".join(EVENT_COLUMNS)
# Once it is sealed, a record does not change any more.
UNDELIVERED = f"UPDATE {RECORDS} SET undelivered = %s WHERE id = %s AND seal IS NULL"
# A record that its worker never closed. Whoever gets there first decides its fate; nothing decides it twice.
EXPIRE = f"UPDATE {RECORDS} SET outcome = 'unknown' WHERE outcome = '' AND deadline < %s"
COUNTED = f"SELECT rule_id, client_id, calls FROM {LIMITS} WHERE (rule_id, client_id) IN (VALUES {{keys}})"
COUNT = (
    f"INSERT INTO {LIMITS} (rule_id, client_id, calls, until) VALUES {{rows}}"
    " ON CONFLICT (rule_id, client_id) DO UPDATE SET calls = excluded.calls, until = excluded.until"
)
FORGET = f"DELETE FROM {LIMITS} WHERE until < "


class Statements(Protocol):
    """Writes records to one kind of database. Methods with a cursor run inside ``transaction``, on its cursor."""

    def limit(self, seconds: float) -> None:
        """Let no statement on this open connection take longer, nor wait longer for a lock."""

    def transaction(self) -> AbstractContextManager[Any]:
        """A transaction that commits when its block ends well. Raises Django's database errors."""

    def insert(self, cursor: Any, openings: Sequence[Opening]) -> set[UUID]:
        """Insert the openings decided under the committed policy version; return their ids."""

    def hold_limits(self, cursor: Any, keys: Sequence[LimitKey]) -> None:
        """Keep others from counting against these limits until the transaction ends. The keys are in order."""

    def hold_version(self, cursor: Any) -> int | None:
        """The committed policy version, which does not move until the transaction ends. None: there is none."""

    def counted(self, cursor: Any, keys: Sequence[LimitKey]) -> tuple[float, dict[LimitKey, str]]:
        """The time now, in seconds since the epoch, and the texts that ``count`` stored for these keys."""

    def count(self, cursor: Any, counts: Sequence[tuple[LimitKey, str, float]]) -> None:
        """Store the calls that count against each limit, and until when they matter."""

    def forget_counts(self, cursor: Any) -> None:
        """Delete counts that do not matter any more."""

    def close(self, cursor: Any, closings: Sequence[Closing]) -> None:
        """Write outcomes of records that have none yet."""

    def undelivered(self, cursor: Any, ids: Sequence[UUID]) -> None:
        """Mark records whose results did not reach their callers."""

    def add_events(self, cursor: Any, events: Sequence[Event]) -> None:
        """Insert events."""

    def run(self, cursor: Any, statement: str, values: Sequence[Any]) -> Any:
        """Execute a statement with ``%s`` for each value; returns the cursor."""

    def expire(self, cursor: Any, now: datetime) -> int:
        """Mark records whose deadline has passed as unknown; return how many."""


def closing_row(closing: Closing, record_id: Any) -> tuple[Any, ...]:
    return (closing.outcome.value, closing.duration_ms, closing.result_size, closing.error, closing.result, record_id)
