"""Call records as a busy site would have them, the same on every run: so many, spread over ninety days."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from django.db.models import NOT_PROVIDED

from authz_app.models import CallRecord

CLIENTS, TOOLS, DAYS = 50, 200, 90
# A client that calls one tool a few times in all, and a tool that the busiest client never calls.
RARE_CLIENT, RARE_TOOL, APART_TOOL = CLIENTS - 1, TOOLS - 1, 1
# What has a value of the database's own is left to it.
COLUMNS = tuple(
    field.attname
    for field in CallRecord._meta.concrete_fields
    if field.db_default is NOT_PROVIDED and field.attname != "seal"
)
_ISSUER = "https://tenant.auth0.example/"
_CALLS_OF_A_SESSION = 200
_REASONS = {
    "no_rule": 60,
    "deny_rule": 15,
    "scope_missing": 10,
    "unknown_tool": 8,
    "limit_reached": 5,
    "policy_error": 1,
}
_OUTCOMES = {"ok": 9_600, "tool_error": 250, "timed_out": 80, "cancelled": 50, "crashed": 15, "unknown": 5}
_KINDS = {"tool": 94, "resource": 4, "prompt": 1, "completion": 1}
_CITIES = ("Berlin", "Bengaluru", "Oslo", "Paris", "Nairobi", "Lima", "Kyoto", "Quito", "Turku", "Perth")


def client_name(number: int) -> str:
    return f"Agent {number:02}"


def tool_name(number: int) -> str:
    return f"{('weather', 'tickets', 'orders', 'reports')[number % 4]}_{number:03}"


def session_key(number: int) -> str:
    return f"{number * 2_654_435_761 % 2**128:032x}"


def records(count: int, now: datetime) -> Iterator[tuple[Any, ...]]:
    """The values of each record in the order of ``COLUMNS``, the oldest first. Client ids begin with 1."""
    chance = random.Random(7)
    clients, tools = _skewed(CLIENTS), _skewed(TOOLS)
    begin, step = now - timedelta(days=DAYS), timedelta(days=DAYS) / (count + 1)
    for number in range(count):
        at = begin + step * (number + 1)
        client = _drawn(chance, clients)
        tool = _drawn(chance, tools)
        if client == 0 and tool == APART_TOOL:
            tool = 0
        yield _record(chance, number, at, client, tool)


def _skewed(many: int) -> list[float]:
    """Cumulated weights: the first is drawn most often, the last rarely."""
    return list(accumulate(1 / (place + 1) ** 1.3 for place in range(many)))


def _drawn(chance: random.Random, weights: list[float]) -> int:
    return chance.choices(range(len(weights)), cum_weights=weights)[0]


def _weighed(chance: random.Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _record(chance: random.Random, number: int, at: datetime, client: int, tool: int) -> tuple[Any, ...]:
    denied = chance.random() < 0.03
    outcome = "" if denied else _weighed(chance, _OUTCOMES)
    kind = _weighed(chance, _KINDS)
    rule = {"id": client + 1, "sentence": f"Allow {client_name(client)} to call every tool, with the token scope read."}
    arguments = {
        "city": chance.choice(_CITIES),
        "query": f"order {chance.randrange(10**6)}",
        "note": "x" * (number % 200),
    }
    values = {
        "id": record_id(chance, at),
        "at": at,
        "kind": kind,
        "tool": tool_name(tool),
        "arguments": json.dumps(arguments),
        "decision": "denied" if denied else "allowed",
        "reason": _weighed(chance, _REASONS) if denied else "allowed",
        "rules": "[]" if denied else json.dumps([rule], separators=(",", ":")),
        "policy_version": 7,
        "client_id": client + 1,
        "client_name": client_name(client),
        "issuer": _ISSUER,
        "subject": f"agent-{client}@clients",
        "oauth_client_id": f"application-{client % 7}",
        "token_scopes": "read write",
        "client_software": f"agent {client % 5}.{number % 3}",
        "mcp_session": session_key(number // (_CALLS_OF_A_SESSION * 8) * 8 + chance.randrange(8)),
        "transport": ("sse", "streamable")[client % 2],
        "protocol_version": "2025-11-25",
        "address": f"203.0.{client}.{1 + number // 5_000 % 200}",
        "worker": f"worker-{number % 4}",
        "deadline": None if denied else at + timedelta(seconds=35),
        "outcome": outcome,
        "duration_ms": None if denied else round(chance.expovariate(0.1), 3),
        "result_size": None if denied else chance.randrange(20_000),
        "error": "The service did not answer." if outcome == "tool_error" else "",
    }
    return tuple(values[column] for column in COLUMNS)


def record_id(chance: random.Random, at: datetime) -> str:
    """A record id of that moment (RFC 9562 section 5.7), as 32 hexadecimal digits."""
    milliseconds = int(at.astimezone(UTC).timestamp() * 1000)
    return f"{milliseconds << 80 | 0x7 << 76 | 0x2 << 62 | chance.getrandbits(76) & ~(0x3 << 62):032x}"
