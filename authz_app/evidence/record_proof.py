"""Prove that one record is as it was written: by a seal that holds, and the hash that the seal keeps of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection as default
from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.evidence.canonical import SealedTable, line_of, member, split
from authz_app.evidence.checkpoint import last_seal
from authz_app.evidence.keyring import Keyring, local_keyring
from authz_app.evidence.seal_checks import check_seal
from authz_app.evidence.sealing import LARGEST_SEGMENT, SETTLED_AFTER, settled
from authz_app.models import AuditSeal

_OPEN = "Not sealed yet: its outcome is not known."
_SOON = "Not sealed yet: it will be in about {} seconds."
_LATE = "Not sealed, though it ended long ago: sealing is behind."
_INSERTED = "It was inserted, or written late: it is older than seal {}, and in no seal."


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof of a record: its ``seal``, or why it ``waits`` for one; ``problem`` says what is wrong, if anything."""

    seal: AuditSeal | None = None
    waits: str = ""
    problem: str = ""


def prove(
    sealed: SealedTable, record_id: UUID, interval: timedelta, connection: BaseDatabaseWrapper = default
) -> Proof:
    """Check one row of a sealed table. ``interval`` is the time between two seals.

    Raises:
        AuditKeyError: there is no key here to check it with.
    """
    known_as = record_id.hex if connection.vendor == "sqlite" else record_id
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT seal, {', '.join(sealed.columns)} FROM {sealed.table} WHERE id = %s", [known_as])
        number, *row = cursor.fetchone()
    if number is None:
        return _unsealed(connection, sealed, known_as, interval)
    seal = AuditSeal.objects.using(connection.alias).filter(number=number).first()
    if seal is None:
        return Proof(problem=f"Seal {number} is not there, though this record is in it.")
    return Proof(seal, problem=_problem(seal, member(row[0], line_of(sealed)(row)), local_keyring()))


def _problem(seal: AuditSeal, found: bytes, keys: Keyring) -> str:
    check = check_seal(seal, keys)
    if seal.pruned and check.fields is not None:
        return f"It was inserted: seal {seal.number} was pruned."
    if check.problems:
        return check.problems[0]
    kept = {one[:16]: one for one in split(bytes(seal.members))}
    if found[:16] not in kept:
        return f"It was inserted: it was not there when seal {seal.number} was made."
    return "" if kept[found[:16]] == found else f"It was edited after seal {seal.number} was made."


def _unsealed(connection: BaseDatabaseWrapper, sealed: SealedTable, known_as: Any, interval: timedelta) -> Proof:
    def ended_before(moment: datetime) -> bool:
        return bool(settled(connection, sealed, moment, 1, only=known_as))

    now = datetime.now(UTC)
    if not ended_before(now + timedelta(days=1)):
        return Proof(waits=_OPEN)
    last = last_seal(connection)
    if last and last.count < LARGEST_SEGMENT and ended_before(min(last.at, now) - SETTLED_AFTER - interval):
        return Proof(problem=_INSERTED.format(last.number))
    if ended_before(now - SETTLED_AFTER - 2 * interval):
        return Proof(problem=_LATE)
    return Proof(waits=_SOON.format(round((SETTLED_AFTER + interval).total_seconds())))
