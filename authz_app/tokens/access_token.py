"""Turn an access token and its issuer's key into a principal. Pure: knows nothing of HTTP, Django or caches.

In two steps, because finding the key takes time: `inspect` reads whose token it claims to be, `verify` proves it.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import Any

import jwt

from authz_app.core.strict_json import JsonRefused, parse_of_any_size
from authz_app.issuers import ASYMMETRIC_ALGORITHMS, TrustedIssuer
from authz_app.policy.principal import Principal
from authz_app.tokens.claim_limits import refuse_unstorable
from authz_app.tokens.errors import (
    BadClaim,
    BadSignature,
    Expired,
    IdToken,
    InvalidToken,
    MalformedToken,
    MissingClaim,
    NotYetValid,
    OpaqueToken,
    SenderConstrained,
    TokenTooLarge,
    UnknownIssuer,
    WrongAlgorithm,
    WrongAudience,
    WrongType,
)
from authz_app.tokens.key_set import VerificationKey

MAX_TOKEN_LENGTH = 16_384
# OpenID Connect Core section 2 on `sub`, and the width of the columns that keep these claims.
MAX_NAME_LENGTH = 255
# The end of the year 9999: no date can be made of a later time, and milliseconds taken for seconds are beyond it.
MAX_TIME = 253_402_300_799

# RFC 9068 section 2.1; plain "JWT" is what most issuers still write.
_ACCESS_TOKEN_TYPES = frozenset({"", "jwt", "application/jwt", "at+jwt", "application/at+jwt"})
# The hashes that tie an ID token to what was issued beside it (OpenID Connect Core section 3.3.2.11).
_ID_TOKEN_CLAIMS = frozenset({"at_hash", "c_hash", "s_hash"})
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
        raise TokenTooLarge(len(token), MAX_TOKEN_LENGTH)
    parts = token.split(".")
    if len(parts) != 3:
        raise OpaqueToken(len(parts))
    header, claims = _json_object(parts[0], "header"), _json_object(parts[1], "payload")
    if "crit" in header or "b64" in header:
        # RFC 7515 section 4.1.11: an extension that is not understood makes the signature invalid.
        raise MalformedToken("header", "asks for an extension that is not supported")
    return UnverifiedToken(
        signed=token.rpartition(".")[0].encode("ascii"),
        signature=_base64url(parts[2], "signature"),
        algorithm=_algorithm(header),
        key_id=_key_id(header),
        type=_type(header),
        issuer=_text(_required(claims, "iss"), "iss"),
        claims=claims,
    )


def check_algorithm(unverified: UnverifiedToken, issuer: TrustedIssuer) -> None:
    """Refuse an algorithm that the issuer is not trusted to sign with. `check_signature` compares it with the key."""
    if unverified.algorithm not in issuer.algorithms:
        raise WrongAlgorithm(unverified.algorithm, issuer.algorithms)


def verify(
    unverified: UnverifiedToken, issuer: TrustedIssuer, key: VerificationKey, now: float, leeway: int
) -> Principal:
    """The principal that ``unverified`` proves, by ``key`` of ``issuer``, at ``now`` (seconds since the epoch).

    Raises:
        InvalidToken: it proves none.
    """
    if unverified.issuer != issuer.issuer:
        raise UnknownIssuer(unverified.issuer)
    check_algorithm(unverified, issuer)
    check_signature(unverified, key)
    claims = unverified.claims
    try:
        refuse_unstorable(claims)
        check_purpose(unverified.type, claims)
        check_audience(claims, issuer.audiences)
        check_begun(claims, "nbf", now, leeway)
        check_begun(claims, "iat", now, leeway)
        return principal_of(claims, issuer, expiry(claims, now, leeway))
    except InvalidToken as error:
        subject = claims.get("sub")
        error.proved = issuer.issuer, subject if isinstance(subject, str) else ""
        raise


def principal_of(claims: Mapping[str, Any], issuer: TrustedIssuer, expires_at: int) -> Principal:
    """The caller that these claims of an issuer describe. Proves nothing.

    Raises:
        InvalidToken: they describe nobody.
    """
    return Principal(
        issuer=issuer.issuer,
        subject=_text(_required(claims, "sub"), "sub"),
        oauth_client_id=oauth_client_id(claims),
        token_scopes=token_scopes(claims, issuer.scope_claims),
        expires_at=expires_at,
        claims=MappingProxyType(dict(claims)),
    )


def check_signature(unverified: UnverifiedToken, key: VerificationKey) -> None:
    """Refuse a bad signature, and a key that is not made for the algorithm: that would let anyone sign."""
    if not key.fits(unverified.algorithm):
        raise WrongAlgorithm(unverified.algorithm, [key.algorithm or key.family])
    algorithm = _signatures.get_algorithm_by_name(unverified.algorithm)
    if not algorithm.verify(unverified.signed, algorithm.prepare_key(key.public_key), unverified.signature):
        raise BadSignature(unverified.issuer)


def check_purpose(type_: str, claims: Mapping[str, Any]) -> None:
    """Refuse what is no access token, though its issuer signed it with the same key (RFC 8725 section 3.11)."""
    if "cnf" in claims:
        raise SenderConstrained
    if type_.lower() not in _ACCESS_TOKEN_TYPES:
        raise WrongType(type_)
    if _is_id_token(claims):
        raise IdToken
    if claims.get("typ", "Bearer") != "Bearer":  # Keycloak's: ID, Refresh, Offline, Logout
        raise WrongType(str(claims["typ"]))
    if "events" in claims:  # RFC 8417: security events, OpenID Connect's logout tokens among them
        raise WrongType("security event")


def _is_id_token(claims: Mapping[str, Any]) -> bool:
    if claims.get("typ") == "ID" or claims.get("token_use") == "id" or _ID_TOKEN_CLAIMS & claims.keys():
        return True
    # Keycloak before 25 copies the nonce into access tokens; those have token scopes, which ID tokens have not.
    return "nonce" in claims and not {"scope", "scp"} & claims.keys()


def check_audience(claims: Mapping[str, Any], accepted: Iterable[str]) -> None:
    value = _required(claims, "aud", "Request one for this site: with an audience (Auth0) or a resource (RFC 8707).")
    audiences = _texts(value, "aud")
    if not set(audiences) & set(accepted):
        raise WrongAudience(audiences, accepted)


def expiry(claims: Mapping[str, Any], now: float, leeway: int) -> int:
    """When the token expires, in seconds since the epoch; not in the past by more than ``leeway``."""
    expires_at = _time(_required(claims, "exp"), "exp")
    if now >= expires_at + leeway:
        raise Expired(expires_at, now)
    return expires_at


def check_begun(claims: Mapping[str, Any], claim: str, now: float, leeway: int) -> None:
    if claim in claims and (begins := _time(claims[claim], claim)) > now + leeway:
        raise NotYetValid(claim, begins, now)


def oauth_client_id(claims: Mapping[str, Any]) -> str:
    """The application the token was issued to (RFC 8693 section 4.3, OpenID Connect Core section 2), or ""."""
    return next((_text(claims[claim], claim) for claim in ("client_id", "azp") if claim in claims), "")


def token_scopes(claims: Mapping[str, Any], scope_claims: Iterable[str]) -> frozenset[str]:
    """The union of ``scope``, ``scp`` and ``scope_claims``, each a list or separated by spaces (RFC 8693 4.2)."""
    present = (claim for claim in ("scope", "scp", *scope_claims) if claim in claims)
    return frozenset(chain.from_iterable(_scope_values(claims[claim], claim) for claim in present))


def _scope_values(value: Any, claim: str) -> list[str]:
    if isinstance(value, str):
        return [scope for scope in value.split(" ") if scope]
    if isinstance(value, list) and all(isinstance(scope, str) and scope for scope in value):
        return value
    raise BadClaim(claim, "must be a list of non-empty strings, or one string")


def _required(claims: Mapping[str, Any], claim: str, *hint: str) -> Any:
    if claim not in claims:
        raise MissingClaim(claim, *hint)
    return claims[claim]


def _text(value: Any, claim: str) -> str:
    if not isinstance(value, str) or not value:
        raise BadClaim(claim, "must be a non-empty string")
    if len(value) > MAX_NAME_LENGTH:
        raise BadClaim(claim, f"must have at most {MAX_NAME_LENGTH} characters")
    if not value.isprintable():
        raise BadClaim(claim, "must be printable text")
    return value


def _texts(value: Any, claim: str) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return value
    raise BadClaim(claim, "must be a string, or a list of strings")


def _time(value: Any, claim: str) -> int:
    """A NumericDate (RFC 7519 section 2), in whole seconds. True is an int to Python, and no time."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_TIME:
        raise BadClaim(claim, "must be a time in seconds since 1970")
    return int(value)


def _algorithm(header: Mapping[str, Any]) -> str:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str):
        raise MalformedToken("header", "names no algorithm")
    return algorithm


def _key_id(header: Mapping[str, Any]) -> str | None:
    key_id = header.get("kid")
    if "kid" not in header:
        return None
    if not isinstance(key_id, str) or len(key_id) > MAX_NAME_LENGTH or not key_id.isprintable():
        raise MalformedToken("header", "has a key id (kid) that is no short, printable string")
    return key_id


def _type(header: Mapping[str, Any]) -> str:
    type_ = header.get("typ", "")
    if not isinstance(type_, str):
        raise MalformedToken("header", "has a type (typ) that is no string")
    return type_


def _json_object(part: str, name: str) -> dict[str, Any]:
    try:
        value = parse_of_any_size(_base64url(part, name))
    except JsonRefused:
        raise MalformedToken(name, "is not JSON in UTF-8 with unique names") from None
    if not isinstance(value, dict):
        raise MalformedToken(name, "is not a JSON object")
    return value


def _base64url(part: str, name: str) -> bytes:
    """Decode the only spelling that RFC 7515 section 2 allows: no padding, no other characters, no spare bits."""
    data = part.encode("utf-8", "replace")
    try:
        decoded = base64.urlsafe_b64decode(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        decoded = b""
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != data:
        raise MalformedToken(name, "is not encoded as base64url")
    return decoded
