"""Callers, and what their calls pass through, for tests that invoke without a transport."""

from collections.abc import Iterator
from contextlib import contextmanager

from authz_app.audit.writer import AuditWriter
from authz_app.issuers import TrustedIssuer
from authz_app.policy.principal import Principal
from authz_app.policy_store.store import PolicyStore
from tests.issuer import AUDIENCE
from tools_app.invocation.caller import Caller
from tools_app.invocation.dependencies import Dependencies
from tools_app.invocation.threads import ToolThreads
from tools_app.sessions.memory import MemorySessionStore


def caller_for(principal: Principal) -> Caller:
    return Caller(principal, "tests 1", "", "sse", "2025-11-25", "127.0.0.1")


@contextmanager
def dependencies(audit_timeout: float = 5.0, threads: int = 4) -> Iterator[Dependencies]:
    """What a call passes through, on the test database; its threads end with the block."""
    made = Dependencies(
        policy=PolicyStore((TrustedIssuer("https://issuer.example/", (AUDIENCE,)),)),
        audit=AuditWriter(audit_timeout),
        threads=ToolThreads(threads),
        time_limit=5.0,
        max_result_bytes=500_000,
        contact="the tests",
        worker="tests",
        sessions=MemorySessionStore(60.0),
    )
    try:
        yield made
    finally:
        made.audit.stop()
        made.policy.stop()
        made.threads.stop()
