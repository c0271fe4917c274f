"""Shows on the admin's start page what needs attention, the last refused calls, and where clients connect."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest

from authz_app.audit.events import EventKind
from authz_app.conf import conf
from authz_app.embedded_issuer import client_id_metadata
from authz_app.evidence import health
from authz_app.models import LONG_COLUMNS, AuditEvent, CallRecord, Client, Rule
from authz_app.pages.shared.words import asked_for, moment, reason_words
from authz_app.policy_store import tool_port
from authz_app.redaction.log_lines import visible
from authz_app.tokens.verifier import verifier

_SHOWN = 8
_RECENTLY = timedelta(days=1)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the person may see; unfold calls it for the index page."""
    user = request.user
    sees_clients, sees_rules = user.has_perm("authz_app.view_client"), user.has_perm("authz_app.view_rule")
    sees_records = user.has_perm("authz_app.view_callrecord")
    return context | {
        "notices": [
            *health.notices(),
            *verifier().failing(),
            *client_id_metadata.notices(),
            *outage_notices(),
            *tool_port.connected().notices(),
        ],
        "sees_clients": sees_clients,
        "sees_records": sees_records,
        "pending": Client.objects.filter(status=Client.Status.PENDING)[: _SHOWN + 1] if sees_clients else [],
        "shown": _SHOWN,
        "no_rules": sees_rules and not Rule.objects.filter(enabled=True).exists(),
        "refused": _refused() if sees_records else [],
        "no_calls": sees_records and not CallRecord.objects.exists(),
        "mcp_url": f"{conf().public_url}/mcp",
        "sse_url": f"{conf().public_url}/sse",
    }


def _refused() -> list[dict[str, Any]]:
    denied = CallRecord.objects.filter(decision=CallRecord.Decision.DENIED).defer(*LONG_COLUMNS)
    return [
        {
            "id": record.pk,
            "at": moment(record.at),
            "client": visible(record.client_name or record.subject),
            "tool": asked_for(record),
            "reason": reason_words(record.reason),
        }
        for record in denied[:_SHOWN]
    ]


def outage_notices() -> Sequence[str]:
    """Tell of the last outage, where records could not be written within the last day."""
    last = AuditEvent.objects.filter(kind=EventKind.OUTAGE.value).order_by("-id").first()
    if last is None or last.at < datetime.now(UTC) - _RECENTLY:
        return []
    details = json.loads(last.details)
    began, ended = _second(details["from"]), _second(details["until"])
    return [
        f"Call records could not be written from {began} to {ended}, so the calls of that time were not run;"
        f" {details['calls_refused']} were refused. The database said: {details['cause']}"
    ]


def _second(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"
