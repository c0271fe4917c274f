"""Call records as they are opened."""

from datetime import UTC, datetime, timedelta
from typing import Any

from authz_app.audit.entries import Opening
from authz_app.core.ids import uuid7


def an_opening(policy_version: int, **fields: Any) -> Opening:
    """An allowed call of the time tool, unless the fields say otherwise."""
    now = datetime.now(UTC)
    texts = dict.fromkeys(
        ("client_name", "oauth_client_id", "token_scopes", "client_software", "mcp_session", "claims"), ""
    )
    defaults = {
        "id": uuid7(),
        "at": now,
        "kind": "tool",
        "tool": "TimeTool",
        "arguments": "{}",
        "decision": "allowed",
        "reason": "allowed",
        "rules": "[]",
        "policy_version": policy_version,
        "client_id": 1,
        "issuer": "https://issuer.example/",
        "subject": "alice",
        "transport": "test",
        "protocol_version": "2025-11-25",
        "address": "127.0.0.1",
        "worker": "tests",
        "deadline": now + timedelta(seconds=30),
    }
    return Opening(**{**texts, **defaults, **fields})
