"""Drill 3: workers are killed (-9) under load, again and again."""

import asyncio
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.drills import evidence
from tests.drills.callers import Book, Sent, Stream, calling
from tests.drills.sizes import HEARTBEAT, SLACK, size
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.redis import RedisServer
from tests.site import Site, SiteAddress, several_workers

KILLS = size(4, 50)
WORKERS = 3
CALLERS = 6
TIME_LIMIT = 2.0
SWEEP = 15.0
DIED = "The worker that was answering this request died"


@dataclass(frozen=True, slots=True)
class Kill:
    """A worker that died, with its streams at that time. Times are monotonic."""

    worker: Site
    pid: int
    at: float
    back_at: float
    streams: Sequence[Stream]

    def hit(self, sent: Sent) -> bool:
        """Whether the worker was to answer this request, or to deliver its answer."""
        until = self.at if sent.settled_at is None else sent.settled_at
        return self.worker in (sent.to, sent.stream.home) and sent.at < self.back_at and until >= self.at


async def kill(worker: Site, book: Book) -> Kill:
    """Kill a worker, see its streams end, and start it anew."""
    held = [stream for stream in book.streams if stream.home is worker and not stream.ended.is_set()]
    pid, at = worker.pid, time.monotonic()
    await asyncio.to_thread(worker.stop, signal.SIGKILL)
    async with asyncio.timeout(SLACK):
        for stream in held:
            await stream.ended.wait()
    await asyncio.to_thread(worker.start)
    return Kill(worker, pid, at, time.monotonic(), held)


@pytest.mark.timeout(size(150, 2_400))
async def test_a_killed_worker_leaves_no_call_without_a_fate_and_disturbs_no_other_session(
    watched_database: str, redis: RedisServer, issuer: Issuer, marks: Path
) -> None:
    limits = {"TOOL_TIME_LIMIT": str(TIME_LIMIT), "AUDIT_TIMEOUT": "20"}
    with several_workers(WORKERS, watched_database, issuer, REDIS_URL=redis.url, **limits) as workers:
        kills = []
        async with calling(workers, workers, CALLERS) as book:
            for _ in range(KILLS):
                await book.reach(4 * CALLERS)
                kills.append(await kill(random.choice(workers), book))
            await book.reach(4 * CALLERS)
        await no_open_records(watched_database)
        assert_only_its_own_streams_ended(book, kills)
        assert_others_were_answered(book, kills)
        assert_callers_were_told(book, kills)
        assert_orphans_are_unknown(watched_database, kills)
        evidence.assert_one_fate_each(watched_database)
        runs = evidence.assert_every_run_has_one_record(watched_database, marks)
        for worker in workers:
            worker.assert_no_traceback()
    told = [sent for sent in book.accepted if DIED in sent.told]
    slowest = book.assert_nothing_was_lost_in_silence(HEARTBEAT + TIME_LIMIT + SLACK)
    print(
        f"{len(kills)} kills, {runs} runs, outcomes {dict(evidence.outcomes(watched_database))};"
        f" {len(told)} callers were told that a worker died, the slowest answer took {slowest:.1f} s;"
        f" {sum(len(kill.streams) for kill in kills)} streams died with their workers;"
        f" orphans were found at most {max(late for _, late in evidence.unknown(watched_database)):.1f} s late"
    )


async def no_open_records(database_url: str) -> None:
    limit = TIME_LIMIT + 10 + SWEEP + SLACK
    await eventually(lambda: asyncio.to_thread(evidence.open_records, database_url), equals=0, within=limit)


def assert_only_its_own_streams_ended(book: Book, kills: Sequence[Kill]) -> None:
    died = {id(stream) for kill in kills for stream in kill.streams}
    others = [stream for stream in book.streams if stream.ended_at is not None and id(stream) not in died]
    # A stream can open in the moment of the kill.
    assert [stream for stream in others if not _was_down(stream.home, stream.ended_at, kills)] == []


def _was_down(worker: SiteAddress, at: float | None, kills: Sequence[Kill]) -> bool:
    return at is not None and any(kill.worker is worker and kill.at <= at <= kill.back_at for kill in kills)


def assert_others_were_answered(book: Book, kills: Sequence[Kill]) -> None:
    """Requests between workers that live were taken on, and answered with their results."""
    untouched = [sent for sent in book.sent if not any(kill.hit(sent) for kill in kills)]
    assert untouched
    assert [(sent.status, sent.answer) for sent in untouched if not (sent.status == 202 and sent.answer)] == []
    assert [sent.answer for sent in untouched if not sent.is_done] == []


def assert_callers_were_told(book: Book, kills: Sequence[Kill]) -> None:
    """Whoever waited for a worker that died, on a stream that lives, got an answer and not the end of the stream."""
    died = {id(stream) for kill in kills for stream in kill.streams}
    waiting = [sent for sent in book.accepted if id(sent.stream) not in died and any(kill.hit(sent) for kill in kills)]
    assert [sent for sent in waiting if sent.answer is None] == []
    assert {DIED} >= {sent.told[: len(DIED)] for sent in waiting if not sent.is_done}


def assert_orphans_are_unknown(database_url: str, kills: Sequence[Kill]) -> None:
    orphans = evidence.unknown(database_url)
    assert orphans
    assert all(0 <= late <= SWEEP + SLACK for _, late in orphans), orphans
    dead = [f"-{kill.pid}-" for kill in kills]
    assert all(any(pid in worker for pid in dead) for worker, _ in orphans), "a living worker's call became unknown"
