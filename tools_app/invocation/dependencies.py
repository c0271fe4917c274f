"""Names what a call passes through, and the limits that hold there."""

from dataclasses import dataclass

from authz_app.audit.writer import AuditWriter
from authz_app.policy_store.store import PolicyStore
from tools_app.invocation.threads import ToolThreads
from tools_app.sessions.session import SessionStore


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What invocation and protocol are handed by the worker that they run in.

    Times are in seconds. ``contact`` is whom a caller asks for permission, ``worker`` the name that records give it.
    """

    policy: PolicyStore
    audit: AuditWriter
    threads: ToolThreads
    time_limit: float
    max_result_bytes: int
    contact: str
    worker: str
    sessions: SessionStore
