"""One event stream: the order of what is queued, its heartbeat, its end, and the limit on what it holds."""

import asyncio

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from tools_app.streams import event_stream
from tools_app.streams.event_stream import PING, EventStream, event

WAIT = 60.0


async def rest(stream: EventStream) -> bytes:
    """All that is still sent, until the stream ends."""
    sent = b""
    async with asyncio.timeout(WAIT):
        while (chunk := await stream.next()) is not None:
            sent += chunk
    return sent


async def test_messages_are_sent_in_order_and_together() -> None:
    stream = EventStream(10_000, 60)
    assert stream.queue(event("endpoint", b"/messages/"))
    assert all(stream.post({"n": n}) for n in range(3))
    async with asyncio.timeout(WAIT):
        chunk = await stream.next()
    assert chunk == b"event: endpoint\r\ndata: /messages/\r\n\r\n" + b"".join(
        event("message", b'{"n":%d}' % n) for n in range(3)
    )


async def test_a_reader_that_waits_gets_a_message_as_soon_as_it_is_posted() -> None:
    stream = EventStream(10_000, 60)
    reading = asyncio.ensure_future(stream.next())
    await asyncio.sleep(0)
    stream.post({"n": 1})
    async with asyncio.timeout(WAIT):
        assert await reading == event("message", b'{"n":1}')


async def test_what_is_queued_is_sent_before_the_stream_ends() -> None:
    stream = EventStream(10_000, 60)
    stream.post({"n": 1})
    stream.end("because")
    stream.end("again")
    assert await rest(stream) == event("message", b'{"n":1}')
    assert stream.ended == "because"


async def test_nothing_is_taken_after_the_end() -> None:
    stream = EventStream(10_000, 60)
    stream.end("because")
    assert not stream.post({"n": 1})
    assert await rest(stream) == b""


async def test_a_reader_that_waits_is_told_of_the_end() -> None:
    stream = EventStream(10_000, 60)
    reading = asyncio.ensure_future(rest(stream))
    await asyncio.sleep(0)
    stream.end("because")
    assert await reading == b""


async def test_a_reader_that_falls_too_far_behind_is_cut_off() -> None:
    stream = EventStream(200, 60)
    taken = 0
    while stream.post({"n": taken}):
        taken += 1
    assert 0 < taken < 10
    assert stream.ended == "the reader fell too far behind"
    assert (await rest(stream)).count(b"data: ") == taken


async def test_a_reader_that_does_not_take_what_is_left_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "_LAST_WORDS", 0.01)
    stream, cut_off = EventStream(10_000, 60), asyncio.Event()
    stream.on_abandoned = cut_off.set
    stream.post({"n": 1})
    assert not stream.abandoned
    stream.end("because")
    async with asyncio.timeout(WAIT):
        await cut_off.wait()
    assert (stream.ended, stream.abandoned) == ("because", True)


async def test_a_reader_that_has_taken_what_was_left_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "_LAST_WORDS", 0.0)
    stream = EventStream(10_000, 60)
    stream.on_abandoned = asyncio.Event().set
    stream.end("because")
    assert await rest(stream) == b""
    stream.on_abandoned = None
    after_its_timer = asyncio.Event()
    asyncio.get_running_loop().call_later(0.0, after_its_timer.set)
    await after_its_timer.wait()
    assert not stream.abandoned


async def test_what_has_been_read_no_longer_counts() -> None:
    stream = EventStream(200, 60)
    for n in range(50):
        assert stream.post({"n": n})
        async with asyncio.timeout(WAIT):
            await stream.next()


async def test_the_heartbeat_sends_comments() -> None:
    stream = EventStream(10_000, 0.001)
    stream.start_heartbeat()
    sent = b""
    async with asyncio.timeout(WAIT):
        while len(sent) < 3 * len(PING):
            sent += await stream.next() or b""
    stream.stop()
    assert sent == PING * (len(sent) // len(PING))
    assert PING.startswith(b":")


@settings(deadline=None, max_examples=100)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))
    )
)
def test_no_message_can_forge_an_event(message: dict[str, str]) -> None:
    sent = event("message", orjson.dumps(message))
    lines = sent.decode().splitlines() if sent.isascii() else sent.replace(b"\r\n", b"\n").decode().split("\n")
    assert [line for line in lines if line][0] == "event: message"
    assert sent.count(b"\n") == 3
    assert sent.count(b"\r") == 3
    assert orjson.loads(sent.split(b"data: ", 1)[1]) == message
