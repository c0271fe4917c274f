"""allauth's endpoints, where an answer of its own is missing: what would be a crash there is an OAuth error here."""

import logging
from collections.abc import Callable
from functools import wraps

from allauth.idp.oidc import views
from allauth.idp.oidc.adapter import get_adapter
from allauth.idp.oidc.internal.resources import InvalidTargetError
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError

from authz_app.conf import conf
from authz_app.embedded.keys import IssuerKeyError

logger = logging.getLogger(__name__)
View = Callable[[HttpRequest], HttpResponse]


def _needs_key(view: View) -> View:
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except IssuerKeyError as error:
            logger.error("The embedded issuer %s %s.", conf().public_url, error)
            return _error(503, "temporarily_unavailable", "This issuer cannot sign at the moment. Its log says why.")

    return answer


def _error(status: int, code: str, description: str) -> JsonResponse:
    """An error as RFC 6749 section 5.2 has it."""
    body = {"error": code, "error_description": description}
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})


class TokenView(views.TokenView):
    """Where OAuth applications get access tokens (RFC 6749 section 3.2)."""

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.META.get("QUERY_STRING"):
            return _error(400, "invalid_request", "Put the parameters into the body, not into the URL.")
        try:
            # Before allauth takes the resources apart, and stumbles over what cannot be.
            get_adapter().validate_resource_uris(uris=request.POST.getlist("resource"))
            answer: HttpResponse = super().post(request)
        except MultiPartParserError:
            return _error(400, "invalid_request", "Send the body as application/x-www-form-urlencoded.")
        except InvalidTargetError as error:
            return _error(400, error.error, error.description)
        except DataError:
            # Such as a NUL, by which PostgreSQL looks nothing up.
            return _error(400, "invalid_request", "A parameter holds a character that none can hold.")
        return answer


token: View = _needs_key(TokenView.as_view())
jwks: View = _needs_key(views.jwks)


def not_served(request: HttpRequest, rest: str) -> HttpResponse:
    """Hide those of allauth's pages that need sign-in by browser.

    Raises:
        Http404: always.
    """
    raise Http404(f"The embedded issuer does not serve {rest}.")
