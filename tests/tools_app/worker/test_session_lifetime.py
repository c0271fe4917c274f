"""How MCP sessions end on all workers, whichever of them ends one."""

import asyncio

import pytest

from tests.eventually import eventually
from tests.redis import RedisServer
from tests.tools_app.connected import WAIT, Join, in_flight, opened

# What ends a session is written.
pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_session_is_ended_everywhere_by_any_worker(join: Join) -> None:
    here, there, third = await join(), await join(), await join()
    session, stream = await opened(here)
    other, other_stream = await opened(here, "other")
    running = [await in_flight(worker, "k", 1) for worker in (here, there)]
    await third.lifetime.end("k", "an administrator ended it")
    for worker in (here, there, third):
        if worker is not here:
            assert await worker.sessions.accept("k", session.owner, 1) is None
    await asyncio.wait(running, timeout=WAIT)
    await eventually(lambda: stream.stream.ended)
    assert all(task.cancelled() for task in running)
    assert stream.stream.ended == "an administrator ended it"
    assert (other_stream.stream.ended, bool(await third.sessions.accept("other", other.owner, 1))) == ("", True)


async def test_a_stream_that_has_closed_ends_its_session_everywhere(join: Join) -> None:
    here, there = await join(), await join()
    session, _ = await opened(here)
    running = await in_flight(there, "k", 1)
    await here.closed("k", "the client left")
    for worker in (here, there):
        assert await worker.sessions.accept("k", session.owner, 2) is None
    await asyncio.wait([running], timeout=WAIT)
    assert running.cancelled()


async def test_a_stream_that_closes_while_redis_hangs_ends_its_session_when_that_is_over(
    own_redis: RedisServer, join: Join
) -> None:
    here, there = await join(url=own_redis.url), await join(url=own_redis.url)
    session, _ = await opened(here)
    own_redis.pause()
    await here.closed("k", "the client left")
    own_redis.resume()
    await eventually(lambda: there.sessions.accept("k", session.owner, None), equals=None)
