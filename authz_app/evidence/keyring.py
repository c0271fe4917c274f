"""Build the keyring: the keys that are trusted, and the seals that each may sign. It begins with one trusted key.

From there the chain runs back and forth: each key names the one that it follows, signed by both.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson

from authz_app.evidence.keys import is_signed, key_id, signer
from authz_app.models import AuditKey


@dataclass(slots=True)
class Keyring:
    """Trusted public keys by their ids, the seals from which on they sign, and what is wrong with the listed keys."""

    trusted: dict[str, str] = field(default_factory=dict)
    begins: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def problem(self, key: str, statement: str, signature: str, seal: int) -> str:
        """Why a seal's signature proves nothing; empty: a trusted key made it in its time."""
        if key not in self.trusted:
            return f"it is signed by the key {key}, which is none that is trusted"
        if not is_signed(statement, signature, self.trusted[key]):
            return f"its signature is not that of the key {key}"
        if seal < self.begins[key] or any(
            self.begins[key] < begin <= seal for other, begin in self.begins.items() if other != key
        ):
            return f"the key {key} did not sign at that time"
        return ""

    def pruning_problem(self, statement: str, signature: str, seal: int, seal_digest: str) -> str:
        """Why a statement proves no pruning of this seal; empty: it does."""
        try:
            fields = orjson.loads(statement)
            matches = (fields["pruned"], fields["digest"]) == (seal, seal_digest)
            key = str(fields["key"])
        except (ValueError, KeyError, TypeError):
            return "it does not say so as it should"
        if not matches:
            return "it speaks of another seal"
        if key not in self.trusted or not is_signed(statement, signature, self.trusted[key]):
            return "it is not signed by a key that is trusted"
        return ""


def keyring(listed: Iterable[AuditKey], public: str) -> Keyring:
    """The keyring of a public key: the keys that it follows and that follow it, each signed by the one before."""
    rows = {row.id: row for row in listed}
    ring = Keyring()
    root = key_id(public)
    if root not in rows:
        ring.findings.append(
            f"The key {root} is not among the listed keys: its row was removed, or it never sealed here."
        )
        ring.trusted[root], ring.begins[root] = public, 1
        return ring
    _forward(root, rows, ring)
    _back(root, public, rows, ring)
    for other in sorted(set(rows) - set(ring.trusted)):
        ring.findings.append(f"The key {other} was added without the key before it, or edited.")
    return ring


def local_keyring() -> Keyring:
    """The keys that this machine's key vouches for.

    Raises:
        AuditKeyError: there is no key on this machine.
    """
    return keyring(AuditKey.objects.all(), signer().public)


def _signed_fields(row: AuditKey) -> tuple[str, int, str]:
    """A key's public half, its first seal and the key that it follows; empty where the row does not prove them."""
    try:
        fields = orjson.loads(row.statement)
        public = str(fields["public"])
        if key_id(public) == row.id == fields["key"] and is_signed(row.statement, row.signature, public):
            return public, int(fields["first_seal"]), str(fields["follows"])
    except (ValueError, KeyError, TypeError):
        pass
    return "", 0, ""


def _back(key: str, public: str, rows: dict[str, AuditKey], ring: Keyring) -> None:
    """Trust a key and those it follows: it signed itself which they are."""
    while key in rows:
        found, begins, follows = _signed_fields(rows[key])
        if found != public:
            ring.findings.append(f"The row of the key {key} was edited.")
            ring.trusted[key], ring.begins[key] = public, ring.begins.get(key, 1)
            return
        ring.trusted[key], ring.begins[key] = public, begins
        if not follows:
            return
        if follows not in rows:
            ring.findings.append(f"The key {follows} was removed; {key} followed it.")
            return
        before = _signed_fields(rows[follows])[0]
        if not is_signed(rows[key].statement, rows[key].predecessor_signature, before):
            ring.findings.append(f"The row of the key {key} was edited: {follows}, which it follows, did not sign it.")
            return
        key, public = follows, before


def _forward(key: str, rows: dict[str, AuditKey], ring: Keyring) -> None:
    """Trust the keys that follow: each was signed by the one before."""
    while True:
        public = _signed_fields(rows[key])[0]
        following = [
            row for row in rows.values() if public and is_signed(row.statement, row.predecessor_signature, public)
        ]
        nexts = [(row.id, *_signed_fields(row)) for row in following if _signed_fields(row)[2] == key]
        if len(nexts) != 1 or nexts[0][0] in ring.trusted:
            return
        key = nexts[0][0]
        ring.trusted[key], ring.begins[key] = nexts[0][1], nexts[0][2]
