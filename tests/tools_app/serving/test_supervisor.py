"""Several workers on one socket: replaced when they die and when asked to, and stopped together."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import psutil
import pytest

from tests.databases import rows, rule_for_everybody
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.raw_sse import call, raw_session
from tests.redis import RedisServer
from tests.site import Site
from tests.supervised import reload, supervised, wait_for_workers, worker_pids

WAIT = 60.0
DRAIN = 2.0


@pytest.fixture
def make_site(issuer: Issuer, redis: RedisServer, fresh_sqlite: str) -> Callable[..., Site]:
    """A site that several workers could serve."""

    def make(**environment: str) -> Site:
        return Site(fresh_sqlite, issuer, **{"REDIS_URL": redis.url, "DRAIN_SECONDS": str(DRAIN), **environment})

    return make


@contextmanager
def asked_all_the_time(site: Site) -> Iterator[list[int]]:
    """The statuses of requests that are sent meanwhile, one after another, each on a connection of its own."""
    statuses: list[int] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            statuses.append(httpx2.get(f"{site.url}/sse", timeout=WAIT).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield statuses
    finally:
        done.set()
        asking.join(WAIT)


def test_workers_are_replaced_when_they_die_and_when_asked_to_and_stop_together(make_site: Callable[..., Site]) -> None:
    site = make_site()
    with supervised(site, 2):
        first = worker_pids(site)
        with asked_all_the_time(site) as statuses:
            second = reload(site, 2)
        assert not first & second
        assert set(statuses) == {401}
        killed = min(second)
        os.kill(killed, signal.SIGKILL)
        third = wait_for_workers(site, 2, other_than=frozenset([killed]))
        assert third > second - {killed}
        site.wait_for_line(f"Worker {killed} ended with -9; starting another.")
        assert httpx2.get(f"{site.url}/sse", timeout=WAIT).status_code == 401
        assert site.stop() == 0
        assert not any(psutil.pid_exists(pid) for pid in third)
    site.assert_no_traceback()


async def test_while_it_stops_running_calls_end_and_nobody_new_is_let_in(make_site: Callable[..., Site]) -> None:
    site = make_site(DRAIN_SECONDS="20")
    rule_for_everybody(site.database_url, "*")
    with supervised(site, 2):
        async with raw_session(site) as session:
            assert (await session.post(call("nap", 7, seconds=8))).status_code == 202
            stopping = asyncio.create_task(asyncio.to_thread(site.stop))
            await eventually(lambda: not accepts(site.port))
            assert rows(site.database_url, "SELECT outcome FROM authz_app_callrecord") == [("",)]
            assert (await session.message())["result"]["content"][0]["text"] == "rested"
            await session.ended()
        assert await stopping == 0
    site.assert_no_traceback()


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_several_workers_without_redis_are_refused_in_a_sentence(make_site: Callable[..., Site]) -> None:
    refused = make_site(REDIS_URL="").manage("serve", "--workers", "2")
    assert refused.returncode == 1
    assert "Several workers need Redis between them. Set REDIS_URL, or serve with one." in refused.stderr
    assert "Traceback" not in refused.stderr


def test_workers_that_cannot_start_end_it_with_a_sentence(make_site: Callable[..., Site]) -> None:
    site = make_site(TRUSTED_ISSUERS="no JSON")
    refused = site.manage("serve", "--port", str(site.port), "--workers", "2")
    assert refused.returncode == 1
    assert refused.stderr.count("A worker did not start. See above.") == 1
    assert "Traceback" not in refused.stderr
