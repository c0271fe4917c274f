"""What one worker sends to another for an MCP session whose stream is there."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Parcel:
    """Bytes for a session's event stream, or news of it.

    ``answers`` is the id, as JSON, of the request that this answers or gives up; ``record_id`` the record of the call
    whose result it is. ``state`` is set where the session's client has said something of itself.
    """

    session_key: str
    chunk: bytes = b""
    answers: bytes = b""
    record_id: UUID | None = None
    state: bytes = b""

    @property
    def travels(self) -> bool:
        """Whether the other worker needs to see it."""
        return bool(self.chunk or self.state)

    @property
    def size(self) -> int:
        return len(self.chunk) + len(self.state)
