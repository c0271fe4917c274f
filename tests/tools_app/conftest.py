"""What the tests of workers share."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import channel_layers

from tests.redis import RedisServer
from tests.tools_app.connected import WAIT, Connect, Join
from tools_app.streams import watch
from tools_app.worker.worker import Worker


@pytest.fixture
def connect(redis: RedisServer, settings: Any) -> Connect:
    """Let what is made inside be a worker of its own; of the same site, unless another prefix or Redis is named."""
    ours = f"mcp-{uuid4().hex[:8]}."

    @contextmanager
    def connecting(prefix: str = ours, url: str = redis.url) -> Iterator[None]:
        host = {"address": url, "socket_connect_timeout": 2, "socket_timeout": 2}
        settings.REDIS_URL, settings.REDIS_PREFIX = url, prefix
        settings.CHANNEL_LAYERS = {
            "default": {
                "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
                "CONFIG": {"hosts": [host], "prefix": prefix},
            }
        }
        channel_layers.backends = {}
        yield
        channel_layers.backends = {}

    return connecting


@pytest.fixture
async def join(connect: Connect) -> AsyncIterator[Join]:
    """Let one more worker join the site of this test."""
    joined: list[Worker] = []

    async def make(**where: str) -> Worker:
        with connect(**where):
            joined.append(Worker())
        await joined[-1].workers.join()
        return joined[-1]

    yield make
    for worker in joined:
        await _end(worker)


async def _end(worker: Worker) -> None:
    """Let it stop by itself where it is about to talk to Redis: what is cut off there leaves a connection behind."""
    worker.tasks.draining = True
    for opened in worker.streams.all():
        worker.streams.remove(opened.key)
    watching = worker.watch._watching
    if watching is not None:
        if watch._WATCH_EVERY > 1:
            watching.cancel()
        await asyncio.wait([watching], timeout=WAIT)
    if worker.tasks._ending:
        _, late = await asyncio.wait(set(worker.tasks._ending), timeout=WAIT)
        for task in late:
            task.cancel()
    await worker.workers.leave()
    await asyncio.to_thread(worker.stop)


@pytest.fixture
def own_redis(redis: RedisServer) -> Iterator[RedisServer]:
    """A Redis server to break. Name it before ``join``, so that it outlives the workers."""
    with RedisServer() as server:
        yield server
