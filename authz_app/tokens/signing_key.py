"""Keep the embedded issuer's signing key: made on first use, in one file, read anew when the file changes."""

import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from allauth.core.internal.jwkkit import load_jwk_from_pem
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings

from authz_app.conf import conf
from authz_app.core.private_files import create_private, others_can_read
from authz_app.tokens.key_set import MIN_RSA_BITS, KeySetError

KEY_BITS = 2048
_MAX_FILE_BYTES = 65_536


class IssuerKeyError(KeySetError):
    """The embedded issuer has no usable key; ``str()`` says why, continuing a sentence that begins with the issuer."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private key as PEM text, and its public half as a JWK with the key id that signatures name."""

    pem: str = field(repr=False)
    public_jwk: dict[str, Any]


def key_path() -> Path:
    return Path(settings.DATA_DIR) / "issuer-key.pem"


def public_jwks() -> dict[str, Any]:
    """The embedded issuer's JWK Set (RFC 7517 section 5), for verification in this process.

    Raises:
        IssuerKeyError: there is no usable key.
    """
    return {"keys": [signing_key().public_jwk]}


def signing_key() -> SigningKey:
    """The key that signs tokens now; it is made where there is none yet.

    Raises:
        IssuerKeyError: the embedded issuer is off, or its file cannot be used as it stands.
    """
    if not conf().local_issuer:
        raise IssuerKeyError("has no key, because it is off (LOCAL_ISSUER)")
    path = key_path()
    try:
        if not path.exists():
            create_private(path, _new_pem())
        return _read(path, *_fingerprint(path.stat()))
    except OSError as error:
        raise IssuerKeyError(f"cannot use its key file {path}: {error.strerror}") from error


def _fingerprint(found: os.stat_result) -> tuple[int, ...]:
    """What changes when the file is replaced, rewritten, or shown to others."""
    return (found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@lru_cache(maxsize=1)
def _read(path: Path, *fingerprint: int) -> SigningKey:
    with path.open("rb") as file:
        if others_can_read(os.fstat(file.fileno())):
            raise IssuerKeyError(f"does not use its key file {path}, which others can read: run chmod 600 {path}")
        content = file.read(_MAX_FILE_BYTES)
    return _parsed(content, path)


def _parsed(content: bytes, path: Path) -> SigningKey:
    try:
        pem = content.decode("ascii")
        public_jwk, private_key = load_jwk_from_pem(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise IssuerKeyError(
            f"cannot read its key file {path}: it holds no unencrypted RSA private key in PEM form. Put the right file"
            " there, or delete it to have a new key made, which ends all tokens signed with the old one"
        ) from None
    if private_key.key_size < MIN_RSA_BITS:
        raise IssuerKeyError(
            f"does not use its key file {path}: {private_key.key_size} bits are too few. Delete it to have a new key"
            " made, which ends all tokens signed with the old one"
        )
    return SigningKey(pem, {**public_jwk, "use": "sig", "alg": "RS256"})


def _new_pem() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
