"""The streams on which clients of sessions that last by use hear of what belongs to no request (`GET /mcp`)."""

from tools_app.invocation.listing import changed_since, list_changed, told_of
from tools_app.sessions.session import Listening, SessionStore
from tools_app.streams.open_streams import Listener

# Of one session, on this worker; for more, the oldest ends.
_MOST = 4


class Listeners:
    """This worker's listeners, by the key of their session."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = {}

    def of(self, session_key: str) -> tuple[Listener, ...]:
        return tuple(self._listeners.get(session_key, ()))

    def add(self, listener: Listener) -> None:
        others = self._listeners.setdefault(listener.session.key, [])
        others.append(listener)
        for oldest in others[:-_MOST]:
            oldest.stream.end("the client opened others")

    def remove(self, listener: Listener) -> None:
        left = [other for other in self._listeners.pop(listener.session.key, []) if other is not listener]
        if left:
            self._listeners[listener.session.key] = left


async def keep_listening(listener: Listener, sessions: SessionStore, *, is_new: bool = False) -> Listening | None:
    """Keep the session that a stream belongs to, and tell its client which lists changed since it was last told.

    A client may listen on several streams, on several workers: only the one that the store has chosen is sent anything.
    Returns None where the session exists no more.

    Raises:
        SessionsUnavailable: it cannot be told whether it does.
    """
    listening = await sessions.listen(listener.session, listener.key, is_new=is_new)
    if listening is None:
        return None
    listener.is_behind |= listening.is_chosen and not listener.is_chosen
    listener.is_chosen = listening.is_chosen
    if listener.is_chosen and listener.is_behind:
        now = told_of(listener.seen or frozenset())
        before = await sessions.tell(listener.session.key, listener.key, now)
        for kind in changed_since(before, now) if before else ():
            listener.stream.post(list_changed(kind))
    listener.is_behind = False
    return listening
