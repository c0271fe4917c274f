"""How workers reach each other through a real Redis: counted, addressed, and said so where they do not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.eventually import eventually
from tests.redis import RedisServer
from tests.tools_app.connected import WAIT, Connect, a_session
from tools_app.cluster import outbox
from tools_app.cluster.outbox import Delivery
from tools_app.cluster.workers import RedisWorkers, SingleWorker, WorkerMessage
from tools_app.sessions.session import SessionsUnavailable


class Peer:
    """One worker's end of it, and what arrived there or was lost there."""

    def __init__(self, name: str) -> None:
        self.received: list[WorkerMessage] = []
        self.lost: list[Delivery] = []
        self.workers = RedisWorkers(name, self.received.append, self.lost.append, 4, 900)

    @property
    def chunks(self) -> list[bytes]:
        return [item[2] for message in self.received if message["type"] == "deliveries" for item in message["items"]]

    async def has(self, messages: int) -> None:
        await eventually(lambda: len(self.received) >= messages)


Meet = Callable[[], Awaitable[Peer]]


@pytest.fixture
async def meet(connect: Connect) -> AsyncIterator[Meet]:
    """Let one more worker join the site."""
    peers: list[Peer] = []

    async def make() -> Peer:
        with connect():
            peers.append(Peer(f"w{len(peers)}"))
        await peers[-1].workers.join()
        return peers[-1]

    yield make
    for peer in peers:
        await peer.workers.leave()


async def test_a_worker_that_has_joined_is_heard_until_it_leaves(meet: Meet) -> None:
    here, there = await meet(), await meet()
    channels = {here.workers.channel, there.workers.channel}
    assert len(channels) == 2
    assert await here.workers.alive([*channels, "nobody"]) == channels
    await there.workers.leave()
    assert await here.workers.alive([*channels, "nobody"]) == {here.workers.channel}


async def test_joining_many_times_at_once_is_joining_once(connect: Connect) -> None:
    with connect():
        peer = Peer("w")
    await asyncio.gather(*(peer.workers.join() for _ in range(10)))
    channel = peer.workers.channel
    await peer.workers.join()
    assert peer.workers.channel == channel
    await peer.workers.tell_all({"type": "x"})
    await peer.has(1)
    await peer.workers.leave()
    assert len(peer.received) == 1


async def test_parcels_arrive_in_order_and_the_session_counts_them(meet: Meet) -> None:
    here, there = await meet(), await meet()
    session = a_session(channel=here.workers.channel)
    await here.workers.sessions.open(session, 10)
    for number in range(200):
        there.workers.post(session, Delivery("k", b"%d" % number))
    there.workers.post(session, Delivery("k", answers=b"7"))
    there.workers.post(session, Delivery("k", state=b"{}"))
    await eventually(lambda: len(here.chunks) == 201)
    assert here.chunks == [*(b"%d" % number for number in range(200)), b""]
    assert {message["from"] for message in here.received} == {there.workers.channel}
    assert (await here.workers.sessions.renew(["k"]))["k"].sent == 201
    assert there.lost == []


async def test_what_answers_a_request_ends_it_in_the_same_step(meet: Meet) -> None:
    here, there = await meet(), await meet()
    session = a_session(channel=here.workers.channel)
    await here.workers.sessions.open(session, 10)
    for request_id in (1, "1", 2):
        await there.workers.sessions.accept("k", session.owner, request_id)
    there.workers.post(session, Delivery("k", b"x", answers=b'"1"'))
    there.workers.post(session, Delivery("k", answers=b"2"))
    await here.has(1)
    assert (await here.workers.sessions.renew(["k"]))["k"].elsewhere == {b"1": there.workers.channel}


async def test_of_several_sessions_in_a_batch_those_that_are_gone_are_lost(meet: Meet) -> None:
    here, there = await meet(), await meet()
    sessions = [a_session(f"k{number}", here.workers.channel) for number in range(4)]
    for session in sessions[::2]:
        await here.workers.sessions.open(session, 10)
    for session in sessions * 2:
        there.workers.post(session, Delivery(session.key, session.key.encode(), answers=b"1"))
    await eventually(lambda: len(there.lost) == 4)
    assert sorted(delivery.session_key for delivery in there.lost) == ["k1", "k1", "k3", "k3"]
    leases = await here.workers.sessions.renew(["k0", "k2"])
    assert [lease.sent for lease in leases.values()] == [2, 2]


async def test_what_nobody_hears_is_lost_in_the_end_and_not_counted(
    meet: Meet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "RETRY_SECONDS", 0.1)
    here, there = await meet(), await meet()
    session = a_session(channel=here.workers.channel + "gone")
    await here.workers.sessions.open(session, 10)
    there.workers.post(session, Delivery("k", b"x"))
    await eventually(lambda: len(there.lost) == 1)
    assert (await here.workers.sessions.renew(["k"]))["k"].sent == 0


async def test_what_is_for_a_stream_that_was_here_is_lost(meet: Meet) -> None:
    here = await meet()
    here.workers.post(a_session(channel=here.workers.channel), Delivery("k", b"x"))
    assert [delivery.chunk for delivery in here.lost] == [b"x"]


async def test_a_worker_that_leaves_first_sends_what_it_has(meet: Meet) -> None:
    here, there = await meet(), await meet()
    session = a_session(channel=here.workers.channel)
    await here.workers.sessions.open(session, 10)
    for number in range(100):
        there.workers.post(session, Delivery("k", b"%d" % number))
    await there.workers.leave()
    await eventually(lambda: len(here.chunks) == 100)


async def test_everybody_is_told_the_teller_too_but_no_other_site(meet: Meet, connect: Connect) -> None:
    peers = [await meet(), await meet()]
    with connect("mcp-another."):
        stranger = Peer("stranger")
    await stranger.workers.join()
    await stranger.workers.tell_all({"type": "theirs"})
    await peers[0].workers.tell_all({"type": "ours"})
    for peer in [*peers, stranger]:
        await peer.has(1)
    await stranger.workers.leave()
    assert [peer.received for peer in peers] == [[{"type": "ours"}]] * 2
    assert stranger.received == [{"type": "theirs"}]


FORGED = [
    "", "nobody", "workers", "{prefix}", "{prefix}__group__workers", "{prefix}session:k", " {channel}",
    "another.{channel}", "{upper}", "{channel}" + "x" * 200, "\r\nPUBLISH {channel} x", "{prefix}worker", "*",
]  # fmt: skip


async def test_an_address_that_is_no_worker_s_is_sent_nothing(meet: Meet, redis: RedisServer) -> None:
    here, there = await meet(), await meet()
    channel = here.workers.channel
    prefix = channel.partition("worker.")[0]
    async with Redis.from_url(redis.url) as connected, connected.pubsub() as everything:
        await everything.psubscribe("*")
        for forged in FORGED:
            address = forged.format(prefix=prefix, channel=channel, upper=channel.upper())
            await there.workers.tell(address, {"type": "forged"})
        await there.workers.tell(channel, {"type": "true"})
        heard: list[Any] = []
        async with asyncio.timeout(WAIT):
            while not heard or b"true" not in heard[-1]["data"]:
                message = await everything.get_message(ignore_subscribe_messages=True, timeout=1)
                # Other tests share this server.
                heard += [message] if message and prefix.encode() in message["channel"] + message["data"] else []
    assert len(heard) == 1
    await here.has(1)
    assert here.received == [{"type": "true"}]


async def test_a_request_of_a_worker_that_died_is_taken_over_once(meet: Meet) -> None:
    here, there = await meet(), await meet()
    session = a_session(channel=here.workers.channel)
    await here.workers.sessions.open(session, 10)
    await there.workers.sessions.accept("k", session.owner, 1)
    claimed = await asyncio.gather(*(peer.workers.claim("k", b"1") for peer in (here, there) for _ in range(5)))
    assert sum(claimed) == 1
    assert not await here.workers.claim("k", b"2")


async def test_a_message_that_cannot_be_read_does_not_end_the_listening(
    meet: Meet, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = await meet(), await meet()
    async with Redis.from_url(redis.url) as connected:
        for garbage in (b"", b"\xc1", b"\x81", "text"):
            await connected.publish(here.workers.channel, garbage)
    await there.workers.tell(here.workers.channel, {"type": "x"})
    await eventually(lambda: {"type": "x"} in here.received)
    assert "could not be read" in caplog.text


async def test_a_message_that_cannot_be_taken_does_not_end_the_listening(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[WorkerMessage] = []

    def take(message: WorkerMessage) -> None:
        taken.append(message)
        if message["type"] == "bad":
            raise KeyError(message["type"])

    with connect():
        workers = RedisWorkers("w", take, taken.append, 4, 900)  # type: ignore[arg-type]
    await workers.join()
    await workers.tell_all({"type": "bad"})
    await workers.tell_all({"type": "good"})
    await eventually(lambda: len(taken) == 2)
    await workers.leave()
    assert "could not be read" in caplog.text


@pytest.mark.usefixtures("redis")
async def test_all_that_needs_the_others_says_so_while_redis_is_away_and_goes_on_when_it_is_back(
    connect: Connect,
) -> None:
    with RedisServer() as server:
        with connect(url=server.url):
            here = Peer("here")
        with connect(url=server.url):
            late = Peer("late")
        await here.workers.join()
        channel = here.workers.channel
        server.kill()
        for ask in (
            late.workers.join, lambda: here.workers.tell(channel, {}), lambda: here.workers.tell_all({}),
            lambda: here.workers.alive([channel]), lambda: here.workers.claim("k", b"1"),
        ):  # fmt: skip
            with pytest.raises(SessionsUnavailable):
                await ask()
        server.start()
        await late.workers.join()
        await eventually(lambda: late.workers.alive([channel]), equals={channel})
        await late.workers.tell(channel, {"type": "back"})
        await here.has(1)
        for peer in (here, late):
            await peer.workers.leave()


async def test_one_that_is_alone_talks_to_itself_and_loses_what_is_for_others() -> None:
    received: list[WorkerMessage] = []
    lost: list[Delivery] = []
    alone = SingleWorker(received.append, lost.append, 60, lambda session, why: None)
    await alone.join()
    await alone.tell("nobody", {"type": "x"})
    await alone.tell_all({"type": "y"})
    alone.post(a_session(), Delivery("k", b"x"))
    assert (received, [delivery.chunk for delivery in lost]) == ([{"type": "y"}], [b"x"])
    assert await alone.alive(["", "x"]) == {"", "x"}
    assert not await alone.claim("k", b"1")
    await alone.leave()
