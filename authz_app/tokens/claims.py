"""Check the claims of an access token, and make a principal of them. Pure: proves nothing, and knows no signature."""

from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

from authz_app.issuers import TrustedIssuer
from authz_app.policy.principal import Principal
from authz_app.tokens import errors

# OpenID Connect Core section 2 on `sub`, and the width of the columns that keep these claims.
MAX_NAME_LENGTH = 255
# The end of the year 9999: no date can be made of a later time, and milliseconds taken for seconds are beyond it.
MAX_TIME = 253_402_300_799
# RFC 9068 section 2.1; plain "JWT" is what most issuers still write.
_ACCESS_TOKEN_TYPES = frozenset({"", "jwt", "application/jwt", "at+jwt", "application/at+jwt"})
_BLANK: tuple[Any, ...] = (None, "", [])
# The hashes that tie an ID token to what was issued beside it (OpenID Connect Core section 3.3.2.11).
_ID_TOKEN_CLAIMS = frozenset({"at_hash", "c_hash", "s_hash"})


def principal_of(claims: Mapping[str, Any], issuer: TrustedIssuer, expires_at: int) -> Principal:
    """The caller that these claims of an issuer describe. Proves nothing. Rules see each claim as it came.

    Raises:
        InvalidToken: they describe nobody.
    """
    said = telling(claims)
    return Principal(
        issuer=issuer.issuer,
        subject=text(required(said, "sub"), "sub"),
        oauth_client_id=oauth_client_id(said, issuer.client_id_claims),
        token_scopes=token_scopes(said, issuer.scope_claims),
        expires_at=expires_at,
        claims=MappingProxyType(dict(claims)),
    )


def telling(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The claims that say something: one that is null or empty says as little as one that is absent.

    So do null and empty items of a list. An object is left as it is, since an empty one may be what counts.
    """
    said = {name: _without_blanks(value) if isinstance(value, list) else value for name, value in claims.items()}
    return {name: value for name, value in said.items() if value not in _BLANK}


def _without_blanks(items: list[Any]) -> list[Any]:
    return [item for item in items if item not in _BLANK]


def check_purpose(type_: str, claims: Mapping[str, Any]) -> None:
    """Refuse what is no access token, though its issuer signed it with the same key (RFC 8725 section 3.11)."""
    if "cnf" in claims:
        raise errors.SenderConstrained
    if type_.lower() not in _ACCESS_TOKEN_TYPES:
        raise errors.WrongType(type_)
    if _is_id_token(claims):
        raise errors.IdToken
    if claims.get("typ", "Bearer") != "Bearer":  # Keycloak's: ID, Refresh, Offline, Logout
        raise errors.WrongType(str(claims["typ"]))
    if "events" in claims:  # RFC 8417: security events, OpenID Connect's logout tokens among them
        raise errors.WrongType("security event")


def _is_id_token(claims: Mapping[str, Any]) -> bool:
    if claims.get("typ") == "ID" or claims.get("token_use") == "id" or _ID_TOKEN_CLAIMS & claims.keys():
        return True
    # Keycloak before 25 copies the nonce into access tokens, which have another type and token scopes.
    return "nonce" in claims and claims.get("typ") != "Bearer" and not {"scope", "scp"} & claims.keys()


def check_audience(claims: Mapping[str, Any], issuer: TrustedIssuer) -> None:
    """Refuse a token that was not made for this site (RFC 9068 section 4)."""
    if issuer.client_ids:
        _check_client(oauth_client_id(claims, issuer.client_id_claims), issuer)
    if not issuer.has_audience:
        # It makes ID tokens by the same keys, and what they are for is all that tells them apart.
        if (use := required(claims, "token_use")) != "access":
            raise errors.WrongType(str(use))
        if "aud" not in claims:
            return
    value = required(claims, "aud", "Request one for this site: with an audience (Auth0) or a resource (RFC 8707).")
    audiences, accepted = _texts(value, "aud"), issuer.audiences
    if not set(audiences) & set(accepted):
        raise errors.WrongAudience(audiences, accepted)


def _check_client(client_id: str, issuer: TrustedIssuer) -> None:
    if not client_id:
        raise errors.MissingClaim(issuer.client_id_claims[0])
    if client_id not in issuer.client_ids:
        raise errors.WrongApplication(client_id)


def expiry(claims: Mapping[str, Any], now: float, leeway: int) -> int:
    """When the token expires, in seconds since the epoch; not in the past by more than ``leeway``."""
    expires_at = _time(required(claims, "exp"), "exp")
    if now >= expires_at + leeway:
        raise errors.Expired(expires_at, now)
    return expires_at


def check_begun(claims: Mapping[str, Any], claim: str, now: float, leeway: int) -> None:
    if claim in claims and (begins := _time(claims[claim], claim)) > now + leeway:
        raise errors.NotYetValid(claim, begins, now)


def oauth_client_id(claims: Mapping[str, Any], names: Iterable[str]) -> str:
    """The application the token was issued to, by the first claim of ``names`` that is there, or ""."""
    return next((text(claims[claim], claim) for claim in names if claim in claims), "")


def token_scopes(claims: Mapping[str, Any], scope_claims: Iterable[str]) -> frozenset[str]:
    """The union of ``scope``, ``scp`` and ``scope_claims``, each a list or separated by spaces (RFC 8693 4.2)."""
    present = (claim for claim in ("scope", "scp", *scope_claims) if claim in claims)
    return frozenset(chain.from_iterable(_scope_values(claims[claim], claim) for claim in present))


def _scope_values(value: Any, claim: str) -> list[str]:
    if isinstance(value, str):
        return [scope for scope in value.split(" ") if scope]
    if isinstance(value, list) and all(isinstance(scope, str) and scope for scope in value):
        return value
    raise errors.BadClaim(claim, "must be a list of non-empty strings, or one string")


def required(claims: Mapping[str, Any], claim: str, *hint: str) -> Any:
    if claim not in claims:
        raise errors.MissingClaim(claim, *hint)
    return claims[claim]


def text(value: Any, claim: str) -> str:
    if not isinstance(value, str) or not value:
        raise errors.BadClaim(claim, "must be a non-empty string")
    if len(value) > MAX_NAME_LENGTH:
        raise errors.BadClaim(claim, f"must have at most {MAX_NAME_LENGTH} characters")
    if not value.isprintable():
        raise errors.BadClaim(claim, "must be printable text")
    return value


def _texts(value: Any, claim: str) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return value
    raise errors.BadClaim(claim, "must be a string, or a list of strings")


def _time(value: Any, claim: str) -> int:
    """A NumericDate (RFC 7519 section 2), in whole seconds. True is an int to Python, and no time."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_TIME:
        raise errors.BadClaim(claim, "must be a time in seconds since 1970")
    return int(value)
