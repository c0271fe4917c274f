"""Names what a call passes through, and the limits that hold there."""

from dataclasses import dataclass

from authz_app.audit.writer import AuditWriter
from authz_app.policy_store.store import PolicyStore
from tools_app.invocation.threads import ToolThreads
from tools_app.sessions.session import SessionStore


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Holds what a worker hands to invocation and protocol.

    Times are in seconds. ``contact`` is whom callers ask for permission, ``worker`` the worker's name in records.
    """

    policy: PolicyStore
    audit: AuditWriter
    threads: ToolThreads
    time_limit: float
    max_result_bytes: int
    contact: str
    worker: str
    sessions: SessionStore
