"""List the public halves of the keys that sign seals in the database, and let a new key follow the last one.

A new key takes over by a statement that both sign, which names the key that it follows. So whoever trusts one key can
follow the others, and nobody can put a forged history in front of a real key.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authz_app.audit.events import EventKind, event, record_with
from authz_app.core.private_files import replace_private
from authz_app.evidence.keys import AuditKeyError, AuditSigner, key_path, private_pem, read_key
from authz_app.evidence.statements import first_seal, key_statement
from authz_app.models import AuditKey

_NEXT = " A change of keys was broken off: `manage.py audit keys --rotate` ends it."


def next_key_path() -> Path:
    """The file of a new key until its row is committed."""
    return key_path().with_suffix(".next.pem")


def introduce(key: AuditSigner) -> None:
    """List this machine's key if it is the first, and make sure that it is the key that no other follows.

    Raises:
        AuditKeyError: another key signs here, so a seal by this one would convince nobody.
    """
    listed = list(AuditKey.objects.values_list("id", "statement"))
    if not listed:
        _list(key, key_statement(key.id, key.public, datetime.now(UTC), 1, ""), 1)
    elif key.id not in (current := _unfollowed(listed)):
        raise AuditKeyError(
            f"The audit key file {key_path()} holds the key {key.id}, and what signs here is {' or '.join(current)}."
            f" Put the same file on all machines (AUDIT_KEY_FILE).{_NEXT if next_key_path().exists() else ''}"
        )


def keys_from(seal: int) -> list[AuditKey]:
    """The listed keys that sign from this seal on."""
    return [key for key in AuditKey.objects.all() if first_seal(key.statement) == seal]


def _unfollowed(listed: list[tuple[str, str]]) -> list[str]:
    return [key for key, _ in listed if not any(f'"follows":"{key}"' in statement for _, statement in listed)]


def _list(
    key: AuditSigner, statement: str, first_seal: int, follows: str = "", predecessor_signature: str = ""
) -> None:
    """List a key, and record that it signs from now on: both or neither."""
    details = {"key": key.id, "first_seal": first_seal, "follows": follows}
    record_with(event(EventKind.KEY_CHANGE, {name: value for name, value in details.items() if value}))
    AuditKey.objects.create(
        id=key.id, statement=statement, signature=key.sign(statement), predecessor_signature=predecessor_signature
    )


def list_successor(old: AuditSigner, next_seal: int) -> AuditSigner:
    """List a new key that follows ``old``, and write it beside the key file, in whose place ``take_over`` puts it.

    Raises:
        AuditKeyError: the file cannot be written.
    """
    new = AuditSigner(Ed25519PrivateKey.generate())
    statement = key_statement(new.id, new.public, datetime.now(UTC), next_seal, old.id)
    _list(new, statement, next_seal, old.id, old.sign(statement))
    try:
        replace_private(next_key_path(), private_pem(new.private))
    except OSError as error:
        raise AuditKeyError(f"{next_key_path()} cannot be written: {error.strerror}.") from error
    return new


def waits_to_take_over() -> bool:
    """Whether a new key is listed, and its file not yet in the place of the old one's.

    Raises:
        AuditKeyError: its file cannot be used.
    """
    try:
        return AuditKey.objects.filter(pk=read_key(next_key_path()).id).exists()
    except OSError:
        return False


def take_over() -> None:
    """Sign with the new key, once it is listed for good. The old private key is gone then.

    Raises:
        AuditKeyError: its file cannot be put in place.
    """
    try:
        os.replace(next_key_path(), key_path())
    except OSError as error:
        raise AuditKeyError(
            f"{next_key_path()} cannot be moved to {key_path()}: {error.strerror}. It signs from now on: move it there."
        ) from error
