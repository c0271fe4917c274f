"""Find and make service applications of the embedded issuer, and issue access tokens to them in process."""

import re
from collections.abc import Iterable, Sequence

from allauth.core.context import request_context
from allauth.idp.oidc.adapter import get_adapter
from allauth.idp.oidc.internal.oauthlib.server import generate_access_token
from allauth.idp.oidc.models import Client as OAuthApplication
from oauthlib.common import Request

from authz_app.embedded_issuer.adapter import InProcessRequest

GRANT = OAuthApplication.GrantType.CLIENT_CREDENTIALS
# A colon would end it in HTTP Basic authentication (RFC 7617 section 2), and https: would make it a document's address.
_OAUTH_CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

_MOST_NAMED = 20


class ApplicationError(Exception):
    """An OAuth application cannot be had, or cannot have what is asked for; ``str()`` is a sentence for a person."""


def ensure_service(name: str, scopes: Sequence[str]) -> tuple[OAuthApplication, str | None]:
    """The service application whose OAuth client ID is ``name``, made where there is none.

    An application that exists is left as administrators keep it. The secret is known only of a new one.

    Raises:
        ApplicationError: the name cannot be an OAuth client ID, or is that of something else than a service.
    """
    if not _OAUTH_CLIENT_ID.fullmatch(name):
        raise ApplicationError(
            f"{name!r} cannot be an OAuth client ID here: use letters, digits, dots, hyphens and underscores."
        )
    application = OAuthApplication.objects.filter(pk=name).first()
    if application is None:
        return _new_service(name, scopes)
    _refuse_unless_service(application, name)
    return application, None


def _refuse_unless_service(application: OAuthApplication, name: str) -> None:
    if GRANT not in application.get_grant_types():
        raise ApplicationError(
            f"The OAuth application {name} may not use the {GRANT} grant, so it gets no token for itself. Add the"
            " grant to it in the admin, or name another."
        )


def _new_service(name: str, scopes: Sequence[str]) -> tuple[OAuthApplication, str]:
    secret = get_adapter().generate_client_secret()
    application = OAuthApplication(pk=name, name=name, grant_types=GRANT.value, response_types="")
    application.set_scopes(list(scopes))
    application.set_secret(secret)
    application.save(force_insert=True)
    return application, secret


def find_service(name: str) -> OAuthApplication:
    """The service application with this OAuth client ID, or else with this name.

    Raises:
        ApplicationError: there is none, or there are several.
    """
    services = OAuthApplication.objects.filter(grant_types__contains=GRANT.value).order_by("name", "pk")
    found = list(services.filter(pk=name) or services.filter(name=name))
    if not found:
        known = ", ".join(_shown(one) for one in services[:_MOST_NAMED])
        there_are = f"Known are: {known}." if known else "There is none yet: manage.py demo makes the first."
        raise ApplicationError(f"There is no OAuth application {name} with the {GRANT} grant. {there_are}")
    if len(found) > 1:
        ids = ", ".join(one.pk for one in found)
        raise ApplicationError(f"Several OAuth applications are called {name}. Name one by its id: {ids}.")
    return found[0]


def _shown(application: OAuthApplication) -> str:
    return application.pk if application.name == application.pk else f"{application.name} ({application.pk})"


def issue_access_token(application: OAuthApplication, scopes: Iterable[str], lifetime: int) -> str:
    """An access token for the application itself, good for ``lifetime`` seconds, with the claims of the token endpoint.

    Without scopes the token gets the application's default ones, as at the token endpoint.

    Raises:
        ApplicationError: the application may not have it.
        IssuerKeyError: there is no key to sign it with.
    """
    _refuse_unless_service(application, application.name)
    wanted = list(dict.fromkeys(scopes)) or application.get_default_scopes()
    if refused := [scope for scope in wanted if scope not in application.get_scopes()]:
        allowed = " ".join(application.get_scopes())
        raise ApplicationError(
            f"The OAuth application {application.name} may not ask for the token scope(s) {' '.join(refused)}."
            f" It may ask for {allowed or 'none'}; an administrator can change that at the OAuth application."
        )
    # What allauth's token endpoint has once the grant is validated: this application, no user, these scopes.
    granted = Request("")
    granted.client, granted.user, granted.scopes = application, None, wanted
    with request_context(InProcessRequest(lifetime)):
        return str(generate_access_token(granted))
