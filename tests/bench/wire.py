"""As much HTTP/1.1 and server-sent events as a load generator needs, at little cost. Knows nothing of MCP."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from tests.bench.errors import BenchFailed

HOST = "127.0.0.1"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response to a POST."""

    status: int
    body: bytes


class _Connection(asyncio.Protocol):
    """A connection to a server on this machine. ``name`` is what messages call the server."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Post(_Connection):
    """A kept connection that carries one request at a time."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._received = b""
        self._answer: asyncio.Future[Answer] | None = None

    def send(self, request: bytes) -> "asyncio.Future[Answer]":
        """Send a whole request."""
        self._answer = asyncio.get_running_loop().create_future()
        self.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator or self._answer is None:
            return
        length = _LENGTH.search(head)
        if length is None:
            self._fail(f"{self.name} answered a POST without a Content-Length: {head[:200]!r}")
        elif len(rest) >= int(length[1]):
            self._received = b""
            self._answer.set_result(Answer(int(head[9:12]), rest))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"{self.name} closed a connection before it had answered the POST on it.")

    def _fail(self, text: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BenchFailed(text))


class Stream(_Connection):
    """A response that goes on: server-sent events in a chunked body. ``on_end`` is told why there are no more."""

    def __init__(self, name: str, on_event: Callable[[bytes, bytes], None], on_end: Callable[[str], None]) -> None:
        super().__init__(name)
        self._on_event = on_event
        self._on_end = on_end
        self._received = b""
        self._text = b""
        self._in_body = False

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._in_body and not self._read_head():
            return
        while self._read_chunk():
            pass
        self._read_events()

    def _read_head(self) -> bool:
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator:
            return False
        if head[9:12] != b"200" or b"chunked" not in head.lower():
            self._on_end(f"{self.name} refused a stream: {head[:200]!r} {rest[:300]!r}")
            self.close()
            return False
        self._received, self._in_body = rest, True
        return True

    def _read_chunk(self) -> bool:
        size_line, separator, rest = self._received.partition(b"\r\n")
        size = int(size_line.partition(b";")[0], 16) if separator else 0
        if not separator or len(rest) < size + 2:
            return False
        self._text += rest[:size]
        self._received = rest[size + 2 :]
        return size > 0

    def _read_events(self) -> None:
        *events, self._text = self._text.replace(b"\r\n", b"\n").split(b"\n\n")
        for event in events:
            fields = dict(line.split(b": ", 1) for line in event.split(b"\n") if b": " in line)
            if b"data" in fields:
                self._on_event(fields.get(b"event", b"message"), fields[b"data"])

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_end(f"{self.name} closed a stream.")


async def connect_post(name: str, port: int) -> Post:
    """A new connection for POSTs."""
    _, post = await asyncio.get_running_loop().create_connection(lambda: Post(name), HOST, port)
    return post
