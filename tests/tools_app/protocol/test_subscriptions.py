"""Which sessions are told of which resources, in memory and in a real Redis: the same in both."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from tests.redis import RedisServer
from tests.tools_app.connected import OWNER, WAIT, a_session
from tools_app.protocol.subscriptions import subscription
from tools_app.sessions.memory import MemorySessionStore
from tools_app.sessions.redis import RedisSessionStore
from tools_app.sessions.session import McpSessionState, SessionStore, SessionsUnavailable

URIS = ("notes://travel/1", "notes://travel/2")


@pytest.fixture(params=["in memory", "in Redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[SessionStore]:
    if request.param == "in memory":
        yield MemorySessionStore(60)
        return
    redis: RedisServer = request.getfixturevalue("redis")
    async with Redis.from_url(redis.url, socket_timeout=20) as connected:
        yield RedisSessionStore(connected, f"test-{uuid4().hex[:8]}.", 4, 60)


async def test_what_is_subscribed_to_is_found_for_the_sessions_that_are_asked_for(store: SessionStore) -> None:
    for key in ("a", "b"):
        await store.open(a_session(key), 10)
    assert await store.subscribe("a", URIS[0], 10)
    assert await store.subscribe("a", URIS[0], 10)
    assert await store.subscribe("b", URIS[1], 10)
    assert await store.subscribed(["a", "b", "none"], URIS) == {("a", URIS[0]), ("b", URIS[1])}
    assert await store.subscribed(["b"], URIS[:1]) == set()
    assert await store.subscribed([], URIS) == await store.subscribed(["a"], []) == set()


async def test_many_subscriptions_at_a_time_are_all_noted(store: SessionStore) -> None:
    await store.open(a_session("a"), 10)
    uris = [f"notes://{number}/1" for number in range(50)]
    async with asyncio.timeout(WAIT):
        assert all(await asyncio.gather(*(store.subscribe("a", uri, 50) for uri in uris)))
    assert await store.subscribed(["a"], uris) == {("a", uri) for uri in uris}


@pytest.mark.parametrize("transport", ["sse", "streamable"])
async def test_a_session_has_so_many_and_no_more(store: SessionStore, transport: Any) -> None:
    session = McpSessionState("a", OWNER, "worker", time.time() + 60, transport=transport)
    await store.open(session, 10)
    assert [await store.subscribe("a", f"x://{number}", 3) for number in range(4)] == [True, True, True, False]
    assert await store.subscribe("a", "x://0", 3)
    await store.unsubscribe("a", "x://0")
    assert await store.subscribe("a", "x://3", 3)


async def test_who_unsubscribed_or_ended_is_not_told(store: SessionStore) -> None:
    for key in ("a", "b"):
        await store.open(a_session(key), 10)
        await store.subscribe(key, URIS[0], 10)
    await store.unsubscribe("a", URIS[0])
    await store.unsubscribe("none", URIS[0])
    await store.delete("b")
    assert await store.subscribed(["a", "b"], URIS) == set()
    await store.open(a_session("b"), 10)
    assert await store.subscribed(["b"], URIS) == set()


async def test_a_session_that_is_gone_has_no_subscriptions(store: SessionStore) -> None:
    assert await store.subscribe("gone", URIS[0], 10)
    assert await store.subscribed(["gone"], URIS) == set()
    assert await store.listed() == []


async def test_a_subscription_leaves_the_rest_of_the_session_as_it_was(store: SessionStore) -> None:
    session = a_session("a")
    await store.open(session, 10)
    await store.subscribe("a", URIS[0], 10)
    assert await store.listed() == [session]


def test_a_subscription_is_asked_for_as_the_resource_is_and_says_so_in_its_record() -> None:
    access_request = subscription(URIS[0], "a", MemorySessionStore(60))
    assert (access_request.record_kind, access_request.kind, access_request.name) == ("resource", "resource", "note")
    assert access_request.recorded == {"uri": URIS[0], "subscribe": True}
    assert subscription("nothing://here", "a", MemorySessionStore(60)).runs is None


async def test_a_store_that_is_out_of_reach_is_a_failure_in_words(own_redis: RedisServer) -> None:
    async with Redis.from_url(own_redis.url, socket_timeout=0.5) as connected:
        store = RedisSessionStore(connected, "x.", 4, 60)
        own_redis.stop()
        runs = subscription(URIS[0], "a", store).runs
        assert runs is not None
        with pytest.raises(Exception, match="cannot be reached") as caught:
            await runs.function()
        assert not isinstance(caught.value, SessionsUnavailable)
