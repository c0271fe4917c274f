"""Keep the key that signs seals in a file outside the database, which is made on first use."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
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

from authz_app.core.private_files import create_private, others_can_read

_MAX_FILE_BYTES = 65_536


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


def signer(*, create: bool = False) -> AuditSigner:
    """The key of this machine. With ``create`` it is made where there is none yet.

    Raises:
        AuditKeyError: there is none, or its file cannot be used as it stands.
    """
    path = key_path()
    try:
        if create and not path.exists():
            create_private(path, private_pem(Ed25519PrivateKey.generate()))
        return read_key(path)
    except FileNotFoundError as error:
        raise AuditKeyError(
            f"There is no audit key file {path}. A site makes one when it first seals, within a minute of its first"
            " start; where it has sealed before, put that file back."
        ) from error
    except OSError as error:
        raise AuditKeyError(f"The audit key file {path} cannot be used: {error.strerror}.") from error


def read_key(path: Path) -> AuditSigner:
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


def private_pem(private: Ed25519PrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
