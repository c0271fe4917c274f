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
from authz_app.origins import parse_origins
from authz_app.web_address import is_loopback

WELL_KNOWN = "/.well-known/oauth-protected-resource"
# Where MCP clients connect. Each is a resource of its own, and so is the site as a whole.
RESOURCE_PATHS = ("", "/sse", "/mcp")
_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
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
    path_prefix: str = ""
    allowed_origins: frozenset[str] = frozenset()
    loopback_hosts: frozenset[str] = frozenset()

    def public_url_at(self, host: str) -> str:
        """PUBLIC_URL; in development with the name of this machine that the Host header has, if it has another."""
        return _at_host(self.public_url, host.lower()) if host.lower() in self.loopback_hosts else self.public_url

    def as_named(self, resources: Iterable[str]) -> list[str]:
        """``resources``, those of this site without a slash at their end, so that one is told from another."""
        plain = [(resource, resource.rstrip("/")) for resource in resources]
        return [named if named in self.resource_identifiers else resource for resource, named in plain]

    def resource_metadata_url(self, path: str, host: str = "") -> str:
        """Where the metadata is that a challenge to a request for ``path`` names (RFC 9728 sections 3.1, 5.1)."""
        origin = self.public_url_at(host).removesuffix(self.path_prefix)
        return f"{origin}{WELL_KNOWN}{self.path_prefix}{_ASKED_FOR.get(path, '')}"


def local_issuer_url(public_url: str) -> str:
    """The embedded issuer's identifier."""
    return public_url


def resource_identifiers(
    public_url: str, further: Iterable[str] = (), loopback_hosts: Iterable[str] = ()
) -> tuple[str, ...]:
    """The audiences under which clients ask for tokens for this site, as real clients spell them."""
    own = [name for names in _resources(public_url, loopback_hosts) for name in names]
    return tuple(dict.fromkeys([*own, *as_clients_spell(further)]))


def _resources(public_url: str, loopback_hosts: Iterable[str]) -> list[list[str]]:
    """The resources of this site, each with all its names: with one slash more it is the same."""
    sites = dict.fromkeys([public_url, *(_at_host(public_url, host) for host in sorted(loopback_hosts))])
    return [[f"{site}{path}{slash}" for site in sites for slash in ("", "/")] for path in RESOURCE_PATHS]


def _at_host(public_url: str, host: str) -> str:
    return urlsplit(public_url)._replace(netloc=host).geturl()


def _loopback_hosts() -> frozenset[str]:
    """The Host headers of this machine by which a developer may reach the site, on the port of PUBLIC_URL."""
    public = urlsplit(settings.PUBLIC_URL)
    if not settings.DEBUG or not is_loopback(public.hostname):
        return frozenset()
    return frozenset(f"{host}:{public.port}" if public.port else host for host in _LOOPBACK_HOSTS)


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
    return resource_identifiers(settings.PUBLIC_URL, settings.RESOURCE_IDENTIFIERS, _loopback_hosts())


def _spelled(audiences: Iterable[str]) -> tuple[str, ...]:
    """``audiences`` with the other names of what they name of this site."""
    given = as_clients_spell(audiences)
    own = [names for names in _resources(settings.PUBLIC_URL, _loopback_hosts()) if not {*names}.isdisjoint(given)]
    return tuple(dict.fromkeys([*given, *(name for names in own for name in names)]))


def _trusted_issuers() -> tuple[TrustedIssuer, ...]:
    issuers = tuple(
        # Tokens that need no audience may have one, and this site's own names are meant for nobody else.
        replace(issuer, audiences=_spelled(issuer.audiences or _resource_identifiers()))
        for issuer in parse_issuers(_json(settings.TRUSTED_ISSUERS))
    )
    if settings.AUTH0_DOMAIN:
        auth0 = TrustedIssuer(
            issuer=f"https://{settings.AUTH0_DOMAIN}/",
            audiences=_spelled(settings.AUTH_AUDIENCE),
            jwks_uri=f"https://{settings.AUTH0_DOMAIN}/.well-known/jwks.json",
        )
        issuers += (auth0,)
    if settings.LOCAL_ISSUER:
        local = TrustedIssuer(
            issuer=local_issuer_url(settings.PUBLIC_URL), audiences=_resource_identifiers(), embedded=True
        )
        issuers += (local,)
    return without_twins(issuers)


def _network(text: str) -> IPv4Network | IPv6Network:
    """An address or a network of TRUSTED_PROXIES; one of IPv6 may have brackets, and bits after its prefix are none.

    One of IPv4 that IPv6 carries (RFC 4291 section 2.5.5.2) is what it carries, like the callers in it.

    Raises:
        ValueError: it is neither.
    """
    try:
        network = ip_network(text.strip().replace("[", "").replace("]", ""), strict=False)
    except ValueError as error:
        raise ValueError(
            f"TRUSTED_PROXIES: {error}. Name addresses or networks, such as 127.0.0.1, 10.0.0.0/8, separated by commas."
        ) from None
    carried = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if carried is None or network.prefixlen < 96:
        return network
    return IPv4Network((carried, network.prefixlen - 96))


@cache
def conf() -> AuthzConf:
    """The settings of this app.

    Raises:
        IssuerConfigError: TRUSTED_ISSUERS cannot be used as it stands.
        ValueError: TRUSTED_PROXIES or ALLOWED_ORIGINS cannot.
    """
    public = urlsplit(settings.PUBLIC_URL)
    return AuthzConf(
        public_url=settings.PUBLIC_URL,
        trusted_issuers=_trusted_issuers(),
        local_issuer=settings.LOCAL_ISSUER,
        allow_query_token=settings.ALLOW_QUERY_TOKEN,
        trusted_proxies=tuple(map(_network, settings.TRUSTED_PROXIES)),
        contact=settings.CONTACT,
        audit_timeout=settings.AUDIT_TIMEOUT,
        audit_seal_seconds=settings.AUDIT_SEAL_SECONDS,
        audit_lines=settings.AUDIT_LINES,
        audit_lines_full=settings.AUDIT_LINES_FULL,
        resource_identifiers=_resource_identifiers(),
        path_prefix=public.path,
        allowed_origins=parse_origins(settings.ALLOWED_ORIGINS) | {f"{public.scheme}://{public.netloc}"},
        loopback_hosts=_loopback_hosts(),
    )


def _forget(**_: Any) -> None:
    conf.cache_clear()


setting_changed.connect(_forget, dispatch_uid="authz_app.conf")
