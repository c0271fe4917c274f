"""That a session was opened and why it ended stands in the events, once each, over sockets and on any worker.

Covers: tools_app.worker.session_events
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.databases import execute, rows, rule_for_everybody
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.raw_mcp import raw_mcp
from tests.raw_sse import nearly_expired, raw_session
from tests.redis import RedisServer
from tests.site import Site, several_workers
from tests.tools_app.pages.test_ending_sessions import admin_of, end, keys_in, listed

WAIT = 60.0
Events = list[dict[str, Any]]


@pytest.fixture
def workers(fresh_database: str, issuer: Issuer, redis: RedisServer) -> Iterator[list[Site]]:
    rule_for_everybody(fresh_database, "*")
    with several_workers(2, fresh_database, issuer, REDIS_URL=redis.url) as running:
        yield running
        for worker in running:
            worker.assert_no_traceback()


@pytest.fixture
def site(fresh_database: str, start_site: Callable[..., Site]) -> Site:
    rule_for_everybody(fresh_database, "*")
    return start_site(fresh_database, MAX_SESSIONS_PER_CLIENT="2", SESSION_GRACE_SECONDS="1")


def events(site: Site, kind: str) -> Events:
    columns = "mcp_session, actor, client_name, subject, oauth_client_id, address, worker, details"
    found = rows(site.database_url, f"SELECT {columns} FROM authz_app_auditevent WHERE kind = '{kind}' ORDER BY id")
    return [{**dict(zip(columns.split(", "), row, strict=True)), **json.loads(row[-1])} for row in found]


async def closed(site: Site, count: int = 1, seconds: float = WAIT) -> Events:
    """The sessions that were closed, once so many were."""
    await eventually(lambda: len(events(site, "session_closed")) >= count, within=seconds)
    found = events(site, "session_closed")
    assert len(found) == count
    return found


async def opened(site: Site, count: int) -> None:
    """Return once it is written that so many were opened."""
    await eventually(lambda: len(events(site, "session_opened")) >= count)


def assert_each_was_opened_and_closed_once(site: Site) -> None:
    opened = [one["mcp_session"] for one in events(site, "session_opened")]
    assert sorted(opened) == sorted(one["mcp_session"] for one in events(site, "session_closed"))
    assert len(opened) == len({*opened})
    assert rows(site.database_url, "SELECT count(*) FROM authz_app_opensession") == [(0,)]


async def test_a_session_over_sse_is_told_from_its_beginning_to_its_end(site: Site) -> None:
    async with raw_session(site, "alice") as session:
        assert "result" in await session.request("tools/call", {"name": "whoami", "arguments": {}}, 5)
    (ended,) = await closed(site)
    (began,) = events(site, "session_opened")
    assert (began["subject"], began["address"], began["transport"]) == ("alice", "127.0.0.1", "sse")
    assert (ended["why"], ended["calls"], ended["software"]) == ("the client left", 1, "by hand 1")
    assert 0 <= ended["seconds"] < WAIT
    shared = ("mcp_session", "client_name", "subject", "oauth_client_id", "address", "worker")
    assert [began[name] for name in shared] == [ended[name] for name in shared]
    assert_each_was_opened_and_closed_once(site)


async def test_a_session_over_streamable_http_is_ended_by_its_client_on_another_worker(workers: list[Site]) -> None:
    here, there = workers
    async with raw_mcp(here, "alice") as session:
        await session.call("whoami", to=there)
        assert (await session.send("DELETE", to=there)).status_code == 204
    (ended,) = await closed(here)
    (began,) = events(here, "session_opened")
    assert (ended["why"], ended["transport"], ended["calls"]) == ("its client ended it", "streamable", 1)
    assert (began["software"], began["protocol_version"]) == ("by hand 1", "2025-11-25")
    assert f"-{here.pid}-" in began["worker"] and f"-{there.pid}-" in ended["worker"]
    assert_each_was_opened_and_closed_once(here)


async def test_an_administrator_who_ends_a_session_is_named(workers: list[Site]) -> None:
    here, there = workers
    async with asyncio.timeout(3 * WAIT), admin_of(here) as browser, raw_session(there, "alice") as session:
        [key] = keys_in(await listed(browser))
        await end(browser, key)
        await session.ended()
    (ended,) = await closed(here)
    assert (ended["why"], ended["actor"], ended["mcp_session"]) == ("an administrator ended it", "admin", key)
    assert_each_was_opened_and_closed_once(here)


async def test_sessions_of_a_blocked_client_end_for_that_reason(workers: list[Site]) -> None:
    here, there = workers
    async with raw_session(here, "mallory") as stream, raw_mcp(there, "mallory"):
        execute(here.database_url, "UPDATE authz_app_client SET status = 'blocked'")
        await stream.ended()
        found = await closed(here, 2)
    assert {one["why"] for one in found} == {"its client is blocked"}
    assert_each_was_opened_and_closed_once(here)


async def test_sessions_end_when_they_were_without_a_valid_token_for_too_long(site: Site) -> None:
    soon = nearly_expired()
    async with raw_session(site, "alice", exp=soon) as stream, raw_mcp(site, "bob", exp=soon):
        await stream.ended()
        found = await closed(site, 2)
    assert {one["why"] for one in found} == {"its owner presented no valid token any more"}
    assert_each_was_opened_and_closed_once(site)


async def test_a_session_that_gives_way_to_another_says_so(site: Site) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(raw_mcp(site, "alice"))
        (ended,) = await closed(site)
    assert ended["why"] == "its client has opened others since it was last used"
    assert len(events(site, "session_opened")) == 3


async def test_a_server_that_shuts_down_says_so(workers: list[Site]) -> None:
    here, there = workers
    async with raw_session(here, "alice") as one, raw_session(there, "bob"):
        await asyncio.to_thread(here.stop)
        await one.ended()
        (ended,) = await closed(there)
        assert (ended["why"], ended["subject"]) == ("the server is shutting down", "alice")
