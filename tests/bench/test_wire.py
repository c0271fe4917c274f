"""What a server sends may be cut anywhere on its way."""

import pytest

from tests.bench.wire import Stream

SENT = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2b\r\nevent: endpoint\r\ndata: /messages/?id=7\r\n\r\n\r\n\r\n"
    b"a\r\n: ping\r\n\r\n\r\n"
    b"9\r\ndata: {}\n\r\n"
    b"1\r\n\n\r\n"
)


@pytest.mark.parametrize("size", range(1, len(SENT) + 1, 3))
def test_events_are_read_wherever_the_bytes_are_cut(size: int) -> None:
    events: list[tuple[bytes, bytes]] = []
    stream = Stream("The server", lambda name, data: events.append((name, data)), pytest.fail)
    for start in range(0, len(SENT), size):
        stream.data_received(SENT[start : start + size])
    assert events == [(b"endpoint", b"/messages/?id=7"), (b"message", b"{}")]


def test_a_refused_stream_says_why() -> None:
    said: list[str] = []
    Stream("The server", lambda name, data: None, said.append).data_received(
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 8\r\n\r\nNot now."
    )
    assert len(said) == 1
    assert said[0].startswith("The server refused a stream:")
    assert "Not now." in said[0]
