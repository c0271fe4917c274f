"""The streams of a worker: found by session, ended and extended together with what listens to it."""

from time import time

from authz_app.policy.principal import Principal
from tests.callers import caller_for
from tests.tools_app.connected import OWNER, a_session
from tools_app.streams.event_stream import EventStream
from tools_app.streams.open_streams import Listener, OpenStreams, SessionStream

CALLER = caller_for(Principal(*OWNER, frozenset(), 2**40))


def session_stream(key: str = "k") -> SessionStream:
    return SessionStream(key, CALLER, EventStream(1_000, 60), time() + 60)


def listener(key: str, session_key: str = "k") -> Listener:
    return Listener(key, CALLER, EventStream(1_000, 60), time() + 60, session=a_session(session_key))


async def test_a_session_has_ended_when_its_stream_has_whoever_still_reads() -> None:
    streams = OpenStreams()
    streams.add(session_stream())
    assert not streams.has_ended("k")
    streams.end("k", "because")
    assert streams.has_ended("k")
    assert not streams.has_ended("another")


async def test_what_listens_to_a_session_lasts_and_ends_with_it_and_no_other_does() -> None:
    streams = OpenStreams()
    mine, others = [listener("k.1"), listener("k.2")], [listener("x.1", "x"), session_stream("x")]
    for opened in (*mine, *others):
        streams.add(opened)
    until = time() + 600
    later = Principal(*OWNER, frozenset({"deploy"}), 2**40)
    streams.extend("k", until, later)
    assert [opened.expires_at == until for opened in (*mine, *others)] == [True, True, False, False]
    assert {opened.caller.principal for opened in mine} == {later}
    streams.extend("k", until - 300, CALLER.principal)
    assert (mine[0].expires_at, mine[0].caller.principal) == (until, later)
    streams.remove("k.1")
    streams.end("k", "because")
    assert [opened.stream.ended for opened in (*mine, *others)] == ["", "because", "", ""]


async def test_of_many_listeners_to_one_session_the_oldest_end() -> None:
    streams = OpenStreams()
    mine, other = [listener(f"k.{number}") for number in range(6)], listener("x.1", "x")
    for opened in (other, *mine):
        streams.add(opened)
    assert [bool(opened.stream.ended) for opened in mine] == [True, True, False, False, False, False]
    assert not other.stream.ended


async def test_a_listener_is_no_stream_of_its_session() -> None:
    streams = OpenStreams()
    streams.add(listener("k"))
    assert streams.get("k") is None
    streams.add(own := session_stream("s"))
    assert streams.get("s") is own
    assert len(streams.all()) == 2
