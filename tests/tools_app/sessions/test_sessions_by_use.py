"""MCP sessions that last by use, in memory and in a real Redis: the same in both.

Covers: tools_app.sessions.memory, tools_app.sessions.redis_scripts
"""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from authz_app.policy.principal import Principal
from tests.eventually import eventually
from tests.redis import RedisServer
from tests.tools_app.connected import OWNER
from tools_app.sessions import memory as memory_sessions, redis as redis_sessions
from tools_app.sessions.memory import MemorySessionStore
from tools_app.sessions.redis import RedisSessionStore
from tools_app.sessions.session import Listening, McpSessionState, Owner, SessionStore

LIMIT = 4
IDLE = 900
GRACE = 30


@pytest.fixture(params=["in memory", "in Redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[SessionStore]:
    if request.param == "in memory":
        yield MemorySessionStore(IDLE, grace=GRACE)
        return
    redis: RedisServer = request.getfixturevalue("redis")
    async with Redis.from_url(redis.url, socket_timeout=20) as connected:
        prefix = f"test-{uuid4().hex[:8]}."
        made = RedisSessionStore(connected, prefix, LIMIT, IDLE, GRACE)
        made.channel = f"{prefix}worker.here"
        yield made


def by_use(key: str = "k", owner: Owner = OWNER, expires_in: float = 60.0) -> McpSessionState:
    return McpSessionState(key, owner, "worker", round(time.time()) + expires_in, transport="streamable")


def with_a_stream(key: str = "s") -> McpSessionState:
    return replace(by_use(key), transport="sse")


async def test_a_session_is_found_as_it_was_stored_by_its_owner_alone(store: SessionStore) -> None:
    session = by_use()
    assert await store.open(session, 10)
    accepted = await store.accept("k", OWNER, 1)
    assert accepted is not None and (accepted.session, accepted.refusal) == (session, "")
    assert await store.accept("k", (*OWNER[:2], "other"), 1) is None
    assert await store.listed() == [session]


async def test_a_session_is_over_some_time_after_its_latest_token_has_expired_and_nothing_brings_it_back(
    store: SessionStore,
) -> None:
    await store.open(by_use(expires_in=-1 - GRACE), 10)
    assert await store.accept("k", OWNER, None) is None
    assert await store.listed() == []


async def test_a_session_whose_latest_token_has_expired_waits_for_the_next_one(store: SessionStore) -> None:
    await store.open(by_use(expires_in=-1), 10)
    accepted = await store.accept("k", OWNER, None)
    assert accepted is not None
    later = accepted.session.extended_to(time.time() + 60)
    await store.extend(later, Principal(*OWNER, frozenset(), 1))
    assert await store.listed() == [later]
    assert await store.over(["k"]) == {}


async def test_the_longest_idle_session_is_found_and_no_other_kind(store: SessionStore) -> None:
    assert await store.longest_idle(OWNER) is None
    await store.open(with_a_stream(), 10)
    assert await store.longest_idle(OWNER) is None
    for key in ("a", "b"):
        await store.open(by_use(key), 10)
    await store.accept("a", OWNER, None)
    await store.open(by_use("bob's", (OWNER[0], "bob", "app")), 10)
    assert await store.longest_idle(OWNER) == "b"
    await store.delete("b")
    assert await store.longest_idle(OWNER) == "a"


async def test_a_session_that_waits_for_an_answer_is_not_idle(store: SessionStore) -> None:
    await store.open(by_use(), 10)
    for request_id in (1, "1"):
        await store.accept("k", OWNER, request_id)
    await store.release(by_use(), 1)
    assert await store.longest_idle(OWNER) is None
    await store.release(by_use(), "1")
    assert await store.longest_idle(OWNER) == "k"


async def test_a_session_that_is_listened_to_is_not_idle(store: SessionStore) -> None:
    await store.open(by_use(), 10)
    await store.listen(by_use(), "one", is_new=True)
    assert await store.longest_idle(OWNER) is None
    await store.unlisten("k", "one")
    assert await store.longest_idle(OWNER) == "k"


async def test_the_newest_stream_is_chosen_and_an_older_one_again_when_it_has_closed(store: SessionStore) -> None:
    await store.open(by_use(), 10)
    expires_at = by_use().expires_at
    for stream in ("one", "two"):
        assert await store.listen(by_use(), stream, is_new=True) == Listening(expires_at, True)
    assert await store.listen(by_use(), "one", is_new=False) == Listening(expires_at, False)
    await store.unlisten("k", "two")
    assert await store.listen(by_use(), "one", is_new=False) == Listening(expires_at, True)


async def test_what_is_told_is_noted_for_the_chosen_stream_alone(store: SessionStore) -> None:
    await store.open(by_use(), 10)
    for stream in ("one", "two"):
        await store.listen(by_use(), stream, is_new=True)
    assert await store.tell("k", "one", "x") is None
    assert await store.tell("k", "two", "x") == ""
    assert await store.tell("k", "two", "y") == "x"


async def test_what_the_client_was_told_of_first_is_known_when_it_listens(store: SessionStore) -> None:
    await store.open(replace(by_use(), told="x"), 10)
    await store.listen(by_use(), "one", is_new=True)
    assert await store.tell("k", "one", "y") == "x"


async def test_nobody_listens_to_a_session_that_is_over(store: SessionStore) -> None:
    await store.open(by_use(), 10)
    await store.delete("k")
    assert await store.listen(by_use(), "one", is_new=True) is None
    assert await store.tell("k", "one", "x") is None
    await store.release(by_use(), 1)
    assert await store.listed() == []
    assert await store.open(by_use(), 1)


async def test_sessions_of_both_kinds_count_together(store: SessionStore) -> None:
    assert await store.open(with_a_stream(), 2)
    assert await store.open(by_use("a"), 2)
    assert not await store.open(by_use("b"), 2)
    await store.delete("a")
    assert await store.open(by_use("b"), 2)


async def test_in_memory_an_idle_session_is_over_and_its_memory_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_sessions, "_SWEEP_EVERY", 0.01)
    store = MemorySessionStore(0.05)
    for number in range(50):
        await store.open(by_use(f"k{number}"), 100)
    await store.open(with_a_stream(), 100)

    async def listed() -> int:
        return len(await store.listed())

    await eventually(listed, equals=1)
    assert await store.accept("k0", OWNER, None) is None
    await eventually(lambda: not store._used)
    assert list(store._sessions) == ["s"]
    assert store._counts == {OWNER[:2]: 1}
    assert store._sweeping is None


async def test_in_memory_a_session_whose_call_runs_for_longer_is_not_swept() -> None:
    store = MemorySessionStore(0.0)
    await store.open(by_use(), 10)
    store._requests["k"] = {(int, 1)}
    store._sweep()
    assert await store.accept("k", OWNER, None) is not None


async def test_in_redis_every_use_keeps_a_session_and_its_place_in_the_index(redis: RedisServer) -> None:
    async with Redis.from_url(redis.url, decode_responses=False) as connected:
        store = RedisSessionStore(connected, f"test-{uuid4().hex[:8]}.", LIMIT, IDLE)
        await store.open(by_use(), 10)
        name, index = store.keys_of("k")[0], store._index_of(OWNER)

        async def kept() -> tuple[int, int]:
            return await connected.ttl(name), await connected.ttl(index)

        uses: list[Any] = [
            lambda: store.accept("k", OWNER, 1),
            lambda: store.release(by_use(), 1),
            lambda: store.listen(by_use(), "one", is_new=True),
        ]
        for use in uses:
            await connected.expire(name, 5)
            await connected.expire(index, 5)
            await connected.zadd(index, {name: 1})
            await use()
            assert min(await kept()) > IDLE - 5
            assert await connected.zscore(index, name) > time.time() + IDLE - 5
        # A session with a stream lasts a lease, and does not shorten what others of its client keep.
        await store.open(with_a_stream(), 10)
        await store.renew(["s"])
        assert min(await kept()) > IDLE - 5


async def test_in_redis_requests_are_noted_for_all_workers_and_those_of_dead_ones_forgotten(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Redis.from_url(redis.url) as connected:
        prefix = f"test-{uuid4().hex[:8]}."
        here, dead = (RedisSessionStore(connected, prefix, LIMIT, IDLE) for _ in range(2))
        here.channel, dead.channel = f"{prefix}here", f"{prefix}dead"
        await here.open(by_use(), 10)
        async with connected.pubsub() as listening:
            await listening.subscribe(here.channel)
            for number in (1, 2):
                await here.accept("k", OWNER, number)
                await dead.accept("k", OWNER, 10 + number)
            refused = [await here.accept("k", OWNER, request_id) for request_id in (1, 3)]
            assert [accepted.refusal for accepted in refused if accepted] == [redis_sessions.DUPLICATE_ID, ""]
            assert await connected.hkeys(here.keys_of("k")[1]) == [b"1", b"2", b"3"]
            await here.accept("k", OWNER, 4)
            busy = await here.accept("k", OWNER, 5)
            assert busy is not None and "4 requests in flight" in busy.refusal
