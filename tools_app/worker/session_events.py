"""Writes that MCP sessions were opened, and that they have ended and why."""

from datetime import UTC, datetime

from authz_app.audit.events import EventKind, SessionClosed, SessionOpened, event
from authz_app.audit.writer import AuditWriter
from authz_app.policy.decision import Client
from tools_app.sessions.session import McpSessionState
from tools_app.wire.meta import software_in


class SessionEvents:
    """Writes events in the name of ``worker``. ``shared``: its sessions are in a store that all workers share."""

    def __init__(self, audit: AuditWriter, worker: str, *, shared: bool) -> None:
        self._audit = audit
        self._worker = worker
        self._shared = shared

    def opened(self, session: McpSessionState, client: Client) -> None:
        """Write that a session was opened. It dies with its stream's worker, or with the memory that it is in."""
        issuer, subject, oauth_client_id = session.owner
        details = {
            "transport": session.transport,
            "software": software_in(session.client_info),
            "protocol_version": session.protocol_version,
        }
        opened = event(
            EventKind.SESSION_OPENED,
            {name: value for name, value in details.items() if value},
            at=datetime.fromtimestamp(session.opened_at, UTC),
            client_id=client.id,
            client_name=client.name,
            issuer=issuer,
            subject=subject,
            oauth_client_id=oauth_client_id,
            mcp_session=session.key,
            address=session.address,
            worker=self._worker,
        )
        holder = session.worker if self._shared else self._worker
        self._audit.close(SessionOpened(opened, holder, session.transport))

    def closed(self, key: str, session: McpSessionState | None, why: str, actor: str = "") -> None:
        """Write that a session has ended, unless that is written. ``session`` is what the store knew of it."""
        software = software_in(session.client_info) if session else ""
        self._audit.close(SessionClosed(key, why, datetime.now(UTC), self._worker, actor, software))
