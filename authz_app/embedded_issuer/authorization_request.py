"""Read and check an authorization request, which an application sends by a browser (RFC 6749 section 4.1.1)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from allauth.idp.oidc.adapter import get_adapter
from allauth.idp.oidc.internal.oauthlib.utils import get_validator_context
from allauth.idp.oidc.models import Client as OAuthApplication
from django.http import HttpRequest, QueryDict
from oauthlib.common import add_params_to_uri
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.errors import FatalClientError, OAuth2Error

from authz_app.conf import conf, local_issuer_url
from authz_app.core.storable_text import is_storable
from authz_app.embedded_issuer.grant_rules import authorization_server
from authz_app.embedded_issuer.registration import registered_itself
from authz_app.embedded_issuer.scopes import grantable
from authz_app.web_address import is_loopback

# The rest of OpenID Connect's parameters ask for what is not offered here.
_PARAMETERS = frozenset(
    {"response_type", "client_id", "redirect_uri", "scope", "state", "resource", "nonce"}
    | {"code_challenge", "code_challenge_method"}
)
_LONGEST = 8_192
# For the person who sees it; oauthlib's own words are for whoever wrote the application.
_FATAL = {
    errors.MismatchingRedirectURIError: "The application wants you sent to an address that is not registered for it.",
    errors.InvalidRedirectURIError: "The application wants you sent to something that is no address.",
    errors.MissingRedirectURIError: "The application does not say where you are to be sent back to (redirect_uri).",
}


class CannotAsk(Exception):
    """The application is unknown or must not be answered. ``str()`` is a sentence for the person."""


class WrongRequest(Exception):
    """The request cannot be granted. ``location`` tells the application so, ``at_once`` where that is safe."""

    def __init__(self, description: str, location: str, *, at_once: bool) -> None:
        super().__init__(description)
        self.location = location
        self.at_once = at_once


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A checked request. ``uri`` is what can be granted of it, ``left_out`` the token scopes that cannot."""

    application: OAuthApplication
    redirect_uri: str
    uri: str
    scopes: tuple[str, ...]
    left_out: tuple[str, ...]
    resources: tuple[str, ...]
    state: str

    def granted_by(self, person: Any) -> str:
        """Where the browser goes with the code.

        Raises:
            CannotAsk, WrongRequest: meanwhile it cannot be granted.
        """
        get_validator_context().requested_resources = list(self.resources)
        try:
            headers, _, _ = authorization_server(person).create_authorization_response(
                self.uri, "GET", None, {}, scopes=list(self.scopes), credentials={"user": person}
            )
        except FatalClientError as error:
            raise CannotAsk(_sentence(error)) from error
        return _with_issuer(headers["Location"])

    def needs_interaction(self) -> WrongRequest:
        """The error for a request that forbids to ask the person (prompt=none): there is always something to ask."""
        error, description = "interaction_required", "This site always asks the person."
        return _wrong(self.application, self.redirect_uri, self.state, error, description)

    def denied(self) -> str:
        """Where the browser goes when the person says no."""
        return _answer(self.redirect_uri, self.state, error="access_denied")


def _with_issuer(location: str) -> str:
    """The answer with the issuer's name, against mix-ups (RFC 9207 section 2)."""
    return str(add_params_to_uri(location, [("iss", local_issuer_url(conf().public_url))]))


def _answer(redirect_uri: str, state: str, **answer: str) -> str:
    parameters = [*answer.items(), *([("state", state)] if state else [])]
    return _with_issuer(add_params_to_uri(redirect_uri, parameters))


def read(request: HttpRequest, person: Any) -> AuthorizationRequest:
    """Read a request that ``person`` may grant; None: nobody is signed in.

    Raises:
        CannotAsk: the person should learn of it, and the application not.
        WrongRequest: the application should learn of it.
    """
    query = _known(request.GET)
    application = _application(query.get("client_id", ""))
    requested = query.get("scope", "").split()
    granted = grantable(application, person, requested) if person is not None else []
    if len(query.getlist("scope")) == 1:
        query["scope"] = " ".join(granted)
    if not query.get("scope"):
        query.pop("scope", None)
    uri = f"{conf().public_url}/?{query.urlencode()}"
    redirect_uri = query.get("redirect_uri", "")
    try:
        scopes, _ = authorization_server(person).validate_authorization_request(uri, "GET", None, {})
        get_adapter().validate_resource_uris(uris=query.getlist("resource"))
    except FatalClientError as error:
        raise CannotAsk(_FATAL.get(type(error)) or _sentence(error)) from error
    except OAuth2Error as error:
        raise _wrong(application, redirect_uri, query.get("state", ""), error.error, _sentence(error)) from error
    return AuthorizationRequest(
        application=application,
        redirect_uri=redirect_uri,
        uri=uri,
        scopes=tuple(scopes),
        left_out=tuple(dict.fromkeys(scope for scope in requested if scope not in granted)),
        resources=tuple(conf().as_named(query.getlist("resource"))),
        state=query.get("state", ""),
    )


def _known(parameters: QueryDict) -> QueryDict:
    known = QueryDict(mutable=True)
    for name, values in parameters.lists():
        if name in _PARAMETERS:
            known.setlist(name, values)
    texts = [text for _, values in known.lists() for text in values]
    if any(len(text) > _LONGEST or not is_storable(text) for text in texts):
        raise CannotAsk("A parameter of the request is too long, or holds a character that none can hold.")
    return known


def _application(client_id: str) -> OAuthApplication:
    if not client_id:
        raise CannotAsk("The request does not say which application it comes from (client_id).")
    application = OAuthApplication.objects.filter(pk=client_id).first()
    if application is None:
        raise CannotAsk(
            f"No application is registered here under the client ID {client_id[:100]}. Applications that nobody signed"
            " in to are forgotten after a day; restart yours, so that it registers again."
        )
    if not application.get_grant_types():
        raise CannotAsk(f"An administrator has switched the application {application.name} off.")
    return application


def _wrong(application: OAuthApplication, redirect_uri: str, state: str, error: str, description: str) -> WrongRequest:
    location = _answer(redirect_uri, state, error=error, error_description=description)
    # Anybody can register an application, and this site must not become a way to send people anywhere.
    at_once = not registered_itself(application) or is_loopback(urlsplit(redirect_uri).hostname)
    return WrongRequest(description, location, at_once=at_once)


def _sentence(error: OAuth2Error) -> str:
    text = (error.description or error.error).strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
