"""A limit holds exactly, however many workers count against it, and nothing runs where nothing can be counted."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from tests import raw_modern
from tests.databases import execute, rows, rule_for_everybody
from tests.issuer import Issuer
from tests.promises.test_fail_closed import writes_refused
from tests.redis import RedisServer
from tests.site import Site, several_workers

LIMIT = 100
IN_FLIGHT = 8
Start = Callable[[str, int], Sequence[Site]]


@pytest.fixture
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "marks"
    path.touch()
    monkeypatch.setenv("MARKS", str(path))
    return path


@pytest.fixture
def workers(issuer: Issuer, redis: RedisServer, fresh_database: str, marks: Path) -> Iterator[Sequence[Site]]:
    """Four on PostgreSQL; two on SQLite, where they write in turn."""
    count = 2 if fresh_database.startswith("sqlite") else 4
    with several_workers(count, fresh_database, issuer, REDIS_URL=redis.url) as running:
        rule_for_everybody(fresh_database, "*")
        limit_all_clients_together(fresh_database)
        yield running
        for worker in running:
            worker.assert_no_traceback()


def limit_all_clients_together(database_url: str) -> None:
    execute(
        database_url,
        "INSERT INTO authz_app_rule (effect, applies_to, token_scopes, tools, enabled, note, created_at, updated_at,"
        f" limit_calls, limit_period, limit_per) VALUES ('limit', 'every', '', 'mark', true, '', CURRENT_TIMESTAMP,"
        f" CURRENT_TIMESTAMP, {LIMIT}, 'hour', 'together')",
    )


@asynccontextmanager
async def hammering(workers: Sequence[Site], calls: int) -> AsyncIterator["asyncio.Task[list[int]]"]:
    """So many calls through each worker, by several clients, as fast as they go."""
    numbers = itertools.count()

    async def caller(worker: Site, http: httpx2.AsyncClient, left: Iterator[int]) -> int:
        made = 0
        for _ in left:
            body = raw_modern.call("mark", {"text": f"mark-{next(numbers)}"})
            headers = raw_modern.headers_for(body) | worker.headers(f"subject-{made % 3}")
            await http.post(f"{worker.url}/mcp", json=body, headers=headers)
            made += 1
        return made

    async with httpx2.AsyncClient(timeout=60) as http:
        lefts = [(worker, iter(range(calls))) for worker in workers]
        callers = [caller(worker, http, left) for worker, left in lefts for _ in range(IN_FLIGHT)]
        yield asyncio.ensure_future(asyncio.gather(*callers))


async def test_a_limit_of_100_lets_through_exactly_100(workers: Sequence[Site], marks: Path) -> None:
    async with asyncio.timeout(100), hammering(workers, 400 // len(workers)) as calls:
        assert sum(await calls) == 400
    recorded = rows(workers[0].database_url, "SELECT reason, worker, arguments FROM authz_app_callrecord")
    assert Counter(reason for reason, _, _ in recorded) == {"allowed": LIMIT, "limit_reached": 400 - LIMIT}
    assert len({worker for _, worker, _ in recorded}) == len(workers)
    allowed = {json.loads(arguments)["text"] for reason, _, arguments in recorded if reason == "allowed"}
    assert Counter(marks.read_text().split()) == dict.fromkeys(allowed, 1)


async def test_nothing_is_let_through_while_the_database_refuses_writes(workers: Sequence[Site], marks: Path) -> None:
    async with asyncio.timeout(100):
        with writes_refused(workers[0].database_url):
            async with hammering(workers, 20) as calls:
                await calls
        assert marks.read_text() == ""
        assert rows(workers[0].database_url, "SELECT count(*) FROM authz_app_limitcount") == [(0,)]
        async with hammering(workers, 40) as calls:
            await calls
    assert len(marks.read_text().split()) == min(40 * len(workers), LIMIT)
