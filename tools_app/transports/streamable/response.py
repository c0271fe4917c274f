"""Sends the response to one request: JSON where the answer comes first, and else an event stream that ends with it."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from authz_app import json_text
from authz_app.core.asgi import Receive, Send
from tools_app.conf import conf
from tools_app.streams.event_stream import PING, EventStream
from tools_app.transports.streamable.content_negotiation import AcceptedMediaTypes
from tools_app.transports.streamable.held_response import ForbiddenResponse
from tools_app.transports.streaming import LEFT, Headers, left, send_stream

# Without a word for so long, a stream begins, so that no proxy or client takes the request for dead.
_PATIENCE = 5.0
# How long a reader may take over an answer; it may be on a slow line.
_LAST_WORDS = 60.0
_JSON = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


class StreamableResponse:
    """Holds the messages that are on their way to the client that waits for the answer to one request.

    ``undelivered`` is told of the record of a call whose result did not reach it. Not thread-safe.
    """

    def __init__(
        self,
        accepted: AcceptedMediaTypes,
        undelivered: Callable[[UUID], object],
        headers: Headers = (),
        patience: float = _PATIENCE,
    ) -> None:
        self._accepted = accepted
        self._undelivered = undelivered
        self._status = 200
        self._headers = tuple(headers)
        self._patience = patience
        self._stream = EventStream(conf().max_queued_bytes, conf().heartbeat)
        self._said = asyncio.Event()
        self._has_begun = False
        self._body: bytes | None = None
        self._record_id: UUID | None = None

    @property
    def can_ask(self) -> bool:
        """Whether a question can be put to the client on its way to the answer."""
        return self._accepted.stream

    def post(self, message: Mapping[str, Any]) -> bool:
        """Send a message that comes before the answer. False: it cannot reach the client."""
        if not self._accepted.stream:
            return False
        self._has_begun = True
        posted = self._stream.post(message)
        self._said.set()
        return posted

    def forbid(self, forbidden_response: ForbiddenResponse) -> None:
        """Send a refusal, as a 403 where nothing has been said."""
        if self._has_begun or self._stream.ended:
            self.answer(forbidden_response.body)
            return
        self._status = 403
        self._headers = (*self._headers, *forbidden_response.headers)
        self._body = json_text.dumps(forbidden_response.body)
        self._said.set()

    def answer(self, message: Mapping[str, Any] | None, record_id: UUID | None = None) -> None:
        """Send the answer, and nothing more; with no message where the client waits for none."""
        self._record_id = record_id
        if self._stream.ended:
            self._lost()
        elif message is not None and self._accepted.json and not self._has_begun:
            self._body = json_text.dumps(message)
        else:
            self._end_with(message)
        self._said.set()

    def _end_with(self, message: Mapping[str, Any] | None) -> None:
        if message is not None and not self._stream.post(message):
            self._lost()
        self._stream.end("answered", _LAST_WORDS)

    def _lost(self) -> None:
        if self._record_id is not None:
            self._undelivered(self._record_id)
            self._record_id = None

    async def deliver(self, receive: Receive, send: Send) -> None:
        """Send all of it, as it comes. What the request started goes on when the client leaves."""
        leaving = asyncio.ensure_future(self._left(receive))
        try:
            await self._begun()
            if self._body is not None:
                await self._send_body(send, self._body)
            elif self._stream.ended != LEFT and not await send_stream(self._stream, send, self._headers):
                self._lost()
        finally:
            leaving.cancel()
            if self._stream.ended == LEFT:
                self._lost()
            self._stream.end(LEFT)
            self._stream.stop()

    async def _begun(self) -> None:
        """Wait until it is known whether the response is a stream."""
        try:
            async with asyncio.timeout(self._patience if self._accepted.stream else None):
                await self._said.wait()
        except TimeoutError:
            self._has_begun = True
            self._stream.queue(PING)

    async def _send_body(self, send: Send, body: bytes) -> None:
        length = (b"content-length", str(len(body)).encode())
        headers = [*_JSON, length, *self._headers]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _left(self, receive: Receive) -> None:
        await left(self._stream, receive)
        self._said.set()
