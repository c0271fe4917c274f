"""Keeps the sessions that clients listen to (`GET /mcp`), and tells them which of their lists have changed."""

from tools_app.invocation.listing import LIST_CHANGED, changed_since, digest_of
from tools_app.sessions.session import Listening, SessionStore
from tools_app.streams.open_streams import Listener


async def keep_listening(listener: Listener, sessions: SessionStore, *, is_new: bool = False) -> Listening | None:
    """Keep the session that a stream belongs to, and tell its client which lists changed since it was last told.

    A client may listen on several streams, on several workers: only the one that the store has chosen is sent anything.
    Returns None where the session exists no more.

    Raises:
        SessionsUnavailable: it cannot be told whether it does.
    """
    known = listener.session.extended_to(listener.expires_at)
    listening = await sessions.listen(known, listener.key, is_new=is_new)
    if listening is None:
        return None
    listener.extend(listening.expires_at, listening.presented)
    listener.is_behind |= listening.is_chosen and not listener.is_chosen
    listener.is_chosen = listening.is_chosen
    if listener.has_expired:
        return listening
    if listener.is_chosen and listener.is_behind:
        now = digest_of(listener.seen or frozenset())
        before = await sessions.tell(listener.session.key, listener.key, now)
        for kind in changed_since(before, now) if before else ():
            listener.stream.post(LIST_CHANGED[kind])
    listener.is_behind = False
    return listening
