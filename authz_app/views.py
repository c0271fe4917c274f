"""Serve pages outside the admin: the start page, and the link that leads from a record's id to the record."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from authz_app.conf import conf, local_issuer_url
from authz_app.embedded_issuer.subjects import user_subject
from authz_app.models import CallRecord
from authz_app.pages.shared import words
from authz_app.pages.shared.ids import uuid_in
from authz_app.policy.decision import Reason
from authz_app.redaction.log_lines import visible
from authz_app.web.page import site_page


@site_page
def start(request: HttpRequest) -> HttpResponse:
    """Show anybody what this site is and where to connect."""
    configuration = conf()
    return render(
        request,
        "site/start.html",
        {
            "mcp_url": f"{configuration.public_url}/mcp",
            "sse_url": f"{configuration.public_url}/sse",
            "issuers": [issuer.issuer for issuer in configuration.trusted_issuers],
            "local_issuer": configuration.local_issuer,
            "contact": configuration.contact,
        },
    )


@site_page
def record(request: HttpRequest, record_id: str) -> HttpResponse:
    """Lead from the id in a refusal to the record: staff to its page in the admin, its caller to the reason.

    To anybody else the record does not exist.
    """
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    is_reader = admin.site.has_permission(request) and request.user.has_perm("authz_app.view_callrecord")
    key = uuid_in(record_id)
    found = CallRecord.objects.filter(pk=key).first() if key is not None else None
    if found is not None and is_reader:
        return redirect("admin:authz_app_callrecord_change", found.pk)
    if found is not None and _is_own(request.user, found):
        return render(request, "site/refusal.html", _explanation(found))
    context = {"record_id": visible(record_id[:64]), "malformed": key is None, "is_reader": is_reader}
    return render(request, "site/no_record.html", context, status=404)


def _is_own(user: Any, found: CallRecord) -> bool:
    site = conf()
    return (
        site.local_issuer and found.issuer == local_issuer_url(site.public_url) and found.subject == user_subject(user)
    )


def _explanation(found: CallRecord) -> dict[str, Any]:
    denied = found.decision == CallRecord.Decision.DENIED
    return {
        "id": found.pk,
        "denied": denied,
        "sentence": _reason(found) if denied else "A rule allows it, and no rule denies it.",
        "who": visible(found.client_name or found.subject),
        "wanted": words.own(found)[1],
        "at": words.moment(found.at),
        "software": visible(found.client_software),
        "result": "" if denied else words.outcome_words(found),
        "contact": conf().contact,
    }


def _reason(found: CallRecord) -> str:
    """The reason, as far as a caller may know: denied and nonexistent tools get the same sentence."""
    if found.reason == Reason.CLIENT_BLOCKED:
        return "You were blocked here, so nothing was allowed."
    if found.reason == Reason.CLIENT_PENDING:
        return "Nobody had made you active here yet, so nothing was allowed."
    if found.reason == Reason.SCOPE_MISSING:
        carried = f"It carried {found.token_scopes}." if found.token_scopes else "It carried none."
        return (
            "A rule allows it, if the access token carries a token scope that yours lacked."
            f" {carried} Connect again and let your client ask for more, as its error message says."
        )
    if found.reason == Reason.LIMIT_REACHED:
        return "A rule allows it, but not as often as it was asked for. Try again later."
    return f"Nothing called {words.sent_name(found)} is available to you: no rule allows it, or it does not exist."
