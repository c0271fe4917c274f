"""Registers the streams that this worker holds open, whichever transport they belong to."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from authz_app.policy.principal import Principal
from tools_app.invocation.caller import Caller
from tools_app.invocation.listing import Seen
from tools_app.sessions.session import McpSessionState
from tools_app.streams.event_stream import EventStream

# Listeners of one session on this worker; for more, the oldest ends.
_MOST_LISTENERS = 4


@dataclass(slots=True, eq=False)
class OpenStream:
    """A stream of this worker, its latest caller, and what that could see when it was last looked at.

    Times are in seconds: ``expires_at``, when the latest token expires, since the epoch, the others monotonic. From
    then on nothing new is told. ``look_again`` says that ``seen`` is to be looked at anew when something may be told;
    ``updated`` are the resources of whose change is to be told then.
    """

    key: str
    caller: Caller
    stream: EventStream
    expires_at: float
    seen: Seen | None = None
    renew_at: float = 0.0
    blocked_since: float | None = None
    look_again: bool = False
    updated: frozenset[str] = frozenset()

    @property
    def has_expired(self) -> bool:
        return self.expires_at <= time.time()

    def extend(self, expires_at: float, presented: Principal | None) -> None:
        """Let it go on until ``expires_at``, if that is later: its owner presented a token, which names who calls."""
        if expires_at > self.expires_at:
            self.expires_at = expires_at
            self.caller = self.caller if presented is None else replace(self.caller, principal=presented)
            self.look_again = True


@dataclass(slots=True, eq=False)
class SessionStream(OpenStream):
    """The stream of an MCP session over HTTP+SSE; the session lasts as long as its stream.

    ``is_silent`` is set while no worker knows of a valid token of its owner. ``received`` counts what other workers
    sent; ``behind_since`` is set while that is less than they say. ``given_up`` holds the requests whose worker died.
    """

    is_silent: bool = False
    received: int = 0
    behind_since: float | None = None
    given_up: set[bytes] = field(default_factory=set)


@dataclass(slots=True, eq=False, kw_only=True)
class Listener(OpenStream):
    """A stream on which the client of a session that lasts by use hears of what belongs to no request.

    ``is_chosen`` says that it is this one, of all the session's, on which messages are sent; ``is_behind``, that the
    client has perhaps not been told of its lists as they are.
    """

    session: McpSessionState
    is_chosen: bool = True
    is_behind: bool = True


@dataclass(slots=True, eq=False)
class Subscription(OpenStream):
    """A stream of `subscriptions/listen`, on which its caller hears of changes. It belongs to no session."""


class OpenStreams:
    """Finds streams by their keys; the key of a stream of HTTP+SSE is its session's."""

    def __init__(self) -> None:
        self._streams: dict[str, OpenStream] = {}
        # By the key of their session.
        self._listeners: dict[str, list[Listener]] = {}

    def add(self, opened: OpenStream) -> None:
        self._streams[opened.key] = opened
        if isinstance(opened, Listener):
            listeners = self._listeners.setdefault(opened.session.key, [])
            listeners.append(opened)
            for oldest in listeners[:-_MOST_LISTENERS]:
                oldest.stream.end("the client opened others")

    def remove(self, key: str) -> None:
        removed = self._streams.pop(key, None)
        if isinstance(removed, Listener):
            left = [other for other in self._listeners.pop(removed.session.key, []) if other is not removed]
            if left:
                self._listeners[removed.session.key] = left

    def get(self, key: str) -> SessionStream | None:
        found = self._streams.get(key)
        return found if isinstance(found, SessionStream) else None

    def all(self) -> Sequence[OpenStream]:
        return list(self._streams.values())

    def _of_session(self, key: str) -> Sequence[OpenStream]:
        own = self._streams.get(key)
        return [*(() if own is None else (own,)), *self._listeners.get(key, ())]

    def end(self, key: str, why: str) -> None:
        """End a session's streams after what is queued for them."""
        for opened in self._of_session(key):
            opened.stream.end(why)

    def end_all(self, why: str) -> None:
        for opened in self.all():
            opened.stream.end(why)

    def has_ended(self, key: str) -> bool:
        """Whether the session's stream is on this worker and has ended, though its reader has not read all of it."""
        own = self._streams.get(key)
        return own is not None and bool(own.stream.ended)

    def extend(self, key: str, expires_at: float, presented: Principal) -> None:
        """Let a session's streams go on at least until ``expires_at``: its owner presented a token that does."""
        for opened in self._of_session(key):
            opened.extend(expires_at, presented)

    def renew_soon(self, key: str) -> None:
        """Ask the store soon: another worker was presented a later token of the session's owner."""
        if (own := self._streams.get(key)) is not None:
            own.renew_at = 0.0
