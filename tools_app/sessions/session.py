"""Defines the state of an MCP session, small enough to be stored anywhere, and what a store of sessions does."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal, Protocol

from authz_app import json_text
from authz_app.policy.principal import Principal
from tools_app.wire.jsonrpc import RequestId

Owner = tuple[str, str, str]
Transport = Literal["sse", "streamable"]
_ID_BYTES = 16
LEASE = 45  # seconds: three heartbeats
# Why a session has ended.
EXPIRED = "the latest token that its owner presented has expired"
WITHOUT_TOKEN = "its owner presented no valid token any more"
IDLE = "it was not used any more"
BLOCKED = "its client is blocked"
# What the cancellation of a request says whose session has ended; one that its client asked for says nothing.
SESSION_ENDED = "The MCP session has ended."


def new_session_id() -> str:
    """A new id: 128 random bits, as 32 hexadecimal digits."""
    return secrets.token_hex(_ID_BYTES)


def session_key(session_id: str) -> str:
    """The hash under which a session is stored, logged and recorded. The id itself is kept nowhere."""
    return sha256(session_id.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class McpSessionState:
    """The state of one MCP session.

    It belongs to ``owner`` (issuer, subject, OAuth client ID) alone. At ``expires_at`` (seconds since the epoch) the
    latest token that its owner presented expires: it is silent then, until the next one, and ends after a grace.
    ``worker`` is the name of the worker that holds its stream, and ``channel`` that worker's address; one of Streamable
    HTTP has no stream of its own, and lasts as long as it is used. ``client_info`` and ``capabilities`` are what the
    initialize request said, unverified; ``protocol_version`` is empty before it. ``told`` stands for the lists as they
    were then (``listing.digest_of``).
    """

    key: str
    owner: Owner
    worker: str
    expires_at: float
    channel: str = ""
    opened_at: float = field(default_factory=time.time)
    address: str = ""
    protocol_version: str = ""
    client_info: Mapping[str, Any] | None = None
    capabilities: Mapping[str, Any] | None = None
    log_level: str = "info"
    transport: Transport = "sse"
    told: str = ""

    @property
    def lasts_by_use(self) -> bool:
        """Whether it is kept by being used, and not by a stream."""
        return self.transport == "streamable"

    def stored(self) -> bytes:
        """The JSON text that a store outside this process keeps."""
        return json_text.dumps(asdict(self))

    @classmethod
    @lru_cache(maxsize=4_096)
    def read(cls, key: str, stored: bytes) -> "McpSessionState":
        """The session of which ``stored`` is the JSON text."""
        fields = json_text.loads(stored)
        return cls(**{**fields, "key": key, "owner": tuple(fields["owner"])})

    def extended_to(self, expires_at: float) -> "McpSessionState":
        """The session, which expires no earlier than at ``expires_at``."""
        return self if expires_at <= self.expires_at else replace(self, expires_at=expires_at)

    def is_over(self, grace: float) -> bool:
        """Whether it was without a valid token for ``grace`` seconds."""
        return self.expires_at + grace <= time.time()


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The session that a message belongs to; ``refusal`` says why its request is not taken on, where it is not."""

    session: McpSessionState
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """What the store knows of an open session whose stream is here.

    ``sent`` is how many messages other workers have sent it, ``elsewhere`` the requests that they are answering: the
    request's id, as JSON, and the address of the worker. ``presented`` is whom the latest token names, where another
    worker was presented it.
    """

    expires_at: float
    sent: int = 0
    elsewhere: Mapping[bytes, str] = field(default_factory=dict)
    presented: Principal | None = None


@dataclass(frozen=True, slots=True)
class Listening:
    """What the store knows of a session that a client listens to: when it expires, and whether on this stream.

    A message goes to one of the streams on which a client listens: the newest. ``presented`` is whom the latest token
    names, where another worker was presented it.
    """

    expires_at: float
    is_chosen: bool
    presented: Principal | None = None


class SessionsUnavailable(Exception):
    """The store cannot be reached, so it is not known whether a session exists."""


class SessionStore(Protocol):
    """Keeps sessions, so that any worker can answer for any of them.

    Every method raises SessionsUnavailable where the store cannot be reached.
    """

    async def open(self, session: McpSessionState, limit: int) -> bool:
        """Store a new session whose stream is here. False: its issuer and subject have ``limit`` open ones already."""

    async def accept(self, key: str, owner: Owner, request_id: RequestId | None) -> Acceptance | None:
        """Return the session, if it exists and belongs to ``owner``; note a request as being answered by this worker.

        One that lasts by use is used by this. One that was without a valid token for too long exists no more.
        """

    async def release(self, session: McpSessionState, request_id: RequestId) -> None:
        """Note that a request of a session that lasts by use has been answered, or will not be."""

    async def update(self, session: McpSessionState) -> None:
        """Store what a session's client has said, if the session still exists."""

    async def extend(self, session: McpSessionState, presented: Principal) -> None:
        """Let the session expire at its ``expires_at``, with this principal's token, if it does not expire later."""

    async def delete(self, key: str) -> McpSessionState | None:
        """Forget a session. Returns it, or None where it did not exist any more."""

    async def over(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Return those of these sessions that exist no more or are over, and why, as far as that is known."""

    async def renew(self, keys: Sequence[str]) -> Mapping[str, Lease]:
        """Keep these sessions, whose streams are here. One that is not in the answer exists no more."""

    async def listen(self, session: McpSessionState, stream: str, *, is_new: bool) -> Listening | None:
        """Keep a session that lasts by use: its client listens on this stream. None: it exists no more."""

    async def unlisten(self, key: str, stream: str) -> None:
        """Note that a stream on which a client listened has closed."""

    async def tell(self, key: str, stream: str, told: str) -> str | None:
        """Note what the client is told on a stream; returns what it was told before, or None if another is chosen."""

    async def subscribe(self, key: str, uri: str, limit: int) -> bool:
        """Note that a session is to be told of changes of a resource. False: it has ``limit`` other subscriptions."""

    async def unsubscribe(self, key: str, uri: str) -> None:
        """Note that a session is not to be told of changes of a resource any more."""

    async def subscribed(self, keys: Sequence[str], uris: Sequence[str]) -> set[tuple[str, str]]:
        """Return which of these sessions are to be told of which of these resources: pairs of key and URI."""

    async def longest_idle(self, owner: Owner) -> str | None:
        """Return the key of the session of this issuer and subject that was not used for the longest time.

        One that lasts by use, to which nobody listens, and which waits for no answer.
        """

    async def listed(self) -> list[McpSessionState]:
        """Return all open sessions."""
