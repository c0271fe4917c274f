"""Adapt the metadata and the tokens of allauth's authorization server. URLs come from PUBLIC_URL, not from requests."""

import secrets
from collections.abc import Iterable
from typing import Any, Literal

from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from allauth.idp.oidc.internal.resources import InvalidTargetError
from allauth.idp.oidc.models import Client as OAuthApplication, PrivateKey
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse

from authz_app.conf import conf, local_issuer_url
from authz_app.embedded_issuer.registration import check, forget_unused
from authz_app.embedded_issuer.subjects import active_user, name_claims, user_subject
from authz_app.tokens import errors
from authz_app.tokens.signing_key import signing_key

# What allauth's metadata names and is not served: nothing here asks this issuer who somebody is.
_NOT_SERVED = ("end_session_endpoint", "userinfo_endpoint")
_Grant = OAuthApplication.GrantType


class InProcessRequest(HttpRequest):
    """Stands for the HTTP request where this site issues a token to itself. ``lifetime`` is in seconds."""

    def __init__(self, lifetime: int) -> None:
        super().__init__()
        self.lifetime = lifetime


class EmbeddedIssuerAdapter(DefaultOIDCAdapter):
    """Settings name it as IDP_OIDC_ADAPTER. allauth makes one for each question it asks."""

    def get_issuer(self) -> str:
        return local_issuer_url(conf().public_url)

    def generate_client_secret(self) -> str:
        """A secret that is the same whether or not a client URL-encodes it (RFC 6749 section 2.3.1): many differ."""
        return secrets.token_urlsafe(32)

    def list_private_keys(
        self, *, did_activate: Literal[True] | None = None, is_active: Literal[True] | None = None
    ) -> list[PrivateKey]:
        # Neither begins nor ends at a time, so it is in both kinds of list that allauth asks for.
        return [PrivateKey(pem=signing_key().pem)]

    def get_user_sub(self, client: OAuthApplication, user: AbstractBaseUser) -> str:
        return user_subject(user)

    def get_user_by_sub(self, client: OAuthApplication, sub: str) -> AbstractBaseUser | None:
        return active_user(sub)

    def validate_client_registration(self, *, client: OAuthApplication, **kwargs: Any) -> None:
        """Check what registers itself (RFC 7591), and make room.

        Raises:
            ValidationError: it cannot be registered like this.
        """
        check(client)
        forget_unused()

    def populate_access_token(
        self,
        access_token: dict[str, Any],
        *,
        client: OAuthApplication,
        scopes: Iterable[str],
        user: AbstractBaseUser | None,
        **kwargs: Any,
    ) -> None:
        access_token.setdefault("aud", default_audience())
        if user is not None:
            access_token |= name_claims(user)
        else:
            access_token |= {"sub": service_subject(client), "gty": "client-credentials", "client_name": client.name}
        if isinstance(self.request, InProcessRequest):
            access_token["exp"] = access_token["iat"] + self.request.lifetime

    def validate_resource_uris(self, *, uris: list[str], **kwargs: Any) -> None:
        """Refuse tokens for other sites: what this issuer signs is good here only.

        Raises:
            InvalidTargetError: a resource (RFC 8707 section 2) is not one of this site's identifiers.
        """
        accepted = conf().resource_identifiers
        if others := [uri for uri in uris if uri not in accepted]:
            asked = f"The resource {errors.shown(others[0])} is not of this site."
            raise InvalidTargetError(description=f"{asked} Ask for one of {' '.join(accepted)}.")

    def populate_server_metadata(self, data: dict[str, Any]) -> None:
        for name in ("scopes_supported", *_NOT_SERVED):
            # Token scopes are each OAuth application's own; a list for everybody would tell strangers of them.
            data.pop(name, None)
        data |= {
            "authorization_endpoint": _url("authorization"),
            "token_endpoint": _url("token"),
            "registration_endpoint": _url("client_registration"),
            "revocation_endpoint": _url("revoke"),
            "device_authorization_endpoint": _url("device_code"),
            "jwks_uri": _url("jwks"),
            "response_types_supported": [OAuthApplication.ResponseType.CODE.value],
            "grant_types_supported": [
                grant.value
                for grant in (
                    _Grant.AUTHORIZATION_CODE,
                    _Grant.REFRESH_TOKEN,
                    _Grant.DEVICE_CODE,
                    _Grant.CLIENT_CREDENTIALS,
                )
            ],
            "client_id_metadata_document_supported": settings.CLIENT_ID_METADATA_DOCUMENTS,
            # RFC 9207: the answer to the browser names who gave it.
            "authorization_response_iss_parameter_supported": True,
        }


def default_audience() -> str:
    """The audience of a token that was requested without a resource."""
    return f"{conf().public_url}/sse"


def service_subject(application: OAuthApplication) -> str:
    """The subject of a token that an OAuth application gets for itself.

    In Auth0's form, so that an application whose id is chosen to equal a user's does not become that user.
    """
    return f"{application.pk}@clients"


def _url(name: str) -> str:
    return f"{conf().public_url}/{reverse(f'idp:oidc:{name}').removeprefix(get_script_prefix())}"
