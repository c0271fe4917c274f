"""Drill 4: Redis is killed, stays away, comes back empty, and hangs, all of it under load."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.drills import evidence
from tests.drills.callers import Book, calling
from tests.drills.sizes import HEARTBEAT, SLACK, size
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.redis import RedisServer
from tests.site import Site, several_workers

AWAY = size(8.0, 60.0)
HANGING = size(4.0, 10.0)
BLINKS = size(1, 5)
WORKERS = 2
CALLERS = 6
NAP = 1.0
# Until a worker has noticed: a heartbeat of its own, and as long as it waits for Redis.
_NOTICED = 6.0
# Complaints of one worker: of an outage, and of each second of it until its streams end.
_COMPLAINTS = 12


@pytest.fixture
def own_redis(redis: RedisServer) -> Iterator[RedisServer]:
    """A Redis server to break. (That there is one at all, the shared one shows.)"""
    with RedisServer() as server:
        yield server


@pytest.mark.timeout(size(200, 1_200))
async def test_whatever_redis_does_callers_are_answered_or_told_and_workers_recover(
    watched_database: str, own_redis: RedisServer, issuer: Issuer, marks: Path
) -> None:
    limits = {"AUDIT_TIMEOUT": "20", "TOOL_TIME_LIMIT": "20"}
    with several_workers(WORKERS, watched_database, issuer, REDIS_URL=own_redis.url, **limits) as workers:
        async with calling(workers, workers, CALLERS) as book:
            back = [await _gone(own_redis, workers, book, AWAY)]
            for _ in range(BLINKS):
                back.append(await _gone(own_redis, workers, book, 0.0))
            own_redis.pause()
            await asyncio.sleep(HANGING)
            own_redis.resume()
            back.append(await _recovered(workers, book))
        slowest = book.assert_nothing_was_lost_in_silence(NAP + HEARTBEAT + SLACK)
        evidence.assert_every_run_has_one_record(watched_database, marks)
    outcomes = evidence.outcomes(watched_database)
    assert outcomes.keys() <= {"ok", "cancelled", "not_run"}
    evidence.assert_one_fate_each(watched_database)
    complaints = evidence.complaints(workers)
    for worker in workers:
        worker.assert_no_traceback()
    assert len(complaints) < _COMPLAINTS * WORKERS * (BLINKS + 2), complaints
    statuses = Counter(sent.status for sent in book.sent)
    print(
        f"{dict(statuses)} answers to {len(book.sent)} posts, {dict(book.refusals)} refused streams,"
        f" the slowest answer or end took {slowest:.1f} s; served again {[round(seconds, 1) for seconds in back]} s"
        f" after it was back; outcomes {dict(outcomes)}; {len(complaints)} lines of complaint:\n"
    )
    print("\n".join(complaints))


async def _gone(redis: RedisServer, workers: Sequence[Site], book: Book, seconds: float) -> float:
    """Kill Redis, and start it again after so many seconds; returns how many more it took to serve again."""
    await asyncio.to_thread(redis.kill)
    gone_at = time.monotonic()
    await asyncio.sleep(seconds)
    back_at = time.monotonic()
    await asyncio.to_thread(redis.start)
    during = [sent.status for sent in book.sent if gone_at + _NOTICED < sent.at < back_at]
    assert set(during) <= {503}
    assert seconds < _NOTICED or book.refusals[503], "no worker said that it cannot serve"
    return await _recovered(workers, book)


async def _recovered(workers: Sequence[Site], book: Book) -> float:
    """Seconds until calls are answered again, from each worker to the streams of each."""
    started = time.monotonic()
    wanted = {(home.url, to.url) for home in workers for to in workers}

    def answered() -> set[tuple[str, str]]:
        since = [sent for sent in book.sent if sent.at > started and sent.is_done]
        return {(sent.stream.home.url, sent.to.url) for sent in since}

    await eventually(answered, equals=wanted, within=2 * HEARTBEAT + SLACK)
    return time.monotonic() - started
