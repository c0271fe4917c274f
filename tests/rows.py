"""Rows for tests and demonstrations, as the site itself would have written them."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from authz_app.models import CallRecord, Client, Rule

ISSUER = "https://tenant.auth0.example/"
_DENIED = {
    "decision": CallRecord.Decision.DENIED,
    "rules": "[]",
    "deadline": None,
    "outcome": "",
    "duration_ms": None,
    "result_size": None,
}


def make_client(name: str = "Report agent", **fields: Any) -> Client:
    defaults = {"issuer": ISSUER, "subject": f"{name.lower().replace(' ', '-')}@clients", "last_seen": timezone.now()}
    return Client.objects.create(name=name, **{**defaults, **fields})


def make_rule(*clients: Client, tools: str = "TimeTool", **fields: Any) -> Rule:
    """A rule for these clients; for every client where ``applies_to`` says so."""
    rule = Rule.objects.create(tools=tools, **fields)
    rule.clients.set(clients)
    return rule


def record_id_at(moment: datetime) -> UUID:
    """A record id of that moment, as ``authz_app.core.ids`` makes them of the present one."""
    tail = uuid4().int & (1 << 76) - 1  # A version 4 UUID has the variant bits of version 7.
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 0x7 << 76 | tail)


def build_record(client: Client, ago: timedelta = timedelta(), **fields: Any) -> CallRecord:
    """An allowed call of the time tool that ended well, unless the fields say otherwise. Not saved."""
    at = timezone.now() - ago
    sentence = f"Allow {client} to call TimeTool."
    defaults = {
        "id": record_id_at(at),
        "at": at,
        "tool": "TimeTool",
        "arguments": json.dumps({"input_timezone": "Europe/Berlin"}),
        "decision": CallRecord.Decision.ALLOWED,
        "reason": "allowed",
        "rules": json.dumps([{"id": 1, "sentence": sentence}]),
        "policy_version": 7,
        "client_id": client.pk,
        "client_name": client.name,
        "issuer": client.issuer,
        "subject": client.subject,
        "oauth_client_id": "Zk3fX0hYpQ7uV2mB9sT1",
        "token_scopes": "time weather",
        "client_software": "report-agent 1.4.2",
        "mcp_session": "9f2c4e1b7a",
        "transport": "sse",
        "protocol_version": "2025-11-25",
        "address": "203.0.113.7",
        "worker": "worker-1",
        "deadline": at + timedelta(seconds=35),
        "outcome": CallRecord.Outcome.OK,
        "duration_ms": 3.2,
        "result_size": 214,
    }
    return CallRecord(**{**defaults, **fields})


def build_refusal(client: Client, ago: timedelta = timedelta(), reason: str = "no_rule", **fields: Any) -> CallRecord:
    """A call that was denied. Not saved."""
    return build_record(client, ago, reason=reason, **{**_DENIED, **fields})
