"""Drill 6: the supervisor replaces its workers one by one under load, and then stops them all."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.databases import rows, rule_for_everybody
from tests.drills import evidence
from tests.drills.callers import NO_ANSWER, calling
from tests.drills.sizes import HEARTBEAT, SLACK, size
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.raw_sse import RawSession, call, raw_session
from tests.redis import RedisServer
from tests.site import Site, several_workers
from tests.supervised import reload, supervised

RESTARTS = size(2, 12)
WORKERS = 2
CALLERS = 6
DRAIN = 3.0
# The last lane's calls outlast every drain.
NAPS = (0.0, 1.0, 30.0)


@pytest.mark.timeout(size(200, 2_400))
async def test_a_rolling_restart_leaves_no_call_without_a_fate(
    watched_database: str, redis: RedisServer, issuer: Issuer, marks: Path
) -> None:
    limits = {"TOOL_TIME_LIMIT": "40", "AUDIT_TIMEOUT": "20", "DRAIN_SECONDS": str(DRAIN)}
    site = Site(watched_database, issuer, REDIS_URL=redis.url, **limits)
    took = []
    with supervised(site, WORKERS):
        async with calling([site], [site], CALLERS, NAPS) as book:
            for _ in range(RESTARTS):
                await book.reach(4 * CALLERS)
                started = time.monotonic()
                await asyncio.to_thread(reload, site, WORKERS)
                took.append(time.monotonic() - started)
            await book.reach(4 * CALLERS)
            assert NO_ANSWER not in book.refusals, "while workers were replaced, nobody listened"
            during = Counter(sent.status for sent in book.sent if sent.status != 202 or sent.settled_at)
            assert await asyncio.to_thread(site.stop) == 0
    slowest = book.assert_nothing_was_lost_in_silence(NAPS[-1] + HEARTBEAT + SLACK)
    evidence.assert_one_fate_each(watched_database)
    runs = evidence.assert_every_run_has_one_record(watched_database, marks)
    fates = evidence.outcomes(watched_database)
    assert {"ok", "cancelled"} <= fates.keys() <= {"ok", "cancelled", "not_run"}
    assert {sent.status for sent in book.sent} <= {202, 404, 503, NO_ANSWER}
    site.assert_no_traceback()
    print(
        f"{RESTARTS} restarts of {WORKERS} workers, {max(took):.1f} s at most; {runs} runs, outcomes {dict(fates)};"
        f" answers to posts before the stop {dict(during)}, {len(book.streams)} streams;"
        f" the slowest answer or end took {slowest:.1f} s"
    )


@asynccontextmanager
async def call_on_another_worker(
    database_url: str, redis: RedisServer, issuer: Issuer, tool: str, drain: float, **arguments: float
) -> AsyncIterator[tuple[RawSession, Site, Site]]:
    """A session, the worker that holds its stream, and another, on which its call 7 runs."""
    rule_for_everybody(database_url, "*")
    with several_workers(2, database_url, issuer, REDIS_URL=redis.url, DRAIN_SECONDS=str(drain)) as (home, other):
        async with raw_session(home) as session:
            assert (await session.post(call(tool, 7, **arguments), to=other)).status_code == 202
            await eventually(lambda: outcomes(database_url), equals=[("",)], within=SLACK)
            yield session, home, other


def outcomes(database_url: str) -> list[tuple[str, ...]]:
    return rows(database_url, "SELECT outcome FROM authz_app_callrecord")


async def test_a_call_that_a_drain_cuts_is_answered_on_a_stream_that_another_worker_holds(
    fresh_sqlite: str, redis: RedisServer, issuer: Issuer
) -> None:
    async with call_on_another_worker(fresh_sqlite, redis, issuer, "wait", 0.5) as (session, _, other):
        assert await asyncio.to_thread(other.stop) == 0
        answer = await session.message()
        assert (answer["id"], "was shut down" in answer["error"]["message"]) == (7, True)
        assert (await session.request("ping"))["result"] == {}
    assert outcomes(fresh_sqlite) == [("cancelled",)]


async def test_a_worker_that_drains_waits_for_what_others_answer_on_its_streams(
    fresh_sqlite: str, redis: RedisServer, issuer: Issuer
) -> None:
    async with call_on_another_worker(fresh_sqlite, redis, issuer, "nap", 20, seconds=2.0) as (session, home, _):
        stopping = asyncio.create_task(asyncio.to_thread(home.stop))
        assert (await session.message())["result"]["content"][0]["text"] == "rested"
        await session.ended()
        assert await stopping == 0
    assert outcomes(fresh_sqlite) == [("ok",)]
