"""Seal what is final: one segment at a time, each in one transaction, by one worker at a time.

A segment is the oldest records of one table that are final and in no seal yet. So a record that commits or ends late is
in a later segment, and none is left out; and calls can be pruned without the events of their time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.evidence.canonical import MEMBER_BYTES, SEALED, SealedTable, line_of, member
from authz_app.evidence.checkpoint import last_seal
from authz_app.evidence.keys import AuditSigner
from authz_app.evidence.listed_keys import introduce
from authz_app.evidence.statements import NOTHING_BEFORE, digest, seal_statement
from authz_app.models import AuditSeal

# The transaction has SQLite's one write lock, for which calls wait: a few hundredths of a second at most.
LARGEST_SEGMENT = 500
# A result that did not reach its caller is noted within a few seconds; until then a record may still change.
SETTLED_AFTER = timedelta(seconds=10)
_LOCK = 0x617564697473  # "audits"


@dataclass(frozen=True, slots=True)
class Sealing:
    """A seal that was made. ``more``: other records may be waiting."""

    number: int
    digest: str
    line: str
    more: bool


@dataclass(frozen=True, slots=True)
class _NextSegment:
    """The oldest records that are to be sealed, all of one table; as many as a segment may have."""

    sealed: SealedTable
    ids: Sequence[Any]
    more: bool


def take_lock(connection: BaseDatabaseWrapper) -> bool:
    """Keep others from sealing until the transaction ends. False: another seals. SQLite has one writer anyway."""
    if connection.vendor == "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def seal(connection: BaseDatabaseWrapper, key: AuditSigner, older_than: timedelta | None = None) -> Sealing | None:
    """Make the next seal, also of nothing. None: another worker seals, or the last seal is not ``older_than`` that.

    Raises:
        AuditKeyError: what signs here is another key.
    """
    now = datetime.now(UTC)
    segment = _next_segment(connection, now) if _last_is(connection, older_than, now) else None
    if segment is None:
        return None
    with transaction.atomic(connection.alias):
        if not take_lock(connection) or not _last_is(connection, older_than, now):
            return None
        introduce(key)
        last = last_seal(connection)
        number = last.number + 1 if last else 1
        kept = b"".join(_marked(connection, segment.sealed, number, segment.ids))
        previous = digest(last.statement) if last else NOTHING_BEFORE
        statement = seal_statement(number, now, kept, previous, key.id)
        made = AuditSeal(
            number=number,
            at=now,
            count=len(kept) // MEMBER_BYTES,
            statement=statement,
            signature=key.sign(statement),
            members=kept,
        )
        made.save(using=connection.alias, force_insert=True)
    line = f"Seal {number}: {digest(statement)} {statement} {made.signature}"
    return Sealing(number, digest(statement), line, segment.more)


def _last_is(connection: BaseDatabaseWrapper, older_than: timedelta | None, now: datetime) -> bool:
    if older_than is None:
        return True
    last = last_seal(connection)
    # Or so far in the future: the clock was put back.
    return last is None or abs(now - last.at) >= older_than


def _next_segment(connection: BaseDatabaseWrapper, now: datetime) -> _NextSegment:
    found = [(sealed, settled(connection, sealed, now - SETTLED_AFTER, LARGEST_SEGMENT)) for sealed in SEALED]
    found.sort(key=lambda one: (not one[1], str(one[1][:1])))
    (sealed, ids), *others = found
    return _NextSegment(sealed, ids, len(ids) >= LARGEST_SEGMENT or any(waiting for _, waiting in others))


def settled(
    connection: BaseDatabaseWrapper, sealed: SealedTable, before: datetime, limit: int, only: Any = None
) -> list[Any]:
    """At most ``limit`` ids, as the database gives them, of final records in no seal that ended ``before`` then.

    ``only`` is one such id: no other is looked for.
    """
    one = "" if only is None else " AND id = %s"
    with connection.cursor() as cursor:
        # By seal too, which is null in all of them: PostgreSQL finds no order in the index otherwise.
        cursor.execute(
            f"SELECT id FROM {sealed.table} WHERE seal IS NULL AND {sealed.final}"
            f" AND {_ended(connection, sealed)}{one} ORDER BY seal, id LIMIT {limit}",
            [_moment(connection, before), *([] if only is None else [only])],
        )
        return [row[0] for row in cursor.fetchall()]


def _ended(connection: BaseDatabaseWrapper, sealed: SealedTable) -> str:
    """SQL that holds for rows that became final before a parameter. No duration: a call was denied, or is unknown."""
    if "duration_ms" not in sealed.columns:
        return "at < %s"
    if connection.vendor == "sqlite":
        ended = "CASE WHEN duration_ms IS NULL THEN COALESCE(deadline, at)"
        ended += " ELSE strftime('%%Y-%%m-%%d %%H:%%M:%%f', at, '+' || (duration_ms / 1000.0) || ' seconds') END"
        return f"{ended} < %s"
    ended = "CASE WHEN duration_ms IS NULL THEN COALESCE(deadline, at)"
    return f"{ended} ELSE at + duration_ms * interval '1 millisecond' END < %s"


def _moment(connection: BaseDatabaseWrapper, moment: datetime) -> Any:
    if connection.vendor == "sqlite":
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    return moment


def _marked(connection: BaseDatabaseWrapper, sealed: SealedTable, number: int, ids: Sequence[Any]) -> list[bytes]:
    """Put records into a segment, and return what its seal keeps of each."""
    if not ids:
        return []
    which = "id = ANY(%s)" if connection.vendor == "postgresql" else f"id IN ({', '.join(['%s'] * len(ids))})"
    parameters = [number, *([list(ids)] if connection.vendor == "postgresql" else ids)]
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {sealed.table} SET seal = %s WHERE seal IS NULL AND {which}", parameters)
    return members(connection, sealed, f"seal = %s AND {which}", parameters)


def members(connection: BaseDatabaseWrapper, sealed: SealedTable, where: str, parameters: Sequence[Any]) -> list[bytes]:
    """What a seal keeps of these rows, in the order of their ids.

    Read as verification reads them: SQLite's RETURNING gives a whole number where a SELECT gives a float.
    """
    line = line_of(sealed)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(sealed.columns)} FROM {sealed.table} WHERE {where} ORDER BY id", parameters)
        return [member(row[0], line(row)) for row in cursor.fetchall()]
