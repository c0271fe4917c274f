"""MCP sessions: to whom each belongs, and what its client said of itself. Small enough to be stored anywhere."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Protocol

from authz_app.principal import Principal

Owner = tuple[str, str, str]
_ID_BYTES = 16


def new_session_id() -> str:
    """128 random bits, as 32 hexadecimal digits."""
    return secrets.token_hex(_ID_BYTES)


def session_key(session_id: str) -> str:
    """The hash under which a session is stored, logged and recorded. The id itself is kept nowhere."""
    return sha256(session_id.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class McpSession:
    """The state of one MCP session.

    It belongs to ``owner`` (issuer, subject, OAuth client ID) alone, and ends at ``expires_at`` (seconds since the
    epoch), when the latest token that its owner presented expires. ``worker`` holds its stream. ``client_info`` and
    ``capabilities`` are what the initialize request said, unverified; ``protocol_version`` is empty before it.
    """

    key: str
    owner: Owner
    worker: str
    expires_at: float
    protocol_version: str = ""
    client_info: Mapping[str, Any] | None = None
    capabilities: Mapping[str, Any] | None = None
    log_level: str = "info"

    def is_of(self, principal: Principal) -> bool:
        """Whether the session belongs to this principal."""
        return self.owner == principal.owner

    def extended_to(self, expires_at: float) -> "McpSession":
        """The session, ending no earlier than ``expires_at``."""
        return self if expires_at <= self.expires_at else replace(self, expires_at=expires_at)


class SessionStore(Protocol):
    """Where sessions are kept, so that any worker can answer for any of them."""

    async def get(self, key: str) -> McpSession | None:
        """The session, or None where there is none."""

    async def put(self, session: McpSession) -> None:
        """Store a session, or its new state."""

    async def delete(self, key: str) -> None:
        """Forget a session."""

    async def count(self, owner: Owner) -> int:
        """How many open sessions the issuer and subject of ``owner`` have."""


class MemorySessionStore:
    """Sessions of a site with one worker."""

    def __init__(self) -> None:
        self._sessions: dict[str, McpSession] = {}
        self._counts: dict[tuple[str, str], int] = {}

    async def get(self, key: str) -> McpSession | None:
        return self._sessions.get(key)

    async def put(self, session: McpSession) -> None:
        if session.key not in self._sessions:
            self._counts[session.owner[:2]] = self._counts.get(session.owner[:2], 0) + 1
        self._sessions[session.key] = session

    async def delete(self, key: str) -> None:
        session = self._sessions.pop(key, None)
        if session is not None:
            left = self._counts[session.owner[:2]] - 1
            if left:
                self._counts[session.owner[:2]] = left
            else:
                del self._counts[session.owner[:2]]

    async def count(self, owner: Owner) -> int:
        return self._counts.get(owner[:2], 0)
