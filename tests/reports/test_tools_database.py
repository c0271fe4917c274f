"""What async and plain tools have of the database when it comes back."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import migrate, need
from tests.databases import rule_for_everybody
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.postgresql import Cluster, binaries
from tests.raw_mcp import raw_mcp
from tests.site import Site

THREADS = 3


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    need("PostgreSQL's server programs", binaries() is not None)
    with Cluster() as running:
        yield running


@pytest.fixture(scope="module")
def site(cluster: Cluster, issuer: Issuer) -> Iterator[Site]:
    migrate(cluster.url)
    rule_for_everybody(cluster.url, "*", kind="all")
    with Site(cluster.url, issuer, TEST_APPS="tests.wild_tools", TOOL_THREADS=str(THREADS)) as running:
        yield running


def ok(answered: Any) -> bool:
    return "result" in answered and not answered["result"].get("isError")


async def test_after_a_restart_of_postgresql_the_next_call_of_each_tool_works(cluster: Cluster, site: Site) -> None:
    async with raw_mcp(site) as mcp:

        async def count_in_every_thread() -> bool:
            tools = ("count_async", "count_plain") * THREADS
            return all(map(ok, await asyncio.gather(*(mcp.call(tool, f"{n}") for n, tool in enumerate(tools)))))

        assert await count_in_every_thread()
        await asyncio.to_thread(cluster.stop)
        await asyncio.to_thread(cluster.start)

        async def is_recorded() -> bool:
            return ok(await mcp.call("echo_async", text="x"))

        await eventually(is_recorded)
        for tool in ("count_async", "count_plain", "subjects"):
            assert ok(await mcp.call(tool)), tool
        assert await count_in_every_thread()
