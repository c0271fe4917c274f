"""Clients whose token expires while they are idle: they refresh it, and go on in the session that they have."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp.client import Client
from mcp.client.stdio import stdio_client

from tests import short_tokens
from tests.clients import node as programs
from tests.clients.conftest import ISSUER_SETTINGS, Desk
from tests.clients.node import finish
from tests.clients.test_frameworks_and_agents import PYTHON_CLIENT, python_for
from tests.clients.test_with_a_token import mcp_remote
from tests.conftest import copy_sqlite
from tests.databases import rows, rule_for_everybody
from tests.person import add_person
from tests.redis import RedisServer
from tests.round_robin import BalancedSite, balanced_site
from tests.site import free_port

WAIT = 90.0
PAUSE = short_tokens.VALID + 2
each_path = pytest.mark.parametrize("path", ["/sse", "/mcp"])


@pytest.fixture(scope="module")
def site(
    node: str, nginx: None, redis: RedisServer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BalancedSite]:
    """Two workers of a site whose own issuer makes tokens of seconds, where Dana has an account."""
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    settings = {**ISSUER_SETTINGS, "TEST_OIDC_ADAPTER": short_tokens.ADAPTER, "REDIS_URL": redis.url}
    with balanced_site(2, database_url, None, **settings) as running:
        rule_for_everybody(database_url, "*")
        add_person(running, "dana", first_name="Dana", last_name="Whitfield")
        yield running
        for worker in running.workers:
            worker.assert_no_traceback()
            assert "eyJ" not in worker.log


def assert_went_on(site: BalancedSite) -> None:
    """The two latest calls were allowed, and in one session."""
    query = "SELECT mcp_session, decision FROM authz_app_callrecord ORDER BY id DESC LIMIT 2"
    (before, decided), after = rows(site.database_url, query)
    assert (before, decided) == after
    assert decided == "allowed"


@each_path
async def test_mcp_remote(site: BalancedSite, node: str, desk: Desk, path: str) -> None:
    bridge = mcp_remote(node, desk.home, f"{site.url}{path}", str(free_port()), **desk.environment)
    said = desk.home / "stderr"
    try:
        with said.open("w") as log:
            async with asyncio.timeout(WAIT), Client(stdio_client(bridge, log), mode="legacy") as client:
                for text in ("before", "after"):
                    result = await client.call_tool("echo", {"text": text})
                    assert result.content[0].text == text
                    await asyncio.sleep(PAUSE if text == "before" else 0)
    except BaseException as error:
        raise AssertionError(f"{said.read_text(encoding='utf-8')}\n{desk.browsed}") from error
    assert_went_on(site)


@each_path
@pytest.mark.parametrize("line", ["1", "2"])
async def test_the_typescript_sdk(site: BalancedSite, node: str, desk: Desk, line: str, path: str) -> None:
    command = (node, str(programs.TYPESCRIPT_LOGIN), line, f"{site.url}{path}", str(free_port()))
    ended = await finish(desk.home, *command, seconds=WAIT, PAUSE=str(PAUSE), **desk.environment)
    assert ended.code == 0, f"{ended.all}\n{desk.browsed}"
    assert ended.out == "hello\nhello\n"
    assert_went_on(site)


@each_path
async def test_fastmcp(site: BalancedSite, desk: Desk, path: str) -> None:
    command = (python_for("fastmcp"), PYTHON_CLIENT, "fastmcp", f"{site.url}{path}", "before", "after")
    background = {**desk.environment, "BROWSER": f"{desk.environment['BROWSER']} %s &"}
    ended = await finish(desk.home, *command, seconds=WAIT, PAUSE=str(PAUSE), **background)
    assert ended.code == 0, f"{ended.all}\n{desk.browsed}"
    told = json.loads(ended.out.splitlines()[-1])["told"]
    assert "before" in told[0] and "after" in told[1], told
    assert_went_on(site)
