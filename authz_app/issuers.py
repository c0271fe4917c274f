"""Read and check the settings of the authorization servers whose access tokens are accepted. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from authz_app.issuer_presets import PRESETS, STANDARD, Preset

NewClients = Literal["active", "pending"]

# Asymmetric signatures only (RFC 8725 section 3.1): with an HMAC algorithm in the list, a public key would be a secret.
ASYMMETRIC_ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
_OPTIONS = frozenset(
    {"issuer", "audiences", "client_ids", "preset", "jwks_uri", "algorithms", "client_id_claims", "scope_claims"}
    | {"login_scopes", "new_clients"}
)


# RFC 6749 section 3.3, "scope-token".
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


_AUTHORITY = re.compile(r"^[^:/]*:?//([^/?#]*).*", re.DOTALL)


class IssuerConfigError(ValueError):
    """A trusted issuer is configured in a way that cannot work or is not safe."""


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """One authorization server and what is accepted from it.

    ``audiences`` are compared exactly, and one of them must be in the token. Unless ``has_audience``, a token may have
    none, if it is for access by its ``token_use``. ``client_ids``, where there are any, are the only OAuth client IDs
    whose tokens are accepted. ``jwks_uri`` is found by OpenID Connect discovery when empty. ``client_id_claims`` name
    the OAuth client ID, and ``scope_claims`` claims beside ``scope`` and ``scp`` whose values count as token scopes.
    ``login_scopes`` are what clients should ask for when they log a person in; they are published to everybody.
    ``embedded`` issuers are this site itself: their keys are read in process, never fetched.
    """

    issuer: str
    audiences: tuple[str, ...]
    jwks_uri: str = ""
    algorithms: tuple[str, ...] = ("RS256",)
    client_ids: tuple[str, ...] = ()
    client_id_claims: tuple[str, ...] = STANDARD.client_id_claims
    scope_claims: tuple[str, ...] = STANDARD.scope_claims
    has_audience: bool = True
    login_scopes: tuple[str, ...] = ()
    new_clients: NewClients = "active"
    embedded: bool = False


def _strings(value: Any, name: str, issuer: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise IssuerConfigError(f"{name!r} of the issuer {issuer!r} must be a list of non-empty strings.")
    return tuple(value)


def _preset(name: Any, issuer: str) -> Preset:
    if name is None:
        return STANDARD
    if not isinstance(name, str) or name not in PRESETS:
        raise IssuerConfigError(
            f'"preset" of the issuer {issuer!r} is {name!r}; it must be one of {", ".join(sorted(PRESETS))},'
            " or be left out."
        )
    return PRESETS[name]


def _meant_for_this_site(
    options: Mapping[str, Any], preset: Preset, issuer: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """By which audiences and OAuth client IDs a token is meant for this site: without either, any would be."""
    client_ids = _strings(options.get("client_ids", []), "client_ids", issuer)
    if not preset.has_audience and not client_ids:
        raise IssuerConfigError(
            f"The issuer {issuer!r} makes access tokens without an audience, so any application of it could call."
            ' Name those that may: "client_ids": ["..."], each exactly as the issuer has it.'
        )
    audiences = _strings(options.get("audiences", []), "audiences", issuer)
    if preset.has_audience and not audiences:
        raise IssuerConfigError(
            f"The issuer {issuer!r} needs at least one audience: 'audiences' must be a list of non-empty strings."
            ' Only where its access tokens have none, as with "preset": "cognito", do "client_ids" stand for it.'
        )
    return audiences, client_ids


def _claims(options: Mapping[str, Any], name: str, preset: tuple[str, ...], issuer: str) -> tuple[str, ...]:
    return _strings(options[name], name, issuer) if name in options else preset


def _client_id_claims(options: Mapping[str, Any], preset: Preset, issuer: str) -> tuple[str, ...]:
    names = _claims(options, "client_id_claims", preset.client_id_claims, issuer)
    if not names:
        raise IssuerConfigError(f"'client_id_claims' of the issuer {issuer!r} names no claim.")
    return names


def _scopes(value: Any, issuer: str) -> tuple[str, ...]:
    scopes = _strings(value, "login_scopes", issuer)
    if bad := [scope for scope in scopes if not _SCOPE.fullmatch(scope)]:
        raise IssuerConfigError(f"{bad[0]!r} in 'login_scopes' of the issuer {issuer!r} is no token scope.")
    return scopes


def parse_issuer(options: Mapping[str, Any]) -> TrustedIssuer:
    """Build a trusted issuer from one entry of TRUSTED_ISSUERS.

    Raises:
        IssuerConfigError: the entry is incomplete, has an unknown option, or names an unsafe algorithm.
    """
    if not isinstance(options, Mapping):
        raise IssuerConfigError('Each entry of TRUSTED_ISSUERS must be an object such as {"issuer": ..., ...}.')
    issuer = options.get("issuer")
    if not isinstance(issuer, str) or not issuer:
        raise IssuerConfigError('An entry of TRUSTED_ISSUERS has no "issuer".')
    jwks_uri = options.get("jwks_uri", "")
    if not isinstance(jwks_uri, str):
        raise IssuerConfigError('Each "jwks_uri" in TRUSTED_ISSUERS must be a URL.')
    if "@" in issuer or "@" in _AUTHORITY.sub(r"\1", jwks_uri):
        # Not repeated: a password may stand before the @.
        raise IssuerConfigError('"issuer" and "jwks_uri" in TRUSTED_ISSUERS must have no user and password in them.')
    if unknown := sorted(set(options) - _OPTIONS):
        raise IssuerConfigError(
            f"The issuer {issuer!r} has unknown option(s) {', '.join(unknown)};"
            f" known are {', '.join(sorted(_OPTIONS))}."
        )
    if "/.well-known/" in issuer:
        raise IssuerConfigError(
            f"The issuer {issuer!r} is the address of a document. The issuer is what that document calls itself,"
            f" probably {issuer.partition('/.well-known/')[0]!r} or the same with a final slash."
        )
    preset = _preset(options.get("preset"), issuer)
    audiences, client_ids = _meant_for_this_site(options, preset, issuer)
    algorithms = _strings(options.get("algorithms", ["RS256"]), "algorithms", issuer)
    if not algorithms or (unsafe := sorted(set(algorithms) - ASYMMETRIC_ALGORITHMS)):
        raise IssuerConfigError(
            f"The issuer {issuer!r} must list asymmetric algorithms only"
            f" ({', '.join(sorted(ASYMMETRIC_ALGORITHMS))})" + (f", not {', '.join(unsafe)}." if algorithms else ".")
        )
    new_clients = options.get("new_clients", "active")
    if new_clients not in ("active", "pending"):
        raise IssuerConfigError(f'"new_clients" of the issuer {issuer!r} must be "active" or "pending".')
    return TrustedIssuer(
        issuer=issuer,
        audiences=audiences,
        jwks_uri=jwks_uri,
        algorithms=algorithms,
        client_ids=client_ids,
        client_id_claims=_client_id_claims(options, preset, issuer),
        scope_claims=_claims(options, "scope_claims", preset.scope_claims, issuer),
        has_audience=preset.has_audience,
        login_scopes=_scopes(options.get("login_scopes", []), issuer),
        new_clients=new_clients,
    )


def parse_issuers(entries: Any) -> tuple[TrustedIssuer, ...]:
    """Build all of TRUSTED_ISSUERS.

    Raises:
        IssuerConfigError: the value is not a list, an entry is wrong, or an issuer stands there twice.
    """
    if not isinstance(entries, list):
        raise IssuerConfigError("TRUSTED_ISSUERS must be a JSON list of objects.")
    return without_twins(tuple(parse_issuer(entry) for entry in entries))


def without_twins(issuers: tuple[TrustedIssuer, ...]) -> tuple[TrustedIssuer, ...]:
    """``issuers``, once it is sure that each stands there once.

    Raises:
        IssuerConfigError: one stands there twice, so nobody could tell which of the two counts.
    """
    names = [issuer.issuer for issuer in issuers]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise IssuerConfigError(f"TRUSTED_ISSUERS names {', '.join(twice)} more than once, or AUTH0_DOMAIN does too.")
    return issuers
