"""What this worker remembers of a stream that it holds open, whichever transport it belongs to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

from tools_app.caller import Caller
from tools_app.event_stream import EventStream
from tools_app.registry import RegisteredTool
from tools_app.sessions import McpSession


def names_of(tools: Iterable[RegisteredTool]) -> frozenset[str]:
    """The names of some tools. Sessions that see the same ones share them."""
    return _shared(frozenset(tool.name for tool in tools))


@lru_cache(maxsize=1_024)
def _shared(names: frozenset[str]) -> frozenset[str]:
    return names


@dataclass(slots=True, eq=False)
class OpenStream:
    """A stream of this worker, for whom it is, and the names of the tools that its owner could call when last looked.

    Times are in seconds: ``expires_at`` since the epoch, the others monotonic.
    """

    key: str
    caller: Caller
    stream: EventStream
    expires_at: float
    visible: frozenset[str] | None = None
    renew_at: float = 0.0
    blocked_since: float | None = None


@dataclass(slots=True, eq=False)
class OpenSession(OpenStream):
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
    client has perhaps not been told of the list as it is.
    """

    session: McpSession
    is_chosen: bool = True
    is_behind: bool = True

    @property
    def told(self) -> str:
        """What stands for the list that the client knows."""
        return sha256(" ".join(sorted(self.visible or ())).encode()).hexdigest()[:16]
