"""Read this app's settings once into a frozen object, and name this site as an OAuth resource (RFC 8707)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signals import setting_changed

from authz_app.issuers import IssuerConfigError, TrustedIssuer, parse_issuers, without_twins

WELL_KNOWN = "/.well-known/oauth-protected-resource"
# Where MCP clients connect. Each is a resource of its own, and so is the site as a whole.
RESOURCE_PATHS = ("", "/sse", "/mcp")
# A message is posted into a session that was opened at /sse: that is the resource its client knows.
_ASKED_FOR = {"/sse": "/sse", "/messages": "/sse", "/messages/": "/sse", "/mcp": "/mcp"}


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
    resource_identifiers: tuple[str, ...] = ()
    audit_seal_seconds: float = 60.0
    audit_lines: str = "off"
    audit_lines_full: bool = False

    @property
    def allowed_origins(self) -> frozenset[str]:
        return frozenset({self.public_url})

    def resource_metadata_url(self, path: str) -> str:
        """Where the metadata is that a challenge to a request for ``path`` names (RFC 9728 sections 3.1, 5.1)."""
        return f"{self.public_url}{WELL_KNOWN}{_ASKED_FOR.get(path, '')}"


def local_issuer_url(public_url: str) -> str:
    """The embedded issuer's identifier."""
    return public_url


def resource_identifiers(public_url: str, further: Iterable[str] = ()) -> tuple[str, ...]:
    """The audiences under which clients ask for tokens for this site, as real clients spell them."""
    return as_clients_spell([*(f"{public_url}{path}" for path in RESOURCE_PATHS), *further])


def as_clients_spell(audiences: Iterable[str]) -> tuple[str, ...]:
    """``audiences``, a bare origin with and without its slash: clients add it (RFC 3986 section 6.2.3)."""
    spelled = [spelling for audience in audiences for spelling in (audience, *_other_spelling(audience))]
    return tuple(dict.fromkeys(spelled))


def _other_spelling(audience: str) -> tuple[str, ...]:
    try:
        parts = urlsplit(audience)
    except ValueError:
        return ()
    origin = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in ("http", "https") or audience not in (origin, f"{origin}/"):
        return ()
    return (f"{origin}/",) if audience == origin else (origin,)


def _json(text: str) -> Any:
    try:
        return json.loads(text or "[]")
    except ValueError as error:
        raise IssuerConfigError(f"TRUSTED_ISSUERS is not JSON: {error}.") from error


def _resource_identifiers() -> tuple[str, ...]:
    return resource_identifiers(settings.PUBLIC_URL, settings.RESOURCE_IDENTIFIERS)


def _trusted_issuers() -> tuple[TrustedIssuer, ...]:
    issuers = tuple(
        # Tokens that need no audience may have one, and this site's own names are meant for nobody else.
        replace(issuer, audiences=as_clients_spell(issuer.audiences or _resource_identifiers()))
        for issuer in parse_issuers(_json(settings.TRUSTED_ISSUERS))
    )
    if settings.AUTH0_DOMAIN:
        auth0 = TrustedIssuer(
            issuer=f"https://{settings.AUTH0_DOMAIN}/",
            audiences=as_clients_spell(settings.AUTH_AUDIENCE),
            jwks_uri=f"https://{settings.AUTH0_DOMAIN}/.well-known/jwks.json",
        )
        issuers += (auth0,)
    if settings.LOCAL_ISSUER:
        local = TrustedIssuer(
            issuer=local_issuer_url(settings.PUBLIC_URL), audiences=_resource_identifiers(), embedded=True
        )
        issuers += (local,)
    return without_twins(issuers)


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
        audit_seal_seconds=settings.AUDIT_SEAL_SECONDS,
        audit_lines=settings.AUDIT_LINES,
        audit_lines_full=settings.AUDIT_LINES_FULL,
        resource_identifiers=_resource_identifiers(),
    )


def _forget(**_: Any) -> None:
    conf.cache_clear()


setting_changed.connect(_forget, dispatch_uid="authz_app.conf")
