"""Sessions that a killed worker or site held end in the events, within about a minute."""

import asyncio
import signal

import pytest

from tests.raw_mcp import raw_mcp
from tests.raw_sse import raw_session
from tests.site import Site
from tests.tools_app.transports.test_session_events import (
    assert_each_was_opened_and_closed_once,
    closed,
    opened,
    site,
    workers,
)

__all__ = ["site", "workers"]


@pytest.mark.timeout(240)
async def test_what_a_killed_worker_held_is_closed_by_another_within_about_a_minute(workers: list[Site]) -> None:
    here, there = workers
    # Whoever was just started does not judge others yet.
    async with raw_session(here, "alice"), raw_session(there, "bob"), raw_mcp(here, "carol") as moves:
        await moves.call("whoami", to=there)
        await opened(there, 3)
        await asyncio.to_thread(here.stop, signal.SIGKILL)
        (ended,) = await closed(there, seconds=90)
        assert (ended["why"], ended["subject"]) == ("its worker died", "alice")
        assert f"-{there.pid}-" in ended["worker"]
        # That of Streamable HTTP has no worker of its own.
        assert "result" in await moves.call("whoami", 2, to=there)
    found = await closed(there, 2)
    assert [one["subject"] for one in found] == ["alice", "bob"]


@pytest.mark.timeout(240)
async def test_what_a_killed_site_held_is_closed_when_it_is_started_again(site: Site) -> None:
    async with raw_session(site, "alice"), raw_mcp(site, "bob"):
        await opened(site, 2)
        await asyncio.to_thread(site.stop, signal.SIGKILL)
    await asyncio.to_thread(site.start)
    found = await closed(site, 2, seconds=90)
    assert {one["why"] for one in found} == {"its worker died"}
    assert_each_was_opened_and_closed_once(site)
