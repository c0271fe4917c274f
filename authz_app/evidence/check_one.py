"""One seal checked now, by itself: its signature, its link to the one before, and each of its records."""

from dataclasses import dataclass

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.evidence.canonical import SEALED
from authz_app.evidence.checkpoint import known_head
from authz_app.evidence.keyring import Keyring, keyring
from authz_app.evidence.keys import signer
from authz_app.evidence.seal_checks import NO_STATEMENT, link_problem, record_problems, said_by, signature_problem
from authz_app.evidence.sealing import LARGEST_SEGMENT, members
from authz_app.evidence.statements import NOTHING_BEFORE, SealFields, digest
from authz_app.models.seals import AuditKey, AuditSeal


@dataclass(frozen=True, slots=True)
class SealCheck:
    """What is wrong with a seal, in sentences: nothing, where all of it is empty."""

    signature: str
    link: str
    records: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        return [problem for problem in (self.signature, self.link, *self.records) if problem]


def keyring_here() -> Keyring:
    """The keys that this machine's vouches for.

    Raises:
        AuditKeyError: there is none here.
    """
    return keyring(AuditKey.objects.all(), signer().public)


def check_seal(connection: BaseDatabaseWrapper, seal: AuditSeal, keys: Keyring) -> SealCheck:
    """Check it and all its records, of which there are at most ``LARGEST_SEGMENT``."""
    said = said_by(seal)
    if said is None:
        return SealCheck(NO_STATEMENT.format(seal.number), "", ())
    try:
        records = record_problems(seal, said, _members(connection, seal.number), keys)
    except DatabaseError as error:
        records = [f"The records of seal {seal.number} cannot be read: {error}."]
    return SealCheck(signature_problem(seal, said, keys), _link(connection, seal, said), tuple(records))


def _members(connection: BaseDatabaseWrapper, number: int) -> list[bytes]:
    """Of those that are in it; of some too many, where there are too many."""
    where = f"id IN (SELECT id FROM {{}} WHERE seal = %s ORDER BY id LIMIT {2 * LARGEST_SEGMENT})"
    return sorted(one for sealed in SEALED for one in members(connection, sealed, where.format(sealed.table), [number]))


def _link(connection: BaseDatabaseWrapper, seal: AuditSeal, said: SealFields) -> str:
    head = known_head(connection)
    if head is not None and head.number == seal.number and head.digest != digest(seal.statement):
        return f"Seal {seal.number} is not the one that was made here: that was {head.digest}."
    if seal.number == 1:
        return link_problem(seal, said, NOTHING_BEFORE)
    before = (
        AuditSeal.objects.using(connection.alias).filter(number=seal.number - 1).values_list("statement", flat=True)
    )
    statement = before.first()
    if statement is None:
        return f"Seal {seal.number - 1}, which it follows, is not there."
    return link_problem(seal, said, digest(statement))
