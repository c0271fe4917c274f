"""One message being served, for the handlers that the SDK calls without saying who sent it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mcp.server.context import ServerRequestContext

from tools_app.call import Channel
from tools_app.client_requests.multi_round_trip import MultiRoundTrip
from tools_app.invocation.caller import Caller
from tools_app.invocation.denials import CallRefused
from tools_app.invocation.invoke import Rooms
from tools_app.protocol.response_channel import ResponseChannel
from tools_app.streams.notifications import News

Context = ServerRequestContext[Any, Any]


@dataclass(slots=True)
class Exchange:
    """One message being served: who sent it, how to talk back, and the rooms that a call passes through.

    ``channel`` is None where the way back is the SDK's own. ``record_id`` is set once the message turned out to be a
    call that ran, and ``refused`` once it turned out to be one that was denied. ``subscribed`` opens a stream of news,
    for as long as its context lasts, where the transport has such streams.
    """

    caller: Caller
    channel: Channel | None
    rooms: Rooms
    record_id: UUID | None = None
    refused: CallRefused | None = None
    subscribed: Callable[[News], AbstractAsyncContextManager[object]] | None = None


# The SDK's handlers are not told who calls; whoever hands a message to the SDK says so here.
current_exchange: ContextVar[Exchange] = ContextVar("current_exchange")


@asynccontextmanager
async def answering(exchange: Exchange, context: Context) -> AsyncIterator[Channel]:
    """The way back to whoever sent this message; a refusal on the way out is noted."""
    try:
        if exchange.channel is not None:
            yield exchange.channel
        else:
            round_trips = MultiRoundTrip(context.method, context.params or {}, exchange.caller.principal)
            async with ResponseChannel(context, round_trips, exchange.rooms.max_result_bytes) as channel:
                yield channel
    except CallRefused as refused:
        exchange.refused = refused
        raise
