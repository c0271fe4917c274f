"""Tokens of the embedded issuer: asked for over HTTP, and read back."""

import asyncio
from typing import Any

import jwt
from allauth.idp.oidc.models import Client as OAuthApplication
from django.test import Client as Browser

from authz_app.conf import conf, local_issuer_url
from authz_app.policy.principal import Principal
from authz_app.tokens.signing_key import public_jwks
from authz_app.tokens.verifier import verifier

TOKEN_URL = "/identity/o/api/token"


METADATA_URLS = [
    f"{before}/.well-known/{name}{behind}"
    for name in ("oauth-authorization-server", "openid-configuration")
    for before, behind in (("", ""), ("", "/sse"), ("", "/mcp"), ("/sse", ""), ("/mcp", ""))
]


JWKS_URL = "/.well-known/jwks.json"


def ask(client: Browser, service: tuple[OAuthApplication, str], **parameters: Any) -> Any:
    """The answer of the token endpoint."""
    application, secret = service
    credentials = {"grant_type": "client_credentials", "client_id": application.pk, "client_secret": secret}
    return client.post(TOKEN_URL, {**credentials, **parameters})


def verified(token: str) -> dict[str, Any]:
    """The claims, by PyJWT and the public keys alone."""
    header = jwt.get_unverified_header(token)
    (key,) = [jwt.PyJWK(key) for key in public_jwks()["keys"] if key["kid"] == header["kid"]]
    accepted = conf().resource_identifiers
    required = ["iss", "sub", "aud", "exp", "iat", "client_id"]
    issuer = local_issuer_url(conf().public_url)
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["RS256"], audience=accepted, issuer=issuer, options={"require": required}
    )
    return claims


def principal_of(token: str) -> Principal:
    """Who this site takes the bearer of the token for."""
    return asyncio.run(verifier().verify(token))
