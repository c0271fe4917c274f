"""The handshake era at `/mcp` on two workers, each request sent to the one that a test names."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import copy_sqlite
from tests.databases import outcome_of, rows, rule_for_everybody
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.raw_mcp import Messages, RawMcp, messages_in, raw_mcp
from tests.raw_sse import INITIALIZE, call, request
from tests.redis import RedisServer
from tests.site import Site, several_workers

WAIT = 60.0
IDLE = 2  # Seconds.
CHANGED = "notifications/tools/list_changed"
Workers = list[Site]
EITHER = pytest.mark.parametrize("one", [0, 1])
OTHER = pytest.mark.parametrize("other", [0, 1])


@pytest.fixture(scope="module")
def workers(
    issuer: Issuer, redis: RedisServer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workers]:
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("workers"))
    with several_workers(2, database_url, issuer, REDIS_URL=redis.url) as running:
        rule_for_everybody(database_url, "*")
        yield running
        for worker in running:
            worker.assert_no_traceback()
            assert "eyJ" not in worker.log


def workers_of(workers: Workers, subject: str) -> list[int]:
    """Which workers answered this subject's calls, in order."""
    query = "SELECT worker FROM authz_app_callrecord WHERE subject = ? ORDER BY at, id"
    names = [name for (name,) in rows(workers[0].database_url, query, [subject])]
    return [next(at for at, worker in enumerate(workers) if f"-{worker.pid}-" in name) for name in names]


def deny(workers: Workers, subject: str, tool: str) -> None:
    """Change this subject's list."""
    issuer = workers[0].issuer
    assert issuer is not None
    who = ("--issuer", issuer.url, "--subject", subject)
    done = workers[0].manage("add_rule", "--effect", "deny", *who, "--tool", tool)
    assert done.returncode == 0, done.stderr


# Answers on their own responses


async def test_a_session_is_known_to_every_worker_as_soon_as_its_id_is_out(workers: Workers) -> None:
    async with httpx2.AsyncClient(timeout=WAIT) as http:
        for number in range(6):
            session = RawMcp(workers[0], workers[0].headers("wanderer"), http)
            opening, calling = workers[number % 2], workers[(number + 1) % 2]
            opened = await session.send(body=request("initialize", INITIALIZE), to=opening)
            session.session_id = opened.headers["mcp-session-id"]
            assert (await session.call("whoami", to=calling))["result"]["content"][0]["text"].startswith("wanderer ")
    query = "SELECT DISTINCT client_software, protocol_version FROM authz_app_callrecord WHERE subject = 'wanderer'"
    assert rows(workers[0].database_url, query) == [("by hand 1", "2025-11-25")]
    assert workers_of(workers, "wanderer") == [1, 0] * 3


async def test_progress_and_log_messages_keep_their_order(workers: Workers) -> None:
    params = {"name": "count_up", "arguments": {"to": 200}, "_meta": {"progressToken": "t"}}
    async with raw_mcp(workers[0], "counter") as session:
        for worker in workers:
            seen = messages_in(await session.send(body=request("tools/call", params, 7), to=worker))
            told = [message["params"] for message in seen[:-1]]
            assert [params["progress"] for params in told[::2]] == [*range(1, 201)]
            assert [params["data"] for params in told[1::2]] == [f"counted {number}" for number in range(1, 201)]
            assert seen[-1]["result"]["content"][0]["text"] == "counted to 200"


async def test_a_log_level_set_through_one_worker_holds_on_the_other(workers: Workers) -> None:
    async with raw_mcp(workers[0], "quiet") as session:
        await session.request("logging/setLevel", {"level": "error"}, 1, to=workers[1])
        for worker in workers:
            response = await session.send(body=call("count_up", 2, to=3), to=worker)
            assert response.headers["content-type"] == "application/json"


@EITHER
@OTHER
@pytest.mark.parametrize("tool", ["greet", "greet_in_thread", "summarize"])
async def test_a_reply_reaches_the_worker_that_asked_through_any_worker(
    workers: Workers, one: int, other: int, tool: str
) -> None:
    reply: dict[str, Any] = {"action": "accept", "content": {"name": "Ada"}}
    arguments, said = {}, "Hello Ada!"
    if tool == "summarize":
        reply = {"role": "assistant", "content": {"type": "text", "text": "Russia."}, "model": "m"}
        arguments, said = {"text": "War and Peace"}, "Russia."
    subject = f"asked-{tool}-{one}-{other}"
    async with (
        raw_mcp(workers[0], subject, {"elicitation": {}, "sampling": {}}) as session,
        session.sent(body=call(tool, 7, **arguments), to=workers[one]) as messages,
    ):
        question = await messages.next()
        await session.reply(question, reply, to=workers[other])
        answer = await messages.next()
        assert (answer["id"], answer["result"]["content"][0]["text"]) == (7, said)
        await messages.ended()
    assert workers_of(workers, subject) == [one]


@EITHER
@OTHER
@pytest.mark.parametrize("tool", ["wait", "wait_in_thread"])
async def test_a_call_is_cancelled_through_any_worker_and_not_answered(
    workers: Workers, one: int, other: int, tool: str
) -> None:
    subject = f"cancelling-{tool}-{one}-{other}"
    async with raw_mcp(workers[0], subject) as session:
        running = asyncio.create_task(session.send(body=call(tool, 7), to=workers[one]))
        await outcome_of(workers[0].database_url, subject, "")
        await session.cancel(7, to=workers[other])
        assert messages_in(await running) == []
        await outcome_of(workers[0].database_url, subject, "cancelled")
        # Its id is free again.
        assert (await session.request("ping", request_id=7, to=workers[other]))["result"] == {}


# What belongs to no request


async def heard(messages: Messages) -> None:
    assert (await messages.next())["method"] == CHANGED


async def listened(messages: Messages) -> Messages:
    """Wait until the stream is open."""
    await messages.comment()
    return messages


@EITHER
async def test_a_client_hears_on_whichever_worker_it_listens_that_its_list_has_changed(
    workers: Workers, one: int
) -> None:
    subject = f"told-{one}"
    async with (
        raw_mcp(workers[0], subject) as session, raw_mcp(workers[0], f"untold-{one}") as other,
        session.sent("GET", to=workers[one]) as listening, other.sent("GET", to=workers[one]) as quiet,
    ):  # fmt: skip
        await listened(listening)
        await listened(quiet)
        await asyncio.to_thread(deny, workers, subject, "echo")
        await heard(listening)
        names = {tool["name"] for tool in (await session.request("tools/list"))["result"]["tools"]}
        assert "echo" not in names
        await other.send("DELETE", to=workers[1 - one])
        with pytest.raises(StopAsyncIteration):
            await quiet.next()


@EITHER
@OTHER
async def test_of_several_streams_the_newest_hears_and_an_older_one_takes_its_place(
    workers: Workers, one: int, other: int
) -> None:
    subject = f"twice-{one}-{other}"
    async with raw_mcp(workers[0], subject) as session, session.sent("GET", to=workers[one]) as older:
        await listened(older)
        async with session.sent("GET", to=workers[other]) as newer:
            await listened(newer)
            await asyncio.to_thread(deny, workers, subject, "echo")
            await heard(newer)
        await asyncio.to_thread(deny, workers, subject, "whoami")
        await heard(older)


async def test_a_client_hears_of_what_changed_before_it_listened_for_the_first_time(workers: Workers) -> None:
    async with raw_mcp(workers[0], "late-listener") as session:
        await session.request("tools/list")
        await asyncio.to_thread(deny, workers, "late-listener", "echo")
        async with session.sent("GET", to=workers[1]) as listening:
            await heard(await listened(listening))


async def test_a_client_that_was_away_hears_at_once_that_its_list_has_changed_meanwhile(workers: Workers) -> None:
    async with raw_mcp(workers[0], "away") as session:
        async with session.sent("GET", to=workers[0]) as listening:
            await listened(listening)
        await asyncio.to_thread(deny, workers, "away", "echo")
        async with session.sent("GET", to=workers[1]) as listening:
            await heard(await listened(listening))
        async with session.sent("GET", to=workers[0]) as listening:
            await listened(listening)
            await session.send("DELETE", to=workers[1])
            with pytest.raises(StopAsyncIteration):
                await listening.next()


async def test_a_client_listens_on_so_many_streams_of_one_session_and_no_more(workers: Workers) -> None:
    async with raw_mcp(workers[0], "many-ears") as session, session.sent("GET", to=workers[0]) as oldest:
        await listened(oldest)
        streams = [session.sent("GET", to=workers[0]) for _ in range(4)]
        opened = [await stream.__aenter__() for stream in streams]
        await oldest.ended()
        for messages in opened:
            await listened(messages)
        for stream in streams:
            await stream.__aexit__(None, None, None)


# Workers that leave


@pytest.fixture
def leaving(issuer: Issuer, redis: RedisServer, fresh_sqlite: str) -> Iterator[Workers]:
    with several_workers(2, fresh_sqlite, issuer, REDIS_URL=redis.url, DRAIN_SECONDS="3") as running:
        rule_for_everybody(fresh_sqlite, "*")
        yield running
        for worker in running:
            worker.assert_no_traceback()


async def test_a_worker_that_drains_finishes_what_it_answers_and_closes_its_streams(leaving: Workers) -> None:
    here, there = leaving
    async with (
        raw_mcp(here, "drained") as session,
        session.sent("GET", to=here) as listening,
        session.sent(body=call("count_up", 7, to=1, pause=1.5), to=here) as finished,
        session.sent(body=call("count_up", 8, to=1, pause=60), to=here) as cut_short,
    ):
        await listened(listening)
        for messages in (finished, cut_short):
            await messages.next()
        stopping = asyncio.create_task(asyncio.to_thread(here.stop))
        assert (await finished.next())["result"]["content"][0]["text"] == "counted to 1"
        assert "was shut down before it was done" in (await cut_short.next())["error"]["message"]
        await listening.ended()
        assert await stopping == 0
        # The session goes on elsewhere.
        for number in range(2):
            assert (await session.request("ping", request_id=number, to=there))["result"] == {}
    query = "SELECT outcome FROM authz_app_callrecord WHERE subject = 'drained' ORDER BY outcome"
    assert rows(there.database_url, query) == [("cancelled",), ("ok",)]


async def test_a_worker_that_dies_takes_its_responses_with_it_and_no_session(leaving: Workers) -> None:
    here, there = leaving
    async with raw_mcp(here, "orphan") as session, session.sent("GET", to=here) as listening:
        await listened(listening)
        async with session.sent(body=call("count_up", 7, to=1, pause=60), to=here) as messages:
            await messages.next()
            await asyncio.to_thread(here.stop, signal.SIGKILL)
            for broken in (messages, listening):
                with pytest.raises((httpx2.HTTPError, StopAsyncIteration)):
                    await broken.next()
        # What died is not in the way: neither its id, nor its place among the requests in flight.
        assert (await session.request("ping", request_id=7, to=there))["result"] == {}
        async with session.sent("GET", to=there) as again:
            await listened(again)


async def test_idle_sessions_end_on_every_worker_and_those_in_use_do_not(
    issuer: Issuer, redis: RedisServer, fresh_sqlite: str
) -> None:
    rule_for_everybody(fresh_sqlite, "*")
    with several_workers(2, fresh_sqlite, issuer, REDIS_URL=redis.url, MAX_SESSION_IDLE=str(IDLE)) as workers:
        await _idle(workers)


async def test_idle_sessions_end_on_a_site_with_one_worker(start_site: Callable[..., Site], fresh_sqlite: str) -> None:
    rule_for_everybody(fresh_sqlite, "*")
    await _idle([start_site(fresh_sqlite, MAX_SESSION_IDLE=str(IDLE))] * 2)


async def _idle(workers: Workers) -> None:
    async with raw_mcp(workers[0], "idle") as idle, raw_mcp(workers[0], "used") as used:
        started = time.monotonic()

        async def while_one_is_used() -> bool:
            for worker in workers:
                assert (await used.request("ping", to=worker))["result"] == {}
            return time.monotonic() > started + 2 * IDLE

        await eventually(while_one_is_used)
        for worker in workers:
            assert (await idle.send(body=request("ping"), to=worker)).status_code == 404
            assert (await used.request("ping", to=worker))["result"] == {}
