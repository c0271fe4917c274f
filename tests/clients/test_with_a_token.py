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
SSE, HANDSHAKE, MODERN = ("/sse", "2025-11-25"), ("/mcp", "2025-11-25"), ("/mcp", "2026-07-28")
each_way = pytest.mark.parametrize(("path", "version"), [SSE, HANDSHAKE, MODERN])


def recorded(site: BalancedSite, subject: str) -> set[tuple[str, str]]:
    """The names of what a subject asked for, each with the decision."""
    query = "SELECT tool, decision FROM authz_app_callrecord WHERE subject = ?"
    return set(rows(site.database_url, query, [subject]))


def latest(site: BalancedSite, subject: str) -> tuple[str, str]:
    """What the client of a subject called itself in its latest call, and the protocol version that it spoke."""
    query = "SELECT client_software, protocol_version FROM authz_app_callrecord WHERE subject = ? ORDER BY id DESC"
    software, version = rows(site.database_url, query, [subject])[0]
    return software, version


@pytest.mark.parametrize(
    ("line", "path", "version"), [("1", *SSE), ("1", *HANDSHAKE), ("2", *SSE), ("2", *HANDSHAKE), ("2", *MODERN)]
)
async def test_the_typescript_sdk(
    site: BalancedSite, node: str, tmp_path: Path, line: str, path: str, version: str
) -> None:
    subject = f"typescript-{line}{path}-{version}"
    ended = await finish(
        tmp_path,
        *(node, str(programs.TYPESCRIPT), line, f"{site.url}{path}", version),
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
    assert "Brief." in seen["summary"]
    assert seen["resource"] == "# Welcome"
    assert seen["note"] == {"topic": "travel", "number": 2, "for": subject}
    assert seen["prompt"] == "Write a plain poem about rain."
    assert seen["styles"] == ["solemn", "silly"]
    assert REFUSAL in seen["refusal"]
    allowed = ("echo", "count_up", "greet", "summarize", "welcome", "note", "poem")
    assert recorded(site, subject) == {*((name, "allowed") for name in allowed), ("weather_tool", "denied")}
    assert latest(site, subject) == (f"typescript-{line} 1", version)


class TestInspector:
    """The command line of MCP Inspector 2.12."""

    @staticmethod
    async def inspect(node: str, home: Path, url: str, version: str, token: str, *arguments: str) -> Finished:
        era = "modern" if version == MODERN[1] else "legacy"
        options = ["--header", f"Authorization: Bearer {token}", "--protocol-era", era, "--format", "json"]
        return await finish(home, *(node, str(programs.INSPECTOR), "--cli", url, *options, *arguments))

    @each_way
    async def test_lists_what_the_caller_may_call(
        self, site: BalancedSite, node: str, tmp_path: Path, path: str, version: str
    ) -> None:
        ended = await self.inspect(node, tmp_path, f"{site.url}{path}", version, site.token(), "--method", "tools/list")
        assert ended.code == 0, ended.all
        tools = {tool["name"] for tool in json.loads(ended.out)["result"]["tools"]}
        assert "echo" in tools
        assert "weather_tool" not in tools

    @each_way
    async def test_calls(self, site: BalancedSite, node: str, tmp_path: Path, path: str, version: str) -> None:
        subject = f"inspector{path}-{version}"
        call = ("--method", "tools/call", "--tool-name", "echo", "--tool-arg", "text=hello")
        ended = await self.inspect(node, tmp_path, f"{site.url}{path}", version, site.token(subject), *call)
        assert ended.code == 0, ended.all
        assert json.loads(ended.out)["result"]["content"] == [{"type": "text", "text": "hello"}]
        assert recorded(site, subject) == {("echo", "allowed")}
        software, spoken = latest(site, subject)
        assert "inspector" in software
        assert spoken == version

    @each_way
    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["--method", "resources/read", "--uri", "notes://welcome"], "# Welcome"),
            (["--method", "prompts/get", "--prompt-name", "poem", "--prompt-args", "topic=rain"], "poem about rain"),
        ],
        ids=["resource", "prompt"],
    )
    async def test_reads_a_resource_and_uses_a_prompt(
        self, site: BalancedSite, node: str, tmp_path: Path, path: str, version: str, arguments: list[str], told: str
    ) -> None:
        ended = await self.inspect(node, tmp_path, f"{site.url}{path}", version, site.token(), *arguments)
        assert ended.code == 0, ended.all
        assert told in ended.out

    @each_way
    async def test_is_told_that_its_token_is_no_good(
        self, site: BalancedSite, node: str, tmp_path: Path, path: str, version: str
    ) -> None:
        ended = await self.inspect(
            node, tmp_path, f"{site.url}{path}", version, "nonsense", "--method", "tools/list", "--stored-auth-only"
        )
        assert ended.code != 0
        assert json.loads(ended.err)["error"]["code"] == "auth_required", ended.all


@each_way
async def test_mcp_remote_bridges_a_client_that_knows_stdio_alone(
    site: BalancedSite, node: str, tmp_path: Path, path: str, version: str
) -> None:
    subject = f"bridged{path}-{version}"
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
    if version == MODERN[1]:
        bridge.args += ["--protocol", "auto"]
    with (tmp_path / "stderr").open("w") as said:
        connected = Client(stdio_client(bridge, said), mode="legacy", elicitation_callback=answer)
        async with asyncio.timeout(WAIT), connected as client:
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
    software, spoken = latest(site, subject)
    assert "(via mcp-remote 0.15.1)" in software
    assert spoken == version


def mcp_remote(node: str, home: Path, url: str, *arguments: str, **environment: str) -> StdioServerParameters:
    """mcp-remote as a client for stdio starts it."""
    return StdioServerParameters(
        command=node,
        args=[str(programs.MCP_REMOTE), url, *arguments],
        env={"HOME": str(home), "MCP_REMOTE_CONFIG_DIR": str(home / "mcp-auth"), **environment},
    )
