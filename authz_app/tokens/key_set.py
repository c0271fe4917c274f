"""Read the public keys of one issuer from its JWK Set (RFC 7517). Pure: knows nothing of where that came from."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

MIN_RSA_BITS = 2048  # RFC 7518 section 3.3
MAX_KEYS = 1_000
# What a token that no key signed may cost: so many verifications of about 0.1 ms.
MAX_TRIED = 16

_FAMILIES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"} | {
    f"{kind}{bits}": "RSA" for kind in ("RS", "PS") for bits in (256, 384, 512)
}
# RFC 7518 sections 6.2.2 and 6.3.2.
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# Any algorithm of a family reads that family's keys.
_READERS = {family: algorithm for algorithm, family in _FAMILIES.items()}


class KeySetError(Exception):
    """An issuer's keys could not be had. ``str()`` says why, safe to log, continuing a sentence about the issuer."""


class IssuerMisfit(KeySetError):
    """The issuer answers, but is not as the settings have it: no outage, and no waiting mends it.

    ``str()`` says what to set.
    """


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

    def fitting(self, key_id: str | None, algorithm: str) -> tuple[VerificationKey, ...]:
        """The keys that can be meant, the likeliest first, at most `MAX_TRIED`.

        Key ids need not be unique, nor be there at all (RFC 7517 section 4.5): a key without one may be any.
        """
        fitting = [key for key in self.keys if key.fits(algorithm)]
        if key_id is not None:
            named = [key for key in fitting if key.key_id == key_id]
            fitting = named + [key for key in fitting if key.key_id is None]
        return tuple(fitting[:MAX_TRIED])


def parse_key_set(document: Any, algorithms: Iterable[str] = tuple(_FAMILIES)) -> KeySet:
    """Read a JWK Set. Keys that are not for verifying signatures are left out (RFC 7517 section 5).

    Raises:
        KeySetError: the document is no JWK Set, or has no key for any of ``algorithms``.
    """
    jwks = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(jwks, list):
        raise KeySetError("answered with something that is no JWK Set")
    parsed = (key for jwk in jwks if isinstance(jwk, dict) and (key := _parse_key(jwk)) is not None)
    keys = KeySet(tuple(islice(parsed, MAX_KEYS)))
    names = sorted(algorithms)
    if not any(key.fits(name) for key in keys.keys for name in names):
        raise KeySetError(f"published no key to verify {' or '.join(names)} with, among {len(jwks)} in its JWK Set")
    return keys


def _parse_key(jwk: dict[str, Any]) -> VerificationKey | None:
    # Some issuers write out every member that a key might have: null and empty ones say nothing.
    jwk = {name: value for name, value in jwk.items() if value not in (None, "", [])}
    family = jwk.get("kty") if jwk.get("kty") == "RSA" else jwk.get("crv")
    if not isinstance(family, str) or family not in _READERS or not _verifies(jwk):
        return None
    try:
        public_key = jwt.PyJWK(jwk, _READERS[family]).key
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, UnsupportedAlgorithm):
        return None  # PyJWT lets some through of what the cryptography below it raises.
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
        and not _PRIVATE & jwk.keys()
        and all(isinstance(jwk.get(name, ""), str) for name in ("kid", "alg"))
    )
