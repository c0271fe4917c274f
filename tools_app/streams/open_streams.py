"""What this worker remembers of a stream that it holds open, whichever transport it belongs to."""

from dataclasses import dataclass, field

from tools_app.invocation.caller import Caller
from tools_app.invocation.listing import Seen
from tools_app.sessions.session import McpSessionState
from tools_app.streams.event_stream import EventStream


@dataclass(slots=True, eq=False)
class OpenStream:
    """A stream of this worker, for whom it is, and what was on its owner's lists when last looked.

    Times are in seconds: ``expires_at`` since the epoch, the others monotonic.
    """

    key: str
    caller: Caller
    stream: EventStream
    expires_at: float
    seen: Seen | None = None
    renew_at: float = 0.0
    blocked_since: float | None = None


@dataclass(slots=True, eq=False)
class SessionStream(OpenStream):
    """The stream of an MCP session over HTTP+SSE, which lasts as long as it.

    ``received`` counts what other workers sent; ``behind_since`` is set while that is less than they say. ``given_up``
    holds the requests whose worker died.
    """

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
