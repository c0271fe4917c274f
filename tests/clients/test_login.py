"""Clients that are given no token: they find the embedded issuer, open a browser, and call as the person in it.

The browser is a program (``tests.person``), which clients are told of by BROWSER.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp.client import Client
from mcp.client.stdio import stdio_client

from tests.clients import node as programs
from tests.clients.conftest import ISSUER_SETTINGS, Desk
from tests.clients.model import model
from tests.clients.node import finish
from tests.clients.test_frameworks_and_agents import (
    PYTHON_CLIENT,
    claude_environment,
    codex_runs,
    configure_codex,
    python_for,
)
from tests.clients.test_with_a_token import MODERN, each_way, mcp_remote
from tests.conftest import copy_sqlite
from tests.databases import rows, rule_for_everybody
from tests.person import add_person
from tests.redis import RedisServer
from tests.round_robin import BalancedSite, balanced_site
from tests.site import free_port

WAIT = 30.0
_REGISTER = """
from allauth.idp.oidc.models import Client
known = Client(id="editor", name="Editor", type=Client.Type.PUBLIC)
known.set_redirect_uris(["http://localhost:1/oauth/callback", "http://127.0.0.1:1/oauth/callback"])
known.set_grant_types(["authorization_code", "refresh_token"])
known.set_response_types(["code"])
known.save()
"""
# Runs a command as a person at a terminal does.
AT_A_TERMINAL = (
    sys.executable,
    "-c",
    "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))",
)
each_registration = pytest.mark.parametrize("registered", ["dynamically", "beforehand"])


@pytest.fixture(scope="module")
def site(
    node: str, nginx: None, redis: RedisServer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BalancedSite]:
    """Two workers of a site with its own issuer, where Dana has an account and "editor" is a known application."""
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    with balanced_site(2, database_url, None, REDIS_URL=redis.url, **ISSUER_SETTINGS) as running:
        rule_for_everybody(database_url, "*")
        add_person(running, "dana", first_name="Dana", last_name="Whitfield")
        done = running.manage("shell", "-c", _REGISTER)
        assert done.returncode == 0, done.stderr
        yield running
        for worker in running.workers:
            worker.assert_no_traceback()
        assert "eyJ" not in running.log


def assert_dana_called(site: BalancedSite, registered: str, software: str, version: str) -> None:
    """The latest call was Dana's, by the application and the software that are expected."""
    query = (
        "SELECT client_name, tool, decision, protocol_version, oauth_client_id, client_software"
        " FROM authz_app_callrecord ORDER BY id DESC LIMIT 1"
    )
    *who, application, told = rows(site.database_url, query)[0]
    assert who == ["Dana Whitfield", "echo", "allowed", version]
    assert (application == "editor") == (registered == "beforehand")
    assert software in told


@each_way
@each_registration
async def test_mcp_remote(site: BalancedSite, node: str, desk: Desk, registered: str, path: str, version: str) -> None:
    arguments = [str(free_port())]
    if registered == "beforehand":
        arguments += ["--static-oauth-client-info", json.dumps({"client_id": "editor"})]
    if version == MODERN[1]:
        arguments += ["--protocol", "auto"]
    bridge = mcp_remote(node, desk.home, f"{site.url}{path}", *arguments, **desk.environment)
    said = desk.home / "stderr"
    try:
        with said.open("w") as log:
            async with asyncio.timeout(WAIT), Client(stdio_client(bridge, log), mode="legacy") as client:
                result = await client.call_tool("echo", {"text": "hello"})
    except BaseException as error:
        raise AssertionError(f"{said.read_text(encoding='utf-8')}\n{desk.browsed}") from error
    assert result.content[0].text == "hello"
    assert_dana_called(site, registered, "(via mcp-remote 0.15.1)", version)


@each_way
@each_registration
async def test_inspector(site: BalancedSite, node: str, desk: Desk, registered: str, path: str, version: str) -> None:
    era = "modern" if version == MODERN[1] else "legacy"
    callback = f"http://127.0.0.1:{free_port()}/oauth/callback"
    options = ["--callback-url", callback, "--protocol-era", era, "--format", "json"]
    if registered == "beforehand":
        options += ["--client-id", "editor"]
    call = ("--method", "tools/call", "--tool-name", "echo", "--tool-arg", "text=hello")
    command = (node, str(programs.INSPECTOR), "--cli", f"{site.url}{path}", *options, *call)
    # Inspector opens no browser without a terminal, unless it is told to.
    ended = await finish(desk.home, *command, seconds=WAIT, MCP_AUTO_OPEN_ENABLED="true", **desk.environment)
    assert ended.code == 0, f"{ended.all}\n{desk.browsed}"
    assert json.loads(ended.out)["result"]["content"] == [{"type": "text", "text": "hello"}]
    assert_dana_called(site, registered, "inspector", version)


@pytest.mark.parametrize("path", ["/sse", "/mcp"])
@each_registration
@pytest.mark.parametrize("line", ["1", "2"])
async def test_the_typescript_sdk(
    site: BalancedSite, node: str, desk: Desk, line: str, registered: str, path: str
) -> None:
    known = ["editor"] if registered == "beforehand" else []
    command = (node, str(programs.TYPESCRIPT_LOGIN), line, f"{site.url}{path}", str(free_port()), *known)
    ended = await finish(desk.home, *command, seconds=WAIT, **desk.environment)
    assert ended.code == 0, f"{ended.all}\n{desk.browsed}"
    assert ended.out == "hello\n"
    assert_dana_called(site, registered, f"typescript-{line} 1", "2025-11-25")


@pytest.mark.parametrize("path", ["/sse", "/mcp"])
async def test_fastmcp(site: BalancedSite, desk: Desk, path: str) -> None:
    command = (python_for("fastmcp"), PYTHON_CLIENT, "fastmcp", f"{site.url}{path}", "hello")
    # Python's webbrowser waits for one that it does not start in the background.
    background = {**desk.environment, "BROWSER": f"{desk.environment['BROWSER']} %s &"}
    ended = await finish(desk.home, *command, **background)
    assert ended.code == 0, f"{ended.all}\n{desk.browsed}"
    assert "hello" in json.loads(ended.out.splitlines()[-1])["told"][0]
    assert_dana_called(site, "dynamically", "mcp", "2025-11-25" if path == "/sse" else "2026-07-28")


@pytest.mark.parametrize("path", ["/sse", "/mcp"])
async def test_claude_code(site: BalancedSite, node: str, desk: Desk, path: str) -> None:
    claude, server = programs.claude_code(), ("site", f"{site.url}{path}")
    transport = "sse" if path == "/sse" else "http"
    with model("echo", {"text": "hello"}) as served:
        environment = {**claude_environment(served), **desk.environment}
        added = ("mcp", "add", "--scope", "user", "--transport", transport, *server)
        for command in ((claude, *added), (*AT_A_TERMINAL, claude, "mcp", "login", "site")):
            ended = await finish(desk.home, *command, **environment)
            assert ended.code == 0, f"{ended.all}\n{desk.browsed}"
        ended = await finish(desk.home, claude, "-p", "Go.", "--allowedTools", "mcp__site__*", **environment)
    assert ended.code == 0, ended.all
    assert "hello" in served.told
    assert_dana_called(site, "dynamically", "claude-code", "2025-11-25" if path == "/sse" else "2026-07-28")


async def test_codex(site: BalancedSite, node: str, desk: Desk) -> None:
    with model("echo", {"text": "hello"}) as served:
        configure_codex(desk.home, f"{site.url}/mcp", served, logs_in=True)
        ended = await finish(desk.home, programs.codex(), "mcp", "login", "site", **desk.environment)
        assert ended.code == 0, f"{ended.all}\n{desk.browsed}"
        ended = await finish(desk.home, *codex_runs(), **desk.environment)
    assert ended.code == 0, ended.all
    assert "hello" in served.told
    assert_dana_called(site, "dynamically", "codex", "2025-06-18")
