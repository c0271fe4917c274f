"""Drill 7: calls over every way of connecting, to two workers by turns: none is lost, and none refused."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
from mcp.client import Client

from tests.databases import rows
from tests.drills import evidence
from tests.drills.sizes import size
from tests.issuer import Issuer
from tests.redis import RedisServer
from tests.round_robin import BalancedSite, balanced_site

CALLS = size(600, 10_002)
WAYS = 3
CALLERS = 4
LANES = 4
# Then a caller opens another session.
CALLS_OF_A_SESSION = size(25, 100)
MODERN = "2026-07-28"
HANDSHAKE = "2025-11-25"
Connect = Callable[[str], AbstractAsyncContextManager[Client]]


@pytest.mark.timeout(size(200, 2_400))
async def test_no_call_is_lost_or_refused_on_any_way_of_connecting(
    watched_database: str, redis: RedisServer, nginx: None, issuer: Issuer, marks: Path
) -> None:
    answered: list[str] = []
    started = time.monotonic()
    with balanced_site(2, watched_database, issuer, REDIS_URL=redis.url, AUDIT_TIMEOUT="20", TOOL_THREADS="64") as site:
        async with asyncio.TaskGroup() as callers:
            for way, connect in ways(site).items():
                texts = iter([f"{way}-{number}" for number in range(CALLS // WAYS)])
                for number in range(CALLERS):
                    callers.create_task(call_all(partial(connect, f"caller-{number}"), texts, answered))
        took = time.monotonic() - started
        for worker in site.workers:
            worker.assert_no_traceback()
    assert len(answered) == len(set(answered)) == CALLS
    assert evidence.assert_every_run_has_one_record(watched_database, marks) == CALLS
    assert evidence.outcomes(watched_database) == {"ok": CALLS}
    query = (
        "SELECT transport, protocol_version, count(DISTINCT worker), count(*) FROM authz_app_callrecord GROUP BY 1, 2"
    )
    assert sorted(rows(watched_database, query)) == [
        ("sse", HANDSHAKE, 2, CALLS // WAYS),
        ("streamable", HANDSHAKE, 2, CALLS // WAYS),
        ("streamable", MODERN, 2, CALLS // WAYS),
    ]
    print(f"{CALLS} calls over {WAYS} ways of connecting in {took:.0f} s, none lost and none refused")


def ways(site: BalancedSite) -> dict[str, Connect]:
    return {
        "sse": site.client,
        "handshake": partial(site.streamable_client, mode="legacy"),
        "modern": partial(site.streamable_client, mode=MODERN),
    }


async def call_all(
    connect: Callable[[], AbstractAsyncContextManager[Client]], texts: Iterator[str], answered: list[str]
) -> None:
    """Call in one session after the other, until there is nothing left to call with."""
    while share := list(itertools.islice(texts, CALLS_OF_A_SESSION)):
        async with connect() as client, asyncio.TaskGroup() as lanes:
            left = iter(share)
            for _ in range(LANES):
                lanes.create_task(call_each(client, left, answered))


async def call_each(client: Client, texts: Iterator[str], answered: list[str]) -> None:
    for text in texts:
        async with asyncio.timeout(60):
            result = await client.call_tool("mark", {"text": text})
        assert not result.is_error, result
        answered.append(text)
