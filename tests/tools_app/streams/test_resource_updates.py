"""That a resource has changed reaches the streams of every worker, once, and survives a moment without Redis."""

import threading
import time
from collections import deque

import pytest

from authz_app.models import Client, Rule
from tests.eventually import eventually
from tests.redis import RedisServer
from tests.tools_app.connected import OWNER, Join, expired, opened, read
from tools_app import resources
from tools_app.streams import resource_updates
from tools_app.streams.open_streams import SessionStream
from tools_app.worker.process import process_worker
from tools_app.worker.worker import Worker

pytestmark = pytest.mark.django_db(transaction=True)
NOTE, OTHER = "notes://travel/1", "notes://travel/2"


@pytest.fixture(autouse=True)
def _may_read() -> None:
    Client.objects.create(issuer=OWNER[0], subject=OWNER[1])
    Rule.objects.create(kind="resource", tools="note", applies_to="every")


async def subscriber(here: Worker, key: str, *uris: str) -> SessionStream:
    _, stream = await opened(here, key)
    for uri in uris:
        await here.sessions.subscribe(key, uri, 10)
    return stream


async def told(stream: SessionStream, count: int = 1) -> list[str]:
    """The URIs of the next so many notifications."""
    return [message.partition(b'"uri":"')[2].partition(b'"')[0].decode() for message in await read(stream, count)]


async def test_subscribers_on_every_worker_are_told(join: Join) -> None:
    here, there = await join(), await join()
    streams = [await subscriber(here, "a", NOTE), await subscriber(there, "b", NOTE), await subscriber(there, "c")]
    here.updates.note(NOTE)
    assert await told(streams[0]) == await told(streams[1]) == [NOTE]
    here.updates.note(OTHER)
    await there.updates.tell([OTHER, "nothing://here"])
    assert not streams[2].stream._chunks


async def test_a_silent_stream_keeps_what_it_has_subscribed_to_and_tells_it_once(join: Join) -> None:
    here = await join()
    _, silent = await expired(here, "a")
    for uri in (NOTE, "notes://hidden"):
        await here.sessions.subscribe("a", uri, 10)
    for _ in range(3):
        await here.updates.tell([NOTE, OTHER, "notes://hidden"])
    assert (silent.updated, silent.stream._chunks) == ({NOTE, "notes://hidden"}, deque())
    here.streams.extend("a", time.time() + 60, silent.caller.principal)
    assert await told(silent) == [NOTE]
    assert silent.updated == frozenset()


async def test_what_changes_again_at_once_is_told_once(join: Join) -> None:
    here = await join()
    stream = await subscriber(here, "a", NOTE, OTHER)
    for _ in range(100):
        here.updates.note(NOTE)
    here.updates.note(OTHER)
    assert await told(stream, 2) == [NOTE, OTHER]
    await here.updates.tell([OTHER])
    assert await told(stream) == [OTHER]


async def test_what_cannot_be_told_is_told_when_redis_is_there_again(
    own_redis: RedisServer, join: Join, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resource_updates, "_RETRY", 0.05)
    here = await join(url=own_redis.url)
    own_redis.stop()
    here.updates.note(NOTE)
    await eventually(lambda: "Changes of resources cannot be told" in caplog.text)
    assert list(here.updates._changed) == [NOTE]
    own_redis.start()
    await eventually(lambda: not here.updates._changed)


async def test_any_thread_of_the_process_may_say_so() -> None:
    here = process_worker()
    here.start()
    stream = await subscriber(here, "a", NOTE)
    saying = threading.Thread(target=resources.updated, args=[NOTE])
    saying.start()
    assert await told(stream) == [NOTE]
    saying.join(5)
    here.streams.end_all("the test is over")
    here.stop()
    process_worker.cache_clear()


def test_a_process_without_sessions_may_say_so_and_nothing_comes_of_it() -> None:
    process_worker.cache_clear()
    resources.updated(NOTE)
    assert process_worker.cache_info().currsize == 0
