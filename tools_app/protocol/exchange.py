"""Tells the SDK's handlers which message they serve: the SDK calls them without saying who sent it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mcp.server.context import ServerRequestContext

from tools_app.call import Channel
from tools_app.client_requests.replies import Replies
from tools_app.invocation.caller import Caller
from tools_app.invocation.denials import CallDenied
from tools_app.invocation.dependencies import Dependencies
from tools_app.streams.notifications import NotificationStream

Context = ServerRequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class BackChannel:
    """The way back to a session's client. ``post`` sends a message to its stream, in order.

    It answers False where the message cannot reach the client. ``can_ask`` says whether a question can.
    """

    post: Callable[[Mapping[str, Any]], object]
    replies: Replies
    can_ask: bool = True


@dataclass(slots=True)
class Exchange:
    """One message being served: who sent it, how to talk back, and what a call passes through.

    ``channel`` is None where the way back is the SDK's own. ``record_id`` is set once the message turned out to be a
    call that ran, and ``denied`` once it turned out to be one that was denied. ``is_invoked``: it is a call that is
    decided, and has its record. ``subscribed`` opens a stream of notifications, for as long as its context lasts, where
    the transport has such streams.
    """

    caller: Caller
    channel: Channel | None
    dependencies: Dependencies
    record_id: UUID | None = None
    denied: CallDenied | None = None
    is_invoked: bool = False
    subscribed: Callable[[NotificationStream], AbstractAsyncContextManager[object]] | None = None


# The SDK's handlers are not told who calls; whoever hands a message to the SDK says so here.
current_exchange: ContextVar[Exchange] = ContextVar("current_exchange")
