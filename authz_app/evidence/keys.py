"""Keep the key that signs seals in a file outside the database, and list its public half in the database.

The key is made on first use. A new key takes over by a statement that both sign, which names the key that it follows.
So whoever trusts one key can follow the others, and nobody can put a forged history in front of a real key.
"""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.conf import settings

from authz_app.audit.events import EventKind, event, record_with
from authz_app.core.private_files import create_private, others_can_read, replace_private
from authz_app.evidence.statements import first_seal, key_statement
from authz_app.models import AuditKey

_MAX_FILE_BYTES = 65_536
_NEXT = " A change of keys was broken off: `manage.py audit keys --rotate` ends it."


class AuditKeyError(Exception):
    """The audit key cannot be used; ``str()`` says why, and what to do."""


@dataclass(frozen=True, slots=True)
class AuditSigner:
    """Signs with the private key. ``id`` and ``public`` are what others know it by."""

    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> str:
        """The public key: 32 bytes, in hexadecimal digits."""
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    @property
    def id(self) -> str:
        return key_id(self.public)

    def sign(self, statement: str) -> str:
        return self.private.sign(statement.encode()).hex()


def key_id(public: str) -> str:
    return sha256(bytes.fromhex(public)).hexdigest()[:16]


def is_signed(statement: str, signature: str, public: str) -> bool:
    """Whether the signature is that key's, of that statement."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), statement.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def public_pem(public: str) -> str:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def public_hex(pem: bytes) -> str:
    """The public key of a PEM file.

    Raises:
        ValueError: it holds none.
    """
    public = load_pem_public_key(pem)
    if not isinstance(public, Ed25519PublicKey):
        raise ValueError("another kind of key")
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def key_path() -> Path:
    return Path(settings.AUDIT_KEY_FILE)


def next_key_path() -> Path:
    """The file of a new key until its row is committed."""
    return key_path().with_suffix(".next.pem")


def signer(*, create: bool = False) -> AuditSigner:
    """The key of this machine. With ``create`` it is made where there is none yet.

    Raises:
        AuditKeyError: there is none, or its file cannot be used as it stands.
    """
    path = key_path()
    try:
        if create and not path.exists():
            create_private(path, _pem(Ed25519PrivateKey.generate()))
        return _read(path)
    except FileNotFoundError as error:
        raise AuditKeyError(
            f"There is no audit key file {path}. A site makes one when it first seals, within a minute of its first"
            " start; where it has sealed before, put that file back."
        ) from error
    except OSError as error:
        raise AuditKeyError(f"The audit key file {path} cannot be used: {error.strerror}.") from error


def _read(path: Path) -> AuditSigner:
    with path.open("rb") as file:
        if others_can_read(os.fstat(file.fileno())):
            raise AuditKeyError(f"Others can read the audit key file {path}: run chmod 600 {path}.")
        return AuditSigner(_parsed(file.read(_MAX_FILE_BYTES), path))


def _parsed(content: bytes, path: Path) -> Ed25519PrivateKey:
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):
        private = load_pem_private_key(content, None)
        if isinstance(private, Ed25519PrivateKey):
            return private
    raise AuditKeyError(f"The audit key file {path} holds no unencrypted Ed25519 private key in PEM form.")


def _pem(private: Ed25519PrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


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
        id=key.id,
        statement=statement,
        signature=key.sign(statement),
        predecessor_signature=predecessor_signature,
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
        replace_private(next_key_path(), _pem(new.private))
    except OSError as error:
        raise AuditKeyError(f"{next_key_path()} cannot be written: {error.strerror}.") from error
    return new


def waits_to_take_over() -> bool:
    """Whether a new key is listed, and its file not yet in the place of the old one's.

    Raises:
        AuditKeyError: its file cannot be used.
    """
    try:
        return AuditKey.objects.filter(pk=_read(next_key_path()).id).exists()
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
