"""One MCP session of the load generator: the handshake, and calls of `echo` whose every answer is checked."""

import asyncio
import itertools
import time
from dataclasses import dataclass
from typing import Any

import orjson

from tests.bench.errors import BenchFailed, PostRefused
from tests.bench.wire import HOST, Answer, Post, Stream, connect_post

VERSION = "2025-06-18"
_INITIALIZE = {
    "protocolVersion": VERSION,
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}
_HEADERS = (
    "Host: %s:%d\r\nAccept: %s\r\nAccept-Encoding: gzip, deflate\r\nUser-Agent: bench\r\nAuthorization: Bearer %s"
)
_CALL = (
    b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo","arguments":{"text":"this is call %d"}}}'
)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a session's stream is, and where its POSTs go; ``name`` is what messages call the server."""

    name: str
    stream_port: int
    post_port: int


class Session:
    """Opened by ``open``. Latencies are in seconds, from the POST to its result on the stream."""

    def __init__(self, route: Route, token: str) -> None:
        self._route = route
        self._token = token
        self._ids = itertools.count(1)
        self._endpoint: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting: dict[Any, asyncio.Future[tuple[float, Any]]] = {}
        self._stream = Stream(route.name, self._on_event, self._on_end)
        self._post_head = ""
        self._ended = ""

    async def open(self) -> "Session":
        """Open the stream, and initialize."""
        port = self._route.stream_port
        await asyncio.get_running_loop().create_connection(lambda: self._stream, HOST, port)
        self._stream.write(f"GET /sse HTTP/1.1\r\n{self._headers(port, 'text/event-stream')}\r\n\r\n".encode())
        endpoint = await self._endpoint
        sent_to = self._headers(self._route.post_port, "*/*")
        self._post_head = f"POST {endpoint} HTTP/1.1\r\n{sent_to}\r\nContent-Type: application/json\r\n"
        post = await connect_post(self._route.name, port)
        try:
            await self._initialize(post)
        finally:
            post.close()
        return self

    def _headers(self, port: int, accept: str) -> str:
        return _HEADERS % (HOST, port, accept, self._token)

    async def _initialize(self, post: Post) -> None:
        request = {"jsonrpc": "2.0", "id": "initialize", "method": "initialize", "params": _INITIALIZE}
        _, message = await self._answered(post, "initialize", orjson.dumps(request))
        version = message.get("result", {}).get("protocolVersion")
        if version != VERSION:
            raise BenchFailed(f"{self._route.name} did not initialize a session of {VERSION}: {message}")
        done = orjson.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self._check_accepted(await post.send(self._request(done)))

    async def call(self, post: Post) -> float:
        """Call `echo`; returns the latency.

        Raises:
            BenchFailed: the answer is not the right one.
        """
        number = next(self._ids)
        started = time.perf_counter()
        ended, message = await self._answered(post, number, _CALL % (number, number))
        if not _is_echo(message, f"this is call {number}"):
            raise BenchFailed(f"{self._route.name} answered call {number} of echo with {message}")
        return ended - started

    async def _answered(self, post: Post, number: int | str, body: bytes) -> tuple[float, Any]:
        """When the answer arrived, by ``time.perf_counter``, and the answer."""
        if self._ended:
            raise BenchFailed(self._ended)
        result = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._check_accepted(await post.send(self._request(body)))
            return await result
        finally:
            self._waiting.pop(number, None)
            result.cancel()

    def _request(self, body: bytes) -> bytes:
        return b"%sContent-Length: %d\r\n\r\n%s" % (self._post_head.encode(), len(body), body)

    def _check_accepted(self, answer: Answer) -> None:
        if answer.status != 202:
            raise PostRefused(self._route.name, answer.status, answer.body)

    def _on_event(self, name: bytes, data: bytes) -> None:
        if name == b"endpoint":
            self._endpoint.set_result(data.decode())
            return
        message = orjson.loads(data)
        result = self._waiting.get(message.get("id"))
        if result is not None and not result.done():
            result.set_result((time.perf_counter(), message))

    def _on_end(self, why: str) -> None:
        self._ended = self._ended or why
        for waiting in (self._endpoint, *self._waiting.values()):
            if not waiting.done():
                waiting.set_exception(BenchFailed(why))

    def close(self) -> None:
        self._stream.close()


def _is_echo(message: Any, text: str) -> bool:
    result = message.get("result")
    if not isinstance(result, dict) or result.get("isError"):
        return False
    return [block.get("text") for block in result["content"]] == [text]
