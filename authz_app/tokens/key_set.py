"""Read the public keys of one issuer from its JWK Set (RFC 7517). Pure: knows nothing of where that came from."""

from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

MIN_RSA_BITS = 2048  # RFC 7518 section 3.3

_FAMILIES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"} | {
    f"{kind}{bits}": "RSA" for kind in ("RS", "PS") for bits in (256, 384, 512)
}
# Any algorithm of a family reads that family's keys.
_READERS = {family: algorithm for algorithm, family in _FAMILIES.items()}


class KeySetError(Exception):
    """An issuer's keys could not be had. ``str()`` says why, safe to log, continuing a sentence about the issuer."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key of an issuer. ``family`` is RSA, or the name of the curve."""

    key_id: str | None
    family: str
    algorithm: str | None
    public_key: PublicKey

    def fits(self, algorithm: str) -> bool:
        """Whether signatures by ``algorithm`` can be this key's: key and algorithm belong together (RFC 8725 3.1)."""
        return _FAMILIES.get(algorithm) == self.family and self.algorithm in (None, algorithm)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of one issuer at one moment."""

    keys: tuple[VerificationKey, ...]

    def find(self, key_id: str | None, algorithm: str) -> VerificationKey | None:
        """The only key that can be meant, or None: a token without key id, too, must leave no choice."""
        fitting = [key for key in self.keys if key.fits(algorithm) and key_id in (None, key.key_id)]
        return fitting[0] if len(fitting) == 1 else None


def parse_key_set(document: Any) -> KeySet:
    """Read a JWK Set. Keys that are not for verifying signatures are left out (RFC 7517 section 5).

    Raises:
        KeySetError: the document is no JWK Set.
    """
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise KeySetError("answered with something that is no JWK Set")
    return KeySet(tuple(key for jwk in keys if isinstance(jwk, dict) and (key := _parse_key(jwk)) is not None))


def _parse_key(jwk: dict[str, Any]) -> VerificationKey | None:
    family = jwk.get("kty") if jwk.get("kty") == "RSA" else jwk.get("crv")
    if not isinstance(family, str) or family not in _READERS or not _verifies(jwk):
        return None
    try:
        public_key = jwt.PyJWK(jwk, _READERS[family]).key
    except jwt.PyJWTError:
        return None
    if isinstance(public_key, RSAPublicKey) and public_key.key_size < MIN_RSA_BITS:
        return None
    return VerificationKey(jwk.get("kid"), family, jwk.get("alg"), public_key)


def _verifies(jwk: dict[str, Any]) -> bool:
    """Whether a key is meant to verify signatures. One that is published with its private half proves nothing."""
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and "d" not in jwk
        and all(jwk.get(name) is None or isinstance(jwk[name], str) for name in ("kid", "alg"))
    )
