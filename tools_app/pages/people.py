"""Shows people who call tools here how to connect, and what they may do and did."""

import time
from dataclasses import dataclass
from typing import Any

from allauth.idp.oidc.models import Client as OAuthApplication, Token
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from authz_app.conf import conf, local_issuer_url
from authz_app.embedded_issuer.subjects import client_of, name_claims, user_subject
from authz_app.models import CallRecord, Client
from authz_app.pages.shared import words
from authz_app.pages.shared.words import moment, outcome_words
from authz_app.policy.decision import Client as PolicyClient
from authz_app.policy.policy import decide
from authz_app.policy.principal import Principal
from authz_app.policy.rule import KINDS, Kind
from authz_app.policy_store import loading
from authz_app.redaction.log_lines import visible
from authz_app.web.page import site_page
from tools_app.invocation.access_request import target_of
from tools_app.pages.recipes import recipes
from tools_app.registry import registered
from tools_app.worker.process import process_worker

_LAST_CALLS = 20


@dataclass(frozen=True, slots=True)
class Offered:
    """Something that the person may use: at once, or with a token that carries one of these sets of token scopes."""

    kind: Kind
    name: str
    description: str
    token_scopes: tuple[str, ...] = ()


@site_page
@require_safe
def connect(request: HttpRequest) -> HttpResponse:
    """How to connect each common client, for anybody."""
    return render(request, "site/connect.html", _connecting())


@site_page
@login_required
@require_safe
def me(request: HttpRequest) -> HttpResponse:
    """What the person who is signed in may call, called, and connected."""
    client = client_of(request.user)
    status = client.status if client is not None else Client.Status.ACTIVE
    context = {
        "names": name_claims(request.user),
        "subject": user_subject(request.user),
        "status": status,
        "offered": offered(request.user) if status == Client.Status.ACTIVE else [],
        "calls": _own_calls(request.user),
        "applications": _connected(request.user),
        **_connecting(),
    }
    return render(request, "site/me.html", context)


@site_page
@login_required
@require_POST
def disconnect(request: HttpRequest) -> HttpResponse:
    """Take back what an application may do for the person: it gets no further access token."""
    application_id = request.POST.get("application", "")
    tokens = [token for token in _refresh_tokens(request.user) if token.client_id == application_id]
    for token in tokens:
        token.delete()
    if tokens:
        messages.success(request, "Disconnected. The access token that it has runs out within the hour.")
    return redirect("me")


def _connecting() -> dict[str, Any]:
    site = conf()
    return {
        "mcp_url": f"{site.public_url}/mcp",
        "sse_url": f"{site.public_url}/sse",
        "recipes": recipes(site.public_url),
        "contact": site.contact,
        "local_issuer": site.local_issuer,
        "issuers": [issuer.issuer for issuer in site.trusted_issuers],
    }


def offered(user: Any) -> list[Offered]:
    """What the person may use, by the function that decides calls, under the policy as it is committed now."""
    policy = loading.load(process_worker().dependencies.policy.in_memory)
    issuer, subject = local_issuer_url(conf().public_url), user_subject(user)
    row = policy.clients.get((issuer, subject)) or PolicyClient(0, issuer, subject, "active", "")
    principal, now = Principal(issuer, subject, "", frozenset(), 0), time.time()
    found = []
    for kind in KINDS:
        for name, definition in sorted(registered(kind).items()):
            decision = decide(principal, row, target_of(kind, name, True, policy), None, policy, now)
            if decision.allowed or decision.missing_scopes:
                enough = tuple(" ".join(sorted(scopes)) for scopes in decision.missing_scopes)
                first_line = (definition.listed.description or "").strip().partition("\n")[0]
                found.append(Offered(kind, name, first_line, enough))
    return found


def _own_calls(user: Any) -> list[dict[str, Any]]:
    own = CallRecord.objects.filter(issuer=local_issuer_url(conf().public_url), subject=user_subject(user))
    client = client_of(user)
    if client is not None:
        own = own.filter(client_id=client.pk)  # There is an index on this alone.
    return [
        {
            "id": record.pk,
            "at": moment(record.at),
            "what": words.own(record)[0],
            "denied": record.decision == CallRecord.Decision.DENIED,
            "result": "Refused" if record.decision == CallRecord.Decision.DENIED else outcome_words(record),
            "software": visible(record.client_software),
        }
        for record in own.defer("rules", "error", "result")[:_LAST_CALLS]
    ]


def _refresh_tokens(user: Any) -> Any:
    return Token.objects.valid().filter(user=user, type=Token.Type.REFRESH_TOKEN)


def _connected(user: Any) -> list[dict[str, Any]]:
    connected = OAuthApplication.objects.filter(pk__in=_refresh_tokens(user).values("client_id")).order_by("name")
    return [{"id": one.pk, "name": visible(one.name), "shown_id": visible(one.pk)} for one in connected]
