"""Open streams under watch: none goes on with a gap, without its record, or with a request that nobody will answer."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.eventually import eventually
from tests.redis import RedisServer
from tests.tools_app.connected import WAIT, Join, expired, in_flight, opened, read
from tools_app.cluster.workers import RedisWorkers
from tools_app.streams import watch
from tools_app.streams.event_stream import message_event
from tools_app.streams.open_streams import SessionStream
from tools_app.wire.jsonrpc import result_of
from tools_app.worker.worker import Worker

pytestmark = pytest.mark.django_db(transaction=True)  # The watch reads the policy, in a thread of its own.


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is due at once, and looked at often."""
    monkeypatch.setattr(watch, "_WATCH_EVERY", 0.02)
    monkeypatch.setattr(watch, "_GAP_GRACE", 0.2)
    monkeypatch.setattr(watch, "_OUTAGE_GRACE", 0.2)


async def watched(worker: Worker, key: str = "k") -> SessionStream:
    """A stream of this worker that is renewed with every look."""
    worker.watch._heartbeat = 0.0
    _, there = await opened(worker, key)
    return there


async def rounds(worker: Worker, number: int = 3) -> None:
    """Wait until the watch has looked so many times."""
    looks = 0
    renew = worker.sessions.renew

    async def counted(keys: Sequence[str]) -> Any:
        nonlocal looks
        looks += 1
        return await renew(keys)

    worker.sessions.renew = counted  # type: ignore[method-assign]
    await eventually(lambda: looks > number)
    worker.sessions.renew = renew  # type: ignore[method-assign]


async def count_one_more(worker: Worker) -> None:
    """Count a message that was sent to the session and is not there."""
    workers = worker.workers
    assert isinstance(workers, RedisWorkers)
    await workers._redis.hincrby(workers._stored.keys_of("k")[0], "sent", 1)


async def test_a_stream_that_is_complete_goes_on(join: Join) -> None:
    here, there = await join(), await join()
    stream = await watched(here)
    session = (await here.sessions.listed())[0]
    for number in range(5):
        there.delivery.send(session, {"n": number})
    await read(stream, 5)
    await rounds(here)
    assert (stream.stream.ended, stream.behind_since, stream.received) == ("", None, 5)


async def test_a_stream_that_has_missed_a_message_ends_after_its_grace(join: Join) -> None:
    here, there = await join(), await join()
    stream = await watched(here)
    started = time.monotonic()
    await count_one_more(there)
    await eventually(lambda: stream.stream.ended)
    assert stream.stream.ended == "messages of other workers were lost"
    assert time.monotonic() - started > 0.2


async def test_a_message_that_is_on_its_way_for_less_than_the_grace_is_not_missed(
    join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_GAP_GRACE", 60)
    here, there = await join(), await join()
    stream = await watched(here)
    await count_one_more(there)
    await eventually(lambda: stream.behind_since is not None)
    stream.received += 1  # Now it has arrived.
    await eventually(lambda: stream.behind_since is None)
    assert stream.stream.ended == ""


async def test_a_stream_whose_record_is_gone_ends_and_the_others_go_on(join: Join) -> None:
    here, there = await join(), await join()
    stream, other = await watched(here), await watched(here, "other")
    await there.sessions.delete("k")
    await eventually(lambda: stream.stream.ended)
    await rounds(here)
    assert (stream.stream.ended, other.stream.ended) == ("its record is gone", "")


async def test_a_token_presented_to_another_worker_keeps_the_stream_open(join: Join) -> None:
    here, there = await join(), await join()
    stream = await watched(here)
    session = (await there.sessions.listed())[0]
    later = session.expires_at + 3_600
    wider = replace(stream.caller.principal, token_scopes=frozenset({"deploy"}))
    await there.lifetime.extend(session.extended_to(later), wider)
    await eventually(lambda: stream.expires_at == later)
    assert (stream.stream.ended, stream.caller.principal) == ("", wider)


async def test_a_token_presented_to_another_worker_is_known_before_the_next_heartbeat(join: Join) -> None:
    here, there = await join(), await join()
    session, stream = await opened(here)
    await there.lifetime.extend(session.extended_to(session.expires_at + 3_600), stream.caller.principal)
    await eventually(lambda: stream.expires_at == session.expires_at + 3_600)
    assert stream.renew_at - time.monotonic() > 10


async def test_a_stream_is_silent_when_no_worker_was_presented_a_later_token_and_speaks_when_one_was(
    join: Join,
) -> None:
    here, there = await join(), await join()
    session, stream = await expired(here)
    await eventually(lambda: stream.is_silent)
    await rounds(here)
    assert (stream.stream.ended, stream.renew_at - time.monotonic() > 10) == ("", True)  # It costs no more than others.
    await there.lifetime.extend(replace(session, expires_at=time.time() + 60), stream.caller.principal)
    await eventually(lambda: not stream.is_silent)
    assert stream.stream.ended == ""


async def test_a_session_ends_when_it_was_without_a_valid_token_for_too_long(join: Join) -> None:
    here, _ = await join(), await join()
    _, stream = await expired(here, ago=here.watch._grace + 1)
    await eventually(lambda: stream.stream.ended)
    assert stream.stream.ended == "its owner presented no valid token any more"


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_a_session_that_waits_for_an_answer_does_not_end_before_it(join: Join, where: str) -> None:
    here, there = await join(), await join()
    here.watch._grace = 0
    session, stream = await expired(here, ago=-0.5)
    if where == "here":
        running = await in_flight(here, "k", 1)
    else:
        await there.sessions.accept("k", session.owner, 1)
    await eventually(lambda: stream.is_silent)
    await rounds(here)
    assert stream.stream.ended == ""
    if where == "here":
        running.cancel()
    else:
        there.delivery.send(session, {"n": 1}, answers=1)
    await eventually(lambda: stream.stream.ended)
    assert stream.stream.ended == "its owner presented no valid token any more"


async def test_a_session_is_renewed_once_a_heartbeat(join: Join) -> None:
    here = await join()
    _, stream = await opened(here)
    due = stream.renew_at
    await rounds(here)
    assert stream.renew_at == due
    assert due - time.monotonic() > 10


async def test_a_request_whose_worker_died_is_answered_once_and_its_late_answer_is_dropped(join: Join) -> None:
    here, there = await join(), await join()
    stream = await watched(here)
    session = (await there.sessions.listed())[0]
    for request_id in (7, "7"):
        await there.sessions.accept("k", session.owner, request_id)
    address = there.workers.channel
    await there.workers.leave()
    answers = [orjson.loads(data) for data in await read(stream, 2)]
    assert sorted(str(type(answer["id"])) for answer in answers) == ["<class 'int'>", "<class 'str'>"]
    for answer in answers:
        assert answer["error"]["code"] == -32603
        assert "The worker that was answering this request died" in answer["error"]["message"]
    await rounds(here)
    late = [[1, "k", message_event(result_of(7, {})), b"7", b""], [2, "k", message_event({"n": 1}), b"", b""]]
    await here.workers.tell(here.workers.channel, {"type": "deliveries", "from": address, "items": late})
    assert [orjson.loads(data) for data in await read(stream, 1)] == [{"n": 1}]


async def test_a_request_that_is_being_answered_is_left_alone(join: Join) -> None:
    here, there = await join(), await join()
    stream = await watched(here)
    session = (await there.sessions.listed())[0]
    await there.sessions.accept("k", session.owner, 7)
    await rounds(here)
    there.delivery.send(session, {"n": 1}, answers=7)
    assert [orjson.loads(data) for data in await read(stream, 1)] == [{"n": 1}]
    assert stream.given_up == set()


async def test_an_answer_sent_just_before_its_worker_left_is_delivered_and_nothing_else(join: Join) -> None:
    here, there = await join(), await join()
    stream = await watched(here)
    session = (await there.sessions.listed())[0]
    for number in range(20):
        await there.sessions.accept("k", session.owner, number)
        there.delivery.send(session, {"n": number}, answers=number)
    await there.workers.leave()
    assert [orjson.loads(data)["n"] for data in await read(stream, 20)] == list(range(20))
    await rounds(here)
    assert stream.given_up == set()


async def test_streams_outlast_a_short_outage_of_redis(
    own_redis: RedisServer, join: Join, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_OUTAGE_GRACE", 60)
    here = await join(url=own_redis.url)
    stream = await watched(here)
    own_redis.pause()
    await eventually(lambda: "The other workers cannot be reached" in caplog.text)
    own_redis.resume()
    resumed = time.monotonic()
    await eventually(lambda: here.watch._reached_at > resumed)
    assert stream.stream.ended == ""


@pytest.mark.parametrize("trouble", ["kill", "pause"])
async def test_all_streams_end_when_redis_is_away_for_long(own_redis: RedisServer, join: Join, trouble: str) -> None:
    here = await join(url=own_redis.url)
    streams = [await watched(here), (await opened(here, "not due"))[1]]
    getattr(own_redis, trouble)()
    await eventually(lambda: all(stream.stream.ended for stream in streams))
    assert {stream.stream.ended for stream in streams} == {"the other workers cannot be reached"}


async def test_all_streams_end_when_nothing_that_others_send_arrives_here(join: Join) -> None:
    here, _ = await join(), await join()
    stream = await watched(here)
    layer = here.workers._layer  # type: ignore[attr-defined]
    await layer._get_shard(here.workers.channel).unsubscribe(here.workers.channel)
    await eventually(lambda: stream.stream.ended)
    assert stream.stream.ended == "the other workers cannot be reached"


async def test_the_watch_ends_with_the_last_stream_and_begins_again_with_the_next(join: Join) -> None:
    here = await join()
    await watched(here)
    watching = here.watch._watching
    assert watching is not None
    here.streams.remove("k")
    await asyncio.wait([watching], timeout=WAIT)
    assert watching.done() and watching.exception() is None
    await here.sessions.delete("k")
    stream = await watched(here)
    await rounds(here)
    assert stream.stream.ended == ""
