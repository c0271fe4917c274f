"""Show the pages on which a person decides whether an application may act for them."""

from typing import Any
from urllib.parse import urlsplit

from allauth.core.internal import ratelimit
from allauth.idp.oidc.models import Client as OAuthApplication
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.generic import View

from authz_app.conf import conf
from authz_app.embedded_issuer import authorization_request, client_id_metadata, device
from authz_app.embedded_issuer.authorization_request import AuthorizationRequest, CannotAsk, WrongRequest
from authz_app.embedded_issuer.registration import DOCUMENT, registered_itself
from authz_app.embedded_issuer.scopes import IDENTITY_SCOPES, grantable
from authz_app.embedded_issuer.subjects import name_claims
from authz_app.redaction.log_lines import visible
from authz_app.web.page import site_page
from authz_app.web_address import is_loopback


class _SendBack(HttpResponse):
    """A redirect to an address of any scheme: Django's own knows those of the web alone."""

    def __init__(self, location: str) -> None:
        super().__init__(status=302)
        self["Location"] = location


@method_decorator(site_page, name="dispatch")
class ConsentView(View):
    """The authorization endpoint (RFC 6749 section 3.1). The page posts to its own address, which is checked anew."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person = request.user if request.user.is_authenticated else None
        silent = "none" in request.GET.get("prompt", "").split()
        if person is None and not silent:
            return redirect_to_login(request.get_full_path())
        try:
            if person is not None:
                client_id_metadata.keep_current(request, request.GET.get("client_id", ""))
            requested = authorization_request.read(request, person)
            if silent or person is None:
                raise requested.needs_interaction()
            return self._answered(request, requested)
        except (CannotAsk, client_id_metadata.DocumentRefused) as error:
            return _refused(request, str(error))
        except WrongRequest as error:
            return _SendBack(error.location) if error.at_once else _refused(request, str(error), error)

    def _answered(self, request: HttpRequest, requested: AuthorizationRequest) -> HttpResponse:
        if request.method == "POST":
            allowed = request.POST.get("action") == "allow"
            return _SendBack(requested.granted_by(request.user) if allowed else requested.denied())
        if requested.application.skip_consent:
            return _SendBack(requested.granted_by(request.user))
        context = {
            **_described(request.user, requested.application, requested.scopes, requested.left_out),
            "returns_to": _place(requested.redirect_uri),
            "redirect_uri": visible(requested.redirect_uri),
        }
        return render(request, "site/consent.html", context)


@method_decorator([site_page, login_required], name="dispatch")
class DeviceView(View):
    """The page for the code that a device shows: a person types it, and lets the device in (RFC 8628 section 3.3)."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        code = request.GET.get("code", "")
        if not code:
            return render(request, "site/device.html")
        if not ratelimit.consume(request, app="allauth.idp.oidc", action="device_user_code", limit_get=True):
            return render(request, "429.html", status=429)
        pending = device.pending_device(code)
        if pending is None:
            return render(request, "site/device.html", {"wrong": True}, status=400)
        scopes = grantable(pending.application, request.user, pending.requested_scopes)
        if request.method == "POST":
            allowed = request.POST.get("action") == "allow"
            answered = device.answer(pending, request.user, scopes if allowed else None)
            context = {"application": visible(pending.application.name), "allowed": allowed, "answered": answered}
            return render(request, "site/device_done.html", context)
        left_out = [scope for scope in pending.requested_scopes if scope not in scopes]
        context = {**_described(request.user, pending.application, scopes, left_out), "code": visible(code[:20])}
        return render(request, "site/consent.html", context)


def _described(person: Any, application: OAuthApplication, scopes: Any, left_out: Any) -> dict[str, Any]:
    """The consent page's description of the application, and of what it may do."""
    data = application.data if isinstance(application.data, dict) else {}
    return {
        "application": visible(application.name),
        "unverified": registered_itself(application),
        "document": visible(application.pk) if data.get(DOCUMENT) else "",
        "names": name_claims(person),
        "stays": OAuthApplication.GrantType.REFRESH_TOKEN in application.get_grant_types(),
        "scopes": [visible(scope) for scope in scopes if scope not in IDENTITY_SCOPES],
        "left_out": [visible(scope) for scope in left_out],
        "contact": conf().contact,
    }


def _place(redirect_uri: str) -> dict[str, Any]:
    """The place that a person is sent back to, in a form that they may know."""
    parts = urlsplit(redirect_uri)
    if parts.scheme in ("http", "https"):
        return {"host": visible(parts.netloc), "is_here": is_loopback(parts.hostname)}
    return {"scheme": visible(parts.scheme)}


def _refused(request: HttpRequest, sentence: str, wrong: WrongRequest | None = None) -> HttpResponse:
    context: dict[str, Any] = {"sentence": visible(sentence), "contact": conf().contact}
    if wrong is not None:
        context |= {"location": wrong.location, "returns_to": _place(wrong.location)}
    return render(request, "site/cannot_ask.html", context, status=400)
