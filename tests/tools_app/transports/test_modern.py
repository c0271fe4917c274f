"""Streamable HTTP as clients of the 2026-07-28 era see it: the SDK's, on real sockets, with one worker and with two."""

import asyncio
from typing import Any

import pytest

from tests.databases import rows
from tests.round_robin import AnySite
from tests.tools_app.transports.conftest import ONE, TWO

pytestmark = pytest.mark.parametrize("site", [ONE, TWO], indirect=True)
WAIT = 20.0
MODERN = "2026-07-28"


def text(result: Any) -> str:
    return str(result.content[0].text)


async def test_a_call_is_answered_and_recorded(site: AnySite) -> None:
    async with asyncio.timeout(WAIT), site.streamable_client("bob", mode=MODERN) as client:
        result = await client.call_tool("whoami", {})
    subject, record_id = text(result).split()
    assert subject == "bob"
    found = rows(
        site.environment["SITE_DATABASE_URL"],
        "SELECT tool, decision, reason, subject, transport, protocol_version, mcp_session, outcome"
        " FROM authz_app_callrecord WHERE id = ?",
        [record_id.replace("-", "")],
    )
    assert [row[:7] for row in found] == [("whoami", "allowed", "allowed", "bob", "streamable", MODERN, "")]


async def test_progress_and_log_messages_arrive_before_the_result(site: AnySite) -> None:
    seen: list[Any] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append((done, total, message))

    async with asyncio.timeout(WAIT), site.streamable_client(mode=MODERN) as client:
        result = await client.call_tool("count_up", {"to": 2}, progress_callback=progress)
    assert text(result) == "counted to 2"
    assert seen == [(1, 2, "at 1"), (2, 2, "at 2")]


async def test_a_client_that_asks_what_is_spoken_here_is_told_of_this_era(site: AnySite) -> None:
    async with asyncio.timeout(WAIT), site.streamable_client("asks-first", mode="auto") as client:
        await client.call_tool("echo", {"text": "hello"})
    query = "SELECT protocol_version FROM authz_app_callrecord WHERE subject = 'asks-first'"
    assert rows(site.environment["SITE_DATABASE_URL"], query) == [(MODERN,)]
