"""Clients that people use, with a bearer token that they were given: over real sockets, on two workers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult

from tests.clients import node as programs
from tests.clients.node import Finished, finish
from tests.databases import rows
from tests.round_robin import BalancedSite

WAIT = 60.0
REFUSAL = "No tool 'weather_tool' is available to you. Record "
each_endpoint = pytest.mark.parametrize("path", ["/sse"])


def recorded(site: BalancedSite, subject: str) -> set[tuple[str, str]]:
    """The tools that a subject called, each with the decision."""
    query = "SELECT tool, decision FROM authz_app_callrecord WHERE subject = ?"
    return set(rows(site.database_url, query, [subject]))


def software(site: BalancedSite, subject: str) -> str:
    """What the client of a subject called itself in its latest call."""
    query = "SELECT client_software FROM authz_app_callrecord WHERE subject = ? ORDER BY at DESC LIMIT 1"
    return str(rows(site.database_url, query, [subject])[0][0])


@each_endpoint
@pytest.mark.parametrize("line", ["1", "2"])
async def test_the_typescript_sdk(site: BalancedSite, node: str, tmp_path: Path, line: str, path: str) -> None:
    subject = f"typescript-{line}-{path[1:]}"
    ended = await finish(
        tmp_path,
        *(node, str(programs.TYPESCRIPT), line, f"{site.url}{path}", "2025-11-25"),
        TOKEN=site.token(subject),
    )
    assert ended.code == 0, ended.all
    seen = json.loads(ended.out)
    assert seen["server"] == "mcpsite"
    assert subject in seen["instructions"]
    assert "echo" in seen["tools"]
    assert "weather_tool" not in seen["tools"]
    assert seen["echo"] == "hello"
    assert seen["count"] == "counted to 2"
    assert seen["progress"] == [[1, 2, "at 1"], [2, 2, "at 2"]]
    assert seen["logs"] == ["counted 1", "counted 2"]
    assert seen["greet"] == "Hello Ada!"
    assert REFUSAL in seen["refusal"]
    assert recorded(site, subject) == {
        *((tool, "allowed") for tool in ("echo", "count_up", "greet")),
        ("weather_tool", "denied"),
    }
    assert software(site, subject) == f"typescript-{line} 1"


class TestInspector:
    """The command line of MCP Inspector 2.12."""

    @staticmethod
    async def inspect(node: str, home: Path, url: str, token: str, *arguments: str) -> Finished:
        header = f"Authorization: Bearer {token}"
        command = [node, str(programs.INSPECTOR), "--cli", url, "--header", header, "--format", "json", *arguments]
        return await finish(home, *command)

    @each_endpoint
    async def test_lists_what_the_caller_may_call(
        self, site: BalancedSite, node: str, tmp_path: Path, path: str
    ) -> None:
        ended = await self.inspect(node, tmp_path, f"{site.url}{path}", site.token(), "--method", "tools/list")
        assert ended.code == 0, ended.all
        tools = {tool["name"] for tool in json.loads(ended.out)["result"]["tools"]}
        assert "echo" in tools
        assert "weather_tool" not in tools

    @each_endpoint
    async def test_calls(self, site: BalancedSite, node: str, tmp_path: Path, path: str) -> None:
        subject = f"inspector-{path[1:]}"
        call = ("--method", "tools/call", "--tool-name", "echo", "--tool-arg", "text=hello")
        ended = await self.inspect(node, tmp_path, f"{site.url}{path}", site.token(subject), *call)
        assert ended.code == 0, ended.all
        assert json.loads(ended.out)["result"]["content"] == [{"type": "text", "text": "hello"}]
        assert recorded(site, subject) == {("echo", "allowed")}
        assert "inspector" in software(site, subject)

    @each_endpoint
    async def test_is_told_that_its_token_is_no_good(
        self, site: BalancedSite, node: str, tmp_path: Path, path: str
    ) -> None:
        ended = await self.inspect(
            node, tmp_path, f"{site.url}{path}", "nonsense", "--method", "tools/list", "--stored-auth-only"
        )
        assert ended.code != 0
        assert json.loads(ended.err)["error"]["code"] == "auth_required", ended.all


@each_endpoint
async def test_mcp_remote_bridges_a_client_that_knows_stdio_alone(
    site: BalancedSite, node: str, tmp_path: Path, path: str
) -> None:
    subject = f"bridged-{path[1:]}"
    seen: list[Any] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append((done, total, message))

    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"name": "Ada"})

    bridge = mcp_remote(
        node,
        tmp_path,
        f"{site.url}{path}",
        "--header",
        "Authorization:${BEARER}",
        BEARER=f"Bearer {site.token(subject)}",
    )
    with (tmp_path / "stderr").open("w") as said:
        async with asyncio.timeout(WAIT), Client(stdio_client(bridge, said), elicitation_callback=answer) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            counted = await client.call_tool("count_up", {"to": 2, "pause": 0.1}, progress_callback=progress)
            greeted = await client.call_tool("greet", {})
            with pytest.raises(MCPError, match=REFUSAL):
                await client.call_tool("weather_tool", {"location": "x"})
    assert "echo" in tools
    assert "weather_tool" not in tools
    assert counted.content[0].text == "counted to 2"
    assert seen == [(1, 2, "at 1"), (2, 2, "at 2")]
    assert greeted.content[0].text == "Hello Ada!"
    assert "(via mcp-remote 0.15.1)" in software(site, subject)


def mcp_remote(node: str, home: Path, url: str, *arguments: str, **environment: str) -> StdioServerParameters:
    """mcp-remote as a client for stdio starts it."""
    return StdioServerParameters(
        command=node,
        args=[str(programs.MCP_REMOTE), url, *arguments],
        env={"HOME": str(home), "MCP_REMOTE_CONFIG_DIR": str(home / "mcp-auth"), **environment},
    )
