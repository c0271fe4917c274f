"""Check one seal: its statement, its signature, its link to the seal before, and the records under it.

Each problem is a sentence; where there is none, the seal holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.evidence.canonical import SEALED, id_text, split, utc_text
from authz_app.evidence.checkpoint import known_checkpoint
from authz_app.evidence.keyring import Keyring
from authz_app.evidence.sealing import LARGEST_SEGMENT, members
from authz_app.evidence.statements import NOTHING_BEFORE, SealFields, digest, read_seal
from authz_app.models import AuditSeal

_NO_STATEMENT = "Seal {} was edited: its statement is that of another, or of none."
_OTHER_LIST = "Seal {} was edited: its list of records is not the one that was signed."
_INSERTED = "Record {} was inserted: it was not there when seal {} was made."
_REMOVED = "Record {} was removed: seal {} is over it."
_EDITED = "Record {} was edited after seal {} was made."


@dataclass(frozen=True, slots=True)
class SealCheck:
    """The problems of a seal. ``fields`` are those of its statement; None: it is no statement of this seal."""

    fields: SealFields | None
    signature: str = ""
    link: str = ""
    records: tuple[str, ...] = ()

    @property
    def problems(self) -> list[str]:
        return [problem for problem in (self.signature, self.link, *self.records) if problem]


def check_seal(
    seal: AuditSeal, keys: Keyring, *, before: str | None = None, found: Sequence[bytes] | None = None
) -> SealCheck:
    """Check a seal against ``keys``, the digest of the seal ``before``, and the records ``found`` under it.

    ``found`` has, in the order of their ids, what a seal keeps of each record. What is None is not checked.
    """
    fields = fields_of(seal)
    if fields is None:
        return SealCheck(None, _NO_STATEMENT.format(seal.number))
    return SealCheck(
        fields,
        _signature_problem(seal, fields, keys),
        "" if before is None else _link_problem(seal, fields, before),
        tuple(_record_problems(seal, fields, found, keys)),
    )


def check_stored_seal(connection: BaseDatabaseWrapper, seal: AuditSeal, keys: Keyring) -> SealCheck:
    """Check a seal by itself, against the seal before and all records of the database that are under it now."""
    if fields_of(seal) is None:
        return check_seal(seal, keys)
    previous = AuditSeal.objects.using(connection.alias).filter(number=seal.number - 1)
    statement = previous.values_list("statement", flat=True).first()
    before = NOTHING_BEFORE if seal.number == 1 else None if statement is None else digest(statement)
    try:
        check = check_seal(seal, keys, before=before, found=_members_found(connection, seal.number))
    except DatabaseError as error:
        unreadable = f"The records of seal {seal.number} cannot be read: {error}."
        check = replace(check_seal(seal, keys, before=before), records=(unreadable,))
    return replace(check, link=_replaced(connection, seal) or _missing(seal, before) or check.link)


def _replaced(connection: BaseDatabaseWrapper, seal: AuditSeal) -> str:
    known = known_checkpoint(connection)
    if known is None or known.number != seal.number or known.digest == digest(seal.statement):
        return ""
    return f"Seal {seal.number} is not the one that was made here: that was {known.digest}."


def _missing(seal: AuditSeal, before: str | None) -> str:
    return "" if before is not None else f"Seal {seal.number - 1}, which it follows, is not there."


def _members_found(connection: BaseDatabaseWrapper, number: int) -> list[bytes]:
    """What a seal keeps of each record that is under it now; of some too many, where there are too many."""
    where = f"id IN (SELECT id FROM {{}} WHERE seal = %s ORDER BY id LIMIT {2 * LARGEST_SEGMENT})"
    return sorted(one for sealed in SEALED for one in members(connection, sealed, where.format(sealed.table), [number]))


def digest_of(seal: AuditSeal) -> str:
    return digest(seal.statement)


def first_and_last(seal: AuditSeal) -> tuple[str, str] | None:
    """The ids of the first and the last record under a seal, by its own list; None: it has none, or was pruned."""
    kept = split(bytes(seal.members))
    return (id_text(kept[0]), id_text(kept[-1])) if kept else None


def fields_of(seal: AuditSeal) -> SealFields | None:
    """The fields of a seal's statement; None: it is no statement, or that of another seal."""
    fields = read_seal(seal.statement)
    return fields if fields is not None and fields.number == seal.number else None


def _signature_problem(seal: AuditSeal, fields: SealFields, keys: Keyring) -> str:
    if problem := keys.problem(fields.key, seal.statement, seal.signature, seal.number):
        return f"Seal {seal.number} was edited, or made without the key: {problem}."
    if (fields.count, fields.at) != (seal.count, utc_text(seal.at)):
        return f"Seal {seal.number} was edited: its time, or how many records it is over, is not what was signed."
    return ""


def _link_problem(seal: AuditSeal, fields: SealFields, before: str) -> str:
    if fields.previous == before:
        return ""
    if seal.number == 1:
        return "Seal 1 is not the first that was made: it names one before."
    return f"Seal {seal.number} does not follow seal {seal.number - 1}, which was edited or replaced."


def _record_problems(seal: AuditSeal, fields: SealFields, found: Sequence[bytes] | None, keys: Keyring) -> list[str]:
    if seal.pruned:
        return [] if found is None else _pruning_problems(seal, found, keys)
    if problem := _list_problem(seal, fields):
        return [problem]
    return [] if found is None else list(_each_problem(seal, found))


def _list_problem(seal: AuditSeal, fields: SealFields) -> str:
    members = bytes(seal.members)
    if (fields.members, fields.count) == (sha256(members).hexdigest(), len(split(members))):
        return ""
    return _OTHER_LIST.format(seal.number)


def _pruning_problems(seal: AuditSeal, found: Sequence[bytes], keys: Keyring) -> list[str]:
    problem = keys.pruning_problem(seal.pruned, seal.pruned_signature, seal.number, digest(seal.statement))
    if problem:
        return [f"Seal {seal.number} says that its records were pruned, which is not so: {problem}."]
    return [f"Record {id_text(found[0])} was inserted: seal {seal.number} was pruned."] if found else []


def _each_problem(seal: AuditSeal, found: Sequence[bytes]) -> Iterator[str]:
    members = split(bytes(seal.members))
    if list(found) == members:
        return
    sealed, there = {one[:16]: one for one in members}, {one[:16]: one for one in found}
    for record in sorted({*sealed, *there}):
        if record not in sealed:
            yield _INSERTED.format(id_text(record), seal.number)
        elif record not in there:
            yield _REMOVED.format(id_text(record), seal.number)
        elif sealed[record] != there[record]:
            yield _EDITED.format(id_text(record), seal.number)
