"""Open sessions are seen and ended in the admin of a real site, over sockets, on whichever worker they are."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp.shared.exceptions import MCPError

from tests.databases import add_user, rows, rule_for_everybody
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.raw_mcp import raw_mcp
from tests.raw_sse import call, raw_session
from tests.redis import RedisServer
from tests.site import Site, free_port, several_workers

SESSIONS = "/admin/tools_app/mcpsession/"
WAIT = 60.0


@asynccontextmanager
async def admin_of(site: Site) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser that is signed in as an administrator."""
    add_user(site.database_url, "admin", "a password", is_staff=True, is_superuser=True)
    headers = {"Origin": site.public_url, "Host": site.public_url.removeprefix("http://")}
    async with httpx2.AsyncClient(base_url=site.url, timeout=WAIT, follow_redirects=True, headers=headers) as browser:
        await posted(browser, "/admin/login/?next=/admin/", username="admin", password="a password")
        yield browser


async def posted(browser: httpx2.AsyncClient, path: str, **fields: str) -> str:
    """What answers a form of this page, sent with its CSRF token."""
    form = (await browser.get(path)).text
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    assert found is not None, form
    response = await browser.post(path, data={"csrfmiddlewaretoken": found[1], **fields})
    assert response.status_code == 200, response.text
    return response.text


async def listed(browser: httpx2.AsyncClient) -> str:
    response = await browser.get(SESSIONS)
    assert response.status_code == 200
    return response.text


def keys_in(page: str) -> list[str]:
    return re.findall(r'name="_selected_action" value="([0-9a-f]{32})"', page)


async def end(browser: httpx2.AsyncClient, key: str) -> str:
    return await posted(browser, SESSIONS, action="end", _selected_action=key, index="0")


async def outcome(site: Site, subject: str, expected: str) -> None:
    query = "SELECT outcome FROM authz_app_callrecord WHERE subject = ?"
    await eventually(lambda: rows(site.database_url, query, [subject]), equals=[(expected,)])


@pytest.fixture
def site(fresh_sqlite: str, start_site: Callable[..., Site]) -> Site:
    rule_for_everybody(fresh_sqlite, "*")
    return start_site(fresh_sqlite)


@pytest.fixture
def workers(fresh_sqlite: str, issuer: Issuer, redis: RedisServer) -> Iterator[list[Site]]:
    rule_for_everybody(fresh_sqlite, "*")
    with several_workers(2, fresh_sqlite, issuer, REDIS_URL=redis.url) as running:
        yield running
        for worker in running:
            worker.assert_no_traceback()


async def test_a_session_of_the_sdk_s_client_is_seen_and_ended(site: Site) -> None:
    async with asyncio.timeout(3 * WAIT), admin_of(site) as browser:
        assert "No open MCP sessions." in await listed(browser)
        async with site.client("alice") as client:
            running = asyncio.ensure_future(client.call_tool("wait", {}))
            await outcome(site, "alice", "")
            page = await listed(browser)
            assert "alice" in page and "127.0.0.1" in page and "mcp " in page
            [key] = keys_in(page)
            assert f"/admin/authz_app/callrecord/?session={key}" in page
            assert "Ended: MCP session of alice" in await end(browser, key)
            await outcome(site, "alice", "cancelled")
            with pytest.raises(MCPError):
                await running
        assert "No open MCP sessions." in await listed(browser)
    site.wait_for_line(f"MCP session {key} closed: an administrator ended it")
    site.assert_no_traceback()


async def test_the_stream_of_an_ended_session_closes_and_others_go_on(site: Site) -> None:
    async with asyncio.timeout(3 * WAIT), admin_of(site) as browser, raw_session(site, "alice") as alice:
        [key] = keys_in(await listed(browser))
        async with raw_session(site, "bob") as bob:
            await end(browser, key)
            await alice.ended()
            assert (await alice.post(call("echo", text="x"))).status_code == 404
            assert (await bob.request("ping"))["result"] == {}
    site.assert_no_traceback()


async def test_a_session_is_ended_from_another_worker(workers: list[Site]) -> None:
    here, there = workers
    async with asyncio.timeout(3 * WAIT), admin_of(here) as browser, raw_session(there, "alice") as session:
        await session.post(call("wait"))
        await outcome(there, "alice", "")
        [key] = keys_in(await listed(browser))
        assert "Ended: MCP session of alice" in await end(browser, key)
        await session.ended()
        await outcome(there, "alice", "cancelled")
        assert "No open MCP sessions." in await listed(browser)


async def test_sessions_that_wait_for_a_valid_token_are_seen_as_such_and_ended(workers: list[Site]) -> None:
    here, there = workers
    brief = int(time.time()) - 28  # Valid for two seconds more, by the leeway.
    ping = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    async with (
        asyncio.timeout(3 * WAIT),
        admin_of(here) as browser,
        raw_session(there, "alice", exp=brief) as session,
        raw_mcp(there, "alice", exp=brief) as mcp,
    ):

        async def statuses() -> set[int]:
            return {(await session.post(ping)).status_code, (await mcp.send(body=ping)).status_code}

        await eventually(statuses, equals={401})
        page = await listed(browser)
        assert page.count("waits for a valid token since") == 2
        for key in keys_in(page):
            assert "Ended: MCP session of alice" in await end(browser, key)
        await session.ended()
        session.headers = there.headers("alice")
        mcp.headers |= session.headers
        assert await statuses() == {404}


async def test_without_redis_the_page_says_that_sessions_cannot_be_reached(
    fresh_sqlite: str, start_site: Callable[..., Site]
) -> None:
    site = start_site(fresh_sqlite, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    async with asyncio.timeout(3 * WAIT), admin_of(site) as browser:
        page = await listed(browser)
        assert "The MCP sessions cannot be reached right now." in page
        assert "No open MCP sessions." not in page
        assert "Nothing was ended. The MCP sessions cannot be reached" in await end(browser, "0" * 32)
    site.assert_no_traceback()


async def test_a_session_over_streamable_http_is_ended_from_any_worker_on_all_of_them(workers: list[Site]) -> None:
    here, there = workers
    async with (
        asyncio.timeout(3 * WAIT),
        admin_of(here) as browser,
        raw_mcp(there, "alice") as session,
        session.sent("GET", to=there) as listening,
        session.sent(body=call("count_up", 7, to=1, pause=60), to=there) as messages,
    ):
        await listening.comment()
        await messages.next()
        page = await listed(browser)
        assert "Streamable HTTP" in page
        [key] = keys_in(page)
        assert "Ended: MCP session of alice" in await end(browser, key)
        assert "session was ended" in (await messages.next())["error"]["message"]
        await listening.ended()
        await outcome(there, "alice", "cancelled")
        assert "No open MCP sessions." in await listed(browser)
        for worker in workers:
            assert (await session.send(body=call("echo", text="x"), to=worker)).status_code == 404
