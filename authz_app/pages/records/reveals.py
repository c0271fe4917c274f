"""Reveals the arguments, claims and results of records: each look is recorded before anything is shown.

A look is at one record, by one person, and lasts for some minutes: its address shows the same again, to nobody else.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from authz_app.audit.events import EventKind, event, record_now
from authz_app.models import AuditEvent, CallRecord
from authz_app.pages.shared.ids import uuid_in
from authz_app.pages.shared.words import parsed_json

PARAMETER = "look"
_PERMISSIONS = ("authz_app.view_callrecord", "authz_app.view_arguments")
_LASTS = timedelta(minutes=10)
# Where values are shown.
_PAGES = {"record": "admin:authz_app_callrecord_change", "explanation": "explain_record"}


def may_reveal(request: HttpRequest) -> bool:
    """Say whether the person may see recorded arguments, claims and results."""
    return request.user.has_perms(_PERMISSIONS)


@require_POST
def reveal(request: HttpRequest, record_id: UUID) -> HttpResponse:
    """Record a look at a record, and redirect to the page that shows the values.

    Raises:
        AuditUnavailable: it cannot be recorded, so nothing is shown.
    """
    if not may_reveal(request):
        raise PermissionDenied
    record = CallRecord.objects.filter(pk=record_id).first()
    if record is None:
        raise Http404
    at = request.POST.get("at", "")
    page = at if at in _PAGES else "record"
    look = event(
        EventKind.LOOK,
        {"record": str(record.pk), "tool": record.tool, "at": page},
        actor=request.user.get_username(),
        client_id=record.client_id,
        client_name=record.client_name,
    )
    record_now(look)
    return HttpResponseRedirect(f"{reverse(_PAGES[page], args=[record.pk])}?{PARAMETER}={look.id}")


def is_revealed(request: HttpRequest, record: CallRecord) -> bool:
    """Say whether the request shows the values: it names a recent look by this person at this record."""
    sent = uuid_in(request.GET.get(PARAMETER, ""))
    if sent is None or not may_reveal(request):
        return False
    known: dict[tuple[UUID, UUID], bool] = request.__dict__.setdefault("_looks", {})
    key = sent, record.pk
    if key not in known:
        known[key] = _is_theirs(sent, request.user.get_username(), record)
    return known[key]


def _is_theirs(event_id: UUID, username: str, record: CallRecord) -> bool:
    since = timezone.now() - _LASTS
    found = AuditEvent.objects.filter(pk=event_id, kind=EventKind.LOOK, actor=username, at__gte=since).first()
    details = parsed_json(found.details) if found is not None else None
    return isinstance(details, dict) and details.get("record") == str(record.pk)


def record_search(request: HttpRequest, texts: Sequence[str]) -> None:
    """Record that somebody searches in arguments: what is found gives away what they hold.

    Raises:
        AuditUnavailable: it cannot be recorded, so nothing may be found.
    """
    details = {"at": "search", "searched": list(texts)}
    record_now(event(EventKind.LOOK, details, actor=request.user.get_username()))


def reveal_button(record: CallRecord, at: str, before: str = "") -> SafeString:
    """Render the button that reveals the values, after what can be said without them."""
    return render_to_string("admin/reveal.html", {"record_id": record.pk, "at": at, "before": before})
