"""Shows refusals in the admin: what clients were refused and why, what would help, and who waits."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from authz_app.models import CallRecord, Client
from authz_app.pages.refusals.groups import MOST, Group, refusals_since
from authz_app.pages.refusals.remedies import current_state, remedy_of
from authz_app.pages.shared.bulk import set_on_rows
from authz_app.pages.shared.words import asked_for, moment, reason_words
from authz_app.redaction.log_lines import visible

SPANS = {
    "hour": ("Last hour", timedelta(hours=1)),
    "day": ("Last 24 hours", timedelta(days=1)),
    "week": ("Last 7 days", timedelta(days=7)),
    "month": ("Last 30 days", timedelta(days=30)),
}
_DEFAULT_SPAN = "day"
_PER_PAGE = 50
_MOST_WAITING = 50
_MOST_SCOPES = 3


@require_safe
def refusals(request: HttpRequest) -> HttpResponse:
    """Show the refusals of a span of time, the latest first, and the clients that wait to be made active."""
    if not request.user.has_perm("authz_app.view_callrecord"):
        raise PermissionDenied
    span = request.GET.get("since", "")
    span = span if span in SPANS else _DEFAULT_SPAN
    found = refusals_since(timezone.now() - SPANS[span][1])
    page = Paginator(found.groups, _PER_PAGE).get_page(request.GET.get("p"))
    context = {
        "title": "Refusals",
        "spans": [(name, words) for name, (words, _) in SPANS.items()],
        "span": span,
        "page": page,
        "groups": _shown(list(page)),
        "most": MOST,
        "read_since": moment(found.since),
        "may_allow": request.user.has_perm("authz_app.add_rule"),
        **_waiting(request),
    }
    return render(request, "admin/refusals/list.html", {**admin.site.each_context(request), **context})


def _shown(groups: Sequence[Group]) -> list[dict[str, Any]]:
    latest = CallRecord.objects.in_bulk([group.last_record for group in groups])
    now = current_state(list(latest.values()), timezone.now())
    return [
        {
            "client": visible(record.client_name or record.subject),
            "client_url": _client_url(group.client_id) if group.client_id in now.clients else "",
            "asked_for": asked_for(record),
            "count": group.count,
            "first": moment(group.first),
            "last": moment(group.last),
            "records_url": _records_url(group),
            "last_record": str(record.pk),
            "token_scopes": [visible(scopes) for scopes in group.token_scopes[:_MOST_SCOPES]],
            "more_scopes": len(group.token_scopes[_MOST_SCOPES:]),
            "reasons": [(reason_words(reason), count) for reason, count in group.reasons.items()],
            "remedy": remedy_of(record, now),
        }
        for group in groups
        # It is gone where records were pruned this very moment.
        if (record := latest.get(group.last_record)) is not None
    ]


def _client_url(client_id: int) -> str:
    return reverse("admin:authz_app_client_change", args=[client_id])


def _records_url(group: Group) -> str:
    chosen = {"client": group.client_id, "kind": group.kind, "tool": group.tool, "decision": "denied"}
    return f"{reverse('admin:authz_app_callrecord_changelist')}?{urlencode(chosen)}"


def _waiting(request: HttpRequest) -> dict[str, Any]:
    if not request.user.has_perm("authz_app.view_client"):
        return {"waiting": []}
    pending = list(
        Client.objects.filter(status=Client.Status.PENDING).order_by("-last_seen", "-pk")[: _MOST_WAITING + 1]
    )
    waiting = [
        {
            "id": client.pk,
            "name": visible(str(client)),
            "subject": visible(client.subject) if client.name else "",
            "issuer": client.issuer,
            "seen": moment(client.last_seen),
        }
        for client in pending[:_MOST_WAITING]
    ]
    return {
        "waiting": waiting,
        "more_wait": len(pending) > _MOST_WAITING,
        "may_settle": request.user.has_perm("authz_app.change_client"),
    }


@require_POST
def settle_client(request: HttpRequest, client_id: int) -> HttpResponse:
    """Make a client that waits active, or block it."""
    if not request.user.has_perm("authz_app.change_client"):
        raise PermissionDenied
    status = request.POST.get("status", "")
    if status not in (Client.Status.ACTIVE, Client.Status.BLOCKED):
        raise Http404
    word = Client.Status(status).label.lower()
    waiting = Client.objects.filter(pk=client_id, status=Client.Status.PENDING)
    if changed := set_on_rows(request, waiting, "status", status, word):
        active = status == Client.Status.ACTIVE
        then = "From now on the rules decide about its calls." if active else "Every call of it is refused."
        messages.success(request, f"Now {word}: {visible(str(changed[0]))}. {then}")
    return redirect("refusals")
