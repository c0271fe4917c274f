"""Workers and Redis that die or hang: what was asked is answered, or its stream closes. Nothing is lost in silence.

Covers: tools_app.transports.app
"""

import signal
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from tests.databases import rows, rule_for_everybody
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.raw_mcp import RawMcp, raw_mcp
from tests.raw_sse import INITIALIZE, call, raw_session, request
from tests.redis import RedisServer
from tests.site import Site, several_workers

WAIT = 60.0
PING = request("ping")
Workers = list[Site]


@pytest.fixture
def own_redis(redis: RedisServer) -> Iterator[RedisServer]:
    """A Redis server to break. (That there is one at all, the shared one shows.)"""
    with RedisServer() as server:
        yield server


@pytest.fixture
def workers(issuer: Issuer, own_redis: RedisServer, fresh_sqlite: str) -> Iterator[Workers]:
    with several_workers(2, fresh_sqlite, issuer, REDIS_URL=own_redis.url) as running:
        rule_for_everybody(fresh_sqlite, "*")
        yield running
        for worker in running:
            worker.assert_no_traceback()


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=WAIT) as client:
        yield client


async def posted(http: httpx2.AsyncClient, worker: Site, endpoint: str, expected: int) -> httpx2.Response:
    """The first answer of this status; every other one until then says 503."""

    async def answer() -> httpx2.Response | None:
        response = await http.post(worker.url + endpoint, headers=worker.headers("caller"), json=PING)
        return _if_it_is(expected, response)

    return await eventually(answer)


def _if_it_is(expected: int, response: httpx2.Response) -> httpx2.Response | None:
    assert response.status_code in {503, expected} or expected == 503, response.text
    return response if response.status_code == expected else None


async def expect_unavailable(http: httpx2.AsyncClient, worker: Site, endpoint: str) -> None:
    response = await posted(http, worker, endpoint, 503)
    assert (response.headers["retry-after"], response.json()["error"]) == ("1", "unavailable")
    assert "Redis" not in response.text


async def test_while_redis_is_away_each_worker_says_so_and_all_goes_on_when_it_is_back(
    workers: Workers, own_redis: RedisServer, http: httpx2.AsyncClient
) -> None:
    async with raw_session(workers[0], "caller") as session:
        own_redis.kill()
        for worker in workers:
            await expect_unavailable(http, worker, session.endpoint)
            response = await http.get(f"{worker.url}/sse", headers=worker.headers("caller"))
            assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        await session.ended()
    own_redis.start()
    for worker in workers:
        await posted(http, worker, session.endpoint, 404)
    async with raw_session(workers[1], "caller") as session:
        for worker in workers:
            assert (await session.request("ping", to=worker))["result"] == {}


async def test_a_session_outlasts_a_redis_that_hangs_for_a_moment(
    workers: Workers, own_redis: RedisServer, http: httpx2.AsyncClient
) -> None:
    async with raw_session(workers[0], "caller") as session:
        own_redis.pause()
        await expect_unavailable(http, workers[1], session.endpoint)
        own_redis.resume()
        await posted(http, workers[1], session.endpoint, 202)
        assert (await session.message())["result"] == {}
        params = {"name": "echo", "arguments": {"text": "x"}}
        for worker in workers:
            assert "result" in await session.request("tools/call", params, 2, to=worker)


async def test_a_result_whose_stream_s_worker_died_is_recorded_as_undelivered_and_its_session_ends(
    workers: Workers, http: httpx2.AsyncClient
) -> None:
    async with raw_session(workers[0], "caller") as session:
        # Its answer is due while nobody holds the stream.
        assert (await session.post(call("nap", 7, seconds=0.5), to=workers[1])).status_code == 202
        workers[0].stop(signal.SIGKILL)
        query = "SELECT outcome, undelivered FROM authz_app_callrecord WHERE subject = 'caller'"
        await eventually(lambda: rows(workers[1].database_url, query), equals=[("ok", 1)])
        headers = workers[1].headers("caller")

        async def status() -> int:
            return (await http.post(workers[1].url + session.endpoint, headers=headers, json=PING)).status_code

        await eventually(status, equals=404)
        with pytest.raises(httpx2.HTTPError):
            await session.ended()


async def at_mcp(session: RawMcp, worker: Site, expected: int) -> httpx2.Response:
    """The first answer of this status; every other one until then says 503."""

    async def answer() -> httpx2.Response | None:
        return _if_it_is(expected, await session.send(body=PING, to=worker))

    return await eventually(answer)


async def test_at_mcp_a_call_that_runs_is_answered_while_redis_is_away_and_others_are_told(
    workers: Workers, own_redis: RedisServer
) -> None:
    async with (
        raw_mcp(workers[0], "caller") as session,
        session.sent("GET", to=workers[0]) as listening,
        session.sent(body=call("count_up", 7, to=1, pause=4), to=workers[0]) as messages,
    ):
        await listening.comment()
        await messages.next()
        own_redis.kill()
        for worker in workers:
            response = await at_mcp(session, worker, 503)
            assert (response.headers["retry-after"], "Redis" in response.text) == ("1", False)
            opening = await session.send(
                body=request("initialize", INITIALIZE), headers={"Mcp-Session-Id": None}, to=worker
            )
            assert opening.status_code == 503
        assert (await messages.next())["result"]["content"][0]["text"] == "counted to 1"
        await listening.ended()
        own_redis.start()
        for worker in workers:
            await at_mcp(session, worker, 404)
        for worker in workers:
            session.session_id = ""
            await session.initialize(to=worker)
            for other in workers:
                await at_mcp(session, other, 200)


async def test_at_mcp_a_session_outlasts_a_redis_that_hangs_for_a_moment(
    workers: Workers, own_redis: RedisServer
) -> None:
    async with raw_mcp(workers[0], "caller") as session:
        own_redis.pause()
        for worker in workers:
            await at_mcp(session, worker, 503)
        own_redis.resume()
        for worker in workers:
            assert (await at_mcp(session, worker, 200)).json()["result"] == {}
