"""Prune records: remove those of whole sealed segments, and leave the seals.

A signed statement says that a segment was pruned, which tells its records from removed ones. A segment with a record
that is to stay is left as it is: a seal without all its records proves nothing of the rest.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

from authz_app.evidence.canonical import SEALED
from authz_app.evidence.keys import AuditSigner
from authz_app.evidence.sealing import take_lock
from authz_app.evidence.statements import digest, pruned_statement
from authz_app.models import AuditEvent, AuditSeal, CallRecord

logger = logging.getLogger("authz_app.evidence")
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Prunable:
    """A segment that may go: its seal's number, and how many records it is over."""

    seal: int
    count: int


def prunable(before: datetime, tools: Sequence[str]) -> Iterator[Prunable]:
    """Segments with records from ``before`` that time alone, and of ``tools`` alone where there are any; oldest first.

    A segment that was sealed since that time is left: it may have a record that was written late.
    """
    seals = AuditSeal.objects.filter(at__lt=before, count__gt=0, pruned="").order_by("number")
    for seal, count in seals.values_list("number", "count").iterator(_CHUNK):
        if not _has_what_stays(seal, before, tools):
            yield Prunable(seal, count)


def _has_what_stays(seal: int, before: datetime, tools: Sequence[str]) -> bool:
    """Where tools are named, events stay."""
    events = AuditEvent.objects.filter(seal=seal)
    return (
        CallRecord.objects.filter(seal=seal).filter(_stays(before, tools)).exists()
        or (events if tools else events.filter(at__gte=before)).exists()
    )


def _stays(before: datetime, tools: Sequence[str]) -> Q:
    too_young = Q(at__gte=before)
    return too_young | ~Q(tool__in=tools) if tools else too_young


def prune(
    connection: BaseDatabaseWrapper,
    segments: Sequence[Prunable],
    key: AuditSigner,
    progress: Callable[[int], None] = lambda segments: None,
) -> int:
    """Remove the records of these segments, each in a transaction of its own. Returns how many records there were.

    Raises:
        DatabaseError: this database role may not; the segments before are pruned.
    """
    removed = 0
    for done, segment in enumerate(segments, 1):
        removed += _prune(connection, segment.seal, key)
        progress(done)
    if segments:
        logger.info("Pruned: %s records of %s segments, up to seal %s.", removed, len(segments), segments[-1].seal)
    return removed


def _prune(connection: BaseDatabaseWrapper, number: int, key: AuditSigner) -> int:
    with transaction.atomic(connection.alias):
        if not take_lock(connection):
            return 0  # Something is being sealed: this segment is for another time.
        seal = AuditSeal.objects.using(connection.alias).get(pk=number, pruned="")
        statement = pruned_statement(number, digest(seal.statement), datetime.now(UTC), key.id)
        # Before the records: the database lets those go whose seal says so.
        AuditSeal.objects.using(connection.alias).filter(pk=number).update(
            pruned=statement, pruned_signature=key.sign(statement), members=b""
        )
        return _delete(connection, number)


def _delete(connection: BaseDatabaseWrapper, number: int) -> int:
    removed = 0
    with connection.cursor() as cursor:
        for sealed in SEALED:
            cursor.execute(f"DELETE FROM {sealed.table} WHERE seal = %s", [number])
            removed += cursor.rowcount
    return removed
