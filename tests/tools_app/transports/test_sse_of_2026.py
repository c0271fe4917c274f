"""HTTP+SSE for clients that speak 2026-07-28 on it without asking."""

import asyncio
from typing import Any

import pytest
from mcp_types import ElicitResult

from tests.databases import rows
from tests.round_robin import AnySite
from tests.tools_app.transports.conftest import ONE, TWO

pytestmark = pytest.mark.parametrize("site", [ONE, TWO], indirect=True)
WAIT = 60.0


async def test_a_client_of_the_2026_era_is_served_too(site: AnySite) -> None:
    async with asyncio.timeout(WAIT), site.client("modern", mode="2026-07-28") as client:
        assert "echo" in {tool.name for tool in (await client.list_tools()).tools}
        result = await client.call_tool("echo", {"text": "hello"})
    assert result.content[0].text == "hello"  # type: ignore[union-attr]
    query = "SELECT protocol_version FROM authz_app_callrecord WHERE subject = 'modern'"
    assert rows(site.environment["SITE_DATABASE_URL"], query) == [("2026-07-28",)]


async def test_a_tool_may_ask_the_person_and_is_run_again_with_the_answer(site: AnySite) -> None:
    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"name": "Ada"})

    client = site.client("asked-modern", mode="2026-07-28", elicitation_callback=answer)
    async with asyncio.timeout(WAIT), client:
        result = await client.call_tool("greet", {})
    assert result.content[0].text == "Hello Ada!"  # type: ignore[union-attr]
    query = "SELECT COUNT(*) FROM authz_app_callrecord WHERE subject = 'asked-modern' AND tool = 'greet'"
    assert rows(site.environment["SITE_DATABASE_URL"], query) == [(2,)]
