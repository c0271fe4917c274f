"""Turn an access token and its issuer's key into a principal. Pure: knows nothing of HTTP, Django or caches.

In two steps, because finding the key takes time: `inspect` reads whose token it claims to be, `verify` proves it.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from authz_app.core.strict_json import JsonRefused, parse_of_any_size
from authz_app.issuers import ASYMMETRIC_ALGORITHMS, TrustedIssuer
from authz_app.policy.principal import Principal
from authz_app.tokens import errors
from authz_app.tokens.claim_limits import refuse_unstorable
from authz_app.tokens.claims import (
    MAX_NAME_LENGTH,
    check_audience,
    check_begun,
    check_purpose,
    expiry,
    principal_of,
    required,
    telling,
    text,
)
from authz_app.tokens.key_set import VerificationKey

MAX_TOKEN_LENGTH = 16_384

_signatures = jwt.PyJWS(algorithms=sorted(ASYMMETRIC_ALGORITHMS))


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """An unproved token: good for finding the key that proves or refutes it, and for nothing else."""

    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    algorithm: str
    key_id: str | None
    type: str
    issuer: str
    claims: Mapping[str, Any] = field(repr=False)


def inspect(token: str) -> UnverifiedToken:
    """Read a token's header and claims without believing them.

    Header parameters that bring or locate a key (jwk, jku, x5c, x5u) are never looked at: keys come from the issuer.

    Raises:
        InvalidToken: the token is no signed JWT of an acceptable form.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise errors.TokenTooLarge(len(token), MAX_TOKEN_LENGTH)
    parts = token.split(".")
    if len(parts) != 3:
        raise errors.OpaqueToken(len(parts))
    header, claims = _json_object(parts[0], "header"), _json_object(parts[1], "payload")
    if "crit" in header or "b64" in header:
        # RFC 7515 section 4.1.11: an extension that is not understood makes the signature invalid.
        raise errors.MalformedToken("header", "asks for an extension that is not supported")
    return UnverifiedToken(
        signed=token.rpartition(".")[0].encode("ascii"),
        signature=_base64url(parts[2], "signature"),
        algorithm=_algorithm(header),
        key_id=_key_id(header),
        type=_type(header),
        issuer=text(required(telling(claims), "iss"), "iss"),
        claims=claims,
    )


def check_algorithm(unverified: UnverifiedToken, issuer: TrustedIssuer) -> None:
    """Refuse an algorithm that the issuer is not trusted to sign with. `check_signature` compares it with the key."""
    if unverified.algorithm not in issuer.algorithms:
        raise errors.WrongAlgorithm(unverified.algorithm, issuer.algorithms)


def verify(
    unverified: UnverifiedToken, issuer: TrustedIssuer, keys: Iterable[VerificationKey], now: float, leeway: int
) -> Principal:
    """The principal that ``unverified`` proves, by any of ``keys`` of ``issuer``, at ``now`` (seconds since the epoch).

    Raises:
        InvalidToken: it proves none.
    """
    if unverified.issuer != issuer.issuer:
        raise errors.UnknownIssuer(unverified.issuer)
    check_algorithm(unverified, issuer)
    check_signature(unverified, keys)
    claims = unverified.claims
    try:
        refuse_unstorable(claims)
        said = telling(claims)
        check_purpose(unverified.type, said)
        check_audience(said, issuer)
        check_begun(said, "nbf", now, leeway)
        check_begun(said, "iat", now, leeway)
        return principal_of(claims, issuer, expiry(said, now, leeway))
    except errors.InvalidToken as error:
        subject = claims.get("sub")
        error.proved = issuer.issuer, subject if isinstance(subject, str) else ""
        raise


def check_signature(unverified: UnverifiedToken, keys: Iterable[VerificationKey]) -> None:
    """Refuse a signature that is by none of ``keys``."""
    if not any(_signed(unverified, key) for key in keys):
        raise errors.BadSignature(unverified.issuer)


def _signed(unverified: UnverifiedToken, key: VerificationKey) -> bool:
    """Whether ``key`` did. One that is not made for the algorithm is refused: that would let anyone sign."""
    if not key.fits(unverified.algorithm):
        raise errors.WrongAlgorithm(unverified.algorithm, [key.algorithm or key.family])
    algorithm = _signatures.get_algorithm_by_name(unverified.algorithm)
    return algorithm.verify(unverified.signed, algorithm.prepare_key(key.public_key), unverified.signature)


def _algorithm(header: Mapping[str, Any]) -> str:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str):
        raise errors.MalformedToken("header", "names no algorithm")
    return algorithm


def _key_id(header: Mapping[str, Any]) -> str | None:
    key_id = header.get("kid")
    if "kid" not in header:
        return None
    if not isinstance(key_id, str) or len(key_id) > MAX_NAME_LENGTH or not key_id.isprintable():
        raise errors.MalformedToken("header", "has a key id (kid) that is no short, printable string")
    return key_id


def _type(header: Mapping[str, Any]) -> str:
    type_ = header.get("typ", "")
    if not isinstance(type_, str):
        raise errors.MalformedToken("header", "has a type (typ) that is no string")
    return type_


def _json_object(part: str, name: str) -> dict[str, Any]:
    try:
        value = parse_of_any_size(_base64url(part, name))
    except JsonRefused:
        raise errors.MalformedToken(name, "is not JSON in UTF-8 with unique names") from None
    if not isinstance(value, dict):
        raise errors.MalformedToken(name, "is not a JSON object")
    return value


def _base64url(part: str, name: str) -> bytes:
    """Decode the only spelling that RFC 7515 section 2 allows: no padding, no other characters, no spare bits."""
    data = part.encode("utf-8", "replace")
    try:
        decoded = base64.urlsafe_b64decode(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        decoded = b""
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != data:
        raise errors.MalformedToken(name, "is not encoded as base64url")
    return decoded
