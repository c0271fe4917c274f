"""Sends a response that is an event stream, as its reader reads, until it ends or the reader is gone."""

import asyncio
from collections.abc import Iterable

from authz_app.core.asgi import Receive, Send
from tools_app.streams.event_stream import EventStream

Headers = Iterable[tuple[bytes, bytes]]
LEFT = "the client left"
_HEADERS = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
)


async def deliver(stream: EventStream, receive: Receive, send: Send) -> None:
    """Send what is queued until the stream ends or the client leaves."""
    leaving = asyncio.ensure_future(left(stream, receive))
    try:
        await send_stream(stream, send)
    finally:
        leaving.cancel()


async def left(stream: EventStream, receive: Receive) -> None:
    """End the stream when its client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.end(LEFT)


async def send_stream(stream: EventStream, send: Send, headers: Headers = ()) -> bool:
    """Send what is queued until the stream ends. False: its reader does not read, and is cut off."""
    sending = asyncio.current_task()
    assert sending is not None
    stream.on_abandoned = sending.cancel
    stream.start_heartbeat()
    try:
        await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, *headers]})
        while (chunk := await stream.next()) is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except asyncio.CancelledError:
        # Cancelled by its own stream: the response is left unfinished and cut off.
        if not stream.abandoned:
            raise
        return False
    finally:
        stream.stop()
    return True
