"""Rule on grants where allauth is milder than OAuth 2.1."""

import re
from collections.abc import Iterable
from typing import Any

from allauth.core import context
from allauth.idp.oidc import app_settings
from allauth.idp.oidc.adapter import get_adapter
from allauth.idp.oidc.internal.oauthlib import device_codes
from allauth.idp.oidc.internal.oauthlib.request_validator import OAuthLibRequestValidator
from allauth.idp.oidc.internal.oauthlib.server import generate_access_token, generate_refresh_token
from allauth.idp.oidc.internal.oauthlib.utils import get_validator_context
from allauth.idp.oidc.internal.resources import InvalidTargetError
from allauth.idp.oidc.models import Token
from django.core.cache import cache
from django.db import transaction
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError
from oauthlib.oauth2.rfc8628.grant_types import DeviceCodeGrant
from oauthlib.openid import Server

from authz_app.embedded_issuer import refresh_tokens
from authz_app.embedded_issuer.registration import mark_used, redirect_uri_matches
from authz_app.embedded_issuer.scopes import grantable
from authz_app.tokens import errors

_CHALLENGE = re.compile("[A-Za-z0-9_-]{43}")
# Longer than a code is good, so that its second use is known for what it is.
_USED_CODES_KEPT = 600
_CLEARED = 20
_MOST_NAMED = 3


def authorization_server(person: Any = None, **options: Any) -> Server:
    """A server for one request, as allauth makes them, with the rules of this module.

    ``person`` is the user who grants, where there is one yet.
    """
    return Server(
        token_generator=generate_access_token,
        refresh_token_generator=generate_refresh_token,
        request_validator=GrantRules(person),
        token_expires_in=app_settings.ACCESS_TOKEN_EXPIRES_IN,
        **options,
    )


class GrantRules(OAuthLibRequestValidator):
    """Answers what oauthlib asks before it grants anything."""

    def __init__(self, person: Any = None) -> None:
        super().__init__()
        self._person = person

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Compare exactly, but for loopback ports. Only applications of administrators may have wildcards."""
        registered = request.client.get_redirect_uris()
        if any(redirect_uri_matches(redirect_uri, one) for one in registered):
            return True
        if not request.client.allow_uri_wildcards or not redirect_uri.isprintable() or "\\" in redirect_uri:
            return False
        return bool(super().validate_redirect_uri(client_id, redirect_uri, request, *args, **kwargs))

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        person = self._person or request.user
        if person is None:
            return set(scopes) <= set(request.client.get_scopes())
        return grantable(request.client, person, scopes) == list(dict.fromkeys(scopes))

    def validate_refresh_token(
        self, refresh_token: str, client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        if not super().validate_refresh_token(refresh_token, client, request, *args, **kwargs):
            return False
        context_of = get_validator_context()
        # allauth does so once the access token is made, which then has no audience of its own.
        context_of.granted_resources = context_of.refresh_token.get_resources()
        return True

    def get_original_scopes(self, refresh_token: str, request: Request, *args: Any, **kwargs: Any) -> list[str]:
        """The scopes that may still be granted: what an administrator took back ends with the access token."""
        once = super().get_original_scopes(refresh_token, request, *args, **kwargs)
        return grantable(request.client, request.user, once)

    def is_pkce_required(self, client_id: str, request: Request) -> bool:
        """Require PKCE always, by S256 (OAuth 2.1 section 7.5.1): plain shows the secret to whoever sees the request.

        Raises:
            InvalidRequestError: the request to authorize names another method, or none, which means plain.
        """
        if request.code_challenge is not None and request.code_verifier is None:
            if request.code_challenge_method != "S256":
                raise InvalidRequestError(description="code_challenge_method must be S256.", request=request)
            if not _CHALLENGE.fullmatch(request.code_challenge):
                raise InvalidRequestError(description="code_challenge is no SHA-256 in base64url.", request=request)
        return True

    def validate_silent_authorization(self, request: Request) -> bool:
        """Refuse: anybody can register an application, so the person sees each grant."""
        return False

    def save_authorization_code(
        self, client_id: str, code: dict[str, Any], request: Request, *args: Any, **kwargs: Any
    ) -> None:
        super().save_authorization_code(client_id, code, request, *args, **kwargs)
        mark_used(request.client)

    def validate_code(
        self, client_id: str, code: str, client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        if super().validate_code(client_id, code, client, request, *args, **kwargs):
            return True
        # A second use: either of the two was not the application (RFC 6749 section 4.1.2).
        if issued := cache.get(_used(client_id, code)):
            refresh_tokens.of_family(issued).filter(client=client).delete()
        return False

    def validate_device_code(self, client_id: str, device_code: str, request: Request) -> str:
        """Set what the person confirmed, whatever the device says of scopes now (RFC 8628 section 3.4).

        Raises:
            OAuth2Error: the person has not confirmed it, or the device asks too often.
        """
        user, confirmed = device_codes.poll_device_code(context.request)
        request.user, request.scope, request.scopes = user, None, confirmed["scope"] or []
        mark_used(request.client)
        return DeviceCodeGrant.DEVICE_CODE_AUTHORIZED

    def save_bearer_token(self, token: dict[str, Any], request: Request, *args: Any, **kwargs: Any) -> None:
        """Keep what was issued: once for each code, however many ask with it at a time, and for each refresh token as
        `refresh_tokens` has it.

        Raises:
            InvalidGrantError: another request was faster.
        """
        issued = get_adapter().hash_token(token["refresh_token"]) if "refresh_token" in token else ""
        code = request.code or request.device_code
        if code and not cache.add(_used(request.client_id, code), issued, _USED_CODES_KEPT):
            raise InvalidGrantError(request=request)
        with transaction.atomic():
            family = self._spend(request) or issued
            try:
                super().save_bearer_token(token, request, *args, **kwargs)
            except InvalidTargetError:
                raise _granted_for_another(request) from None
            if issued:
                refresh_tokens.join(issued, family)
        # So that as many go as come; allauth keeps what has expired until somebody runs its command.
        Token.objects.filter(pk__in=list(Token.objects.expired().values_list("pk", flat=True)[:_CLEARED])).delete()

    def _spend(self, request: Request) -> str | None:
        """Mark the refresh token that was presented as used; its family, or None where there is no such token.

        Raises:
            InvalidGrantError: it is good no longer.
        """
        context_of = get_validator_context()
        spent, context_of.refresh_token = context_of.refresh_token, None  # allauth would delete it
        if spent is None:
            return None
        family = refresh_tokens.spend(spent)
        if family is None:
            raise InvalidGrantError(request=request)
        if "email" in request.scopes:
            context_of.email = context_of.email or spent.get_scope_email()
        return family

    def revoke_token(
        self, token: str, token_type_hint: str | None, request: Request, *args: Any, **kwargs: Any
    ) -> None:
        """Revoke a refresh token of the application that asks, and its family (RFC 7009 section 2.1)."""
        own = Token.objects.filter(client=request.client)
        for found in own.by_value(token).filter(type=Token.Type.REFRESH_TOKEN):
            refresh_tokens.of_family(refresh_tokens.family_of(found)).filter(client=request.client).delete()
        own.by_value(token).delete()


def _granted_for_another(request: Request) -> InvalidTargetError:
    """The refusal of a token for a resource that is beyond what a person granted (RFC 8707 section 2.2)."""
    context_of = get_validator_context()
    asked, granted = (_in_short(names) for names in (context_of.requested_resources, context_of.granted_resources))
    description = f"The token was asked for with the resource {asked}, and what was granted is {granted}. Ask for that."
    return InvalidTargetError(description=description, request=request)


def _in_short(resources: Iterable[str] | None) -> str:
    return " and ".join(errors.shown(resource) for resource in list(resources or ())[:_MOST_NAMED])


def _used(client_id: str, code: str) -> str:
    return f"authz_app.used_code[{client_id}:{code}]"
