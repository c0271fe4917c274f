"""`subscriptions/listen`: each caller hears of changes to its own lists, from whichever worker it listens to."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.subscriptions import Subscription
from mcp.shared.subscriptions import ServerEvent, ToolsListChanged

from tests.conftest import copy_sqlite
from tests.databases import execute, rows, rule_for_everybody
from tests.issuer import Issuer
from tests.raw_modern import MODERN, PREFIX, WAIT, events, headers_for, message, streamed
from tests.raw_sse import nearly_expired
from tests.redis import RedisServer
from tests.round_robin import AnySite, balanced_site
from tests.site import Site
from tests.tools_app.transports.conftest import ONE, TWO

LISTEN = message("subscriptions/listen", {"notifications": {"toolsListChanged": True}})


@pytest.fixture(scope="module", params=[ONE, TWO])
def site(
    request: pytest.FixtureRequest, issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AnySite]:
    """Each test has subjects of its own."""
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    starting: AbstractContextManager[AnySite] = Site(database_url, issuer)
    if request.param == TWO:
        request.getfixturevalue("nginx")
        redis: RedisServer = request.getfixturevalue("redis")
        starting = balanced_site(2, database_url, issuer, REDIS_URL=redis.url)
    with starting as running:
        rule_for_everybody(database_url, "echo")
        yield running
        assert "Traceback" not in running.log, running.log


@asynccontextmanager
async def listening(site: AnySite, subject: str, **to: Any) -> AsyncIterator[tuple[Client, Subscription]]:
    async with site.streamable_client(subject, mode=MODERN) as client, client.listen(**to) as subscription:
        yield client, subscription


async def next_event(subscription: Subscription) -> ServerEvent:
    async with asyncio.timeout(WAIT):
        return await anext(aiter(subscription))


def rule_for(site: AnySite, subject: str, tools: str) -> None:
    """A rule for one client, which is written in one transaction and past Django."""
    client = rows(site.database_url, "SELECT id FROM authz_app_client WHERE subject = ?", [subject])[0][0]
    execute(
        site.database_url,
        "INSERT INTO authz_app_rule (effect, applies_to, kind, token_scopes, tools, enabled, note, created_at,"
        " updated_at) VALUES ('allow', 'these', 'tool', '', ?, true, '', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
        [tools],
    )
    execute(
        site.database_url,
        "INSERT INTO authz_app_ruleclient (rule_id, client_id) SELECT MAX(id), ? FROM authz_app_rule",
        [client],
    )


async def test_a_caller_hears_of_changes_to_its_own_list_alone_on_whichever_worker_it_listens(site: AnySite) -> None:
    async with AsyncExitStack() as stack:
        hers = [await stack.enter_async_context(listening(site, "alice", tools_list_changed=True)) for _ in range(2)]
        _, his = await stack.enter_async_context(listening(site, "bob", tools_list_changed=True))
        rule_for(site, "alice", "nap")
        for client, subscription in hers:
            assert await next_event(subscription) == ToolsListChanged()
            assert {tool.name for tool in (await client.list_tools()).tools} == {"echo", "nap"}
        # What bob hears first is of what was changed afterwards, and changed his list.
        rule_for(site, "bob", "nap large")
        assert await next_event(his) == ToolsListChanged()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await anext(aiter(his))


async def test_only_what_was_asked_for_is_told_and_acknowledged(site: AnySite) -> None:
    async with streamed(site, LISTEN, "carol") as response:
        assert response.headers["content-type"] == "text/event-stream"
        messages = events(response)
        async with asyncio.timeout(WAIT):
            first = await anext(messages)
            assert first["method"] == "notifications/subscriptions/acknowledged"
            assert first["params"]["notifications"] == {"toolsListChanged": True}
            assert first["params"]["_meta"] == {f"{PREFIX}subscriptionId": 1}
            rule_for(site, "carol", "nap")
            second = await anext(messages)
    assert second == {
        "jsonrpc": "2.0",
        "method": "notifications/tools/list_changed",
        "params": {"_meta": {f"{PREFIX}subscriptionId": 1}},
    }


async def test_a_stream_ends_in_good_order_when_its_client_is_blocked(site: AnySite) -> None:
    async with streamed(site, LISTEN, "mallory") as response:
        messages = events(response)
        async with asyncio.timeout(WAIT):
            await anext(messages)
            execute(site.database_url, "UPDATE authz_app_client SET status = 'blocked' WHERE subject = 'mallory'")
            last = await anext(messages)
            assert [one async for one in messages] == []
    assert last["id"] == 1
    assert last["result"]["_meta"][f"{PREFIX}subscriptionId"] == 1


async def test_a_stream_ends_when_its_token_has_expired(site: AnySite) -> None:
    async with streamed(site, LISTEN, "erin", exp=nearly_expired()) as response:
        messages = events(response)
        async with asyncio.timeout(WAIT):
            await anext(messages)
            assert "result" in await anext(messages)
    site.wait_for_line("closed: the latest token that its owner presented has expired")


async def test_a_stream_ends_in_good_order_when_its_worker_drains(start_site: Any, fresh_sqlite: str) -> None:
    site = start_site(fresh_sqlite, DRAIN_SECONDS="600")
    async with streamed(site, LISTEN) as response:
        messages = events(response)
        async with asyncio.timeout(WAIT):
            await anext(messages)
            site.stop(signal.SIGTERM)
            assert "result" in await anext(messages)


def test_a_client_that_does_not_read_holds_nothing_up(start_site: Any, fresh_sqlite: str) -> None:
    site = start_site(fresh_sqlite, DRAIN_SECONDS="600")
    body = json.dumps(LISTEN).encode()
    sent = headers_for(LISTEN) | site.headers("deaf") | {"Host": "127.0.0.1", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    with socket.create_connection(("127.0.0.1", site.port), timeout=WAIT) as connection:
        connection.sendall(f"POST /mcp HTTP/1.1\r\n{head}\r\n".encode() + body)
        assert b"200" in connection.recv(64)
        site.stop(signal.SIGTERM)
