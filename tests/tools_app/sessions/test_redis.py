"""MCP sessions in a real Redis, seen by several workers at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from time import time
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from authz_app.policy.principal import Principal
from tests.eventually import eventually
from tests.redis import RedisServer
from tools_app.sessions import redis as redis_sessions
from tools_app.sessions.redis import RedisSessionStore
from tools_app.sessions.session import McpSessionState, SessionsUnavailable

OWNER = ("https://issuer.example/", "alice", "app")
WAIT = 60.0
# Seconds after which Redis is taken to hang. It answers sooner on a busy machine, too.
HANGING = 1.0
LIMIT = 4
IDLE = 900
MakeStore = Callable[[], RedisSessionStore]


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid4().hex[:8]}."


@pytest.fixture
async def connection(redis: RedisServer) -> AsyncIterator[Redis]:
    """A connection of the tests' own, to look into what is stored."""
    async with Redis.from_url(redis.url) as connected:
        yield connected


@pytest.fixture
async def make_store(redis: RedisServer, prefix: str) -> AsyncIterator[MakeStore]:
    """Make the store of one more worker of the same site."""
    connections: list[Redis] = []

    def make() -> RedisSessionStore:
        connections.append(Redis.from_url(redis.url, socket_timeout=20))
        store = RedisSessionStore(connections[-1], prefix, LIMIT, IDLE)
        store.channel = f"{prefix}worker.{len(connections)}"
        return store

    yield make
    for connected in connections:
        await connected.aclose()


def a_session(key: str = "k", owner: tuple[str, str, str] = OWNER, expires_in: float = 60.0) -> McpSessionState:
    return McpSessionState(key, owner, "worker", round(time()) + expires_in, channel="somewhere")


def principal(expires_at: int = 1) -> Principal:
    return Principal(*OWNER, frozenset({"deploy", "read"}), expires_at, {"groups": ["a"], "large": 2**70})


def test_a_session_outlives_three_heartbeats() -> None:
    assert redis_sessions.LEASE == 45


async def test_a_session_is_found_by_every_worker_as_it_was_stored(make_store: MakeStore) -> None:
    here, there = make_store(), make_store()
    session = replace(a_session(), client_info={"name": "x"}, capabilities={"elicitation": {}})
    assert await here.open(session, 10)
    for store in (here, there):
        accepted = await store.accept("k", OWNER, None)
        assert accepted is not None
        assert (accepted.session, accepted.refusal) == (session, "")


@pytest.mark.parametrize(
    "other",
    [
        ("https://issuer.example", "alice", "app"),
        ("https://issuer.example/", "Alice", "app"),
        ("https://issuer.example/", "alice", ""),
        ("https://issuer.example/", "app", "alice"),
        ("https://issuer.example/", 'alice","app', ""),
    ],
)
async def test_a_session_does_not_exist_for_another_owner(make_store: MakeStore, other: tuple[str, str, str]) -> None:
    here, there = make_store(), make_store()
    await here.open(a_session(), 10)
    for store in (here, there):
        assert await store.accept("k", other, 1) is None
    assert (await here.renew(["k"]))["k"].elsewhere == {}


@pytest.mark.parametrize("key", ["", "K", "k*", "k\n", "another", "requests:k", "\x00"])
async def test_a_session_that_was_not_opened_does_not_exist(make_store: MakeStore, key: str) -> None:
    here, there = make_store(), make_store()
    await here.open(a_session(), 10)
    for store in (here, there):
        assert await store.accept(key, OWNER, 1) is None


async def test_the_limit_per_client_is_exact_when_workers_open_sessions_at_once(make_store: MakeStore) -> None:
    stores = [make_store() for _ in range(4)]
    opened = await asyncio.gather(
        *(
            stores[number % 4].open(a_session(f"k{number}", (*OWNER[:2], f"app{number % 3}")), 10)
            for number in range(60)
        )
    )
    assert sum(opened) == 10
    assert await stores[0].open(a_session("bob's", (OWNER[0], "bob", "app")), 10)
    assert len(await stores[1].listed()) == 11


async def test_a_deleted_session_no_longer_counts(make_store: MakeStore) -> None:
    here = make_store()
    assert await here.open(a_session("a"), 1)
    assert not await here.open(a_session("b"), 1)
    await here.delete("a")
    assert await here.open(a_session("b"), 1)


async def test_a_request_id_that_another_worker_is_answering_is_refused(make_store: MakeStore) -> None:
    here, one, other = make_store(), make_store(), make_store()
    await here.open(a_session(), 10)
    taken = [await one.accept("k", OWNER, request_id) for request_id in (1, "1")]
    assert [accepted.refusal for accepted in taken if accepted] == ["", ""]
    for request_id in (1, "1"):
        again = await other.accept("k", OWNER, request_id)
        assert again is not None and "is being answered already" in again.refusal
    assert (await here.renew(["k"]))["k"].elsewhere == {b"1": one.channel, b'"1"': one.channel}


async def test_of_one_request_id_sent_to_many_workers_at_once_one_is_taken(make_store: MakeStore) -> None:
    here, *others = (make_store() for _ in range(5))
    await here.open(a_session(), 10)
    accepted = await asyncio.gather(*(other.accept("k", OWNER, 1) for other in others * 5))
    assert sorted(found.refusal for found in accepted if found)[:2] == [
        "",
        "A request with this id is being answered already.",
    ]


async def test_no_more_requests_are_taken_than_a_session_may_have(make_store: MakeStore) -> None:
    here, *others = (make_store() for _ in range(4))
    await here.open(a_session(), 10)
    accepted = await asyncio.gather(*(others[number % 3].accept("k", OWNER, number) for number in range(30)))
    refusals = [found.refusal for found in accepted if found]
    assert refusals.count("") == LIMIT
    assert len([refusal for refusal in refusals if "4 requests in flight" in refusal]) == 30 - LIMIT


async def test_messages_that_are_no_requests_are_taken_at_the_limit_too(make_store: MakeStore) -> None:
    here, other = make_store(), make_store()
    await here.open(a_session(), 10)
    for number in range(LIMIT):
        await other.accept("k", OWNER, number)
    accepted = await other.accept("k", OWNER, None)
    assert accepted is not None and accepted.refusal == ""


async def test_what_one_worker_stores_the_others_read(make_store: MakeStore) -> None:
    here, there = make_store(), make_store()
    session = a_session()
    await here.open(session, 10)
    await there.update(replace(session, log_level="debug"))
    for store in (there, make_store()):
        accepted = await store.accept("k", OWNER, None)
        assert accepted is not None and accepted.session.log_level == "debug"
    here.learn(replace(session, log_level="debug"))
    accepted = await here.accept("k", OWNER, None)
    assert accepted is not None and accepted.session.log_level == "debug"


async def test_nothing_brings_a_deleted_session_back(make_store: MakeStore, connection: Redis, prefix: str) -> None:
    here, there = make_store(), make_store()
    session = a_session()
    await here.open(session, 10)
    await there.delete("k")
    for store in (here, there):
        await store.update(replace(session, log_level="debug"))
        await store.extend(session.extended_to(session.expires_at + 60), principal())
    here.learn(session)
    assert await here.renew(["k"]) == {}
    assert await there.accept("k", OWNER, 1) is None
    assert [key async for key in connection.scan_iter(f"{prefix}session:*")] == []


async def test_a_session_deleted_by_another_worker_does_not_exist_here_once_that_is_known(
    make_store: MakeStore,
) -> None:
    here, there = make_store(), make_store()
    await here.open(a_session(), 10)
    await there.delete("k")
    await here.delete("k")
    assert await here.accept("k", OWNER, 1) is None


@pytest.mark.parametrize("through", ["here", "there"])
async def test_a_session_is_extended_and_never_shortened(make_store: MakeStore, through: str) -> None:
    here, there = make_store(), make_store()
    session = a_session()
    later = session.expires_at + 60.5
    await here.open(session, 10)
    store = here if through == "here" else there
    await store.extend(session.extended_to(later), principal())
    await store.extend(session, principal())
    assert (await here.renew(["k"]))["k"].expires_at == later
    accepted = await there.accept("k", OWNER, None)
    assert accepted is not None and accepted.session.expires_at == later


async def test_whom_the_latest_token_names_is_known_to_the_stream_s_worker_once(make_store: MakeStore) -> None:
    here, there = make_store(), make_store()
    session = a_session()
    await here.open(session, 10)
    for number in (1, 3, 2):
        await there.extend(session.extended_to(session.expires_at + number), principal(number))
    assert (await here.renew(["k"]))["k"].presented == principal(3)
    assert (await here.renew(["k"]))["k"].presented is None


async def test_a_session_that_was_without_a_valid_token_for_too_long_exists_no_more_on_any_worker(
    make_store: MakeStore,
) -> None:
    here, there = make_store(), make_store()
    await here.open(a_session("over", expires_in=-1), 10)
    for store in (here, there):
        assert await store.accept("over", OWNER, None) is None
        store._grace = 60
        assert await store.accept("over", OWNER, None) is not None


async def test_storing_a_session_s_state_does_not_shorten_it(make_store: MakeStore) -> None:
    here, there = make_store(), make_store()
    session = a_session()
    later = session.expires_at + 60
    await here.open(session, 10)
    await there.extend(session.extended_to(later), principal())
    await there.update(replace(session, log_level="debug"))
    await here.update(replace(session, log_level="error"))
    assert (await here.renew(["k"]))["k"].expires_at == later
    assert [listed.expires_at for listed in await here.listed()] == [later]


async def test_a_session_that_nobody_renews_is_gone_when_its_lease_ends_and_counts_no_longer(
    make_store: MakeStore, connection: Redis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = make_store(), make_store()
    with monkeypatch.context() as brief:
        brief.setattr(redis_sessions, "LEASE", 2)
        await here.open(a_session("left"), 2)
        await there.accept("left", OWNER, 1)
    await here.open(a_session("kept"), 2)
    assert not await there.open(a_session("new"), 2)

    async def left_behind() -> set[bytes]:
        return {f"{prefix}{kind}:left".encode() for kind in ("session", "requests")} & set(await connection.keys())

    await eventually(left_behind, equals=set())
    await eventually(lambda: there.open(a_session("new"), 2))  # Redis' clock counts whole seconds here
    assert await there.accept("left", OWNER, None) is None
    assert set(await here.renew(["left", "kept"])) == {"kept"}


async def test_a_lease_is_as_long_as_it_says_for_all_that_belongs_to_a_session(
    make_store: MakeStore, connection: Redis, prefix: str
) -> None:
    here, there = make_store(), make_store()
    await here.open(a_session(), 10)
    await there.accept("k", OWNER, 1)
    names = [key async for key in connection.scan_iter(f"{prefix}*")]
    assert len(names) == 3
    for renewed in (False, True):
        for name in names:
            assert redis_sessions.LEASE - 5 <= await connection.ttl(name) <= redis_sessions.LEASE
            if not renewed:
                await connection.expire(name, 10)
        await here.renew(["k"])


async def test_only_the_stream_s_worker_renews_a_session(make_store: MakeStore) -> None:
    here, there = make_store(), make_store()
    await here.open(a_session(), 10)
    assert await there.renew(["k", "no such"]) == {}
    assert set(await here.renew(["k", "no such"])) == {"k"}
    assert await here.renew([]) == {}


async def test_listed_are_the_open_sessions_of_this_site_alone(make_store: MakeStore, connection: Redis) -> None:
    here, there = make_store(), make_store()
    sessions = [a_session(f"k{number}", (OWNER[0], f"s{number}", "app")) for number in range(5)]
    for number, session in enumerate(sessions):
        await (here if number % 2 else there).open(session, 10)
    await RedisSessionStore(connection, "another-site.", LIMIT, IDLE).open(a_session("foreign"), 10)
    await here.delete("k1")
    await there.accept("k2", OWNER, 1)
    for store in (here, there):
        assert {session.key for session in await store.listed()} == {"k0", "k2", "k3", "k4"}
    assert {session.owner for session in await here.listed()} == {
        session.owner for session in sessions if session.key != "k1"
    }


async def test_nothing_stored_tells_the_session_id_or_a_token(
    make_store: MakeStore, connection: Redis, prefix: str
) -> None:
    await make_store().open(a_session(), 10)
    stored = await connection.hgetall(f"{prefix}session:k")
    assert set(stored) == {b"owner", b"state", b"expires", b"sent"}


@pytest.fixture
async def away(prefix: str) -> AsyncIterator[tuple[RedisSessionStore, RedisServer]]:
    """A store with one session, and the server that it is about to lose."""
    with RedisServer() as server:
        async with Redis.from_url(server.url, socket_timeout=HANGING, socket_connect_timeout=HANGING) as connected:
            store = RedisSessionStore(connected, prefix, LIMIT, IDLE)
            await store.open(a_session(), 10)
            yield store, server


ASKED = {
    "open": lambda store: store.open(a_session("new"), 10),
    "accept": lambda store: store.accept("other", OWNER, 1),
    "update": lambda store: store.update(a_session()),
    "extend": lambda store: store.extend(a_session(), principal()),
    "renew": lambda store: store.renew(["k"]),
    "listed": lambda store: store.listed(),
    "delete": lambda store: store.delete("k"),
}


@pytest.mark.usefixtures("redis")
async def test_everything_says_so_while_redis_hangs_or_is_away_and_works_again_when_it_is_back(
    away: tuple[RedisSessionStore, RedisServer],
) -> None:
    store, server = away
    server.pause()
    with pytest.raises(SessionsUnavailable):
        await store.renew(["k"])
    server.kill()
    for name, ask in ASKED.items():
        with pytest.raises(SessionsUnavailable, match="Try again in a moment"):
            await ask(store)
        assert not store.reachable, name
    server.start()
    assert await store.open(a_session("after"), 10)
    assert store.reachable


@pytest.mark.usefixtures("redis")
async def test_an_own_session_is_not_served_from_memory_while_redis_is_away(
    away: tuple[RedisSessionStore, RedisServer],
) -> None:
    store, server = away
    assert await store.accept("k", OWNER, 1) is not None
    server.kill()
    with pytest.raises(SessionsUnavailable):
        await store.renew(["k"])
    await store.renew([])
    with pytest.raises(SessionsUnavailable):
        await store.accept("k", OWNER, 1)


async def test_what_a_redis_that_hung_notes_too_late_is_forgotten(redis: RedisServer, prefix: str) -> None:
    with RedisServer() as own:
        async with Redis.from_url(own.url, socket_timeout=HANGING) as connected:
            store = RedisSessionStore(connected, prefix, LIMIT, IDLE)
            by_use = replace(a_session(), transport="streamable")
            await store.open(by_use, 10)
            await store.accept("k", OWNER, 1)
            own.pause()
            with pytest.raises(SessionsUnavailable):
                await store.accept("k", OWNER, 2)
            with pytest.raises(SessionsUnavailable):
                await store.release(by_use, 1)
            own.resume()
            for request_id in (1, 2):
                accepted = await store.accept("k", OWNER, request_id)
                assert accepted is not None and accepted.refusal == ""
            assert await connected.hlen(store.keys_of("k")[1]) == 2


async def test_a_request_whose_acceptance_is_cancelled_does_not_count_as_being_answered(redis: RedisServer) -> None:
    with RedisServer() as own:
        async with Redis.from_url(own.url, socket_timeout=WAIT) as connected:
            store = RedisSessionStore(connected, "test.", LIMIT, IDLE)
            await store.open(replace(a_session(), transport="streamable"), 10)
            own.pause()
            asked, waiting = (asyncio.create_task(store.accept("k", OWNER, number)) for number in (1, 2))
            await asyncio.sleep(0)
            late = asyncio.create_task(store.accept("k", OWNER, 3))
            await asyncio.sleep(0)
            for cancelled in (asked, waiting, late):
                cancelled.cancel()
            await asyncio.wait([asked, waiting, late], timeout=WAIT)
            own.resume()
            assert await store.accept("k", OWNER, 4) is not None
            assert await connected.hkeys(store.keys_of("k")[1]) == [b"4"]
