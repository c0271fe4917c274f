"""What can be wrong with one seal and the records under it, each as a sentence. None, or an empty one: it holds."""

from collections.abc import Iterator, Sequence
from hashlib import sha256

from authz_app.evidence.canonical import id_text, split, utc_text
from authz_app.evidence.keyring import Keyring
from authz_app.evidence.statements import SealFields, digest, read_seal
from authz_app.models.seals import AuditSeal

NO_STATEMENT = "Seal {} was edited: its statement is that of another, or of none."
_OTHER_LIST = "Seal {} was edited: its list of records is not the one that was signed."
_INSERTED = "Record {} was inserted: it was not there when seal {} was made."
_REMOVED = "Record {} was removed: seal {} is over it."
_EDITED = "Record {} was edited after seal {} was made."


def said_by(seal: AuditSeal) -> SealFields | None:
    """What its statement says; None: it is no statement, or another seal's."""
    said = read_seal(seal.statement)
    return said if said is not None and said.number == seal.number else None


def signature_problem(seal: AuditSeal, said: SealFields, keys: Keyring) -> str:
    """Whether it is signed by a trusted key, and whether its row says what is signed."""
    if problem := keys.problem(said.key, seal.statement, seal.signature, seal.number):
        return f"Seal {seal.number} was edited, or made without the key: {problem}."
    if (said.count, said.at) != (seal.count, utc_text(seal.at)):
        return f"Seal {seal.number} was edited: its time, or how many records it is over, is not what was signed."
    return ""


def link_problem(seal: AuditSeal, said: SealFields, before: str | None) -> str:
    """Whether it follows the seal before. ``before`` is that one's digest; None: it is not there, so nobody knows."""
    if before is None or said.previous == before:
        return ""
    if seal.number == 1:
        return "Seal 1 is not the first that was made: it names one before."
    return f"Seal {seal.number} does not follow seal {seal.number - 1}, which was edited or replaced."


def record_problems(seal: AuditSeal, said: SealFields, found: Sequence[bytes], keys: Keyring) -> list[str]:
    """Each record that is not as it was sealed. ``found``: what a seal keeps of each that is there, in their order."""
    if seal.pruned:
        return _pruning_problems(seal, found, keys)
    if problem := list_problem(seal, said):
        return [problem]
    return list(_each_problem(seal, found))


def list_problem(seal: AuditSeal, said: SealFields) -> str:
    """Whether what it keeps of its records is what was signed."""
    members = bytes(seal.members)
    if (said.members, said.count) == (sha256(members).hexdigest(), len(split(members))):
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
