"""Answer programs that talk to the embedded issuer. A crash in allauth becomes an OAuth error."""

import json
import logging
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from allauth.core.internal import ratelimit
from allauth.idp.oidc import views
from allauth.idp.oidc.adapter import get_adapter
from allauth.idp.oidc.internal.oauthlib.utils import convert_response, extract_params, get_validator_context
from allauth.idp.oidc.internal.resources import InvalidTargetError
from django.core.exceptions import SuspiciousOperation
from django.db import DataError, Error
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from oauthlib.oauth2.rfc6749.errors import OAuth2Error
from redis.exceptions import RedisError

from authz_app.conf import conf
from authz_app.core.cors import open_to_any_origin
from authz_app.core.storable_text import is_storable
from authz_app.embedded_issuer import device
from authz_app.embedded_issuer.grant_rules import authorization_server
from authz_app.tokens.signing_key import IssuerKeyError
from authz_app.web.unavailable import as_unavailable, is_unavailable, note

logger = logging.getLogger(__name__)
View = Callable[..., HttpResponse]

LONGEST_REGISTRATION = 20_000
LONGEST_PARAMETER = 8_192
_FORM = "application/x-www-form-urlencoded"


def error(status: int, code: str, description: str) -> JsonResponse:
    """An error as RFC 6749 section 5.2 has it."""
    return JsonResponse({"error": code, "error_description": description}, status=status)


def for_programs(view: View) -> View:
    """Answer in JSON whatever happens, to pages of any site (no cookie counts here), and let nobody keep it."""

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = HttpResponse(status=204) if request.method == "OPTIONS" else _answered(view, request, args, kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        return open_to_any_origin(response, "GET, POST")

    return answer


def _answered(view: View, request: HttpRequest, args: Any, kwargs: Any) -> HttpResponse:
    try:
        return view(request, *args, **kwargs)
    except IssuerKeyError as fault:
        logger.error("The embedded issuer %s %s.", conf().public_url, fault)
        return error(503, "temporarily_unavailable", "This issuer cannot sign at the moment. Its log says why.")
    except RedisError as fault:
        logger.error("Redis, which keeps what sign-in needs, does not answer: %s", fault)
        return error(503, "temporarily_unavailable", "This issuer cannot remember anything at the moment. Try again.")
    except (MultiPartParserError, UnreadablePostError):
        return error(400, "invalid_request", f"Send the body as {_FORM}.")
    except InvalidTargetError as fault:
        return error(400, fault.error, fault.description)
    except OAuth2Error as fault:
        return _oauth_error(fault)
    except SuspiciousOperation:
        return error(400, "invalid_request", "The request is larger than any that is answered here.")
    except DataError:
        # Such as a text longer than its column, which PostgreSQL refuses.
        return error(400, "invalid_request", "A parameter is longer than any can be.")
    except Error as fault:
        if not is_unavailable(fault):
            raise
        note(fault)
        return as_unavailable(error(503, "temporarily_unavailable", "The database cannot be used. Try again."))


def _oauth_error(fault: OAuth2Error) -> HttpResponse:
    response = HttpResponse(fault.json, content_type="application/json", status=fault.status_code)
    for name, value in fault.headers.items():
        response[name] = value
    return response


def form_refused(request: HttpRequest) -> HttpResponse | None:
    """The error for a malformed form; None: it is well-formed."""
    if request.META.get("QUERY_STRING"):
        return error(400, "invalid_request", "Put the parameters into the body, not into the URL.")
    values = [text for name, texts in request.POST.lists() for text in (name, *texts)]
    if not all(map(is_storable, values)):
        return error(400, "invalid_request", "A parameter holds a character that none can hold.")
    if any(len(value) > LONGEST_PARAMETER for value in values):
        return error(400, "invalid_request", "A parameter is longer than any can be.")
    return None


class TokenView(views.TokenView):
    """The token endpoint, where OAuth applications get access tokens (RFC 6749 section 3.2)."""

    def post(self, request: HttpRequest) -> HttpResponse:
        # Not allauth's own, which checks secrets (slow by design) while it holds SQLite's lock for writing.
        if refused := form_refused(request):
            return refused
        resources = request.POST.getlist("resource")
        get_adapter().validate_resource_uris(uris=resources)
        get_validator_context().requested_resources = resources
        return convert_response(*authorization_server().create_token_response(*extract_params(request)))


class RevokeView(views.RevokeView):
    """The revocation endpoint for refresh tokens (RFC 7009). Access tokens are good until they expire."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if refused := form_refused(request):
            return refused
        return convert_response(*authorization_server().create_revocation_response(*extract_params(request)))


class RegistrationView(views.ClientRegistrationView):
    """The endpoint where applications register themselves (RFC 7591)."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if len(request.body) > LONGEST_REGISTRATION:
            return error(413, "invalid_client_metadata", "The metadata is larger than any that is kept here.")
        try:
            # Parsed, so that what is written as \\u0000 is found too.
            metadata_text = json.dumps(json.loads(request.body), ensure_ascii=False)
        except (ValueError, RecursionError):
            return error(400, "invalid_client_metadata", "Invalid JSON data.")
        if not is_storable(metadata_text):
            return error(400, "invalid_client_metadata", "The metadata holds a character that none can hold.")
        return super().post(request, *args, **kwargs)


class DeviceCodeView(views.DeviceCodeView):
    """The device authorization endpoint, for a code that a person types elsewhere (RFC 8628 section 3.1)."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if refused := form_refused(request):
            return refused
        if not ratelimit.consume(request, app="allauth.idp.oidc", action="device_code"):
            return error(HTTPStatus.TOO_MANY_REQUESTS, "temporarily_unavailable", "Too many requests. Wait a minute.")
        resources = request.POST.getlist("resource")
        get_adapter().validate_resource_uris(uris=resources)
        return JsonResponse(device.begin(request, resources))


token: View = for_programs(TokenView.as_view())
revoke: View = for_programs(RevokeView.as_view())
registration: View = for_programs(RegistrationView.as_view())
device_code: View = for_programs(DeviceCodeView.as_view())
jwks: View = for_programs(views.jwks)
metadata: View = for_programs(views.configuration)


def not_served(request: HttpRequest, rest: str) -> HttpResponse:
    """Hide those of allauth's pages that nobody needs here."""
    raise Http404(f"The embedded issuer does not serve {rest}.")
