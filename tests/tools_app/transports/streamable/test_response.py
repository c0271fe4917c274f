"""A request's own response: JSON or a stream, a 403, a client that leaves, and whose result was not delivered."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from tests.eventually import eventually
from tools_app.transports.streamable.content_negotiation import AcceptedMediaTypes
from tools_app.transports.streamable.held_response import ForbiddenResponse
from tools_app.transports.streamable.response import StreamableResponse
from tools_app.wire.jsonrpc import notification_of, result_of

WAIT = 60.0
BOTH, JSON, STREAM = AcceptedMediaTypes(True, True), AcceptedMediaTypes(True, False), AcceptedMediaTypes(False, True)
ANSWER = result_of(1, {"x": 1})
NEWS = notification_of("notifications/message", {"data": "news"})
REFUSAL = ForbiddenResponse({"error": {"code": 1, "message": "No."}}, [(b"www-authenticate", b"Bearer x")])


class Exchange:
    """One HTTP exchange: what was sent, and a client that may leave."""

    def __init__(self, accepted: AcceptedMediaTypes = BOTH, patience: float = 60.0, **options: Any) -> None:
        self.undelivered: list[UUID] = []
        self.response = StreamableResponse(accepted, self.undelivered.append, patience=patience, **options)
        self.sent: list[Any] = []
        self.leaves = asyncio.Event()

    async def receive(self) -> Any:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        await asyncio.sleep(0)

    async def deliver(self) -> None:
        async with asyncio.timeout(WAIT):
            await self.response.deliver(self.receive, self.send)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def events(self) -> list[Any]:
        lines = self.body.splitlines()
        return [orjson.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data: ")]


@pytest.mark.parametrize("accepted", [BOTH, JSON])
async def test_an_answer_that_comes_first_is_json(accepted: AcceptedMediaTypes) -> None:
    exchange = Exchange(accepted, headers=[(b"mcp-session-id", b"x")])
    exchange.response.answer(ANSWER, uuid4())
    await exchange.deliver()
    assert (exchange.status, orjson.loads(exchange.body)) == (200, ANSWER)
    assert exchange.headers[b"content-type"] == b"application/json"
    assert exchange.headers[b"content-length"] == str(len(exchange.body)).encode()
    assert exchange.headers[b"mcp-session-id"] == b"x"
    assert exchange.undelivered == []


async def test_what_comes_before_the_answer_makes_it_a_stream() -> None:
    exchange = Exchange()
    assert exchange.response.post(NEWS)
    exchange.response.answer(ANSWER, uuid4())
    await exchange.deliver()
    assert exchange.headers[b"content-type"] == b"text/event-stream"
    assert exchange.events == [NEWS, ANSWER]
    assert exchange.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert exchange.undelivered == []


async def test_who_takes_json_alone_gets_the_answer_alone() -> None:
    exchange = Exchange(JSON)
    assert not exchange.response.can_ask
    assert not exchange.response.post(NEWS)
    exchange.response.answer(ANSWER)
    await exchange.deliver()
    assert orjson.loads(exchange.body) == ANSWER


async def test_who_takes_a_stream_alone_gets_the_answer_on_one() -> None:
    exchange = Exchange(STREAM)
    exchange.response.answer(ANSWER)
    await exchange.deliver()
    assert exchange.events == [ANSWER]


async def test_without_a_word_a_stream_begins_with_a_comment() -> None:
    exchange = Exchange(patience=0.01)
    delivering = asyncio.create_task(exchange.deliver())
    await eventually(lambda: len(exchange.sent) >= 2)
    assert exchange.body == b": ping\r\n\r\n"
    exchange.response.answer(ANSWER)
    await delivering
    assert exchange.events == [ANSWER]


async def test_no_answer_is_a_stream_that_ends() -> None:
    exchange = Exchange()
    exchange.response.answer(None)
    await exchange.deliver()
    assert (exchange.status, exchange.events) == (200, [])


@pytest.mark.parametrize("accepted", [BOTH, JSON, STREAM])
async def test_a_refusal_that_comes_first_is_a_403_with_its_challenge(accepted: AcceptedMediaTypes) -> None:
    exchange = Exchange(accepted)
    exchange.response.forbid(REFUSAL)
    await exchange.deliver()
    assert (exchange.status, orjson.loads(exchange.body)) == (403, REFUSAL.body)
    assert exchange.headers[b"www-authenticate"] == b"Bearer x"


async def test_a_refusal_after_something_was_said_is_told_on_the_stream() -> None:
    exchange = Exchange()
    exchange.response.post(NEWS)
    exchange.response.forbid(REFUSAL)
    await exchange.deliver()
    assert (exchange.status, exchange.events) == (200, [NEWS, REFUSAL.body])


async def test_a_result_for_a_client_that_has_left_was_not_delivered() -> None:
    exchange, record_id = Exchange(), uuid4()
    exchange.leaves.set()
    await exchange.deliver()
    assert not exchange.response.post(NEWS)
    exchange.response.answer(ANSWER, record_id)
    assert (exchange.undelivered, exchange.sent) == ([record_id], [])


async def test_a_client_that_leaves_a_stream_does_not_get_the_result() -> None:
    exchange, record_id = Exchange(), uuid4()
    exchange.response.post(NEWS)
    delivering = asyncio.create_task(exchange.deliver())
    await eventually(lambda: len(exchange.sent) >= 2)
    exchange.leaves.set()
    await delivering
    exchange.response.answer(ANSWER, record_id)
    assert (exchange.undelivered, exchange.events) == ([record_id], [NEWS])


async def test_a_reader_that_falls_too_far_behind_is_cut_off(settings: Any) -> None:
    settings.MAX_QUEUED_BYTES = 200
    exchange, record_id = Exchange(), uuid4()
    assert exchange.response.post(NEWS)
    while exchange.response.post(NEWS):
        pass
    exchange.response.answer(ANSWER, record_id)
    assert exchange.undelivered == [record_id]
