"""The client of the MCP SDK 1.x over HTTP+SSE and Streamable HTTP, in an environment of its own."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from tests.conftest import need
from tests.databases import rows
from tests.eventually import eventually
from tests.round_robin import AnySite, BalancedSite
from tests.site import ROOT
from tests.tools_app.transports.conftest import ONE, SSE, STREAMABLE, TWO

pytestmark = [
    pytest.mark.parametrize("site", [ONE, TWO], indirect=True),
    pytest.mark.parametrize(("way", "path"), [(SSE, "/sse"), (STREAMABLE, "/mcp")]),
]
PYTHON = Path(os.environ.get("SDK1_PYTHON", str(ROOT / "var" / "sdk1-venv" / "bin" / "python")))


async def test_a_client_of_sdk_1_can_do_all_that_its_transport_offers(site: AnySite, way: str, path: str) -> None:
    need(f"The environment of the MCP SDK 1.x ({PYTHON.parent.parent.name}; `make test` makes it)", PYTHON.exists())
    subject = f"old-client-{way}"
    command = [str(PYTHON), str(ROOT / "tests" / "sdk1" / "client.py"), f"{site.url}{path}", site.token(subject)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    seen = json.loads(out)
    assert seen["version"] == "2025-11-25"
    assert subject in seen["instructions"]
    assert "echo" in seen["tools"]
    assert "weather_tool" not in seen["tools"]
    assert seen["echo"] == "hello"
    assert seen["count"] == "counted to 2"
    assert seen["progress"] == [[1, 2, "at 1"], [2, 2, "at 2"]]
    assert seen["logs"] == ["counted 1", "counted 2", "asks in a moment"]
    assert seen["greet"] == "Hello Ada!"
    assert seen["summary"] == "Summarize: This Brief."
    assert seen["refusal"].startswith("No tool 'weather_tool' is available to you. Record ")
    assert seen["cancelled"] == "goes on"
    await until_cancelled(site, subject)
    assert ways(site, subject) == {way}
    assert len(workers_that_answered(site, subject)) == (2 if isinstance(site, BalancedSite) else 1)


def workers_that_answered(site: AnySite, subject: str) -> set[str]:
    query = "SELECT DISTINCT worker FROM authz_app_callrecord WHERE subject = ?"
    return {worker for (worker,) in rows(site.environment["SITE_DATABASE_URL"], query, [subject])}


def ways(site: AnySite, subject: str) -> set[str]:
    query = "SELECT DISTINCT transport FROM authz_app_callrecord WHERE subject = ?"
    return {transport for (transport,) in rows(site.environment["SITE_DATABASE_URL"], query, [subject])}


async def until_cancelled(site: AnySite, subject: str) -> None:
    query = "SELECT outcome FROM authz_app_callrecord WHERE subject = ? AND tool = 'greet_late'"
    await eventually(lambda: rows(site.environment["SITE_DATABASE_URL"], query, [subject]), equals=[("cancelled",)])
