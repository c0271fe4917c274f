"""This app's settings, read once into a frozen object."""

import json
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from authz_app.issuers import IssuerConfigError, TrustedIssuer, parse_issuers


@dataclass(frozen=True, slots=True)
class AuthzConf:
    """How callers are verified, refused and recorded. Times are in seconds."""

    public_url: str
    trusted_issuers: tuple[TrustedIssuer, ...]
    local_issuer: bool
    allow_query_token: bool
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    contact: str
    audit_timeout: float
    token_leeway: int = 30

    @property
    def allowed_origins(self) -> frozenset[str]:
        return frozenset({self.public_url})

    @property
    def resource_metadata_url(self) -> str:
        """Where RFC 9728 metadata of this resource server is published."""
        return f"{self.public_url}/.well-known/oauth-protected-resource"


def resource_identifiers(public_url: str) -> tuple[str, ...]:
    """The audiences under which clients ask for tokens for this site (RFC 8707), as real clients spell them."""
    return (public_url, f"{public_url}/", f"{public_url}/sse", f"{public_url}/mcp")


def local_issuer_url(public_url: str) -> str:
    """The embedded issuer's identifier."""
    return public_url


def _json(text: str) -> Any:
    try:
        return json.loads(text or "[]")
    except ValueError as error:
        raise IssuerConfigError(f"TRUSTED_ISSUERS is not JSON: {error}.") from error


def _trusted_issuers() -> tuple[TrustedIssuer, ...]:
    issuers = parse_issuers(_json(settings.TRUSTED_ISSUERS))
    if settings.AUTH0_DOMAIN:
        auth0 = TrustedIssuer(
            issuer=f"https://{settings.AUTH0_DOMAIN}/",
            audiences=tuple(settings.AUTH_AUDIENCE),
            jwks_uri=f"https://{settings.AUTH0_DOMAIN}/.well-known/jwks.json",
        )
        issuers += (auth0,)
    if settings.LOCAL_ISSUER:
        local = TrustedIssuer(
            issuer=local_issuer_url(settings.PUBLIC_URL),
            audiences=resource_identifiers(settings.PUBLIC_URL),
            embedded=True,
        )
        issuers += (local,)
    return issuers


@cache
def conf() -> AuthzConf:
    """The settings of this app.

    Raises:
        IssuerConfigError: TRUSTED_ISSUERS cannot be used as it stands.
    """
    return AuthzConf(
        public_url=settings.PUBLIC_URL,
        trusted_issuers=_trusted_issuers(),
        local_issuer=settings.LOCAL_ISSUER,
        allow_query_token=settings.ALLOW_QUERY_TOKEN,
        trusted_proxies=tuple(ip_network(proxy) for proxy in settings.TRUSTED_PROXIES),
        contact=settings.CONTACT,
        audit_timeout=settings.AUDIT_TIMEOUT,
    )


def _forget(**_: Any) -> None:
    conf.cache_clear()


setting_changed.connect(_forget, dispatch_uid="authz_app.conf")
