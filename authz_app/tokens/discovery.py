"""Find where an issuer's JWK Set is, and tell settings that do not fit the issuer from an issuer that is away. Pure."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from authz_app.tokens.errors import quotable, shown
from authz_app.tokens.key_set import IssuerMisfit, KeySetError
from authz_app.web_address import is_secure_url

Fetch = Callable[[str], Any]

_OPENID = "/.well-known/openid-configuration"
_OAUTH = "/.well-known/oauth-authorization-server"
_LONGEST = 500


class NoDocument(KeySetError):
    """The issuer answers, and has no JSON document at an address."""


def address(issuer: str) -> str:
    """Where an issuer's discovery document is (OpenID Connect Discovery section 4)."""
    return f"{issuer.removesuffix('/')}{_OPENID}"


def jwks_uri(issuer: str, document: Any) -> str:
    """Where a discovery document says that the key set is, once it is sure whose document that is (section 4.3).

    Raises:
        IssuerMisfit: it does not say, or is another issuer's.
    """
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise IssuerMisfit(_other_issuer(issuer, document))
    url = document.get("jwks_uri")
    if not isinstance(url, str) or not is_secure_url(url):
        raise IssuerMisfit(
            'published a discovery document without a secure jwks_uri. Set "jwks_uri" of this issuer to the https'
            " address of its key set"
        )
    return url


def _other_issuer(issuer: str, document: Any) -> str:
    """Say who the document says that it is of. A slash is easy to overlook, and tokens are compared to the letter."""
    name = document.get("issuer") if isinstance(document, dict) else None
    if not isinstance(name, str):
        return f"published a discovery document that names no issuer. {_ADDRESS}"
    if name.rstrip("/") == issuer.rstrip("/"):
        slash = "with a slash more" if len(name) > len(issuer) else "with a slash less"
        return (
            f"published a discovery document in which it has its name {slash}: set the issuer to"
            f" {_as_it_is(name)}, exactly so"
        )
    return (
        f"published a discovery document of another issuer, {shown(name)}. If tokens name that one, set the issuer to"
        f" it; if not, {_ADDRESS[0].lower()}{_ADDRESS[1:]}"
    )


_ADDRESS = 'Check the issuer, or set "jwks_uri" to the address of its key set'


def misfit_without_document(issuer: str, fetch: Fetch, missing: NoDocument) -> IssuerMisfit:
    """Say what to set where there is no discovery document. ``fetch`` looks whether there is another kind."""
    return IssuerMisfit(_without_document(issuer, fetch, missing))


def _without_document(issuer: str, fetch: Fetch, missing: NoDocument) -> str:
    for url in _oauth_metadata(issuer):
        with suppress(KeySetError):
            document = fetch(url)
            if isinstance(document, dict) and document.get("issuer") == issuer:
                return _only_oauth_metadata(document.get("jwks_uri"))
            if isinstance(document, dict) and isinstance(document.get("issuer"), str):
                return _other_issuer(issuer, document)
    return f"{missing}, where its discovery document should be. {_ADDRESS}"


def _oauth_metadata(issuer: str) -> Iterator[str]:
    """Where RFC 8414 section 3.1 has the metadata, and where some issuers have it instead."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    yield f"{parts.scheme}://{parts.netloc}{_OAUTH}{path}"
    if path:
        yield f"{issuer.removesuffix('/')}{_OAUTH}"


def _only_oauth_metadata(jwks_uri: Any) -> str:
    only = "has no OpenID Connect discovery document, only OAuth metadata (RFC 8414)"
    if not isinstance(jwks_uri, str) or not is_secure_url(jwks_uri):
        return f"{only}, which names no key set. {_ADDRESS}"
    return f'{only}: set "jwks_uri" of this issuer to {_as_it_is(jwks_uri)}'


def _as_it_is(url: str) -> str:
    """To be copied: whole, as far as it can be a URL."""
    return f'"{quotable(url[:_LONGEST])}"'
